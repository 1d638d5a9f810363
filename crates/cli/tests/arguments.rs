//! Wrong arguments of a `Cargo.nix` and of `.build.override`: the error names the argument and shows a right one.

use serde_json::json;

use crate::interface::{check, check_error};
use crate::support;

/// Arguments of Cargo.nix, attribute, and message.
const WRONG_ARGUMENTS: [(&str, &str, &str); 36] = [
    (
        "features = [ ];",
        "workspaceMembers.app.build.drvPath",
        "Cargo.nix has no argument `features`; did you mean `rootFeatures`?",
    ),
    ("inherit (pkgs) callPackage stdenv lib fetchurl git;", "workspaceMembers", "and this is nixpkgs itself"),
    ("profle = \"dev\";", "workspaceMembers", "no argument `profle`; did you mean `profile`?"),
    ("src = ./.;", "workspaceMembers", "Its arguments are lib, nixpkgs, pkgs, buildRustCrateForPkgs, "),
    ("profile = \"relase\";", "workspaceMembers.app.build.drvPath", "help: did you mean `release`?"),
    ("profile = \"debug\";", "workspaceMembers.app.build.drvPath", "`debug` is that of the profile `dev`"),
    ("profile = \"dist\";", "workspaceMembers.app.build.drvPath", "to declare a new profile, add [profile.dist]"),
    (
        "toolchain = \"stable\";",
        "workspaceMembers.app.build.drvPath",
        "`toolchain` is the string \"stable\", not a package or a store path",
    ),
    ("toolchain = /web;", "workspaceMembers.app.build.drvPath", "`toolchain` is the path /web, not a package"),
    ("cratewright = \"x\";", "workspaceMembers.app.sbom.drvPath", "`cratewright` is the string \"x\", not a package"),
    ("crateOverrides.\"app@>>2\" = _: { };", "workspaceMembers.app.build.drvPath", "for example: \"app@>=1.2, <2\""),
    ("pkgs = { };", "workspaceMembers.app.build.drvPath", "`pkgs` is not a package set of nixpkgs"),
    ("stdenv = \"gcc\";", "workspaceMembers.app.build.drvPath", "`stdenv` is the string \"gcc\", not an attribute set"),
    ("rootFeatures = \"fast\";", "workspaceMembers.app.build.drvPath", "rootFeatures = [ \"default\" \"fast\" ];"),
    (
        "rootFeatures = [ 1 ];",
        "workspaceMembers.app.build.drvPath",
        "`rootFeatures` is a list with a number, not a list of strings",
    ),
    ("profile = 1;", "workspaceMembers.app.build.drvPath", "`profile` is a number, not the name of a profile"),
    ("release = \"no\";", "workspaceMembers.app.build.drvPath", "`release` is the string \"no\", not true or false"),
    ("env = \"LTO\";", "workspaceMembers.app.build.drvPath", "`env` is the string \"LTO\", not an attribute set"),
    ("toolchain = [ ];", "workspaceMembers.app.build.drvPath", "`toolchain` is a list, not a package"),
    ("linker = true;", "workspaceMembers.app.build.drvPath", "`linker` is a boolean, not the name of a linker"),
    (
        "contentAddressed = 1;",
        "workspaceMembers.app.build.drvPath",
        "`contentAddressed` is a number, not true or false",
    ),
    (
        "buildRustCrateForPkgs = { };",
        "workspaceMembers.app.build.drvPath",
        "buildRustCrateForPkgs = pkgs: pkgs.buildRustCrate;",
    ),
    ("crateOverrides = [ ];", "workspaceMembers.app.build.drvPath", "`crateOverrides` is a list, not an attribute set"),
    (
        "crateOverrides.app = { };",
        "workspaceMembers.app.build.drvPath",
        "crateOverrides: the override of `app` is an attribute set, not a function of the crate's attributes",
    ),
    (
        "crateOverrides.app = [ (_: { }) null ];",
        "workspaceMembers.app.build.drvPath",
        "app = attrs: { buildInputs = [ pkgs.zlib ]; };",
    ),
    (
        "crateOverrides.app = _: \"x\";",
        "workspaceMembers.app.build.drvPath",
        "crateOverrides: the override of `app` returns the string \"x\", not an attribute set",
    ),
    ("crateOverrides.\"*\" = { };", "workspaceMembers.app.build.drvPath", "\"*\" = attrs: "),
    (
        "defaultCrateOverrides.app = { };",
        "workspaceMembers.app.build.drvPath",
        "`defaultCrateOverrides`, or `crateOverrides` of `.build.override`: the override of `app` is",
    ),
    ("checkOptions = [ ];", "tests.app.drvPath", "`checkOptions` is a list, not an attribute set"),
    ("checkOptions.app = [ ];", "tests.app.drvPath", "checkOptions: `app` is a list, not an attribute set"),
    ("checkOptions.app.inputs = pkgs.git;", "tests.app.drvPath", "tests.app: `inputs` is an attribute set, not a list"),
    (
        "checkOptions.app.inputs = [ pkgs.git \"postgresql\" ];",
        "tests.app.drvPath",
        "tests.app: `inputs` is a list with the string \"postgresql\", not a list of packages",
    ),
    (
        "checkOptions.app.extraSources = [ /web ];",
        "tests.app.drvPath",
        "`extraSources` is a list with the path /web, not a list of strings with paths relative to the workspace root",
    ),
    (
        "checkOptions.app.extraSources = [ \"sql\" ];",
        "tests.app.drvPath",
        "tests.app: `extraSources` of checkOptions names sql, which does not exist in /",
    ),
    ("checkOptions.app.env = [ ];", "devShell.drvPath", "checkOptions.app: `env` is a list, not an attribute set"),
    ("checkOptions.\"*\" = null;", "clippy.app.drvPath", "\"*\" = { inputs = [ pkgs.git ]; };"),
];

