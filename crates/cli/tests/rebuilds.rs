//! What is built again after an edit: by the derivations that change, and, where crates are content-addressed, by what Nix
//! builds.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

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

/// `core` with a target of each kind, and 30 members that depend on it.
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
fn a_test_is_no_part_of_what_its_package_gives_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    workspace(&root);
    let mut before = derivations(&root);
    assert_eq!(before.units.len(), 31);
    // File, units, and test suites, but for `all`.
    let cases = [
        ("core/tests/words.rs", 0, 1),
        ("core/tests/new.rs", 0, 1),
        ("core/tests/data/other.txt", 0, 1),
        ("core/benches/speed.rs", 0, 1),
        ("core/examples/shown.rs", 0, 1),
        // What a library or a binary reads is a part of both, wherever it lies.
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
        // Documentation shows examples, and is made of the whole package.
        assert_eq!(changed(&before.docs, &after.docs).len() - 1, suites, "documentation after editing {file}");
        before = after;
    }
}

#[test]
fn a_target_in_a_directory_of_others_is_built() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    workspace(&root);
    let built = nix::build(&root.join("Cargo.nix"), "workspaceMembers.core-of-all.build");
    support::run(&mut std::process::Command::new(built.join("bin/tool")));
}

/// Packages of which Nix builds a derivation, with all members as they are now.
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
fn what_comes_out_the_same_is_where_a_build_stops() {
    let copy = support::Copy::of(&support::fixture("service"));
    built(copy.path(), true);
    built(copy.path(), false);
    let above_analytics = ["analytics", "web-front"];
    let above_clock = ["clock", "event-store", "store-testkit", "web-front"];
    // File, what is built again of content-addressed crates, and of others.
    let cases: [(&str, &[&str], &[&str]); 4] = [
        // A build script that does the same as before.
        ("analytics/build.rs", &["analytics"], &above_analytics),
        // What no compiler reads.
        ("clock/src/notes.md", &["clock"], &above_clock),
        // A library has a hash of its source in it, comments and all.
        ("clock/src/lib.rs", &above_clock, &above_clock),
        ("web-front/src/lib.rs", &["web-front"], &["web-front"]),
    ];
    // Nix knows what it has built, whenever that was.
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
