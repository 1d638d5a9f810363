//! Predictions of `cratewright impact` match Nix: they list the derivations of crates and tests whose outputs change.
//!
//! Each kind of change is applied to a copy of a workspace in its own git repository, and `Cargo.nix` is regenerated.
//! `--nix` evaluates both sides. By default, each fixture is tested with some of the kinds, so that all fixtures and
//! all kinds are covered. `just impact-oracle` tries all combinations, and other workspaces.

mod kinds;
mod times;
mod told;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rayon::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use self::kinds::{Changed, KINDS, Kind};
use crate::support::nix::nix;
use crate::support::{cratewright, fixture, fixtures, repository, run};

/// Variable with directories of further workspaces, separated by `:`.
const WORKSPACES: &str = "CRATEWRIGHT_IMPACT_WORKSPACES";
/// Variable that is set to try all kinds.
const ALL: &str = "CRATEWRIGHT_IMPACT_ALL";
const PLATFORMS: [&str; 4] = ["x86_64-linux", "aarch64-linux", "x86_64-darwin", "aarch64-darwin"];
/// Each fixture is tested with one out of this many kinds.
const STEP: usize = 16;

fn git(directory: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]);
    git.args(["-c", "commit.gpgSign=false", "-c", "core.autocrlf=false"]).args(arguments).current_dir(directory);
    run(&mut git);
}

/// A committed copy of a workspace. The repository is in the parent directory, which also contains the library.
fn committed(workspace: &Path) -> (TempDir, PathBuf) {
    let top = tempfile::tempdir().unwrap();
    let root = top.path().join("fixtures/workspace");
    fs::create_dir_all(root.parent().unwrap()).unwrap();
    run(Command::new("cp").arg("--archive").arg(workspace).arg(&root));
    // Build output is not committed, and a nested repository would be a submodule.
    for left_out in ["target", ".git"] {
        let _ = fs::remove_dir_all(root.join(left_out));
    }
    std::os::unix::fs::symlink(repository().join("nix-lib"), top.path().join("nix-lib")).unwrap();
    if !root.join("fixture.toml").exists() {
        run(cratewright().args(["generate", "--offline", "--quiet", "--force"]).current_dir(&root));
    }
    git(top.path(), &["init", "--quiet"]);
    git(top.path(), &["add", "--all", "--force", "."]);
    git(top.path(), &["commit", "--quiet", "--message", "before"]);
    (top, root)
}

fn generate(root: &Path) -> Output {
    cratewright().args(["generate", "--offline", "--quiet"]).current_dir(root).output().unwrap()
}

/// The number of changed derivations, or an error if the prediction is wrong. None if the kind does not apply.
fn judge(workspace: &Path, (kind, apply): &Kind, turn: usize) -> Result<Option<usize>, String> {
    let (_top, root) = committed(workspace);
    let root = root.as_path();
    let changed = Changed::new(root.to_owned());
    if !apply(&changed) {
        return Ok(None);
    }
    if !generate(root).status.success() {
        // Cargo or nixpkgs' builder does not support the changed workspace.
        return Ok(None);
    }
    let mut arguments = vec!["--since", "HEAD"];
    // Alternates platforms and profiles. Fixtures that list their `targets` keep them.
    if fs::read_to_string(root.join("Cargo.toml")).is_ok_and(|manifest| !manifest.contains("targets = ")) {
        arguments.extend(["--platform", PLATFORMS[turn % PLATFORMS.len()]]);
    }
    arguments.extend(["--profile", ["release", "dev", "release"][turn % 3]]);
    let output = impact(root, &arguments);
    let name = workspace.file_name().unwrap().to_string_lossy();
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: Value = match serde_json::from_slice(&output.stdout) {
        Ok(answer) => answer,
        Err(_) => return Err(format!("{name}: {kind}: {said}")),
    };
    match output.status.code() {
        Some(0) => Ok(Some(answer["nix"]["built"].as_u64().unwrap() as usize)),
        _ => Err(format!("{name}: {kind}: {:#}\n{:#}\n{said}", answer["nix"], answer["platforms"][0]["causes"])),
    }
}

/// The program under test, with the variables that Nix needs.
fn with_nix() -> Command {
    let mut program = cratewright();
    for (name, value) in nix("nix-instantiate").get_envs() {
        program.env(name, value.unwrap());
    }
    program
}

/// Runs `impact` with the variables that Nix needs.
fn impact(root: &Path, arguments: &[&str]) -> Output {
    with_nix()
        .args(["impact", "--nix", "--offline", "--format", "json"])
        .args(arguments)
        .current_dir(root)
        .output()
        .unwrap()
}

