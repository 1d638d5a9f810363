//! Output and errors of `cratewright impact`, which never writes a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{committed, git, with_nix};
use crate::support::{cratewright, fixture, run, stdout, tree};

fn impact(root: &Path, arguments: &[&str]) -> Output {
    with_nix()
        .arg("impact")
        .args(arguments)
        .args(["--offline", "--platform", "x86_64-linux"])
        .current_dir(root)
        .output()
        .unwrap()
}

/// Standard output of a command that must not change any file.
#[track_caller]
fn answer(root: &Path, arguments: &[&str]) -> String {
    let before = tree(root);
    let output = impact(root, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(tree(root) == before, "the workspace was written to");
    String::from_utf8(output.stdout).unwrap()
}

/// Expects a command to fail with exit code 2 and these messages, without changing any file.
#[track_caller]
fn failure(root: &Path, arguments: &[&str], says: &[&str]) {
    let before = tree(root);
    let output = impact(root, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.stdout.is_empty());
    let missing: Vec<&&str> = says.iter().filter(|text| !said.contains(**text)).collect();
    assert!(missing.is_empty(), "{missing:?} is missing in\n{said}");
    assert!(!said.contains("/tree/"), "the message mentions a temporary directory:\n{said}");
    assert!(tree(root) == before, "the workspace was written to");
}

fn service() -> (TempDir, PathBuf) {
    committed(&fixture("service"))
}

/// A clone of the repository with only its first commit.
fn clone(top: &Path, depth: &[&str]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file://{}", top.display());
    git(directory.path(), &[&["clone", "--quiet"], depth, &[&url, "clone"]].concat());
    let root = directory.path().join("clone/fixtures/workspace");
    (directory, root)
}

#[test]
fn the_answer_is_the_first_line() {
    let (_top, root) = service();
    fs::write(root.join("clock/src/lib.rs"), "// nothing\n").unwrap();
    let text = answer(&root, &["--since", "HEAD"]);
    let first =
        "9 of 11 crates (81.8 %) and 5 of 6 test suites are built again on x86_64-unknown-linux-gnu, since HEAD\n";
    assert!(text.starts_with(first), "{text}");
    assert!(text.contains("because of\n  clock 0.1.0 (3 builds): changed files: src/lib.rs; 9 crates\n"), "{text}");
    let markdown = answer(&root, &["--since", "HEAD", "--format", "markdown"]);
    assert!(markdown.starts_with("**9 of 11 crates (81.8 %) and 5 of 6 test suites are built again on x86_64-unknown-linux-gnu**, since HEAD.\n\n| platform |"), "{markdown}");
    let json: serde_json::Value =
        serde_json::from_str(&answer(&root, &["--since", "HEAD", "--format", "json"])).unwrap();
    assert_eq!(json["platforms"][0]["crates"]["built"], 9);
    assert_eq!(json["platforms"][0]["roots"][0]["reasons"][0]["added"][0], "clock/src/lib.rs");
}

#[test]
fn nothing_is_rebuilt_if_nothing_changed() {
    let (_top, root) = service();
    fs::write(root.join("../notes.md"), "outside of the workspace").unwrap();
    let text = answer(&root, &["--since", "HEAD"]);
    assert!(
        text.starts_with("nothing is built again: 0 of 11 crates on x86_64-unknown-linux-gnu, since HEAD\n"),
        "{text}"
    );
    let mut graph = cratewright();
    let drawn = run(graph.args(["graph", "--offline", "--changed", "--since", "HEAD"]).current_dir(&root));
    let said = String::from_utf8(drawn.stderr).unwrap();
    assert_eq!(said, "warning: the drawing is empty: nothing in it is built again since HEAD\n");
}

#[test]
fn the_default_base_is_the_merge_base_with_the_default_branch() {
    let (top, _) = service();
    let (clone_directory, root) = clone(top.path(), &[]);
    git(&root, &["checkout", "--quiet", "-b", "topic"]);
    fs::write(root.join("clock/src/lib.rs"), "// nothing\n").unwrap();
    git(&root, &["commit", "--quiet", "--all", "--message", "a change"]);
    // Uncommitted changes and new files count.
    fs::write(root.join("event-store/src/added.rs"), "").unwrap();
    let text = answer(&root, &[]);
    assert!(text.contains(", where HEAD left origin/main\n"), "{text}");
    assert!(
        text.contains("clock 0.1.0") && text.contains("event-store 0.1.0") && text.contains("src/added.rs"),
        "{text}"
    );
    drop(clone_directory);
}

#[test]
fn hypothetical_changes_are_reported() {
    let (_top, root) = service();
    let bump = answer(&root, &["--bump", "clock"]);
    assert!(
        bump.contains("if clock is bumped\n") && bump.contains("clock 0.1.0 (3 builds): another version; 9 crates\n"),
        "{bump}"
    );
    let edit = answer(&root, &["--edit", "clock/tests/new.rs"]);
    assert!(edit.contains("note: clock/tests/new.rs does not exist, and counts as a new file\n"), "{edit}");
    assert!(edit.starts_with("0 of 11 crates (0.0 %) and 1 of 6 test suites are built again"), "{edit}");
    let nowhere = answer(&root, &["--edit", "README.md"]);
    assert!(nowhere.contains("note: no package is built from README.md\n"), "{nowhere}");
    let feature = answer(&root, &["--feature", "clock/frozen"]);
    assert!(feature.contains("features +frozen"), "{feature}");
}

#[test]
fn unknown_names_are_errors_with_suggestions() {
    let (_top, root) = service();
    failure(&root, &["--since", "v9"], &["error[unknown-revision]", "`v9`", "`git branch --all`"]);
    // A revision that starts with a dash is not passed to git as an option.
    failure(&root, &["--since=--all"], &["error[unknown-revision]", "`--all`"]);
    failure(&root, &["--bump", "clok"], &["error[unknown-crate]", "did you mean `clock`?"]);
    failure(&root, &["--bump", "clock@9.9.9"], &["error[unknown-crate]", "the versions of `clock` in it: `0.1.0`"]);
    failure(&root, &["--feature", "frozen"], &["error[invalid-feature]", "MEMBER/FEATURE"]);
    failure(&root, &["--feature", "clok/frozen"], &["error[unknown-member]", "`clock`"]);
    failure(&root, &["--feature", "clock/frosen"], &["error[unknown-feature]", "did you mean `clock/frozen`?"]);
    failure(&root, &["--edit", "clock/src"], &["error[not-a-file]", "is a directory"]);
    failure(&root, &["--profile", "fast"], &["error[unknown-profile]", "`fast`", "release"]);
    failure(&root, &["--edit", "x", "--nix"], &["error: ", "'--nix'", "cannot be used with"]);
}

#[test]
fn unknown_platforms_are_rejected() {
    let (_top, root) = service();
    let output = cratewright()
        .args(["impact", "--bump", "clock", "--platform", "wasm32-wasip1"])
        .current_dir(&root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(2)
            && said.contains("error[unknown-platform]")
            && said.contains("`x86_64-unknown-linux-gnu`"),
        "{said}"
    );
}

#[test]
fn shallow_clones_are_errors_that_suggest_a_fetch() {
    let (top, root) = service();
    fs::write(root.join("clock/src/lib.rs"), "// nothing\n").unwrap();
    git(top.path(), &["commit", "--quiet", "--all", "--message", "a change"]);
    let (_directory, shallow) = clone(top.path(), &["--depth", "1"]);
    failure(&shallow, &["--since", "HEAD~1"], &["error[unknown-revision]", "shallow", "fetch-depth: 0"]);
}

#[test]
fn revisions_without_a_valid_workspace_are_errors() {
    let (top, root) = service();
    // A revision without a lock file.
    git(top.path(), &["rm", "--quiet", "--cached", "fixtures/workspace/Cargo.lock"]);
    git(top.path(), &["commit", "--quiet", "--message", "no lock"]);
    failure(&root, &["--since", "HEAD"], &["error[no-lock-file]", "in revision: HEAD"]);
    // A revision with a manifest that cargo rejects.
    git(top.path(), &["add", "--all", "."]);
    let manifest = fs::read_to_string(root.join("clock/Cargo.toml")).unwrap();
    fs::write(root.join("clock/Cargo.toml"), manifest.replace("[package]", "[package")).unwrap();
    git(top.path(), &["commit", "--quiet", "--all", "--message", "broken"]);
    fs::write(root.join("clock/Cargo.toml"), &manifest).unwrap();
    failure(&root, &["--since", "HEAD"], &["clock/Cargo.toml", "in revision: HEAD"]);
    // A manifest that is broken in the working tree.
    fs::write(root.join("clock/Cargo.toml"), manifest.replace("[package]", "[package")).unwrap();
    failure(&root, &["--since", "HEAD~2"], &["clock/Cargo.toml"]);
}

#[test]
fn a_missing_repository_or_default_branch_is_an_error() {
    let (top, root) = service();
    git(top.path(), &["branch", "--quiet", "--move", "main", "trunk"]);
    failure(&root, &[], &["error[no-default-branch]", "--since REV", "`--since HEAD~1`"]);
    fs::remove_dir_all(top.path().join(".git")).unwrap();
    failure(&root, &[], &["error[no-repository]", "--bump CRATE"]);
    // Hypothetical changes need no repository.
    answer(&root, &["--bump", "clock"]);
}

#[test]
fn a_missing_git_is_not_a_missing_repository() {
    let (_top, root) = service();
    let tools = tempfile::tempdir().unwrap();
    let output = cratewright().arg("impact").env("PATH", tools.path()).current_dir(&root).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("error[program-not-found]: `git` was not found\n  help: install git, or "), "{said}");
}

