//! Properties of paths: in the package, in a target directory, behind links, or outside of the repository.

use super::{At, Scanner};
use crate::files::Kind;
use crate::path::WsPath;

/// Files that cargo writes into its target directory.
pub(super) const MARKS: [&str; 2] = ["CACHEDIR.TAG", ".rustc_info.json"];

impl Scanner<'_> {
    /// Whether a path is part of the package's source.
    pub(super) fn is_own(&self, path: &WsPath) -> bool {
        self.package.directory.is_at_or_above(path)
            && !self.package.apart.iter().any(|apart| apart.is_at_or_above(path))
    }

    pub(super) fn exists(&self, path: &WsPath) -> bool {
        let ask = || self.files.is_file(path) || !self.files.names(path).is_empty();
        *self.cache.exists.borrow_mut().entry(path.clone()).or_insert_with(ask)
    }

    /// `.git` is excluded from every source: otherwise each commit would rebuild the package.
    pub(super) fn is_history(path: &str) -> bool {
        path.split('/').any(|part| part == ".git")
    }

    /// The target of a link in a directory; `None` if the name is not a link.
    pub(super) fn link(&self, directory: &WsPath, name: &str) -> Option<String> {
        let mut cached = self.cache.links.borrow_mut();
        let links = cached.entry(directory.clone()).or_insert_with(|| {
            let names = self.files.names(directory).into_iter().filter(|(_, kind)| *kind == Kind::Link);
            names.filter_map(|(name, _)| Some((name.clone(), self.files.link(&directory.child(&name))?))).collect()
        });
        links.get(name).cloned()
    }

    /// Whether a path is in a target directory. Its contents do not exist before a build and are not sources.
    pub(super) fn is_built(&self, path: &WsPath) -> bool {
        let above = std::iter::successors(Some(path.clone()), WsPath::above);
        let mut above = above.take_while(|above| !matches!(above.name(), "" | ".."));
        WsPath::ROOT.child("target").is_at_or_above(path)
            || self.package.directory.child("target").is_at_or_above(path)
            || above.any(|directory| self.is_cache(&directory))
    }

    /// The target of a path outside of the package that is a link or behind one.
    pub(super) fn led_elsewhere(&self, path: &WsPath) -> Option<WsPath> {
        let mut at = WsPath::ROOT;
        let mut rest: Vec<&str> = path.parts().rev().collect();
        let mut is_led = false;
        // Linux follows at most 40 links.
        let mut links = 0..40;
        while let Some(name) = rest.pop() {
            let link = if name == ".." { None } else { self.link(&at, name) };
            at = match link {
                None => at.join(name)?,
                Some(target) => {
                    links.next()?;
                    is_led = true;
                    at.join(&target)?
                }
            };
        }
        (is_led && !self.is_own(&at) && !at.is_at_or_above(&self.package.directory) && self.exists(&at)).then_some(at)
    }

    /// Whether a directory is a target directory: cargo marks it, whatever `build.target-dir` is.
    pub(super) fn is_cache(&self, directory: &WsPath) -> bool {
        let ask = || {
            let [tag, known] = MARKS.map(|name| directory.child(name));
            self.files.text(&tag).is_ok_and(|tag| tag.is_some_and(|tag| tag.contains("created by cargo")))
                || self.files.is_file(&known)
        };
        *self.cache.is_cache.borrow_mut().entry(directory.clone()).or_insert_with(ask)
    }

    /// Reports a path outside of the repository.
    pub(super) fn unresolved_far(&mut self, path: &WsPath, at: At<'_>) {
        if path.is_outside() && self.files.is_far(&self.package.directory, path) {
            let what = format!("`{path}` is outside of the repository and may differ on other machines");
            self.unresolved(at.file, at.line, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::files::{Files, Kind};
    use crate::path::WsPath;
    use crate::reads::{PackageFiles, reads};

    /// Files in a repository that begins one directory above the root.
    struct Repository(BTreeMap<String, String>);

    impl Files for Repository {
        fn text(&self, path: &WsPath) -> Result<Option<String>, String> {
            self.0.text(path)
        }

        fn kind(&self, path: &WsPath) -> Option<Kind> {
            self.0.kind(path)
        }

        fn names(&self, directory: &WsPath) -> Vec<(String, Kind)> {
            self.0.names(directory)
        }

        fn is_far(&self, _: &WsPath, path: &WsPath) -> bool {
            path.levels_up() > 1
        }
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], paths: &[&str], unresolved: &[&str]) {
        let files = files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
        let package = PackageFiles {
            directory: WsPath::ROOT.child("app"),
            roots: ["app/lib.inc", "app/main.rs"].map(|path| WsPath::ROOT.child(path)).to_vec(),
            ..PackageFiles::default()
        };
        let found = reads(&Repository(files), &package);
        assert_eq!(found.paths.iter().map(WsPath::as_str).collect::<Vec<_>>(), paths);
        let said = found
            .unresolved
            .iter()
            .map(|unresolved| format!("{}:{}: {}", unresolved.file, unresolved.line, unresolved.what));
        let outside = " is outside of the repository and may differ on other machines";
        assert_eq!(
            said.collect::<Vec<_>>(),
            unresolved.iter().map(|unresolved| format!("{unresolved}{outside}")).collect::<Vec<_>>()
        );
    }

    #[test]
    fn files_outside_of_the_repository_are_added_and_reported() {
        let there = [("../near/a.txt", ""), ("../../far/b.txt", ""), ("../../far/c.rs", "")];
        let with = |source: &'static str| [&there[..], &[("app/main.rs", source)]].concat();
        check(&with("include_str!(\"../../near/a.txt\");"), &["../near/a.txt"], &[]);
        check(
            &with("\ninclude_str!(\"../../../far/b.txt\");"),
            &["../../far/b.txt"],
            &["app/main.rs:2: `../../far/b.txt`"],
        );
        check(
            &with("#[path = \"../../../far/c.rs\"]\nmod c;"),
            &["../../far/c.rs"],
            &["app/main.rs:2: `../../far/c.rs`"],
        );
        check(&with("embed!(\"../../../far\");"), &["../../far"], &["app/main.rs:1: `../../far`"]);
    }

    #[test]
    fn target_directories_are_not_scanned() {
        let source = "include_str!(\"../../../../text.txt\");";
        let tag = ("app/out/CACHEDIR.TAG", "a cache directory tag created by cargo.");
        let known = ("app/out/.rustc_info.json", "{}");
        for mark in [tag, known] {
            check(&[("text.txt", ""), ("app/main.rs", ""), mark, ("app/out/debug/x.rs", source)], &[], &[]);
        }
        let other = ("app/out/CACHEDIR.TAG", "created by another program");
        let files = [
            ("text.txt", ""),
            ("app/main.rs", ""),
            other,
            ("app/out/debug/x.rs", "include_str!(\"../../../text.txt\");"),
        ];
        check(&files, &["text.txt"], &[]);
        check(&[tag, ("app/main.rs", "embed!(\"out/debug\");"), ("app/out/debug/x.txt", "")], &[], &[]);
    }

    #[test]
    fn root_files_with_any_extension_are_scanned() {
        check(&[("text.txt", ""), ("app/lib.inc", "include_str!(\"../text.txt\");")], &["text.txt"], &[]);
    }
}
