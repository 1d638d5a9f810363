//! Inputs of small workspaces that exist in memory only.
#![allow(missing_docs, reason = "a test binary has no users")]

use std::collections::BTreeMap;

use cratewright_staleness::{InputError, Inputs, Look, Moved, check, stamped};

type Files = BTreeMap<String, String>;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// A workspace of two members, one found by a glob, with a lock.
fn workspace() -> Files {
    files(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"app\", \"crates/*\"]\n\n[workspace.dependencies]\nserde = \"1\"\n"),
        (
            "app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[dependencies]\nserde.workspace = true\n",
        ),
        ("app/src/main.rs", ""),
        ("crates/leaf/Cargo.toml", "[package]\nname = \"leaf\"\nversion = \"0.1.0\"\n"),
        ("crates/leaf/src/lib.rs", ""),
        ("Cargo.lock", "version = 4\n"),
    ])
}

fn read(files: &Files) -> Inputs {
    Inputs::read(files, Look::Everywhere).unwrap_or_else(|error| panic!("{error}"))
}

/// As the renderer lays it out; nothing in here needs to be escaped.
fn record(inputs: &Inputs) -> String {
    let section = |(file, lines): (&String, &String)| {
        let lines: String = lines.lines().map(|line| format!("      {line}\n")).collect();
        format!("    \"{file}\" = ''\n{lines}    '';\n")
    };
    format!("{{\n  inputs = {{\n{}  }};\n}}\n", inputs.sections().iter().map(section).collect::<String>())
}

/// What `check` says after `edit`.
fn moved(edit: impl FnOnce(&mut Files)) -> Vec<String> {
    let mut files = workspace();
    let cargo_nix = stamped(&record(&read(&files)));
    let recorded = Inputs::recorded(&cargo_nix).unwrap();
    assert_eq!(check(&cargo_nix, &recorded, &read(&files)), Ok(Vec::new()));
    edit(&mut files);
    check(&cargo_nix, &recorded, &read(&files)).unwrap().iter().map(Moved::describe).collect()
}

fn replace(files: &mut Files, path: &str, from: &str, to: &str) {
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} has no {from:?}");
    *text = text.replace(from, to);
}

#[test]
fn a_key_is_named_where_it_stands() {
    let found = moved(|files| {
        replace(files, "Cargo.toml", "serde = \"1\"", "serde = { version = \"1\", features = [\"b\", \"a\"] }")
    });
    assert_eq!(found, ["Cargo.toml: workspace.dependencies.serde.features is new: [\"a\", \"b\"]"]);
    let found = moved(|files| replace(files, "app/Cargo.toml", "0.1.0", "0.2.0"));
    assert_eq!(found, ["app/Cargo.toml: package.version: \"0.1.0\" -> \"0.2.0\""]);
}

#[test]
fn of_lists_only_the_difference_is_told() {
    let found = moved(|files| {
        files.insert("app/src/bin/tool.rs".to_owned(), String::new());
        files.remove("app/src/main.rs");
    });
    assert_eq!(found, ["app/Cargo.toml: (files): added \"src/bin/tool.rs\"; removed \"src/main.rs\""]);
}

#[test]
fn of_a_locked_package_it_is_told_what_moved() {
    let package = |name: &str, rest: &str| {
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\"\n{rest}")
    };
    let lock = |files: &mut Files, rest: &str| {
        let text = format!("version = 4\n{}{rest}{}", package("b", "checksum = \"22\"\n"), package("c", ""));
        files.insert("Cargo.lock".to_owned(), text);
    };
    let moved = |old: &str, new: &str| {
        let mut files = workspace();
        lock(&mut files, old);
        let recorded = read(&files);
        lock(&mut files, new);
        read(&files).moved_since(&recorded).iter().map(|moved| moved.describe()).collect::<Vec<_>>()
    };
    let plain = package("a", "checksum = \"1111111111\"\ndependencies = [\"b\"]\n");
    let other = package("a", "checksum = \"2222222222\"\ndependencies = [\"c\"]\n");
    assert_eq!(
        moved(&plain, &other),
        [
            "Cargo.lock: a 1.0.0: checksum 11111111 -> 22222222",
            "Cargo.lock: a 1.0.0: dependencies: added \"c\"; removed \"b\"",
        ]
    );
    // The last digits count as well.
    assert_eq!(moved(&plain, &plain.replace("1111111111", "1111111110")).len(), 1);
    let local = "\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"b 1.0.0\"]\n";
    assert_eq!(moved(local, &plain), ["Cargo.lock: a 1.0.0: source local -> crates.io"]);
}

