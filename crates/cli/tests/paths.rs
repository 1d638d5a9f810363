//! Packages outside the workspace root.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support;
use crate::support::git::Scratch;
use crate::support::nix;

const PACKAGE: &str = "version = \"0.1.0\"\nedition = \"2024\"\n";

/// A repository with a workspace in `repo/rust`, and packages and another workspace next to that.
fn repository() -> Scratch {
    let scratch = Scratch::new();
    let library = |text: &str| format!("pub fn say() -> &'static str {{ \"{text}\" }}");
    scratch.write(
        "repo",
        &[
            (
                "rust/Cargo.toml",
                "[workspace]\nmembers = [\"app\", \"../beside\"]\nresolver = \"3\"\n\n[workspace.dependencies]\n\
                 util = { path = \"../shared/util\" }\n\n[patch.crates-io]\nitoa = { path = \"../shared/itoa\" }\n",
            ),
            (
                "rust/app/Cargo.toml",
                &format!(
                    "[package]\nname = \"app\"\n{PACKAGE}[dependencies]\nutil.workspace = true\nbeside = {{ path = \"../../beside\" }}\nitoa = \"1\"\n"
                ),
            ),
            ("rust/app/src/main.rs", "fn main() { println!(\"{} {} {}\", util::say(), beside::say(), itoa::say()); }"),
            // A member that refers to its workspace by `workspace`.
            ("beside/Cargo.toml", &format!("[package]\nname = \"beside\"\n{PACKAGE}workspace = \"../rust\"\n")),
            ("beside/src/lib.rs", &library("beside")),
            // A package of another workspace, from which it inherits.
            ("shared/Cargo.toml", "[workspace]\nmembers = [\"util\", \"deeper\"]\n[workspace.package]\nversion = \"3.1.0\"\nedition = \"2021\"\n"),
            (
                "shared/util/Cargo.toml",
                "[package]\nname = \"util\"\nversion.workspace = true\nedition.workspace = true\n[dependencies]\ndeeper = { path = \"../deeper\" }\n",
            ),
            ("shared/util/src/lib.rs", "pub fn say() -> &'static str { concat!(env!(\"CARGO_PKG_VERSION\"), \" util\") }"),
            ("shared/deeper/Cargo.toml", &format!("[package]\nname = \"deeper\"\n{PACKAGE}")),
            ("shared/deeper/src/lib.rs", &library("deeper")),
            ("shared/itoa/Cargo.toml", "[package]\nname = \"itoa\"\nversion = \"1.99.0\"\nedition = \"2021\"\n[workspace]\n"),
            ("shared/itoa/src/lib.rs", &library("patched")),
        ],
    );
    scratch
}

fn app(scratch: &Scratch, root: &str) -> String {
    let bin = scratch.build(root, "workspaceMembers.app.build").join("bin/app");
    support::stdout(&mut Command::new(bin))
}

