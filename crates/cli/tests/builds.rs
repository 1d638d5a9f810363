//! Derivations of a workspace: each crate is built once, and has a key of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use cratewright::LoadOptions;
use cratewright::workspace::load;
use cratewright_resolver::{CompileMode, Pair};
use serde::Deserialize;

use crate::support::git::Scratch;
use crate::support::nix;
use crate::support::recorded::{Units, platforms, record, resolved};
use crate::support::{self, package};

#[derive(Deserialize)]
struct Needed {
    units: Units,
    /// Keys of the checks themselves, which are not crates.
    checks: BTreeSet<String>,
}

const NEEDED: &str = "let
   members = map (member: member.build) (builtins.attrValues file.workspaceMembers);
   checks = builtins.filter (check: check ? key) (builtins.attrValues (removeAttrs file.tests [ \"all\" ]));
 in {
   units = unitsBelow (builtins.filter (unit: unit ? key) members ++ checks);
   checks = map (check: check.key) checks;
 }";

/// Counts the derivations of crates that all members and their test programs need, and the distinct units of cargo's
/// graphs of `build --workspace` and `test --workspace`: all of them, and those that differ in package, platform or
/// features.
fn count(root: &Path, cargo_nix: &Path) -> [usize; 3] {
    let options = LoadOptions {
        manifest_path: Some(root.join("Cargo.toml")),
        targets: vec!["x86_64-linux".to_owned()],
        locked: true,
        ..LoadOptions::default()
    };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let pair = Pair::native(0);
    let needed: Needed = record(cargo_nix, &platforms(&workspace, pair).unwrap(), NEEDED);
    let derivations = needed.units.keys().filter(|key| !needed.checks.contains(*key)).count();
    let (mut distinct, mut by_features) = (BTreeSet::new(), BTreeSet::new());
    for graphs in workspace.resolve(&workspace.selections) {
        let (graph, mut known) = (&graphs[0], HashMap::new());
        // The closure of the roots is cargo's graph, as `oracle.rs` shows.
        for ix in graph.closure(&graph.roots) {
            let unit = &graph[ix];
            if unit.mode != CompileMode::Build {
                continue;
            }
            let kind = format!("{:?}", unit.kind);
            let digest = resolved(&workspace, pair, graph, ix, &mut known).digest();
            distinct.insert((unit.package, kind.clone(), digest));
            by_features.insert((unit.package, kind, unit.features.clone()));
        }
    }
    [derivations, distinct.len(), by_features.len()]
}

#[expect(clippy::print_stdout, reason = "the counts are what the test is about")]
#[test]
fn each_unit_of_cargo_is_built_once() {
    let root = support::repository();
    let [derivations, distinct, by_features] = count(&root, &root.join("Cargo.nix"));
    println!("{derivations} derivations for {distinct} units, {by_features} by package, platform and features");
    // If dependencies differ, cargo compiles a package with the same features twice, and so must Nix.
    assert!(derivations <= distinct, "{derivations} derivations for {distinct} units");
}

/// Members `for` and `host`, and variants with these names, need the crate `leaf` with different features.
#[test]
fn members_and_variants_with_the_same_name_are_distinct() {
    let scratch = Scratch::new();
    let leaf = |features: &str| format!("leaf = {{ path = \"../leaf\", features = [{features}] }}\n");
    let user = |name: &str, feature: &str| {
        let features = "[features]\non = [\"leaf/on\"]\n";
        package(name, &format!("{features}[dependencies]\n{}", leaf(&format!("\"{feature}\""))))
    };
    let script = package("script", &format!("build = \"build.rs\"\n[build-dependencies]\n{}", leaf("\"script\"")));
    let root = "[workspace]\nresolver = \"2\"\nmembers = [\"for\", \"host\", \"leaf\", \"script\"]\n\
                [workspace.metadata.cratewright]\nfeature-unification = \"package\"\n\
                [workspace.metadata.cratewright.variants.host]\nfeatures = [\"on\"]\nmembers = [\"for\", \"host\"]\n\
                [workspace.metadata.cratewright.variants.for]\nfeatures = [\"on\"]\nmembers = [\"host\"]\n";
    let features = "[features]\non = []\nfor = []\nhost = []\nscript = []\n";
    let lib = "";
    scratch.write(
        "w",
        &[
            ("Cargo.toml", root),
            ("for/Cargo.toml", &user("for", "for")),
            ("for/src/lib.rs", lib),
            ("host/Cargo.toml", &user("host", "host")),
            ("host/src/lib.rs", lib),
            ("leaf/Cargo.toml", &package("leaf", features)),
            ("leaf/src/lib.rs", lib),
            ("script/Cargo.toml", &script),
            ("script/src/lib.rs", lib),
            ("script/build.rs", "fn main() {}\n"),
        ],
    );
    scratch.generate("w");
    let expression = format!(
        "builtins.mapAttrs (_: unit: unit.features) (import {} {{
           pkgs = import {} {{ }};
           buildRustCrateForPkgs = _: {{ override = _: attrs: attrs; }};
         }}).internal.units",
        scratch.path("w/Cargo.nix").display(),
        nix::stand_in().display()
    );
    let found: BTreeMap<String, BTreeSet<String>> = serde_json::from_value(nix::eval_json(&expression)).unwrap();
    for (key, features) in [
        ("leaf@0.1.0", &[][..]),
        ("leaf@0.1.0 [member=for]", &["for"]),
        ("leaf@0.1.0 [member=host]", &["host"]),
        ("leaf@0.1.0 [member=for variant=host]", &["for", "on"]),
        ("leaf@0.1.0 [member=host variant=for]", &["host", "on"]),
        ("leaf@0.1.0 [member=script build]", &["script"]),
    ] {
        let expected: BTreeSet<String> = features.iter().map(|&feature| feature.to_owned()).collect();
        assert_eq!(found.get(key), Some(&expected), "{key}: {found:#?}");
    }
}

