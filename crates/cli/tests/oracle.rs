//! Compares our unit graphs with cargo's on each of the four default pairs, for every member and for the whole
//! workspace, built and tested. This is what `cratewright verify` does for users.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cratewright::LoadOptions;
use cratewright::verify::{Row, VerifyOptions, verify};
use cratewright::workspace::{Workspace, load};
use cratewright_resolver::{DEFAULT_PROFILE, UserIntent};
use cratewright_workspace::ResolverBehavior;

use crate::support;

fn workspace(root: &Path) -> Workspace {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    load(&options).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn rows(workspace: &Workspace, profile: &str) -> Vec<Row> {
    verify(workspace, &VerifyOptions::all(profile)).unwrap_or_else(|failure| panic!("{failure:?}"))
}

#[track_caller]
fn check(root: &Path) {
    check_profile(root, DEFAULT_PROFILE);
}

#[track_caller]
fn check_profile(root: &Path, profile: &str) {
    let rows = rows(&workspace(root), profile);
    let different: Vec<_> = rows.iter().filter(|row| !row.differences.is_empty()).collect();
    assert!(different.is_empty(), "{}: {different:#?}", root.display());
    assert!(rows.iter().any(|row| row.units > 0), "{}: cargo has no units", root.display());
}

#[test]
fn fixtures_resolve_as_cargo_does() {
    for fixture in support::fixtures() {
        check(&support::fixture(&fixture));
    }
}

/// The default profile is checked for every fixture.
#[test]
fn profiles_equal_those_of_cargo() {
    for profile in ["dev", "test", "bench", "dist", "smallest", "shipped", "aborting"] {
        check_profile(&support::fixture("profiles"), profile);
    }
}

#[test]
fn this_workspace_resolves_as_cargo_does() {
    check(&support::repository());
}

#[test]
fn ripgrep_resolves_as_cargo_does() {
    check(&support::application("ripgrep", "14.1.1"));
}

#[test]
fn xh_resolves_as_cargo_does() {
    check(&support::application("xh", "0.23.0"));
}

/// The comparison can fail: a resolver with one feature set for host, target and dev-dependencies is caught, with the
/// path to the wrong unit.
#[test]
fn a_broken_resolver_is_caught() {
    let mut workspace = workspace(&support::fixture("host-target-split"));
    workspace.packages.resolver = ResolverBehavior::V1;
    let rows = rows(&workspace, DEFAULT_PROFILE);
    let build =
        rows.iter().find(|row| row.selection == "build --release -p app" && row.target.contains("linux")).unwrap();
    let leaf = build.differences.iter().find(|one| one.package == "leaf 0.1.0" && one.role == "target").unwrap();
    assert_eq!(leaf.path, ["app 0.1.0", "leaf 0.1.0"]);
    assert_eq!(leaf.cargo[0].features, ["norm"]);
    assert_eq!(leaf.cratewright[0].features, ["bld", "dev", "mac", "norm", "win"]);
}

#[test]
fn members_and_purpose_limit_the_comparison() {
    let workspace = workspace(&support::fixture("three-members"));
    let options = VerifyOptions {
        members: vec!["app".to_owned()],
        intent: Some(UserIntent::Test),
        ..VerifyOptions::all(DEFAULT_PROFILE)
    };
    let rows = verify(&workspace, &options).unwrap();
    assert_eq!(rows.len(), workspace.pairs.len());
    assert!(rows.iter().all(|row| row.selection == "test --release -p app" && row.differences.is_empty()), "{rows:?}");
    let options = VerifyOptions { members: vec!["nobody".to_owned()], ..options };
    assert_eq!(verify(&workspace, &options).unwrap_err().code, "unknown-member");
}

/// Writes a program that runs shell code, then another program.
#[cfg(unix)]
fn wrapper(path: &Path, before: &str, program: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{before}\nexec {program} \"$@\"\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[track_caller]
fn cratewright(fixture: &str, arguments: &[&str], variable: (&str, &Path)) -> Output {
    let mut command = support::cratewright();
    let command = command.args(arguments).args(["--manifest-path"]).arg(support::fixture(fixture).join("Cargo.toml"));
    command.env(variable.0, variable.1).output().unwrap()
}

#[cfg(unix)]
#[test]
fn rustc_may_have_any_name() {
    let scratch = tempfile::tempdir().unwrap();
    let rustc: PathBuf = scratch.path().join("it's a \"new\" $HOME `x` \\/rustc");
    wrapper(&rustc, "", "rustc");
    let output = cratewright("three-members", &["verify", "-p", "app"], ("RUSTC", &rustc));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// With a shared home, cargo's lock would allow only one graph at a time.
#[cfg(unix)]
#[test]
fn graphs_are_computed_in_separate_homes() {
    let scratch = tempfile::tempdir().unwrap();
    let (cargo, log) = (scratch.path().join("cargo"), scratch.path().join("log"));
    wrapper(&cargo, &format!("echo \"${{CARGO_HOME:-none}} $*\" >>'{}'", log.display()), "cargo");
    let output = cratewright("three-members", &["verify", "-v"], ("CARGO", &cargo));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let log = fs::read_to_string(log).unwrap();
    let graphs: Vec<&str> = log.lines().filter(|line| line.contains("--unit-graph")).collect();
    let is_own = |line: &&&str| line.split(' ').next().is_some_and(|home| home.contains("/home-"));
    assert_eq!(graphs.iter().filter(is_own).count(), graphs.len(), "{log}");
    // Each graph is computed and reported once.
    assert_eq!(graphs.iter().collect::<std::collections::BTreeSet<_>>().len(), graphs.len(), "{log}");
    assert_eq!(said.matches("    Compared ").count(), graphs.len(), "{said}");
}

/// Without network access, cargo removes a file of the index that it cannot read, so no other cargo may be writing it.
#[cfg(unix)]
#[test]
fn the_package_cache_is_locked_while_a_graph_is_computed() {
    let scratch = tempfile::tempdir().unwrap();
    let [cargo, home, reached, go] = ["cargo", "home", "reached", "go"].map(|name| scratch.path().join(name));
    let script = format!(
        "case \" $* \" in *' --unit-graph '*) touch '{}'; while ! [ -e '{}' ]; do sleep 0.01; done ;; esac",
        reached.display(),
        go.display()
    );
    wrapper(&cargo, &script, "cargo");
    fs::create_dir(&home).unwrap();
    let mut command = support::cratewright();
    command.args(["verify", "-p", "app", "--manifest-path"]).arg(support::fixture("three-members").join("Cargo.toml"));
    command.env("CARGO", &cargo).env("CARGO_HOME", &home).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    while !reached.exists() {
        assert!(Instant::now() < end, "no graph is computed");
        sleep(Duration::from_millis(10));
    }
    let lock = fs::File::open(home.join(".package-cache")).unwrap();
    assert!(matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)));
    fs::write(&go, "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    lock.try_lock().unwrap();
}

#[cfg(unix)]
#[test]
fn graphs_that_cargo_refuses_are_errors() {
    let scratch = tempfile::tempdir().unwrap();
    let cargo = scratch.path().join("cargo");
    wrapper(&cargo, "case \" $* \" in *' --unit-graph '*) echo 'error: no index' >&2; exit 101 ;; esac", "cargo");
    let output = cratewright("three-members", &["verify"], ("CARGO", &cargo));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error[cargo-refused]: cargo prints no unit graph") && said.contains("no index"), "{said}");
}

#[cfg(unix)]
#[test]
fn waiting_and_errors_of_cargo_are_shown() {
    let scratch = tempfile::tempdir().unwrap();
    let [waiting, refusing] = ["waiting", "refusing"].map(|name| scratch.path().join(name));
    let blocked = "    Blocking waiting for file lock on package cache";
    wrapper(&waiting, &format!("echo '{blocked}' >&2"), "cargo");
    wrapper(&refusing, &format!("printf '{blocked}\\nerror: no such thing\\n' >&2; exit 101"), "cargo");
    for (arguments, is_shown) in [
        (["generate", "--stdout", "-v"], true),
        (["generate", "--stdout", "-q"], false),
        (["sources", "--locked", "-v"], true),
    ] {
        let output = cratewright("three-members", &arguments, ("CARGO", &waiting));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(said.contains(blocked), is_shown, "{arguments:?}: {said}");
        let output = cratewright("three-members", &arguments, ("CARGO", &refusing));
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("error[cargo-refused]") && said.contains("no such thing"), "{said}");
        assert_eq!(said.matches("Blocking").count(), 1, "{said}");
    }
}