/// The same for `.build.override`.
const WRONG_OVERRIDES: [(&str, &str); 11] = [
    ("rootFeatures = [ ];", "app: build.override has no argument `rootFeatures`; did you mean `features`?"),
    ("release = true;", "arguments are crateOverrides, features, runTests, "),
    ("features = \"fast\";", "app: build.override: `features` is the string \"fast\", not a list of strings"),
    ("crateOverrides = _: { };", "app: build.override: `crateOverrides` is a function, not an attribute set"),
    ("crateOverrides.app = { };", "the override of `app` is an attribute set, not a function"),
    ("runTests = \"yes\";", "app: build.override: `runTests` is the string \"yes\", not true or false"),
    ("runTests = true; testCrateFlags = \"-q\";", "testCrateFlags = [ \"--test-threads=1\" ];"),
    ("runTests = true; testInputs = { };", "`testInputs` is an attribute set, not a list"),
    (
        "runTests = true; testInputs = [ \"postgresql\" ];",
        "`testInputs` is a list with the string \"postgresql\", not a list",
    ),
    ("runTests = true; testPreRun = [ ];", "`testPreRun` is a list, not a string of shell commands"),
    ("runTests = true; testPostRun = null;", "testPostRun = \"export HOME=$TMPDIR\";"),
];

#[test]
fn wrong_arguments_are_named_with_an_example() {
    for (arguments, attribute, message) in WRONG_ARGUMENTS {
        check_error("variants", &format!("(cargoNix {{ {arguments} }}).{attribute}"), &[message]);
    }
    for (arguments, message) in WRONG_OVERRIDES {
        let build = format!("(cargoNix {{ }}).workspaceMembers.app.build.override {{ {arguments} }}");
        check_error("variants", &format!("({build}).drvPath"), &[message]);
    }
}

/// `callPackage` and others read the names of arguments.
#[test]
fn names_of_arguments_can_be_read() {
    let names = |function: &str| format!("builtins.attrNames (pkgs.lib.functionArgs {function})");
    let file = support::fixture("variants").join("Cargo.nix");
    let body = names(&format!("(import {})", file.display()));
    let found = format!("let n = {body}; in map (name: builtins.elem name n) [ \"pkgs\" \"rootFeatures\" \"foo\" ]");
    check("variants", &found, json!([true, true, false]));
    let body = names("(cargoNix { }).workspaceMembers.app.build.override");
    let found = format!("let n = {body}; in map (name: builtins.elem name n) [ \"features\" \"foo\" ]");
    check("variants", &found, json!([true, false]));
    let called = format!("(pkgs.callPackage {} {{ foo = 1; }}).workspaceMembers", file.display());
    check_error("variants", &called, &["Cargo.nix has no argument `foo`"]);
}

/// A store path in a string, also without a context, and a path of a derivation that is not built yet.
#[test]
fn store_paths_are_packages() {
    for toolchain in [
        "pkgs.rustc",
        "\"${pkgs.rustc}\"",
        "builtins.unsafeDiscardStringContext \"${pkgs.rustc}\"",
        "builtins.toPath (builtins.unsafeDiscardStringContext \"${pkgs.rustc}\")",
        "/. + builtins.unsafeDiscardStringContext \"${pkgs.rustc}\"",
        "builtins.appendContext \"/not-built-yet\" (builtins.getContext \"${pkgs.rustc}\")",
    ] {
        let body = format!("(cargoNix {{ toolchain = {toolchain}; }}).workspaceMembers.app.build.name");
        check("variants", &body, json!("app-0.1.0"));
    }
}

#[test]
fn arguments_are_checked_only_if_they_are_used() {
    check(
        "variants",
        "(cargoNix { fetchgit = { }; cratewright = [ ]; }).workspaceMembers.app.build.name",
        json!("app-0.1.0"),
    );
    let build = "(cargoNix { }).workspaceMembers.app.build";
    check("variants", &format!("({build}.override {{ testInputs = 1; }}).drvPath == {build}.drvPath"), json!(true));
}
