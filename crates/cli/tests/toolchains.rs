//! Compilers and linkers: the toolchain file with fenix and rust-overlay, unstable options, mold and lld.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support;
use crate::support::nix;

/// An expression with `pkgs`, the replacements for fenix and rust-overlay, the functions of the flake as `lib`, and a
/// workspace as `root`.
fn expression(root: &Path, body: &str) -> String {
    format!(
        "let pkgs = import {nixpkgs} {{ }}; stand-ins = import {tests}/toolchains/stand-ins.nix {{ inherit pkgs; }}; \
         inherit (stand-ins) fenix rust-overlay; lib = import {repository}/nix-lib; root = {root}; \
         cratewright = {package}; in {body}",
        nixpkgs = nix::nixpkgs().display(),
        tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests"),
        repository = support::repository().display(),
        root = root.display(),
        package = nix::package(),
    )
}

fn evaluate(root: &Path, body: &str) -> Output {
    nix::nix("nix-instantiate").args(["--eval", "--strict", "--expr", &expression(root, body)]).output().unwrap()
}

#[track_caller]
fn check_value(root: &Path, body: &str, expected: &str) {
    let output = evaluate(root, body);
    let (value, message) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(value.trim(), expected, "{body}: {message}");
}

#[track_caller]
fn check_refused(root: &Path, body: &str, says: &[&str]) {
    let output = evaluate(root, body);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{body} is {}", String::from_utf8_lossy(&output.stdout));
    for says in says {
        assert!(message.contains(says), "{body}: no {says:?} in {message}");
    }
}

/// Names of all derivations that an expression is built from.
#[track_caller]
fn made_from(root: &Path, body: &str) -> Vec<String> {
    let made = nix::nix("nix-instantiate").args(["--expr", &expression(root, body)]).output().unwrap();
    assert!(made.status.success(), "{body}: {}", String::from_utf8_lossy(&made.stderr));
    let made = String::from_utf8(made.stdout).unwrap();
    let derivations = made.lines().map(|line| line.split('!').next().unwrap());
    let all = support::stdout(nix::nix("nix-store").args(["--query", "--requisites"]).args(derivations));
    let name = |path: &str| Some(path.rsplit('/').next()?.split_once('-')?.1.strip_suffix(".drv")?.to_owned());
    all.lines().filter_map(name).collect()
}

fn workspace(fixture: &str) -> support::Copy {
    support::Copy::of(&support::fixture(fixture))
}

fn generate(root: &Path) {
    let mut generate = support::cratewright();
    generate.args(["generate", "--locked", "--offline", "--quiet", "--manifest-path"]).arg(root.join("Cargo.toml"));
    support::run(generate.env("RUSTC_BOOTSTRAP", "1"));
}

/// Whether a derivation is one of nixpkgs' own toolchain.
fn is_of_nixpkgs(name: &str) -> bool {
    ["rustc-1", "cargo-1", "clippy-1", "rustfmt-1"].iter().any(|program| name.starts_with(program))
}

#[test]
fn the_toolchain_file_selects_the_tools_of_builds_and_checks() {
    let scratch = workspace("three-members");
    let root = scratch.path();
    fs::write(root.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"nightly-2026-01-01\"\n").unwrap();
    let ways = [
        ("rust-of-fenix", "inherit pkgs fenix; toolchainHash = \"sha256\";"),
        ("rust-of-fenix", "pkgs = pkgs.extend (_: _: { fenix = fenix.packages.x86_64-linux; });"),
        ("rust-of-overlay", "inherit pkgs rust-overlay;"),
        ("rust-of-overlay", "pkgs = pkgs.extend (_: _: { rust-bin = rust-overlay.lib.mkRustBin { } pkgs; });"),
    ];
    let outputs = [
        "packages.app",
        "checks.tests",
        "checks.doctests",
        "checks.clippy",
        "checks.docs",
        "checks.examples",
        "checks.benches",
        "devShells.default",
    ];
    for (toolchain, arguments) in ways {
        let made = format!(
            "(lib.perSystem {{ {arguments} inherit cratewright root; \
             memberChecks = [ \"tests\" \"doctests\" \"clippy\" \"docs\" \"examples\" \"benches\" ]; }})"
        );
        let all: String = outputs.iter().map(|output| format!("made.{output} ")).collect();
        let names = made_from(root, &format!("let made = {made}; in [ {all} ]"));
        let named = format!("{toolchain}-nightly-2026-01-01");
        assert!(names.contains(&named), "{arguments}: no {named} in {names:?}");
        let others: Vec<&String> = names.iter().filter(|name| is_of_nixpkgs(name)).collect();
        assert!(others.is_empty(), "{arguments}: {others:?}");
        for output in outputs.iter().filter(|output| !output.ends_with("examples") && !output.ends_with("benches")) {
            let names = made_from(root, &format!("{made}.{output}"));
            assert!(names.contains(&named), "{arguments}: {output} does not use the toolchain");
        }
    }
    let app = "(lib.perSystem { inherit pkgs rust-overlay cratewright root; }).apps.regenerate-cargo-nix.program";
    let script =
        nix::build_expression(&expression(root, &format!("pkgs.runCommand \"app\" {{ }} \"cp ${{{app}}} $out\"")));
    let script = fs::read_to_string(script).unwrap();
    assert!(script.contains("rust-of-overlay-nightly-2026-01-01/bin:$PATH"), "{script}");
}

