//! `meta` and names of the derivations in `Cargo.nix`.

use std::process::Command;

use cratewright_renderer::nix_string;
use serde_json::{Value, json};

use crate::support;
use crate::support::nix;

/// Evaluates `body` with `pkgs`, `lib` and `args -> cargoNix` of a fixture.
fn eval(fixture: &str, body: &str) -> Value {
    nix::eval_json(&format!(
        "let
           pkgs = import {} {{ system = \"x86_64-linux\"; }};
           inherit (pkgs) lib;
           cargoNix = args: import {} ({{ inherit pkgs; }} // args);
         in {body}",
        nix::stand_in().display(),
        support::fixture(fixture).join("Cargo.nix").display(),
    ))
}

/// The `meta` that `nix-lib/library/meta.nix` computes from the attributes of a crate.
fn meta(attributes: &str) -> Value {
    nix::eval_json(&format!(
        "let
           inherit (import {} {{ }}) lib;
           crate = {{ crateName = \"some-app\"; version = \"1.0.0\"; }} // {attributes};
           unit = {{ type = \"derivation\"; meta.mainProgram = \"some-app\"; }};
         in ((import {}/nix-lib/library/meta.nix {{ inherit lib; }}).describe crate unit).meta",
        nix::stand_in().display(),
        support::repository().display(),
    ))
}

/// Checks the SPDX ids of the licences, and whether nixpkgs knows them.
#[track_caller]
fn check_licenses(expression: &str, expected: &[(&str, bool)]) {
    let license = &meta(&format!("{{ license = {}; }}", nix_string(expression)))["license"];
    let list = match license {
        Value::Array(list) => list.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let found: Vec<(&str, bool)> =
        list.iter().map(|license| (license["spdxId"].as_str().unwrap(), license.get("free").is_some())).collect();
    assert_eq!(found, expected, "{expression}");
    let named = |license: &Value| license["shortName"].is_string();
    assert!(list.iter().all(named), "{list:?}");
}

#[test]
fn licences_are_looked_up_in_nixpkgs() {
    check_licenses("MIT", &[("MIT", true)]);
    check_licenses("MIT OR Apache-2.0", &[("MIT", true), ("Apache-2.0", true)]);
    check_licenses("MIT/Apache-2.0", &[("MIT", true), ("Apache-2.0", true)]);
    check_licenses("(MIT or ISC) AND ISC", &[("MIT", true), ("ISC", true)]);
    check_licenses("Zlib AND MIT", &[("Zlib", false), ("MIT", true)]);
    check_licenses("Apache-2.0 WITH LLVM-exception OR MIT", &[("Apache-2.0 WITH LLVM-exception", true), ("MIT", true)]);
    check_licenses("Zlib WITH x WITH y", &[("Zlib WITH x WITH y", false)]);
    check_licenses("GPL-2.0+ OR Zlib+", &[("GPL-2.0-or-later", true), ("Zlib+", false)]);
    check_licenses("see  LICENSE\n${HOME} ''", &[("see LICENSE ${HOME} ''", false)]);
    check_licenses("OR", &[]);
    check_licenses("", &[]);
}

#[test]
fn the_main_program_has_the_name_of_the_package_or_is_the_only_one() {
    let program = |bins: &str| meta(&format!("{{ crateBin = [ {bins} ]; }}")).get("mainProgram").cloned();
    assert_eq!(program("{ name = \"other\"; }"), Some(json!("other")));
    assert_eq!(program("{ name = \"other\"; } { name = \"some-app\"; }"), Some(json!("some-app")));
    assert_eq!(program("{ name = \"other\"; } { name = \"third\"; }"), None);
    assert_eq!(program(""), None);
    // A binary that features or the platform exclude is not the default.
    let two = "crateBin = [ { name = \"other\"; } { name = \"some-app\"; } ];";
    let default = |name: &str| meta(&format!("{{ default-run = \"{name}\"; {two} }}"))["mainProgram"].clone();
    assert_eq!((default("other"), default("left-out")), (json!("other"), json!("some-app")));
    assert_eq!(meta("{ }"), json!({}));
}

#[test]
fn the_repository_is_the_default_homepage() {
    assert_eq!(
        meta("{ homepage = \"https://a.example\"; repository = \"https://b.example\"; }")["homepage"],
        "https://a.example"
    );
    assert_eq!(meta("{ repository = \"https://b.example\"; }")["homepage"], "https://b.example");
}

#[test]
fn hostile_strings_are_kept() {
    let manifest = std::fs::read_to_string(support::fixture("hostile-strings").join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let found = eval("hostile-strings", "(cargoNix { }).rootCrate.build.meta");
    for key in ["description", "homepage"] {
        assert_eq!(found[key].as_str(), manifest["package"][key].as_str(), "{key}");
    }
    let names: Vec<&str> =
        found["license"].as_array().unwrap().iter().map(|license| license["spdxId"].as_str().unwrap()).collect();
    assert_eq!(names, ["MIT", "${HOME} ''"]);
    assert_eq!(found["mainProgram"], "app");
}

#[test]
fn derivations_of_members_have_plain_names() {
    let app = "(cargoNix { }).workspaceMembers.app.build";
    let named =
        format!("let app = {app}; in [ app.name app.pname app.version (lib.getName app) (lib.getVersion app) ]");
    assert_eq!(eval("registry-mix", &named), json!(["app-0.1.0", "app", "0.1.0", "app", "0.1.0"]));
    let crates = "lib.mapAttrsToList (_: unit: unit.name) (cargoNix { }).internal.units";
    let names = eval("registry-mix", crates);
    let names: Vec<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let own: Vec<&&str> = names.iter().filter(|name| !name.starts_with("rust_")).collect();
    assert_eq!((own, names.len() > 5), (vec![&"app-0.1.0"], true), "{names:?}");
    // An override takes precedence.
    let overridden = "(cargoNix { crateOverrides.app = _: { name = \"mine-7\"; }; }).rootCrate.build.name";
    assert_eq!(eval("registry-mix", overridden), "mine-7");

    let built = nix::build(&support::fixture("registry-mix").join("Cargo.nix"), "rootCrate.build");
    assert!(built.to_str().unwrap().ends_with("-app-0.1.0"), "{}", built.display());
    let program = eval("registry-mix", &format!("lib.getExe {app}"));
    assert_eq!(program.as_str().unwrap(), built.join("bin/app").to_str().unwrap());
    support::run(&mut Command::new(program.as_str().unwrap()));
}

/// `meta` is evaluated only on request, and does not change the derivation.
#[test]
fn metadata_is_not_part_of_the_derivation() {
    let unit = "internal.units.\"app@0.1.0\"";
    let broken = "{ lib = lib // { licenses = throw \"licenses were evaluated\"; }; }";
    let same = |left: &str, right: &str| {
        assert_eq!(
            eval("registry-mix", &format!("({left}).drvPath == ({right}).drvPath")),
            json!(true),
            "{left}, {right}"
        );
    };
    same("(cargoNix { }).rootCrate.build", &format!("(cargoNix {broken}).rootCrate.build"));
    same(&format!("(cargoNix {{ }}).{unit}"), &format!("(cargoNix {broken}).{unit}"));
    let asked = format!("(builtins.tryEval (builtins.deepSeq (cargoNix {broken}).{unit}.meta.license 0)).success");
    assert_eq!(eval("registry-mix", &asked), json!(false));

    // Values that the user sets by `override` or `overrideAttrs` take precedence, and the rest is kept.
    let by_override =
        "(cargoNix { crateOverrides.app = _: { meta.mainProgram = \"x\"; meta.priority = 3; }; }).rootCrate.build";
    let by_attributes = "(cargoNix { }).rootCrate.build.overrideAttrs (old: { meta = old.meta // { mainProgram = \"x\"; priority = 3; }; })";
    for (build, fixture) in [(by_override, "hostile-strings"), (by_attributes, "hostile-strings")] {
        let parts = format!("let inherit ({build}) meta; in [ meta.mainProgram meta.priority (meta ? description) ]");
        assert_eq!(eval(fixture, &parts), json!(["x", 3, true]), "{build}");
    }
    same("(cargoNix { }).rootCrate.build", by_override);
}
