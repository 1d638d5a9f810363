//! The file system, as the library crates see it.

use std::collections::BTreeMap;

use crate::path::WsPath;

/// The type of a file system entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, not followed.
    Link,
}

/// A directory tree around the workspace root.
///
/// Other kinds of files, such as pipes and devices, are treated as missing: reading them could block.
pub trait Files: Sync {
    /// Text of a file; `None` if it does not exist.
    ///
    /// # Errors
    /// If the file exists and cannot be read; the string says why.
    fn text(&self, path: &WsPath) -> Result<Option<String>, String>;

    /// Whether a file is known to be unchanged since its text was last read.
    fn is_as_read(&self, _path: &WsPath) -> bool {
        false
    }

    /// The bytes of a file that [`Files::names`] has just listed. Most sources are only searched for a few strings, so
    /// they are not checked for UTF-8.
    ///
    /// # Errors
    /// If the file cannot be read or no longer exists; the string says why.
    fn read_listed(&self, path: &WsPath, bytes: &mut Vec<u8>) -> Result<(), String> {
        let text = self.text(path)?.ok_or("it does not exist")?;
        bytes.clear();
        bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// The kind of the entry after following links; `None` if it does not exist. Never [`Kind::Link`].
    fn kind(&self, path: &WsPath) -> Option<Kind>;

    /// Names in a directory, in any order; empty if the directory does not exist.
    fn names(&self, directory: &WsPath) -> Vec<(String, Kind)>;

    /// Target of a symbolic link, as written; `None` if the path is not a link.
    fn link(&self, _path: &WsPath) -> Option<String> {
        None
    }

    /// The path with links resolved, for a path that begins above the root; `None` if it is the same.
    fn straight(&self, _path: &WsPath) -> Option<WsPath> {
        None
    }

    /// Whether `path`, read by a package in `directory`, is outside of the workspace's repository, so that it may
    /// differ or be missing on another machine.
    fn is_far(&self, _directory: &WsPath, _path: &WsPath) -> bool {
        false
    }

    /// Whether the path is a file or a link to one.
    fn is_file(&self, path: &WsPath) -> bool {
        self.kind(path) == Some(Kind::File)
    }
}

/// Files in memory: text by path.
impl Files for BTreeMap<String, String> {
    fn text(&self, path: &WsPath) -> Result<Option<String>, String> {
        match self.get(path.as_str()) {
            None if self.kind(path).is_some() => Err("it is a directory".to_owned()),
            text => Ok(text.cloned()),
        }
    }

    fn kind(&self, path: &WsPath) -> Option<Kind> {
        match self.contains_key(path.as_str()) {
            true => Some(Kind::File),
            false => self.keys().any(|file| path.below(file).is_some()).then_some(Kind::Directory),
        }
    }

    fn names(&self, directory: &WsPath) -> Vec<(String, Kind)> {
        let below = self.keys().filter_map(|path| directory.below(path));
        let mut names: Vec<_> = below
            .map(|path| {
                path.split_once('/')
                    .map_or((path.to_owned(), Kind::File), |(name, _)| (name.to_owned(), Kind::Directory))
            })
            .collect();
        names.dedup();
        names
    }
}
