//! Why features are enabled: each step of each chain follows from a rule of cargo and `cargo metadata`, and removing a
//! step of the only chain disables the feature.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use cratewright::LoadOptions;
use cratewright::workspace::{Workspace, load};
use cratewright_resolver::{
    Because, CompileKind, Holds, PackageIx, Pair, Platform, Provenance, RootFeatures, Selection, Step,
};
use cratewright_workspace::ResolverBehavior;
use serde_json::Value;

use crate::support;

fn workspace(root: &Path) -> Workspace {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), offline: true, ..LoadOptions::default() };
    load(&options).unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// Judges steps only by the output of cargo.
struct Judge<'a> {
    workspace: &'a Workspace,
    /// Packages of `cargo metadata` by id.
    metadata: BTreeMap<String, Value>,
}

impl<'a> Judge<'a> {
    fn new(workspace: &'a Workspace) -> Self {
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--format-version", "1", "--all-features", "--locked", "--offline"]);
        let output: Value = serde_json::from_str(&support::stdout(cargo.current_dir(&workspace.root))).unwrap();
        let packages = output["packages"].as_array().unwrap().iter();
        let metadata = packages.map(|package| (package["id"].as_str().unwrap().to_owned(), package.clone())).collect();
        Judge { workspace, metadata }
    }

    fn raw(&self, package: PackageIx) -> &Value {
        &self.metadata[&self.workspace.packages[package].id]
    }

    fn feature(&self, step: Step) -> Option<&str> {
        match step.holds {
            Holds::Feature(feature) => Some(self.workspace.packages[step.package].feature_name(feature)),
            Holds::Reached | Holds::Dependency(_) => None,
        }
    }

    /// Whether a dependency refers to the package of the step, on the side that cargo builds it for.
    fn leads_to(&self, from: Step, dependency: &Value, to: Step, pair: Pair) -> bool {
        let workspace = self.workspace;
        let is_build = dependency["kind"] == "build";
        let package = &workspace.packages[to.package];
        let (kind, is_active) = match workspace.packages.resolver {
            ResolverBehavior::V1 => (CompileKind::Target, true),
            ResolverBehavior::V2 => {
                let is_host = is_build || from.kind == CompileKind::Host;
                let platform: &Platform = &workspace.platforms[if is_host { pair.host } else { pair.target }];
                let declared: Option<cargo_platform::Platform> =
                    dependency["target"].as_str().map(|key| key.parse().unwrap());
                let kind = if is_host || package.proc_macro { CompileKind::Host } else { CompileKind::Target };
                (kind, declared.is_none_or(|declared| platform.matches(&declared)))
            }
        };
        let requirement: semver::VersionReq = dependency["req"].as_str().unwrap().parse().unwrap();
        is_active && to.kind == kind && dependency["name"] == *package.name && requirement.matches(&package.version)
    }

    fn dependencies<'b>(&'b self, package: PackageIx, name: &'b str) -> impl Iterator<Item = &'b Value> {
        let all = self.raw(package)["dependencies"].as_array().unwrap().iter();
        all.filter(move |one| one["rename"].as_str().or(one["name"].as_str()) == Some(name))
    }