#[test]
fn the_flake_parts_module_takes_rust_overlay_from_the_inputs() {
    let scratch = workspace("three-members");
    let root = scratch.path();
    fs::write(root.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"nightly-2026-01-01\"\n").unwrap();
    // Calls the module as flake-parts does, with the user's options and the defaults.
    let shell = "let \
        types = { lazyAttrsOf = of: of; listOf = of: of; path = null; str = null; bool = null; package = null; raw = null; }; \
        module = import (root + \"/../../nix-lib/flake-module.nix\") { } { \
          lib = { inherit types; mkDefault = value: value; mkOption = option: option; }; \
          flake-parts-lib.mkPerSystemOption = module: module; \
          inputs = { inherit rust-overlay; nixpkgs = throw \"unused\"; }; \
        }; \
        config.cratewright = { \
          inherit root; cargoNix = \"Cargo.nix\"; lockSync = true; memberChecks = [ ]; arguments = { }; package = cratewright; \
        }; \
      in (module.options.perSystem { inherit config pkgs; system = \"x86_64-linux\"; }).config.devShells.default";
    let names = made_from(root, shell);
    assert!(names.contains(&"rust-of-overlay-nightly-2026-01-01".to_owned()), "{names:?}");
}

#[test]
fn workspaces_are_built_tested_and_linted_with_the_toolchain_of_their_file() {
    let scratch = workspace("three-members");
    let root = scratch.path();
    fs::write(root.join("rust-toolchain"), "1.95.0\n").unwrap();
    let body = |output| format!("(lib.cargoNix {{ inherit pkgs rust-overlay root; }}).{output}");
    for output in ["allWorkspaceMembers", "tests.all", "clippy.all", "docs.all"] {
        nix::build_expression(&expression(root, &body(output)));
    }
    // With a profile without clippy, clippy fails: nixpkgs' clippy belongs to another compiler.
    fs::remove_file(root.join("rust-toolchain")).unwrap();
    let minimal = "[toolchain]\nchannel = \"1.95.0\"\nprofile = \"minimal\"\n";
    fs::write(root.join("rust-toolchain.toml"), minimal).unwrap();
    let mut clippy = nix::nix("nix-build");
    let clippy = clippy.args(["--expr", &expression(root, &body("clippy.leaf"))]).output().unwrap();
    let message = String::from_utf8_lossy(&clippy.stderr).into_owned();
    assert!(!clippy.status.success() && message.contains("clippy-driver"), "{message}");
}

#[test]
fn files_that_nixpkgs_toolchain_satisfies_change_nothing() {
    let scratch = workspace("three-members");
    let root = scratch.path();
    let toolchain = "lib.toolchain { inherit pkgs root; }";
    let satisfied = [
        ("rust-toolchain.toml", "[toolchain]\ncomponents = [\"rust-src\"]\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"stable\"\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95\"\n"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0-x86_64-unknown-linux-gnu\"\n"),
        ("rust-toolchain", "stable\n"),
        ("rust-toolchain", "[toolchain]\nchannel = \"1.95.0\"\n"),
    ];
    check_value(root, toolchain, "null");
    for (file, text) in satisfied {
        fs::write(root.join(file), text).unwrap();
        check_value(root, toolchain, "null");
        fs::remove_file(root.join(file)).unwrap();
    }
}

