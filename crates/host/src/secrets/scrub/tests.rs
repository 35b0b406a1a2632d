use data_encoding::{BASE64, BASE64_MIME, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use proptest::prelude::*;

use super::*;

const SECRET: &[u8] = b"s3cr3t/v\"lue&+%41 <x>~";

fn scrubber(values: &[&[u8]]) -> Scrubber {
    let needle = |(at, value): (usize, &&[u8])| Arc::new(Needle::new(format!("PLACEHOLDER{at}").into(), value));
    Scrubber::new(values.iter().enumerate().map(needle).collect())
}

fn scrubbed(text: &[u8]) -> Vec<u8> {
    scrubber(&[SECRET]).whole(text).unwrap_or_else(|| text.to_vec())
}

fn percent(all: bool, upper: bool) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() && !all => vec![*byte],
        byte if upper => format!("%{byte:02X}").into_bytes(),
        byte => format!("%{byte:02x}").into_bytes(),
    };
    SECRET.iter().flat_map(escape).collect()
}

fn in_json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted.get(1..quoted.len() - 1).unwrap().to_owned()
}

fn forms() -> Vec<Vec<u8>> {
    let json = in_json(std::str::from_utf8(SECRET).unwrap());
    let json = json.as_bytes();
    let slashes = String::from_utf8(json.to_vec()).unwrap().replace('/', "\\/").replace('<', "\\u003C");
    let html = std::str::from_utf8(SECRET).unwrap();
    let html = html.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&#x3e;");
    let unicode: String = SECRET.iter().map(|byte| format!("\\u{byte:04x}")).collect();
    let mut forms = vec![
        SECRET.to_vec(),
        SECRET.to_ascii_uppercase(),
        percent(false, true),
        percent(false, false),
        percent(true, true),
        String::from_utf8(percent(false, true)).unwrap().replace("%20", "+").into_bytes(),
        json.to_vec(),
        slashes.into_bytes(),
        html.into_bytes(),
        unicode.clone().into_bytes(),
        HEXLOWER.encode(SECRET).into_bytes(),
        HEXUPPER.encode(SECRET).into_bytes(),
    ];
    for before in ["", "u:", "user:", "us:"] {
        for behind in ["", "x", ":y"] {
            let text = [before.as_bytes(), SECRET, behind.as_bytes()].concat();
            forms.push(BASE64.encode(&text).into_bytes());
            forms.push(BASE64.encode(&text).replace('/', "\\/").replace('+', "%2B").into_bytes());
            forms.push(BASE64URL.encode(&text).into_bytes());
            forms.push(BASE64_NOPAD.encode(&text).into_bytes());
        }
    }
    // Escaped again, and within Base64.
    let mut nested = vec![json.to_vec(), percent(false, true), percent(true, false)];
    for _ in 1..3 {
        let again = nested.iter().flat_map(|text| {
            let text = std::str::from_utf8(text).unwrap();
            [in_json(text).into_bytes(), text.replace('%', "%25").into_bytes(), text.replace('&', "&amp;").into_bytes()]
        });
        nested.extend(again.collect::<Vec<_>>());
    }
    nested.push(in_json(&unicode).into_bytes());
    for before in ["", "{\"token\":\"", "x"] {
        let packed = |text: &Vec<u8>| BASE64.encode(&[before.as_bytes(), text, b"\"}"].concat()).into_bytes();
        forms.extend(nested.iter().map(packed).collect::<Vec<_>>());
    }
    forms.extend(nested);
    let utf16 = |order: fn(u16) -> [u8; 2]| SECRET.iter().flat_map(|byte| order(u16::from(*byte))).collect::<Vec<u8>>();
    for text in [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes)] {
        forms.push(BASE64.encode(&text).into_bytes());
        forms.push(text);
    }
    let long = [&[b'x'; 50][..], SECRET].concat();
    forms.push(BASE64_MIME.encode(&long).into_bytes());
    forms.push(BASE64_MIME.encode(&long).replace("\r\n", "\\n").into_bytes());
    forms
}

/// Whether six bytes of the value in a row can be read off the text, however it is encoded.
fn tells(text: &[u8]) -> bool {
    let found = |text: &[u8]| SECRET.windows(6).any(|part| text.windows(6).any(|w| w.eq_ignore_ascii_case(part)));
    let digits: Vec<u8> = text.iter().copied().filter(|byte| base64::is_digit(*byte)).collect();
    let url: Vec<u8> = digits
        .iter()
        .map(|b| match b {
            b'+' => b'-',
            b'/' => b'_',
            b => *b,
        })
        .collect();
    let decoded = (0..4).any(|skip| {
        let from = url.get(skip..).unwrap_or_default();
        let mut encoding = BASE64URL_NOPAD.specification();
        encoding.check_trailing_bits = false;
        let encoding = encoding.encoding().unwrap();
        [from.len(), from.len().saturating_sub(1)]
            .iter()
            .any(|len| encoding.decode(&from[..*len]).is_ok_and(|d| found(&d)))
    });
    found(text) || decoded
}

#[test]
fn the_value_is_found_in_every_form() {
    for form in forms() {
        let text = [b"{\"a\": \"", &form[..], b"\"}"].concat();
        let clean = scrubbed(&text);
        let shown = String::from_utf8_lossy(&clean);
        assert!(shown.contains("PLACEHOLDER0"), "{} gave {shown}", String::from_utf8_lossy(&text));
        assert!(shown.starts_with("{\"a\": \"") && shown.ends_with("\"}"), "{shown}");
        assert!(!tells(&clean), "{} gave {shown}", String::from_utf8_lossy(&text));
        assert!(scrubber(&[SECRET]).finds(&text));
    }
}

