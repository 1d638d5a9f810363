//! `devShell` of Cargo.nix: cargo finds the inputs of overrides in it, and the shell also opens if Cargo.nix is stale.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{self, Copy, nix};

/// `nix-shell --pure`, which keeps `CARGO_HOME` with its downloads.
fn shell() -> Command {
    let mut shell = nix::nix("nix-shell");
    shell.args(["--pure", "--option", "build-users-group", "", "--keep", "CARGO_HOME"]);
    shell
}

/// Runs a cargo command in a shell, without debug information to save time.
fn cargo_in(shell: &mut Command, workspace: &Path, target: &Path, cargo: &str) -> Output {
    let variables = format!("CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR={}", target.display());
    let run = format!("{variables} cargo {cargo} --quiet --locked --offline");
    shell.args(["--run", &run]).current_dir(workspace).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Evaluates `body` with `pkgs`, and `cargoNix` of a fixture. Returns the value and the warnings.
fn evaluate(fixture: &str, nixpkgs: &str, body: &str) -> (Value, String) {
    let expression = format!(
        "let
           pkgs = import {} {nixpkgs};
           inherit (pkgs) lib;
           cargoNix = arguments: import {} ({{ inherit pkgs; }} // arguments);
           names = map (input: input.pname or input.name);
         in {body}",
        nix::stand_in().display(),
        support::fixture(fixture).join("Cargo.nix").display(),
    );
    let output =
        support::run(nix::nix("nix-instantiate").args(["--eval", "--strict", "--json", "--expr", &expression]));
    (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The export lines of the shell of `three-members` with overrides, and the warnings.
#[track_caller]
fn exports(overrides: &str, override_: &str) -> (Vec<String>, String) {
    let body = format!("((cargoNix {{ crateOverrides = {overrides}; }}).devShell{override_}).shellHook");
    let (hook, warnings) = evaluate("three-members", "{ }", &body);
    (hook.as_str().unwrap().lines().map(str::to_owned).collect(), warnings)
}

/// A command of cargo fails in a shell without a program, and prints the expected text in the shell of `Cargo.nix`. The
/// machine's programs, and libraries that its pkg-config finds, are not visible in either.
#[track_caller]
fn needs(native: &Copy, program: &str, command: &str, expected: &str) {
    // The builds share a target directory to save time: build scripts that failed run again.
    let target = tempfile::tempdir().unwrap();
    let bare = "with import <nixpkgs> { }; mkShell { packages = [ cargo rustc ]; }";
    let failed = cargo_in(shell().args(["--expr", bare]), native.path(), target.path(), command);
    let says = text(&failed).to_lowercase();
    assert!(!failed.status.success() && says.contains(program), "{command} without {program}: {says}");

    let built = cargo_in(shell().args(["Cargo.nix", "-A", "devShell"]), native.path(), target.path(), command);
    assert!(built.status.success(), "{command}: {}", text(&built));
    assert_eq!(String::from_utf8_lossy(&built.stdout), expected, "{command}");
}

#[test]
#[ignore = "compiles bindgen and prost: just slow-tests"]
fn cargo_generates_code_only_inside_the_shell() {
    let native = Copy::of(&support::fixture("native"));
    needs(&native, "protoc", "run -p generated", "4 corners, 15\n2 of lamp\n");
}

#[test]
#[ignore = "compiles rusqlite, zstd and openssl twice: just slow-tests"]
fn cargo_builds_native_crates_only_inside_the_shell() {
    let native = Copy::of(&support::fixture("native"));
    let expected = "sqlite: 42\nzstd: packed and unpacked\nsha256: [ba, 78, 16, bf]\n";
    needs(&native, "pkg-config", "run -p system", expected);
}

#[test]
fn the_shell_has_tools_and_variables_of_native_crates() {
    let native = Copy::of(&support::fixture("native"));
    let variables = "type -t cmake pkg-config; echo \"$LIBCLANG_PATH ${ZSTD_SYS_USE_PKG_CONFIG-as the features say}\"";
    let printed =
        support::stdout(shell().args(["Cargo.nix", "-A", "devShell", "--run", variables]).current_dir(native.path()));
    assert!(
        printed.starts_with("file\nfile\n") && printed.ends_with("-libclang-0/lib as the features say\n"),
        "{printed}"
    );
}

/// `inputsFrom` takes inputs and hooks of a shell, but not its variables.
#[test]
fn user_shells_inherit_tools_and_variables_of_overrides_and_checks() {
    let overrides = r#"{
      leaf = attrs: { nativeBuildInputs = [ pkgs.jq ]; ODD = "it's \"$HOME\"\nand a line"; env.lower = 1; };
    }"#;
    let expression = format!(
        "let pkgs = import <nixpkgs> {{ }}; in pkgs.mkShell {{
           packages = [ pkgs.perl ];
           inputsFrom = [
             (import {} {{
               inherit pkgs;
               crateOverrides = {overrides};
               checkOptions.leaf = {{ inputs = [ pkgs.git ]; env.FOR_TESTS = true; }};
             }}).devShell
           ];
         }}",
        support::fixture("three-members").join("Cargo.nix").display()
    );
    let run = r#"printf '%s|' "$ODD" "$lower" "$FOR_TESTS"; type -t jq git perl cargo rustc cargo-clippy rustfmt; ! type -t nasm"#;
    let printed = support::stdout(shell().args(["--expr", &expression, "--run", run]));
    assert_eq!(printed, format!("it's \"$HOME\"\nand a line|1|1|{}", "file\n".repeat(7)));
}

#[test]
fn variables_of_a_single_build_are_not_in_the_shell() {
    let (lines, _) = exports(
        r#"{
          leaf = attrs: {
            CARGO_PKG_HOMEPAGE = "a"; OUT_DIR = "a"; RUSTFLAGS = "a"; DEP_Z_INCLUDE = "a";
            OWN = "${placeholder "out"}/share"; dontStrip = true; preConfigure = "export HOOK=a";
            RUST_LOG = "kept"; KEPT = [ "a" "b" ];
          };
          "*" = _: { GONE = "a"; env.GONE_TOO = "a"; };
          "(members)" = _: { GONE = null; GONE_TOO = null; env.NEVER_THERE = null; };
        }"#,
        "",
    );
    assert_eq!(lines, ["export KEPT='a b'", "export RUST_LOG=kept"]);
}

