//! SBOMs of `cratewright sbom` and of `Cargo.nix` are valid CycloneDX, and list exactly the packages of the unit graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cratewright::LoadOptions;
use cratewright::workspace::{Workspace, load};
use cratewright_renderer::{BuildGraph, sbom};
use cratewright_resolver::{CompileKind, PackageIx, UnitGraph, UnitIx, UserIntent};
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::validation::Validate;
use serde_json::{Value, json};

use crate::support;
use crate::support::nix;
use crate::support::recorded::platforms;
use crate::support::sbom::documents;

/// Name, version, and whether the package is linked, which includes the member itself.
type Listed = BTreeSet<(String, String, bool)>;

#[track_caller]
fn check_valid(text: &str) {
    let bom = Bom::parse_from_json(text.as_bytes()).unwrap();
    let validation = bom.validate_version(SpecVersion::V1_5);
    assert!(validation.passed(), "{:?}\n{text}", validation.errors().collect::<Vec<_>>());
}

/// Checks that a document is consistent, and returns its packages.
#[track_caller]
fn listed(document: &Value) -> Listed {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let root = &document["metadata"]["component"];
    let components = document["components"].as_array().unwrap();
    let mut references = BTreeSet::from([text(&root["bom-ref"])]);
    let mut listed = Listed::from([(text(&root["name"]), text(&root["version"]), true)]);
    for component in components {
        assert!(references.insert(text(&component["bom-ref"])), "twice: {component}");
        let linked = component["scope"] == "required";
        let role = component["properties"][0]["value"].as_str();
        assert_eq!((linked, role), if linked { (true, None) } else { (false, Some("host")) }, "{component}");
        assert!(listed.insert((text(&component["name"]), text(&component["version"]), linked)), "twice: {component}");
    }
    let dependencies = document["dependencies"].as_array().unwrap();
    let froms: Vec<String> = dependencies.iter().map(|dependency| text(&dependency["ref"])).collect();
    assert_eq!(froms, references.iter().cloned().collect::<Vec<_>>(), "each reference occurs once, in order");
    let to: BTreeSet<String> =
        dependencies.iter().flat_map(|dependency| dependency["dependsOn"].as_array().unwrap()).map(text).collect();
    references.remove(root["bom-ref"].as_str().unwrap());
    assert_eq!(to, references, "every package except the member is a dependency");
    listed
}

/// The packages of a unit graph. For procedural macros, the graph does not tell which packages are linked.
fn resolved(workspace: &Workspace, graph: &UnitGraph, member: PackageIx) -> Listed {
    let mut packages: BTreeMap<PackageIx, bool> = BTreeMap::new();
    let roots: Vec<UnitIx> = graph.roots.iter().copied().filter(|&root| graph[root].package == member).collect();
    for unit in graph.closure(&roots) {
        *packages.entry(graph[unit].package).or_default() |= graph[unit].kind == CompileKind::Target;
    }
    if workspace.packages[member].proc_macro {
        packages.insert(member, true);
    }
    let each = packages.into_iter().map(|(ix, linked)| {
        let package = &workspace.packages[ix];
        (package.name.clone(), package.version.to_string(), linked)
    });
    each.collect()
}

/// Checks every member and variant on every pair, with Nix if the stand-in has the pair. Returns the number of
/// documents.
#[track_caller]
fn check(root: &Path, cargo_nix: &Path) -> usize {
    let options = LoadOptions { manifest_path: Some(root.join("Cargo.toml")), locked: true, ..LoadOptions::default() };
    let workspace = load(&options).unwrap_or_else(|failure| panic!("{failure:?}"));
    let mut selections = workspace.selections.clone();
    selections.retain(|selection| selection.intent == UserIntent::Build);
    let graphs = workspace.resolve(&selections);
    let pairs = workspace.pairs.iter().enumerate();
    let platforms = pairs.filter_map(|(ix, &pair)| Some((ix, platforms(&workspace, pair)?))).collect();
    let mut nix = documents(cargo_nix, &platforms);
    let mut count = 0;
    for ix in 0..workspace.pairs.len() {
        for (selection, graphs) in selections.iter().zip(&graphs) {
            for &member in &selection.members {
                let features = selection.requested_features(&workspace.packages, member);
                let name = &workspace.packages[member].name;
                let in_variant = selection.variant.as_ref().map_or(name.clone(), |variant| format!("{variant}/{name}"));
                let key = format!("{ix}/{in_variant}");
                let Some(graph) = BuildGraph::of_member(&workspace.packages, &graphs[ix], member, &features) else {
                    let mut roots = graphs[ix].roots.iter();
                    assert!(roots.all(|&root| graphs[ix][root].package != member), "{name} is built");
                    // In Nix the member is an empty build, as it has targets on other platforms.
                    nix.remove(&key);
                    continue;
                };
                count += 1;
                let text = sbom(&graph, env!("CARGO_PKG_VERSION"));
                check_valid(&text);
                let document: Value = serde_json::from_str(&text).unwrap();
                let listed = listed(&document);
                let expected = resolved(&workspace, &graphs[ix], member);
                if workspace.packages[member].proc_macro {
                    let packages = |listed: Listed| -> BTreeSet<(String, String)> {
                        listed.into_iter().map(|(name, version, _)| (name, version)).collect()
                    };
                    assert_eq!(packages(listed), packages(expected), "{name}");
                } else {
                    assert_eq!(listed, expected, "{name}");
                }
                if platforms.contains_key(&ix) {
                    assert_eq!(nix.remove(&key).as_ref(), Some(&text), "{key}, in {}", cargo_nix.display());
                }
            }
        }
    }
    assert_eq!(nix.keys().next(), None, "only Nix has this document, in {}", cargo_nix.display());
    count
}

