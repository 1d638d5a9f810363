//! Each fixture workspace: its `Cargo.nix` is the committed one, evaluates for Linux and darwin, builds, and the
//! binaries print what cargo's print.
//!
//! `UPDATE=1 cargo test -p cratewright --test fixtures` writes the committed files anew. `CRATEWRIGHT_FIXTURES` names the
//! fixtures to build, instead of all.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

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
    /// Whether it takes a minute or more to build.
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

#[test]
fn cargo_nix_is_the_committed_one() {
    for name in support::fixtures() {
        let directory = support::fixture(&name);
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
}

#[test]
fn cargo_nix_evaluates_for_linux_and_darwin() {
    for name in support::fixtures() {
        let cargo_nix = support::fixture(&name).join("Cargo.nix");
        support::run(nix::nix("nix-instantiate").arg("--parse").arg(&cargo_nix));
        for system in ["x86_64-linux", "aarch64-darwin"] {
            let derivation = nix::instantiate(&cargo_nix, "allWorkspaceMembers", system);
            assert!(derivation.ends_with(".drv"), "{name} on {system}: {derivation}");
        }
    }
}

#[test]
fn all_members_build_and_binaries_print_what_cargos_print() {
    check_builds(false);
}

#[test]
fn slow_members_build_and_binaries_print_what_cargos_print() {
    check_builds(true);
}

#[expect(clippy::print_stdout, reason = "people who run it on other packages are told what was built")]
#[track_caller]
fn check_builds(slow: bool) {
    let read = |name: &String| -> Fixture {
        let path = support::fixture(name).join("fixture.toml");
        toml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let fixtures: Vec<(Fixture, String)> = match std::env::var("CRATEWRIGHT_FIXTURES") {
        Ok(names) => names.split_whitespace().map(|name| (read(&name.to_owned()), name.to_owned())).collect(),
        Err(_) => {
            let all = support::fixtures().into_iter().map(|name| (read(&name), name));
            all.filter(|(fixture, _)| fixture.slow == slow).collect()
        }
    };
    assert!(!fixtures.is_empty());
    for (fixture, name) in fixtures {
        let directory = support::fixture(&name);
        assert!(!fixture.run.is_empty(), "{name} runs nothing");
        support::run(Command::new("cargo").args(["fetch", "--locked", "--quiet"]).current_dir(&directory));
        let build =
            |member: &str| nix::build(&directory.join("Cargo.nix"), &format!("workspaceMembers.{member}.build"));
        nix::build(&directory.join("Cargo.nix"), "allWorkspaceMembers");
        for run in &fixture.run {
            let output = match &run.variant {
                None => build(&run.member),
                Some(variant) => {
                    nix::build(&directory.join("Cargo.nix"), &format!("variants.{variant}.{}.build", run.member))
                }
            };
            let bin = output.join("bin").join(&run.bin);
            // Programs of nixpkgs have a libc of the store.
            if nix::nixpkgs() == nix::stand_in() {
                check_closure(&fixture, run, &output, &bin);
            }
            let printed = support::stdout(Command::new(&bin).args(&run.args));
            assert_eq!(printed.trim_matches('\n'), run.stdout.trim_matches('\n'), "{name}: {}", bin.display());
        }
        for absent in &fixture.absent {
            let bin = build(&absent.member).join("bin").join(&absent.bin);
            assert!(!bin.exists(), "{name}: {} must not be built", bin.display());
        }
        println!("{name}: built, and {} programs print what they must", fixture.run.len());
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

/// Edits files of a fixture one after the other, and compares the derivations of its members before and after.
#[track_caller]
fn check_rebuilt(fixture: &str, members: &[&str], edits: &[(&str, &[&str])]) {
    let scratch = support::Copy::of(&support::fixture(fixture));
    let cargo_nix = scratch.path().join("Cargo.nix");
    let derivations = || -> Vec<String> {
        let build = |member: &&str| format!("workspaceMembers.{member}.build");
        members.iter().map(|member| nix::instantiate(&cargo_nix, &build(member), "x86_64-linux")).collect()
    };
    for (edited, rebuilt) in edits {
        let before = derivations();
        let path = scratch.path().join(edited);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, text + "\n// edited\n").unwrap();
        let after = derivations();
        let changed: Vec<&str> =
            (0..members.len()).filter(|&ix| before[ix] != after[ix]).map(|ix| members[ix]).collect();
        assert_eq!(changed, *rebuilt, "after editing {edited}");
    }
}

#[test]
fn editing_a_member_rebuilds_it_and_its_dependents_only() {
    // app -> middle -> leaf <- other
    check_rebuilt(
        "three-members",
        &["app", "leaf", "middle", "other"],
        &[
            ("app/src/main.rs", &["app"]),
            ("middle/src/lib.rs", &["app", "middle"]),
            ("other/src/main.rs", &["other"]),
            ("leaf/src/lib.rs", &["app", "leaf", "middle", "other"]),
            ("README.md", &[]),
            ("Cargo.lock", &[]),
        ],
    );
}

#[test]
fn files_outside_of_members_rebuild_what_reads_them() {
    // store <- app -> web
    check_rebuilt(
        "outside-files",
        &["app", "store", "web"],
        &[
            ("migrations/001-users.sql", &["app", "store"]),
            ("migrations/003-new.sql", &["app", "store"]),
            ("crates/proto/x.proto", &["app", "store"]),
            ("static/index.html", &["app", "web"]),
            ("static/img/logo.svg", &["app", "web"]),
            // A neighbour, the readme that two members name, and files that nothing is built from.
            ("crates/proto/y.proto", &[]),
            ("README.md", &[]),
            ("Cargo.lock", &[]),
            ("docs/index.md", &[]),
            ("target/debug/app", &[]),
            ("crates/app/src/.main.rs.swp", &[]),
            ("crates/app/src/main.rs~", &[]),
            ("crates/app/.vscode/settings.json", &[]),
            ("static/.DS_Store", &[]),
        ],
    );
}

#[test]
fn a_workspace_does_not_depend_on_where_it_lies() {
    let derivation = || {
        let scratch = support::Copy::of(&support::fixture("member-paths"));
        let mut generate = support::cratewright();
        support::run(generate.args(["generate", "--manifest-path"]).arg(scratch.path().join("Cargo.toml")));
        let text = fs::read_to_string(scratch.path().join("Cargo.nix")).unwrap();
        (text, nix::instantiate(&scratch.path().join("Cargo.nix"), "rootCrate.build", "x86_64-linux"))
    };
    assert_eq!(derivation(), derivation());
}
