//! The renderer writes what the resolver computed: `Cargo.nix`, evaluated with a stub that records the arguments of the
//! builder, has the same unit graph, for every member on every platform, built and tested.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use cratewright::LoadOptions;
use cratewright::workspace::{Workspace, load};
use cratewright_resolver::{CompileKind, CompileMode, PackageIx, Pair, UnitGraph, UnitIx, UserIntent};
use serde::Deserialize;

use crate::support;
use crate::support::recorded::{Signature, Units, platforms, record, rendered, resolved};

#[derive(Deserialize)]
struct Recording {
    members: BTreeMap<String, String>,
    units: Units,
}

/// Members by name, those of variants as `variant/member`.
const MEMBERS: &str = "let
   members = builtins.listToAttrs (
     builtins.concatLists (
       builtins.attrValues (
         builtins.mapAttrs (
           prefix: members:
           builtins.attrValues (
             builtins.mapAttrs (name: member: { name = prefix + name; value = member.build; }) members
           )
         ) ({ \"\" = file.workspaceMembers; } // builtins.listToAttrs (
           map (name: { name = name + \"/\"; value = file.variants.${name}; }) (builtins.attrNames file.variants)
         ))
       )
     )
   );
   # Of the others nothing is enabled by default.
   built = pkgs.lib.filterAttrs (_: unit: unit ? key) members;
 in {
   members = builtins.mapAttrs (_: unit: unit.key) built;
   units = unitsBelow (builtins.attrValues built);
 }";

/// The units of a member that were requested.
fn roots_of(graph: &UnitGraph, member: PackageIx) -> impl Iterator<Item = UnitIx> {
    graph.roots.iter().copied().filter(move |&root| graph[root].package == member)
}

#[track_caller]
fn check(root: &Path, cargo_nix: &Path) {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut selections = workspace.selections.clone();
    selections.retain(|selection| selection.intent == UserIntent::Build);
    let selections = &selections;
    let graphs = workspace.resolve(selections);
    // A member with binaries on some platform is present on all platforms, possibly with nothing to build.
    let each = || {
        selections
            .iter()
            .zip(&graphs)
            .flat_map(|(selection, graphs)| selection.members.iter().map(move |&member| (selection, member, graphs)))
    };
    let is_built =
        |member, graphs: &Vec<UnitGraph>| graphs.iter().any(|graph| roots_of(graph, member).next().is_some());
    let built = each().filter(|(_, member, graphs)| is_built(*member, graphs)).count();
    for (ix, &pair) in workspace.pairs.iter().enumerate() {
        let Some(platforms) = platforms(&workspace, pair) else { continue };
        let recording: Recording = record(cargo_nix, &platforms, MEMBERS);
        let mut known_rendered = HashMap::new();
        for (selection, member, graphs) in each() {
            let name = &workspace.packages[member].name;
            let name = &match &selection.variant {
                None => name.clone(),
                Some(variant) => format!("{variant}/{name}"),
            };
            let graph = &graphs[ix];
            // The builder does not find a Windows program with a dash in its name, so the program is renamed after the
            // build.
            let is_for_windows = workspace.platforms[pair.target].triple.contains("-windows-");
            let built_as = |name: &String| if is_for_windows { name.replace('-', "_") } else { name.clone() };
            let bins: BTreeSet<String> = roots_of(graph, member)
                .flat_map(|root| &graph[root].bins)
                .map(|&bin| built_as(&workspace.packages[member].bins[bin].name))
                .collect();
            let Some(unit) = roots_of(graph, member).next() else {
                if let Some(id) = recording.members.get(name) {
                    assert!(recording.units[id].bins.is_empty(), "{name} has nothing to build on {platforms}");
                }
                continue;
            };
            assert_eq!(graph[unit].mode, CompileMode::Build);
            let id = &recording.members[name];
            let expected = resolved(&workspace, pair, graph, unit, &mut HashMap::new());
            let found = rendered(&recording.units, id, &mut known_rendered);
            assert_eq!(found, expected, "{name} on {platforms}, in {}", cargo_nix.display());
            assert_eq!(
                recording.units[id].bins.iter().cloned().collect::<BTreeSet<_>>(),
                bins,
                "binaries of {name} on {platforms}"
            );
        }
        assert_eq!(recording.members.len(), built, "members on {platforms}");
    }
}

#[test]
fn fixtures_are_rendered_as_resolved() {
    for name in support::fixtures() {
        let root = support::fixture(&name);
        check(&root, &root.join("Cargo.nix"));
    }
}

#[test]
fn this_workspace_is_rendered_as_resolved() {
    let root = support::repository();
    check(&root, &root.join("Cargo.nix"));
}

#[test]
fn an_application_is_rendered_as_resolved() {
    let root = support::application("xh", "0.23.0");
    let scratch = tempfile::tempdir().unwrap();
    let mut generate = support::cratewright();
    let cargo_nix = scratch.path().join("Cargo.nix");
    generate.args(["generate", "--locked", "--manifest-path"]).arg(root.join("Cargo.toml")).arg("-o").arg(&cargo_nix);
    support::run(&mut generate);
    check(&root, &cargo_nix);
}

/// Features of a target, and digests of its dependencies by extern name.
type Compiled = (BTreeSet<String>, BTreeSet<(String, String)>);

/// Targets by kind and name.
type Targets = BTreeMap<(String, String), Compiled>;

#[derive(Deserialize)]
struct Checks {
    /// The script of clippy by member, as clippy checks all targets.
    scripts: BTreeMap<String, String>,
    units: Units,
}

const CHECKS: &str = "let members = removeAttrs file.clippy [ \"all\" ]; in {
   scripts = builtins.mapAttrs (_: check: check.buildPhase or \"\") members;
   units = unitsBelow (builtins.filter (check: check ? key) (builtins.attrValues members));
 }";

/// Splits a shell command that Nix quoted into words.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            // An escaped quote between two quoted parts.
            '\\' if !quoted => {}
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

fn targets_of(script: &str, units: &Units, known: &mut HashMap<String, Signature>) -> Targets {
    let mut targets = Targets::new();
    for line in script.lines().filter_map(|line| line.split_once("cargoCompile ")) {
        let words = words(line.1);
        let after = |flag: &'static str| words.windows(2).filter(move |two| two[0] == flag).map(|two| two[1].as_str());
        let features = after("--cfg").filter_map(|cfg| cfg.strip_prefix("feature=\"")?.strip_suffix('"'));
        let externs = after("--extern").filter_map(|one| one.split_once('=')).map(|(name, path)| {
            let key = path.split('/').next().unwrap();
            (name.to_owned(), rendered(units, key, known).digest())
        });
        let compiled = (features.map(str::to_owned).collect(), externs.collect());
        let (kind, name) = (words[1].clone(), words[2].clone());
        // A target that is built and tested is compiled twice, with the same dependencies.
        if let Some(before) = targets.insert((kind, name), compiled.clone()) {
            assert_eq!(before, compiled, "{line:?}");
        }
    }
    targets
}

fn resolved_targets(workspace: &Workspace, pair: Pair, graph: &UnitGraph, member: PackageIx) -> Targets {
    let package = &workspace.packages[member];
    let known = &mut HashMap::new();
    let own_kind = if package.proc_macro { CompileKind::Host } else { CompileKind::Target };
    let unit_of = |mode, kind| {
        let is_it = |ix: &UnitIx| {
            let unit = &graph[*ix];
            unit.package == member && unit.mode == mode && unit.kind == kind
        };
        graph.indices().find(is_it)
    };
    let mut signature = |ix| resolved(workspace, pair, graph, ix, known);
    let library = package.linkable_lib().map(|lib| {
        let unit = unit_of(CompileMode::Build, own_kind).expect("tests link their library");
        (lib.name.replace('-', "_"), signature(unit).digest())
    });
    let mut targets = Targets::new();
    for kind in [CompileKind::Host, CompileKind::Target] {
        let Some(ix) = unit_of(CompileMode::Test, kind) else { continue };
        let Signature { features, dependencies, .. } = signature(ix);
        let mut insert = |kind: &str, name: &str, library: Option<&(String, String)>| {
            let externs = dependencies.iter().filter(|(for_build_script, ..)| *for_build_script == (kind == "build"));
            let externs = externs.map(|(_, name, digest)| (name.clone(), digest.clone())).chain(library.cloned());
            targets.insert((kind.to_owned(), name.to_owned()), (features.clone(), externs.collect()));
        };
        if package.build_script.is_some() {
            insert("build", "build_script_build", None);
        }
        if let Some(lib) = package.lib.as_ref().filter(|_| kind == own_kind) {
            insert("lib", &lib.name, None);
        }
        let unit = &graph[ix];
        let beside = [
            ("bin", &package.bins, &unit.bins),
            ("test", &package.tests, &unit.dev_targets.tests),
            ("example", &package.examples, &unit.dev_targets.examples),
            ("bench", &package.benches, &unit.dev_targets.benches),
        ];
        for (kind, all, enabled) in beside {
            enabled.iter().for_each(|&target| insert(kind, &all[target].name, library.as_ref()));
        }
    }
    targets
}

#[track_caller]
fn check_tests(root: &Path, cargo_nix: &Path) {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut selections = workspace.selections.clone();
    selections.retain(|selection| selection.intent == UserIntent::Test);
    let graphs = workspace.resolve(&selections);
    for (ix, &pair) in workspace.pairs.iter().enumerate() {
        let Some(platforms) = platforms(&workspace, pair) else { continue };
        let checks: Checks = record(cargo_nix, &platforms, CHECKS);
        assert!(!checks.scripts.is_empty(), "{} has no checks", cargo_nix.display());
        let mut known = HashMap::new();
        let mut compared = 0;
        for (selection, graphs) in selections.iter().zip(&graphs) {
            for &member in &selection.members {
                let name = &workspace.packages[member].name;
                let found = checks.scripts.get(name).map(|script| targets_of(script, &checks.units, &mut known));
                let expected = resolved_targets(&workspace, pair, &graphs[ix], member);
                assert_eq!(found.unwrap_or_default(), expected, "{name} on {platforms}, in {}", cargo_nix.display());
                compared += usize::from(checks.scripts.contains_key(name));
            }
        }
        assert_eq!(checks.scripts.len(), compared, "members on {platforms}");
    }
}

#[test]
fn tests_of_fixtures_are_rendered_as_resolved() {
    for name in support::fixtures() {
        let root = support::fixture(&name);
        check_tests(&root, &root.join("Cargo.nix"));
    }
}

#[test]
fn tests_of_this_workspace_are_rendered_as_resolved() {
    let root = support::repository();
    check_tests(&root, &root.join("Cargo.nix"));
}