#[test]
fn the_impact_of_a_bump_matches_nix() {
    let mut built = 0;
    for (name, crates) in [
        ("registry-mix", &["libc", "syn@3.0.9"][..]),
        ("three-members", &["leaf", "middle", "app", "units.\"leaf@0.1.0\""]),
        ("service", &["clock"]),
    ] {
        for bumped in crates {
            let output = impact(&fixture(name), &["--bump", bumped]);
            let answer: Value = serde_json::from_slice(&output.stdout)
                .unwrap_or_else(|_| panic!("{name}: {bumped}: {}", String::from_utf8_lossy(&output.stderr)));
            assert_eq!(answer["nix"]["agrees"], true, "{name}: {bumped}: {:#}", answer["nix"]);
            built += answer["nix"]["built"].as_u64().unwrap();
        }
    }
    assert!(built > 10, "only {built} derivations changed");
}

/// This includes changes of sources only, for which cargo runs on one side only.
#[test]
fn packages_next_to_the_workspace_count_if_they_are_in_the_repository() {
    let (top, root) = committed(&fixture("three-members"));
    let beside = top.path().join("beside");
    let add = |beside: &Path, path: &str| {
        fs::create_dir_all(beside.join("src")).unwrap();
        fs::write(beside.join("Cargo.toml"), "[package]\nname = \"beside\"\nversion = \"0.1.0\"\n[workspace]\n")
            .unwrap();
        fs::write(beside.join("src/lib.rs"), "").unwrap();
        let manifest = fs::read_to_string(fixture("three-members").join("leaf/Cargo.toml")).unwrap();
        let dependency = format!("\n[dependencies]\nbeside = {{ path = \"{path}\" }}\n");
        fs::write(root.join("leaf/Cargo.toml"), manifest + &dependency).unwrap();
        run(Command::new("cargo").args(["update", "--quiet", "--workspace", "--offline"]).current_dir(&root));
        let output = generate(&root);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        git(top.path(), &["add", "--all", "."]);
        git(top.path(), &["commit", "--quiet", "--message", "a package beside"]);
    };
    add(&beside, "../../../beside");
    fs::write(beside.join("src/lib.rs"), "// nothing\n").unwrap();
    let output = impact(&root, &["--since", "HEAD"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["platforms"][0]["causes"][0]["what"], "beside 0.1.0");
    assert_eq!(answer["nix"]["built"], 9);

    let elsewhere = tempfile::tempdir().unwrap();
    let name = elsewhere.path().file_name().unwrap().display();
    add(elsewhere.path(), &format!("../../../../{name}"));
    let output = impact(&root, &["--since", "HEAD"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error[no-repository]: package `beside 0.1.0` is outside of"), "{said}");
}

#[test]
#[expect(clippy::print_stdout, reason = "how many changes were tried is a result")]
fn the_prediction_matches_nix() {
    let all = std::env::var_os(ALL).is_some();
    let mut cases: Vec<(PathBuf, &Kind)> = Vec::new();
    for (nth, name) in fixtures().iter().enumerate() {
        let kinds = KINDS.iter().enumerate().filter(|(ix, _)| all || (ix + nth) % STEP == 0);
        cases.extend(kinds.map(|(_, kind)| (fixture(name), kind)));
    }
    // Few fixtures have these parts. On another platform, `native` has a dependency with a different name.
    let rare = [("this platform alone", "native"), ("no dev-dependencies", "service"), ("no tests", "service")];
    for (name, has_it) in rare.into_iter().filter(|_| !all) {
        cases.extend(KINDS.iter().filter(|kind| kind.0 == name).map(|kind| (fixture(has_it), kind)));
    }
    let named = std::env::var_os(WORKSPACES).unwrap_or_default();
    for workspace in std::env::split_paths(&named).filter(|path| path.is_dir()) {
        cases.extend(KINDS.iter().map(|kind| (workspace.clone(), kind)));
    }
    let judged: Vec<Result<Option<usize>, String>> =
        cases.par_iter().enumerate().map(|(turn, (workspace, kind))| judge(workspace, kind, turn)).collect();
    let wrong: Vec<&str> = judged.iter().filter_map(|one| one.as_ref().err().map(String::as_str)).collect();
    let built: usize = judged.iter().flatten().flatten().sum();
    let applied = cases.iter().zip(&judged).filter(|(_, one)| matches!(one, Ok(Some(_))));
    let tried: Vec<&str> = applied.map(|((_, kind), _)| kind.0).collect();
    println!("{} of {} changes matched the prediction, {built} derivations changed", tried.len(), cases.len());
    assert!(wrong.is_empty(), "{} of {} predictions are wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    let missing: Vec<&str> = KINDS.iter().map(|kind| kind.0).filter(|kind| !tried.contains(kind)).collect();
    assert!(missing.is_empty(), "no workspace had such changes: {missing:?}");
}
