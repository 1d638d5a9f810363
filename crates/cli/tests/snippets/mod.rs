//! Code in README, CONTRIBUTING and the book: commands are run, or their options are checked; Nix code is evaluated,
//! and settings are read by `generate`. `table.toml` says where commands are run, and why others are not.

mod nix_code;
mod place;
mod shell;

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;

use self::place::Place;
use crate::support;
use crate::support::markdown::{self, Block};

/// What the table says of a block.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The first line of the block, or nothing for all of a page.
    begins: String,
    /// The workspace in which commands are run.
    run: Option<String>,
    /// The test that runs or builds this very block.
    by: Option<String>,
    /// Why it is not run.
    because: Option<String>,
}

/// What became of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Outcome {
    /// Run or evaluated, here or by another test.
    Run,
    /// Parsed, or its options and names were checked.
    Read,
    /// Neither.
    Left,
}

fn outcome(block: &Block, row: Option<&Row>, example: &Place) -> Result<Outcome, String> {
    // Tests are named by their path here: `cache.rs`, `cmd/stale.trycmd`, `init/`.
    let because = row.and_then(|row| row.because.as_deref()).unwrap_or_default().split('`').skip(1).step_by(2);
    let by = row.and_then(|row| row.by.as_deref());
    for test in because.filter(|name| name.contains(['.', '/'])).chain(by) {
        if !support::repository().join("crates/cli/tests").join(test).exists() {
            return Err(format!("table.toml names {test}, which does not exist"));
        }
    }
    if by.is_some() {
        return Ok(Outcome::Run);
    }
    let is_left = row.is_some_and(|row| row.because.is_some());
    match (block.info.as_str(), row) {
        ("console", Some(Row { run: Some(workspace), .. })) => {
            shell::runs(&block.code, workspace).map(|()| Outcome::Run)
        }
        ("console", _) if is_left => shell::is_known(&block.code).map(|()| Outcome::Read),
        ("console", _) => Err("table.toml does not say where it is run, or why not".to_owned()),
        ("nix", _) if is_left => nix_code::parses(&block.code).map(|()| Outcome::Read),
        ("nix", _) => nix_code::evaluates(&block.code, example).map(|()| Outcome::Run),
        ("toml", _) if is_left => table(&block.code).map(|_| Outcome::Read),
        ("toml", _) => settings(&block.code, example).map(|()| Outcome::Run),
        ("just", _) => recipes(&block.code).map(|()| Outcome::Read),
        ("json", _) => match serde_json::from_str::<serde_json::Value>(&block.code) {
            Ok(_) => Ok(Outcome::Read),
            Err(error) => Err(error.to_string()),
        },
        _ => Ok(Outcome::Left),
    }
}

fn table(code: &str) -> Result<toml::Table, String> {
    code.parse().map_err(|error: toml::de::Error| error.to_string())
}

/// Settings in a manifest or in cargo's configuration are read when a workspace is generated.
fn settings(code: &str, example: &Place) -> Result<(), String> {
    let file = match table(code)?.keys().next().map(String::as_str) {
        Some("workspace") => "Cargo.toml",
        Some("package") => "app/Cargo.toml",
        _ => ".cargo/config.toml",
    };
    example.with(file, code, || {
        let output = support::cratewright()
            .args(["generate", "--quiet", "--offline", "--stdout"])
            .current_dir(example.root())
            .output()
            .unwrap();
        if output.status.success() { Ok(()) } else { Err(support::flake::text(&output)) }
    })
}

