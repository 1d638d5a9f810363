//! Descriptions of files, which are equal if a package is built from the same files.

use std::collections::BTreeSet;

use cratewright_renderer::{Contents, PackageSource};
use cratewright_sources::path::WsPath;

use crate::repository::Listing;

/// Git's file mode of symbolic links.
const LINK: &str = "120000";

impl Contents for Listing {
    /// One line per file: its path, a tab, and its content id.
    fn of_source(&self, source: &PackageSource) -> String {
        let mut files: Vec<String> = Vec::new();
        let mut directories = BTreeSet::new();
        for directory in [&source.dir].into_iter().chain(&source.extra) {
            for (file, (mode, object)) in below(self, directory) {
                if source.holds(file, mode == LINK) {
                    files.push(format!("{file}\t{mode} {object}\n"));
                    continue;
                }
                // Nix keeps a directory even if all of its files are left out.
                let mut above = file.parent();
                while above != *directory && directory.is_at_or_above(&above) && directories.insert(above.clone()) {
                    above = above.parent();
                }
            }
        }
        files.sort_unstable();
        files.dedup();
        let has_files = |path: &str| {
            files.get(files.partition_point(|file| **file < *path)).is_some_and(|file| file.starts_with(path))
        };
        let empty = directories.iter().filter(|path| source.holds(path, false)).map(|path| format!("{path}/"));
        let empty: Vec<String> = empty.filter(|path| !has_files(path)).map(|path| path + "\tempty\n").collect();
        files.concat() + &empty.concat()
    }

    fn of_file(&self, file: &WsPath) -> String {
        self.0.get(file).map(|(mode, object)| format!("{mode} {object}")).unwrap_or_default()
    }

    fn of_directory(&self, directory: &WsPath) -> String {
        below(self, directory).map(|(file, (mode, object))| format!("{file}\t{mode} {object}\n")).collect()
    }
}

/// Files at and below a path.
fn below<'a>(listing: &'a Listing, path: &WsPath) -> Box<dyn Iterator<Item = (&'a WsPath, &'a (String, String))> + 'a> {
    if path.is_root() || path.name() == ".." {
        let path = path.clone();
        return Box::new(listing.0.iter().filter(move |(file, _)| path.is_at_or_above(file)));
    }
    // `a-b` sorts between `a` and `a/b`.
    let at = listing.0.get_key_value(path);
    let (first, prefix) = (path.child(""), format!("{path}/"));
    let inside = listing.0.range(first..).take_while(move |(file, _)| file.starts_with(&prefix));
    Box::new(at.into_iter().chain(inside))
}

/// The current files, of which some are assumed to be edited.
#[derive(Debug, Default)]
pub(crate) struct Edited(pub(crate) Vec<WsPath>);

impl Contents for Edited {
    fn of_source(&self, source: &PackageSource) -> String {
        let held = self.0.iter().filter(|file| source.holds(file, false));
        held.map(|file| format!("{file}\tedited\n")).collect()
    }

    fn of_file(&self, file: &WsPath) -> String {
        if self.0.contains(file) { "edited".to_owned() } else { String::new() }
    }

    fn of_directory(&self, directory: &WsPath) -> String {
        let held = self.0.iter().filter(|file| directory.is_at_or_above(file));
        held.map(|file| format!("{file}\tedited\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_does_not_match_names_with_the_same_prefix() {
        let paths = ["a", "a-b/x", "a.rs", "a/b", "a/c/d", "b"].map(|path| WsPath::new(path).unwrap());
        let files = paths.iter().map(|path| (path.clone(), (String::new(), String::new())));
        let listing = Listing(files.collect());
        let found = |path: &str| {
            below(&listing, &WsPath::new(path).unwrap()).map(|(file, _)| file.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(found("a"), ["a", "a/b", "a/c/d"]);
        assert_eq!(found("a/c"), ["a/c/d"]);
        assert_eq!(found("").len(), 6);
        assert_eq!(found("x"), Vec::<String>::new());
    }
}
