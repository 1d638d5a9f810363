//! Our unit graphs against cargo's: every member, built and tested, on each of the four default pairs.

mod support;

use std::path::Path;

use cratewright::workspace::{LoadOptions, load};
use cratewright_resolver::{Purpose, Selection, Source, differences, table_of, table_of_cargo};

/// Compares every member of a workspace.
#[track_caller]
fn check(root: &Path) {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let members = &workspace.packages.members;
    let selections: Vec<Selection> =
        members.iter().flat_map(|&member| [Selection::build(member), Selection::test(member)]).collect();
    let graphs = workspace.resolve(&selections);
    let mut failures = String::new();
    let mut units = 0;
    for (pair_ix, pair) in workspace.pairs.iter().enumerate() {
        let triple = &workspace.platforms[pair.target].triple;
        let rustc = support::rustc_of_host(triple);
        for (selection, graphs) in selections.iter().zip(&graphs) {
            let member = &workspace.packages.graph[selection.members[0]];
            let Source::Local { dir } = &member.source else { panic!("{} is no local package", member.display()) };
            let manifest = workspace.root.join(dir).join("Cargo.toml");
            let command = match selection.purpose {
                Purpose::Build => "build",
                Purpose::Test => "test",
            };
            let cargo = table_of_cargo(&support::cargo_unit_graph(command, &manifest, triple, &rustc)).unwrap();
            let ours = table_of(&workspace.packages, &graphs[pair_ix]);
            units += cargo.len();
            for difference in differences(&cargo, &ours) {
                failures += &format!("cargo {command} -p {} on {triple}: {difference}", member.name);
            }
        }
    }
    assert!(failures.is_empty(), "{}: {failures}", root.display());
    assert!(units > 0, "{}: cargo has no units", root.display());
}

#[test]
fn fixtures_resolve_as_cargo_does() {
    for fixture in support::fixtures() {
        check(&support::fixture(&fixture));
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