#[test]
fn fixtures_list_exactly_the_packages_of_their_unit_graphs() {
    let mut count = 0;
    for name in support::fixtures() {
        let root = support::fixture(&name);
        count += check(&root, &root.join("Cargo.nix"));
    }
    assert!(count > 200, "{count} documents");
}

#[test]
#[ignore = "evaluates our own Cargo.nix on all platforms: just slow-tests"]
fn this_workspace_lists_exactly_the_packages_of_its_unit_graphs() {
    let root = support::repository();
    check(&root, &root.join("Cargo.nix"));
}

#[test]
#[ignore = "evaluates more than all other tests of this file: just slow-tests"]
fn applications_list_exactly_the_packages_of_their_unit_graphs() {
    for (name, version) in [("ripgrep", "14.1.1"), ("xh", "0.23.0")] {
        let root = support::application(name, version);
        let scratch = tempfile::tempdir().unwrap();
        let mut generate = support::cratewright();
        let cargo_nix = scratch.path().join("Cargo.nix");
        generate.args(["generate", "--locked", "--output"]).arg(&cargo_nix);
        support::run(generate.arg("--manifest-path").arg(root.join("Cargo.toml")));
        check(&root, &cargo_nix);
    }
}

fn command(fixture: &str, arguments: &[&str]) -> String {
    let mut sbom = support::cratewright();
    support::stdout(sbom.arg("sbom").args(arguments).current_dir(support::fixture(fixture)))
}

#[test]
fn documents_list_pair_and_features() {
    let properties = |arguments: &[&str], fixture| -> Value {
        let document: Value = serde_json::from_str(&command(fixture, arguments)).unwrap();
        document["metadata"]["properties"].clone()
    };
    let expected = |features: &str, host: &str, target: &str| {
        json!([
            { "name": "cratewright:features", "value": features },
            { "name": "cratewright:host", "value": host },
            { "name": "cratewright:target", "value": target },
        ])
    };
    let (linux, darwin) = ("x86_64-unknown-linux-gnu", "aarch64-apple-darwin");
    assert_eq!(
        properties(&["-p", "app", "--cross", "aarch64-darwin:x86_64-linux"], "cross"),
        expected("default", darwin, linux)
    );
    assert_eq!(
        properties(&["-p", "app", "--target", "aarch64-darwin", "--variant", "loud"], "variants"),
        expected("default fast loud", darwin, darwin)
    );
}

