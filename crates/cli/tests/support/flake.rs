//! A user's flake with `lib.perSystem`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A git repository with a workspace and a flake, as users have it. Its package `cratewright` is the program under
/// test.
pub fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let fixture = super::fixture("three-members");
    super::run(Command::new("cp").arg("-r").arg(fixture.join(".")).arg(directory.path()));
    // A flake cannot see a library outside its directory.
    super::library_elsewhere(directory.path(), "");
    // A flake sees only files in its directory, so the program under test is copied there.
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
    let library = super::repository().join("nix-lib");
    let flake = flake.replace("NIXPKGS", &super::nix::stand_in().display().to_string());
    fs::write(directory.path().join("flake.nix"), flake.replace("LIBRARY", &library.display().to_string())).unwrap();
    super::run(Command::new("git").args(["init", "--quiet"]).current_dir(&directory));
    add(directory.path());
    directory
}

/// Adds all files to git, as flakes see only those.
pub fn add(directory: &Path) {
    super::run(Command::new("git").args(["add", "--all"]).current_dir(directory));
}

/// Runs `nix` in a directory.
pub fn nix(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = super::nix::nix("nix");
    command.args(["--extra-experimental-features", "nix-command flakes", "--option", "build-users-group", ""]);
    command.args(arguments).current_dir(directory).output().unwrap()
}

/// Standard output and standard error of a command.
pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}
