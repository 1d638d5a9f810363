//! Records of small workspaces in memory.
#![allow(missing_docs, reason = "a test binary has no users")]

use std::collections::BTreeMap;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_staleness::{Observer, Record, Sources, recorded, stamped};
use cratewright_workspace::Workspace;

type Files = BTreeMap<String, String>;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn files(list: &[(&str, &str)]) -> Files {
    list.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// A workspace of two members, one of which matches a wildcard, with a lock file.
fn workspace() -> Files {
    files(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"app\", \"crates/*\"]\n\n[workspace.dependencies]\nserde = \"1\"\n"),
        (
            "app/Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nserde.workspace = true\n",
        ),
        ("app/src/main.rs", ""),
        ("crates/leaf/Cargo.toml", "[package]\nname = \"leaf\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("crates/leaf/src/lib.rs", ""),
        ("Cargo.lock", "version = 4\n"),
    ])
}

/// The record that `generate` makes.
fn try_read(files: &Files) -> Result<Record, Diagnostic> {
    let observer = Observer::new(files);
    Workspace::discover(&observer)?;
    let lock = observer.lock()?;
    Ok(Record::new(observer).with_lock(&lock).with_reads(files).0)
}

fn read(files: &Files) -> Record {
    try_read(files).unwrap_or_else(|error| panic!("{error}"))
}

/// Lays out a record as the renderer does, without escapes.
fn cargo_nix(record: &Record) -> String {
    let section = |(file, lines): (&String, &String)| {
        let lines: String = lines.lines().map(|line| format!("      {line}\n")).collect();
        format!("    \"{file}\" = ''\n{lines}    '';\n")
    };
    stamped(&format!("{{\n  inputs = {{\n{}  }};\n}}\n", record.sections().iter().map(section).collect::<String>()))
}

/// The changes that `check` reports after `edit`. If `generate` still succeeds, it must record something else exactly
/// if there are changes.
fn changes_of(mut files: Files, edit: impl FnOnce(&mut Files)) -> Vec<String> {
    let before = read(&files);
    let record = recorded(&cargo_nix(&before)).unwrap().unwrap();
    assert_eq!(record, before);
    assert_eq!(record.replay(&files, Sources::Scan).unwrap(), before);
    edit(&mut files);
    let changes = record.changes(&record.replay(&files, Sources::Scan).unwrap());
    if let Ok(now) = try_read(&files) {
        assert_eq!(changes.is_empty(), now == record);
    }
    changes.iter().map(|change| change.describe()).collect()
}

fn moved(edit: impl FnOnce(&mut Files)) -> Vec<String> {
    changes_of(workspace(), edit)
}

fn replace(files: &mut Files, path: &str, from: &str, to: &str) {
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} has no {from:?}");
    *text = text.replace(from, to);
}

#[test]
fn change_has_file_and_full_key() {
    let found = moved(|files| {
        replace(files, "Cargo.toml", "serde = \"1\"", "serde = { version = \"1\", features = [\"b\", \"a\"] }")
    });
    assert_eq!(found, ["Cargo.toml: workspace.dependencies.serde.features is new: [\"a\", \"b\"]"]);
    let found = moved(|files| replace(files, "app/Cargo.toml", "0.1.0", "0.2.0"));
    assert_eq!(found, ["app/Cargo.toml: package.version: \"0.1.0\" -> \"0.2.0\""]);
}

#[test]
fn changed_list_is_described_by_its_difference() {
    let found = moved(|files| {
        files.insert("app/src/bin/tool.rs".to_owned(), String::new());
        files.remove("app/src/main.rs");
    });
    assert_eq!(found, ["app/Cargo.toml: (files): added \"src/bin/tool.rs\"; removed \"src/main.rs\""]);
}

#[test]
fn changed_locked_package_is_described_by_its_facts() {
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
        changes_of(files, |files| lock(files, new))
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
    // All digits of a checksum matter.
    assert_eq!(moved(&plain, &plain.replace("1111111111", "1111111110")).len(), 1);
    let local = "\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"b\"]\n";
    assert_eq!(moved(local, &plain), ["Cargo.lock: a 1.0.0: source local -> crates.io"]);
}

#[test]
fn added_and_removed_members_are_changes() {
    let found = moved(|files| {
        files.insert("crates/new/Cargo.toml".to_owned(), "[package]\nname = \"new\"\n".to_owned());
    });
    assert_eq!(found, ["crates/new: it is a new directory that `crates/*` matches"]);
    let found = moved(|files| replace(files, "Cargo.toml", ", \"crates/*\"", ""));
    assert_eq!(found, ["Cargo.toml: workspace.members: removed \"crates/*\""]);
    let found = moved(|files| drop(files.remove("app/Cargo.toml")));
    assert_eq!(found, ["app/Cargo.toml: it no longer exists"]);
}

/// Cargo rejects directories without a manifest, so those that come and go are excluded where a wildcard matches them.
#[test]
fn excluded_directories_are_not_changes() {
    let mut files = workspace();
    replace(&mut files, "Cargo.toml", "\"crates/*\"]", "\"crates/*\"]\nexclude = [\"crates/target\", \"crates/leaf\"]");
    files.insert("crates/target/x".to_owned(), String::new());
    assert_eq!(changes_of(files.clone(), |files| drop(files.remove("crates/target/x"))), [""; 0]);
    assert_eq!(changes_of(files, |files| drop(files.insert("crates/leaf/y".to_owned(), String::new()))), [""; 0]);
    let found = moved(|files| drop(files.insert("crates/empty/x".to_owned(), String::new())));
    assert_eq!(found, ["crates/empty: it is a new directory that `crates/*` matches"]);
}

