//! `nix-lib/amend.sh` in a scratch git repository: it amends a bot's commit with a regenerated Cargo.nix.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support;

const BOT: &str = "renovate[bot]";

/// A remote, and a clone of it with a commit on the branch `bump`.
struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    /// Creates a workspace with an up-to-date Cargo.nix on `main`, and a commit by `author` with an edit on `bump`.
    fn new(author: &str, edit: impl FnOnce(&Path)) -> Self {
        let scratch = Scratch { directory: tempfile::tempdir().unwrap() };
        let clone = scratch.clone_of("clone");
        support::run(
            Command::new("git").args(["init", "--quiet", "--bare", "remote"]).current_dir(scratch.directory.path()),
        );
        fs::create_dir_all(&clone).unwrap();
        support::run(Command::new("cp").arg("-r").arg(support::fixture("three-members").join(".")).arg(&clone));
        // The library is next to Cargo.nix, as in most workspaces.
        support::library_elsewhere(&clone, "");
        scratch.git("clone", &["init", "--quiet", "--initial-branch", "main"]);
        scratch.git("clone", &["remote", "add", "origin", "../remote"]);
        scratch.commit("clone", "a person", "first");
        scratch.git("clone", &["push", "--quiet", "origin", "main"]);
        scratch.git("clone", &["checkout", "--quiet", "-b", "bump"]);
        edit(&clone);
        scratch.commit("clone", author, "bump");
        scratch.git("clone", &["push", "--quiet", "origin", "bump"]);
        scratch
    }

    fn clone_of(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn git(&self, clone: &str, arguments: &[&str]) -> String {
        support::stdout(git(&self.clone_of(clone)).args(arguments)).trim().to_owned()
    }

    fn commit(&self, clone: &str, author: &str, message: &str) {
        self.git(clone, &["add", "--all"]);
        let mut command = git(&self.clone_of(clone));
        command.env("GIT_AUTHOR_NAME", author).env("GIT_COMMITTER_NAME", author);
        support::run(command.args(["commit", "--quiet", "--allow-empty", "--message", message]));
    }

    /// Runs the script on a detached commit, as the workflow does.
    fn amend(&self) -> Output {
        self.amend_in("clone")
    }

    fn amend_in(&self, directory: &str) -> Output {
        self.git("clone", &["checkout", "--quiet", "--detach"]);
        let mut command = Command::new(support::repository().join("nix-lib/amend.sh"));
        command.arg(env!("CARGO_BIN_EXE_cratewright")).args(["generate", "--locked", "--offline"]);
        command.current_dir(self.clone_of(directory)).env("CRATEWRIGHT_BRANCH", "bump").output().unwrap()
    }

    fn remote(&self, revision: &str) -> String {
        self.git("remote", &["rev-parse", revision])
    }
}

fn git(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(directory);
    for (key, value) in [("NAME", "someone"), ("EMAIL", "someone@example.invalid")] {
        command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
    }
    command
}

/// An edit that makes Cargo.nix stale.
fn bump(clone: &Path) {
    let manifest = clone.join("leaf/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("edition = \"2024\"", "edition = \"2021\"")).unwrap();
}

#[track_caller]
fn check(output: &Output, code: i32, says: &str) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(text.contains(says), "{text}");
}

#[test]
fn the_commit_of_a_bot_is_amended_once() {
    let scratch = Scratch::new(BOT, bump);
    let before = scratch.remote("bump");
    check(&scratch.amend(), 0, "amended");
    assert_ne!(scratch.remote("bump"), before);
    assert_eq!(scratch.remote("bump^"), scratch.remote("main"), "the branch still has one commit");
    assert_eq!(scratch.git("remote", &["log", "-1", "--format=%an %cn %s", "bump"]), format!("{BOT} {BOT} bump"));
    let changed = scratch.git("remote", &["show", "--format=", "--name-only", "bump"]);
    assert_eq!(changed, "Cargo.nix\nleaf/Cargo.toml");

    // The push starts a second run.
    let after = scratch.remote("bump");
    check(&scratch.amend(), 0, "up to date");
    assert_eq!(scratch.remote("bump"), after);
}

#[test]
fn the_commit_is_amended_with_the_library() {
    let scratch = Scratch::new(BOT, |clone| {
        let library = clone.join("cratewright.nix");
        let text = fs::read_to_string(&library).unwrap();
        fs::write(library, format!("{text}# of another version\n")).unwrap();
        fs::write(clone.join("notes.txt"), "").unwrap();
    });
    check(&scratch.amend(), 0, "amended");
    // The library is the same as on main again.
    assert_eq!(scratch.git("remote", &["diff", "--name-only", "main", "bump"]), "notes.txt");
}

#[test]
fn the_commit_is_amended_with_a_shared_library() {
    let scratch = Scratch::new(BOT, |clone| {
        let workspace = clone.join("tools");
        support::copy_tree(&support::fixture("three-members"), &workspace);
        fs::create_dir(clone.join("nix")).unwrap();
        support::library_elsewhere(&workspace, "library = \"../nix/cratewright.nix\"\n");
        let library = clone.join("nix/cratewright.nix");
        let text = fs::read_to_string(&library).unwrap();
        fs::write(library, format!("{text}# of another version\n")).unwrap();
    });
    check(&scratch.amend_in("clone/tools"), 0, "amended");
    let library = scratch.git("remote", &["show", "bump:nix/cratewright.nix"]);
    assert!(!library.contains("# of another version"));
    assert_eq!(scratch.git("clone", &["status", "--porcelain"]), "");
}

#[test]
fn a_commit_that_changes_no_cargo_nix_is_not_amended() {
    let scratch = Scratch::new(BOT, |clone| fs::write(clone.join("notes.txt"), "").unwrap());
    let before = scratch.remote("bump");
    check(&scratch.amend(), 0, "up to date");
    assert_eq!(scratch.remote("bump"), before);
}

#[test]
fn the_commit_of_a_person_is_not_amended() {
    let scratch = Scratch::new("a person", bump);
    let before = scratch.remote("bump");
    check(&scratch.amend(), 0, "by a person, not by a bot");
    assert_eq!(scratch.remote("bump"), before);
}

#[test]
fn concurrent_pushes_are_not_overwritten() {
    let scratch = Scratch::new(BOT, bump);
    scratch.git("", &["clone", "--quiet", "--branch", "bump", "remote", "other"]);
    scratch.commit("other", "a person", "a fix of mine");
    scratch.git("other", &["push", "--quiet", "origin", "bump"]);
    let theirs = scratch.remote("bump");
    check(&scratch.amend(), 0, "has moved");
    assert_eq!(scratch.remote("bump"), theirs);
}

#[test]
fn a_failed_push_is_an_error() {
    let scratch = Scratch::new(BOT, bump);
    let hook = scratch.clone_of("remote").join("hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    support::run(Command::new("chmod").arg("+x").arg(&hook));
    check(&scratch.amend(), 2, "cannot push to ");
}

#[test]
fn a_failed_generation_pushes_nothing() {
    let scratch = Scratch::new(BOT, |clone| fs::remove_file(clone.join("Cargo.lock")).unwrap());
    let before = scratch.remote("bump");
    check(&scratch.amend(), 2, "no-lock-file");
    assert_eq!(scratch.remote("bump"), before);
}