#[test]
fn what_nobody_inherits_does_not_count() {
    assert!(moved(|files| replace(files, "Cargo.toml", "serde = \"1\"", "serde = \"1\"\nother = \"2\"")).is_empty());
}

#[test]
fn members_come_and_go() {
    let found = moved(|files| {
        files.insert("crates/new/Cargo.toml".to_owned(), "[package]\nname = \"new\"\n".to_owned());
    });
    assert!(found.contains(&"crates/new/Cargo.toml: (is a member) is new: true".to_owned()), "{found:?}");
    let found = moved(|files| replace(files, "Cargo.toml", ", \"crates/*\"", ""));
    assert!(found.iter().all(|line| line.starts_with("crates/leaf/Cargo.toml: ")) && !found.is_empty(), "{found:?}");
}

#[test]
fn what_a_pattern_stands_for_exists() {
    let with = |members: &str| {
        let mut files = workspace();
        replace(&mut files, "Cargo.toml", "\"crates/*\"", members);
        files.insert("crates/leaf/derive/Cargo.toml".to_owned(), "[package]\nname = \"derive\"\n".to_owned());
        files.insert("crates/other/Cargo.toml".to_owned(), "[package]\nname = \"other\"\n".to_owned());
        let inputs = read(&files);
        let members = inputs.packages().filter(|(_, is_member)| *is_member);
        members.map(|(directory, _)| directory.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(with("\"crates/*/derive\""), ["app", "crates/leaf/derive"]);
    assert_eq!(with("\"./crates/[lm]eaf/\""), ["app", "crates/leaf"]);
    assert_eq!(with("\"crates/**/derive\""), ["app", "crates/leaf/derive"]);
}

/// A member by path, and what `exclude` says of it.
#[test]
fn exclude_is_compared_as_it_is_written() {
    let is_member = |lists: &str| {
        let mut files = workspace();
        replace(&mut files, "Cargo.toml", "members = [\"app\", \"crates/*\"]", lists);
        replace(&mut files, "app/Cargo.toml", "[dependencies]", "[dependencies]\nleaf = { path = \"../crates/leaf\" }");
        read(&files).packages().any(|package| package == ("crates/leaf", true))
    };
    assert!(is_member("members = [\"app\"]"));
    assert!(!is_member("members = [\"app\"]\nexclude = [\"./crates/\"]"));
    assert!(is_member("members = [\"app\"]\nexclude = [\"app/../crates\"]"));
    assert!(is_member("members = [\"app\", \"crates/leaf\"]\nexclude = [\"crates\"]"));
}

#[test]
fn packages_that_the_configuration_puts_in_place_count() {
    let mut files = workspace();
    files.insert(".cargo/config.toml".to_owned(), "include = [\"more.toml\"]\n".to_owned());
    files.insert(".cargo/more.toml".to_owned(), "[patch.crates-io]\nserde = { path = \"vendor/serde\" }\n".to_owned());
    files.insert("vendor/serde/Cargo.toml".to_owned(), "[package]\nname = \"serde\"\n".to_owned());
    let before = read(&files);
    replace(&mut files, "vendor/serde/Cargo.toml", "]\n", "]\nlinks = \"x\"\n");
    let moved = read(&files).moved_since(&before);
    assert_eq!(moved.len(), 1);
    assert_eq!((moved[0].file.as_str(), moved[0].key.as_str()), ("vendor/serde/Cargo.toml", "package.links"));
}

#[test]
fn what_cargo_would_miss_is_an_error() {
    let error = |edit: fn(&mut Files)| {
        let mut files = workspace();
        edit(&mut files);
        Inputs::read(&files, Look::Everywhere).unwrap_err()
    };
    let missing = error(|files| drop(files.remove("app/Cargo.toml")));
    assert_eq!(
        missing.to_string(),
        "`app/Cargo.toml` does not exist, to which `workspace.members = \"app\"` of `Cargo.toml` leads"
    );
    let inherited = error(|files| replace(files, "Cargo.toml", "serde = \"1\"", ""));
    assert!(matches!(inherited, InputError::NotInherited { key, .. } if key == "workspace.dependencies.serde"));
    let conflict = error(|files| replace(files, "Cargo.lock", "version", "<<<<<<< HEAD\nversion"));
    assert!(matches!(conflict, InputError::Conflict { line: 1, .. }));
    assert!(matches!(error(|files| drop(files.remove("Cargo.lock"))), InputError::NoLock));
    assert!(matches!(error(|files| replace(files, "Cargo.lock", "4", "5")), InputError::InvalidLock { .. }));
    assert!(matches!(error(|files| replace(files, "Cargo.toml", "]", "")), InputError::InvalidToml { .. }));
    let leaves = error(|files| replace(files, "Cargo.toml", "\"app\"", "\"/here/app\""));
    assert!(matches!(leaves, InputError::Absolute { from, .. } if from == "Cargo.toml"));
    let nested = error(|files| replace(files, "app/Cargo.toml", "[dep", "[workspace]\n[dep"));
    assert!(matches!(nested, InputError::NestedWorkspace { file } if file == "app/Cargo.toml"));
    let pattern = error(|files| replace(files, "Cargo.toml", "crates/*", "crates/b**"));
    assert!(matches!(pattern, InputError::InvalidList { key: "workspace.members", .. }));
}

/// One set of packages, as each version of the format writes it.
#[test]
fn versions_of_the_lock_format_do_not_count() {
    let sum = "ab".repeat(32);
    let newest = |version: &str| {
        format!(
            "version = {version}\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"rand 0.7.0\",\n \"serde\",\n]\n\n\
             [[package]]\nname = \"rand\"\nversion = \"0.7.0\"\nsource = \"{REGISTRY}\"\nchecksum = \"{sum}\"\n\n\
             [[package]]\nname = \"rand\"\nversion = \"0.8.0\"\nsource = \"{REGISTRY}\"\nchecksum = \"{sum}\"\n\n\
             [[package]]\nname = \"serde\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\"\nchecksum = \"{sum}\"\n"
        )
    };
    let second = newest("3").replace("version = 3\n\n", "");
    let first = second
        .replace(&format!("checksum = \"{sum}\"\n"), "")
        .replace("\"rand 0.7.0\"", &format!("\"rand 0.7.0 ({REGISTRY})\""))
        .replace("\"serde\",", &format!("\"serde 1.0.0 ({REGISTRY})\","))
        + &["rand 0.7.0", "rand 0.8.0", "serde 1.0.0"]
            .map(|name| format!("\"checksum {name} ({REGISTRY})\" = \"{sum}\"\n"))
            .concat()
            .replacen('"', "\n[metadata]\n\"", 1);
    let with = |lock: &str| {
        let mut files = workspace();
        files.insert("Cargo.lock".to_owned(), lock.to_owned());
        read(&files)
    };
    let expected = with(&newest("4"));
    for lock in [newest("3"), second, first] {
        assert_eq!(with(&lock), expected, "{lock}");
    }
    assert_ne!(with(&newest("4").replace("rand 0.7.0", "rand 0.8.0")), expected, "which version is meant counts");
}