    /// Whether a step follows from the one before it.
    fn is_rule(&self, selection: &Selection, pair: Pair, before: Option<Step>, step: Step) -> bool {
        let packages = &self.workspace.packages;
        match (step.because, before) {
            (Because::Selected, None) => {
                let is_asked = |feature: &str| match &selection.features {
                    RootFeatures::All => true,
                    RootFeatures::Named { names, default } => {
                        names.iter().any(|name| name == feature) || (*default && feature == "default")
                    }
                };
                selection.members.contains(&step.package) && self.feature(step).is_none_or(is_asked)
            }
            (Because::Declared(dependency), Some(before)) => {
                let declared = packages.dependencies(before.package).nth(dependency).unwrap();
                let table = match declared.table {
                    cratewright_resolver::DependencyTable::Normal => Value::Null,
                    cratewright_resolver::DependencyTable::Build => "build".into(),
                    cratewright_resolver::DependencyTable::Dev => "dev".into(),
                };
                let is_it = |one: &&Value| {
                    let asks = |feature: &str| {
                        (feature == "default" && one["uses_default_features"] == true)
                            || one["features"].as_array().unwrap().iter().any(|asked| asked == feature)
                    };
                    let is_on = match before.holds {
                        Holds::Reached => one["optional"] == false,
                        Holds::Dependency(_) => true,
                        Holds::Feature(_) => false,
                    };
                    one["kind"] == table
                        && is_on
                        && self.leads_to(before, one, step, pair)
                        && self.feature(step).is_none_or(asks)
                };
                self.dependencies(before.package, &declared.name_in_toml).any(|one| is_it(&one))
            }
            (Because::Value(value), Some(before)) => {
                let Some(feature) = self.feature(before) else { return false };
                let value = self.raw(before.package)["features"][feature][value].as_str().unwrap();
                let is_same = before.package == step.package && before.kind == step.kind;
                let is_dependency = |name: &str| match step.holds {
                    Holds::Dependency(ix) => {
                        let declared = packages.dependencies(step.package).nth(ix).unwrap();
                        is_same && declared.optional && declared.name_in_toml == name
                    }
                    Holds::Reached | Holds::Feature(_) => false,
                };
                let enables = |name: &str, of: &str| {
                    let mut all = self.dependencies(before.package, name);
                    self.feature(step) == Some(of) && all.any(|one| self.leads_to(before, one, step, pair))
                };
                match value.split_once('/') {
                    None => match value.strip_prefix("dep:") {
                        None => is_same && self.feature(step) == Some(value),
                        Some(name) => is_dependency(name),
                    },
                    Some((name, of)) => match name.strip_suffix('?') {
                        Some(name) => enables(name, of),
                        None => {
                            is_dependency(name) || (is_same && self.feature(step) == Some(name)) || enables(name, of)
                        }
                    },
                }
            }
            _ => false,
        }
    }
}

/// Checks all chains of a workspace. Returns the number of chains, and of steps.
#[track_caller]
fn check(root: &Path) -> (usize, usize) {
    let workspace = workspace(root);
    let judge = Judge::new(&workspace);
    let packages = &workspace.packages;
    let (mut chains, mut steps) = (0, 0);
    let graphs = workspace.resolve(&workspace.selections);
    for (selection, graphs) in workspace.selections.iter().zip(&graphs) {
        for (&pair, graph) in workspace.pairs.iter().zip(graphs) {
            let provenance = Provenance::new(packages, &workspace.platforms, pair, selection);
            for unit in graph.units() {
                assert_eq!(provenance.features(unit.package, unit.kind), unit.features);
                for &feature in &unit.features {
                    let name = packages[unit.package].feature_name(feature);
                    let what = format!("{name} of {}", packages[unit.package].display());
                    let found = provenance.chains(unit.package, unit.kind, feature);
                    assert!(!found.is_empty(), "{}: no chain leads to {what}", root.display());
                    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
                    for chain in found {
                        let last = chain[chain.len() - 1];
                        assert_eq!((last.package, last.holds), (unit.package, Holds::Feature(feature)));
                        for (ix, &step) in chain.iter().enumerate() {
                            let before = ix.checked_sub(1).map(|ix| chain[ix]);
                            let is_rule = judge.is_rule(selection, pair, before, step);
                            assert!(
                                is_rule,
                                "{}: {step:?} does not follow from {before:?} in a chain to {what}",
                                root.display()
                            );
                            assert!(!chain[..ix].contains(&step), "{what} is explained by itself");
                            // A feature in a step must be enabled in the build.
                            if let Holds::Feature(feature) = step.holds {
                                assert!(provenance.features(step.package, step.kind).contains(&feature));
                            }
                        }
                        chains += 1;
                        steps += chain.len();
                    }
                }
            }
        }
    }
    (chains, steps)
}

