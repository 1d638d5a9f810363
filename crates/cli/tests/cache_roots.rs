//! `cacheRoots` of `Cargo.nix` compared with the inputs of builds that Nix reports.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{self, cratewright, nix, run, stdout};

/// An expression for a `Cargo.nix` with arguments.
fn imported(cargo_nix: &Path, arguments: &str) -> String {
    let pkgs = format!("import {} {{ system = \"x86_64-linux\"; }}", nix::nixpkgs().display());
    format!("(let native = {pkgs}; in import {} ({{ pkgs = native; }} // {{ {arguments} }}))", cargo_nix.display())
}

/// Derivations of crates and test suites among the inputs of all members and of all kinds of checks.
fn needed(file: &str) -> BTreeSet<String> {
    let all = format!(
        "let file = {file}; in [ file.allWorkspaceMembers ]
         ++ map (kind: file.${{kind}}.all) [ \"benches\" \"clippy\" \"docs\" \"doctests\" \"examples\" \"tests\" ]
         ++ builtins.concatMap (members: map (member: member.build) (builtins.attrValues members))
           (builtins.attrValues file.variants)"
    );
    let roots = stdout(nix::nix("nix-instantiate").args(["--expr", &all]));
    let roots = roots.lines().map(|path| path.split('!').next().unwrap());
    let all = stdout(nix::nix("nix-store").args(["--query", "--requisites"]).args(roots));
    let is_check = |path: &str| {
        ["benches", "clippy", "docs", "doctests", "examples"].iter().any(|kind| path.ends_with(&format!("-{kind}.drv")))
    };
    let of_crates = all.lines().filter(|path| path.ends_with(".drv") && !is_check(path)).filter(|path| {
        !path.contains("rustc--print-cfg") && fs::read_to_string(path).unwrap().contains("(\"crateName\",")
    });
    of_crates.map(str::to_owned).collect()
}

/// Checks `cacheRoots.tests`, and returns names of crates with their kinds.
#[track_caller]
fn check(file: &str) -> BTreeSet<(String, String)> {
    let Value::Array(crates) = nix::eval_json(&format!("{file}.cacheRoots.tests.crates")) else { panic!("no list") };
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let roots: BTreeSet<String> = crates.iter().map(|one| text(one, "drvPath")).collect();
    assert_eq!(roots, needed(file), "{file}");
    crates.iter().map(|one| (text(one, "name"), text(one, "kind"))).collect()
}

#[test]
fn roots_are_exactly_the_crates_of_all_builds_and_checks() {
    for (fixture, arguments) in [
        ("cross", ""),
        ("cross", "pkgs = native.pkgsCross.aarch64-multiplatform;"),
        ("dev-dependency-cycle", ""),
        ("environment", "profile = \"dev\";"),
        ("lone-macro", ""),
        ("profiles", "profile = \"aborting\";"),
        ("registry-mix", ""),
        ("service", "env.CARGO_PROFILE_RELEASE_PANIC = \"abort\";"),
        ("variants", ""),
    ] {
        check(&imported(&support::fixture(fixture).join("Cargo.nix"), arguments));
    }
}

#[test]
fn kinds_do_not_depend_on_names_and_checks_without_tests_count() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("workspace");
    let write = |path: &str, text: &str| support::write(&root.join(path), text);
    let package = |name: &str, rest: &str| {
        write(
            &format!("{name}/Cargo.toml"),
            &format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n{rest}"),
        );
    };
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"bench\", \"cfg-if\", \"off\"]\n\
         [workspace.metadata.cratewright.variants.all]\nmembers = [\"off\"]\nfeatures = [\"on\"]\n",
    );
    // A package without tests, with a benchmark that has its own dependency.
    package(
        "bench",
        "[dependencies]\ncfg-if = \"1\"\n[dev-dependencies]\ntimer = { path = \"../../timer\" }\n\
         [lib]\ntest = false\ndoctest = false\n[[bench]]\nname = \"all\"\nharness = false\n",
    );
    write("bench/src/lib.rs", "");
    write("bench/benches/all.rs", "fn main() { timer::now() }\n");
    write("../timer/Cargo.toml", "[package]\nname = \"timer\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    write("../timer/src/lib.rs", "pub fn now() {}\n");
    package("cfg-if", "");
    write("cfg-if/src/lib.rs", "");
    // The package has targets only in a variant.
    package("off", "[features]\non = []\n[[bin]]\nname = \"off\"\nrequired-features = [\"on\"]\n");
    write("off/src/main.rs", "fn main() {}\n");
    fs::copy(support::fixture("registry-mix").join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    run(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(&root));
    run(cratewright().args(["generate", "--quiet", "--offline"]).current_dir(&root));
    let kinds = check(&imported(&root.join("Cargo.nix"), ""));
    let expected = [
        ("bench", "member"),
        ("cfg-if", "dependency"),
        ("cfg-if", "member"),
        ("cfg-if", "tests"),
        ("off", "member"),
        ("timer", "member"),
    ];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into());
}
