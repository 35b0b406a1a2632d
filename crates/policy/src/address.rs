//! Where a request goes: scheme, host and port, in their one canonical spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::resource::ResourceError;

/// The schemes that a guest may fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    Http,
    Https,
}

/// A host name in lower-case A-labels without a trailing dot, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    Name(String),
    Ip(IpAddr),
}

impl Scheme {
    pub const fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    pub const fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Host {
    /// Reads a host that is already in its canonical spelling; whatever a URL parser would rewrite is ambiguous.
    pub(crate) fn parse(text: &str) -> Result<Host, ResourceError> {
        if let Some(rest) = text.strip_prefix('[') {
            return parse_ipv6(rest.strip_suffix(']').ok_or_else(bad_ipv6)?);
        }
        check_name(text)?;
        if !ends_in_number(text) {
            return if is_plain_name(text) { Ok(Host::Name(text.to_owned())) } else { Err(bad_label()) };
        }
        match text.parse::<Ipv4Addr>() {
            // INVARIANT: the text equals the address's only canonical spelling, so no two texts name one host.
            Ok(address) if address.to_string() == text => Ok(Host::Ip(IpAddr::V4(address))),
            _ => Err(ResourceError::ambiguous("the host is an oddly written IPv4 address; write four decimal numbers")),
        }
    }

    pub(crate) fn is_name(&self) -> bool {
        matches!(self, Host::Name(_))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Host {
    /// As in a URL: an IPv6 address stands in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Ip(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Splits `host[:port]`; a port is decimal without leading zeros, and defaults to that of the scheme.
pub(crate) fn split_port(text: &str, scheme: Scheme) -> Result<(&str, u16), ResourceError> {
    if text.contains('@') {
        return Err(ResourceError::ambiguous("the host carries a user name or password"));
    }
    let host_end = if text.starts_with('[') {
        text.find(']').map(|end| end + 1).ok_or_else(bad_ipv6)?
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at_checked(host_end).ok_or_else(bad_ipv6)?;
    if rest.is_empty() {
        return Ok((host, scheme.default_port()));
    }
    let digits = rest.strip_prefix(':').ok_or_else(bad_ipv6)?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) || digits.starts_with('+') {
        return Err(ResourceError::ambiguous("the port is empty or has leading zeros"));
    }
    match digits.parse::<u16>() {
        Ok(port) if port != 0 => Ok((host, port)),
        _ => Err(ResourceError::malformed("the port is not a number from 1 to 65535")),
    }
}

fn check_name(text: &str) -> Result<(), ResourceError> {
    if text.is_empty() {
        return Err(ResourceError::malformed("the host is missing"));
    }
    if text.contains(['@', '%', '\\']) || !text.is_ascii() || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ResourceError::ambiguous("the host is not in lower-case A-labels (`xn--…` for other scripts)"));
    }
    if text.ends_with('.') {
        return Err(ResourceError::ambiguous("the host ends with a dot"));
    }
    if text.len() > 253 || text.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(ResourceError::malformed("the host has an empty label, one over 63 bytes, or is over 253 bytes"));
    }
    let bytes_fit = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    if !bytes_fit || text.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
        return Err(ResourceError::malformed("the host has characters that no host name has"));
    }
    Ok(())
}

/// Whether every `xn--` label decodes, and to the one Unicode form that encodes back to it.
fn is_plain_name(text: &str) -> bool {
    !text.contains("xn--") || matches!(url::Host::parse(text), Ok(url::Host::Domain(domain)) if domain == text)
}

/// The WHATWG rule for "this is meant to be an IPv4 address".
fn ends_in_number(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or(text);
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|b| b.is_ascii_digit())
}

fn parse_ipv6(text: &str) -> Result<Host, ResourceError> {
    let address: Ipv6Addr = text.parse().map_err(|_| bad_ipv6())?;
    // Addresses of two families at once have two readings, whatever their spelling.
    if address.to_ipv4_mapped().is_some() || is_ipv4_compatible(address) {
        return Err(ResourceError::ambiguous("the host is an IPv4 address inside an IPv6 address"));
    }
    if address.to_string() != text {
        return Err(ResourceError::ambiguous("the IPv6 address is not in its shortest spelling"));
    }
    Ok(Host::Ip(IpAddr::V6(address)))
}

fn is_ipv4_compatible(address: Ipv6Addr) -> bool {
    matches!(address.segments(), [0, 0, 0, 0, 0, 0, high, _] if high != 0)
}

fn bad_label() -> ResourceError {
    ResourceError::malformed("the host has an `xn--` label that is not the encoding of a name")
}

fn bad_ipv6() -> ResourceError {
    ResourceError::ambiguous("the host is not a plain IPv6 address in brackets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[test]
    fn canonical_hosts_are_read() {
        for text in
            ["a", "localhost", "api.example.com", "xn--bcher-kva.example", "1.2.3.4", "[::1]", "[2001:db8::1]", "1a.b"]
        {
            assert_eq!(Host::parse(text).unwrap().to_string(), text);
        }
        assert!(matches!(Host::parse("127.0.0.1").unwrap(), Host::Ip(IpAddr::V4(_))));
    }

    #[test]
    fn odd_hosts_are_ambiguous() {
        let cases = [
            "Example.com",
            "bücher.example",
            "a.example.",
            "u@h",
            "u:p@h",
            "%61.example",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "1.2.3",
            "1.2.3.04",
            "1.2.3.4.5",
            "0x7f000001",
            "example.0x",
            "[::ffff:1.2.3.4]",
            "[::ffff:102:304]",
            "[::1.2.3.4]",
            "[::102:304]",
            "[0:0:0:0:0:0:0:1]",
            "[::0001]",
            "[2001:DB8::1]",
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "[::1",
            "[]",
            "a.999",
        ];
        for text in cases {
            assert_eq!(Host::parse(text).map_err(|e| e.code()), Err(Code::Ambiguous), "{text:?}");
        }
    }

    #[test]
    fn hosts_that_cannot_be_are_malformed() {
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "",
            "a..b",
            ".a",
            "a_b.example",
            "-a.example",
            "a-.example",
            "a b",
            "a!b",
            "*.a",
            "xn--a.example",
            long.as_str(),
        ] {
            assert_eq!(Host::parse(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
    }

    #[test]
    fn ports() {
        assert_eq!(split_port("h", Scheme::Https).unwrap(), ("h", 443));
        assert_eq!(split_port("h:80", Scheme::Https).unwrap(), ("h", 80));
        assert_eq!(split_port("[::1]:8443", Scheme::Http).unwrap(), ("[::1]", 8443));
        for text in ["h:", "u:p@h", "u@h", "h:080", "h:+1", "[::1]x", "[::1"] {
            assert_eq!(split_port(text, Scheme::Https).map_err(|e| e.code()), Err(Code::Ambiguous), "{text:?}");
        }
        for text in ["h:0", "h:65536", "h:1:2", "h:x", "h:-1"] {
            assert_eq!(split_port(text, Scheme::Https).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
    }
}
