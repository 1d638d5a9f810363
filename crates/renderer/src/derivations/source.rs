//! The files in the source of a local package: the rule of `nix-lib/library/local-source.nix`, for code that has a list
//! of files. `cratewright impact --nix` and its tests compare both.

use std::collections::BTreeSet;
use std::iter::successors;

use cratewright_sources::path::WsPath;

/// The files in the source of a local package.
#[derive(Debug, Clone)]
pub struct PackageSource {
    /// Directory of the package.
    pub dir: WsPath,
    /// Additional files and directories, anywhere in the workspace.
    pub extra: Vec<WsPath>,
    /// Paths in its directory that are not part of it.
    nested: BTreeSet<WsPath>,
    /// Patterns of files that are excluded from all local sources.
    ignored: Vec<String>,
}

/// Directories of targets that are only built for checks. Files in them that a library reads are extra sources.
const LEFT_OUT: [&str; 3] = ["benches", "examples", "tests"];

impl PackageSource {
    /// `excluded` has the paths that are excluded from all sources except that of the package there; `for_tests`
    /// includes tests.
    pub(crate) fn new(dir: &str, extra: &[String], excluded: &[String], ignored: &[String], for_tests: bool) -> Self {
        let path = |text: &String| WsPath::new(text).unwrap_or_default();
        let dir = WsPath::new(dir).unwrap_or_default();
        let left_out = LEFT_OUT.iter().filter(|_| !for_tests).map(|name| dir.child(name));
        let nested = excluded.iter().map(path).filter(|other| dir.is_at_or_above(other) && *other != dir);
        PackageSource {
            nested: nested.chain(left_out).collect(),
            extra: extra.iter().map(path).collect(),
            ignored: ignored.to_vec(),
            dir,
        }
    }

    /// Whether a file is part of the source.
    pub fn holds(&self, file: &WsPath, is_link: bool) -> bool {
        let is_nested = || upwards(file).any(|path| self.nested.contains(&path));
        let is_own = self.dir.is_at_or_above(file) && !is_nested();
        (is_own || self.extra.iter().any(|extra| extra.is_at_or_above(file))) && !self.is_litter(file, is_link)
    }

    /// Whether a file or a directory above it is excluded by name or pattern. The directories of the package and of its
    /// extra sources are never excluded.
    fn is_litter(&self, file: &WsPath, is_link: bool) -> bool {
        let mut is_link = is_link;
        for path in upwards(file) {
            if self.extra.iter().chain([&self.dir]).any(|wanted| path.is_at_or_above(wanted)) {
                return false;
            }
            let name = path.name();
            let ignored = |pattern: &String| {
                let (text, pattern) = match pattern.contains('/') {
                    true => (path.as_str(), pattern.strip_prefix('/').unwrap_or(pattern)),
                    false => (name, pattern.as_str()),
                };
                matches(pattern.as_bytes(), text.as_bytes())
            };
            if is_left_behind(name) || is_link && is_result(name) || self.ignored.iter().any(ignored) {
                return true;
            }
            is_link = false;
        }
        false
    }
}

/// A path and its parent directories within the root.
fn upwards(path: &WsPath) -> impl Iterator<Item = WsPath> {
    let is_named = |path: &WsPath| !matches!(path.name(), "" | "..");
    successors(Some(path.clone()).filter(is_named), move |path| Some(path.parent()).filter(is_named))
}

/// Whether the name is that of a file of editors or version control.
fn is_left_behind(name: &str) -> bool {
    let swap = |name: &str| {
        let (_, extension) = name.strip_prefix('.')?.rsplit_once('.')?;
        let [.., b's', b'w', last] = extension.as_bytes() else { return None };
        (extension.len() == 3 && last.is_ascii_lowercase()).then_some(())
    };
    [".git", ".hg", ".jj", ".svn", ".direnv", ".idea", ".vscode", ".DS_Store"].contains(&name)
        || name.ends_with('~')
        || name.starts_with(".#")
        || name.len() > 1 && name.starts_with('#') && name.ends_with('#')
        || swap(name).is_some()
}

fn is_result(name: &str) -> bool {
    name.strip_prefix("result").is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Matches a pattern as in `.gitignore`: `?`, `*` within a name, `**` across names, and `**/` for any directories or
/// none.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', b'/', rest @ ..] => {
            let below = |(at, byte): (usize, &u8)| *byte == b'/' && matches(rest, &text[at + 1..]);
            matches(rest, text) || text.iter().enumerate().any(below)
        }
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        [b'*', rest @ ..] => {
            let name = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
            (0..=name).any(|at| matches(rest, &text[at..]))
        }
        [b'?', rest @ ..] => matches!(text, [first, ..] if *first != b'/') && matches(rest, &text[1..]),
        [byte, rest @ ..] => matches!(text, [first, ..] if first == byte) && matches(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &PackageSource, held: &[&str], left_out: &[&str]) {
        let holds = |file: &&&str| source.holds(&WsPath::new(file).unwrap(), false);
        assert_eq!(held.iter().filter(|file| !holds(file)).collect::<Vec<_>>(), Vec::<&&str>::new(), "held");
        assert_eq!(left_out.iter().filter(holds).collect::<Vec<_>>(), Vec::<&&str>::new(), "left out");
    }

    #[test]
    fn source_of_a_member_excludes_other_packages_and_tests() {
        let excluded = [".git", "Cargo.lock", "app", "app/nested", "app/src/bin/undeclared.rs"].map(str::to_owned);
        let extra = ["shared/schema.json", "app/tests/data"].map(str::to_owned);
        let app = PackageSource::new("app", &extra, &excluded, &[], false);
        check(
            &app,
            &["app/Cargo.toml", "app/src/lib.rs", "app/tests/data/a", "shared/schema.json"],
            &[
                "app/nested/src/lib.rs",
                "app/src/bin/undeclared.rs",
                "app/tests/it.rs",
                "shared/other",
                "Cargo.toml",
                "apps",
            ],
        );
        let tests = PackageSource::new("app", &extra, &excluded, &[], true);
        check(&tests, &["app/tests/it.rs", "app/benches/b.rs"], &["app/nested/Cargo.toml"]);
    }

    #[test]
    fn source_of_the_root_package_excludes_members_and_outputs() {
        let excluded = ["Cargo.lock", "Cargo.nix", "crates/a", "target"].map(str::to_owned);
        let root = PackageSource::new("", &[], &excluded, &[], false);
        check(
            &root,
            &["src/main.rs", "crates/readme", "Cargo.toml"],
            &["crates/a/src/lib.rs", "target/x", "Cargo.lock", "tests/a.rs"],
        );
    }

    #[test]
    fn temporary_and_ignored_files_are_excluded() {
        let root = PackageSource::new(
            "",
            &[],
            &[],
            &["*.log".to_owned(), "docs/**/img".to_owned(), "/assets".to_owned()],
            true,
        );
        check(
            &root,
            &["src/a.rs", "sub/assets/x", "docs/a", ".swift", "result/x"],
            &[
                "a~",
                ".git/config",
                "sub/.idea/x",
                "x/.a.rs.swp",
                "#a#",
                ".#a",
                "x/y.log",
                "docs/img/a",
                "docs/a/b/img/c",
                "assets/x",
            ],
        );
        let link = |name: &str| root.holds(&WsPath::new(name).unwrap(), true);
        assert!(!link("result") && !link("a/result-bin") && link("results"));
    }
}
