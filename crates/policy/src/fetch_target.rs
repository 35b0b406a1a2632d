//! The URL of a fetch, parsed once. What is matched, audited and dialled is the same value.

use std::fmt::{self, Write};

use url::{Position, Url};

use crate::address::{Host, Scheme, split_port};
use crate::resource::ResourceError;
use crate::segment::{MAX_SEGMENTS, decode_url};

/// Most bytes in a URL.
pub const MAX_URL: usize = 8192;

/// An `http` or `https` URL whose text has a single reading, with its path decoded into segments.
///
/// The WHATWG parser quietly repairs what it is given (`..`, `%2e`, `\`, tabs, `0x7f.1`, upper-case hosts). Whatever it
/// would repair is refused here instead, except for three harmless additions: percent-encoding of spaces and non-ASCII
/// characters in path and query, the `/` of an empty path, and leaving out a default port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchTarget {
    url: Url,
    scheme: Scheme,
    host: Host,
    port: u16,
    segments: Vec<String>,
}

impl FetchTarget {
    /// Parses a URL that has one reading.
    ///
    /// # Errors
    /// [`Code::Ambiguous`](crate::Code::Ambiguous) for what a parser would rewrite or a server could read differently,
    /// [`Code::Malformed`](crate::Code::Malformed) for what is no http or https URL of at most 8192 bytes.
    pub fn parse(text: &str) -> Result<FetchTarget, ResourceError> {
        let raw = Raw::split(text)?;
        let (host_text, port) = split_port(raw.authority, raw.scheme)?;
        let host = Host::parse(host_text)?;
        let segments = raw.segments()?;
        let url = Url::parse(text).map_err(|_| ResourceError::malformed("the URL is not valid"))?;
        // INVARIANT: the parser changed nothing but what `canonical` adds, so the checks above were about this value.
        if url.as_str() != raw.canonical(host_text, port) {
            return Err(ResourceError::ambiguous("a URL parser would rewrite the URL; percent-encode it fully"));
        }
        Ok(FetchTarget { url, scheme: raw.scheme, host, port, segments })
    }

