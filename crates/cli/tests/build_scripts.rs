//! Output of build scripts, and directories that are compiled in, have the same effect with Nix as with cargo. Each
//! directive in the table of docs/src/build-scripts.md is in `fixtures/build-script-output` or in the list of rejected
//! lines below.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support;
use crate::support::nix;

/// Lines that cargo rejects, with the message that cargo and Nix share.
const REFUSED: [(&str, &str); 10] = [
    ("cargo::error=there is no library", "there is no library"),
    ("cargo::nonsense=1", "nknown key: `nonsense`"),
    ("cargo::rustc-cfg", "`cargo::rustc-cfg`"),
    ("cargo:rerun-if-changed", "`=`"),
    ("cargo::rustc-flags=-Wl,--gc-sections", "only `-l` and `-L` flags are allowed"),
    ("cargo:rustc-flags=-L", "has no value"),
    ("cargo::rustc-env=NAME", "NAME"),
    ("cargo::metadata=NAME", "NAME"),
    ("cargo::rustc-link-arg-bin=NAME", "NAME"),
    ("cargo::rustc-env=RUSTC_BOOTSTRAP=1", "RUSTC_BOOTSTRAP"),
];

fn built_by_cargo(fixture: &str, target: &Path) {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--offline", "--workspace", "--target-dir"]).arg(target);
    support::run(cargo.current_dir(support::fixture(fixture)));
}

fn built_by_nix(fixture: &str, attribute: &str) -> PathBuf {
    nix::build(&support::fixture(fixture).join("Cargo.nix"), attribute)
}

#[test]
fn directives_have_the_same_effect_as_in_cargo() {
    let scratch = tempfile::tempdir().unwrap();
    built_by_cargo("build-script-output", scratch.path());
    let app = built_by_nix("build-script-output", "workspaceMembers.app.build");
    for program in ["one", "two-words"] {
        let printed = |path: PathBuf| support::stdout(&mut Command::new(path));
        let by_cargo = printed(scratch.path().join("debug").join(program));
        assert_eq!(printed(app.join("bin").join(program)), by_cargo, "{program}");
    }
    // Tests run; examples and benchmarks are built as programs.
    support::run(
        Command::new("cargo")
            .args(["test", "--quiet", "--locked", "--offline", "--target-dir"])
            .arg(scratch.path())
            .current_dir(support::fixture("build-script-output")),
    );
    built_by_nix("build-script-output", "tests.app");
    for (kind, value) in [("examples", 99), ("benches", 111)] {
        let program = built_by_nix("build-script-output", &format!("{kind}.app")).join("bin").join(kind);
        assert_eq!(support::stdout(&mut Command::new(program)), format!("{kind}: {value}\n"));
    }
    // A cdylib has the name that its own script sets, and the symbol that the script of a dependency sets.
    let library = built_by_nix("build-script-output", "workspaceMembers.shared.build.lib");
    let facts = |path: &Path| {
        let dynamic = support::stdout(Command::new("readelf").arg("-dW").arg(path));
        let soname = dynamic.lines().find(|line| line.contains("(SONAME)")).expect("a SONAME").to_owned();
        let symbols = support::stdout(Command::new("nm").arg(path));
        let symbol = symbols.lines().find(|line| line.ends_with(" from_below")).expect("the symbol").to_owned();
        (soname, symbol)
    };
    assert_eq!(facts(&library.join("lib/libshared.so")), facts(&scratch.path().join("debug/libshared.so")));
}

#[test]
fn all_directives_of_the_table_are_tested() {
    let docs = fs::read_to_string(support::repository().join("docs/src/build-scripts.md")).unwrap();
    let keys: Vec<&str> =
        docs.lines().filter_map(|line| line.strip_prefix("| `cargo::")?.split(['=', '`']).next()).collect();
    assert!(keys.len() >= 18, "docs/src/build-scripts.md lists {keys:?}");
    let mut sources: String = REFUSED.map(|(line, _)| line).join("\n");
    for member in ["app", "shared", "values-sys"] {
        let script = support::fixture("build-script-output").join(member).join("build.rs");
        sources += &fs::read_to_string(script).unwrap();
    }
    for key in keys {
        let is_tested = ["cargo:", "cargo::"].iter().any(|start| sources.contains(&format!("{start}{key}=")));
        assert!(is_tested, "no fixture prints {key}");
    }
}

