//! A user's flake made with `lib.perSystem`: green while Cargo.nix is fresh, red when it is not, and its check runs again
//! only for what counts.

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

/// A git repository with a workspace and a flake, as a user has it. The package of cratewright is the program under test.
fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let fixture = support::fixture("three-members");
    support::run(std::process::Command::new("cp").arg("-r").arg(fixture.join(".")).arg(directory.path()));
    // A flake sees no library outside of it.
    support::library_elsewhere(directory.path(), "");
    // A flake sees only what is below it, and not the program that cargo built.
    fs::copy(env!("CARGO_BIN_EXE_cratewright"), directory.path().join("cratewright-program")).unwrap();
    let flake = r#"{
      inputs.nixpkgs.url = "path:NIXPKGS";
      inputs.library = { url = "path:LIBRARY"; flake = false; };
      outputs = { nixpkgs, library, ... }:
        let
          pkgs = nixpkgs.legacyPackages.x86_64-linux;
          cratewright = pkgs.runCommand "cratewright" { } ''
            mkdir -p $out/bin
            cp ${./cratewright-program} $out/bin/cratewright
          '';
          made = (import library).perSystem { inherit pkgs cratewright; root = ./.; };
        in
        builtins.mapAttrs (_: outputs: { x86_64-linux = outputs; }) made;
    }"#;
    let library = support::repository().join("nix-lib");
    let flake = flake.replace("NIXPKGS", &support::nix::stand_in().display().to_string());
    fs::write(directory.path().join("flake.nix"), flake.replace("LIBRARY", &library.display().to_string())).unwrap();
    support::run(std::process::Command::new("git").args(["init", "--quiet"]).current_dir(&directory));
    add(directory.path());
    directory
}

/// Flakes see what git knows of.
fn add(directory: &Path) {
    support::run(std::process::Command::new("git").args(["add", "--all"]).current_dir(directory));
}

fn nix(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = support::nix::nix("nix");
    command.args(["--extra-experimental-features", "nix-command flakes", "--option", "build-users-group", ""]);
    command.args(arguments).current_dir(directory).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Path of the derivation of the check.
fn check_derivation(directory: &Path) -> String {
    add(directory);
    let output = nix(directory, &["eval", "--impure", "--raw", ".#checks.x86_64-linux.cargo-nix-lock-sync.drvPath"]);
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn edit(directory: &Path, file: &str, from: &str, to: &str) {
    let path = directory.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(&path, text.replace(from, to)).unwrap();
    add(directory);
}

#[test]
fn a_flake_is_green_while_fresh_and_red_when_stale() {
    let directory = repository();
    let root = directory.path();
    let output = nix(root, &["flake", "check", "--impure"]);
    assert!(output.status.success(), "{}", text(&output));

    edit(root, "leaf/Cargo.toml", "edition = \"2024\"", "edition = \"2021\"");
    let says = "leaf/Cargo.toml: package.edition: \"2024\" -> \"2021\"";
    let evaluated = nix(root, &["flake", "check", "--impure"]);
    assert!(!evaluated.status.success() && text(&evaluated).contains(says), "{}", text(&evaluated));
    let built = nix(
        root,
        &["build", "--impure", "--no-link", ".#checks.x86_64-linux.cargo-nix-lock-sync", "--print-build-logs"],
    );
    assert!(!built.status.success() && text(&built).contains(says), "{}", text(&built));

    // The way out is open: the app does not look into Cargo.nix.
    let app = nix(root, &["run", "--impure", ".#regenerate-cargo-nix", "--", "--offline"]);
    assert!(app.status.success(), "{}", text(&app));
    let output = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.cargo-nix-lock-sync"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn the_check_runs_again_only_for_what_counts() {
    let directory = repository();
    let root = directory.path();
    let first = check_derivation(root);
    edit(root, "leaf/src/lib.rs", "pub fn", "// A comment.\npub fn");
    assert_eq!(check_derivation(root), first, "the body of a source file does not count");
    fs::write(root.join("notes.txt"), "").unwrap();
    assert_eq!(check_derivation(root), first, "an unrelated file does not count");
    fs::create_dir_all(root.join("leaf/src/bin")).unwrap();
    fs::write(root.join("leaf/src/bin/tool.rs"), "fn main() {}\n").unwrap();
    assert_ne!(check_derivation(root), first, "another target does");
}

#[test]
fn tests_of_members_are_checks() {
    let directory = repository();
    let root = directory.path();
    let names = nix(root, &["eval", "--impure", "--json", ".#checks.x86_64-linux", "--apply", "builtins.attrNames"]);
    assert_eq!(String::from_utf8_lossy(&names.stdout).trim(), r#"["cargo-nix-lock-sync","doctests","tests"]"#);

    edit(root, "leaf/src/lib.rs", "pub fn", "#[test]\nfn seeded() {\n    panic!();\n}\n\npub fn");
    let built = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.tests", "--print-build-logs"]);
    assert!(!built.status.success() && text(&built).contains("test seeded ... FAILED"), "{}", text(&built));

    edit(root, "leaf/src/lib.rs", "    panic!();", "    dbg!(());");
    let built = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.tests"]);
    assert!(built.status.success(), "{}", text(&built));
    edit(
        root,
        "flake.nix",
        "root = ./.;",
        "root = ./.; memberChecks = [ \"clippy\" ]; checkOptions.leaf.clippyFlags = [ \"-D\" \"clippy::dbg_macro\" ];",
    );
    let built = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.clippy", "--print-build-logs"]);
    assert!(!built.status.success() && text(&built).contains("the `dbg!` macro"), "{}", text(&built));
}
