//! `check` reports a stale file exactly if `generate` would write different bytes.
//!
//! Each kind of edit is applied to copies of workspaces. Regeneration is the oracle: `generate --locked` writes the
//! same bytes or different ones, or cargo rejects the workspace.

mod edits;
mod files;
mod large;
mod library;
mod lock;
mod manifests;
mod meanwhile;
mod nested;
mod origins;
mod sources;
mod workspaces;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Output;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rayon::prelude::*;

use self::edits::{Edit, Scratch};
use self::library::LIBRARY;
use self::workspaces::{WORKSPACES, Workspace, is_complete};

use crate::support;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Truth {
    Same,
    Other,
    /// `generate` fails.
    Refused,
}

fn cratewright(scratch: &Scratch, arguments: &[&str]) -> Output {
    scratch.command(env!("CARGO_BIN_EXE_cratewright")).args(arguments).output().unwrap()
}

/// Evaluates `lib.cargoNix` of the flake.
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
    let output = cratewright(scratch, &["generate", "--stdout", "--locked", "--offline"]);
    if !output.status.success() {
        return Truth::Refused;
    }
    match fs::read(root.join("Cargo.nix")) {
        Ok(bytes) if bytes == output.stdout && library_is_whole(scratch) => Truth::Same,
        _ => Truth::Other,
    }
}

/// Whether the library next to Cargo.nix, if there is one, is unchanged.
fn library_is_whole(scratch: &Scratch) -> bool {
    let whole = &scratch.workspace.library;
    whole.is_none() || fs::read(scratch.root().join(LIBRARY)).ok() == *whole
}

/// The correct exit codes of `check`: 0 for fresh, 1 for stale, 2 if nothing can be compared.
fn codes(truth: Truth, edits: &[&Edit]) -> &'static [i32] {
    let is_unreadable = edits.iter().any(|edit| edit.unreadable);
    let may_be_refused = truth == Truth::Refused && edits.iter().any(|edit| edit.invalid);
    match (truth, edits) {
        (Truth::Same, _) => &[0],
        (_, [_]) if is_unreadable => &[2],
        _ if !is_unreadable && !may_be_refused => &[1],
        // Of several edits one may undo another.
        _ => &[1, 2],
    }
}

/// The same for `check --full`, which generates the file and fails if that fails.
fn codes_of_full(truth: Truth, edits: &[&Edit]) -> &'static [i32] {
    match (truth, edits) {
        (Truth::Refused, [_]) => &[2],
        // It does not generate anything if one of the edits is in Cargo.nix itself.
        (Truth::Refused, _) => &[1, 2],
        _ => codes(truth, edits),
    }
}

/// Applies edits to a copy of a workspace, and returns an error if the verdict of `check` is wrong, or that of
/// `check --full` if `with_full`.
fn judge(workspace: &'static Workspace, edits: &[&Edit], with_full: bool) -> Result<Truth, String> {
    let scratch = Scratch::new(workspace);
    edits.iter().for_each(|edit| edit.apply(&scratch));
    let truth = truth(&scratch);
    let names: Vec<&str> = edits.iter().map(|edit| edit.name.as_str()).collect();
    let mut wrong: Vec<String> = Vec::new();
    let right = codes(truth, edits);
    let is_right = |output: &Output, right: &[i32]| output.status.code().is_some_and(|code| right.contains(&code));
    let check = cratewright(&scratch, &["check"]);
    let said = text(&check);
    if !is_right(&check, right) {
        wrong.push(format!("check exits with {:?}, not with {right:?}", check.status.code()));
    } else if truth != Truth::Same {
        // One of several edits may undo or hide another.
        let says: Vec<&String> = match edits {
            [edit] if truth == Truth::Other => edit.says.iter().chain(&edit.says_if_stale).collect(),
            [edit] => edit.says.iter().collect(),
            _ => Vec::new(),
        };
        let says = says.into_iter().map(|says| scratch.fill(says)).chain(["help: ".to_owned()]);
        let missing = says.filter(|says| !said.contains(says));
        wrong.extend(missing.map(|missing| format!("check does not say {missing:?}")));
    }
    if !edits.iter().any(|edit| edit.in_sources) {
        let evaluated = evaluate(scratch.root());
        let found = text(&evaluated);
        let mut otherwise = |why: &str| wrong.push(format!("the evaluation check {why}\n{found}"));
        if evaluated.status.success() != (truth == Truth::Same) {
            otherwise("says otherwise");
        } else if check.status.code() == Some(1) {
            // Each line except the first starts with a file name, or is the help.
            let names = said.lines().skip(1).filter_map(|line| Some(line.trim().split_once(": ")?.0));
            let missing: BTreeSet<&str> = names.filter(|name| !found.contains(&format!("{name}: "))).collect();
            missing.iter().for_each(|name| otherwise(&format!("does not name {name:?}")));
        }
    }
    if with_full {
        let full = cratewright(&scratch, &["check", "--full"]);
        let right = codes_of_full(truth, edits);
        if !is_right(&full, right) {
            let code = full.status.code();
            wrong.push(format!("check --full exits with {code:?}, not with {right:?}\n{}", text(&full)));
        }
    }
    if wrong.is_empty() {
        return Ok(truth);
    }
    Err(format!("{}: {}: {truth:?}: {}\ncheck says: {said}", workspace.name, names.join(", then "), wrong.join("\n")))
}