#[test]
fn a_branch_without_a_commit_is_an_error() {
    let (top, root) = service();
    let says = ["error[no-commit]", "git commit", "--bump CRATE"];
    git(top.path(), &["checkout", "--quiet", "--orphan", "lonely"]);
    failure(&root, &[], &says);
    // Other branches have commits to compare with.
    answer(&root, &["--since", "main"]);
    failure(&root, &["--since", "v9"], &["error[unknown-revision]"]);
    fs::remove_dir_all(top.path().join(".git")).unwrap();
    git(top.path(), &["init", "--quiet"]);
    failure(&root, &[], &says);
    failure(&root, &["--since", "HEAD"], &says);
}

#[test]
fn a_base_that_is_the_current_commit_is_named_so() {
    let (_top, root) = service();
    let text = answer(&root, &[]);
    assert!(text.lines().next().unwrap().ends_with(", the commit of HEAD"), "{text}");
}

#[test]
fn a_given_cargo_nix_must_exist() {
    let (_top, root) = service();
    let bump = ["--bump", "clock", "--cargo-nix"];
    let says = "`cratewright generate` has written";
    failure(&root, &[&bump[..], &["no.nix"]].concat(), &["error[io]: cannot read `no.nix`", says]);
    failure(&root, &[&bump[..], &["clock"]].concat(), &["error[io]: cannot read `clock`", says]);
    failure(&root, &[&bump[..], &["Cargo.toml"]].concat(), &["error[foreign-file]: `Cargo.toml`", says]);
    // The one in the workspace root is only a default.
    fs::remove_file(root.join("Cargo.nix")).unwrap();
    answer(&root, &bump[..2]);
}

