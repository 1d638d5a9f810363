//! Runs the steps of `templates` in a shell, as the forges do, in a clone of a repository with a branch that changes a
//! crate.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::forge::{FORK, Forge, GitHub, GitLab};
use super::{MARKER, check};
use crate::support::templates::script;
use crate::support::{cratewright, fixture, library_elsewhere, repository, run, stdout};

/// Replaces Nix: runs the apps of the flake, which `flake.rs` tests.
const NIX: &str = r#"#!/bin/sh
set -e
[ "$1 $3" = "run --" ]
app=$2
shift 3
case $app in
  .#build-graph-impact) exec "$CRATEWRIGHT" impact --offline --platform x86_64-linux "$@" ;;
  .#comment-build-graph-impact) exec "$COMMENT" "$@" ;;
esac
exit 99
"#;

/// A clone with a commit of a pull request as `HEAD`, and the other directories of a runner.
struct Runner {
    directory: tempfile::TempDir,
}

impl Runner {
    /// The branch starts before the last commit of `main`, and edits a file of the member `leaf`.
    fn new() -> Self {
        let runner = Runner { directory: tempfile::tempdir().unwrap() };
        let clone = runner.path("clone");
        fs::create_dir_all(&clone).unwrap();
        run(Command::new("cp").arg("-r").arg(fixture("three-members").join(".")).arg(&clone));
        library_elsewhere(&clone, "");
        runner.git(&["init", "--quiet", "--initial-branch", "main"]);
        runner.commit("first");
        runner.git(&["init", "--quiet", "--bare", "../remote"]);
        runner.git(&["remote", "add", "origin", "../remote"]);
        runner.git(&["checkout", "--quiet", "-b", "topic"]);
        runner.edit();
        runner.git(&["checkout", "--quiet", "main"]);
        fs::write(clone.join("app/src/new.rs"), "").unwrap();
        runner.commit("a commit of somebody else");
        runner.git(&["push", "--quiet", "origin", "main"]);
        runner.git(&["checkout", "--quiet", "--detach", "topic"]);
        fs::create_dir(runner.path("bin")).unwrap();
        fs::write(runner.path("bin/nix"), NIX).unwrap();
        run(Command::new("chmod").arg("+x").arg(runner.path("bin/nix")));
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgSign=false"]);
        stdout(git.args(arguments).current_dir(self.path("clone"))).trim().to_owned()
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// Commits another file, with a hostile name.
    fn edit(&self) {
        let file = format!("clone/leaf/src/[x](y) <b> @team|`z`-{}.rs", self.git(&["rev-list", "--count", "HEAD"]));
        fs::write(self.path(&file), "").unwrap();
        self.commit("a change");
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Output of the command for the branch, without the script.
    fn markdown(&self) -> String {
        let base = self.git(&["log", "--max-parents=0", "--format=%h", "--abbrev=9"]);
        let arguments = ["--format", "markdown", "--offline", "--platform", "x86_64-linux", "--since", &base];
        let text = stdout(cratewright().arg("impact").args(arguments).current_dir(self.path("clone")));
        assert!(text.contains("leaf") && text.contains("@&#8203;team") && !text.contains("new.rs"), "{text}");
        text
    }

    /// Runs a step as a forge does.
    fn step(&self, forge: &Forge, step: &str, variables: &[(&str, &str)]) -> Output {
        let mut bash = Command::new("bash");
        forge.environment(&mut bash).args(["--noprofile", "--norc", "-e", "-c", step]).current_dir(self.path("clone"));
        let path = std::env::var("PATH").unwrap();
        bash.env("PATH", format!("{}:{path}", self.path("bin").display()));
        bash.env("CRATEWRIGHT", env!("CARGO_BIN_EXE_cratewright"));
        bash.env("COMMENT", repository().join("nix-lib/comment.sh"));
        bash.envs(variables.iter().copied()).output().unwrap()
    }
}

/// Runs both workflows for the commit that is checked out.
fn github(runner: &Runner, forge: &Forge, number: &str) -> Output {
    let temporary = runner.path("temporary");
    let _ = fs::remove_dir_all(&temporary);
    fs::create_dir(&temporary).unwrap();
    let summary = temporary.join("summary");
    let places = [("RUNNER_TEMP", &temporary), ("GITHUB_STEP_SUMMARY", &summary)];
    let places = places.map(|(name, path)| (name, path.to_str().unwrap()));

    // Without secrets, as in forks.
    let variables = [&places[..], &[("BASE", "origin/main"), ("NUMBER", number), ("CRATEWRIGHT_TOKEN", "")]].concat();
    check(&runner.step(forge, &script("github/build-graph-impact.yml", "run: |"), &variables), 0, "");
    assert_eq!(fs::read_to_string(&summary).unwrap(), runner.markdown());
    assert_eq!(fs::read_to_string(temporary.join("build-graph-impact/impact.md")).unwrap(), runner.markdown());
    assert_eq!(runner.git(&["status", "--porcelain"]), "", "the working tree was changed");

    let head = runner.head();
    let variables = [&places[..], &[("CRATEWRIGHT_HEAD", &head), ("CRATEWRIGHT_HEAD_REPOSITORY", FORK)]].concat();
    runner.step(forge, &script("github/comment-build-graph-impact.yml", "run: |"), &variables)
}

#[test]
fn on_github_a_pull_request_has_one_comment() {
    let (runner, forge) = (Runner::new(), Forge::new(GitHub));
    for says in ["commented", "updated"] {
        runner.edit();
        let head = runner.head();
        forge.state().head.clone_from(&head);
        check(&github(&runner, &forge, "7"), 0, says);
        assert_eq!(forge.body(), format!("{MARKER}{}\nFor commit {head}.\n", runner.markdown()));
    }
    // The artifact has the number of another pull request, which does not exist, or is at another commit.
    check(&github(&runner, &forge, "8"), 2, "404");
    check(&github(&runner, &forge, "7/comments"), 2, "is not the number of a pull request");
    runner.edit();
    check(&github(&runner, &forge, "7"), 0, "the run for that commit takes over");
}

#[test]
fn on_gitlab_a_merge_request_has_one_comment() {
    let (runner, forge) = (Runner::new(), Forge::new(GitLab));
    let base = runner.git(&["merge-base", "origin/main", "HEAD"]);
    let script = script("gitlab/build-graph-impact.yml", "- |");
    let file = runner.path("clone/build-graph-impact.md");
    let pipeline = |variables: &[(&str, &str)], says: &str| {
        let head = runner.head();
        forge.state().head.clone_from(&head);
        let variables = [&[("CI_MERGE_REQUEST_DIFF_BASE_SHA", &*base), ("CI_COMMIT_SHA", &head)], variables].concat();
        check(&runner.step(&forge, &script, &variables), 0, says);
        // GitLab cleans the clone before the next job.
        let artifact = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        assert_eq!(artifact, runner.markdown());
        assert_eq!(runner.git(&["status", "--porcelain"]), "", "other files were written");
        head
    };
    pipeline(&[("CRATEWRIGHT_TOKEN", "")], "the report is in the artifact");
    assert!(forge.state().requests.is_empty());
    for says in ["commented", "updated"] {
        runner.edit();
        let head = pipeline(&[], says);
        assert_eq!(forge.body(), format!("{MARKER}{}\nFor commit {head}.\n", runner.markdown()));
    }
}
