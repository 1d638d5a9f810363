//! `cratewright why`: the lines that it prints are in the manifests, and removing them removes the crate.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support;

/// Output of `why` in the format JSON.
fn why(root: &Path, arguments: &[&str]) -> Value {
    let mut command = support::cratewright();
    command.args(["why", "--format", "json", "--limit", "0", "--target", "x86_64-linux", "--offline"]);
    let text = support::stdout(command.args(arguments).current_dir(root));
    let home = std::env::var("HOME").unwrap_or_else(|_| "/nowhere".to_owned());
    for path in [root.display().to_string(), format!("{home}/")] {
        assert!(!text.contains(&path), "{arguments:?} prints a path of this machine: {path}");
    }
    serde_json::from_str(&text).unwrap()
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// Names of the packages in a lock file that are not members.
fn others(root: &Path, members: &[&str]) -> Vec<String> {
    let lock: toml::Table = fs::read_to_string(root.join("Cargo.lock")).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap().iter();
    let mut names: Vec<String> = packages.map(|package| package["name"].as_str().unwrap().to_owned()).collect();
    names.retain(|name| !members.contains(&name.as_str()));
    names.dedup();
    names
}

/// Directories of packages, by `name version` as in the output.
fn directories(root: &Path) -> Vec<(String, String)> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--offline", "--locked", "--all-features"]);
    let output: Value = serde_json::from_str(&support::stdout(cargo.current_dir(root))).unwrap();
    let directory = |package: &Value| {
        let name = format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        (name, package["manifest_path"].as_str().unwrap().trim_end_matches("/Cargo.toml").to_owned())
    };
    items(&output, "packages").iter().map(directory).collect()
}

#[test]
fn each_step_has_lines_with_the_dependency() {
    let root = support::fixture("registry-mix");
    let directories = directories(&root);
    let mut lines = 0;
    for name in others(&root, &[]) {
        for derivation in items(&why(&root, &[&name]), "derivations") {
            for path in items(derivation, "paths") {
                let path = path.as_array().unwrap();
                assert!(path.len() > 1 && path[0]["asked_by"].is_null(), "{path:?}");
                for step in &path[1..] {
                    let dependency = step["label"].as_str().unwrap().split(' ').next().unwrap();
                    assert!(!items(step, "asked_by").is_empty(), "no line asks for {dependency} in {path:?}");
                    for asked in items(step, "asked_by") {
                        let file = asked["file"].as_str().unwrap();
                        let file = match file.split_once("'s ") {
                            Some((package, file)) => {
                                let known = directories.iter().find(|(name, _)| name == package).unwrap();
                                Path::new(&known.1).join(file)
                            }
                            None => root.join(file),
                        };
                        let number = asked["line"].as_u64().unwrap() as usize;
                        let text = fs::read_to_string(&file).unwrap();
                        let line = text.lines().nth(number - 1).unwrap();
                        assert!(line.contains(dependency), "{}:{number} is {line:?}, not {dependency}", file.display());
                        lines += 1;
                    }
                }
            }
        }
    }
    assert!(lines > 20, "only {lines} lines were checked");
}

/// Removes a dependency from a manifest, and from its features.
fn remove(root: &Path, asked: &Value) {
    let path = root.join(asked["file"].as_str().unwrap());
    let mut document: toml_edit::DocumentMut = fs::read_to_string(&path).unwrap().parse().unwrap();
    let name = asked["text"].as_str().unwrap().split([' ', '.', '=']).next().unwrap();
    let tables = match asked["platform"].as_str() {
        Some(platform) => &mut document["target"][platform],
        None => document.as_item_mut(),
    };
    let removed = tables[asked["table"].as_str().unwrap()].as_table_mut().unwrap().remove(name);
    assert!(removed.is_some(), "{asked} is not in the manifest");
    if let Some(features) = document.get_mut("features").and_then(toml_edit::Item::as_table_mut) {
        let prefixes = [format!("{name}/"), format!("{name}?/"), format!("dep:{name}")];
        for (_, values) in features.iter_mut() {
            let is_kept =
                |value: &toml_edit::Value| !prefixes.iter().any(|one| value.as_str().unwrap().starts_with(one));
            values.as_array_mut().unwrap().retain(is_kept);
        }
    }
    fs::write(path, document.to_string()).unwrap();
}

/// Whether the crate is still built without these lines, for a member or for any.
fn is_built(source: &Path, lines: &[&Value], arguments: &[&str]) -> bool {
    let copy = tempfile::tempdir().unwrap();
    support::copy_tree(source, copy.path());
    lines.iter().for_each(|line| remove(copy.path(), line));
    support::run(Command::new("cargo").args(["generate-lockfile", "--offline", "--quiet"]).current_dir(copy.path()));
    let lock = fs::read_to_string(copy.path().join("Cargo.lock")).unwrap();
    let name = arguments[0];
    lock.contains(&format!("name = \"{name}\"")) && !items(&why(copy.path(), arguments), "derivations").is_empty()
}

