//! Evaluates a `Cargo.nix` with a stub that records the arguments of nixpkgs' builder, and converts unit graphs to the
//! same form.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use cratewright::workspace::Workspace;
use cratewright_resolver::{CompileKind, Pair, UnitGraph, UnitIx};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::nix;

/// A unit with its transitive dependencies; equal signatures mean equal graphs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    pub package: String,
    /// Triple of the platform that it is compiled for.
    pub platform: String,
    pub features: BTreeSet<String>,
    /// Whether the dependency is for the build script, its extern name, and the digest of its unit.
    pub dependencies: BTreeSet<(bool, String, String)>,
}

impl Signature {
    pub fn digest(&self) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        format!("{self:?}").hash(&mut hasher);
        format!("{} {:016x}", self.package, hasher.finish())
    }
}

pub fn resolved(
    workspace: &Workspace,
    pair: Pair,
    graph: &UnitGraph,
    ix: UnitIx,
    known: &mut HashMap<UnitIx, Signature>,
) -> Signature {
    if let Some(signature) = known.get(&ix) {
        return signature.clone();
    }
    let unit = &graph[ix];
    let others = graph.dependencies(ix).filter(|to| graph[to.unit].package != unit.package);
    let dependencies = others
        .map(|to| {
            let below = resolved(workspace, pair, graph, to.unit, known).digest();
            (to.for_build_script, workspace.packages.extern_name(to.extern_name).to_owned(), below)
        })
        .collect();
    let package = &workspace.packages[unit.package];
    let features = unit.features.iter().map(|&feature| package.feature_name(feature).to_owned()).collect();
    let platform = match unit.kind {
        CompileKind::Host => pair.host,
        CompileKind::Target => pair.target,
    };
    let platform = workspace.platforms[platform].triple.clone();
    let signature = Signature { package: package.display(), platform, features, dependencies };
    known.insert(ix, signature.clone());
    signature
}

/// The arguments of the builder for one unit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recorded {
    pub crate_name: String,
    pub version: String,
    pub platform: String,
    pub lib_name: Option<String>,
    pub features: Vec<String>,
    pub bins: Vec<String>,
    pub renames: BTreeMap<String, Vec<Rename>>,
    pub dependencies: Vec<String>,
    pub build_dependencies: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub struct Rename {
    pub version: String,
    pub rename: String,
}

/// Units by key.
pub type Units = BTreeMap<String, Recorded>;

pub fn rendered(units: &Units, id: &str, known: &mut HashMap<String, Signature>) -> Signature {
    if let Some(signature) = known.get(id) {
        return signature.clone();
    }
    let unit = &units[id];
    let mut dependencies = BTreeSet::new();
    for (for_build_script, ids) in [(false, &unit.dependencies), (true, &unit.build_dependencies)] {
        for id in ids {
            let to = &units[id];
            // As in nixpkgs' mkRustcDepArgs: the first entry for the version, or the library's own name.
            let choices = unit.renames.get(&to.crate_name).into_iter().flatten();
            let renamed = choices.into_iter().find(|choice| choice.version == to.version);
            let own = to.lib_name.as_ref().unwrap_or(&to.crate_name);
            let extern_name = renamed.map_or(own, |choice| &choice.rename).replace('-', "_");
            dependencies.insert((for_build_script, extern_name, rendered(units, id, known).digest()));
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

/// The argument of nixpkgs for a pair, or none if the stand-in does not have the platforms.
pub fn platforms(workspace: &Workspace, pair: Pair) -> Option<String> {
    let systems = [
        ("aarch64-apple-darwin", "aarch64-darwin"),
        ("aarch64-unknown-linux-gnu", "aarch64-linux"),
        ("x86_64-apple-darwin", "x86_64-darwin"),
        ("x86_64-unknown-linux-gnu", "x86_64-linux"),
    ];
    // The names are those of nixpkgs' `pkgsCross`; cross builds for `systems` are possible as well.
    let examples = [
        ("wasm32-unknown-unknown", "wasm32-unknown-none"),
        ("wasm32-wasip1", "wasi32"),
        ("x86_64-pc-windows-gnu", "mingwW64"),
        ("x86_64-unknown-linux-musl", "musl64"),
    ];
    let [host, target] = [pair.host, pair.target].map(|ix| workspace.platforms[ix].triple.as_str());
    let named =
        |names: &[(&str, &'static str)], triple| names.iter().find(|(known, _)| *known == triple).map(|(_, n)| *n);
    let host = named(&systems, host)?;
    if !pair.is_cross() {
        return Some(format!("{{ system = \"{host}\"; }}"));
    }
    let cross = match named(&examples, target) {
        Some(example) => format!("(import {}/lib).systems.examples.{example}", nix::stand_in().display()),
        None => named(&systems, target).map(|_| format!("{{ config = \"{target}\"; }}"))?,
    };
    Some(format!("{{ system = \"{host}\"; crossSystem = {cross}; }}"))
}

/// Evaluates `body` with `file`, the value of a `Cargo.nix`, and `unitsBelow`, which returns the closure of units.
pub fn record<T: DeserializeOwned>(cargo_nix: &Path, platforms: &str, body: &str) -> T {
    let expression = format!(
        "let
           pkgs = import {pkgs} {platforms};
           stub = side: {{
             override = _: stub side;
             __functor = _: attrs: let
               recorded = {{
                 inherit (attrs) crateName version features;
                 platform = side.stdenv.hostPlatform.rust.rustcTarget;
                 libName = attrs.libName or null;
                 bins = map (bin: bin.name) attrs.crateBin;
                 renames = attrs.crateRenames or {{ }};
                 dependencies = map (d: d.key) (attrs.dependencies or [ ]);
                 buildDependencies = map (d: d.key) (attrs.buildDependencies or [ ]);
               }};
               unit = {{
                 inherit recorded;
                 procMacro = attrs.procMacro or false;
                 key = builtins.hashString \"sha256\" (builtins.toJSON recorded);
                 below = attrs.dependencies or [ ] ++ attrs.buildDependencies or [ ];
                 buildPhase = attrs.buildPhase;
                 override = _: unit;
                 # What linking it takes.
                 lib = {{
                   inherit (attrs) crateName version;
                   inherit (unit) procMacro;
                   libName = attrs.libName or attrs.crateName;
                   crateType = attrs.type or [ \"lib\" ];
                   metadata = \"\";
                   outPath = unit.key;
                 }};
                 outPath = unit.key;
               }};
             in unit;
           }};
           file = import {cargo_nix} {{ inherit pkgs; buildRustCrateForPkgs = stub; }};
           unitsBelow = units:
             builtins.listToAttrs (
               map (unit: {{ name = unit.key; value = unit.recorded; }})
                 (builtins.genericClosure {{ startSet = units; operator = unit: unit.below; }})
             );
         in {body}",
        pkgs = nix::stand_in().display(),
        cargo_nix = cargo_nix.display(),
    );
    serde_json::from_value(nix::eval_json(&expression)).unwrap()
}