/// The document belongs to the build whose attribute it is.
#[test]
fn an_overridden_build_has_its_own_document() {
    let expression = |document: &str| {
        format!(
            "let pkgs = import {} {{ system = \"x86_64-linux\"; }} // {{ writeText = _: text: text; }};
                 file = import {} {{ inherit pkgs; cratewright = \"${{builtins.storeDir}}/unused\"; }};
             in {document}.graph",
            nix::stand_in().display(),
            support::fixture("variants").join("Cargo.nix").display()
        )
    };
    let text = |document: &str| nix::eval_json(&expression(document));
    let overridden = text("(file.workspaceMembers.app.build.override { features = [ ]; }).sbom");
    assert_eq!(overridden, text("file.variants.bare.app.sbom"));
    assert_ne!(overridden, text("file.workspaceMembers.app.sbom"));
}

#[test]
fn the_derivation_holds_what_the_command_prints() {
    let directory = support::fixture("registry-mix");
    let built = nix::build_expression(&format!(
        "(import {} {{ cratewright = {}; }}).rootCrate.sbom",
        directory.join("Cargo.nix").display(),
        nix::package()
    ));
    assert!(built.to_str().unwrap().ends_with("-app-0.1.0.cdx.json"), "{}", built.display());
    let printed = command("registry-mix", &[]);
    assert_eq!(fs::read_to_string(&built).unwrap(), printed);
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("app.cdx.json");
    assert_eq!(command("registry-mix", &["--output", path.to_str().unwrap()]), "");
    assert_eq!(fs::read_to_string(path).unwrap(), printed);

    let document: Value = serde_json::from_str(&printed).unwrap();
    let component = |name: &str| {
        let mut components = document["components"].as_array().unwrap().iter();
        components.find(|component| component["name"] == name).unwrap()
    };
    let lock = fs::read_to_string(directory.join("Cargo.lock")).unwrap();
    let anyhow = component("anyhow");
    assert!(lock.contains(anyhow["hashes"][0]["content"].as_str().unwrap()));
    assert_eq!(anyhow["purl"], format!("pkg:cargo/anyhow@{}", anyhow["version"].as_str().unwrap()));
    assert_eq!(anyhow["licenses"], json!([{ "expression": "MIT OR Apache-2.0" }]));
    assert_eq!(component("serde_derive")["scope"], "excluded");
    assert_eq!(document["metadata"]["component"]["type"], "application");
    assert_eq!(document["metadata"]["component"]["purl"], "pkg:cargo/app@0.1.0?download_url=file://.");
}

/// The message suggests the command.
#[test]
fn without_the_program_the_attribute_is_an_error() {
    let cargo_nix = support::fixture("registry-mix").join("Cargo.nix");
    let mut evaluate = nix::nix("nix-instantiate");
    let output = evaluate.arg(cargo_nix).args(["-A", "rootCrate.sbom"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    for words in ["import ./Cargo.nix { cratewright = ...; }", "run `cratewright sbom -p app`"] {
        assert!(!output.status.success() && error.contains(words), "{error}");
    }
}

/// Flakes pass the program even if it is built from the same `Cargo.nix`. An older file does not take the argument.
#[test]
fn flakes_pass_the_program_on() {
    let root = support::fixture("registry-mix");
    let sbom = "legacyPackages.cargoNix.rootCrate.sbom";
    let build = ["nix-build", "-A", sbom];
    let built = nix::library("per-system", &root, "{ inherit cratewright; }", &build);
    let path = String::from_utf8(built.stdout).unwrap();
    assert!(path.ends_with(".cdx.json\n"), "{}", String::from_utf8_lossy(&built.stderr));
    assert_eq!(fs::read_to_string(path.trim()).unwrap(), command("registry-mix", &[]));

    let [library, pkgs] =
        [support::repository().join("nix-lib"), nix::stand_in()].map(|path| path.display().to_string());
    let own = nix::eval_json(&format!(
        "let made = (import {library}).perSystem {{
           pkgs = import {pkgs} {{ }}; root = {}; cratewright = made.packages.default;
         }}; in [ (builtins.attrNames made.packages) (made.{sbom}.drvPath != made.packages.default.drvPath) ]",
        root.display()
    ));
    assert_eq!(own, json!([["app", "default"], true]));

    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("Cargo.nix"), "{ pkgs }: { workspaceMembers.app.build = pkgs.system; }").unwrap();
    let older = nix::eval_json(&format!(
        "((import {library}).cargoNix {{
           pkgs = {{ inherit (import {pkgs} {{ }}) lib; system = \"any\"; }}; root = {}; cratewright = null; lockSync = false;
         }}).workspaceMembers.app.build",
        scratch.path().display()
    ));
    assert_eq!(older, json!("any"));
}

/// Strings of manifests are kept, except for line breaks. Invalid URLs and licences are not written as such.
#[test]
fn hostile_strings_are_kept() {
    let directory = support::fixture("hostile-strings");
    let manifest: toml::Table = fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap();
    let package = |key: &str| &manifest["package"][key];
    let document: Value = serde_json::from_str(&command("hostile-strings", &[])).unwrap();
    let component = &document["metadata"]["component"];
    let one_line = |value: &toml::Value| value.as_str().unwrap().replace(['\n', '\t'], " ");
    assert_eq!(component["description"], one_line(package("description")));
    assert_eq!(component["licenses"], json!([{ "license": { "name": one_line(package("license")) } }]));
    let authors: Vec<String> = package("authors").as_array().unwrap().iter().map(one_line).collect();
    assert_eq!(component["author"], authors.join(", "));
    assert_eq!(component.get("externalReferences"), None);
}
