//! Where paths of a scan are: in the package, in what cargo builds, behind links, too far away.

use super::{At, Scanner};
use crate::tree::{is_outside, join, parent, within};

impl Scanner<'_> {
    /// Whether a path is in the package's source anyway.
    pub(super) fn is_own(&self, path: &str) -> bool {
        let directory = &self.package.directory;
        let is_in = if directory.is_empty() { !is_outside(path) } else { is_at_or_above(directory, path) };
        is_in && !self.package.apart.iter().any(|apart| is_at_or_above(apart, path))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.tree.is_file(path) || !self.tree.entries(path).is_empty()
    }

    /// History is in no source: what a build tells of it would make every commit another build.
    pub(super) fn is_history(path: &str) -> bool {
        path.split('/').any(|part| part == ".git")
    }

    /// What is written in a link; nothing for what is none.
    pub(super) fn link(&self, directory: &str, name: &str) -> Option<String> {
        let mut cached = self.cache.links.borrow_mut();
        let links = cached.entry(directory.to_owned());
        links.or_insert_with(|| self.tree.links(directory).into_iter().collect()).get(name).cloned()
    }

    /// What cargo builds is not there before a build, and no source.
    pub(super) fn is_built(&self, path: &str) -> bool {
        let above = std::iter::successors(Some(path), |path| Some(parent(path)).filter(|above| !above.is_empty()));
        let mut above = above.take_while(|above| above.rsplit('/').next() != Some(".."));
        is_at_or_above("target", path)
            || is_at_or_above(&within(&self.package.directory, "target"), path)
            || above.any(|directory| self.is_cache(directory))
    }

    /// Where a path outside of the package leads, if it is behind a link or is one itself.
    pub(super) fn led_elsewhere(&self, path: &str) -> Option<String> {
        let mut at = String::new();
        let mut rest: Vec<&str> = path.split('/').rev().collect();
        let mut is_led = false;
        // As many links as systems follow.
        let mut links = 0..40;
        while let Some(name) = rest.pop() {
            let link = if name == ".." { None } else { self.link(&at, name) };
            at = match link {
                None => join(&at, name)?,
                Some(target) => {
                    links.next()?;
                    is_led = true;
                    join(&at, &target)?
                }
            };
        }
        (is_led && !self.is_own(&at) && !is_at_or_above(&at, &self.package.directory) && self.exists(&at)).then_some(at)
    }

    /// A directory that cargo builds in has its mark, or what cargo knows of rustc: whatever `build.target-dir` says.
    pub(super) fn is_cache(&self, directory: &str) -> bool {
        let tag = self.tree.read(&within(directory, "CACHEDIR.TAG"));
        tag.is_ok_and(|tag| tag.is_some_and(|tag| tag.contains("created by cargo")))
            || self.tree.is_file(&within(directory, ".rustc_info.json"))
    }

    /// Says of a path that does not come with the workspace.
    pub(super) fn doubt_far(&mut self, path: &str, at: At<'_>) {
        if is_outside(path) && self.tree.is_far(&self.package.directory, path) {
            let what = format!("`{path}` lies outside of the repository, and is another file on another machine");
            self.doubt(at.file, at.line, what);
        }
    }
}

/// Whether a directory is a path or has it in it.
pub(super) fn is_at_or_above(directory: &str, path: &str) -> bool {
    let levels = |path: &str| path.split('/').take_while(|part| *part == "..").count();
    if directory.is_empty() || directory.split('/').all(|part| part == "..") {
        return levels(path) <= levels(directory);
    }
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::reads::{PackageFiles, reads};
    use crate::tree::Tree;

    /// Texts by path, in a repository that begins one directory above the root.
    struct Repository(BTreeMap<String, String>);

    impl Tree for Repository {
        fn read(&self, path: &str) -> Result<Option<String>, String> {
            self.0.read(path)
        }

        fn is_file(&self, path: &str) -> bool {
            self.0.is_file(path)
        }

        fn entries(&self, directory: &str) -> Vec<(String, bool)> {
            self.0.entries(directory)
        }

        fn is_far(&self, _: &str, path: &str) -> bool {
            path.starts_with("../../")
        }
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], paths: &[&str], doubts: &[&str]) {
        let files = files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect();
        let package = PackageFiles {
            directory: "app".to_owned(),
            roots: vec!["app/lib.inc".to_owned(), "app/main.rs".to_owned()],
            ..PackageFiles::default()
        };
        let found = reads(&Repository(files), &package);
        assert_eq!(found.paths.iter().map(String::as_str).collect::<Vec<_>>(), paths);
        let said = found.doubts.iter().map(|doubt| format!("{}:{}: {}", doubt.file, doubt.line, doubt.what));
        let outside = " lies outside of the repository, and is another file on another machine";
        assert_eq!(
            said.collect::<Vec<_>>(),
            doubts.iter().map(|doubt| format!("{doubt}{outside}")).collect::<Vec<_>>()
        );
    }

    #[test]
    fn far_files_are_taken_and_told_of() {
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
    fn what_cargo_builds_is_not_looked_through() {
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
    fn targets_of_any_extension_are_looked_through() {
        check(&[("text.txt", ""), ("app/lib.inc", "include_str!(\"../text.txt\");")], &["text.txt"], &[]);
    }
}