/// Members come first, then their dependencies.
#[test]
fn conflicting_values_warn_and_can_be_overridden() {
    let overrides =
        r#"{ leaf = _: { PLACE = "of leaf"; }; middle = _: { PLACE = "of middle"; }; "*" = _: { SAME = "a"; }; }"#;
    let (lines, warnings) = exports(overrides, "");
    assert_eq!(lines, ["export PLACE='of leaf'", "export SAME=a"]);
    for says in
        ["overrides set `PLACE`", "of leaf for leaf 0.1.0, which is used", "of middle for middle 0.1.0", "env.PLACE ="]
    {
        assert!(warnings.contains(says), "{warnings}");
    }
    let (lines, warnings) = exports(overrides, ".override { env.PLACE = \"chosen\"; env.SAME = null; }");
    assert_eq!((lines, warnings.contains("PLACE")), (vec!["export PLACE=chosen".to_owned()], false), "{warnings}");
}

/// Variables that setup hooks append to are joined, and library directories for rustc are passed to the linker.
#[test]
fn flags_and_search_paths_of_crates_are_joined() {
    let (lines, warnings) = exports(
        r#"{
          leaf = _: { NIX_CFLAGS_COMPILE = "-DA"; PKG_CONFIG_PATH = "/a"; extraLinkFlags = [ "-L/a/lib" ]; NIX_LDFLAGS = "-la"; };
          middle = _: { NIX_CFLAGS_COMPILE = "-DB"; PKG_CONFIG_PATH = "/b"; extraRustcOpts = [ "-L" "native=/b/lib" ]; };
        }"#,
        "",
    );
    assert_eq!(
        lines,
        [
            "export NIX_CFLAGS_COMPILE='-DA -DB'${NIX_CFLAGS_COMPILE:+ $NIX_CFLAGS_COMPILE}",
            "export NIX_LDFLAGS='-la -L/a/lib -L/b/lib'${NIX_LDFLAGS:+ $NIX_LDFLAGS}",
            "export PKG_CONFIG_PATH=/a:/b${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}",
        ]
    );
    assert!(!warnings.contains("devShell"), "{warnings}");
}

#[test]
fn the_shell_covers_crates_of_members_and_tests_on_the_platform() {
    let of_feature = |fixture, system, feature| {
        let body = format!(
            "lib.hasInfix \"FOUND\" (cargoNix {{
               crateOverrides.leaf = attrs: lib.optionalAttrs (lib.elem \"{feature}\" attrs.features) {{ FOUND = 1; }};
             }}).devShell.shellHook"
        );
        evaluate(fixture, &format!("{{ system = \"{system}\"; }}"), &body).0
    };
    assert_eq!(of_feature("target-specific", "x86_64-linux", "linux"), true);
    assert_eq!(of_feature("target-specific", "x86_64-linux", "macos"), false);
    assert_eq!(of_feature("target-specific", "aarch64-darwin", "macos"), true);
    assert_eq!(of_feature("dev-dependency-cycle", "x86_64-linux", "dev"), true, "a dev-dependency");
}

