//! `dev/release`: a dry run makes the files of a release and leaves the repository as it is, and `--execute` refuses to
//! release what is not ready.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{self, flake, repository, run, stdout};

fn git(directory: &Path, arguments: &[&str]) -> String {
    stdout(Command::new("git").args(arguments).current_dir(directory))
}

/// What a repository has besides its objects.
fn state(directory: &Path) -> String {
    ["status --porcelain", "rev-parse HEAD", "for-each-ref", "stash list"]
        .map(|command| git(directory, &command.split(' ').collect::<Vec<_>>()))
        .concat()
}

fn release(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(directory.join("dev/release"));
    command.args(arguments).env("CRATEWRIGHT", env!("CARGO_BIN_EXE_cratewright")).output().unwrap()
}

#[test]
fn a_dry_run_makes_the_files_and_leaves_the_repository_as_it_is() {
    let before = state(&repository());
    let output = release(&repository(), &["99.0.0"]);
    let text = flake::text(&output);
    assert!(output.status.success(), "{text}");
    assert_eq!(state(&repository()), before);
    for says in [
        concat!(env!("CARGO_PKG_VERSION"), " -> 99.0.0\n"),
        "the public API is not compared",
        "Release 99.0.0, tag v99.0.0\n",
        "not built for x86_64-unknown-linux-musl: ",
        "not built for aarch64-unknown-linux-musl: ",
        " cratewright-99.0.0.crate\n",
        " cratewright-renderer-99.0.0.crate\n",
        " cratewright-99.0.0-aarch64-unknown-linux-musl.cdx.json\n",
        " NOTES.md\n",
        " SHA256SUMS\n",
        "git push --atomic origin main v99.0.0\n",
        "This was a dry run.",
    ] {
        assert!(text.contains(says), "{says:?} is missing in:\n{text}");
    }
}

#[test]
fn a_release_is_refused_unless_main_is_committed_and_the_version_is_new() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    support::write(&root.join("Cargo.toml"), "");
    fs::create_dir(root.join("dev")).unwrap();
    fs::copy(repository().join("dev/release"), root.join("dev/release")).unwrap();
    git(root, &["init", "--quiet", "--initial-branch", "main"]);
    git(root, &["add", "."]);
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
    git(root, &[&identity[..], &["commit", "--quiet", "--message", "First"]].concat());
    git(root, &["tag", "v1.0.0"]);

    let refused = |version: &str| {
        let before = state(root);
        let output = release(root, &[version, "--execute"]);
        assert_eq!(output.status.code(), Some(2), "{}", flake::text(&output));
        assert_eq!(state(root), before);
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused("next").starts_with("error: no version such as 1.2.3 is given\n  help: "));
    assert!(refused("1.0.0").starts_with("error: the tag v1.0.0 exists\n  help: "));
    fs::write(root.join("Cargo.toml"), "# edited\n").unwrap();
    assert!(refused("1.1.0").starts_with("error: there are changes that are not committed\n  help: "));
    run(Command::new("git").args(["switch", "--quiet", "--create", "topic"]).current_dir(root));
    assert!(refused("1.1.0").starts_with("error: the branch is `topic`, and releases are made from `main`\n  help: "));
}