#[test]
fn lines_that_cargo_rejects_fail_in_nix() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let name = |ix: usize| format!("refused-{ix}");
    let members: Vec<String> = (0..REFUSED.len()).map(|ix| format!("{:?}", name(ix))).collect();
    fs::write(root.join("Cargo.toml"), format!("[workspace]\nresolver = \"2\"\nmembers = [{}]\n", members.join(", ")))
        .unwrap();
    for (ix, (line, _)) in REFUSED.iter().enumerate() {
        let package = root.join(name(ix));
        fs::create_dir_all(package.join("src")).unwrap();
        let manifest = format!("[package]\nname = \"{}\"\nedition = \"2021\"\nlinks = \"r{ix}\"\n", name(ix));
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        fs::write(package.join("src/lib.rs"), "").unwrap();
        fs::write(package.join("build.rs"), format!("fn main() {{ println!({line:?}); }}\n")).unwrap();
    }
    support::run(Command::new("cargo").args(["generate-lockfile", "--quiet", "--offline"]).current_dir(root));
    support::run(support::cratewright().args(["generate", "--quiet"]).current_dir(root));
    let refused = |output: Output, by: &str, (line, words): (&str, &str)| {
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{by} takes {line}");
        assert!(text.contains(words), "{by} reports for {line}: {text}");
    };
    for (ix, &case) in REFUSED.iter().enumerate() {
        let cargo = Command::new("cargo").args(["build", "--offline", "-p", &name(ix)]).current_dir(root).output();
        refused(cargo.unwrap(), "cargo", case);
        let attribute = format!("workspaceMembers.{}.build", name(ix));
        let nix = nix::nix("nix-build").arg(root.join("Cargo.nix")).args(["-A", &attribute]).output();
        refused(nix.unwrap(), "nix", case);
    }
}

/// Programs find the compiled-in directories of the crates that they link. A program that refers to no directory keeps
/// none.
#[test]
fn compiled_in_directories_are_kept_if_something_refers_to_them() {
    let closure = |output: &Path| -> Vec<String> {
        let query = support::stdout(nix::nix("nix-store").args(["--query", "--requisites"]).arg(output));
        query.lines().map(|path| path.split_once('-').unwrap().1.to_owned()).collect()
    };
    let app = built_by_nix("compiled-in", "workspaceMembers.app.build");
    assert_eq!(closure(&app), ["app-0.1.0"]);
    assert!(app.join("share/cargo/app-0.1.0/app/assets/own").is_file());
    let plain = built_by_nix("compiled-in", "workspaceMembers.plain.build");
    assert_eq!(closure(&plain), ["plain-0.1.0"]);
    assert_eq!(support::tree(&plain).len(), 1, "the output is more than a program: {:?}", support::tree(&plain).keys());
    // fixture.toml has the expected output, which cargo's build must print as well.
    let scratch = tempfile::tempdir().unwrap();
    built_by_cargo("compiled-in", scratch.path());
    let printed = |path: PathBuf| support::stdout(&mut Command::new(path));
    assert_eq!(printed(app.join("bin/app")), printed(scratch.path().join("debug/app")));
}

/// The user's value takes precedence, whether an attribute, `env` or a hook sets it.
#[test]
fn an_override_sets_the_directory_of_the_manifest() {
    let cargo_nix = support::fixture("compiled-in").join("Cargo.nix");
    for set in [
        "CARGO_MANIFEST_DIR = \"/given\";",
        "env.CARGO_MANIFEST_DIR = \"/given\";",
        "preConfigure = \"export CARGO_MANIFEST_DIR=/given\";",
        "postConfigure = \"export CARGO_MANIFEST_DIR=/given\";",
    ] {
        let expression = format!(
            "((import {}) {{ crateOverrides.vendor-src = _: {{ {set} }}; }}).workspaceMembers.vendor-src.build.lib",
            cargo_nix.display()
        );
        let output = nix::build_expression(&expression);
        let named = fs::read_dir(output.join("lib")).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
            path.extension().is_some_and(|extension| extension == "rlib")
                && String::from_utf8_lossy(&fs::read(path).unwrap()).contains("/given/vendor")
        });
        assert!(named, "{set}");
    }
}
