//! Rules of the repository that no other tool checks.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cratewright_staleness::GENERATED;

/// Files that git tracks or would track, by extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let root = support::repository();
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&root);
    let names = support::stdout(&mut list);
    let files: Vec<PathBuf> = names
        .lines()
        .map(|name| root.join(name))
        .filter(|path| path.extension().is_some_and(|have| have == extension) && path.is_file())
        .collect();
    assert!(!files.is_empty(), "there is no .{extension} file");
    files
}

#[test]
fn nix_code_is_formatted() {
    let mut unformatted = Vec::new();
    for path in files("nix") {
        // Files that show a damaged or foreign Cargo.nix are what they are, and others the renderer lays out.
        let is_generated = path.ends_with("nix-lib/library/default-profiles.nix");
        if is_generated || path.components().any(|part| part.as_os_str() == "cmd") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // These have a layout of their own, see `nix.rs` of the renderer.
        if text.starts_with(GENERATED) {
            continue;
        }
        if nixfmt_rs::format(&text).unwrap() != text {
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&path, nixfmt_rs::format(&text).unwrap()).unwrap();
            }
            unformatted.push(path);
        }
    }
    assert!(unformatted.is_empty(), "run UPDATE=1 cargo test -p cratewright --test tidy, for {unformatted:#?}");
}

#[test]
fn files_stay_readable_in_one_sitting() {
    let long: Vec<_> =
        files("rs").into_iter().filter(|path| fs::read_to_string(path).unwrap().lines().count() > 500).collect();
    assert!(long.is_empty(), "over 500 lines: {long:#?}");
    let library =
        files("nix").into_iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("nix-lib/library")));
    let long: Vec<_> = library.filter(|path| fs::read_to_string(path).unwrap().lines().count() > 300).collect();
    assert!(long.is_empty(), "over 300 lines: {long:#?}");
}

#[test]
fn the_docs_list_the_applications_that_the_script_builds() {
    let root = support::repository();
    let script = fs::read_to_string(root.join("dev/applications")).unwrap();
    let page = fs::read_to_string(root.join("docs/src/applications.md")).unwrap();
    let table = script.split("<<'TABLE'\n").nth(1).and_then(|text| text.split("\nTABLE\n").next()).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), table.lines().count());
    for (row, line) in rows.iter().zip(table.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let version = if words[1] == "own" {
            pinned(&root.join("dev/applications.d").join(words[0]))
        } else {
            words[1].to_owned()
        };
        let begins = format!("| `{}` | {version} |", words[0]);
        assert!(row.starts_with(&begins), "{row}\n  begins otherwise than: {begins}");
    }
}

/// What a manifest depends upon in one version alone: `git2 0.21.0, zstd 0.14.4`.
fn pinned(directory: &Path) -> String {
    let manifest: toml::Table = fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap();
    let tables = ["dependencies", "build-dependencies"].iter().filter_map(|key| manifest.get(*key)?.as_table());
    let pinned = tables.flatten().filter_map(|(name, dependency)| {
        let requirement = dependency.as_str().or_else(|| dependency.get("version")?.as_str())?;
        Some(format!("{name} {}", requirement.strip_prefix('=')?))
    });
    pinned.collect::<Vec<_>>().join(", ")
}