#[test]
fn platforms_default_to_those_of_cargo_nix() {
    let (_top, root) = service();
    let others =
        |arguments: &[&str]| answer(&root, &[&["--bump", "clock"], arguments].concat()).matches("apple").count();
    assert_eq!(others(&[]), 2);
    run(cratewright().args(["generate", "--offline", "--quiet", "--target", "x86_64-linux"]).current_dir(&root));
    assert_eq!(others(&[]), 0);
    assert_eq!(others(&["--target", "x86_64-linux", "--target", "aarch64-darwin"]), 1);
}

/// The tests of a program do not link it, but are compiled from its files.
#[test]
fn a_change_of_a_member_counts_its_tests_as_why_does() {
    let (_top, root) = committed(&fixture("three-members"));
    for change in [["--bump", "app"], ["--edit", "app/src/main.rs"]] {
        let text = answer(&root, &change);
        assert!(text.starts_with("1 of 4 crates (25.0 %) and 1 of 4 test suites are built again"), "{text}");
    }
    let why = stdout(cratewright().args(["why", "app", "--offline", "--platform", "x86_64-linux"]).current_dir(&root));
    assert!(why.contains("app 0.1.0; a change to it rebuilds 1 crate and 1 test suite\n"), "{why}");
}

#[test]
fn members_in_submodules_are_reported() {
    let (top, root) = service();
    let other = tempfile::tempdir().unwrap();
    run(Command::new("cp").arg("--archive").arg(root.join("clock/.")).arg(other.path()));
    git(other.path(), &["init", "--quiet"]);
    git(other.path(), &["add", "--all"]);
    git(other.path(), &["commit", "--quiet", "--message", "clock"]);
    git(top.path(), &["rm", "--quiet", "-r", "fixtures/workspace/clock"]);
    let url = other.path().to_str().unwrap();
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "fixtures/workspace/clock"];
    git(top.path(), &add);
    git(top.path(), &["commit", "--quiet", "--message", "a submodule"]);
    fs::write(root.join("web-front/src/lib.rs"), "// nothing\n").unwrap();
    failure(&root, &["--since", "HEAD"], &["error[no-repository]: package `clock 0.1.0` is in a submodule"]);
}

