//! Hostile metadata: every string in `Cargo.nix` is read back unchanged by Nix, and by the shell into which nixpkgs'
//! builder pastes it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::process::Command;

use cratewright_renderer::{
    BuildGraph, Library, Origins, Registry, RenderOptions, Repository, Resolved, merge, nix_string, render, sbom,
};
use cratewright_resolver::{Metadata, PackageGraph, Pair, Platform, Selection, resolve};
use cratewright_staleness::{FORMAT, Observer};
use cratewright_workspace::{EnvironmentVariable, Workspace};
use cyclonedx_bom::models::bom::{Bom, SpecVersion};
use cyclonedx_bom::validation::Validate;
use proptest::prelude::*;
use serde_json::json;

use crate::support;
use crate::support::nix;

/// Strings that are likely to break Nix strings or shell words.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("${".to_owned()),
        Just("$${x}".to_owned()),
        Just("$(touch pwned)".to_owned()),
        Just("$HOME".to_owned()),
        Just("`id`".to_owned()),
        Just("''".to_owned()),
        Just("''${".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n\t".to_owned()),
        Just("*/ # // ; in rec {".to_owned()),
        Just("žluťoučký 🦀 \u{200f}".to_owned()),
        // Strings that look like a URL or a licence.
        Just("https://a.example:8".to_owned()),
        Just("/?%20#(x)".to_owned()),
        Just("MIT/Apache-2.0".to_owned()),
        Just(" OR ".to_owned()),
        Just("GPL-2.0+ WITH Classpath-exception-2.0".to_owned()),
        "[ -~]{0,6}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

/// `Cargo.nix` and SBOM of a workspace with one package, which has these strings in every free-text field.
fn documents(fields: &[String], options: &RenderOptions) -> [String; 2] {
    let metadata = json!({
        "packages": [{
            "name": "app", "version": "0.1.0", "id": "path+file:///w#app@0.1.0", "source": null,
            "license": fields[0], "license_file": fields[1], "description": fields[2], "homepage": fields[3],
            "repository": fields[4], "readme": fields[5], "links": "plain-1.0_a+b", "authors": [fields[6], fields[7]],
            "rust_version": "1.85", "edition": "2021", "manifest_path": "/w/Cargo.toml", "dependencies": [],
            "features": {"default": [fields[8]], fields[8].clone(): []},
            "targets": [{
                "kind": ["bin"], "crate_types": ["bin"], "name": fields[9], "src_path": "/w/src/main.rs",
                "edition": "2021", "doc": true, "doctest": false, "test": true
            }],
            "documentation": null, "publish": null, "metadata": null, "categories": [], "keywords": [],
            "default_run": null
        }],
        "workspace_members": ["path+file:///w#app@0.1.0"],
        "workspace_default_members": ["path+file:///w#app@0.1.0"],
        "resolve": {
            "nodes": [{"id": "path+file:///w#app@0.1.0", "dependencies": [], "deps": [], "features": []}],
            "root": "path+file:///w#app@0.1.0"
        },
        "target_directory": "/w/target", "version": 1, "workspace_root": "/w", "metadata": null
    });
    let files = [
        ("Cargo.toml", "[package]\nname = 'app'\nedition = '2021'\n"),
        ("Cargo.lock", "version = 4\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"),
    ];
    let files = BTreeMap::from(files.map(|(file, text)| (file.to_owned(), text.to_owned())));
    let observer = Observer::new(&files);
    let workspace = Workspace::discover(&observer).unwrap();
    let metadata = Metadata::parse(&metadata.to_string(), |_| false).unwrap();
    let replaced = HashMap::new();
    let packages = PackageGraph::new(&workspace, &observer.lock().unwrap(), metadata, &replaced).unwrap();
    let platforms = [Platform::parse("x86_64-unknown-linux-gnu", "unix\ntarget_os=\"linux\"\n").unwrap()];
    let pairs = [Pair::native(0)];
    let selections = [Selection::build(packages.members[0])];
    let graphs = resolve(&packages, &platforms, &pairs, &selections);
    let resolved = Resolved {
        packages: &packages,
        platforms: &platforms,
        pairs: &pairs,
        selections: &selections,
        graphs: &graphs,
    };
    let merged = merge(resolved).unwrap();
    let features = ["default".to_owned()];
    let graph = BuildGraph::of_member(&packages, &graphs[0][0], packages.members[0], &features).unwrap();
    [render(resolved, &merged, options), sbom(&graph, env!("CARGO_PKG_VERSION"))]
}

/// `meta`, and the input of the SBOM, evaluated by Nix.
fn described(directory: &std::path::Path) -> serde_json::Value {
    nix::eval_json(&format!(
        "let pkgs = import {} {{ system = \"x86_64-linux\"; }} // {{ writeText = _: text: text; }};
             cargoNix = import {}/Cargo.nix {{
               inherit pkgs;
               buildRustCrateForPkgs = _: {{ override = _: attrs: {{ type = \"derivation\"; }}; }};
               cratewright = \"${{builtins.storeDir}}/unused\";
             }};
         in {{ inherit (cargoNix.rootCrate.sbom) graph; inherit (cargoNix.rootCrate.build) meta; }}",
        nix::stand_in().display(),
        directory.display()
    ))
}

/// The SBOM that the command writes for a graph.
fn document(directory: &std::path::Path, graph: &serde_json::Value) -> String {
    let file = directory.join("graph.json");
    fs::write(&file, graph.to_string()).unwrap();
    support::stdout(support::cratewright().args(["sbom", "--graph"]).arg(&file).arg("--manifests").arg(directory))
}

/// The arguments of the builder, recorded by a stub.
fn recorded(directory: &std::path::Path) -> serde_json::Value {
    let expression = format!(
        "let pkgs = import {} {{ system = \"x86_64-linux\"; }};
             cargoNix = import {}/Cargo.nix {{
               inherit pkgs;
               buildRustCrateForPkgs = _: {{ override = _: attrs: removeAttrs attrs [ \"src\" ]; }};
             }};
         in cargoNix.internal.units.\"app@0.1.0\"",
        nix::stand_in().display(),
        directory.display()
    );
    nix::eval_json(&expression)
}

/// Evaluates words between double quotes with bash.
fn in_shell(pasted: &[&str]) -> Vec<String> {
    let script: String = pasted.iter().map(|text| format!("printf '%s\\0' \"{text}\"\n")).collect();
    let output = support::run(Command::new("bash").args(["-c", &script]).env_clear());
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn strings_survive_nix_and_the_shell(fields in prop::collection::vec(hostile(), 10)) {
        // In features, cargo gives `/` and `dep:` a meaning.
        let mut fields = fields;
        fields[8] = format!("f{}", fields[8].replace('/', "").replace("dep:", ""));
        let directory = tempfile::tempdir().unwrap();
        let options = RenderOptions {
            library: Library::At("nix-lib/library".to_owned()),
            format: FORMAT,
            outputs: vec!["Cargo.nix".to_owned()],
            ..RenderOptions::default()
        };
        let [cargo_nix, sbom] = documents(&fields, &options);
        fs::write(directory.path().join("Cargo.nix"), cargo_nix).unwrap();
        std::os::unix::fs::symlink(support::repository().join("nix-lib"), directory.path().join("nix-lib")).unwrap();
        let attributes = recorded(directory.path());

        let pasted = ["license", "license-file", "description", "homepage", "repository", "readme"];
        let mut values: Vec<&str> = pasted.iter().map(|name| attributes[name].as_str().unwrap()).collect();
        values.extend(attributes["authors"].as_array().unwrap().iter().map(|author| author.as_str().unwrap()));
        let expected: Vec<String> = fields[..6].iter().chain(&fields[6..8]).cloned().collect();
        prop_assert_eq!(in_shell(&values), expected);

        let mut features = vec!["default", fields[8].as_str()];
        features.sort_unstable();
        prop_assert_eq!(&attributes["features"], &json!(features));
        prop_assert_eq!(&attributes["crateBin"], &json!([{ "name": fields[9], "path": "src/main.rs" }]));
        prop_assert_eq!(&attributes["rust-version"], &json!("1.85"));

        let described = described(directory.path());
        let mut graph: serde_json::Value = serde_json::from_str(described["graph"].as_str().unwrap()).unwrap();
        prop_assert_eq!(&document(directory.path(), &graph), &sbom);
        // The SBOM must be the same if the metadata is read from a manifest.
        let package = graph["packages"]["app@0.1.0"].as_object_mut().unwrap();
        let manifest = toml::to_string(&json!({ "package": package.remove("about").unwrap() })).unwrap();
        fs::write(directory.path().join("0.toml"), manifest).unwrap();
        package.insert("manifest".to_owned(), json!("0.toml"));
        prop_assert_eq!(&document(directory.path(), &graph), &sbom);
        let bom = Bom::parse_from_json(sbom.as_bytes()).unwrap();
        prop_assert!(bom.validate_version(SpecVersion::V1_5).passed(), "{}", sbom);
        prop_assert_eq!(&described["meta"]["description"], &json!(fields[2]));
        prop_assert_eq!(&described["meta"]["homepage"], &json!(fields[3]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Strings that do not come from packages: our and cargo's configuration, addresses, paths and the record.
    #[test]
    fn configuration_addresses_and_paths_survive(texts in prop::collection::vec(hostile(), 12)) {
        let name = format!("d{}", texts[0].replace('/', ""));
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root").join(&name);
        let library = format!("a {name} library");
        fs::create_dir_all(directory.path().join("root").join(&library)).unwrap();
        fs::write(directory.path().join("root").join(&library).join("default.nix"), "data: data").unwrap();
        // A line of the record starts with its key.
        let line = format!("key = {}", texts[1].replace(['\n', '\r'], " "));
        let variable = EnvironmentVariable { value: texts[2].clone(), force: true, is_path: false };
        let options = RenderOptions {
            root: name.clone(),
            library: Library::At(library),
            format: FORMAT,
            outputs: vec![texts[3].clone()],
            origins: Origins {
                registries: vec![Registry { name: texts[4].clone(), index: texts[5].clone(), dl: texts[6].clone() }],
                repositories: vec![Repository {
                    name: texts[7].clone(),
                    url: texts[8].clone(),
                    rev: texts[9].clone(),
                    sha256: String::new(),
                }],
            },
            extra_sources: BTreeMap::from([(String::new(), vec![texts[10].clone(), "entries = 0;".to_owned()])]),
            ignored: vec![texts[11].clone(), "entries = 0;".to_owned()],
            rustflags: BTreeMap::from([(texts[0].clone(), vec![texts[1].clone()])]),
            environment: BTreeMap::from([(texts[3].clone(), variable)]),
            inputs: BTreeMap::from([(texts[2].clone(), format!("{line}\n"))]),
        };
        let plain: Vec<String> = (0..10).map(|ix| format!("f{ix}")).collect();
        let [cargo_nix, _] = documents(&plain, &options);
        let file = directory.path().join("root/Cargo.nix");
        fs::write(&file, &cargo_nix).unwrap();
        let found = nix::eval_json(&format!(
            "let data = import {}; entry = (data.crates {{ local = entry: entry; units = {{ }}; }}).\"app@0.1.0\"; in {{
               inherit (data) registries repositories rustflags cargoEnv inputs;
               inherit (data.workspace) excluded ignored;
               inherit (entry) extraSources;
               root = toString data.workspace.root;
             }}",
            file.display()
        ));
        prop_assert_eq!(&found["root"], &json!(root.to_str().unwrap()), "{}", cargo_nix);
        let dl = json!({ "index": texts[5], "dl": texts[6] });
        prop_assert_eq!(&found["registries"], &json!({ texts[4].clone(): dl }));
        let repository = json!({ "url": texts[8], "rev": texts[9], "sha256": "" });
        prop_assert_eq!(&found["repositories"], &json!({ texts[7].clone(): repository }));
        prop_assert_eq!(&found["rustflags"], &json!({ texts[0].clone(): [texts[1]] }));
        prop_assert_eq!(&found["cargoEnv"], &json!({ texts[3].clone(): { "value": texts[2], "force": true } }));
        prop_assert_eq!(&found["inputs"], &json!({ texts[2].clone(): format!("{line}\n") }));
        prop_assert_eq!(&found["ignored"], &json!([texts[11], "entries = 0;"]));
        prop_assert_eq!(&found["extraSources"], &json!([texts[10], "entries = 0;"]));
        prop_assert!(found["excluded"].as_array().unwrap().contains(&json!(texts[3])));
    }
}

#[test]
fn any_text_survives_a_nix_string() {
    let texts: Vec<String> = (1..=0x2ff_u32)
        .filter_map(char::from_u32)
        .map(|c| format!("{c}{{{c}${c}{{x}}"))
        .chain(["''".to_owned(), "$$".to_owned(), "$\\{".to_owned()])
        .collect();
    let list = texts.iter().map(|text| nix_string(text)).collect::<Vec<_>>().join(" ");
    assert_eq!(nix::eval_json(&format!("[ {list} ]")), json!(texts));
}
