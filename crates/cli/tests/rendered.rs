//! What the renderer wrote is what was resolved: `Cargo.nix`, evaluated with a stub that records what the builder is
//! given, is the resolver's unit graph again, for every member on every platform.

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use cratewright::workspace::{LoadOptions, Workspace, load};
use cratewright_resolver::{PackageIx, Pair, Purpose, Role, UnitGraph, UnitKind};
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Deserialize;

use crate::support::nix;

/// A unit with all that is below it; equal texts are equal graphs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Signature {
    package: String,
    /// Triple of the platform that it is compiled for.
    platform: String,
    features: BTreeSet<String>,
    /// For the build script?, extern name, digest of the unit.
    dependencies: BTreeSet<(bool, String, String)>,
}

impl Signature {
    fn digest(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        format!("{self:?}").hash(&mut hasher);
        format!("{} {:016x}", self.package, hasher.finish())
    }
}

fn resolved(
    workspace: &Workspace,
    pair: Pair,
    graph: &UnitGraph,
    ix: NodeIndex<u32>,
    known: &mut HashMap<u32, Signature>,
) -> Signature {
    if let Some(signature) = known.get(&(ix.index() as u32)) {
        return signature.clone();
    }
    let unit = &graph.graph[ix];
    let dependencies = graph
        .graph
        .edges(ix)
        .filter(|edge| graph.graph[edge.target()].package != unit.package)
        .map(|edge| {
            let below = resolved(workspace, pair, graph, edge.target(), known).digest();
            let name = workspace.packages.extern_name(edge.weight().extern_name);
            (edge.weight().for_build_script, name.to_owned(), below)
        })
        .collect();
    let package = &workspace.packages.graph[unit.package];
    let features = unit.features.iter().map(|&feature| package.feature_name(feature).to_owned()).collect();
    let platform = match unit.role {
        Role::Host => pair.host,
        Role::Target => pair.target,
    };
    let platform = workspace.platforms[platform].triple.clone();
    let signature = Signature { package: package.display(), platform, features, dependencies };
    known.insert(ix.index() as u32, signature.clone());
    signature
}

/// What the stub recorded of one unit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recorded {
    crate_name: String,
    version: String,
    platform: String,
    lib_name: Option<String>,
    features: Vec<String>,
    bins: Vec<String>,
    renames: BTreeMap<String, Vec<Rename>>,
    dependencies: Vec<String>,
    build_dependencies: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Rename {
    version: String,
    rename: String,
}

#[derive(Debug, Deserialize)]
struct Recording {
    members: BTreeMap<String, String>,
    units: BTreeMap<String, Recorded>,
}

fn rendered(recording: &Recording, id: &str, known: &mut HashMap<String, Signature>) -> Signature {
    if let Some(signature) = known.get(id) {
        return signature.clone();
    }
    let unit = &recording.units[id];
    let mut dependencies = BTreeSet::new();
    for (for_build_script, ids) in [(false, &unit.dependencies), (true, &unit.build_dependencies)] {
        for id in ids {
            let to = &recording.units[id];
            // As nixpkgs' mkRustcDepArgs: the first entry for the version, else the library's own name.
            let choices = unit.renames.get(&to.crate_name).into_iter().flatten();
            let renamed = choices.into_iter().find(|choice| choice.version == to.version);
            let own = to.lib_name.as_ref().unwrap_or(&to.crate_name);
            let extern_name = renamed.map_or(own, |choice| &choice.rename).replace('-', "_");
            dependencies.insert((for_build_script, extern_name, rendered(recording, id, known).digest()));
        }
    }
    let signature = Signature {
        package: format!("{} {}", unit.crate_name, unit.version),
        platform: unit.platform.clone(),
        features: unit.features.iter().cloned().collect(),
        dependencies,
    };
    known.insert(id.to_owned(), signature.clone());
    signature
}

/// What was asked for of a member.
fn roots_of(graph: &UnitGraph, member: PackageIx) -> impl Iterator<Item = NodeIndex<u32>> {
    graph.roots.iter().copied().filter(move |&root| graph.graph[root].package == member)
}

