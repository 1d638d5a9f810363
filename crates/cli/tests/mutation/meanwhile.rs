//! Edits while `generate` runs: `Cargo.nix` must not pass as generated from files that were not read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rayon::prelude::*;

use super::edits::Scratch;
use super::workspaces::{WORKSPACES, Workspace};
use super::{Truth, cratewright, text, truth};

/// A file of the workspace, and the edit of its text.
type Change = (&'static str, fn(String) -> String);

const CHANGES: [Change; 9] = [
    ("{member}", |text| text.replacen("[package]", "[package]\nlicense-file = \"LICENSE\"", 1)),
    ("{member}", |text| text + "\n[features]\nmeanwhile = []\n"),
    ("Cargo.toml", |text| text + "targets = [\"x86_64-linux\"]\n"),
    ("Cargo.lock", |text| text.replace("checksum = \"", "checksum = \"0")),
    ("Cargo.lock", |text| text.replace(" \"cfg-if\",\n", "")),
    ("{dir}src/bin/meanwhile.rs", |_| "fn main() {}\n".to_owned()),
    ("{dir}build.rs", |_| "fn main() {}\n".to_owned()),
    (".cargo/config.toml", |_| "[profile.release]\npanic = \"abort\"\n".to_owned()),
    (".cargo/config.toml", |_| "[build]\nrustflags = [\"--cfg=meanwhile\"]\n".to_owned()),
];

/// Creates a `cargo` that replaces `file` by `new` once, before or after it runs `cargo metadata`.
fn cargo(directory: &Path, new: &Path, file: &Path, is_before: bool) -> std::path::PathBuf {
    let [before, after] = if is_before { ["change", "true"] } else { ["true", "change"] };
    let script = format!(
        "#!/bin/sh\n\
         change() {{ mkdir '{once}' 2>/dev/null && mkdir -p '{above}' && cp '{new}' '{file}'; }}\n\
         [ \"$1\" = metadata ] || exec '{cargo}' \"$@\"\n\
         {before}\n'{cargo}' \"$@\"\ncode=$?\n{after}\nexit $code\n",
        once = directory.join("once").display(),
        above = file.parent().unwrap().display(),
        new = new.display(),
        file = file.display(),
        cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()),
    );
    let path = directory.join("cargo");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs `generate` with an edit, and returns an error if it behaved wrongly.
fn judge(workspace: &'static Workspace, (file, change): Change, is_before: bool) -> Result<(), String> {
    let scratch = Scratch::new(workspace);
    let cargo_nix = || fs::read(scratch.root().join("Cargo.nix")).unwrap();
    let before = cargo_nix();
    let directory = tempfile::tempdir().unwrap();
    let (new, file) = (directory.path().join("new"), scratch.fill(file));
    fs::write(&new, change(scratch.read(&file))).unwrap();
    let cargo = cargo(directory.path(), &new, &scratch.path(&file), is_before);
    let mut generate = scratch.command(env!("CARGO_BIN_EXE_cratewright"));
    let output = generate.args(["generate", "--offline"]).env("CARGO", cargo).output().unwrap();
    let said = text(&output);
    let when = if is_before { "before" } else { "after" };
    let fail = |why: String| Err(format!("{}: {file} {when} `cargo metadata`: {why}\n{said}", workspace.name));
    if !directory.path().join("once").exists() {
        return fail("it did not run cargo".to_owned());
    }
    let truth = truth(&scratch);
    if output.status.success() {
        let check = cratewright(&scratch, &["check"]);
        return match check.status.success() == (truth == Truth::Same) {
            true => Ok(()),
            false => fail(format!("it wrote a file of which check says otherwise than {truth:?}\n{}", text(&check))),
        };
    }
    if output.status.code() != Some(2) || cargo_nix() != before {
        return fail(format!("it exits with {:?}, and not with all as it was", output.status.code()));
    }
    // If cargo rejects the workspace now, it may have done so then.
    // Files of targets are reported for their manifest.
    let names = [file.as_str(), workspace.member].iter().any(|name| said.contains(name));
    let says_why = said.contains("error[changed-meanwhile]") && names;
    if says_why || truth == Truth::Refused { Ok(()) } else { fail("it does not say what changed".to_owned()) }
}

#[test]
fn edits_while_generate_runs_are_not_recorded_as_input() {
    let workspaces =
        WORKSPACES.iter().filter(|workspace| ["registry-mix", "workspace-inheritance"].contains(&workspace.name));
    let all: Vec<(&Workspace, Change, bool)> = workspaces
        .flat_map(|workspace| CHANGES.map(|change| [true, false].map(|is_before| (workspace, change, is_before))))
        .flatten()
        .collect();
    let wrong: Vec<String> = all
        .par_iter()
        .filter_map(|&(workspace, change, is_before)| judge(workspace, change, is_before).err())
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

/// Cargo may update the lock file while `generate` runs, but edits of other files must still be noticed.
#[test]
fn edits_are_noticed_even_if_the_lock_file_is_updated() {
    for (is_changed, code) in [(false, Some(0)), (true, Some(2))] {
        let scratch = Scratch::new(&WORKSPACES[0]);
        let manifest = scratch.read("{member}");
        let bumped = manifest.replacen("[package]", "[package]\nversion = \"9.9.9\"", 1);
        let bumped: String =
            bumped.lines().filter(|line| !line.starts_with("version.")).map(|line| format!("{line}\n")).collect();
        scratch.write("{member}", &bumped);
        let directory = tempfile::tempdir().unwrap();
        let new = directory.path().join("new");
        let described = bumped.replace("description.workspace = true", "description = \"meanwhile\"");
        fs::write(&new, if is_changed { described } else { bumped }).unwrap();
        let cargo = cargo(directory.path(), &new, &scratch.path("{member}"), false);
        let mut generate = scratch.command(env!("CARGO_BIN_EXE_cratewright"));
        let output = generate.args(["generate", "--offline"]).env("CARGO", cargo).output().unwrap();
        assert_eq!(output.status.code(), code, "{}", text(&output));
        assert!(scratch.read("Cargo.lock").contains("9.9.9"), "the lock file is not updated");
        assert_eq!(text(&output).contains("error[changed-meanwhile]"), is_changed, "{}", text(&output));
    }
}
