//! Paths relative to the workspace root.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::path::Path;

/// A normalized, `/`-separated path relative to the workspace root: the root is the empty string, `.` never occurs, and
/// `..` only at the beginning. Equal paths are equal strings, on every machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WsPath(String);

/// Maximum number of directories above the root that are searched.
const HIGHEST: usize = 16;

impl WsPath {
    /// The workspace root.
    pub const ROOT: WsPath = WsPath(String::new());

    /// Normalizes a path relative to the root; `None` if it is absolute.
    pub fn new(path: &str) -> Option<Self> {
        Self::ROOT.join(path)
    }

    /// Joins a path relative to this directory; `None` if it is absolute.
    pub fn join(&self, path: &str) -> Option<Self> {
        if path.starts_with('/') {
            return None;
        }
        let mut parts: Vec<&str> = self.parts().collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Some(WsPath(parts.join("/")))
    }

    /// Appends one or several names separated by slashes, without `.` and `..`.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        WsPath(if self.is_root() { name.to_owned() } else { format!("{}/{name}", self.0) })
    }

    /// The path as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the workspace root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Components, from the root down.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// Whether the path is outside of the workspace root.
    pub fn is_outside(&self) -> bool {
        self.parts().next() == Some("..")
    }

    /// Number of leading `..` components.
    pub fn levels_up(&self) -> usize {
        self.parts().take_while(|part| *part == "..").count()
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Directory that contains this file.
    #[must_use]
    pub fn parent(&self) -> Self {
        WsPath(self.0.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned())
    }

    /// The parent of a directory; `None` for the root, and for the highest directory that is searched.
    pub fn above(&self) -> Option<Self> {
        match self.name() {
            "" => None,
            ".." => (self.parts().count() < HIGHEST).then(|| self.child("..")),
            _ if self.is_outside() && !self.parent().is_outside() => Some(WsPath("..".to_owned())),
            _ => Some(self.parent()),
        }
    }

    /// Whether this directory is `path` or contains it.
    pub fn is_at_or_above(&self, path: &WsPath) -> bool {
        if self.parts().all(|part| part == "..") {
            return path.levels_up() <= self.levels_up();
        }
        path.0.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The rest of `path` below this directory; `None` if the directory does not contain it or is the same.
    pub fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = if self.is_root() { Some(path) } else { path.strip_prefix(&self.0)?.strip_prefix('/') };
        rest.filter(|rest| !matches!(rest.split('/').next(), Some("" | "..")))
    }
}

impl Deref for WsPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for WsPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for WsPath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for WsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path `to` relative to `from`; both are absolute and `/`-separated.
pub fn relative(from: &str, to: &str) -> WsPath {
    let parts = |path: &'_ str| path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
    let up = from[common..].iter().map(|_| "..".to_owned());
    WsPath(up.chain(to[common..].iter().cloned()).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> WsPath {
        WsPath::new(text).unwrap()
    }

    #[test]
    fn joined_paths_are_normalized() {
        assert_eq!(path("a/b").join("../c"), Some(path("a/c")));
        assert_eq!(path("a").join("../../c/./d/../e"), Some(path("../c/e")));
        assert_eq!(path("../a").join("../b"), Some(path("../b")));
        assert_eq!(path("../a").join("../../b"), Some(path("../../b")));
        assert_eq!(path("a").join("/b"), None);
    }

    #[test]
    fn above_ends_at_the_root_and_is_limited_outside() {
        let all = |from: &str| std::iter::successors(Some(path(from)), WsPath::above).collect::<Vec<_>>();
        assert_eq!(all("a/b"), ["a/b", "a", ""].map(path));
        let outside = all("../a/b");
        assert_eq!(outside[..4], ["../a/b", "../a", "..", "../.."].map(path));
        assert_eq!(outside.len(), 2 + HIGHEST);
    }

    #[test]
    fn directory_contains_paths_below_it() {
        let holds = |directory, below| path(directory).is_at_or_above(&path(below));
        assert!(holds("a", "a/b") && !holds("a", "ab"));
        assert!(holds("", "a") && !holds("", "../a") && holds("..", "../a"));
        assert_eq!(path("a").below("a/b/c"), Some("b/c"));
        assert_eq!(path("").below("a"), Some("a"));
        assert_eq!([path("").below("../a"), path("a").below("a"), path("a").below("ab")], [None; 3]);
    }

    #[test]
    fn relative_path_between_absolute_paths() {
        assert_eq!(relative("/w", "/w"), path(""));
        assert_eq!(relative("/w", "/w/a/b"), path("a/b"));
        assert_eq!(relative("/w/a", "/w/b/c"), path("../b/c"));
        assert_eq!(relative("/w/a", "/x"), path("../../x"));
    }
}
