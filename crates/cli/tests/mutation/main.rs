//! `check` is red exactly where `generate` would write other bytes.
//!
//! Each kind of edit is applied to a copy of each of three workspaces. Truth is regeneration: `generate --locked` writes
//! the same bytes, or others, or cargo refuses.

#[path = "../support/mod.rs"]
mod support;

mod edits;
mod library;
mod lock;
mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rayon::prelude::*;

use crate::edits::{Edit, Scratch, edits};
use crate::library::LIBRARY;
use crate::support::Copy;

/// A workspace with the manifest of a member to edit.
type Workspace = (&'static str, &'static str);

/// One for each place of the library, and for each way to unify features.
const WORKSPACES: [Workspace; 3] =
    [("workspace-inheritance", "app/Cargo.toml"), ("member-paths", "Cargo.toml"), ("registry-mix", "Cargo.toml")];

/// Settings of each, in place of those of the fixture.
const SETTINGS: [&str; 3] = [
    "library = \"../../nix-lib/library\"
",
    "library = \"beside\"
",
    "library = \"embedded\"
",
];

/// The workspaces, generated with their settings.
static TEMPLATES: LazyLock<BTreeMap<&str, Copy>> = LazyLock::new(|| {
    let template = |(&(fixture, _), settings): (&Workspace, &&str)| {
        let copy = Copy::of(&support::fixture(fixture));
        support::library_elsewhere(copy.path(), settings);
        (fixture, copy)
    };
    WORKSPACES.iter().zip(&SETTINGS).map(template).collect()
});

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    Same,
    Other,
    /// Nothing can be generated.
    Refused,
}

fn copy(fixture: &str, member: &'static str) -> Scratch {
    let template = TEMPLATES[fixture].path();
    let library = fs::read(template.join(LIBRARY)).ok();
    Scratch { directory: Copy::of(template), member, library }
}

fn cratewright(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cratewright"));
    command.args(arguments).current_dir(root).output().unwrap()
}

/// `lib.cargoNix` of the flake.
fn evaluate(root: &Path) -> Output {
    let expression = format!(
        "let pkgs = import {nixpkgs} {{ }}; in builtins.attrNames (import {library}/cargo-nix.nix {{ inherit pkgs; root = {root}; }})",
        nixpkgs = support::nix::stand_in().display(),
        library = support::repository().join("nix-lib").display(),
        root = root.display(),
    );
    let mut command = support::nix::nix("nix-instantiate");
    command.args(["--eval", "--strict", "--json", "--expr", &expression]).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

fn truth(scratch: &Scratch) -> Truth {
    let root = scratch.root();
    let output = cratewright(root, &["generate", "--stdout", "--locked", "--offline"]);
    if !output.status.success() {
        return Truth::Refused;
    }
    let library = fs::read(root.join(LIBRARY)).ok();
    match fs::read(root.join("Cargo.nix")) {
        Ok(bytes) if bytes == output.stdout && (scratch.library.is_none() || library == scratch.library) => Truth::Same,
        _ => Truth::Other,
    }
}

/// What is wrong with the verdict on some edits of one workspace, if anything.
fn judge(workspace: Workspace, edits: &[&Edit]) -> Result<Truth, String> {
    let scratch = copy(workspace.0, workspace.1);
    edits.iter().for_each(|edit| edit.apply(&scratch));
    let truth = truth(&scratch);
    let names: Vec<&str> = edits.iter().map(|edit| edit.name.as_str()).collect();
    let fail = |why: String| Err(format!("{}: {}: {truth:?}: {why}", workspace.0, names.join(", then ")));
    let check = cratewright(scratch.root(), &["check"]);
    let code = check.status.code();
    let right = match truth {
        Truth::Same => code == Some(0),
        Truth::Other => matches!(code, Some(1 | 2)),
        Truth::Refused => matches!(code, Some(1 | 2)),
    };
    if !right {
        return fail(format!("check exits with {code:?}\n{}", text(&check)));
    }
    if truth != Truth::Same {
        let said = text(&check);
        // Of several edits one may undo another, or keep it from being looked at.
        let says: Vec<&String> = match edits {
            [edit] if truth == Truth::Other => edit.says.iter().chain(&edit.says_if_stale).collect(),
            [edit] => edit.says.iter().collect(),
            _ => Vec::new(),
        };
        if let Some(missing) = says.iter().map(|says| scratch.fill(says)).find(|says| !said.contains(says.as_str())) {
            return fail(format!("check does not say {missing:?}:\n{said}"));
        }
        if !said.contains("help: ") {
            return fail(format!("check does not say what to do:\n{said}"));
        }
    }
    let evaluated = evaluate(scratch.root());
    let is_blind = edits.iter().any(|edit| edit.in_sources);
    if !is_blind && evaluated.status.success() != (truth == Truth::Same) {
        return fail(format!("the evaluation check says otherwise than check\n{}{}", text(&check), text(&evaluated)));
    }
    if !is_blind && code == Some(1) {
        // Everything but the first word, with which each says what it is about, and the path of the file.
        let said = text(&check);
        let missing = said.lines().skip(1).find(|line| !text(&evaluated).contains(line.trim()));
        if let Some(missing) = missing {
            return fail(format!("the evaluation check does not say {missing:?}\n{}", text(&evaluated)));
        }
    }
    let full = cratewright(scratch.root(), &["check", "--full"]);
    if full.status.success() != (truth == Truth::Same) {
        return fail(format!("check --full exits with {:?}\n{}", full.status.code(), text(&full)));
    }
    Ok(truth)
}

#[test]
fn check_is_red_exactly_where_generate_would_write_other_bytes() {
    let edits = edits();
    assert!(edits.len() >= 60, "only {} kinds of edit", edits.len());
    let all: Vec<_> =
        WORKSPACES.iter().flat_map(|&workspace| edits.iter().map(move |edit| (workspace, edit))).collect();
    let verdicts: Vec<Result<Truth, String>> =
        all.par_iter().map(|&(workspace, edit)| judge(workspace, &[edit])).collect();
    let wrong: Vec<&String> = verdicts.iter().filter_map(|verdict| verdict.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {} verdicts are wrong:\n{}", wrong.len(), all.len(), {
        wrong.iter().map(|wrong| format!("{wrong}\n")).collect::<String>()
    });
    // Each outcome is there often enough for the test to mean something.
    let mut counts: BTreeMap<Truth, usize> = BTreeMap::new();
    verdicts.into_iter().flatten().for_each(|truth| *counts.entry(truth).or_default() += 1);
    assert!(counts.len() == 3 && counts.values().all(|&count| count >= 30), "{counts:?}");
}

#[test]
fn sequences_of_edits_keep_the_verdict() {
    let edits = edits();
    let config = Config { cases: 60, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let sequence = vec(0..edits.len(), 2..6);
    let result = TestRunner::new(config).run(&(0..WORKSPACES.len(), sequence), |(workspace, sequence)| {
        let sequence: Vec<&Edit> = sequence.iter().map(|&ix| &edits[ix]).collect();
        judge(WORKSPACES[workspace], &sequence).map(|_| ()).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A copy by itself is no edit.
#[test]
fn copies_are_fresh() {
    for (fixture, member) in WORKSPACES {
        let scratch = copy(fixture, member);
        assert_eq!(truth(&scratch), Truth::Same, "{fixture}");
        assert_eq!(cratewright(scratch.root(), &["check"]).status.code(), Some(0), "{fixture}");
    }
}