#[test]
fn branches_without_a_common_commit_are_errors() {
    let (top, root) = service();
    git(top.path(), &["checkout", "--quiet", "--orphan", "lonely"]);
    git(top.path(), &["commit", "--quiet", "--message", "a beginning"]);
    failure(&root, &[], &["error[no-merge-base]", "`HEAD` and `main`", "--since REV"]);
}

#[test]
fn failures_of_git_are_reported() {
    let (top, root) = service();
    // The object of a manifest is missing in the repository.
    let object =
        stdout(Command::new("git").args(["rev-parse", "HEAD:fixtures/workspace/clock/Cargo.toml"]).current_dir(&top));
    let object = object.trim();
    fs::remove_file(top.path().join(".git/objects").join(&object[..2]).join(&object[2..])).unwrap();
    failure(&root, &["--since", "HEAD"], &["error[git-failed]", "git says"]);
}

#[test]
fn nix_does_not_evaluate_a_stale_file() {
    let (top, root) = service();
    let manifest = root.join("clock/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("[package]", "[package]\ndescription = \"new\"")).unwrap();
    let says = ["error[stale-cargo-nix]", "clock/Cargo.toml"];
    failure(&root, &["--since", "HEAD", "--nix"], &[&says[..], &["help: run `cratewright generate`"]].concat());
    git(top.path(), &["commit", "--quiet", "--all", "--message", "stale"]);
    run(cratewright().args(["generate", "--offline", "--quiet"]).current_dir(&root));
    let of_revision =
        ["in revision: HEAD", "help: commit what `cratewright generate` writes, or choose another revision"];
    failure(&root, &["--since", "HEAD", "--nix"], &[&says[..], &of_revision].concat());
}

#[test]
fn cargo_nix_may_be_in_another_directory() {
    let (top, root) = committed(&fixture("registry-mix"));
    fs::remove_file(root.join("Cargo.nix")).unwrap();
    fs::create_dir(root.join("nix")).unwrap();
    let generate =
        || run(cratewright().args(["generate", "--offline", "--quiet", "-o", "nix/Cargo.nix"]).current_dir(&root));
    generate();
    git(top.path(), &["add", "--all", "."]);
    git(top.path(), &["commit", "--quiet", "--message", "elsewhere"]);
    // The source of the root package is its whole directory, without generated files.
    let place = ["--cargo-nix", "nix/Cargo.nix"];
    let edit = answer(&root, &[&["--edit", "nix/Cargo.nix"], &place[..]].concat());
    assert!(edit.contains("note: no package is built from nix/Cargo.nix\n"), "{edit}");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    fs::write(root.join("Cargo.toml"), manifest + "\n[profile.release]\nopt-level = 1\n").unwrap();
    generate();
    let told = answer(&root, &[&["--since", "HEAD", "--nix"], &place[..]].concat());
    assert!(told.contains("\nNix agrees: "), "{told}");
    // In the older revision the file is in the usual place.
    let before = answer(&root, &[&["--since", "HEAD~1"], &place[..]].concat());
    assert!(before.contains("profile ("), "{before}");
}

#[test]
fn evaluation_errors_are_reported() {
    let (_top, root) = service();
    failure(
        &root,
        &["--bump", "clock", "--nix", "--nixpkgs", "clock"],
        &["error[evaluation-failed]", "Nix says", "--nixpkgs"],
    );
}

#[test]
fn added_platforms_are_reported_as_new() {
    let (top, root) = service();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let targets = |list: &str| {
        manifest.replace(
            "[workspace.metadata.cratewright]\n",
            &format!("[workspace.metadata.cratewright]\ntargets = [{list}]\n"),
        )
    };
    assert_ne!(targets(""), manifest);
    fs::write(root.join("Cargo.toml"), targets("\"x86_64-linux\"")).unwrap();
    run(cratewright().args(["generate", "--offline", "--quiet"]).current_dir(&root));
    git(top.path(), &["commit", "--quiet", "--all", "--message", "one platform"]);
    fs::write(root.join("Cargo.toml"), targets("\"x86_64-linux\", \"aarch64-linux\"")).unwrap();
    let text = answer(&root, &["--since", "HEAD"]);
    assert!(text.contains("note: aarch64-unknown-linux-gnu was not a platform of the workspace before\n"), "{text}");
}
