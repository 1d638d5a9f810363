//! A fast check whether a macro call or attribute in a source file may refer to a file outside of the package. Most
//! strings with `../` are ordinary ones, and parsing a file takes many times as long as this check.
//!
//! It recognises comments, strings and brackets as rustc's lexer does, and ignores `cfg` conditions. If it is not
//! certain, the file is parsed.

use super::tokens::{TEXTS, WITHOUT_FILES};
use super::workspace_macros::{GIT_MACROS, QUERY_MACROS};
use super::{DEEPEST, OTHER_TARGETS, tokens};

/// Options of the check.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance {
    /// Whether a path without `..` may lead out of the package, because other packages are below it.
    pub(super) any_directory: bool,
    /// Whether any text may lead out of the package, as links next to the manifest do.
    pub(super) any_name: bool,
}

/// Whether [`tokens::scan`] may find anything in a source file.
pub(super) fn matters(text: &str, glance: Glance) -> bool {
    let text = tokens::without_shebang(text.trim_start_matches('\u{feff}'));
    Lexer { bytes: text.as_bytes(), at: 0, glance, tests: None }.matters().unwrap_or(true)
}

/// How the strings within a pair of brackets are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    /// They are not paths.
    Plain,
    /// They may be paths, at any depth.
    Named,
    /// They may be paths, and `path = "..."` may occur as well.
    Conditional,
    /// The contents are compiled only for tests.
    Unbuilt,
}