#[test]
#[expect(clippy::print_stdout, reason = "the number of what was checked says how much the test is worth")]
fn each_feature_of_each_unit_has_valid_chains() {
    let mut total = (0, 0);
    let fixtures = support::fixtures().into_iter().map(|name| support::fixture(&name));
    for root in fixtures.chain([support::repository()]) {
        let (chains, steps) = check(&root);
        total = (total.0 + chains, total.1 + steps);
    }
    println!("{} chains with {} steps", total.0, total.1);
    assert!(total.0 > 1000, "{total:?}");
}

/// The judge can fail: it rejects steps that follow from no rule.
#[test]
fn invalid_steps_are_caught() {
    let workspace = workspace(&support::repository());
    let judge = Judge::new(&workspace);
    let (selection, pair) = (&workspace.selections[0], workspace.pairs[0]);
    let provenance = Provenance::new(&workspace.packages, &workspace.platforms, pair, selection);
    let (mut right, mut wrong) = (0, 0);
    for package in workspace.packages.indices() {
        for feature in provenance.features(package, CompileKind::Target) {
            for chain in provenance.chains(package, CompileKind::Target, feature) {
                for (ix, &step) in chain.iter().enumerate().skip(1) {
                    right += usize::from(judge.is_rule(selection, pair, Some(chain[ix - 1]), step));
                    let other_side = Step { kind: CompileKind::Host, ..step };
                    let unasked = Step { because: Because::Selected, ..step };
                    for false_step in [other_side, unasked] {
                        assert!(!judge.is_rule(selection, pair, Some(chain[ix - 1]), false_step), "{false_step:?}");
                        wrong += 1;
                    }
                }
            }
        }
    }
    assert!(right > 100 && wrong == 2 * right, "{right} {wrong}");
}

const REMOVABLE: [(&str, &str); 6] = [
    ("Cargo.toml", "[workspace]\nmembers = ['app', 'low', 'middle', 'side']\nresolver = '2'\n"),
    (
        "app/Cargo.toml",
        "[package]\nname = 'app'\nversion = '0.1.0'\nedition = '2024'\n\n[features]\ndefault = ['fancy']\nfancy = ['middle/loud']\n\n\
         [dependencies]\nmiddle = { path = '../middle', default-features = false, features = ['full'] }\n",
    ),
    (
        "middle/Cargo.toml",
        "[package]\nname = 'middle'\nversion = '0.1.0'\nedition = '2024'\n\n\
         [features]\nfull = ['fast', 'dep:side']\nfast = ['side?/quick']\nloud = ['low/noise']\nunused = []\n\n\
         [dependencies]\nlow = { path = '../low', default-features = false }\n\
         side = { path = '../side', optional = true, features = ['asked'] }\n",
    ),
    (
        "low/Cargo.toml",
        "[package]\nname = 'low'\nversion = '0.1.0'\nedition = '2024'\n[features]\nnoise = ['louder']\nlouder = []\n",
    ),
    (
        "side/Cargo.toml",
        "[package]\nname = 'side'\nversion = '0.1.0'\nedition = '2024'\n[features]\nasked = []\nquick = []\ndefault = []\n",
    ),
    ("Cargo.lock", LOCK),
];

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"middle\",\n]\n\n\
    [[package]]\nname = \"low\"\nversion = \"0.1.0\"\n\n\
    [[package]]\nname = \"middle\"\nversion = \"0.1.0\"\ndependencies = [\n \"low\",\n \"side\",\n]\n\n\
    [[package]]\nname = \"side\"\nversion = \"0.1.0\"\n";

/// Features that are enabled for the member `app`, as `package/feature`.
fn on_for_app(workspace: &Workspace) -> BTreeSet<String> {
    let packages = &workspace.packages;
    let app = packages.members.iter().copied().find(|&member| packages[member].name == "app").unwrap();
    let graphs = workspace.resolve(&[Selection::build(app)]);
    let units = graphs[0][0].units();
    let features = units.flat_map(|unit| {
        let package = &packages[unit.package];
        unit.features.iter().map(|&feature| format!("{}/{}", package.name, package.feature_name(feature)))
    });
    features.collect()
}

