//! Mistakes in Cratewright's configuration: `generate` says what is wrong, where, and what to write, and `check` says
//! the same or calls the file stale. `crates/workspace` has the tests for each key with each wrong value.

use std::fs;

use crate::support::cratewright;
use crate::support::git::Scratch;

const ROOT: &str = r#"[workspace]
members = ["app", "leaf"]
resolver = "3"

[workspace.metadata.cratewright]
targets = ["x86_64-linux"]
tests = false

[workspace.metadata.cratewright.variants.loud]
features = ["loud"]
members = ["app"]
"#;

const APP: &str = r#"[package]
name = "app"
version = "0.1.0"
edition = "2024"

[package.metadata.cratewright]
extra-sources = ["../texts"]

[features]
loud = []
quiet = []
"#;

const LEAF: &str = "[package]\nname = \"leaf\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[features]\nsmall = []\n";

/// File, text to replace, replacement, code, position, and text of the error.
type Mistake = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const MISTAKES: [Mistake; 31] = [
    (
        "Cargo.toml",
        "features = [\"loud\"]",
        "features = [\"leaf/loud\"]",
        "invalid-variant",
        "10:13",
        &["declare a feature of ", "such as `more = [\"leaf/loud\"]`"],
    ),
    (
        "app/Cargo.toml",
        "[package.metadata.cratewright]",
        "[metadata.cratewright]",
        "invalid-metadata",
        "6:11",
        &["nothing reads the table `metadata.cratewright`", "did you mean `package.metadata.cratewright`?"],
    ),
    (
        "Cargo.toml",
        "[workspace.metadata.cratewright]",
        "[metadata.cratewright]",
        "invalid-metadata",
        "5:11",
        &["nothing reads the table `metadata.cratewright`", "did you mean `workspace.metadata.cratewright`?"],
    ),
    (
        "app/Cargo.toml",
        "[package.metadata.cratewright]",
        "[package.metadata.crate-wright]",
        "invalid-metadata",
        "6:19",
        &["nothing reads the table `package.metadata.crate-wright`", "did you mean `package.metadata.cratewright`?"],
    ),
    (
        "Cargo.toml",
        "[workspace.metadata.cratewright]",
        "[workspace.metadata]\ncratewrite = { tests = false }\n\n[workspace.metadata.other]",
        "invalid-metadata",
        "6:1",
        &["nothing reads the table `workspace.metadata.cratewrite`"],
    ),
    (
        "Cargo.toml",
        "features = [\"loud\"]",
        "features = []",
        "invalid-metadata",
        "9:42",
        &["`workspace.metadata.cratewright.variants.loud` selects no features", "or remove the variant"],
    ),
    (
        "app/Cargo.toml",
        "extra-sources",
        "extra-source",
        "invalid-metadata",
        "7:1",
        &["`[package.metadata.cratewright]` has no key `extra-source`", "did you mean `extra-sources`?"],
    ),
    (
        "app/Cargo.toml",
        "../texts",
        "..",
        "invalid-metadata",
        "7:18",
        &["which is a directory that contains the workspace", "extra-sources = [\"../sql\""],
    ),
    ("app/Cargo.toml", "../texts", "../txts", "missing-extra-source", "7:18", &["`txts` of `app/Cargo.toml`"]),
    (
        "Cargo.toml",
        "tests = false",
        "test = false",
        "invalid-metadata",
        "7:1",
        &["`[workspace.metadata.cratewright]` has no key `test`", "did you mean `tests`?"],
    ),
    (
        "Cargo.toml",
        "tests = false",
        "cross = [\"a:b\"]",
        "invalid-metadata",
        "7:10",
        &["has `\"a:b\"`, which is not a table", "cross = [{ host = "],
    ),
    (
        "Cargo.toml",
        "tests = false",
        "exclude-sources = \"docs\"",
        "invalid-metadata",
        "7:19",
        &[
            "write a list of names, or of paths relative to the workspace root, with `*`, `?` and `**` as wildcards, such as",
        ],
    ),
    ("Cargo.toml", "tests = false", "metadata = { }", "invalid-metadata", "7:1", &["help: write `targets`, `cross`, "]),
    ("Cargo.toml", "x86_64-linux", "x86_64-linxu", "unknown-target", "6:12", &["a Nix system such as x86_64-linux"]),
    (
        "Cargo.toml",
        "tests = false",
        "cross = [{ host = \"x86_64-linux\", target = \"wasm\" }]",
        "unknown-target",
        "7:10",
        &["rustc does not know the target `wasm`"],
    ),
    (
        "Cargo.toml",
        "tests = false",
        "library = \"nix\"",
        "invalid-metadata",
        "7:11",
        &[
            "has `nix`, which is neither a `.nix` file nor a directory",
            "write `\"beside\"`, `\"embedded\"`, or the path",
        ],
    ),
    (
        "Cargo.toml",
        "tests = false",
        "library = \"app\"",
        "invalid-metadata",
        "7:11",
        &["has `app`, which is a directory without `default.nix`", "write `\"beside\"`, `\"embedded\"`, or the path"],
    ),
    (
        "Cargo.toml",
        "tests = false",
        "limits.banned = [\"time 0.1\"]",
        "invalid-metadata",
        "7:18",
        &["`workspace.metadata.cratewright.limits.banned` has `\"time 0.1\"`, which is not a package", "\"time@0.1\""],
    ),
    (
        "Cargo.toml",
        "members = [\"app\"]",
        "members = [\"ap\"]",
        "invalid-variant",
        "11:12",
        &["variant `loud`: there is no member `ap`", "did you mean `app`?"],
    ),
    ("Cargo.toml", "members = [\"app\"]", "members = []", "invalid-metadata", "11:11", &["which is an empty list"]),
    (
        "Cargo.toml",
        "features = [\"loud\"]",
        "features = [\"quite\"]",
        "invalid-variant",
        "10:13",
        &["package `app 0.1.0` has no feature `quite`", "did you mean `quiet`?"],
    ),
    (
        "Cargo.toml",
        "features = [\"loud\"]\nmembers = [\"app\"]",
        "features = [\"loud\", \"smal\"]",
        "invalid-variant",
        "10:21",
        &["no member has the feature `smal`", "did you mean `small`?"],
    ),
    (
        "Cargo.toml",
        "features = [\"loud\"]\nmembers = [\"app\"]",
        "features = [\"loud\", \"small\"]",
        "invalid-variant",
        "9:42",
        &["no member has all of the features `loud`, `small`", "declare a variant for each member"],
    ),
    ("Cargo.toml", "variants.loud]", "variants.\"lo ud\"]", "invalid-variant", "9:42", &["use letters, digits, `-`"]),
    (
        "Cargo.toml",
        "features = [\"loud\"]",
        "features = [\"loud\"]\nall-features = true",
        "invalid-variant",
        "9:42",
        &["`all-features` cannot be combined with other features", "remove `all-features`"],
    ),
    (
        "Cargo.toml",
        "resolver = \"3\"\n\n[workspace.metadata.cratewright]",
        "resolver = \"1\"\n\n[workspace.metadata.cratewright]\nvariants.bare.no-default-features = true",
        "invalid-variant",
        "6:10",
        &["under resolver 1, cargo cannot give features to several members at once"],
    ),
    // Tables in addition to the recorded ones.
    (
        "leaf/Cargo.toml",
        "[features]",
        "[package.metadata.cratewrite]\nextra-sources = []\n[features]",
        "invalid-metadata",
        "6:19",
        &["nothing reads the table `package.metadata.cratewrite`"],
    ),
    (
        "leaf/Cargo.toml",
        "[features]",
        "[metadata.cratewright]\n[features]",
        "invalid-metadata",
        "6:11",
        &["nothing reads the table `metadata.cratewright`"],
    ),
    (
        "leaf/Cargo.toml",
        "[features]",
        "[package.cratewright]\n[features]",
        "invalid-metadata",
        "6:10",
        &["nothing reads the table `package.cratewright`", "did you mean `package.metadata.cratewright`?"],
    ),
    (
        "Cargo.toml",
        "[workspace.metadata.cratewright.variants.loud]",
        "[workspace.cratewright]\ntests = true\n\n[workspace.metadata.cratewright.variants.loud]",
        "invalid-metadata",
        "9:12",
        &["nothing reads the table `workspace.cratewright`", "did you mean `workspace.metadata.cratewright`?"],
    ),
    ("Cargo.toml", "\"leaf\"]", "\"leaf\", \"gone\"]", "cargo-refused", "", &["gone/Cargo.toml"]),
];