    /// The URL to use for the request.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also when it is the default one of the scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path's segments, percent-decoded; empty for the root path. The query is not part of them.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// The host as the URL writes it, with brackets for IPv6.
    pub(crate) fn host_text(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

impl fmt::Display for FetchTarget {
    /// The text for records and reports: without the query, which often holds tokens; `?…` says that there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url[..Position::AfterPath])?;
        f.write_str(if self.url.query().is_some() { "?…" } else { "" })
    }
}

/// The pieces of the text before any parser touched them.
struct Raw<'a> {
    scheme: Scheme,
    authority: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Raw<'a> {
    fn split(text: &'a str) -> Result<Raw<'a>, ResourceError> {
        if text.len() > MAX_URL {
            return Err(ResourceError::malformed("the URL is longer than 8192 bytes"));
        }
        if text.starts_with(' ') || text.ends_with(' ') || text.chars().any(char::is_control) {
            return Err(ResourceError::ambiguous("the URL has a control character, or a space at an end"));
        }
        if text.contains('\\') {
            return Err(ResourceError::ambiguous("the URL has a backslash"));
        }
        if text.contains('#') {
            return Err(ResourceError::ambiguous("the URL has a fragment (`#…`), which is never sent; leave it out"));
        }
        let (scheme, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (Scheme::Https, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (Scheme::Http, rest)
        } else {
            return Err(wrong_scheme(text));
        };
        let (before_query, query) = match rest.split_once('?') {
            Some((before, query)) => (before, Some(query)),
            None => (rest, None),
        };
        let path_at = before_query.find('/').unwrap_or(before_query.len());
        let (authority, path) = before_query.split_at_checked(path_at).unwrap_or((before_query, ""));
        if authority.is_empty() {
            // `https:///host` is repaired to `https://host` by the parser.
            return Err(ResourceError::ambiguous("the URL has no host between `//` and its path"));
        }
        Ok(Raw { scheme, authority, path, query })
    }

    fn segments(&self) -> Result<Vec<String>, ResourceError> {
        let Some(path) = self.path.strip_prefix('/').filter(|path| !path.is_empty()) else { return Ok(Vec::new()) };
        let segments: Vec<String> = path.split('/').map(decode_url).collect::<Result<_, _>>()?;
        if segments.len() >= MAX_SEGMENTS {
            return Err(ResourceError::malformed("the URL has more than 64 segments, host included"));
        }
        Ok(segments)
    }

    /// What the parser must answer if it adds nothing but the three harmless things.
    fn canonical(&self, host: &str, port: u16) -> String {
        let mut text = format!("{}://{host}", self.scheme);
        if port != self.scheme.default_port() {
            let _ = write!(text, ":{port}");
        }
        encode(if self.path.is_empty() { "/" } else { self.path }, &mut text);
        if let Some(query) = self.query {
            text.push('?');
            encode(query, &mut text);
        }
        text
    }
}

fn encode(part: &str, text: &mut String) {
    for c in part.chars() {
        if c.is_ascii() && c != ' ' {
            text.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
}

fn wrong_scheme(text: &str) -> ResourceError {
    let scheme = text.split(':').next().unwrap_or_default();
    if text.contains(':') && (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) {
        ResourceError::ambiguous("the URL does not start with exactly `https://` or `http://`")
    } else {
        ResourceError::malformed("the URL is neither http nor https")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Code;

    #[test]
    fn plain_urls_are_read() {
        let target = FetchTarget::parse("https://api.example.com/v1/%61dmin/b%20c?q=1&r=%2F").unwrap();
        assert_eq!(target.segments(), ["v1", "admin", "b c"]);
        assert_eq!((target.scheme(), target.port()), (Scheme::Https, 443));
        assert_eq!(target.host(), &Host::Name("api.example.com".into()));
        assert_eq!(target.url().as_str(), "https://api.example.com/v1/%61dmin/b%20c?q=1&r=%2F");
    }

    #[test]
    fn harmless_additions_are_made() {
        for (text, url) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example?x=1", "https://a.example/?x=1"),
            ("https://a.example:443/x", "https://a.example/x"),
            ("http://a.example:80", "http://a.example/"),
            ("https://a.example/ü b?ö c", "https://a.example/%C3%BC%20b?%C3%B6%20c"),
            ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
            ("https://a.example/x?", "https://a.example/x?"),
        ] {
            assert_eq!(FetchTarget::parse(text).unwrap().url().as_str(), url);
        }
    }

    #[test]
    fn the_query_stays_out_of_records() {
        let shown = |text| FetchTarget::parse(text).unwrap().to_string();
        assert_eq!(shown("https://a.example:8443/x?token=hunter2"), "https://a.example:8443/x?…");
        assert_eq!(shown("https://a.example/x"), "https://a.example/x");
    }

    #[test]
    fn what_a_parser_would_repair_is_ambiguous() {
        let cases = [
            "https://a.example/../x",
            "https://a.example/x/..",
            "https://a.example/./x",
            "https://a.example/%2e%2E/x",
            "https://a.example//x",
            "https://a.example/x/",
            "https://a.example/x//y",
            "https://a.example\\x",
            "https:\\\\a.example",
            "https:/a.example/",
            "https:a.example",
            "https:///a.example/",
            "HTTPS://a.example/",
            "https://A.example/",
            "https://a.example./",
            "https://user@a.example/",
            "https://u:p@a.example/",
            "https://b\u{fc}cher.example/",
            "https://\u{ff41}.example/",
            "https://a.example:/",
            "https://a.example:0443/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://1.2.3.4./",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1%25lo]/",
            "https://a.example/a%2fb",
            "https://a.example/a%5cb",
            "https://a.example/%00",
            "https://a.example/%252e%252e/x",
            "https://a.example/%zz",
            "https://a.example/%c0%ae",
            "https://a.example/x#f",
            "https://a.example/\tx",
            "ht\ntps://a.example/",
            " https://a.example/",
            "https://a.example/ ",
            "https://a.example/{x}",
            "https://a.example/x?q='",
            "https://a.example/\"",
            "https://a.example/..;/x",
            "https://a.example/v1/admin;a=b",
            "https://a.example/v1/admin;",
            "https://a.example/v1/admin%3b",
            "https://a.example/v1/admin%20",
            "https://a.example/v1/admin /x",
            "https://a.example/v1/%20admin",
            "https://a.example/v1/admin.",
            "https://a.example/v1/admin%2E/x",
            "https://a.example/v1/%E2%80%8Badmin",
            "https://a.example/v1/ad\u{200b}min",
            "https://a.example/v1/admin%C2%A0",
            "https://a%2eexample/",
            "https://a.example%00/",
            "https://a.example@b.example/",
        ];
        for text in cases {
            assert_eq!(FetchTarget::parse(text).map_err(|e| e.code()), Err(Code::Ambiguous), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_such_url_is_malformed() {
        let long = format!("https://a.example/{}", "a".repeat(MAX_URL));
        let deep = format!("https://a.example{}", "/a".repeat(64));
        let cases = [
            "",
            "a.example",
            "ftp://a.example/",
            "file:///etc/passwd",
            "data:,x",
            "//a.example/",
            "https://a.example:0/",
            "https://a.example:99999/",
            "https://a b.example/",
            "https://xn--a.example/",
            &long,
            &deep,
            "javascript:1",
            "https://a_b.example/",
        ];
        for text in cases {
            assert_eq!(FetchTarget::parse(text).map_err(|e| e.code()), Err(Code::Malformed), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_and_what_is_read_reads_back_equal(
            text in prop_oneof![".*", "https?://[a-z0-9.:@\\[\\]%\\\\-]{1,12}[/?#.%a-f0-9; \\\\]{0,20}"]
        ) {
            if let Ok(target) = FetchTarget::parse(&text) {
                let again = FetchTarget::parse(target.url().as_str()).unwrap();
                prop_assert_eq!(again, target);
            }
        }
    }
}