/// The tokens before a bracket that decide which group it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before<'a> {
    Other,
    Name(&'a [u8]),
    /// A name followed by `!`.
    Call(&'a [u8]),
    /// `#` or `#!`.
    Hash,
    /// `#` or `#!` after a name, so that it may be part of another token.
    HashOfName,
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    glance: Glance,
    /// Offset of the bracket that opens the next test module.
    tests: Option<usize>,
}

impl<'a> Lexer<'a> {
    /// `None` if the text is not valid Rust or is nested too deeply.
    fn matters(&mut self) -> Option<bool> {
        let mut open: Vec<Group> = Vec::new();
        let mut before = Before::Other;
        while let Some(&byte) = self.bytes.get(self.at) {
            let from = self.at;
            let group = open.last().copied().unwrap_or(Group::Plain);
            self.at += 1;
            let mut text = None;
            match byte {
                b'/' if self.peek() == Some(b'/') => {
                    let end = memchr::memchr(b'\n', &self.bytes[from..]);
                    self.at = end.map_or(self.bytes.len(), |end| from + end);
                    text = self.documentation(from, &mut before);
                }
                b'/' if self.peek() == Some(b'*') => {
                    self.comment()?;
                    text = self.documentation(from, &mut before);
                }
                // White space may stand between a name and its bracket.
                b'\t'..=b'\r' | b' ' => {}
                b'"' => {
                    text = Some(self.string()?);
                    before = Before::Other;
                }
                b'\'' => {
                    self.character();
                    before = Before::Other;
                }
                b'0'..=b'9' => {
                    self.word();
                    before = Before::Other;
                }
                b'(' | b'[' | b'{' => {
                    let opened = match before {
                        _ if group == Group::Unbuilt || self.tests == Some(from) => Group::Unbuilt,
                        Before::Call(name) if is_always_read(name) => return Some(true),
                        Before::Call(name) if is_one(name, &TEXTS) => Group::Plain,
                        Before::Call(_) => Group::Named,
                        Before::Hash | Before::HashOfName => match (group, self.attribute()?) {
                            (Group::Plain, attribute) => {
                                self.tests = self.module_of_tests().filter(|_| before == Before::Hash);
                                attribute
                            }
                            (_, Group::Conditional) => Group::Conditional,
                            _ => group,
                        },
                        _ => group,
                    };
                    open.push(opened);
                    if open.len() > DEEPEST - 2 {
                        return None;
                    }
                    before = Before::Other;
                }
                b')' | b']' | b'}' => {
                    open.pop()?;
                    before = Before::Other;
                }
                b'!' => {
                    before = match before {
                        Before::Name(name) => Before::Call(name),
                        Before::Hash | Before::HashOfName => before,
                        _ => Before::Other,
                    };
                }
                b'#' => before = if matches!(before, Before::Name(_)) { Before::HashOfName } else { Before::Hash },
                byte if is_of_word(byte) => {
                    self.word();
                    let word = &self.bytes[from..self.at];
                    match (word, self.peek()) {
                        (b"r" | b"br" | b"cr", Some(b'"' | b'#')) if self.is_raw_string() => {
                            text = Some(self.raw_string()?);
                            before = Before::Other;
                        }
                        (b"r", Some(b'#')) => {
                            self.at += 1;
                            self.word();
                            before = Before::Name(&self.bytes[from..self.at]);
                        }
                        (b"path", _) if group == Group::Conditional => return Some(true),
                        _ => before = Before::Name(word),
                    }
                }
                // Unicode white space or an identifier.
                byte if !byte.is_ascii() => return None,
                _ => before = Before::Other,
            }
            if matches!(group, Group::Named | Group::Conditional)
                && text.is_some_and(|text| self.may_lead_outside(text) || self.is_absolute(from, text))
            {
                return Some(true);
            }
        }
        Some(false)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The group of the attribute whose bracket was just opened.
    fn attribute(&self) -> Option<Group> {
        let rest = self.bytes[self.at..].trim_ascii_start();
        let length = rest.iter().position(|&byte| !is_of_word(byte))?;
        match &rest[..length] {
            b"path" => None,
            name if is_one(name, &WITHOUT_FILES) => Some(Group::Plain),
            b"cfg_attr" => Some(Group::Conditional),
            _ => Some(Group::Named),
        }
    }

    /// Offset of the opening brace of a module whose only attribute is `#[cfg(test)]`; that attribute's bracket was
    /// just opened.
    fn module_of_tests(&self) -> Option<usize> {
        let rest = self.bytes[self.at..].strip_prefix(b"cfg(test)]")?.trim_ascii_start().strip_prefix(b"mod ")?;
        let rest = rest.trim_ascii_start();
        let rest = rest[rest.iter().position(|&byte| !is_of_word(byte))?..].trim_ascii_start();
        rest.starts_with(b"{").then(|| self.bytes.len() - rest.len())
    }

    /// Whether a string or comment may be a path that leads out of the package.
    fn may_lead_outside(&self, text: &[u8]) -> bool {
        let has = |part: &str| memchr::memmem::find(text, part.as_bytes()).is_some();
        has("../")
            || has("/..")
            || self.glance.any_name
            || self.glance.any_directory && (has("/") || OTHER_TARGETS.iter().any(|name| name.as_bytes() == text))
            // Escapes may encode dots and slashes.
            || ["\\x", "\\u", "\\\n", "\\\r"].iter().any(|escape| has(escape))
    }

    /// The comment that began at `from` if it is a doc comment, which is an attribute to the compiler.
    fn documentation(&self, from: usize, before: &mut Before<'_>) -> Option<&'a [u8]> {
        let comment = &self.bytes[from..self.at];
        let is_it = match comment {
            [b'/', b'/', b'/', b'/', ..] | [b'/', b'*', b'*', b'*' | b'/', ..] => false,
            [b'/', b'/' | b'*', third, ..] => *third == comment[1] || *third == b'!',
            _ => false,
        };
        if is_it {
            *before = Before::Other;
        }
        is_it.then_some(comment)
    }

    /// Skips a block comment, which may be nested, from behind its first slash.
    fn comment(&mut self) -> Option<()> {
        self.at += 1;
        let mut depth = 1;
        while depth > 0 {
            self.at += memchr::memchr2(b'/', b'*', &self.bytes[self.at..])?;
            match &self.bytes[self.at..] {
                [b'*', b'/', ..] => (depth, self.at) = (depth - 1, self.at + 2),
                [b'/', b'*', ..] => (depth, self.at) = (depth + 1, self.at + 2),
                _ => self.at += 1,
            }
        }
        Some(())
    }

    /// Whether the string that began at `from` is the first in its brackets and may be an absolute path. One further
    /// behind continues another path, as in `concat!(env!("OUT_DIR"), "/generated.rs")`.
    fn is_absolute(&self, from: usize, text: &[u8]) -> bool {
        text.starts_with(b"/") && matches!(self.bytes[..from].trim_ascii_end(), [.., b'(' | b'[' | b'{'])
    }

    /// The rest of a string with escapes, from behind its opening quote.
    fn string(&mut self) -> Option<&'a [u8]> {
        let from = self.at;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', &self.bytes[self.at..])?;
            match &self.bytes[self.at..] {
                [b'\\', _, ..] => self.at += 2,
                [b'"', ..] => break,
                _ => return None,
            }
        }
        self.at += 1;
        Some(&self.bytes[from..self.at - 1])
    }

    /// Whether a raw string begins here with its hashes; otherwise it is a raw identifier.
    fn is_raw_string(&self) -> bool {
        self.bytes[self.at..].iter().find(|byte| **byte != b'#') == Some(&b'"')
    }

    fn raw_string(&mut self) -> Option<&'a [u8]> {
        let hashes = self.bytes[self.at..].iter().take_while(|byte| **byte == b'#').count();
        self.at += hashes + 1;
        let from = self.at;
        loop {
            self.at += memchr::memchr(b'"', &self.bytes[self.at..])? + 1;
            let behind = &self.bytes[self.at..];
            if behind.len() >= hashes && behind[..hashes].iter().all(|byte| *byte == b'#') {
                let end = self.at - 1;
                self.at += hashes;
                return Some(&self.bytes[from..end]);
            }
        }
    }

    /// Skips a character literal, or the quote of a lifetime.
    fn character(&mut self) {
        match &self.bytes[self.at..] {
            [b'\\', _, rest @ ..] => {
                let end = rest.iter().position(|byte| matches!(byte, b'\'' | b'\n'));
                self.at += 2 + end.map_or(rest.len(), |end| end + 1);
            }
            [first, rest @ ..] => {
                // A character may be encoded in several bytes.
                let more = usize::from(*first >= 0xC0) + usize::from(*first >= 0xE0) + usize::from(*first >= 0xF0);
                if rest.get(more) == Some(&b'\'') {
                    self.at += 2 + more;
                }
            }
            [] => {}
        }
    }

    /// Skips the rest of a name or number.
    fn word(&mut self) {
        let length = self.bytes[self.at..].iter().position(|&byte| !is_of_word(byte));
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
    }
}