/// Options of `cratewright` in recipes are checked. Where just is installed, it parses them.
fn recipes(code: &str) -> Result<(), String> {
    let commands = code.lines().filter_map(|line| line.strip_prefix("    "));
    // In the place of `{{ variables }}`, `--help` fits everywhere.
    let commands = commands.map(|command| {
        let (plain, others) = command.split_once("{{").unwrap_or((command, ""));
        let arguments = if others.is_empty() { "" } else { "--help" };
        format!("$ {plain}{arguments}{}\n", others.split_once("}}").map_or("", |(_, rest)| rest))
    });
    shell::is_known(&commands.collect::<String>())?;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, code).unwrap();
    match Command::new("just").arg("--dump").arg("--justfile").arg(file.path()).output() {
        Ok(output) if !output.status.success() => Err(support::flake::text(&output)),
        _ => Ok(()),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what the test is about")]
fn code_of_pages_does_what_it_is_for() {
    let rows: BTreeMap<String, Vec<Row>> = toml::from_str(include_str!("table.toml")).unwrap();
    let example = Place::example();
    let (mut faults, mut used) = (Vec::new(), Vec::new());
    let mut counts: BTreeMap<String, BTreeMap<Outcome, usize>> = BTreeMap::new();
    for page in markdown::pages().iter().filter(|page| !page.path.starts_with("fixtures/")) {
        // Text is output, not code.
        for block in page.blocks.iter().filter(|block| !["", "text"].contains(&block.info.as_str())) {
            let of_page = rows.get(&page.path).map(Vec::as_slice).unwrap_or_default();
            let first = block.code.lines().next().unwrap_or_default();
            let row = of_page.iter().find(|row| row.begins == first || row.begins.is_empty());
            used.extend(row.map(std::ptr::from_ref));
            match outcome(block, row, &example) {
                Ok(outcome) => {
                    let language = block.info.split(' ').next().unwrap_or_default();
                    *counts.entry(language.to_owned()).or_default().entry(outcome).or_default() += 1;
                }
                Err(error) => faults.push(format!("{}:{}: {error}", page.path, block.line)),
            }
        }
    }
    let unused = rows.iter().flat_map(|(page, rows)| rows.iter().map(move |row| (page, row)));
    let unused = unused.filter(|(_, row)| !used.contains(&std::ptr::from_ref(row)));
    faults.extend(unused.map(|(page, row)| format!("table.toml: {page} has no block that begins `{}`", row.begins)));
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));

    let sum = |outcome| counts.values().filter_map(|counts| counts.get(&outcome)).sum::<usize>();
    let [run, read, left] = [Outcome::Run, Outcome::Read, Outcome::Left].map(sum);
    println!("{run} of {} snippets run, {read} more parsed", run + read + left);
    println!("{counts:#?}");
}

#[test]
fn wrong_code_is_found() {
    let example = Place::example();
    let block = |info: &str, code: &str| Block { line: 1, info: info.to_owned(), code: code.to_owned() };
    let row = |run: Option<&str>| Row {
        begins: String::new(),
        run: run.map(str::to_owned),
        by: None,
        because: run.is_none().then(|| "it takes long".to_owned()),
    };
    let wrong = [
        ("console", "$ cratewright check --ful\n", Some(row(None)), "--ful"),
        ("console", "$ cratewright check | cratewright wy\n", Some(row(None)), "wy"),
        ("console", "$ dev/nothing\n", Some(row(None)), "dev/nothing"),
        ("console", "$ just nothing\n", Some(row(None)), "recipe nothing"),
        ("console", "$ cratewright generate\n   Generated Cargo.nix\n", Some(row(Some("hello"))), "and not"),
        ("console", "$ true\n", None, "does not say"),
        ("nix", "import ./Cargo.nix { inherit pkgs; profil = \"dist\"; }\n", None, "profil"),
        ("nix", "checks.x = unknown;\n", None, "unknown"),
        ("nix", "{ a = 1 }\n", Some(row(None)), "syntax error"),
        ("toml", "[workspace.metadata.cratewright]\ntarget = []\n", None, "target"),
        ("just", "a:\n    cratewright chek\n", None, "chek"),
        ("json", "{ ... }\n", None, "key must be a string"),
    ];
    for (info, code, row, says) in wrong {
        let error = outcome(&block(info, code), row.as_ref(), &example).unwrap_err();
        assert!(error.contains(says), "{code}{error}");
    }
}
