//! Conversion of strings in manifests for CycloneDX: strings are on one line, and URLs and licenses are valid.

/// Percent-encodes characters with a special meaning in a package URL and those that are invalid in URLs.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '.' | '-' | '_' | '~' | ':' | '/' => encoded.push(c),
            c if c == ' ' || c.is_ascii_punctuation() => encoded.push_str(&format!("%{:02X}", u32::from(c))),
            c => encoded.push(c),
        }
    }
    encoded
}

/// Replaces line breaks and tabs, which CycloneDX does not allow in its normalized strings.
pub(super) fn one_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r', '\u{8}', '\u{c}'], " ")
}

/// GNU licenses for which SPDX has replaced `+` by `-or-later`.
const OR_LATER: [&str; 7] = ["GPL-1.0", "GPL-2.0", "GPL-2.1", "GPL-3.0", "GFDL-1.1", "GFDL-1.2", "GFDL-1.3"];

/// The license as an SPDX expression; `None` if it is invalid. A slash, cargo's former notation, is converted to `OR`.
///
/// Deprecated ids are accepted, as crates.io accepts them.
pub(super) fn spdx_expression(license: &str) -> Option<String> {
    const MODE: spdx::ParseMode = spdx::ParseMode { allow_deprecated: true, ..spdx::ParseMode::STRICT };
    let parts: Vec<&str> = license.split('/').map(|part| part.trim_matches(' ')).collect();
    let mut expression = parts.join(" OR ");
    for id in OR_LATER {
        expression = expression.replace(&format!("{id}+"), &format!("{id}-or-later"));
    }
    let is_plain = !expression.contains(['\t', '\n', '\r']);
    (is_plain && spdx::Expression::parse_mode(&expression, MODE).is_ok()).then_some(expression)
}

/// Whether the string is a URL with a host, in the characters of RFC 3986. A manifest may contain any string, and an
/// invalid URL would make the document invalid.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+.-".contains(&c));
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (name, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let is_host = !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c));
    let is_port = !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit());
    let (path, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    text.len() <= 2000 && is_scheme && is_host && is_port && is_part(path) && is_part(fragment)
}

fn is_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, c)| match c {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        c => c.is_ascii_alphanumeric() || b"._~!$&'()*+,;=:@/?-".contains(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_urls_are_accepted() {
        for url in ["https://a.example", "git+ssh://a:22/x.git", "http://a/?b=%20#c", "https://a/(b)'c"] {
            assert!(is_url(url), "{url}");
        }
        for text in
            ["", "a.example/x", "git@a:b/c", "https://", "https://a b", "https://a:x/", "https://a/%2", "s://a/{}"]
        {
            assert!(!is_url(text), "{text}");
        }
        assert!(!is_url("https://a/#b#c") && !is_url("https://a/\u{e9}") && !is_url("1s://a"));
    }

    #[test]
    fn only_valid_spdx_expressions_are_accepted() {
        let expression = |text| spdx_expression(text);
        assert_eq!(expression("MIT/Apache-2.0").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(expression("MIT / Apache-2.0").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(expression("LGPL-2.1+ AND (MIT OR ISC)").as_deref(), Some("LGPL-2.1-or-later AND (MIT OR ISC)"));
        assert_eq!(expression("GPL-2.0 OR EUPL-1.2+").as_deref(), Some("GPL-2.0 OR EUPL-1.2+"));
        let with = "Apache-2.0 WITH LLVM-exception OR LicenseRef-own";
        assert_eq!(expression(with).as_deref(), Some(with));
        for text in ["", "proprietary", "MIT Or ISC", "MIT OR", "MIT\nOR ISC", "MIT OR ${HOME}"] {
            assert_eq!(expression(text), None, "{text}");
        }
    }

    #[test]
    fn special_characters_are_encoded() {
        assert_eq!(encode("git+https://a/b%20c@d#e"), "git%2Bhttps://a/b%2520c%40d%23e");
        assert_eq!(encode("1.0.0-rc.1+b_~"), "1.0.0-rc.1%2Bb_~");
    }
}
