//! The interface of a `Cargo.nix`: its arguments, results and error messages, by evaluation.

use serde_json::json;

use crate::support;
use crate::support::nix;

/// An expression with `pkgs` (the stand-in on x86_64-linux), `args -> cargoNix` and `stub` in scope. The stub replaces
/// `buildRustCrate`, and returns its arguments with overrides applied.
fn expression(fixture: &str, body: &str) -> String {
    format!(
        "let
           pkgs = import {pkgs} {{ system = \"x86_64-linux\"; }};
           cargoNix = args: import {cargo_nix} ({{ inherit pkgs; }} // args);
           stub = _: {{
             override = change: attrs:
               let settings = change {{ inherit (pkgs) defaultCrateOverrides; }}; in
               removeAttrs attrs [ \"src\" ] // (settings.defaultCrateOverrides.${{attrs.crateName}} or (_: {{ }})) attrs;
           }};
         in {body}",
        pkgs = nix::stand_in().display(),
        cargo_nix = support::fixture(fixture).join("Cargo.nix").display(),
    )
}

#[track_caller]
pub(crate) fn check(fixture: &str, body: &str, expected: serde_json::Value) {
    assert_eq!(nix::eval_json(&expression(fixture, body)), expected);
}

/// Expects the evaluation to fail with all `messages`.
#[track_caller]
pub(crate) fn check_error(fixture: &str, body: &str, messages: &[&str]) {
    let mut eval = nix::nix("nix-instantiate");
    let output = eval.args(["--eval", "--strict", "--expr", &expression(fixture, body)]).output().unwrap();
    assert!(!output.status.success(), "it evaluates to {}", String::from_utf8_lossy(&output.stdout));
    let stderr = String::from_utf8_lossy(&output.stderr);
    for message in messages {
        assert!(stderr.contains(message), "{message:?} is not in: {stderr}");
    }
}

/// Names of crate2nix's results, with our additional ones.
fn with_ours(names: &[&'static str]) -> Vec<&'static str> {
    let checks = ["benches", "clippy", "docs", "doctests", "examples", "tests"];
    let mut names = [names, &checks, &["cacheRoots", "devShell", "variants"]].concat();
    names.sort_unstable();
    names
}

#[test]
fn results_include_those_of_crate2nix() {
    check(
        "member-paths",
        "builtins.attrNames (cargoNix { })",
        json!(with_ours(&["allWorkspaceMembers", "internal", "rootCrate", "workspaceMembers"])),
    );
    check(
        "three-members",
        "builtins.attrNames (cargoNix { })",
        json!(with_ours(&["allWorkspaceMembers", "internal", "workspaceMembers"])),
    );
    check(
        "three-members",
        "builtins.attrNames (cargoNix { }).workspaceMembers",
        json!(["app", "leaf", "middle", "other"]),
    );
    check("three-members", "(cargoNix { }).workspaceMembers.app.packageId", json!("app@0.1.0"));
    check("three-members", "(cargoNix { }).workspaceMembers.app.build.crateName", json!("app"));
    check("three-members", "(cargoNix { release = false; }).workspaceMembers.app.build.release", json!(false));
    check(
        "member-paths",
        "let c = cargoNix { }; in c.rootCrate.build == c.workspaceMembers.root-app.build",
        json!(true),
    );
}

#[test]
fn the_builder_can_be_replaced() {
    let build = "(cargoNix { buildRustCrateForPkgs = stub; }).workspaceMembers.app.build";
    check("three-members", &format!("{build}.version"), json!("0.1.0"));
    check("three-members", &format!("map (d: d.crateName) {build}.dependencies"), json!(["middle"]));
}

#[test]
fn override_layers_compose() {
    let lower = r#"leaf = attrs: {
        buildInputs = [ "lower" ]; postPatch = "lower"; env = { A = "1"; B = "1"; }; LIBFOO = "lower"; links = "kept";
      }; other = _: { buildInputs = [ "other" ]; };"#;
    let upper = r#"leaf = attrs: {
        buildInputs = [ "upper" attrs.version ]; postPatch = "upper"; env = { B = "2"; }; LIBFOO = "upper";
      };"#;
    let body = format!(
        "builtins.intersectAttrs {{ buildInputs = 0; postPatch = 0; env = 0; LIBFOO = 0; links = 0; }}
           (cargoNix {{ buildRustCrateForPkgs = stub; defaultCrateOverrides = {{ {lower} }}; crateOverrides = {{ {upper} }}; }})
             .internal.units.\"leaf@0.1.0\""
    );
    check(
        "three-members",
        &body,
        json!({
            "buildInputs": ["lower", "upper", "0.1.0"],
            "postPatch": "lower\nupper",
            "env": { "A": "1", "B": "2" },
            "LIBFOO": "upper",
            "links": "kept",
        }),
    );
}

#[test]
fn hooks_of_an_entry_come_before_overrides() {
    let body = "(cargoNix {
        buildRustCrateForPkgs = stub;
        crateOverrides.native-sys = _: { postConfigure = \"users\"; };
      }).internal.units.\"native-sys@0.1.0\".postConfigure";
    let hook = nix::eval_json(&expression("links-name", body));
    let hook = hook.as_str().unwrap();
    assert!(hook.starts_with("cargoAfter\n") && hook.ends_with("\nusers"), "{hook}");
}

#[test]
fn the_builder_may_be_a_plain_function() {
    let body = "(cargoNix {
        buildRustCrateForPkgs = _: attrs: { override = { crateOverrides }: crateOverrides.${attrs.crateName} attrs; };
        crateOverrides.leaf = attrs: { note = attrs.version; };
      }).internal.units.\"leaf@0.1.0\".note";
    check("three-members", body, json!("0.1.0"));
}

#[test]
fn overrides_reach_dependencies_and_can_be_replaced_for_one_build() {
    let drv = |args: &str, member: &str| format!("(cargoNix {{ {args} }}).workspaceMembers.{member}.build.drvPath");
    let with = "crateOverrides = { leaf = _: { NOTE = \"x\"; }; };";
    check("three-members", &format!("{} == {}", drv("", "app"), drv(with, "app")), json!(false));
    let overridden = format!("(cargoNix {{ }}).workspaceMembers.app.build.override {{ {with} }}");
    check("three-members", &format!("({overridden}).drvPath == {}", drv(with, "app")), json!(true));
}

#[test]
fn unresolved_features_and_platforms_are_errors() {
    check_error(
        "three-members",
        "(cargoNix { rootFeatures = [ \"extra\" ]; }).workspaceMembers.app.build.name",
        &["app has no feature `extra`"],
    );
    check_error(
        "three-members",
        "((cargoNix { }).workspaceMembers.app.build.override { features = [ ]; }).name",
        &["app was not resolved with features [  ]", "it was resolved with [ default ]."],
    );
    check_error(
        "three-members",
        "let platform = { rust.rustcTarget = \"riscv64gc-unknown-linux-gnu\"; };
         in (cargoNix { stdenv = { buildPlatform = platform; hostPlatform = platform; }; }).workspaceMembers.app.build",
        &[
            "riscv64gc-unknown-linux-gnu",
            "x86_64-unknown-linux-gnu",
            "[workspace.metadata.cratewright]",
            "targets = [\"aarch64-apple-darwin\", ",
            ", \"riscv64gc-unknown-linux-gnu\"]",
        ],
    );
    let cross = |fixture: &str, line: &str| {
        let body = "let platform = { rust.rustcTarget = \"riscv64gc-unknown-linux-gnu\"; };
          in (cargoNix { stdenv = { inherit (pkgs.stdenv) buildPlatform; hostPlatform = platform; }; }).workspaceMembers.app.build";
        check_error(fixture, body, &[line]);
    };
    let host = "host = \"x86_64-unknown-linux-gnu\"";
    let wanted = format!("{{ {host}, target = \"riscv64gc-unknown-linux-gnu\" }}]");
    cross("three-members", &format!("cross = [{wanted}"));
    // The pairs that are declared stay.
    cross("cross", &format!("{{ {host}, target = \"x86_64-unknown-linux-musl\" }}, {wanted}"));
}

#[test]
fn declared_feature_sets_can_be_built() {
    let build =
        |features: &str| format!("(cargoNix {{ rootFeatures = {features}; }}).workspaceMembers.app.build.drvPath");
    let variant = |name: &str| format!("(cargoNix {{ }}).variants.{name}.app.build.drvPath");
    let same = |left: &str, right: &str| check("variants", &format!("{left} == {right}"), json!(true));
    same(&build("[ \"loud\" \"default\" \"fast\" \"loud\" ]"), &variant("loud"));
    same(&build("[ ]"), &variant("bare"));
    same("((cargoNix { }).workspaceMembers.app.build.override { features = [ ]; }).drvPath", &variant("bare"));
    check("variants", "(cargoNix { }).variants.loud.app.packageId", json!("app@0.1.0 [member=app variant=loud]"));
    check("variants", "builtins.attrNames (cargoNix { }).variants.everything", json!(["app", "plain", "whole"]));
    check("variants", "builtins.attrNames (cargoNix { }).variants.loud", json!(["app"]));
    check_error(
        "variants",
        "((cargoNix { }).workspaceMembers.app.build.override { features = [ \"loud\" ]; }).name",
        &[
            "app was not resolved with features [ loud ]",
            "[ default ], [  ], [ default fast loud polite secret ], [ default fast loud ]",
            "[workspace.metadata.cratewright.variants.NAME]",
            "members = [\"app\"]",
            "features = [\"loud\"]",
            "no-default-features = true",
        ],
    );
}

/// Cargo builds nothing for such a package either.
#[test]
fn a_package_with_targets_only_in_a_variant_is_an_empty_build() {
    let root = "(cargoNix { }).rootCrate";
    let drv = |build: &str| format!("({build}).drvPath");
    let variant = drv("(cargoNix { }).variants.everything.whole.build");
    for build in [
        format!("{root}.build.override {{ features = [ \"on\" \"default\" ]; }}"),
        "(cargoNix { rootFeatures = [ \"default\" \"on\" ]; }).rootCrate.build".to_owned(),
    ] {
        check("variants", &format!("{} == {variant}", drv(&build)), json!(true));
    }
    let body = format!("let b = {root}.build; in [ b.name b.pname b.version b.outputs (b.meta ? mainProgram) ]");
    check("variants", &body, json!(["whole-0.1.0", "whole", "0.1.0", ["out", "lib"], false]));
    check("variants", &format!("{root}.packageId"), json!("whole@0.1.0"));
    check_error(
        "variants",
        &format!("{root}.sbom.drvPath"),
        &["whole: no target is enabled with features [ default ]"],
    );
    check_error(
        "variants",
        &format!("({root}.build.override {{ features = [ \"on\" ]; }}).drvPath"),
        &["whole was not resolved with features [ on ]", "[ default ], [ default on ]"],
    );
}

/// `cargo run` in the workspace root needs no `--bin` either.
#[test]
fn the_only_binary_of_all_members_is_their_main_program() {
    let body = "(cargoNix { }).allWorkspaceMembers.meta.mainProgram or null";
    check("workspace-inheritance", body, json!("app"));
    check("three-members", body, json!(null));
}

/// Cargo warns as well: `output filename collision`.
#[test]
fn binaries_with_the_same_name_warn() {
    let warnings = |gated: &str, arguments: &str| {
        let scratch = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| support::write(&scratch.path().join(path), text);
        write("Cargo.toml", "[workspace]\nmembers = [\"a\", \"b\", \"c\"]\nresolver = \"3\"\n");
        for (member, bin, required) in [("a", "tool", ""), ("b", "tool", gated), ("c", "other", "")] {
            let manifest = format!(
                "[package]\nname = \"{member}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[features]\noff = []\n\
                 [[bin]]\nname = \"{bin}\"\npath = \"src/main.rs\"\n{required}\n"
            );
            write(&format!("{member}/Cargo.toml"), &manifest);
            write(&format!("{member}/src/main.rs"), "fn main() {}\n");
        }
        let mut lock = std::process::Command::new("cargo");
        support::run(lock.args(["generate-lockfile", "--offline", "--quiet"]).current_dir(scratch.path()));
        support::run(support::cratewright().arg("generate").current_dir(scratch.path()));
        let mut eval = nix::nix("nix-instantiate");
        let output = support::run(
            eval.args(["-A", "allWorkspaceMembers"]).arg(scratch.path().join("Cargo.nix")).args(arguments.split(' ')),
        );
        String::from_utf8(output.stderr).unwrap()
    };
    let both = warnings("", "--arg release true");
    assert_eq!(both.matches("members a and b each have a binary `tool`").count(), 1, "{both}");
    assert!(both.contains("workspaceMembers.<name>.build") && !both.contains("`other`"), "{both}");
    let gated = warnings("required-features = [\"off\"]", "--arg release true");
    assert!(!gated.contains("each have a binary"), "{gated}");
}

/// The arguments that callPackage fills in must not change anything.
#[test]
fn callpackage_returns_the_same_as_import() {
    let path = |fixture: &str| support::fixture(fixture).join("Cargo.nix").display().to_string();
    for (fixture, body) in [
        ("registry-mix", "rootCrate.build"),
        ("native", "allWorkspaceMembers"),
        ("names-like-labels", "allWorkspaceMembers"),
        ("names-like-labels", "tests.all"),
    ] {
        let same =
            format!("(cargoNix {{ }}).{body}.drvPath == (pkgs.callPackage {} {{ }}).{body}.drvPath", path(fixture));
        check(fixture, &same, json!(true));
    }
    let cross = format!(
        "let p = import {} {{ system = \"x86_64-linux\"; crossSystem = \"aarch64-linux\"; }}; in
         (cargoNix {{ pkgs = p; }}).allWorkspaceMembers.drvPath == (p.callPackage {} {{ }}).allWorkspaceMembers.drvPath",
        nix::stand_in().display(),
        path("cross")
    );
    check("cross", &cross, json!(true));
    // An overlay may have replaced `fetchCrate` by a plain function.
    let overlay = format!(
        "let p = pkgs.extend (_: prev: {{ fetchCrate = args: prev.fetchCrate args; }}); in
         (p.callPackage {} {{ }}).rootCrate.build.drvPath == (cargoNix {{ }}).rootCrate.build.drvPath",
        path("registry-mix")
    );
    check("registry-mix", &overlay, json!(true));
    // Files with overrides and options can be called in this way as well.
    let made = "cargoNix {
        crateOverrides = pkgs.callPackage ({ jq }: { app = _: { NOTE = \"x\"; }; }) { };
        checkOptions = pkgs.callPackage ({ jq }: { app.inputs = [ jq ]; }) { };
      }";
    for (unit, expected) in [("app@0.1.0", true), ("override@0.1.0", false), ("overrideDerivation@0.1.0", false)] {
        check("names-like-labels", &format!("({made}).internal.units.\"{unit}\" ? NOTE"), json!(expected));
    }
    check("names-like-labels", &format!("({made}).internal.overrides.user"), json!(["app"]));
    check("three-members", &format!("({made}).tests.app.name"), json!("app-0.1.0-tests"));
    // An argument that differs from nixpkgs' is applied.
    let meant = "cargoNix { defaultCrateOverrides = pkgs.defaultCrateOverrides // {
        override = _: { NOTE = \"x\"; };
      }; }";
    check("names-like-labels", &format!("({meant}).internal.units.\"override@0.1.0\".NOTE"), json!("x"));
}

#[test]
fn lists_depend_on_the_platform() {
    let features = |system: &str| {
        format!(
            "let p = import {} {{ system = \"{system}\"; }};
             in (cargoNix {{ pkgs = p; buildRustCrateForPkgs = stub; }}).internal.units.\"leaf@0.1.0\".features",
            nix::stand_in().display()
        )
    };
    let linux = json!([
        "always",
        "gnu",
        "linux",
        "little-64",
        "native",
        "not-windows",
        "triple-linux",
        "unix",
        "unix-not-apple",
        "x86_64"
    ]);
    let darwin = json!(["aarch64", "always", "little-64", "macos", "native", "not-windows", "triple-darwin", "unix"]);
    let sorted = |system| format!("builtins.sort builtins.lessThan ({})", features(system));
    check("target-specific", &sorted("x86_64-linux"), linux);
    check("target-specific", &sorted("aarch64-darwin"), darwin);
}

#[test]
fn crates_can_come_from_a_mirror() {
    let body = "(cargoNix {
        registryDl = \"https://mirror.example/crates\";
        pkgs = pkgs // { fetchCrate = args: args; };
        buildRustCrateForPkgs = _: { override = _: attrs: attrs; };
      }).internal.units.\"itoa@1.0.18\".src";
    let source = nix::eval_json(&expression("two-versions", body));
    assert_eq!(source["registryDl"], "https://mirror.example/crates");
    assert_eq!(source["unpack"], json!(false));
    assert_eq!(source["crateName"], "itoa");
    assert_eq!(source["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn unknown_features_are_errors_that_list_those_of_the_manifest() {
    let features = |member: &str, features: &str| {
        format!("((cargoNix {{ }}).workspaceMembers.{member}.build.override {{ features = {features}; }}).drvPath")
    };
    let declared = "app has no feature `nope`; app/Cargo.toml declares default, fast, loud, polite, secret.";
    check_error("variants", &features("app", "[ \"default\" \"nope\" ]"), &[declared, "Correct `features`"]);
    // `rootFeatures` of members of which not all have the features.
    let root = |features: &str| format!("(cargoNix {{ rootFeatures = {features}; }}).allWorkspaceMembers.drvPath");
    check_error(
        "variants",
        &root("[ \"default\" \"fast\" \"loud\" ]"),
        &[
            "leaf has no feature `fast`; leaf/Cargo.toml declares loud.",
            "`rootFeatures` applies to every member that is built, and each of them must declare its features",
            "members, only app does",
            "build variants.loud.app.build.",
        ],
    );
    check_error(
        "variants",
        "(cargoNix { rootFeatures = [ \"default\" \"fast\" ]; }).workspaceMembers.leaf.build.name",
        &["variants.NAME.app.build", "members = [\"app\"]", "features = [\"fast\"]"],
    );
    let none = "plain has no feature `loud`; plain/Cargo.toml declares no features.";
    check_error("variants", &features("plain", "[ \"loud\" ]"), &[none]);
    check_error(
        "variants",
        "(cargoNix { rootFeatures = [ \"nope\" ]; }).rootCrate.build.name",
        &["; Cargo.toml declares on."],
    );
    // The feature of an optional dependency is not in `[features]`.
    check_error(
        "optional-and-weak",
        "((cargoNix { }).workspaceMembers.hub.build.override { features = [ \"alpha\" ]; }).name",
        &["hub was not resolved with features [ alpha ]", "features = [\"alpha\"]", "no-default-features = true"],
    );
}

#[test]
fn unresolved_tests_are_errors() {
    check_error(
        "variants",
        "((cargoNix { }).variants.loud.app.build.override { runTests = true; }).drvPath",
        &["app: tests were resolved with default features only"],
    );
    check("variants", "(cargoNix { checkOptions.app.testFlags = [ ]; }).tests.all.name", json!("tests"));
    check_error("variants", "(cargoNix { checkOptions.ap = { }; }).tests.app.drvPath", &["there is no member `ap`"]);
}
