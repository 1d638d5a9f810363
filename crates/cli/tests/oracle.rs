//! Our unit graphs against cargo's, on each of the four default pairs: every member, built and tested, and the whole
//! workspace at once. What `cratewright verify` does for users.

mod support;

use std::path::Path;

use cratewright::verify::{Row, verify};
use cratewright::workspace::{LoadOptions, Workspace, load};
use cratewright_resolver::{DEFAULT_PROFILE, ResolverBehavior};

fn workspace(root: &Path) -> Workspace {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    load(&options).unwrap_or_else(|failure| panic!("{failure:?}"))
}

fn rows(workspace: &Workspace, profile: &str) -> Vec<Row> {
    verify(workspace, profile).unwrap_or_else(|failure| panic!("{failure:?}"))
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

/// The default one is checked of every fixture.
#[test]
fn profiles_are_as_cargo_has_them() {
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

/// The comparison can fail: a resolver that has one feature set for host, target and dev-dependencies is caught, with the
/// path to what is wrong.
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
