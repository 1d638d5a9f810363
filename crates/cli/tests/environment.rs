//! Environment variables of rustc, build scripts and tests in Nix's and cargo's builds. They differ exactly as
//! docs/src/environment.md lists.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;
use crate::support::environment::{Dumps, rows};
use crate::support::nix;

/// Directories of members that print their environment. Each is built separately.
const MEMBERS: [&str; 4] = ["app", "macros", "middle", "plain"];

fn by_cargo(directory: &Path, profile: &str) -> Dumps {
    let scratch = tempfile::tempdir().unwrap();
    let target = scratch.path().canonicalize().unwrap().join("target");
    let sysroot = Path::new(nix::sysroot());
    let cargo = |subcommand: &str, arguments: &[&str]| {
        // Without the user's variables and rustup's, only cargo's are left.
        let path = format!("{}/bin:{}", sysroot.display(), std::env::var("PATH").unwrap());
        let mut cargo = Command::new(sysroot.join("bin/cargo"));
        cargo.env_clear().env("PATH", path).env("HOME", scratch.path()).current_dir(directory);
        cargo.args([subcommand, "--quiet", "--locked", "--offline", "--profile", profile]);
        support::stdout(cargo.arg("--target-dir").arg(&target).args(arguments))
    };
    let mut dumps = Dumps::default();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let roots = [(text(&target), "<made>"), (text(sysroot), "<toolchain>")];
    cargo("build", &[]);
    for program in programs(&target.join(if profile == "dev" { "debug" } else { profile })) {
        dumps.read(&support::stdout(Command::new(program).arg("dump")), &roots);
    }
    dumps.read(&cargo("test", &["--", "--nocapture"]), &roots);
    dumps
}

fn build(attribute: &str, arguments: &[&str]) -> PathBuf {
    let mut build = nix::nix("nix-build");
    build.arg(support::fixture("environment").join("Cargo.nix")).args(["-A", attribute]).args(arguments);
    PathBuf::from(support::stdout(&mut build).lines().next().unwrap())
}

fn by_nix(name: &str, profile: &str) -> Dumps {
    let options = "{ \"*\".testFlags = [ \"--nocapture\" ]; }";
    let build = |attribute: &str| build(attribute, &["--argstr", "profile", profile, "--arg", "checkOptions", options]);
    let mut dumps = Dumps::default();
    let roots = [(nix::sysroot().to_owned(), "<toolchain>")];
    for program in programs(&build(&format!("workspaceMembers.{name}.build")).join("bin")) {
        dumps.read(&support::stdout(Command::new(program).arg("dump")), &roots);
    }
    let log = build(&format!("tests.{name}")).join(format!("{name}.log"));
    dumps.read(&fs::read_to_string(log).unwrap(), &roots);
    dumps
}

/// The programs in a directory.
fn programs(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().map(Result::unwrap);
    let is_program = |path: &PathBuf| {
        let metadata = fs::metadata(path).unwrap();
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0 && path.extension().is_none()
    };
    entries.map(|entry| entry.path()).filter(is_program).collect()
}

#[test]
fn differences_are_exactly_the_documented_ones() {
    let docs = fs::read_to_string(support::repository().join("docs/src/environment.md")).unwrap();
    let rows = rows(&docs, "What differs");
    let mut listed = BTreeSet::new();
    let mut unlisted = Vec::new();
    for profile in ["release", "dev"] {
        for member in MEMBERS {
            let directory = support::fixture("environment").join(member);
            let manifest: toml::Table = fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap();
            let name = manifest["package"]["name"].as_str().unwrap();
            let is_macro = manifest.get("lib").is_some_and(|lib| lib.get("proc-macro").is_some());
            for difference in by_cargo(&directory, profile).differences(&by_nix(name, profile)) {
                let row = rows.iter().find_map(|row| Some((row, row.place_of(&difference, name, is_macro)?)));
                match row {
                    Some((row, place)) => _ = listed.insert((row.variable.clone(), place.to_owned())),
                    None => unlisted.push(format!("{profile} {name}: {difference:?}")),
                }
            }
        }
    }
    assert!(unlisted.is_empty(), "docs/src/environment.md does not list {unlisted:#?}");
    let vanished: Vec<_> = rows.iter().flat_map(|row| row.places()).filter(|place| !listed.contains(place)).collect();
    assert!(vanished.is_empty(), "docs/src/environment.md lists variables that no longer differ: {vanished:#?}");
}

/// `Cargo.nix` replaces the builder's `export`, which must not affect hooks that users write.
#[test]
fn hooks_of_overrides_take_precedence() {
    let overrides = "{ env-app = _: {
      DEP_BY_ATTRIBUTE_KEY = \"an attribute\";
      preConfigure = ''
        export OPT_LEVEL=z DEP_BY_HOOK_KEY=\"a hook\" CARGO_PKG_VERSION_PRE=mine RUST_BACKTRACE=full
      '';
      postConfigure = \"export CARGO_PKG_HOMEPAGE=late\";
    }; }";
    let output = build("workspaceMembers.env-app.build", &["--arg", "crateOverrides", overrides]);
    let mut dumps = Dumps::default();
    dumps.read(&support::stdout(Command::new(output.join("bin/env-app")).arg("dump")), &[]);
    let find = |place: &str, name: &str| dumps.get("env-app", place, name);
    for (name, value) in [
        ("OPT_LEVEL", "z"),
        ("DEP_BY_ATTRIBUTE_KEY", "an attribute"),
        ("DEP_BY_HOOK_KEY", "a hook"),
        ("CARGO_PKG_VERSION_PRE", "mine"),
        ("RUST_BACKTRACE", "full"),
    ] {
        assert_eq!(find("the run of the build script", name), Some(value), "{name}");
    }
    for (name, value) in [("CARGO_PKG_VERSION_PRE", "mine"), ("CARGO_PKG_HOMEPAGE", "late")] {
        assert_eq!(find("the library", name), Some(value), "{name}");
        assert_eq!(find("the binary", name), Some(value), "{name}");
    }
}