#[test]
fn removing_the_listed_lines_removes_the_crate() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/why.in");
    let mut tried = 0;
    let crates = others(&source, &["app", "core", "derive"]);
    let cases = crates.iter().flat_map(|name| {
        [None, Some("app"), Some("core"), Some("derive")].into_iter().map(move |from| (name.as_str(), from))
    });
    for (name, from) in cases {
        let mut arguments = vec![name];
        arguments.extend(from.iter().flat_map(|from| ["--from", from]));
        let answer = why(&source, &arguments);
        if items(&answer, "derivations").is_empty() {
            continue;
        }
        let all: Vec<&Value> = items(&answer["to_vanish"], "all_of").iter().collect();
        assert!(!all.is_empty(), "{arguments:?} lists no lines to remove");
        assert!(!is_built(&source, &all, &arguments), "{arguments:?} is still built without {all:?}");
        for kept in 0..all.len() {
            let mut rest = all.clone();
            rest.remove(kept);
            assert!(
                is_built(&source, &rest, &arguments),
                "{arguments:?} is not built without {rest:?} although lines are left"
            );
        }
        for one in items(&answer["to_vanish"], "one_of") {
            assert!(!is_built(&source, &[one], &arguments), "{arguments:?} is still built without {one}");
        }
        tried += 1;
    }
    assert!(tried >= 9, "only {tried} answers were tried");
}

/// Ids that other commands and files print for the packages of a workspace: those of crates, and those of members.
fn printed_ids(root: &Path) -> (Vec<String>, Vec<String>) {
    let cargo = Command::new("cargo").args(METADATA).current_dir(root).output().unwrap();
    let cargo: Value = serde_json::from_slice(&cargo.stdout).unwrap();
    let members: Vec<String> =
        items(&cargo, "workspace_members").iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    let run = |arguments: &[&str]| support::stdout(support::cratewright().args(arguments).current_dir(root));
    let snapshot = run(&["snapshot", "--stdout", "--offline", "--target", "x86_64-linux"]);
    let snapshot: toml::Table = snapshot.parse().unwrap();
    let keys = snapshot["crates"].as_table().unwrap().values().flat_map(|on| on.as_table().unwrap().keys().cloned());
    let sbom: Value = serde_json::from_str(&run(&["sbom", "-p", "app", "--offline"])).unwrap();
    let urls = items(&sbom, "components").iter().map(|one| one["purl"].as_str().unwrap().to_owned());
    let cargo_nix = run(&["generate", "--stdout", "--offline", "--locked", "--target", "x86_64-linux"]);
    let entries = cargo_nix.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split_once("\" = "));
    let entries: Vec<String> = entries.map(|(key, _)| key.to_owned()).filter(|key| key.contains('@')).collect();
    assert!(entries.len() > 5, "{cargo_nix}");
    let of_cargo = items(&cargo, "packages").iter().map(|package| package["id"].as_str().unwrap().to_owned());
    (of_cargo.chain(keys).chain(urls).chain(entries).collect(), members)
}

const METADATA: [&str; 5] = ["metadata", "--format-version", "1", "--offline", "--locked"];

#[test]
fn every_printed_id_is_accepted_by_every_command() {
    let copy = tempfile::tempdir().unwrap();
    support::copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd/why.in"), copy.path());
    let root = copy.path();
    let accepts = |arguments: &[&str]| {
        let platform = ["--target", "x86_64-linux", "--offline"];
        let output = support::cratewright().args(arguments).args(platform).current_dir(root).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let drawn: Value = serde_json::from_slice(&accepts(&["graph", "--format", "json"])).unwrap();
    for derivation in items(&drawn, "derivations") {
        let [id, label] = ["id", "label"].map(|key| derivation[key].as_str().unwrap());
        let answer: Value = serde_json::from_slice(&accepts(&["why", id, "--format", "json"])).unwrap();
        let found: Vec<&Value> = items(&answer, "derivations").iter().map(|one| &one["id"]).collect();
        assert_eq!(found, [id], "an id means one derivation");
        for name in [id, label] {
            accepts(&["impact", "--bump", name]);
            accepts(&["graph", "--around", name]);
        }
        accepts(&["why", label]);
        if derivation["member"] == true {
            accepts(&["verify", "--purpose", "build", "-p", id]);
            accepts(&["why", "leaf", "--from", label]);
        }
    }
    let (crates, members) = printed_ids(root);
    assert!(crates.len() > 30 && members.len() == 3, "{crates:?} {members:?}");
    for id in crates {
        accepts(&["why", &id]);
    }
    for id in members {
        accepts(&["sbom", "-p", &id]);
        accepts(&["verify", "--purpose", "build", "-p", &id]);
        if id.contains("/app#") {
            accepts(&["impact", "--feature", &format!("{id}/tls")]);
        }
    }
}

#[test]
fn a_name_does_not_match_names_that_begin_with_it() {
    let root = support::fixture("registry-mix");
    let names = |spec: &str| -> Vec<String> {
        let answer = why(&root, &[spec]);
        let mut names: Vec<String> =
            items(&answer, "derivations").iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        names.dedup();
        names
    };
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    for spec in ["serde", "serde@1", &format!("{registry}#serde"), &format!("{registry}#serde@1.0")] {
        assert_eq!(names(spec), ["serde"], "{spec}");
    }
}
