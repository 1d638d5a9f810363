//! Rebuilds after an edit: the derivations that change, and, for content-addressed crates, the builds that Nix runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use crate::support;
use crate::support::nix;

/// Derivation paths by name.
type Derivations = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Workspace {
    units: Derivations,
    tests: Derivations,
    docs: Derivations,
}

fn derivations(root: &Path) -> Workspace {
    let expression = format!(
        "let
           c = import {}/Cargo.nix {{ }};
           paths = builtins.mapAttrs (_: value: value.drvPath);
         in {{ units = paths c.internal.units; tests = paths c.tests; docs = paths c.docs; }}",
        root.display()
    );
    serde_json::from_value(nix::eval_json(&expression)).unwrap()
}

fn changed<'a>(before: &Derivations, after: &'a Derivations) -> Vec<&'a str> {
    after.iter().filter(|(name, path)| before[*name] != **path).map(|(name, _)| name.as_str()).collect()
}

/// Writes `core` with a target of each kind, and 30 members that depend on it.
fn workspace(root: &Path) {
    let write = |path: &str, text: &str| support::write(&root.join(path), text);
    let manifest = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nbuild = false\n{more}")
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"core\", \"user-*\"]\n");
    let bin = "[[bin]]\nname = \"tool\"\npath = \"examples/tool/main.rs\"\n";
    write("core/Cargo.toml", &manifest("core-of-all", &format!("autoexamples = false\n{bin}")));
    write("core/src/lib.rs", "pub const WORDS: &str = include_str!(\"../tests/data/words.txt\");\n");
    write("core/tests/data/words.txt", "some words\n");
    write("core/tests/data/other.txt", "others\n");
    write("core/tests/words.rs", "#[test]\nfn words() { assert!(core_of_all::WORDS.contains(' ')) }\n");
    write("core/benches/speed.rs", "fn main() {}\n");
    write("core/examples/shown.rs", "fn main() {}\n");
    write("core/examples/tool/main.rs", "mod part;\nfn main() { part::run() }\n");
    write("core/examples/tool/part.rs", "pub fn run() {}\n");
    for number in 0..30 {
        let more = "[dependencies]\ncore-of-all = { path = \"../core\" }\n";
        write(&format!("user-{number}/Cargo.toml"), &manifest(&format!("user-{number}"), more));
        write(&format!("user-{number}/src/lib.rs"), "pub use core_of_all::WORDS;\n");
    }
    support::run(std::process::Command::new("cargo").args(["generate-lockfile", "--offline"]).current_dir(root));
    support::run(support::cratewright().args(["generate", "--manifest-path"]).arg(root.join("Cargo.toml")));
}

#[test]
fn edits_of_tests_do_not_rebuild_dependents() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    workspace(&root);
    let mut before = derivations(&root);
    assert_eq!(before.units.len(), 31);
    // File, and the number of rebuilt units and of rebuilt test suites without `all`.
    let cases = [
        ("core/tests/words.rs", 0, 1),
        ("core/tests/new.rs", 0, 1),
        ("core/tests/data/other.txt", 0, 1),
        ("core/benches/speed.rs", 0, 1),
        ("core/examples/shown.rs", 0, 1),
        // Files that the library or a binary uses belong to the package, even in directories of other targets.
        ("core/tests/data/words.txt", 31, 31),
        ("core/examples/tool/main.rs", 31, 31),
        ("core/examples/tool/part.rs", 31, 31),
        ("core/src/lib.rs", 31, 31),
        ("user-7/src/lib.rs", 1, 1),
    ];
    for (file, units, suites) in cases {
        let path = root.join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, text + "\n// edited\n").unwrap();
        let after = derivations(&root);
        assert_eq!(changed(&before.units, &after.units).len(), units, "units after editing {file}");
        let again = changed(&before.tests, &after.tests);
        assert_eq!(again.len() - 1, suites, "test suites after editing {file}: {again:?}");
        // Documentation includes examples, so its source is the whole package.
        assert_eq!(changed(&before.docs, &after.docs).len() - 1, suites, "documentation after editing {file}");
        before = after;
    }
}

#[test]
fn targets_in_directories_of_other_kinds_are_built() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    workspace(&root);
    let built = nix::build(&root.join("Cargo.nix"), "workspaceMembers.core-of-all.build");
    support::run(&mut std::process::Command::new(built.join("bin/tool")));
}

/// Builds all members, and returns the packages that Nix builds.
fn built(root: &Path, content_addressed: bool) -> BTreeSet<String> {
    let expression = format!(
        "let c = import {}/Cargo.nix {{ contentAddressed = {content_addressed}; }};
         in builtins.mapAttrs (_: member: member.build) c.workspaceMembers",
        root.display()
    );
    let mut build = nix::nix("nix-build");
    let output = support::run(build.args(["--extra-experimental-features", "ca-derivations", "--expr", &expression]));
    let said = String::from_utf8(output.stderr).unwrap();
    let begun =
        said.lines().filter_map(|line| line.strip_prefix("building '")?.split_once('-')?.1.strip_suffix(".drv'..."));
    begun.filter_map(|name| Some(name.rsplit_once("-0.1.0")?.0.to_owned())).collect()
}

#[test]
fn rebuilds_stop_at_unchanged_outputs() {
    let copy = support::Copy::of(&support::fixture("service"));
    built(copy.path(), true);
    built(copy.path(), false);
    let above_analytics = ["analytics", "web-front"];
    let above_clock = ["clock", "event-store", "store-testkit", "web-front"];
    // File, and the rebuilt packages with content-addressed crates and without.
    let cases: [(&str, &[&str], &[&str]); 4] = [
        // A build script with the same effect.
        ("analytics/build.rs", &["analytics"], &above_analytics),
        // A file that the compiler does not read.
        ("clock/src/notes.md", &["clock"], &above_clock),
        // A library contains a hash of its source, including comments.
        ("clock/src/lib.rs", &above_clock, &above_clock),
        ("web-front/src/lib.rs", &["web-front"], &["web-front"]),
    ];
    // A unique edit, as Nix would reuse builds of earlier runs.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    for (file, by_content, by_inputs) in cases {
        let path = copy.path().join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{text}\n// {now}\n")).unwrap();
        let expected = [by_content, by_inputs].map(|names| names.iter().map(ToString::to_string).collect());
        assert_eq!(
            [true, false].map(|content_addressed| built(copy.path(), content_addressed)),
            expected,
            "after editing {file}"
        );
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
