//! Lexical operations on paths, without access to the disk.

use std::path::{Path, PathBuf};

use cratewright_sources::path::{self, WsPath};

/// Joins a path to a directory and resolves `..` lexically. The path need not exist.
pub(crate) fn lexical(directory: &Path, path: &str) -> PathBuf {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").fold(directory.to_owned(), |mut at, part| {
        if part == ".." {
            at.pop();
        } else {
            at.push(part);
        }
        at
    })
}

/// `to` relative to the directory `from`. Both must be canonical.
pub(crate) fn relative(from: &Path, to: &Path) -> WsPath {
    let slashed = |path: &Path| path.to_string_lossy().replace('\\', "/");
    path::relative(&slashed(from), &slashed(to))
}

/// A path or an argument, quoted for a shell if necessary.
pub(crate) fn quoted(word: impl AsRef<Path>) -> String {
    let text = word.as_ref().display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative() {
        let relative = |from: &str, to: &str| relative(Path::new(from), Path::new(to)).to_string();
        assert_eq!(relative("/w", "/w"), "");
        assert_eq!(relative("/w/nix", "/w"), "..");
        assert_eq!(relative("/w", "/w/nix/Cargo.nix"), "nix/Cargo.nix");
        assert_eq!(relative("/a/b", "/a/c/d"), "../c/d");
    }
}