#[test]
fn an_edit_of_the_library_does_not_change_cargo_nix() {
    for name in support::fixtures() {
        let copy = support::Copy::of(&support::fixture(&name));
        let library = copy.path().join("../../nix-lib");
        fs::remove_file(&library).unwrap();
        support::copy_tree(&support::repository().join("nix-lib"), &library);
        let changed = library.join("library/workspace.nix");
        let text = fs::read_to_string(&changed).unwrap();
        fs::write(&changed, format!("# A line more.\n{text}")).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = support::cratewright();
            support::stdout(command.args(arguments).arg("--manifest-path").arg(copy.path().join("Cargo.toml")))
        };
        run(&["check"]);
        let committed = fs::read_to_string(support::fixture(&name).join("Cargo.nix")).unwrap();
        assert_eq!(run(&["generate", "--stdout", "--locked"]), committed, "{name}");
    }
}

/// An embedded library has only the parts that the workspace uses.
#[test]
fn derivations_do_not_depend_on_the_place_of_the_library() {
    // Only workspaces without a root package, as its source includes the manifest, which the test edits.
    for name in ["service", "native", "profiles", "optional-and-weak", "names-like-labels", "c-libraries"] {
        let derivations = |library: &str, more: &str| {
            let copy = support::Copy::of(&support::fixture(name));
            support::library_elsewhere(copy.path(), &format!("library = \"{library}\"\n{more}"));
            nix::eval_json(&format!(
                "let
                   c = import {}/Cargo.nix {{ pkgs = import {} {{ }}; }};
                   drv = builtins.mapAttrs (_: value: value.drvPath);
                 in [
                   (drv (builtins.mapAttrs (_: member: member.build) c.workspaceMembers))
                   (drv c.tests) (drv c.clippy) (drv c.docs)
                   (builtins.mapAttrs (_: members: drv (builtins.mapAttrs (_: member: member.build) members)) c.variants)
                 ]",
                copy.path().display(),
                nix::stand_in().display()
            ))
        };
        for more in ["", "tests = false\n"] {
            let usual = derivations("../../nix-lib/library", more);
            for library in ["beside", "embedded", "shared.nix"] {
                assert_eq!(derivations(library, more), usual, "{name}, {library}, {more}");
            }
        }
    }
}