/// Whether an edit is also judged by `check --full`, which generates again: every fourth, or all of the night's tests. It
/// is too slow for the large workspace.
fn has_full(workspace: &Workspace, ix: usize) -> bool {
    !workspace.is_large() && (is_complete() || ix.is_multiple_of(4))
}

#[test]
fn check_fails_exactly_if_generate_would_write_different_bytes() {
    let all: Vec<(&Workspace, &Edit)> =
        WORKSPACES.iter().flat_map(|workspace| workspace.edits.iter().map(move |edit| (workspace, edit))).collect();
    assert!(all.len() >= if is_complete() { 900 } else { 500 }, "only {} edits", all.len());
    let verdicts: Vec<Result<Truth, String>> =
        all.par_iter().enumerate().map(|(ix, &(of, edit))| judge(of, &[edit], has_full(of, ix))).collect();
    let wrong: Vec<&String> = verdicts.iter().filter_map(|verdict| verdict.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {} verdicts are wrong:\n{}", wrong.len(), all.len(), {
        wrong.iter().map(|wrong| format!("{wrong}\n")).collect::<String>()
    });
    // Each outcome must occur often enough for the test to be meaningful.
    for workspace in WORKSPACES.iter() {
        let of_workspace = all.iter().zip(&verdicts).filter(|((of, _), _)| of.name == workspace.name);
        let mut counts: BTreeMap<Truth, usize> = BTreeMap::new();
        of_workspace.flat_map(|(_, verdict)| verdict).for_each(|&truth| *counts.entry(truth).or_default() += 1);
        assert!(counts.len() == 3 && counts.values().all(|&count| count >= 8), "{}: {counts:?}", workspace.name);
    }
}

#[test]
fn sequences_of_edits_have_correct_verdicts() {
    let config = Config { cases: 60, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    // The large workspace takes too long, and has no part that the others lack.
    let small: Vec<&Workspace> = WORKSPACES.iter().filter(|workspace| !workspace.is_large()).collect();
    let sequence = vec(any::<Index>(), 2..6);
    let result = TestRunner::new(config).run(&(0..small.len(), sequence), |(workspace, sequence)| {
        let edits = &small[workspace].edits;
        // An edit that adds a table makes an invalid file if it is made twice.
        let mut made = BTreeSet::new();
        let sequence: Vec<&Edit> =
            sequence.iter().map(|ix| ix.get(edits)).filter(|edit| made.insert(&edit.name)).collect();
        judge(small[workspace], &sequence, true).map(|_| ()).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Copying a workspace does not make Cargo.nix stale.
#[test]
fn copies_are_fresh() {
    for workspace in WORKSPACES.iter() {
        let scratch = Scratch::new(workspace);
        assert_eq!(truth(&scratch), Truth::Same, "{}", workspace.name);
        assert_eq!(cratewright(&scratch, &["check"]).status.code(), Some(0), "{}", workspace.name);
    }
}