fn check(root: &Path) -> Output {
    support::cratewright().arg("check").current_dir(root).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

#[test]
fn packages_next_to_the_root_are_built_in_place() {
    let scratch = repository();
    let text_of_file = scratch.generate("repo/rust");
    for dir in [
        "dir = \"../shared/util\";",
        "dir = \"../shared/deeper\";",
        "dir = \"../beside\";",
        "dir = \"../shared/itoa\";",
    ] {
        assert!(text_of_file.contains(dir), "{dir}: {text_of_file}");
    }
    assert!(text_of_file.contains("beside = \"beside@0.1.0\";"), "a member: {text_of_file}");
    assert!(!text_of_file.contains("util = \"util"), "util is listed as a member: {text_of_file}");
    assert_eq!(app(&scratch, "repo/rust"), "3.1.0 util beside patched\n");

    // The checks read these packages as well.
    let root = scratch.path("repo/rust");
    let evaluate = || nix::library("cargo-nix", &root, "{ }", &["nix-instantiate", "--eval"]);
    let lock_sync = || {
        let arguments = "{ inherit cratewright; }";
        nix::library("lock-sync", &root, arguments, &["nix-build", "--no-out-link"])
    };
    assert!(evaluate().status.success(), "{}", text(&evaluate()));
    assert!(lock_sync().status.success(), "{}", text(&lock_sync()));
    for (file, old, new, says) in [
        (
            "shared/Cargo.toml",
            "3.1.0",
            "3.2.0",
            "../shared/Cargo.toml: workspace.package.version: \"3.1.0\" -> \"3.2.0\"",
        ),
        (
            "shared/deeper/Cargo.toml",
            "2024",
            "2021",
            "../shared/deeper/Cargo.toml: package.edition: \"2024\" -> \"2021\"",
        ),
        ("beside/Cargo.toml", "2024", "2021", "../beside/Cargo.toml: package.edition: \"2024\" -> \"2021\""),
    ] {
        let path = scratch.path("repo").join(file);
        let before = fs::read_to_string(&path).unwrap();
        fs::write(&path, before.replace(old, new)).unwrap();
        for output in [check(&root), lock_sync()] {
            assert!(!output.status.success() && text(&output).contains(says), "{says}: {}", text(&output));
        }
        let (file, rest) = says.split_once(": ").unwrap();
        let line = format!("{file}: + {} = \"{new}\"", rest.split(": ").next().unwrap());
        assert!(text(&evaluate()).contains(&line), "{line}: {}", text(&evaluate()));
        fs::write(&path, before).unwrap();
    }
    // A change rebuilds what depends on it.
    let derivation = |member: &str| {
        nix::instantiate(&root.join("Cargo.nix"), &format!("workspaceMembers.{member}.build"), "x86_64-linux")
    };
    let before = [derivation("app"), derivation("beside")];
    scratch.write("repo", &[("shared/deeper/src/lib.rs", "pub fn say() -> &'static str { \"other\" }")]);
    let after = [derivation("app"), derivation("beside")];
    assert_eq!([before[0] != after[0], before[1] != after[1]], [true, false]);
}

#[test]
fn packages_that_nix_cannot_see_can_be_passed_as_an_argument() {
    let scratch = repository();
    scratch.generate("repo/rust");
    // As in a flake in the directory of the workspace.
    support::copy_tree(&scratch.path("repo/rust"), &scratch.path("alone"));
    let alone = scratch.path("alone");
    let evaluate = |arguments: &str| {
        let output =
            nix::library("cargo-nix", &alone, arguments, &["nix-instantiate", "-A", "workspaceMembers.app.build"]);
        (output.status.success(), text(&output))
    };
    // Outside of the store, Nix sees what there is.
    let entry = format!("externalSources.\"../beside\" = {};", alone.join("nowhere").display());
    for (arguments, words) in [
        ("", [" needs ../", "which does not exist in /", "help: restore it, or run `cratewright generate`"]),
        (
            &entry,
            [
                "beside needs ../beside",
                "does not exist in `externalSources.\"../beside\"`",
                "the directory that contains it",
            ],
        ),
    ] {
        let (success, said) = evaluate(&format!("{{ lockSync = false; {arguments} }}"));
        assert!(!success);
        for words in words {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    let given: String = ["beside", "shared/util", "shared/deeper", "shared/itoa", "shared"]
        .map(|path| format!("\"../{path}\" = {};", scratch.path("repo").join(path).display()))
        .concat();
    let (success, said) = evaluate(&format!("{{ externalSources = {{ {given} }}; }}"));
    assert!(success, "{said}");
    let derivation = said.lines().find(|line| line.ends_with(".drv")).unwrap();
    let there = nix::instantiate(&scratch.path("repo/rust/Cargo.nix"), "workspaceMembers.app.build", "x86_64-linux");
    assert_eq!(derivation, there, "the same sources have different derivations");
}

#[test]
fn absolute_paths_of_packages_are_rejected() {
    let scratch = repository();
    let manifest = fs::read_to_string(scratch.path("repo/rust/Cargo.toml")).unwrap();
    let absolute = scratch.path("repo/shared/util").display().to_string();
    for (from, to, code) in [
        ("\"../shared/util\"", format!("\"{absolute}\""), "absolute-path"),
        ("\"../shared/itoa\"", format!("\"{}\"", scratch.path("repo/shared/itoa").display()), "absolute-path"),
    ] {
        scratch.write("repo/rust", &[("Cargo.toml", &manifest.replace(from, &to))]);
        support::run(
            Command::new("cargo").args(["generate-lockfile", "--offline"]).current_dir(scratch.path("repo/rust")),
        );
        let mut generate = support::cratewright();
        let output = generate.arg("generate").current_dir(scratch.path("repo/rust")).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(&format!("error[{code}]")), "{}", text(&output));
    }
    // A path that leaves the workspace and enters it again by the name of its directory.
    scratch.write(
        "repo/rust",
        &[
            ("Cargo.toml", &manifest),
            ("inner/Cargo.toml", &format!("[package]\nname = \"inner\"\n{PACKAGE}")),
            ("inner/src/lib.rs", ""),
        ],
    );
    let app = fs::read_to_string(scratch.path("repo/rust/app/Cargo.toml")).unwrap();
    scratch.write("repo/rust", &[("app/Cargo.toml", &format!("{app}inner = {{ path = \"../../rust/inner\" }}\n"))]);
    support::run(Command::new("cargo").args(["generate-lockfile", "--offline"]).current_dir(scratch.path("repo/rust")));
    let output =
        support::cratewright().args(["generate", "--force"]).current_dir(scratch.path("repo/rust")).output().unwrap();
    assert!(
        text(&output).contains("error[roundabout-path]: a path leads to package `inner` by way of `../rust/inner`"),
        "{}",
        text(&output)
    );
}

/// The layout of `cargo fuzz`: a separate workspace in the directory of the package that it depends on.
#[test]
fn a_workspace_inside_its_dependency_works() {
    let scratch = Scratch::new();
    scratch.write(
        "proj",
        &[
            ("Cargo.toml", &format!("[package]\nname = \"my\"\n{PACKAGE}build = false\n[dependencies]\nnested = {{ path = \"nested\" }}\n[workspace]\nexclude = [\"fuzz\"]\n")),
            ("build.rs", "compile_error!(\"no build script\");"),
            ("src/lib.rs", "pub fn say() -> String { format!(\"{} {}\", include_str!(\"../../note.txt\"), nested::TEXT) }"),
            ("nested/Cargo.toml", &format!("[package]\nname = \"nested\"\n{PACKAGE}")),
            ("nested/src/lib.rs", "pub const TEXT: &str = \"nested\";"),
            ("fuzz/Cargo.toml", &format!("[package]\nname = \"app\"\n{PACKAGE}[dependencies]\nmy = {{ path = \"..\" }}\n[workspace]\n")),
            ("fuzz/src/main.rs", "fn main() { println!(\"{}\", my::say()); }"),
        ],
    );
    scratch.write("", &[("note.txt", "note")]);
    scratch.generate("proj/fuzz");
    assert_eq!(app(&scratch, "proj/fuzz"), "note nested\n");
    let derivation =
        || nix::instantiate(&scratch.path("proj/fuzz/Cargo.nix"), "workspaceMembers.app.build", "x86_64-linux");
    for (file, rebuilds) in [
        ("note.txt", true),
        ("proj/src/lib.rs", true),
        ("proj/nested/src/lib.rs", true),
        ("proj/fuzz/target/x", false),
        ("proj/fuzz/Cargo.lock", false),
    ] {
        let before = derivation();
        let path = scratch.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, text + "// edited\n").unwrap();
        assert_eq!(derivation() != before, rebuilds, "{file}");
    }
}
