//! The hash of a tree is that of the archive which another implementation writes of the same tree on disk.
#![no_main]

use std::convert::Infallible;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use arbitrary::Arbitrary;
use cratewright_sources::nar::{Node, sha256};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
enum Tree {
    Directory(Vec<(u8, Tree)>),
    File { executable: bool, contents: Vec<u8> },
    Symlink(u8),
}

/// Puts a tree on disk. Of two entries with one name the first counts.
fn write(tree: &Tree, path: &Path) -> Node<Vec<u8>> {
    match tree {
        Tree::Directory(entries) => {
            fs::create_dir(path).unwrap();
            let mut node = Node::directory();
            for (name, tree) in entries {
                // The other implementation takes names in UTF-8 only.
                let name = [b'n', b'!' + name % 94].map(|byte| if byte == b'/' { b'_' } else { byte });
                let path = path.join(std::ffi::OsStr::from_bytes(&name));
                if path.symlink_metadata().is_err() {
                    node.insert(&name, write(tree, &path));
                }
            }
            node
        }
        Tree::File { executable, contents } => {
            fs::write(path, contents).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(if *executable { 0o755 } else { 0o644 })).unwrap();
            Node::File { executable: *executable, contents: contents.clone() }
        }
        Tree::Symlink(target) => {
            let target = format!("to/{target}");
            symlink(&target, path).unwrap();
            Node::Symlink(target.into_bytes())
        }
    }
}

fuzz_target!(|tree: Tree| {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("tree");
    let node = write(&tree, &path);
    let mut archive = Vec::new();
    nix_nar::Encoder::new(&path).unwrap().read_to_end(&mut archive).unwrap();
    let found =
        sha256(&node, &mut |contents| Ok::<_, Infallible>(contents.clone())).unwrap_or_else(|never| match never {});
    assert_eq!(found, cratewright_sources::digest::sha256(&archive));
});