fn is_of_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

fn is_one(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

/// Macros that always read files, whatever their arguments are.
fn is_always_read(name: &[u8]) -> bool {
    is_one(name, &["include", "include_str", "include_bytes"])
        || is_one(name, &QUERY_MACROS)
        || is_one(name, &GIT_MACROS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cargo_platform::CfgExpr;
    use proptest::prelude::*;

    use super::super::tests::{package, workspace};
    use super::super::{Cache, PackageFiles, Scanner};
    use super::*;
    use crate::path::WsPath;

    /// Whether the parser finds anything in a source of a package.
    fn finds(package: &PackageFiles, file: &str, text: &str) -> bool {
        let (files, cache) = (workspace(&[(file, text)]), Cache::default());
        let (found, unresolved, open) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let (condition, links) = (CfgExpr::True, Vec::new());
        let mut scanner = Scanner { files: &files, package, found, unresolved, open, condition, links, cache: &cache };
        tokens::scan(&mut scanner, &WsPath::new(file).unwrap(), None, text);
        !(scanner.found.is_empty() && scanner.unresolved.is_empty() && scanner.open.is_empty())
    }

    fn at_root() -> PackageFiles {
        PackageFiles { apart: vec![WsPath::new("crates/other").unwrap()], ..PackageFiles::default() }
    }

    /// Pieces of sources, some of which refer to files outside. Brackets are balanced, so that nearly all can be
    /// parsed.
    fn source() -> impl Strategy<Value = String> {
        let texts = prop::sample::select(vec![
            "\"../../static\"",
            "\"../../../../static\"",
            "r\"../../static\"",
            "r#\"../../proto/x.proto\"#",
            "b\"../../static\"",
            "\"\\\"\"",
            "\"crates/other/data.json\"",
            "\"\\x2e./../static\"",
            "\"..\\\n/../static\"",
            "\"src/main.rs\"",
            "r##\"\"# ( \"##",
            "'\"'",
            "'('",
            "'\\''",
            "'é'",
            "b'\"'",
            "'a",
            "'r",
            "// \"( ../../static\n",
            "//// x\n",
            "///../../static\n",
            "//! crates/other/data.json\n",
            "/* \" ( /* ../ */ ' */",
            "/**../../static*/",
            "/***/",
        ]);
        let words = prop::sample::select(vec![
            "include_str!",
            "include!",
            "embed!",
            "a::embed !",
            "println!",
            "format!",
            "r#format!",
            "query!",
            "env!",
            "git_version!",
            "macro_rules! name",
            "if !",
            "a !=",
            "#",
            "#!",
            "mod tests",
            "mod x;",
            "pub mod x",
            "#[path = \"x.rs\"] mod y;",
            "#[cfg(test)] mod tests",
            "#[cfg(test)]\n\nmod tests",
            "x #[cfg(test)] mod tests",
            "#[cfg(test)] fn f()",
            "#[folder = \"../../static\"] struct A;",
            "#[doc = \"../../static\"] struct A;",
            "#[cfg_attr(unix, path = \"../x.rs\")] mod z;",
            "#[cfg_attr(test, folder = \"../../static\")]",
            "fn f()",
            "path",
            "=",
            ",",
            ";",
            "!",
            "1.0",
            "0..5",
            "r#mod",
            "$",
            "'static",
            "doc",
            "cfg",
            "test",
        ]);
        let leaf = prop_oneof![texts.prop_map(str::to_owned), words.prop_map(str::to_owned)];
        let group = |inner| {
            let brackets = prop::sample::select(vec![("(", ")"), ("[", "]"), ("{", "}")]);
            (brackets, prop::collection::vec(inner, 0..6))
                .prop_map(|((open, close), inner): (_, Vec<String>)| format!("{open}{}\n{close}", inner.join(" ")))
        };
        let tree = leaf.prop_recursive(4, 48, 6, group);
        prop::collection::vec(tree, 1..12).prop_map(|pieces| pieces.join(" "))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

        #[test]
        fn files_in_which_the_parser_finds_something_matter(text in source()) {
            for (package, file, any_directory) in
                [(package(), "crates/app/src/a/b.rs", false), (at_root(), "src/a/b.rs", true)]
            {
                if finds(&package, file, &text) {
                    prop_assert!(matters(&text, Glance { any_directory, any_name: false }), "{file}: {text}");
                }
            }
        }
    }

    #[test]
    fn files_with_ordinary_strings_do_not_matter() {
        for text in [
            "fn f() { path(\"../../static\"); }",
            "fn f() { assert_eq!(path('\"'), \"../../static\"); }",
            "/* \" */ #[doc = \"../../static\"] struct A; // embed!(\"../../static\")\n",
            "/// embed!(\"../../static\")\nfn f<'a>(a: &'a str) { g(r#\"embed!(\"../../static\")\"#, a) }",
            "#[cfg(test)] mod tests { embed!(\"../../static\"); }",
            "fn f() { embed!(\"static/index.html\"); }",
        ] {
            assert!(!matters(text, Glance { any_directory: false, any_name: false }), "{text}");
        }
        assert!(matters("fn f() { embed!(\"static/index.html\"); }", Glance { any_directory: true, any_name: false }));
    }
}