/// Removes the cause of a step from its manifest.
fn remove(workspace: &Workspace, before: Option<Step>, step: Step) {
    let packages = &workspace.packages;
    let edit = |package: PackageIx, change: &dyn Fn(&mut toml_edit::DocumentMut)| {
        let path = &packages[package].manifest_path;
        let mut document: toml_edit::DocumentMut = fs::read_to_string(path).unwrap().parse().unwrap();
        change(&mut document);
        fs::write(path, document.to_string()).unwrap();
    };
    let feature = match step.holds {
        Holds::Feature(feature) => packages[step.package].feature_name(feature),
        Holds::Reached | Holds::Dependency(_) => "",
    };
    match (step.because, before) {
        // Default features of a member: removes all of the list.
        (Because::Selected, _) => edit(step.package, &|document| {
            document["features"]["default"] = toml_edit::value(toml_edit::Array::new());
        }),
        (Because::Value(value), Some(Step { package, holds: Holds::Feature(of), .. })) => edit(package, &|document| {
            let of = packages[package].feature_name(of);
            document["features"][of].as_array_mut().unwrap().remove(value);
        }),
        (Because::Declared(dependency), Some(Step { package, .. })) => edit(package, &|document| {
            let name = &packages.dependencies(package).nth(dependency).unwrap().name_in_toml;
            let table = document["dependencies"][name].as_inline_table_mut().unwrap();
            if feature == "default" {
                table.insert("default-features", false.into());
            } else {
                let features = table["features"].as_array_mut().unwrap();
                features.retain(|one| one.as_str() != Some(feature));
            }
        }),
        other => panic!("{other:?} cannot be removed"),
    }
}

/// If there is a single chain, each of its steps is necessary: the feature is disabled if any step is removed from a
/// manifest.
#[test]
fn removing_any_step_of_the_only_chain_disables_the_feature() {
    let make = || {
        let directory = tempfile::tempdir().unwrap();
        for (file, text) in REMOVABLE {
            let path = directory.path().join(file);
            fs::create_dir_all(path.parent().unwrap().join("src")).unwrap();
            fs::write(path.parent().unwrap().join("src/lib.rs"), "").unwrap();
            fs::write(path, text).unwrap();
        }
        // The root becomes a virtual workspace.
        fs::remove_dir_all(directory.path().join("src")).unwrap();
        let root = workspace(directory.path());
        (directory, root)
    };
    let (_directory, first) = make();
    let on = on_for_app(&first);
    let expected = [
        "app/default",
        "app/fancy",
        "low/louder",
        "low/noise",
        "middle/fast",
        "middle/full",
        "middle/loud",
        "side/asked",
        "side/default",
        "side/quick",
    ];
    assert_eq!(on.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let packages = &first.packages;
    let app = packages.members.iter().copied().find(|&member| packages[member].name == "app").unwrap();
    let provenance = Provenance::new(packages, &first.platforms, first.pairs[0], &Selection::build(app));
    let mut removed = 0;
    for package in packages.indices() {
        for feature in provenance.features(package, CompileKind::Target) {
            let name = format!("{}/{}", packages[package].name, packages[package].feature_name(feature));
            let chains = provenance.chains(package, CompileKind::Target, feature);
            assert_eq!(chains.len(), 1, "{name}: {chains:?}");
            for (ix, &step) in chains[0].iter().enumerate() {
                // Removing the line that adds a package removes more than a feature.
                if step.holds == Holds::Reached || (step.because == Because::Selected && chains[0].len() == 1) {
                    continue;
                }
                let (_directory, edited) = make();
                remove(&edited, ix.checked_sub(1).map(|ix| chains[0][ix]), step);
                let now = on_for_app(&workspace(&edited.root));
                assert!(!now.contains(&name), "{name} is still enabled without {step:?}");
                removed += 1;
            }
        }
    }
    assert!(removed > 15, "only {removed} steps were removed");
}
