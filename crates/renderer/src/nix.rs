//! Nix source text, the part of it that `Cargo.nix` needs. Layout is nixfmt's business, not this module's.

use std::fmt::Write;

/// A Nix string literal that evaluates to `text`.
///
/// Every string of every `Cargo.nix` goes through here. NUL is left out: neither Nix nor an environment variable can
/// hold it, and cargo itself fails on a manifest that has one.
pub fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '$' if chars.peek() == Some(&'{') => literal.push_str("\\$"),
            '\0' => {}
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// An attribute name: bare where Nix allows it, else quoted.
pub(crate) fn attribute(name: &str) -> String {
    let mut chars = name.chars();
    let bare = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name);
    if bare { name.to_owned() } else { string(name) }
}

const KEYWORDS: [&str; 10] = ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

/// A list of expressions.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    let mut text = "[".to_owned();
    for item in items {
        let _ = write!(text, " {item}");
    }
    text.push_str(" ]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, literal: &str) {
        assert_eq!(string(text), literal);
    }

    #[test]
    fn strings_are_escaped() {
        check("plain", r#""plain""#);
        check(r#"say "hi""#, r#""say \"hi\"""#);
        check(r"back\slash", r#""back\\slash""#);
        check("${pwd} $HOME $$ {}", r#""\${pwd} $HOME $$ {}""#);
        check("$${pwd}", r#""$\${pwd}""#);
        check("two\nlines\r\ttab", r#""two\nlines\r\ttab""#);
        check("'' ''${", r#""'' ''\${""#);
    }

    #[test]
    fn attribute_names_are_quoted_when_they_must_be() {
        assert_eq!(attribute("libc"), "libc");
        assert_eq!(attribute("license-file"), "license-file");
        assert_eq!(attribute("libc@1.0.0"), r#""libc@1.0.0""#);
        assert_eq!(attribute("or"), r#""or""#);
        assert_eq!(attribute("7z"), r#""7z""#);
    }
}
