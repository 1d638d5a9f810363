//! Each fixture workspace: its `Cargo.nix` is the committed one, evaluates for Linux and darwin, builds, and the
//! binaries print what cargo's print. Every fixture has a test of each kind, named after it: `service::builds`.
//!
//! `UPDATE=1 cargo test -p cratewright --test fixtures` writes the committed files again.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use serde::Deserialize;

use crate::support::nix;

/// `fixture.toml`, see `fixtures/README.md`.
#[derive(Deserialize)]
struct Fixture {
    run: Vec<Run>,
    #[serde(default)]
    absent: Vec<Absent>,
    /// Members whose programs need more than themselves when they run: names of store paths, and `toolchain`.
    #[serde(default)]
    keeps: BTreeMap<String, Vec<String>>,
    /// Whether it takes a minute or more to build: its test is called `slow_build`.
    #[serde(default)]
    slow: bool,
}

#[derive(Deserialize)]
struct Run {
    /// Declared variant that is built, in place of the default features.
    variant: Option<String>,
    member: String,
    bin: String,
    args: Vec<String>,
    stdout: String,
}

#[derive(Deserialize)]
struct Absent {
    member: String,
    bin: String,
}

fn main() -> ExitCode {
    let trials = support::fixtures().into_iter().flat_map(|name| {
        let path = support::fixture(&name).join("fixture.toml");
        let fixture: Fixture = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let builds = if fixture.slow { "slow_build" } else { "builds" };
        [
            trial(&name, "is_the_committed_one", is_the_committed_one),
            trial(&name, "evaluates_for_linux_and_darwin", evaluates_for_linux_and_darwin),
            trial(&name, builds, move |name| builds_and_prints_what_cargo_prints(name, &fixture)),
        ]
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

/// A test of one fixture, which fails by a panic.
fn trial(name: &str, test: &str, run: impl FnOnce(&str) + Send + 'static) -> Trial {
    let fixture = name.to_owned();
    Trial::test(format!("{name}::{test}"), move || {
        run(&fixture);
        Ok(())
    })
}

fn is_the_committed_one(name: &str) {
    let directory = support::fixture(name);
    let mut generate = support::cratewright();
    generate.args(["generate", "--locked", "--stdout", "--manifest-path"]).arg(directory.join("Cargo.toml"));
    let text = support::stdout(&mut generate);
    let path = directory.join("Cargo.nix");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == committed, "{} differs; look at it with UPDATE=1 and git diff", path.display());
}

fn evaluates_for_linux_and_darwin(name: &str) {
    let cargo_nix = support::fixture(name).join("Cargo.nix");
    support::run(nix::nix("nix-instantiate").arg("--parse").arg(&cargo_nix));
    for system in ["x86_64-linux", "aarch64-darwin"] {
        let derivation = nix::instantiate(&cargo_nix, "allWorkspaceMembers", system);
        assert!(derivation.ends_with(".drv"), "{name} on {system}: {derivation}");
    }
}

fn builds_and_prints_what_cargo_prints(name: &str, fixture: &Fixture) {
    let directory = support::fixture(name);
    let cargo_nix = directory.join("Cargo.nix");
    assert!(!fixture.run.is_empty(), "{name} runs nothing");
    let build = |member: &str| nix::build(&cargo_nix, &format!("workspaceMembers.{member}.build"));
    nix::build(&cargo_nix, "allWorkspaceMembers");
    for run in &fixture.run {
        let output = match &run.variant {
            None => build(&run.member),
            Some(variant) => nix::build(&cargo_nix, &format!("variants.{variant}.{}.build", run.member)),
        };
        let bin = output.join("bin").join(&run.bin);
        // Programs of nixpkgs have a libc of the store.
        if nix::nixpkgs() == nix::stand_in() {
            check_closure(fixture, run, &output, &bin);
        }
        let printed = support::stdout(Command::new(&bin).args(&run.args));
        assert_eq!(printed.trim_matches('\n'), run.stdout.trim_matches('\n'), "{}", bin.display());
    }
    for absent in &fixture.absent {
        let bin = build(&absent.member).join("bin").join(&absent.bin);
        assert!(!bin.exists(), "{} must not be built", bin.display());
    }
}

/// A program keeps no crate's library, no source and no toolchain, unless its fixture says so.
#[track_caller]
fn check_closure(fixture: &Fixture, run: &Run, output: &Path, bin: &Path) {
    let mut kept: Vec<String> = nix::closure(output).iter().map(|path| nix::name_of(path).to_owned()).collect();
    // That of the stand-in is outside of the store.
    let toolchain = nix::sysroot().as_bytes();
    if fs::read(bin).unwrap().windows(toolchain.len()).any(|window| window == toolchain) {
        kept.push("toolchain".to_owned());
    }
    let expected = fixture.keeps.get(&run.member).map_or(&[][..], Vec::as_slice);
    if expected == ["*"] {
        assert!(!kept.is_empty(), "{} keeps nothing", bin.display());
    } else {
        assert_eq!(kept, expected, "what {} keeps", bin.display());
    }
}
