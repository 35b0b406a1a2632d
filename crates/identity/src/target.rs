//! The URI of a request as a proof names it (`htu`, RFC 9449 §4.2), in one spelling.

use std::fmt;

use url::Url;

/// An `http` or `https` URI without query and fragment, normalised as in RFC 3986 §6.2.2 and §6.2.3: scheme and host in
/// lower case, the default port left out, `.` and `..` resolved, percent-encodings of unreserved characters decoded and
/// of others in upper case, an empty path written `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// Bytes of a URI at most.
    pub const MAX_BYTES: usize = 2048;

    /// Parses a URI; a query and a fragment are left out.
    ///
    /// Only what RFC 3986 calls a URI is taken. User information, hosts that a browser would repair (`0x7f.1`,
    /// non-ASCII names) and characters that have to be encoded are refused.
    pub fn parse(text: &str) -> Option<Target> {
        if text.len() > Self::MAX_BYTES {
            return None;
        }
        let text = text.split(['?', '#']).next().unwrap_or_default();
        if !text.bytes().all(is_uri_byte) || !percent_encodings_are_whole(text) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') || authority.contains('%') {
            return None;
        }
        let path = rest.get(authority.len()..).unwrap_or_default();
        if path.contains(['[', ']']) {
            return None;
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let host = url.host_str()?;
        // The parser lowers the case of a host, which is normalisation, and repairs it, which is not.
        let typed = authority.to_ascii_lowercase();
        let port = typed.strip_prefix(host)?;
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|digits| !digits.starts_with('+'));
        if !is_port || !scheme.eq_ignore_ascii_case(url.scheme()) {
            return None;
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(Target(format!("{}://{host}{port}{}", url.scheme(), normal_path(url.path()))))
    }

    /// The normalised text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 3986 §2: reserved, unreserved, and `%`.
fn is_uri_byte(byte: u8) -> bool {
    is_unreserved(byte) || b":/?#[]@!$&'()*+,;=%".contains(&byte)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn percent_encodings_are_whole(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| rest.get(..2).is_some_and(|digits| hex(digits).is_some()))
}

fn hex(digits: &str) -> Option<u8> {
    let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// The path with each percent-encoding in its one form. The parser has resolved the dots, encoded ones too.
fn normal_path(path: &str) -> String {
    let mut pieces = path.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_at_checked(2).and_then(|(digits, rest)| Some((hex(digits)?, rest))) {
            Some((byte, rest)) if is_unreserved(byte) => {
                normal.push(char::from(byte));
                normal.push_str(rest);
            }
            Some((byte, rest)) => normal.push_str(&format!("%{byte:02X}{rest}")),
            None => {
                normal.push('%');
                normal.push_str(piece);
            }
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> Option<String> {
        Target::parse(text).map(|target| target.to_string())
    }

    #[test]
    fn one_spelling() {
        for text in [
            "https://server.example/v1/runs",
            "HTTPS://Server.Example/v1/runs",
            "https://server.example:443/v1/runs",
            "https://server.example:/v1/runs",
            "https://server.example/v1/x/../runs",
            "https://server.example/./v1/%72uns",
            "https://server.example/v1/x/%2e%2E/runs",
            "https://server.example/v1/runs?x=1",
            "https://server.example/v1/runs#y",
            "https://server.example/v1/runs?x=/../..#?",
        ] {
            assert_eq!(normal(text).as_deref(), Some("https://server.example/v1/runs"), "{text}");
        }
        assert_eq!(normal("http://h:80").as_deref(), Some("http://h/"));
        assert_eq!(normal("http://h:8080/").as_deref(), Some("http://h:8080/"));
        assert_eq!(normal("https://[::1]:8443/a").as_deref(), Some("https://[::1]:8443/a"));
        assert_eq!(normal("https://127.0.0.1/a").as_deref(), Some("https://127.0.0.1/a"));
        assert_eq!(normal("https://h/a%2fb%2Fc%7e%41").as_deref(), Some("https://h/a%2Fb%2Fc~A"));
        assert_eq!(normal("https://h/a?b=c d").as_deref(), Some("https://h/a"), "the query is not looked at");
    }

    #[test]
    fn different_resources_stay_different() {
        let spellings = [
            "https://h/a",
            "https://h/a/",
            "https://h/A",
            "https://h//a",
            "https://h/a%2F",
            "http://h/a",
            "https://h:444/a",
            "https://h.example/a",
            "https://h/a;b",
            "https://h/%61%2561",
        ];
        let distinct: std::collections::HashSet<_> = spellings.iter().map(|text| normal(text).unwrap()).collect();
        assert_eq!(distinct.len(), spellings.len());
    }

    #[test]
    fn what_is_no_such_uri_is_refused() {
        for text in [
            "",
            "/v1/runs",
            "//h/a",
            "h/a",
            "ftp://h/a",
            "https:h/a",
            "https:///a",
            "https://",
            "https://u@h/a",
            "https://u:p@h/a",
            "https://h\\a",
            "https://h/a b",
            "https://h/ä",
            "https://hä/a",
            "https://h/%",
            "https://h/%4",
            "https://h/%zz",
            "https://h/%+1",
            "https://h/<a>",
            "https://0x7f.1/a",
            "https://0177.0.0.1/a",
            "https://127.1/a",
            "https://[::0:1]/a",
            "https://h:99999/a",
            "https://h:x/a",
            "https://h:+443/a",
            " https://h/a",
            "https://h/a\n",
            "https://%68/a",
            "javascript://h/a",
            "https://h/[a]",
        ] {
            assert_eq!(normal(text), None, "{text}");
        }
        assert_eq!(normal(&format!("https://h/{}", "a".repeat(2048))), None);
    }
}