#[test]
fn shells_of_other_platforms_evaluate() {
    let inputs = "let shell = (cargoNix { }).devShell; in builtins.seq shell.drvPath (names shell.buildInputs)";
    assert_eq!(evaluate("native", "{ system = \"aarch64-darwin\"; }", inputs).0, json!(["openssl", "sqlite", "zstd"]));

    // Programs and libraries for build scripts are those of the build platform.
    let body = r#"
      let
        shell = (cargoNix {
          crateOverrides = {
            macros = _: { buildInputs = [ pkgs.buildPackages.sqlite ]; FOR_MACROS = 1; };
            app = _: { buildInputs = [ pkgs.zstd ]; nativeBuildInputs = [ pkgs.buildPackages.jq ]; };
          };
        }).devShell;
      in
      builtins.seq shell.drvPath {
        build = names shell.depsBuildBuild;
        native = lib.last (names shell.nativeBuildInputs);
        host = names shell.buildInputs;
        hook = lib.splitString "\n" shell.shellHook;
      }"#;
    let (found, _) =
        evaluate("cross", "{ system = \"x86_64-linux\"; crossSystem.config = \"aarch64-unknown-linux-gnu\"; }", body);
    assert_eq!(found["build"], json!(["cc", "sqlite"]));
    assert_eq!(found["native"], "jq");
    assert_eq!(found["host"], json!(["zstd"]));
    assert_eq!(found["hook"][0], "export CARGO_BUILD_TARGET=aarch64-unknown-linux-gnu");
    let linker = found["hook"][2].as_str().unwrap();
    assert!(
        linker.starts_with("export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=/nix/store/")
            && linker.ends_with("/bin/aarch64-unknown-linux-gnu-cc"),
        "{linker}"
    );
    assert_eq!(found["hook"][3], "export FOR_MACROS=1");
}

/// Users regenerate Cargo.nix in the shell of `perSystem`, so it must always open.
#[test]
fn flake_shells_open_if_cargo_nix_is_stale_missing_or_for_other_systems() {
    let fixture = Copy::of(&support::fixture("three-members"));
    let root = fixture.path();
    let enter = || {
        let expression = format!(
            "let
               pkgs = import {nixpkgs} {{ }};
               made = import {library}/per-system.nix {{
                 inherit pkgs;
                 root = {root};
                 cratewright = {package};
                 crateOverrides.leaf = _: {{ FOUND = \"found\"; }};
               }};
             in made.devShells.default",
            nixpkgs = nix::stand_in().display(),
            library = support::repository().join("nix-lib").display(),
            root = root.display(),
            package = nix::package(),
        );
        let run = "cratewright --version >/dev/null && cargo --version >/dev/null && echo \"${FOUND-nothing}\"";
        support::stdout(shell().args(["--expr", &expression, "--run", run]))
    };
    assert_eq!(enter(), "found\n");
    let edit = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(root.join(file), text.replace(from, to)).unwrap();
    };
    std::fs::remove_dir_all(root.join("leaf")).unwrap();
    assert_eq!(enter(), "found\n", "a member was removed");
    let without = "  targets = builtins.filter (target: target != \"x86_64-unknown-linux-gnu\") [ ";
    edit("Cargo.nix", "  targets = [ ", without);
    assert_eq!(enter(), "nothing\n", "Cargo.nix is for other systems");
    edit("Cargo.nix", "  format = ", "  format = 1");
    assert_eq!(enter(), "nothing\n", "the library is for another format");
    std::fs::remove_file(root.join("Cargo.nix")).unwrap();
    assert_eq!(enter(), "nothing\n", "there is no Cargo.nix");
}

/// `dev/shell.nix` of this repository has a package for each row of `dev/requirements`, and six more for Rust, just and statix.
#[test]
fn our_own_shell_has_what_the_gate_requires() {
    let dev = support::repository().join("dev");
    let requirements = std::fs::read_to_string(dev.join("requirements")).unwrap();
    let rows = requirements.lines().filter(|line| !line.starts_with('#'));
    // A package may be there for its programs and for its library.
    let wanted: BTreeSet<(bool, &str)> =
        rows.filter_map(|row| Some((row.starts_with('-'), row.split_whitespace().nth(2)?))).collect();
    assert!(wanted.contains(&(false, "strace")) && wanted.contains(&(true, "openssl")), "{wanted:?}");
    for system in ["x86_64-linux", "aarch64-darwin"] {
        let expression = format!(
            "let shell = import {}/shell.nix {{ pkgs = import {} {{ system = \"{system}\"; }}; }};
             in map (input: input.drvPath) (shell.nativeBuildInputs ++ shell.buildInputs)",
            dev.display(),
            nix::stand_in().display(),
        );
        let packages = nix::eval_json(&expression);
        assert_eq!(packages.as_array().unwrap().len(), wanted.len() + 6, "on {system}: {packages}");
    }
}
