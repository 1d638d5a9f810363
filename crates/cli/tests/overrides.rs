//! Layers of overrides: how they compose, which crates they reach, and `cratewright overrides`.

use std::process::{Command, Output};

use semver::{Version, VersionReq};
use serde_json::{Value, json};

use crate::support;
use crate::support::git::Scratch;
use crate::support::nix;

/// An expression with `cargoNix` of a fixture, and `stub`, which replaces nixpkgs' builder and returns its arguments.
fn expression(fixture: &str, body: &str) -> String {
    format!(
        "let
           pkgs = import {} {{ system = \"x86_64-linux\"; }};
           cargoNix = args: import {} ({{ inherit pkgs; }} // args);
           # Its own lowest layer is `defaultCrateOverrides`.
           stubWith = defaultCrateOverrides: {{
             override = change: attrs:
               removeAttrs attrs [ \"src\" ]
               // ((change {{ inherit defaultCrateOverrides; }}).defaultCrateOverrides.${{attrs.crateName}} or (_: {{ }})) attrs;
           }};
           stub = _: stubWith {{ }};
         in {body}",
        nix::stand_in().display(),
        support::fixture(fixture).join("Cargo.nix").display(),
    )
}

#[track_caller]
fn check(fixture: &str, body: &str, expected: Value) {
    assert_eq!(nix::eval_json(&expression(fixture, body)), expected);
}

/// nixpkgs' override comes first, then ours, then the user's: for lists, phases, environments and other attributes.
#[test]
fn three_layers_compose() {
    let body = r#"
      builtins.intersectAttrs { buildInputs = 0; nativeBuildInputs = 0; preConfigure = 0; env = 0; LIBRARY = 0; }
        (cargoNix {
          buildRustCrateForPkgs = stub;
          defaultCrateOverrides.zstd-sys = attrs: {
            buildInputs = [ "nixpkgs" attrs.crateName ]; preConfigure = "nixpkgs"; LIBRARY = "nixpkgs";
            env = { A = "nixpkgs"; B = "nixpkgs"; };
          };
          crateOverrides = {
            "*" = _: { buildInputs = [ "all" ]; preConfigure = "all"; LIBRARY = "all"; };
            "(members)" = _: { buildInputs = [ "members" ]; };
            "zstd-sys@<2" = _: { buildInputs = [ "older" ]; };
            "zstd-sys@>=2.1, <3" = _: { buildInputs = [ "version" ]; LIBRARY = "version"; };
            zstd-sys = [
              (attrs: { buildInputs = [ "first" attrs.version ]; preConfigure = "first"; env.B = "first"; })
              (_: { buildInputs = [ "second" ]; nativeBuildInputs = [ "second" ]; })
            ];
          };
        }).internal.units."zstd-sys@2.1.3+zstd.1.5.7 [member=system]"
    "#;
    let found = nix::eval_json(&expression("native", body));
    let inputs = found["buildInputs"].as_array().unwrap();
    let texts: Vec<&str> =
        inputs.iter().filter_map(Value::as_str).filter(|text| !text.contains("/nix/store")).collect();
    assert_eq!(texts, ["nixpkgs", "zstd-sys", "all", "first", "2.1.3+zstd.1.5.7", "second", "version"]);
    assert!(inputs[2].as_str().unwrap().contains("-zstd-"), "our override comes after nixpkgs': {inputs:?}");
    let native = found["nativeBuildInputs"].as_array().unwrap();
    assert!(native[0].as_str().unwrap().contains("pkg-config") && native.last().unwrap() == "second", "{native:?}");
    assert_eq!(found["env"], json!({ "A": "nixpkgs", "B": "first" }));
    assert_eq!(found["LIBRARY"], "version");
    let hook = found["preConfigure"].as_str().unwrap();
    assert!(
        hook.starts_with("cargoBegin\n") && hook.ends_with("\nnixpkgs\nall\nfirst"),
        "the crate's own hook comes first: {hook}"
    );
}

/// Overrides in nixpkgs' form may extend the attributes that they get, without repeating those of `Cargo.nix`.
#[test]
fn attributes_that_an_override_extends_are_not_repeated() {
    let own = r#"(cargoNix {
      buildRustCrateForPkgs = stub;
      crateOverrides.leaf = attrs: {
        preConfigure = (attrs.preConfigure or "") + "users";
        extraRustcOpts = attrs.extraRustcOpts or [ ] ++ [ "--cfg" "users" ];
      };
    }).internal.units."leaf@0.1.0""#;
    let found =
        nix::eval_json(&expression("three-members", &format!("{{ inherit ({own}) preConfigure extraRustcOpts; }}")));
    let hook = found["preConfigure"].as_str().unwrap();
    assert_eq!((hook.matches("cargoWrapRustc ").count(), hook.ends_with("\nusers")), (1, true), "{hook}");
    let options: Vec<&str> =
        found["extraRustcOpts"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(options.iter().filter(|one| **one == "-C embed-bitcode=no").count(), 1, "{options:?}");
    assert_eq!(options[options.len() - 2..], ["--cfg", "users"]);
}

/// mkDerivation rejects a variable that is set both inside and outside `env`.
#[test]
fn only_the_upper_layer_sets_a_variable() {
    let body = |upper: &str| {
        format!(
            "let unit = (cargoNix {{ buildRustCrateForPkgs = stub;
               defaultCrateOverrides.leaf = _: {{ A = \"lower\"; env = {{ B = \"lower\"; C = \"lower\"; }}; }};
               crateOverrides.leaf = _: {{ {upper} }}; }}).internal.units.\"leaf@0.1.0\";
             in {{ inherit (unit) env; }} // builtins.intersectAttrs {{ A = 0; B = 0; }} unit"
        )
    };
    let upper = json!({ "env": { "A": "upper", "B": "lower", "C": "lower" } });
    check("three-members", &body("env.A = \"upper\";"), upper);
    let upper = json!({ "A": "lower", "B": "upper", "env": { "C": "lower" } });
    check("three-members", &body("B = \"upper\";"), upper);
}

#[test]
fn overrides_for_all_crates_and_for_members_apply() {
    let notes = |name: &str, key: &str| {
        let units =
            "(cargoNix { buildRustCrateForPkgs = stub; crateOverrides.KEY = _: { NOTE = \"x\"; }; }).internal.units";
        let units = units.replace("KEY", key);
        check("registry-mix", &format!("{units}.\"{name}\" ? NOTE"), json!(key == "\"*\"" || name == "app@0.1.0"));
    };
    for key in ["\"*\"", "\"(members)\""] {
        notes("app@0.1.0", key);
        notes("anyhow@1.0.104", key);
    }
}

/// Users of crate2nix write these arguments.
#[test]
fn overrides_of_a_builder_are_the_lowest_layer() {
    let inputs = |arguments: &str| {
        format!(
            "let lower = {{ leaf = _: {{ buildInputs = [ \"builder\" ]; }}; }}; in
             (cargoNix ({{ buildRustCrateForPkgs = _: stubWith lower;
                crateOverrides.leaf = _: {{ buildInputs = [ \"user\" ]; }}; }} // {arguments}))
               .internal.units.\"leaf@0.1.0\".buildInputs"
        )
    };
    check("three-members", &inputs("{ }"), json!(["builder", "user"]));
    let given = "{ defaultCrateOverrides.leaf = _: { buildInputs = [ \"given\" ]; }; }";
    check("three-members", &inputs(given), json!(["given", "user"]));
    // A builder function that ignores its argument is changed as well.
    let drv = |arguments: &str| format!("(cargoNix {{ {arguments} }}).workspaceMembers.app.build.drvPath");
    let same = format!("{} == {}", drv("buildRustCrateForPkgs = _: pkgs.buildRustCrate;"), drv(""));
    check("proc-macro", &same, json!(true));
    let plain = "cargoNix { pkgs = pkgs // { buildRustCrate = attrs: pkgs.buildRustCrate attrs; }; }";
    check("proc-macro", &format!("({plain}).workspaceMembers.app.build.name"), json!("app-0.1.0"));
    let real = "(cargoNix { buildRustCrateForPkgs = pkgs: pkgs.buildRustCrate.override (old: {
        defaultCrateOverrides = old.defaultCrateOverrides // { leaf = _: { NOTE = \"builder\"; }; };
      }); })";
    check("three-members", &format!("{real}.internal.units.\"leaf@0.1.0\".NOTE"), json!("builder"));
    check("three-members", &format!("{real}.internal.overrides.nixpkgs"), json!(["leaf"]));
}

/// callPackage passes `defaultCrateOverrides`, and users extend nixpkgs' set.
#[test]
fn overrides_of_a_builder_and_of_the_argument_both_apply() {
    let note = |call: &str, unit: &str| format!("({call}).internal.units.\"{unit}@0.1.0\".NOTE or null");
    let called = |pkgs: &str, arguments: &str| {
        let path = support::fixture("three-members").join("Cargo.nix");
        format!("let p = {pkgs}; in p.callPackage {} {{ {arguments} }}", path.display())
    };
    let change =
        "(old: { defaultCrateOverrides = old.defaultCrateOverrides // { leaf = _: { NOTE = \"builder\"; }; }; })";
    let builder = format!("buildRustCrateForPkgs = p: p.buildRustCrate.override {change};");
    let overlay = format!("pkgs.extend (_: prev: {{ buildRustCrate = prev.buildRustCrate.override {change}; }})");
    // As on real cross pairs, callPackage passes other functions.
    let spliced = "let q = pkgs // {
        callPackage = pkgs.lib.callPackageWith (q // {
          defaultCrateOverrides = builtins.mapAttrs (_: f: attrs: f attrs) pkgs.defaultCrateOverrides;
        });
        pkgs = q;
      }; in q";
    let given = |set: &str| format!("defaultCrateOverrides = p.defaultCrateOverrides // {{ {set} }};");
    let middle = given("middle = _: { NOTE = \"given\"; };");
    for (pkgs, arguments, leaf, other) in [
        ("pkgs", builder.clone(), json!("builder"), Value::Null),
        (overlay.as_str(), String::new(), json!("builder"), Value::Null),
        (spliced, builder.clone(), json!("builder"), Value::Null),
        ("pkgs", format!("{builder} {middle}"), json!("builder"), json!("given")),
        (overlay.as_str(), middle.clone(), json!("builder"), json!("given")),
        ("pkgs", format!("{builder} {}", given("leaf = _: { NOTE = \"given\"; };")), json!("given"), Value::Null),
        ("pkgs", format!("{builder} defaultCrateOverrides = {{ }};"), json!("builder"), Value::Null),
    ] {
        let call = called(pkgs, &arguments);
        check("three-members", &note(&call, "leaf"), leaf);
        check("three-members", &note(&call, "middle"), other);
    }
    let overridden = "(cargoNix { buildRustCrateForPkgs = p: p.buildRustCrate.override CHANGE; })
        .workspaceMembers.leaf.build.override {
          crateOverrides = pkgs.defaultCrateOverrides // { middle = _: { }; };
        }";
    check("three-members", &format!("({}).NOTE", overridden.replace("CHANGE", change)), json!("builder"));
    // An override removed from nixpkgs' set is not applied, and one that a builder replaces is kept.
    let names = |arguments: &str| format!("(cargoNix {{ {arguments} }}).internal.overrides.nixpkgs");
    let without = "defaultCrateOverrides = removeAttrs pkgs.defaultCrateOverrides [ \"openssl-sys\" ];";
    let all = nix::eval_json(&expression("native", &names("")));
    let left = nix::eval_json(&expression("native", &names(without)));
    let expected: Vec<&Value> = all.as_array().unwrap().iter().filter(|name| **name != "openssl-sys").collect();
    assert!(expected.len() + 1 == all.as_array().unwrap().len() && expected.len() > 1, "{all}");
    assert_eq!(json!(expected), left);
    let replaced = "buildRustCrateForPkgs = p: p.buildRustCrate.override (old: {
        defaultCrateOverrides = old.defaultCrateOverrides // { openssl-sys = _: { NOTE = \"builder\"; }; };
      });";
    let path = support::fixture("native").join("Cargo.nix");
    let body =
        format!("(pkgs.callPackage {} {{ {replaced} }}).internal.units.\"openssl-sys@0.9.118\".NOTE", path.display());
    check("native", &body, json!("builder"));
}

/// This is the same as with crate2nix.
#[test]
fn overrides_apply_on_the_build_platform() {
    let body = "let p = import <nixpkgs> { system = \"x86_64-linux\"; crossSystem = \"aarch64-linux\"; }; in
      builtins.filter (note: note != null) (map (d: d.NOTE or null) (cargoNix {
        pkgs = p;
        defaultCrateOverrides = p.defaultCrateOverrides // { leaf = _: { NOTE = \"given\"; }; };
      }).internal.units.\"app@0.1.0\".buildDependencies)";
    check("cross", body, json!(["given"]));
}

/// The semver crate is the oracle for releases; a pre-release is treated as the release that it precedes.
#[test]
fn versions_meet_requirements_as_in_manifests() {
    let operators = ["", "^", "~", "=", ">", ">=", "<", "<="];
    let numbers = ["0", "1", "0.0", "0.2", "1.2", "0.0.0", "0.0.3", "0.2.3", "1.2.3", "1.0.0", "10.20.30"];
    let mut requirements: Vec<String> =
        operators.iter().flat_map(|operator| numbers.iter().map(move |number| format!("{operator}{number}"))).collect();
    requirements
        .extend(["*", "1.*", "0.2.*", "1.2.X", ">=0.2, <1", ">= 1.2 , < 10.20.30", "^0.2.3, ~0.2.4"].map(String::from));
    let parts = [0, 1, 2, 3, 4, 9, 10, 20, 30];
    let mut versions: Vec<String> = Vec::new();
    for major in [0, 1, 2, 10] {
        versions
            .extend(parts.iter().flat_map(|minor| parts.iter().map(move |patch| format!("{major}.{minor}.{patch}"))));
    }
    let list = |texts: &[String]| texts.iter().map(|text| format!("\"{text}\" ")).collect::<String>();
    let found = nix::eval_json(&format!(
        "let
           pkgs = import {} {{ }};
           meets = import {}/nix-lib/library/version-requirement.nix {{ inherit (pkgs) lib; }};
         in map (requirement: builtins.filter (meets \"key\" requirement) [ {} ]) [ {} ]",
        nix::stand_in().display(),
        support::repository().display(),
        list(&versions),
        list(&requirements),
    ));
    for (requirement, found) in requirements.iter().zip(found.as_array().unwrap()) {
        let parsed = VersionReq::parse(requirement).unwrap();
        let meets = |version: &&String| parsed.matches(&Version::parse(version).unwrap());
        let expected: Vec<&String> = versions.iter().filter(meets).collect();
        assert_eq!(json!(expected), *found, "{requirement}");
    }
}

fn evaluate(body: &str) -> Output {
    nix::nix("nix-instantiate")
        .args(["--eval", "--strict", "--expr", &expression("registry-mix", body)])
        .output()
        .unwrap()
}

#[test]
fn unused_overrides_are_reported() {
    let stderr = |overrides: &str| {
        let body = format!("(cargoNix {{ crateOverrides = {{ {overrides} }}; }}).rootCrate.build.drvPath");
        let output = evaluate(&body);
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let none = stderr("anyhow = _: { }; \"anyhow@1\" = _: { }; \"*\" = _: { }; \"(members)\" = _: { };");
    assert!(!none.contains("crateOverrides"), "{none}");
    let absent = stderr("openssl-sys = _: { }; anyhow = _: { };");
    assert_eq!(
        absent
            .matches(
                "crateOverrides has `openssl-sys`, but this Cargo.nix has no crate of that name; correct or remove it"
            )
            .count(),
        1
    );
    let misspelt = stderr("\"(member)\" = _: { };");
    assert!(misspelt.contains("crateOverrides has `(member)`") && misspelt.contains("did you mean `(members)`?"));
    let older = stderr("\"anyhow@<1\" = _: { };");
    assert_eq!(older.matches("crateOverrides has `anyhow@<1`, but this Cargo.nix has only anyhow 1.0.104").count(), 1);
    let output = evaluate("(cargoNix { crateOverrides.\"anyhow@one\" = _: { }; }).rootCrate.build.drvPath");
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("crateOverrides.\"anyhow@one\": `one` is not a valid version requirement")
    );
}

fn command(arguments: &[&str]) -> Output {
    let mut overrides = support::cratewright();
    overrides.arg("overrides").args(arguments).current_dir(support::fixture("native"));
    overrides.env_remove("NIX_PATH").output().unwrap()
}

fn printed(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn the_command_lists_covering_layers() {
    let stand_in = nix::stand_in().display().to_string();
    let output = command(&["--nixpkgs", &stand_in, "--deny-uncovered", "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let value: Value = serde_json::from_str(printed(&output)).unwrap();
    let covered = |name: &str| {
        let mut crates = value["crates"].as_array().unwrap().iter();
        let one = crates.find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} is listed"));
        (one["uses"].clone(), one["covered_by"].clone())
    };
    assert_eq!(covered("libsqlite3-sys"), (json!(["cc", "pkg-config"]), json!(["nixpkgs"])));
    // Older versions of nixpkgs have no override for zstd-sys.
    let (_, layers) = covered("zstd-sys");
    assert_eq!(layers.as_array().unwrap().last(), Some(&json!("cratewright")));
    assert_eq!(covered("generated"), (json!(["bindgen", "clang-sys", "prost-build"]), json!(["cratewright"])));
    assert_eq!(covered("ring"), (json!(["cc"]), json!(["cratewright"])));
    assert_eq!(covered("prettyplease"), (Value::Null, json!(["stdenv"])));
}

/// First with built-in overrides only, then with the user's.
#[test]
fn the_command_suggests_missing_overrides_and_accepts_the_users() {
    let expression = |arguments: &str| {
        format!(
            "import {} {{ pkgs = import {} {{ }}; defaultCrateOverrides = {{ }}; {arguments} }}",
            support::fixture("native").join("Cargo.nix").display(),
            nix::stand_in().display()
        )
    };
    let output = command(&["--deny-uncovered", "--expr", &expression("")]);
    assert_eq!(output.status.code(), Some(1));
    let text = printed(&output);
    let suggestion = "openssl-sys 0.9.118: not covered; links openssl; uses cc, pkg-config
  openssl-sys = attrs: {
    # pkg-config is already an input; this is the library that it looks for.
    buildInputs = [ pkgs.openssl ];
  };
";
    assert!(text.contains(suggestion) && text.contains("zstd-sys 2.1.3+zstd.1.5.7: cratewright;"), "{text}");
    assert!(text.contains("2 of 9 crates are not covered"), "{text}");

    // The suggestion is valid Nix code, and covers the crate.
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let pasted = lines.collect::<Vec<_>>().join("\n");
    let user = format!("crateOverrides = let pkgs = import {} {{ }}; in {{ {pasted} }};", nix::stand_in().display());
    let output = command(&["--deny-uncovered", "--expr", &expression(&user)]);
    let text = printed(&output);
    assert!(output.status.success() && text.contains("openssl-sys 0.9.118: user;"), "{text}");
}

#[test]
fn the_command_quotes_errors_of_nix() {
    let output = command(&[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(text.contains("error[no-overrides]") && text.contains("--nixpkgs"), "{text}");
    let mut nowhere = support::cratewright();
    nowhere.args(["overrides", "--cargo-nix", "none.nix"]).current_dir(support::fixture("native"));
    let output = nowhere.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("none.nix") && text.contains("cratewright generate"), "{text}");
    let mut without = Command::new(env!("CARGO_BIN_EXE_cratewright"));
    without.args(["overrides", "--expr", "1"]).current_dir(support::fixture("native"));
    let output = without.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("Nix says") && text.contains("correct the expression of `--expr`"), "{text}");
}

#[test]
fn the_command_refuses_a_stale_file_and_other_generated_files() {
    let scratch = Scratch::new();
    let manifest = "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    scratch.write("a", &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
    scratch.generate("a");
    let fails = |arguments: &[&str], says: [&str; 2]| {
        let mut command = support::cratewright();
        command.args(arguments).current_dir(scratch.path("a"));
        let output = scratch.environment(&mut command).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && says.iter().all(|says| text.contains(says)), "{text}");
    };
    let says = ["error[not-a-cargo-nix]", "pass the path of the file that `cratewright generate` wrote next to it"];
    fails(&["overrides", "--offline", "--cargo-nix", "cratewright.nix"], says);
    fails(&["check", "-o", "cratewright.nix"], says);
    scratch.write("a", &[("Cargo.toml", &format!("{manifest}\n[features]\nb = []\n"))]);
    fails(&["overrides", "--offline"], ["error[stale-cargo-nix]", "run `cratewright generate`"]);
}

#[test]
fn the_command_says_so_if_nothing_is_needed() {
    let stand_in = nix::stand_in().display().to_string();
    let list = |format: &str| {
        let mut overrides = support::cratewright();
        overrides.args(["overrides", "--offline", "--nixpkgs", &stand_in, "--deny-uncovered", "--format", format]);
        support::stdout(overrides.current_dir(support::fixture("three-members")))
    };
    assert_eq!(list("text"), "no crate needs native libraries or tools\n");
    assert_eq!(serde_json::from_str::<Value>(&list("json")).unwrap(), json!({ "crates": [] }));
}