#[test]
fn a_toolchain_that_is_not_available_is_an_error() {
    let scratch = workspace("three-members");
    let root = scratch.path();
    let build = "(lib.cargoNix { inherit pkgs root; }).workspaceMembers.app.build.drvPath";
    for (file, text, channel) in [
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.9\"\n", "1.9"),
        ("rust-toolchain.toml", "[toolchain]\nchannel = \"nightly-2026-01-01\"\n", "nightly-2026-01-01"),
        // If both files exist, the one with the older name takes precedence.
        ("rust-toolchain", "beta\n", "beta"),
    ] {
        fs::write(root.join(file), text).unwrap();
        let says = format!("{file} asks for Rust {channel}, and nixpkgs has 1.95.0");
        check_refused(root, build, &[&says, "`rust-overlay` or `fenix`"]);
    }
    // Neither input helps here.
    fs::remove_file(root.join("rust-toolchain")).unwrap();
    for (key, says) in [
        ("path = \"../tool\"", &["rust-toolchain.toml: `path` is not supported", "`toolchainFile = null`"]),
        ("chanel = \"1.9\"", &["[toolchain] has no key `chanel`", "its keys are channel, components, path, "]),
        ("channel = 1.9", &["rust-toolchain.toml: `channel` is not a string", "put it into quotes"]),
        ("channel = \"stable\"\nprofile = \"x\"", &["there is no profile `x`", "write minimal or default or complete"]),
        ("[toolchian]", &["rust-toolchain.toml has no table [toolchain]", "write it with a channel"]),
    ] {
        let table = if key.starts_with('[') { "" } else { "[toolchain]\n" };
        fs::write(root.join("rust-toolchain.toml"), format!("{table}{key}\n")).unwrap();
        for input in ["", "inherit rust-overlay;"] {
            check_refused(root, &build.replace("root;", &format!("root; {input}")), says);
        }
    }
    fs::write(root.join("rust-toolchain"), "beta\n").unwrap();
    for input in ["rust-overlay", "fenix"] {
        let says = format!("cratewright.lib: `{input}` is a number, not an attribute set");
        check_refused(root, &build.replace("root;", &format!("root; {input} = 1;")), &[&says]);
    }
    // Values that need no compiler still evaluate.
    let unforced = "builtins.attrNames (lib.perSystem { inherit pkgs cratewright root; }).packages";
    check_value(root, unforced, r#"[ "app" "default" "leaf" "middle" "other" ]"#);
    for way in ["toolchainFile = null;", "toolchain = pkgs.rustc;"] {
        let build = format!(
            "builtins.isString (lib.cargoNix {{ inherit pkgs root; {way} }}).workspaceMembers.app.build.drvPath"
        );
        check_value(root, &build, "true");
    }
    check_refused(
        root,
        "(lib.toolchain { inherit pkgs root rust-overlay; }).drvPath",
        &["rust-of-overlay: beta is not available"],
    );
}

#[test]
fn fenix_needs_a_hash_in_pure_evaluation() {
    let flake = tempfile::tempdir().unwrap();
    let text = r#"{
      inputs.nixpkgs.url = "path:NIXPKGS";
      inputs.library = { url = "path:LIBRARY"; flake = false; };
      outputs = { nixpkgs, library, ... }: {
        toolchain = (import library).toolchain {
          pkgs = nixpkgs.legacyPackages.x86_64-linux;
          fenix.fromToolchainFile = { file, sha256 }: sha256;
          root = ./.;
        };
      };
    }"#;
    let library = support::repository().join("nix-lib");
    let text = text.replace("NIXPKGS", &nix::stand_in().display().to_string());
    fs::write(flake.path().join("flake.nix"), text.replace("LIBRARY", &library.display().to_string())).unwrap();
    fs::write(flake.path().join("rust-toolchain.toml"), "[toolchain]\nchannel = \"1.95.0\"\n").unwrap();
    let place = format!("path:{}#toolchain", flake.path().display());
    let mut evaluate = nix::nix("nix");
    evaluate.args(["--extra-experimental-features", "nix-command flakes", "eval", &place]);
    let output = evaluate.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && message.contains("toolchainHash = lib.fakeHash"), "{message}");
}

/// The name that the linker wrote into a file.
fn linked_by(file: &Path) -> String {
    support::stdout(Command::new("readelf").args(["--string-dump", ".comment"]).arg(file))
}

/// Checks the linker of a workspace's program and build scripts, and that libraries do not depend on the linker.
#[track_caller]
fn check_linker(root: &Path, arguments: &str, linker: &str) {
    let cargo_nix = format!("(import {}/Cargo.nix {{ inherit pkgs; {arguments} }})", root.display());
    let app = nix::build_expression(&expression(root, &format!("{cargo_nix}.workspaceMembers.app.build")));
    let comment = linked_by(&app.join("bin/app"));
    assert!(comment.contains(linker), "{arguments}: {comment}");
    let derive = format!("{cargo_nix}.workspaceMembers.describe-derive.build.lib");
    let libraries = nix::build_expression(&expression(root, &derive)).join("lib");
    let mut library = fs::read_dir(libraries).unwrap().flatten().map(|entry| entry.path());
    let library = library.find(|path| path.extension().is_some_and(|extension| extension == "so")).unwrap();
    let comment = linked_by(&library);
    assert!(comment.contains(linker), "{arguments}: {}: {comment}", library.display());

    let made = |unit: &str| made_from(root, &format!("{cargo_nix}.internal.units.\"{unit}\""));
    let has_linker = |names: &[String]| names.iter().any(|name| name.starts_with("linker-"));
    assert!(has_linker(&made("app@0.1.0")) && has_linker(&made_from(root, &format!("{cargo_nix}.tests.shapes"))));
    assert!(!has_linker(&made("helper@0.1.0")), "a library that is not linked depends on the linker");
}

