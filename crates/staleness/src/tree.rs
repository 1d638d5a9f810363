//! Where inputs are read from.

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

/// `path`, seen from `directory`, as seen from the root, without `.` and `..`; nothing if it leads out of the root.
pub(crate) fn join(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    if path.starts_with('/') {
        return None;
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// `name` in `directory`.
pub(crate) fn within(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// Directory of a path.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}
