//! Our unit graphs against cargo's: every member, on each of the four default pairs.

mod support;

use std::path::Path;

use cratewright::workspace::{LoadOptions, load};
use cratewright_resolver::{Source, differences, table_of, table_of_cargo};

/// Compares every member of a workspace.
#[track_caller]
fn check(root: &Path) {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let selections = workspace.selections();
    let graphs = workspace.resolve(&selections);
    let mut equal = 0;
    let mut failures = String::new();
    for (pair_ix, pair) in workspace.pairs.iter().enumerate() {
        let triple = &workspace.platforms[pair.target].triple;
        let rustc = support::rustc_of_host(triple);
        for (selection, graphs) in selections.iter().zip(&graphs) {
            let member = &workspace.packages.graph[selection.members[0]];
            let Source::Local { dir } = &member.source else { panic!("{} is no local package", member.display()) };
            let manifest = workspace.root.join(dir).join("Cargo.toml");
            let cargo = table_of_cargo(&support::cargo_unit_graph(&manifest, triple, &rustc)).unwrap();
            let ours = table_of(&workspace.packages, &graphs[pair_ix]);
            let different = differences(&cargo, &ours);
            equal += cargo.len() - different.len().min(cargo.len());
            for difference in different {
                failures += &format!("{} on {triple}: {difference}", member.name);
            }
        }
    }
    assert!(failures.is_empty(), "{}: {failures}", root.display());
    assert!(equal > 0, "{}: cargo has no units", root.display());
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
fn bat_resolves_as_cargo_does() {
    check(&support::application("bat", "0.25.0"));
}
