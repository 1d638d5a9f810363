//! Helpers of the integration tests: fixtures, cargo as the oracle, and Nix.
#![allow(dead_code, unreachable_pub, reason = "each test binary includes this module and uses its own part")]

pub mod console;
pub mod environment;
pub mod flake;
pub mod git;
pub mod machine;
pub mod markdown;
pub mod nix;
pub mod recorded;
pub mod registry;
pub mod remote;
pub mod sbom;
pub mod templates;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

/// Root of this repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// The address of Cratewright in flakes: `github:OWNER/cratewright`.
pub fn address() -> String {
    env!("CARGO_PKG_REPOSITORY").replace("https://github.com/", "github:")
}

/// The directory `fixtures/<name>`, with its dependencies in cargo's cache: most tests do without network.
pub fn fixture(name: &str) -> PathBuf {
    static FETCHED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let directory = repository().join("fixtures").join(name);
    let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
    if !fetched.contains(name) {
        run(Command::new("cargo").args(["fetch", "--quiet", "--locked"]).current_dir(&directory));
        fetched.insert(name.to_owned());
    }
    directory
}

/// All fixture workspaces, by name.
pub fn fixtures() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(repository().join("fixtures"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("fixture.toml").is_file())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 12, "the fixtures are missing: found {names:?}");
    names
}

/// Files that git tracks or would track.
pub fn tracked() -> Vec<PathBuf> {
    let root = repository();
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&root);
    stdout(&mut list).lines().map(|name| root.join(name)).filter(|path| path.is_file()).collect()
}

/// The same, by extension.
pub fn files(extension: &str) -> Vec<PathBuf> {
    let has_it = |path: &PathBuf| path.extension().is_some_and(|have| have == extension);
    let files: Vec<PathBuf> = tracked().into_iter().filter(has_it).collect();
    assert!(!files.is_empty(), "there is no .{extension} file");
    files
}

/// Runs a command. Fails the test with its output if it fails.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed with {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

/// Standard output of a command that must succeed.
#[track_caller]
pub fn stdout(command: &mut Command) -> String {
    String::from_utf8(run(command).stdout).unwrap()
}

/// A published application that ships its lock file, unpacked below cargo's target directory.
pub fn application(name: &str, version: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("applications");
    let mut fetch = Command::new(repository().join("dev/fetch-application"));
    let unpacked = PathBuf::from(stdout(fetch.args([name, version]).arg(directory)).trim());
    assert!(unpacked.join("Cargo.lock").is_file(), "{name} {version} does not ship a lock file");
    unpacked
}

/// The program under test.
pub fn cratewright() -> Command {
    Command::new(env!("CARGO_BIN_EXE_cratewright"))
}

/// A copy of a workspace that finds the library of this repository at the same relative path.
pub struct Copy {
    _directory: tempfile::TempDir,
    root: PathBuf,
}

impl Copy {
    /// Copies a fixture, or any workspace that does not import the library.
    pub fn of(root: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let copy = directory.path().join("fixtures/workspace");
        copy_tree(root, &copy);
        std::os::unix::fs::symlink(repository().join("nix-lib"), directory.path().join("nix-lib")).unwrap();
        Copy { _directory: directory, root: copy }
    }

    /// The root of the workspace.
    pub fn path(&self) -> &Path {
        &self.root
    }
}

/// Replaces the setting `library` of a copy of a fixture by `settings`, and regenerates Cargo.nix.
pub fn library_elsewhere(root: &Path, settings: &str) {
    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let usual = "library = \"../../nix-lib/library\"\n";
    assert!(text.contains(usual), "{} has its library elsewhere", root.display());
    fs::write(&manifest, text.replace(usual, settings)).unwrap();
    run(cratewright().args(["generate", "--locked", "--offline", "--manifest-path"]).arg(&manifest));
}

/// The manifest of a package, with more lines at its end.
pub fn package(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
}

/// Writes a file, and creates its directory.
#[track_caller]
pub fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Copies a directory tree without links.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Files below a directory with their contents.
pub fn tree(directory: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(tree(&path));
        } else {
            let bytes = fs::read(&path).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}
