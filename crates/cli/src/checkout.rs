//! Cargo's checkouts of git dependencies, as the trees that Nix hashes.
//!
//! nixpkgs' `fetchgit` returns what `git checkout` and `git submodule update --recursive` make, without `.git`. Cargo's
//! checkout also has a marker file and possibly files of build scripts; the index lists the files of the commit. A tree
//! that Nix has fetched has no index, and no other files.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cratewright_sources::git_index::{self, Kind};
use cratewright_sources::nar::{self, Node};
use tempfile::TempDir;

use crate::cargo;
use cratewright_sources::diagnostic::Diagnostic;

/// Cargo's marker for a finished checkout (`CHECKOUT_READY_LOCK` in its `src/sources/git/utils.rs`).
const MARKER: &str = ".cargo-ok";

enum Contents {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// SHA-256 of the NAR of a checkout, lower-case hex.
///
/// # Errors
/// When it is not a checkout, or was modified since it was checked out.
pub(crate) fn sha256(checkout: &Path) -> Result<String, Diagnostic> {
    let mut tree = Node::directory();
    let mut again = Vec::new();
    // Cargo has just checked that its checkouts are complete.
    if checkout.join(".git").exists() {
        add(&mut tree, checkout, checkout, &[], &mut again)?;
    } else {
        tree = exported(checkout).map_err(|error| Diagnostic::io("read", checkout, &error))?;
    }
    nar::sha256(&tree, &mut |contents| match contents {
        Contents::File(path) => fs::read(path).map_err(|error| changed(checkout, path, error)),
        Contents::Bytes(bytes) => Ok(bytes.clone()),
    })
}

/// All files in a directory.
fn exported(directory: &Path) -> io::Result<Node<Contents>> {
    let mut entries = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let node = if kind.is_dir() {
            exported(&path)?
        } else if kind.is_symlink() {
            Node::Symlink(fs::read_link(&path)?.into_os_string().into_encoded_bytes())
        } else {
            Node::File { executable: is_executable(&entry.metadata()?), contents: Contents::File(path) }
        };
        entries.insert(entry.file_name().into_encoded_bytes(), node);
    }
    Ok(Node::Directory(entries))
}

#[cfg(unix)]
fn is_executable(file: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

/// Adds the files of a repository's working tree, including its submodules, at `below`.
///
/// `again` keeps the directories of repositories that git has checked out again.
fn add(
    tree: &mut Node<Contents>,
    checkout: &Path,
    repository: &Path,
    below: &[u8],
    again: &mut Vec<TempDir>,
) -> Result<(), Diagnostic> {
    let path = repository.join(".git/index");
    let index = fs::read(&path).map_err(|error| changed(checkout, &path, error))?;
    let entries = git_index::parse(&index).map_err(|error| changed(checkout, &path, error))?;
    let mut converted = None;
    if entries.iter().any(|entry| converts(repository, entry)) {
        let directory = by_git(checkout, repository)?;
        converted = Some(directory.path().to_owned());
        again.push(directory);
    }
    for entry in entries {
        let file = repository.join(native(&entry.path));
        let at = [below, &entry.path].concat();
        match entry.kind {
            Kind::File { executable } => {
                let contents = match &converted {
                    Some(directory) => Contents::File(directory.join(native(&entry.path))),
                    None => as_checked_out(checkout, repository, &entry, file)?,
                };
                tree.insert(&at, Node::File { executable, contents });
            }
            Kind::Symlink => {
                let target = fs::read_link(&file).map_err(|error| changed(checkout, &file, error))?;
                tree.insert(&at, Node::Symlink(target.into_os_string().into_encoded_bytes()));
            }
            Kind::Submodule => {
                tree.insert(&at, Node::directory());
                // Cargo and git leave a submodule with `update = none` in .gitmodules empty.
                if file.join(".git").exists() {
                    add(tree, checkout, &file, &[&at, &b"/"[..]].concat(), again)?;
                }
            }
        }
    }
    Ok(())
}

/// A file of the checkout, if it was not modified.
fn as_checked_out(
    checkout: &Path,
    repository: &Path,
    entry: &git_index::Entry,
    file: PathBuf,
) -> Result<Contents, Diagnostic> {
    let found = fs::symlink_metadata(&file).map_err(|error| changed(checkout, &file, error))?;
    if entry.size == 0 || found.len() as u32 == entry.size {
        Ok(Contents::File(file))
    } else if entry.path == MARKER.as_bytes() {
        Ok(Contents::Bytes(committed_marker(checkout, repository)?))
    } else {
        Err(changed(checkout, &file, "its size has changed since it was checked out"))
    }
}

/// Whether an entry is a `.gitattributes` file that changes how files are checked out. Cargo's library and git differ
/// in line endings of binary files, quoted patterns and encodings.
fn converts(repository: &Path, entry: &git_index::Entry) -> bool {
    if !(entry.path == b".gitattributes" || entry.path.ends_with(b"/.gitattributes")) {
        return false;
    }
    let text = fs::read(repository.join(native(&entry.path))).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    ["text", "eol", "crlf", "binary", "ident", "encoding"].iter().any(|attribute| text.contains(attribute))
}

/// The files of a repository as git, and so `fetchgit`, checks them out.
fn by_git(checkout: &Path, repository: &Path) -> Result<TempDir, Diagnostic> {
    let directory =
        TempDir::new().map_err(|error| Diagnostic::io("make a directory in", &std::env::temp_dir(), &error))?;
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "-c", "core.autocrlf=false", "-C"]).arg(repository);
    git.arg("checkout-index").arg("--all").arg(format!("--prefix={}/", directory.path().display()));
    // Nix fetches without the user's configuration.
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_ATTR_NOSYSTEM", "1");
    let output = cargo::output(git)?;
    if output.status.success() {
        return Ok(directory);
    }
    Err(changed(checkout, repository, cargo::stderr(&output).trim()))
}

/// The file of the repository that has the name of cargo's marker, as cargo overwrites it in the checkout.
fn committed_marker(checkout: &Path, repository: &Path) -> Result<Vec<u8>, Diagnostic> {
    let mut git = Command::new("git");
    git.arg("-C").arg(repository).args(["cat-file", "blob", &format!(":{MARKER}")]);
    let output = cargo::output(git)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(changed(checkout, &repository.join(MARKER), cargo::stderr(&output).trim()))
}

#[cfg(unix)]
fn native(path: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(path))
}

#[cfg(not(unix))]
fn native(path: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(path).into_owned())
}

fn changed(checkout: &Path, path: &Path, why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::new("changed-checkout", format!("cargo's checkout of a git dependency was modified: {why}"))
        .at(path.display().to_string())
        .help(format!("remove `{}`, then run `cargo fetch`", checkout.display()))
}