fn record(cargo_nix: &Path, platforms: &str) -> Recording {
    let expression = format!(
        "let
           pkgs = import {pkgs} {platforms};
           stub = side: {{
             override = _: stub side;
             __functor = _: attrs: rec {{
               recorded = {{
                 inherit (attrs) crateName version features;
                 platform = side.stdenv.hostPlatform.rust.rustcTarget;
                 libName = attrs.libName or null;
                 bins = map (bin: bin.name) attrs.crateBin;
                 renames = attrs.crateRenames or {{ }};
                 dependencies = map (d: d.key) (attrs.dependencies or [ ]);
                 buildDependencies = map (d: d.key) (attrs.buildDependencies or [ ]);
               }};
               procMacro = attrs.procMacro or false;
               key = builtins.hashString \"sha256\" (builtins.toJSON recorded);
               below = attrs.dependencies or [ ] ++ attrs.buildDependencies or [ ];
             }};
           }};
           file = import {cargo_nix} {{ inherit pkgs; buildRustCrateForPkgs = stub; }};
           # Variants as `variant/member`.
           members = builtins.listToAttrs (
             builtins.concatLists (
               builtins.attrValues (
                 builtins.mapAttrs (
                   prefix: members:
                   builtins.attrValues (
                     builtins.mapAttrs (name: member: {{ name = prefix + name; value = member.build; }}) members
                   )
                 ) ({{ \"\" = file.workspaceMembers; }} // builtins.listToAttrs (
                   map (name: {{ name = name + \"/\"; value = file.variants.${{name}}; }}) (builtins.attrNames file.variants)
                 ))
               )
             )
           );
           all = builtins.genericClosure {{ startSet = builtins.attrValues members; operator = unit: unit.below; }};
         in {{
           members = builtins.mapAttrs (_: unit: unit.key) members;
           units = builtins.listToAttrs (map (unit: {{ name = unit.key; value = unit.recorded; }}) all);
         }}",
        pkgs = nix::stand_in().display(),
        cargo_nix = cargo_nix.display(),
    );
    serde_json::from_value(nix::eval_json(&expression)).unwrap()
}

#[track_caller]
fn check(root: &Path, cargo_nix: &Path) {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut selections = workspace.selections.clone();
    selections.retain(|selection| selection.purpose == Purpose::Build);
    let selections = &selections;
    let graphs = workspace.resolve(selections);
    let systems = [
        ("aarch64-apple-darwin", "aarch64-darwin"),
        ("aarch64-unknown-linux-gnu", "aarch64-linux"),
        ("x86_64-apple-darwin", "x86_64-darwin"),
        ("x86_64-unknown-linux-gnu", "x86_64-linux"),
    ];
    // A member that has binaries on some platform is there on all, if with nothing to build.
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
        let triple = |platform: usize| &workspace.platforms[platform].triple;
        let system_of =
            |platform| systems.iter().find(|(known, _)| known == triple(platform)).map(|(_, system)| system);
        // The stand-in has these four platforms, and crosses between them.
        let (Some(host), Some(_)) = (system_of(pair.host), system_of(pair.target)) else { continue };
        let platforms = match pair.host == pair.target {
            true => format!("{{ system = \"{host}\"; }}"),
            false => format!("{{ system = \"{host}\"; crossSystem = {{ config = \"{}\"; }}; }}", triple(pair.target)),
        };
        let recording = record(cargo_nix, &platforms);
        let mut known_rendered = HashMap::new();
        for (selection, member, graphs) in each() {
            let name = &workspace.packages.graph[member].name;
            let name = &match &selection.variant {
                None => name.clone(),
                Some(variant) => format!("{variant}/{name}"),
            };
            let graph = &graphs[ix];
            let bins: BTreeSet<&String> = roots_of(graph, member)
                .flat_map(|root| &graph.graph[root].bins)
                .map(|&bin| &workspace.packages.graph[member].bins[bin].name)
                .collect();
            let Some(unit) = roots_of(graph, member).next() else {
                if let Some(id) = recording.members.get(name) {
                    assert!(recording.units[id].bins.is_empty(), "{name} has nothing to build on {platforms}");
                }
                continue;
            };
            assert_eq!(graph.graph[unit].kind, UnitKind::Build);
            let id = &recording.members[name];
            let expected = resolved(&workspace, pair, graph, unit, &mut HashMap::new());
            let found = rendered(&recording, id, &mut known_rendered);
            assert_eq!(found, expected, "{name} on {platforms}, in {}", cargo_nix.display());
            assert_eq!(
                recording.units[id].bins.iter().collect::<BTreeSet<_>>(),
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
    generate.args(["generate", "--locked", "--stdout", "--manifest-path"]).arg(root.join("Cargo.toml"));
    let cargo_nix = scratch.path().join("Cargo.nix");
    fs::write(&cargo_nix, support::stdout(&mut generate)).unwrap();
    check(&root, &cargo_nix);
}