#[test]
fn wherever_chunks_end() {
    for form in forms() {
        let text = [b"before ", &form[..], &[b'.'; 900], b" behind ", &form[..], &[b'.'; 900]].concat();
        let whole = scrubbed(&text);
        for size in [1, 2, 3, 7, 64] {
            let mut scrubber = scrubber(&[SECRET]);
            let mut streamed: Vec<u8> = text.chunks(size).flat_map(|chunk| scrubber.push(chunk)).collect();
            streamed.extend(scrubber.finish());
            assert_eq!(String::from_utf8_lossy(&streamed), String::from_utf8_lossy(&whole), "chunks of {size}");
        }
    }
}

#[test]
fn what_streams_is_held_back_no_longer_than_needed() {
    let mut scrubber = scrubber(&[SECRET]);
    let text = vec![b'.'; 1 << 16];
    let first = scrubber.push(&text).len();
    assert_eq!(first, text.len() - WIDEST * SECRET.len());
    assert_eq!(first + scrubber.finish().len(), text.len());
}

#[test]
fn letters_outside_ascii_are_found_too() {
    let value = "pässwörd-😀-\u{10348}-ünïcode";
    let escaped = |escape: &dyn Fn(char) -> String| -> String {
        value.chars().map(|c| if c.is_ascii() { c.to_string() } else { escape(c) }).collect()
    };
    let halves = escaped(&|c| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect());
    let points = escaped(&|c| format!("\\u{{{:x}}}", u32::from(c)));
    let html = escaped(&|c| format!("&#{};", u32::from(c)));
    let bytes = escaped(&|c| c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect());
    let little: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = value.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let twice = in_json(&halves);
    let packed = BASE64.encode(halves.as_bytes());
    let texts = [value, &halves, &points, &html, &bytes, &twice, &packed].map(str::as_bytes);
    for text in texts.into_iter().chain([&little[..], &big]) {
        let text = [b"<", text, b">"].concat();
        let clean = scrubber(&[value.as_bytes()]).whole(&text).unwrap_or_default();
        let shown = String::from_utf8_lossy(&clean);
        assert!(shown.contains("PLACEHOLDER0") && clean.len() < 20, "{} gave {shown}", String::from_utf8_lossy(&text));
    }
}

/// What the reference says is not recognised.
#[test]
fn limits_are_as_documented() {
    let text = std::str::from_utf8(SECRET).unwrap();
    let backwards: Vec<u8> = SECRET.iter().rev().copied().collect();
    let twice = BASE64.encode(BASE64.encode(SECRET).as_bytes());
    let apart = text.chars().map(String::from).collect::<Vec<_>>().join("-");
    let deep = (0..5).fold("%61%62%63%64".repeat(4), |text, _| text.replace('%', "%25"));
    assert!(scrubber(&[SECRET]).whole(&backwards).is_none());
    assert!(scrubber(&[SECRET]).whole(twice.as_bytes()).is_none());
    assert!(scrubber(&[SECRET]).whole(apart.as_bytes()).is_none());
    assert!(scrubber(&[b"abcdabcdabcdabcd"]).whole(deep.as_bytes()).is_none());
}

#[test]
fn the_longer_of_two_values_wins_and_all_are_found() {
    let clean = scrubber(&[b"password", b"password-2"]).whole(b"password-2 password password-").unwrap();
    assert_eq!(String::from_utf8(clean).unwrap(), "PLACEHOLDER1 PLACEHOLDER0 PLACEHOLDER0-");
    assert!(scrubber(&[SECRET]).whole(b"nothing of it").is_none());
}

#[test]
fn a_text_full_of_beginnings_is_quick() {
    let beginnings: [&[u8]; 6] = [b"s3cr3t/v%5c\\u0073&#x73;czNj", b"czNjcjN0", b"\\", b"%25", b"&amp;", b"\\\\ud83d"];
    for beginning in beginnings {
        let text: Vec<u8> = beginning.iter().copied().cycle().take(1 << 18).collect();
        assert!(scrubber(&[SECRET]).whole(&text).is_none());
    }
}

proptest! {
    #[test]
    fn other_text_is_left_alone(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(scrubbed(&text), text);
    }

    #[test]
    fn chunks_never_matter(
        parts in proptest::collection::vec(0..forms().len() + 4, 0..40),
        cuts in proptest::collection::vec(1..40usize, 1..40),
    ) {
        let forms = forms();
        let filler: [&[u8]; 4] = [b"aGVsbG8", b"%", b"\\u00", b"s3cr3t"];
        let part = |at: &usize| forms.get(*at).map_or_else(|| filler[at - forms.len()].to_vec(), Clone::clone);
        let text: Vec<u8> = parts.iter().flat_map(part).collect();
        let mut scrubber = scrubber(&[SECRET]);
        let (mut streamed, mut rest, mut cuts) = (Vec::new(), &text[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
            streamed.extend(scrubber.push(chunk));
            rest = tail;
        }
        streamed.extend(scrubber.finish());
        prop_assert_eq!(streamed, scrubbed(&text));
    }
}
