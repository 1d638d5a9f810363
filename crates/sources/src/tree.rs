//! Directory trees, and paths in them: texts that are seen from the workspace root.

use std::collections::BTreeMap;

/// A directory tree. Paths are `/`-separated and relative to the workspace root; the root itself is empty.
pub trait Tree {
    /// Text of a file; nothing if it does not exist.
    ///
    /// # Errors
    /// When it exists and cannot be read; the text says why.
    fn read(&self, path: &str) -> Result<Option<String>, String>;

    /// Whether it is a file, or leads to one.
    fn is_file(&self, path: &str) -> bool;

    /// Names in a directory, with whether each is a directory; empty if there is no such directory. In any order.
    fn entries(&self, directory: &str) -> Vec<(String, bool)>;

    /// Names of symbolic links in a directory, with what is written in them; empty if there is no such directory.
    fn links(&self, _directory: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether what a package in `directory` reads there is nothing that comes with the workspace: it is in no repository
    /// with it, and so another file, or none, on another machine.
    fn is_far(&self, _directory: &str, _path: &str) -> bool {
        false
    }
}

/// Texts by path.
impl Tree for BTreeMap<String, String> {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.get(path).cloned())
    }

    fn is_file(&self, path: &str) -> bool {
        self.contains_key(path)
    }

    fn entries(&self, directory: &str) -> Vec<(String, bool)> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let below = self.keys().filter_map(|path| path.strip_prefix(&prefix));
        let mut entries: Vec<(String, bool)> = below
            .map(|path| path.split_once('/').map_or((path.to_owned(), false), |(name, _)| (name.to_owned(), true)))
            .collect();
        entries.dedup();
        entries
    }
}

/// `path`, seen from `directory`, as seen from the root, without `.`, and `..` at its beginning alone; nothing if it is
/// absolute.
pub fn join(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Whether a path of [`join`] leads out of the root.
pub fn is_outside(path: &str) -> bool {
    path == ".." || path.starts_with("../")
}

/// `name` in `directory`.
pub fn within(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Directory of a path.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// How many directories above the root are looked at: as many as anyone has.
const HIGHEST: usize = 16;

/// The directory above one: nothing above the root itself, or where there is none to look at.
pub fn above(directory: &str) -> Option<String> {
    match directory {
        "" => None,
        directory if directory.split('/').all(|part| part == "..") => {
            (directory.split('/').count() < HIGHEST).then(|| format!("{directory}/.."))
        }
        directory => match parent(directory) {
            "" if is_outside(directory) => Some("..".to_owned()),
            above => Some(above.to_owned()),
        },
    }
}

/// `to` seen from `from`, both absolute and `/`-separated; empty where they are the same.
pub fn relative(from: &str, to: &str) -> String {
    let parts = |path: &'_ str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from[common..].iter().map(|_| "..".to_owned());
    up.chain(to[common..].iter().cloned()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_the_root() {
        assert_eq!(join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(join("a", "../../c/./d/../e").as_deref(), Some("../c/e"));
        assert_eq!(join("../a", "../b").as_deref(), Some("../b"));
        assert_eq!(join("../a", "../../b").as_deref(), Some("../../b"));
        assert_eq!(join("a", "/b"), None);
    }

    #[test]
    fn directories_above() {
        let all = |from: &str| std::iter::successors(Some(from.to_owned()), |at| above(at)).collect::<Vec<_>>();
        assert_eq!(all("a/b"), ["a/b", "a", ""]);
        let outside = all("../a/b");
        assert_eq!(outside[..4], ["../a/b", "../a", "..", "../.."]);
        assert_eq!(outside.len(), 2 + HIGHEST);
    }

    #[test]
    fn paths_are_relative() {
        assert_eq!(relative("/w", "/w"), "");
        assert_eq!(relative("/w", "/w/a/b"), "a/b");
        assert_eq!(relative("/w/a", "/w/b/c"), "../b/c");
        assert_eq!(relative("/w/a", "/x"), "../../x");
    }
}