#[test]
fn mistakes_are_explained_and_never_fresh() {
    let scratch = Scratch::new();
    let files = [("Cargo.toml", ROOT), ("app/Cargo.toml", APP), ("leaf/Cargo.toml", LEAF)];
    scratch.write("w", &files);
    scratch.write("w", &[("app/src/main.rs", "fn main() {}\n"), ("leaf/src/lib.rs", ""), ("texts/a.txt", "a\n")]);
    let fresh = scratch.generate("w");
    let root = scratch.path("w");
    let run = |arguments: &[&str]| {
        let output = scratch.environment(cratewright().args(arguments).current_dir(&root)).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (file, from, to, code, position, texts) in MISTAKES {
        let (_, text) = files.iter().find(|(name, _)| *name == file).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from}");
        scratch.write("w", &[(file, &text.replace(from, to))]);
        let checked = run(&["check"]);
        let (status, said) = run(&["generate", "--offline"]);
        assert_eq!(status, Some(2), "{to}: {said}");
        let place = format!("  at: {}:{position}\n", root.join(file).display());
        let place = if position.is_empty() { String::new() } else { place };
        for text in [&format!("error[{code}]"), &place].map(String::as_str).into_iter().chain(texts.iter().copied()) {
            assert!(said.contains(text), "{to}: {text:?} is not in: {said}");
        }
        // A wrong setting is what `check` reports as well, not the stale file.
        match code {
            "invalid-metadata" => {
                assert!(checked.0 == Some(2) && checked.1.lines().next() == said.lines().next(), "{to}: {checked:?}");
                assert!(checked.1.contains(&place), "{to}: {checked:?}");
            }
            _ => assert!(matches!(checked.0, Some(1 | 2)), "after `{to}`: {checked:?}"),
        }
        scratch.write("w", &[(file, text)]);
    }
    assert_eq!(fs::read_to_string(root.join("Cargo.nix")).unwrap(), fresh);
    assert_eq!(run(&["check"]).0, Some(0));
}
