//! SHA-256 of a file tree's NAR, the hash that Nix computes (Nix manual, "Nix Archive (NAR) format").

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::digest::hex;

/// A file tree. `F` is a handle of a file's contents, which are read only when they are hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node<F> {
    /// Entries in byte order of their names, the order of NAR.
    Directory(BTreeMap<Vec<u8>, Node<F>>),
    /// A file.
    File {
        /// Whether the owner may execute it, the only permission in a NAR.
        executable: bool,
        /// Handle of its contents.
        contents: F,
    },
    /// A symbolic link with its target.
    Symlink(Vec<u8>),
}

impl<F> Node<F> {
    /// An empty directory.
    pub fn directory() -> Self {
        Node::Directory(BTreeMap::new())
    }

    /// Inserts a node at a `/`-separated path and creates missing directories. An existing node is replaced.
    pub fn insert(&mut self, path: &[u8], node: Node<F>) {
        if !matches!(self, Node::Directory(_)) {
            *self = Node::directory();
        }
        let Node::Directory(entries) = self else { unreachable!("made one above") };
        match path.iter().position(|&byte| byte == b'/') {
            Some(at) => {
                let below = entries.entry(path[..at].to_owned()).or_insert_with(Node::directory);
                below.insert(&path[at + 1..], node);
            }
            None => {
                entries.insert(path.to_owned(), node);
            }
        }
    }
}

/// SHA-256 of a tree's NAR, in lower-case hexadecimal; `read` returns the bytes of a handle.
///
/// # Errors
/// Any error of `read`.
pub fn sha256<F, E>(root: &Node<F>, read: &mut impl FnMut(&F) -> Result<Vec<u8>, E>) -> Result<String, E> {
    let mut nar = Nar(Sha256::new());
    nar.string(b"nix-archive-1");
    nar.node(root, read)?;
    Ok(hex(&nar.0.finalize()))
}

struct Nar(Sha256);

impl Nar {
    /// Writes the length, the bytes, and zeros up to a multiple of eight.
    fn string(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self.0.update(&[0; 7][..bytes.len().wrapping_neg() % 8]);
    }

    fn strings(&mut self, strings: &[&str]) {
        for string in strings {
            self.string(string.as_bytes());
        }
    }

    fn node<F, E>(&mut self, node: &Node<F>, read: &mut impl FnMut(&F) -> Result<Vec<u8>, E>) -> Result<(), E> {
        self.strings(&["(", "type"]);
        match node {
            Node::Directory(entries) => {
                self.strings(&["directory"]);
                for (name, node) in entries {
                    self.strings(&["entry", "(", "name"]);
                    self.string(name);
                    self.strings(&["node"]);
                    self.node(node, read)?;
                    self.strings(&[")"]);
                }
            }
            Node::File { executable, contents } => {
                self.strings(&["regular"]);
                if *executable {
                    self.strings(&["executable", ""]);
                }
                self.strings(&["contents"]);
                self.string(&read(contents)?);
            }
            Node::Symlink(target) => {
                self.strings(&["symlink", "target"]);
                self.string(target);
            }
        }
        self.strings(&[")"]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn hash(root: &Node<&'static [u8]>) -> String {
        sha256(root, &mut |contents| Ok::<_, Infallible>(contents.to_vec())).unwrap_or_else(|never| match never {})
    }

    // Expected values are the output of `nix-hash --type sha256` for the same tree.
    #[test]
    fn hashes_match_nix_hash() {
        let file = |executable| Node::File { executable, contents: &b"hello\n"[..] };
        let mut tree = Node::directory();
        tree.insert(b"a/b", file(true));
        tree.insert(b"a/empty", Node::directory());
        tree.insert(b"link", Node::Symlink(b"a/b".to_vec()));
        tree.insert("\u{fc} x\n".as_bytes(), Node::File { executable: false, contents: &b""[..] });
        assert_eq!(hash(&file(false)), "1c37d01af40be2e80691de3cc3df44377a699afbb17c68f080964b2fd071fc13");
        assert_eq!(hash(&tree), "7be0b4c422a0a16a39f184b40a5903612445769b6b5c021711ce3c6c2a5485fb");
    }
}
