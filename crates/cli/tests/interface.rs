//! The interface of a `Cargo.nix`: its arguments, results and error messages, by evaluation.

mod support;

use serde_json::json;

use crate::support::nix;

/// Evaluates `body` with `pkgs` (the stand-in on x86_64-linux), `args -> cargoNix` and `stub` in scope. The stub
/// stands for `buildRustCrate` and returns what it is given, with the overrides it would apply.
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
fn check(fixture: &str, body: &str, expected: serde_json::Value) {
    assert_eq!(nix::eval_json(&expression(fixture, body)), expected);
}

/// The evaluation fails and says all of `messages`.
#[track_caller]
fn check_error(fixture: &str, body: &str, messages: &[&str]) {
    let mut eval = nix::nix("nix-instantiate");
    let output = eval.args(["--eval", "--strict", "--expr", &expression(fixture, body)]).output().unwrap();
    assert!(!output.status.success(), "it evaluates to {}", String::from_utf8_lossy(&output.stdout));
    let stderr = String::from_utf8_lossy(&output.stderr);
    for message in messages {
        assert!(stderr.contains(message), "{message:?} is not in: {stderr}");
    }
}

/// Names of results, with those of the checks of members.
fn with_checks(names: &[&'static str]) -> Vec<&'static str> {
    let mut names = [names, &["benches", "clippy", "docs", "doctests", "examples", "tests"]].concat();
    names.sort_unstable();
    names
}

#[test]
fn results_are_those_of_crate2nix() {
    check(
        "member-paths",
        "builtins.attrNames (cargoNix { })",
        json!(with_checks(&["allWorkspaceMembers", "internal", "rootCrate", "variants", "workspaceMembers"])),
    );
    check(
        "three-members",
        "builtins.attrNames (cargoNix { })",
        json!(with_checks(&["allWorkspaceMembers", "internal", "variants", "workspaceMembers"])),
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
fn hooks_of_an_entry_stay_below_overrides() {
    let body = "(cargoNix {
        buildRustCrateForPkgs = stub;
        crateOverrides.native-sys = _: { postConfigure = \"users\"; };
      }).internal.units.\"native-sys@0.1.0\".postConfigure";
    let hook = nix::eval_json(&expression("links-name", body));
    let hook = hook.as_str().unwrap();
    assert!(hook.starts_with("cargoAfter 'Z_LIB' native-sys\n") && hook.ends_with("\nusers"), "{hook}");
}

#[test]
fn a_plain_function_may_stand_for_the_builder() {
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
fn only_resolved_features_and_platforms_are_served() {
    check_error(
        "three-members",
        "(cargoNix { rootFeatures = [ \"extra\" ]; }).workspaceMembers.app.build.name",
        &["app was not resolved with features [ extra ]", "[ default ]"],
    );
    check_error(
        "three-members",
        "((cargoNix { }).workspaceMembers.app.build.override { features = [ ]; }).name",
        &["app was not resolved with features [  ]"],
    );
    check_error(
        "three-members",
        "let platform = { rust.rustcTarget = \"riscv64gc-unknown-linux-gnu\"; };
         in (cargoNix { stdenv = { buildPlatform = platform; hostPlatform = platform; }; }).workspaceMembers.app.build",
        &[
            "riscv64gc-unknown-linux-gnu",
            "x86_64-unknown-linux-gnu",
            "`targets` or `cross` in [workspace.metadata.cratewright]",
        ],
    );
}

#[test]
fn declared_feature_sets_are_served() {
    let build =
        |features: &str| format!("(cargoNix {{ rootFeatures = {features}; }}).workspaceMembers.app.build.drvPath");
    let variant = |name: &str| format!("(cargoNix {{ }}).variants.{name}.app.build.drvPath");
    let same = |left: &str, right: &str| check("variants", &format!("{left} == {right}"), json!(true));
    same(&build("[ \"loud\" \"default\" \"fast\" \"loud\" ]"), &variant("loud"));
    same(&build("[ ]"), &variant("bare"));
    same("((cargoNix { }).workspaceMembers.app.build.override { features = [ ]; }).drvPath", &variant("bare"));
    check("variants", "(cargoNix { }).variants.loud.app.packageId", json!("app@0.1.0 (app loud)"));
    check("variants", "builtins.attrNames (cargoNix { }).variants.everything", json!(["app", "plain"]));
    check("variants", "builtins.attrNames (cargoNix { }).variants.loud", json!(["app"]));
    check_error(
        "variants",
        "((cargoNix { }).workspaceMembers.app.build.override { features = [ \"loud\" ]; }).name",
        &[
            "app was not resolved with features [ loud ]",
            "[ default ], [  ], [ default fast loud polite secret ], [ default fast loud ]",
            "variants",
        ],
    );
}

#[test]
fn platforms_decide_what_is_in_the_lists() {
    let features = |system: &str| {
        format!(
            "let p = import {} {{ system = \"{system}\"; }};
             in (cargoNix {{ pkgs = p; buildRustCrateForPkgs = stub; }}).internal.units.\"leaf@0.1.0 (app)\".features",
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
fn a_mirror_serves_crates() {
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
fn tests_that_were_not_resolved_are_an_error() {
    check_error(
        "variants",
        "((cargoNix { }).variants.loud.app.build.override { runTests = true; }).drvPath",
        &["app: tests have default features"],
    );
    check("variants", "(cargoNix { checkOptions.app.testFlags = [ ]; }).tests.all.name", json!("tests"));
    check_error("variants", "(cargoNix { checkOptions.ap = { }; }).tests.app.drvPath", &["there is no member `ap`"]);
}
