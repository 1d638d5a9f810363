//! A string search that selects the source files that may read anything outside of their package. Most files match
//! nothing and are not even checked for UTF-8.

use memchr::memmem::{self, Finder};

use super::glance::{Glance, matters};
use super::{Scanner, WORKSPACE_DIR};
use crate::path::WsPath;

/// A macro call that may include a file from anywhere in the package.
const INCLUDED: &str = "include!(concat!(env!(\"CARGO_MANIFEST_DIR\")";

/// Nearly every needle contains one of these. They are rare in other text, and searching for four strings is faster than
/// searching for all needles.
const PARTS: [&str; 4] = ["../", "..\"", "CARGO_", "git_"];

/// Strings of which a source contains at least one if it reads anything outside of the package.
pub(super) struct Needles {
    /// Every needle contains one of these.
    parts: Vec<Finder<'static>>,
    needles: Vec<Finder<'static>>,
    glance: Glance,
}

impl Needles {
    pub(super) fn of(scanner: &Scanner<'_>) -> Self {
        // The last two begin absolute paths. They only cause a warning, so it is enough to find those in code as rustfmt
        // writes it.
        let fixed = ["../", "/..\"", "\"..\"", WORKSPACE_DIR, INCLUDED, "!(\"/", "path = \"/"].map(str::to_owned);
        // Build outputs are never included, and these two names are frequent in ordinary strings.
        let apart = scanner.apart().filter(|name| *name != "target").flat_map(|name| match name {
            "Cargo.lock" => vec!["Cargo.lock\"".to_owned()],
            name => vec![format!("{name}/"), format!("{name}\"")],
        });
        let documents = scanner.package.documents.iter().map(|(variable, _)| (*variable).to_owned());
        let needles: Vec<String> = fixed.into_iter().chain(apart).chain(documents).chain(scanner.macros()).collect();
        let others = needles.iter().filter(|needle| !PARTS.iter().any(|part| needle.contains(part)));
        let parts = PARTS.into_iter().chain(others.map(String::as_str));
        let finder = |text: &str| Finder::new(text).into_owned();
        Needles {
            parts: parts.map(finder).collect(),
            needles: needles.iter().map(|needle| finder(needle)).collect(),
            glance: Glance { any_directory: scanner.apart().next().is_some(), any_name: !scanner.links.is_empty() },
        }
    }

    /// The text of a source file if it may read something outside.
    pub(super) fn in_source<'t>(&self, scanner: &Scanner<'_>, path: &WsPath, bytes: &'t [u8]) -> Option<&'t str> {
        if !self.parts.iter().any(|part| part.find(bytes).is_some()) {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        self.may_lead_outside(scanner, path, text).then_some(text)
    }

    /// Whether a line other than a comment contains a needle. `../` in an `include!` counts only if there are enough of
    /// them to leave the package.
    fn may_lead_outside(&self, scanner: &Scanner<'_>, path: &WsPath, text: &str) -> bool {
        let depth = scanner.package.directory.below(path).map_or(0, |below| below.matches('/').count());
        let stays = |line: &str| {
            ["include_str!(\"", "include_bytes!(\""].iter().any(|call| line.contains(call))
                && !scanner.apart().any(|name| line.contains(name))
                && line.matches('"').count() == 2
                && line.matches("../").count() <= depth
        };
        self.needles.iter().any(|needle| {
            // A long line may contain the needle many times, so each line is judged once.
            let mut judged = 0;
            needle.find_iter(text.as_bytes()).any(|at| {
                if at < judged {
                    return false;
                }
                let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
                judged = text[at..].find('\n').map_or(text.len(), |end| at + end);
                let line = text[begin..judged].trim_start();
                !line.starts_with("//") && (needle.needle() != b"../" || !stays(line))
            })
        })
    }

    /// Whether parsing the file may find anything.
    pub(super) fn is_worth_parsing(&self, scanner: &Scanner<'_>, path: &WsPath, text: &str) -> bool {
        // A `mod name;` may refer to another package in this package's directory of modules.
        let directory = path.parent();
        scanner.package.apart.iter().any(|apart| directory.is_at_or_above(apart))
            || memmem::find(text.as_bytes(), WORKSPACE_DIR.as_bytes()).is_some()
            || matters(text, self.glance)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_unresolved, package, workspace};
    use super::super::{OTHER_TARGETS, PackageFiles, reads};

    /// Scans one source file or build script of a package with a directory for each kind of target.
    #[track_caller]
    fn check(file: &str, source: &str, expected: &[&str]) {
        let package = package();
        let apart = OTHER_TARGETS.map(|name| package.directory.child(name)).to_vec();
        let package = PackageFiles { apart, ..package };
        let files = ["tests/data/a.txt", "tests/common/mod.rs", "examples/b.rs", "benches/c.rs"];
        let files = files.map(|file| format!("crates/app/{file}"));
        let there: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), "")).chain([(file, source)]).collect();
        let found = reads(&workspace(&there), &package);
        let found: Vec<&str> = found.paths.iter().map(|path| package.directory.below(path).unwrap()).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn library_may_read_files_of_tests_and_examples() {
        let library = |source, expected: &[&str]| check("crates/app/src/a.rs", source, expected);
        library("const A: &str = include_str!(\"../tests/data/a.txt\");", &["tests/data/a.txt"]);
        library("#![doc = include_str!(\"../examples/b.rs\")]", &["examples/b.rs"]);
        library("#[path = \"../tests/common/mod.rs\"] mod common;", &["tests/common/mod.rs"]);
        library("static A: Dir = include_dir!(\"tests\");", &["tests"]);
        library("#[folder = \"examples\"] struct A;", &["examples"]);
        library("const A: &str = \"see tests/data/a.txt\"; // examples/b.rs", &[]);
        library("#[cfg(test)] const A: &str = include_str!(\"../tests/data/a.txt\");", &[]);
        let script = |source, expected: &[&str]| check("crates/app/build.rs", source, expected);
        script("fn main() { std::fs::read_dir(\"tests\").unwrap(); }", &["tests"]);
        script("fn main() { println!(\"cargo::rerun-if-changed=tests/data\"); }", &["tests/data"]);
        script("fn main() { println!(\"cargo::rerun-if-changed=src\"); }", &[]);
    }

    #[test]
    fn absolute_paths_are_reported() {
        for (source, absolute) in [
            ("include_str!(\"/etc/motd\");", "1: `include_str!(\"/etc/motd\")` has an absolute path"),
            ("const A: &[u8] = include_bytes!(\"/a\");", "1: `include_bytes!(\"/a\")` has an absolute path"),
            ("#[path = \"/a.rs\"]\nmod a;", "2: the module `a` has an absolute path, `/a.rs`"),
        ] {
            check_unresolved(source, &format!("crates/app/src/a/b.rs:{absolute}"));
        }
    }

    #[test]
    fn a_range_is_not_a_path() {
        let read = "\nconst A: &str = include_str!(\"../../../../no/such\");\n";
        for range in ["include!(..)", "include!(a!(x..y));"] {
            let alone = reads(&workspace(&[("crates/app/src/a/b.rs", range)]), &package());
            assert!(alone.paths.is_empty() && alone.unresolved.is_empty(), "{alone:?}");
            check_unresolved(&format!("{range}{read}"), "crates/app/src/a/b.rs:2: `no/such` does not exist");
        }
    }
}
