//! What is on the disk, as the libraries see it.

use std::collections::BTreeMap;

use crate::path::WsPath;

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, of which it was not asked where it leads.
    Link,
}

/// A directory tree around the workspace root.
///
/// What is neither file, directory nor link (pipes, devices) is not there: it would be waited for.
pub trait Files: Sync {
    /// Text of a file; nothing if it does not exist.
    ///
    /// # Errors
    /// When it exists and cannot be read; the text says why.
    fn text(&self, path: &WsPath) -> Result<Option<String>, String>;

    /// Whether a file is as it was when its text was read last. Where that is not known, it is not.
    fn is_as_read(&self, _path: &WsPath) -> bool {
        false
    }

    /// The bytes of a file that [`Files::names`] has just listed as one: sources are many, and most of them need not be
    /// known to be text.
    ///
    /// # Errors
    /// When it cannot be read, or is gone; the text says why.
    fn read_listed(&self, path: &WsPath, bytes: &mut Vec<u8>) -> Result<(), String> {
        let text = self.text(path)?.ok_or("it does not exist")?;
        bytes.clear();
        bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// What a path leads to; nothing if there is nothing. Never [`Kind::Link`].
    fn kind(&self, path: &WsPath) -> Option<Kind>;

    /// Names in a directory, in any order; none if there is no such directory.
    fn names(&self, directory: &WsPath) -> Vec<(String, Kind)>;

    /// What is written in a symbolic link; nothing for what is none.
    fn link(&self, _path: &WsPath) -> Option<String> {
        None
    }

    /// Where a path that begins above the root really lies, where that is elsewhere than it says.
    fn straight(&self, _path: &WsPath) -> Option<WsPath> {
        None
    }

    /// Whether what a package in `directory` reads there is nothing that comes with the workspace: it is in no repository
    /// with it, and so another file, or none, on another machine.
    fn is_far(&self, _directory: &WsPath, _path: &WsPath) -> bool {
        false
    }

    /// Whether it is a file, or leads to one.
    fn is_file(&self, path: &WsPath) -> bool {
        self.kind(path) == Some(Kind::File)
    }
}

/// Texts by path.
impl Files for BTreeMap<String, String> {
    fn text(&self, path: &WsPath) -> Result<Option<String>, String> {
        Ok(self.get(path.as_str()).cloned())
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