#[test]
fn new_files_are_changes_if_they_were_looked_for() {
    let write = |file: &str, text: &str| moved(|files| drop(files.insert(file.to_owned(), text.to_owned())));
    assert_eq!(write(".cargo/config.toml", "[build]\ntarget-dir = 'out'\n"), [""; 0]);
    assert_eq!(write(".cargo/config.toml", "[env]\nA = 'a'\n"), [".cargo/config.toml: env.A is new: \"a\""]);
    assert_eq!(write(".cargo/config", ""), [".cargo/config: it did not exist before"]);
    let mut files = workspace();
    replace(&mut files, "app/Cargo.toml", "[dependencies]", "[dependencies]\nout = { path = \"../../out\" }");
    let found = changes_of(files, |files| {
        files.insert("../out/Cargo.toml".to_owned(), "[package]\nname = \"out\"\n".to_owned());
    });
    assert_eq!(found, ["../out/Cargo.toml: it did not exist before"]);
}

#[test]
fn wildcards_match_only_existing_directories() {
    let with = |members: &str| {
        let mut files = workspace();
        replace(&mut files, "Cargo.toml", "\"crates/*\"", members);
        files.insert("crates/leaf/derive/Cargo.toml".to_owned(), "[package]\nname = \"derive\"\n".to_owned());
        files.insert("crates/other/Cargo.toml".to_owned(), "[package]\nname = \"other\"\n".to_owned());
        let record = read(&files);
        let members = record.packages().filter(|(_, is_member)| *is_member);
        members.map(|(directory, _)| directory.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(with("\"crates/*/derive\""), ["app", "crates/leaf/derive"]);
    assert_eq!(with("\"./crates/[lm]eaf/\""), ["app", "crates/leaf"]);
    assert_eq!(with("\"crates/**/derive\""), ["app", "crates/leaf/derive"]);
}

/// A path dependency is a member unless `exclude` matches it as written.
#[test]
fn exclude_is_compared_as_it_is_written() {
    let is_member = |lists: &str| {
        let mut files = workspace();
        replace(&mut files, "Cargo.toml", "members = [\"app\", \"crates/*\"]", lists);
        replace(&mut files, "app/Cargo.toml", "[dependencies]", "[dependencies]\nleaf = { path = \"../crates/leaf\" }");
        read(&files).packages().any(|(directory, is_member)| &*directory == "crates/leaf" && is_member)
    };
    assert!(is_member("members = [\"app\"]"));
    assert!(!is_member("members = [\"app\"]\nexclude = [\"./crates/\"]"));
    assert!(is_member("members = [\"app\"]\nexclude = [\"app/../crates\"]"));
    assert!(is_member("members = [\"app\", \"crates/leaf\"]\nexclude = [\"crates\"]"));
}

#[test]
fn packages_patched_in_cargos_configuration_are_inputs() {
    let mut files = workspace();
    files.insert(".cargo/config.toml".to_owned(), "include = [\"more.toml\"]\n".to_owned());
    files.insert(".cargo/more.toml".to_owned(), "[patch.crates-io]\nserde = { path = \"vendor/serde\" }\n".to_owned());
    files.insert("vendor/serde/Cargo.toml".to_owned(), "[package]\nname = \"serde\"\n".to_owned());
    let found = changes_of(files, |files| replace(files, "vendor/serde/Cargo.toml", "]\n", "]\nlinks = \"x\"\n"));
    assert_eq!(found, ["vendor/serde/Cargo.toml: package.links is new: \"x\""]);
}

/// Checks code and position of the errors.
#[test]
fn errors_have_file_and_position() {
    let error = |edit: fn(&mut Files)| {
        let mut files = workspace();
        edit(&mut files);
        let error = try_read(&files).unwrap_err();
        let position = error.position.map(|position| format!(":{position}")).unwrap_or_default();
        format!("{} {}{position}", error.code, error.file.unwrap_or_default())
    };
    let conflict = error(|files| replace(files, "Cargo.lock", "version", "<<<<<<< HEAD\nversion"));
    assert_eq!(conflict, "unfinished-merge Cargo.lock:1:1");
    assert_eq!(error(|files| drop(files.remove("Cargo.lock"))), "no-lock-file Cargo.lock");
    assert_eq!(error(|files| replace(files, "Cargo.lock", "4", "5")), "invalid-lock-file Cargo.lock:1:1");
    assert_eq!(
        error(|files| replace(files, "app/Cargo.toml", "dependencies]", "dependencies")),
        "invalid-toml app/Cargo.toml:6:14"
    );
    assert_eq!(error(|files| replace(files, "app/Cargo.toml", "\"app\"", "1")), "invalid-manifest app/Cargo.toml:2:8");
    assert_eq!(error(|files| replace(files, "Cargo.toml", "\"app\"", "\"/here/app\"")), "absolute-path Cargo.toml");
    assert_eq!(error(|files| replace(files, "Cargo.toml", "crates/*", "crates/b**")), "invalid-manifest Cargo.toml");
    let metadata = error(|files| {
        replace(files, "Cargo.toml", "[workspace]\n", "[workspace]\nmetadata.cratewright.target = []\n");
    });
    assert_eq!(metadata, "invalid-metadata Cargo.toml:2:22");
}

/// The same packages in each version of the lock file format have the same record.
#[test]
fn lock_format_version_is_not_a_change() {
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
    for lock in [newest("3"), second] {
        assert_eq!(with(&lock), expected, "{lock}");
    }
    // Format version 1 always writes the version of a dependency; everything else is the same.
    let first = with(&first).sections()["Cargo.lock"].replace("serde 1.0.0\"", "serde\"");
    assert_eq!(first, expected.sections()["Cargo.lock"]);
    assert_ne!(with(&newest("4").replace("rand 0.7.0", "rand 0.8.0")), expected, "which version is meant counts");
}