#[test]
fn mold_can_be_selected_by_argument_or_configuration() {
    let scratch = workspace("proc-macro");
    let root = scratch.path();
    check_linker(root, "linker = \"mold\";", "mold");
    check_linker(root, "linker.x86_64-unknown-linux-gnu = \"mold\";", "mold");

    fs::create_dir(root.join(".cargo")).unwrap();
    let flags = "[target.'cfg(target_os = \"linux\")']\nrustflags = [\"-C\", \"link-arg=-fuse-ld=/usr/bin/mold\"]\n";
    fs::write(root.join(".cargo/config.toml"), flags).unwrap();
    generate(root);
    let text = fs::read_to_string(root.join("Cargo.nix")).unwrap();
    assert!(text.contains("link-arg=-fuse-ld=mold") && !text.contains("/usr/bin/mold\" ]"), "{text}");
    check_linker(root, "", "mold");
    check_linker(root, "linker = \"lld\";", "LLD");
}

#[test]
fn lld_of_nixpkgs_is_used_if_the_compiler_has_none() {
    let scratch = workspace("proc-macro");
    let root = scratch.path();
    fs::create_dir(root.join(".cargo")).unwrap();
    let flags = "[build]\nrustflags = [\"-Clinker-features=-lld\", \"-Clink-self-contained=-linker\"]\n";
    fs::write(root.join(".cargo/config.toml"), flags).unwrap();
    generate(root);
    check_linker(root, "linker = \"lld\";", "Debian LLD");
}

#[test]
fn elf_linkers_are_ignored_on_other_platforms() {
    let scratch = workspace("proc-macro");
    let of = |system: &str, arguments: &str| {
        format!(
            "(import {}/Cargo.nix {{ pkgs = import {} {{ system = \"{system}\"; }}; {arguments} }}).workspaceMembers.app.build.drvPath",
            scratch.path().display(),
            nix::nixpkgs().display()
        )
    };
    let mold = "linker = \"mold\";";
    let equal = format!("{} == {}", of("aarch64-darwin", ""), of("aarch64-darwin", mold));
    check_value(scratch.path(), &equal, "true");
    let other = format!("{} == {}", of("aarch64-linux", ""), of("aarch64-linux", mold));
    check_value(scratch.path(), &other, "false");
    let elsewhere = of("aarch64-linux", "linker.x86_64-unknown-linux-gnu = \"mold\";");
    check_value(scratch.path(), &format!("{} == {elsewhere}", of("aarch64-linux", "")), "true");
    check_refused(
        scratch.path(),
        &of("x86_64-linux", "linker = \"gold\";"),
        &["there is no `gold`; the linkers are lld, mold"],
    );
    check_refused(
        scratch.path(),
        &of("x86_64-linux", "linker.x86_64-linux = \"mold\";"),
        &["there is no platform `x86_64-linux`; the platforms are", "x86_64-unknown-linux-gnu"],
    );
}

#[test]
fn unstable_options_reach_crates_and_their_tests() {
    let scratch = workspace("three-members");
    let root = scratch.path();
    fs::create_dir(root.join(".cargo")).unwrap();
    fs::write(root.join(".cargo/config.toml"), "[build]\nrustflags = [\"-Zthreads=8\"]\n").unwrap();
    generate(root);
    // A nightly compiler accepts the option without the variable.
    let unstable = "crateOverrides.\"*\" = _: { RUSTC_BOOTSTRAP = \"1\"; };";
    let cargo_nix = format!("(import {}/Cargo.nix {{ inherit pkgs; {unstable} }})", root.display());
    for output in ["workspaceMembers.leaf.build", "tests.leaf"] {
        let expression = expression(root, &format!("{cargo_nix}.{output}"));
        nix::build_expression(&expression);
        let derivation = support::stdout(nix::nix("nix-instantiate").args(["--expr", &expression]));
        let derivation = derivation.trim().split('!').next().unwrap().to_owned();
        let log = support::stdout(nix::nix("nix-store").args(["--read-log", &derivation]));
        assert!(log.contains("-Zthreads=8"), "{output}: {log}");
    }
    // The option is set by overrides, for one profile.
    let flags = "crateOverrides.\"*\" = _: { RUSTC_BOOTSTRAP = \"1\"; extraRustcOpts = [ \"-Zthreads=4\" ]; };";
    let own = format!("(import {}/Cargo.nix {{ inherit pkgs; profile = \"dev\"; {flags} }})", root.display());
    nix::build_expression(&expression(root, &format!("{own}.workspaceMembers.app.build")));
}
