//! Merges with conflicts: every file with conflict markers is reported, inputs first, and the printed steps resolve the
//! conflicts.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::git::Scratch;
use crate::support::{self, cratewright, package, run};

/// Changes a file: its path, a text in it, and what the text becomes.
type Edit<'a> = (&'a str, &'a str, &'a str);

/// A workspace in `w`, on whose two branches different edits were made, with the files that `generate` writes. The
/// branches are being merged.
fn merge(ours: &[Edit<'_>], theirs: &[Edit<'_>]) -> Scratch {
    let scratch = Scratch::new();
    scratch.write(
        "w",
        &[
            ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"leaf\"]\n"),
            ("app/Cargo.toml", &package("app", "dependencies.leaf.path = \"../leaf\"\n")),
            ("app/src/main.rs", "fn main() {}\n"),
            ("leaf/Cargo.toml", &package("leaf", "")),
            ("leaf/src/lib.rs", ""),
            (".cargo/config.toml", "[env]\nA = \"1\"\n"),
        ],
    );
    run(Command::new("cargo").args(["generate-lockfile", "--quiet", "--offline"]).current_dir(scratch.path("w")));
    commit(&scratch, "snapshot", &[]);
    scratch.git("w", &["checkout", "--quiet", "-b", "theirs"]);
    commit(&scratch, "generate", theirs);
    scratch.git("w", &["checkout", "--quiet", "main"]);
    commit(&scratch, "generate", ours);
    let mut merge = Command::new("git");
    let merge = scratch.environment(merge.args(["merge", "theirs"]).current_dir(scratch.path("w"))).output().unwrap();
    assert_eq!(merge.status.code(), Some(1), "{}", text(&merge));
    scratch
}

fn commit(scratch: &Scratch, command: &str, edits: &[Edit<'_>]) {
    let root = scratch.path("w");
    for (file, from, to) in edits {
        let file = root.join(file);
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert!(text.contains(from), "{}: {text}", file.display());
        support::write(&file, &text.replacen(from, to, 1));
    }
    run(cratewright().args([command, "--quiet", "--offline"]).current_dir(&root));
    scratch.commit("w");
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// Expects the error to be about these files, in this order, and returns the help.
#[track_caller]
fn reported(directory: &Path, arguments: &[&str], root: &Path, files: &[&str]) -> String {
    let output = cratewright().args(arguments).current_dir(directory).output().unwrap();
    let said = text(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error[unfinished-merge]: "), "{said}");
    let places = said.lines().filter_map(|line| line.strip_prefix("  at: "));
    let places: Vec<&str> = places.map(|place| place.split(':').next().unwrap()).collect();
    let expected: Vec<String> = files.iter().map(|file| root.join(file).display().to_string()).collect();
    assert_eq!(places, expected, "{said}");
    said.lines().find_map(|line| line.strip_prefix("  help: ")).unwrap().to_owned()
}

/// Does what the help says: takes our side of the files to resolve by hand, and runs the commands.
fn follow(scratch: &Scratch, directory: &Path, help: &str) {
    for step in help.split(", then ") {
        let mut quoted = step.split('`').skip(1).step_by(2);
        if step.starts_with("resolve ") {
            for file in quoted {
                let text = fs::read_to_string(directory.join(file)).unwrap();
                let (before, rest) = text.split_once("<<<<<<< HEAD\n").unwrap();
                let (ours, rest) = rest.split_once("=======\n").unwrap();
                let (_, after) = rest.split_once(">>>>>>> theirs\n").unwrap();
                fs::write(directory.join(file), [before, ours, after].concat()).unwrap();
            }
            continue;
        }
        let command = quoted.next().unwrap();
        let bin = Path::new(env!("CARGO_BIN_EXE_cratewright")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        run(scratch.environment(Command::new("sh").args(["-c", command]).current_dir(directory).env("PATH", path)));
    }
}

/// Edits of one side that change the manifest, the lock file and all that is generated.
fn new_version(version: &str) -> Vec<Edit<'_>> {
    vec![("app/Cargo.toml", "0.1.0", version)]
}

const ALL: [&str; 4] = ["app/Cargo.toml", "Cargo.lock", "Cargo.nix", "build-graph.toml"];

#[test]
fn all_files_are_reported_and_the_help_resolves_them() {
    let scratch = merge(&new_version("0.2.0"), &new_version("0.3.0"));
    let root = scratch.path("w");
    for arguments in [&["check"][..], &["check", "--full"], &["generate"], &["snapshot"], &["init"], &["sources"]] {
        reported(&root, arguments, &root, &ALL);
    }
    let help = reported(&root, &["check"], &root, &ALL);
    assert_eq!(
        help,
        "resolve `app/Cargo.toml` by hand, then run `git checkout --ours Cargo.lock` (or `--theirs`), then run \
         `cratewright generate`, which updates `Cargo.lock` and writes `Cargo.nix` and `build-graph.toml` again, then run \
         `git add app/Cargo.toml Cargo.lock Cargo.nix cratewright.nix build-graph.toml` and commit"
    );
    follow(&scratch, &root, &help);
    scratch.git("w", &["commit", "--quiet", "--no-edit"]);
    run(cratewright().arg("check").current_dir(&root));
    assert!(fs::read_to_string(root.join("Cargo.nix")).unwrap().contains("0.2.0"));
    assert!(fs::read_to_string(root.join("build-graph.toml")).unwrap().contains("0.2.0"));

    // The commands work in another directory as well.
    let scratch = merge(&new_version("0.2.0"), &new_version("0.3.0"));
    let root = scratch.path("w");
    let arguments = ["check", "--manifest-path", "../app/Cargo.toml"];
    let help = reported(&root.join("leaf"), &arguments, &root, &ALL);
    assert!(help.contains("checkout --ours Cargo.lock`") && help.contains("--manifest-path ../app/"), "{help}");
    follow(&scratch, &root.join("leaf"), &help);
    run(cratewright().arg("check").current_dir(&root));
}

#[test]
fn generated_files_need_no_side() {
    let edition = |file| vec![(file, "2024", "2021")];
    let scratch = merge(&edition("app/Cargo.toml"), &edition("leaf/Cargo.toml"));
    let root = scratch.path("w");
    let help = reported(&root, &["check"], &root, &["Cargo.nix"]);
    let add = "then run `git add Cargo.lock Cargo.nix cratewright.nix build-graph.toml` and commit";
    assert_eq!(help, format!("run `cratewright generate`, which writes `Cargo.nix` again, {add}"));
    // The mark of generated files may be part of a conflict.
    let text = fs::read_to_string(root.join("Cargo.nix")).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    fs::write(root.join("Cargo.nix"), format!("<<<<<<< HEAD\n{first}\n=======\n{first}!\n>>>>>>> theirs\n{rest}"))
        .unwrap();
    assert_eq!(reported(&root, &["check"], &root, &["Cargo.nix"]), help);
    follow(&scratch, &root, &help);
    run(cratewright().arg("check").current_dir(&root));

    for file in ["build-graph.toml", "cratewright.nix"] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        fs::write(root.join(file), text + "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> theirs\n").unwrap();
    }
    let help = reported(&root, &["check"], &root, &["cratewright.nix", "build-graph.toml"]);
    reported(&root, &["check", "--build-graph"], &root, &["cratewright.nix", "build-graph.toml"]);
    follow(&scratch, &root, &help);
    run(cratewright().arg("check").current_dir(&root));
}

#[test]
fn inputs_of_either_side_are_found() {
    let extra = package("extra", "");
    let loud = package("extra", "[features]\nloud = []\n");
    let mut ours = vec![("Cargo.toml", "members", "exclude = [\"extra\"]\nmembers"), ("extra/Cargo.toml", "", &extra)];
    let mut theirs = vec![("Cargo.toml", "\"app\"", "\"app\", \"extra\""), ("extra/Cargo.toml", "", &loud)];
    for (edits, value) in [(&mut ours, "2"), (&mut theirs, "3")] {
        edits.extend([("extra/src/lib.rs", "", ""), (".cargo/config.toml", "1", value)]);
    }
    let scratch = merge(&ours, &theirs);
    let root = scratch.path("w");
    let files = [".cargo/config.toml", "Cargo.toml", "extra/Cargo.toml", "Cargo.nix"];
    let help = reported(&root, &["generate"], &root, &files);
    let by_hand = "resolve `.cargo/config.toml`, `Cargo.toml` and `extra/Cargo.toml` by hand, then run ";
    assert!(help.starts_with(by_hand), "{help}");
    follow(&scratch, &root, &help);
    run(cratewright().arg("check").current_dir(&root));
}

#[test]
fn a_toolchain_file_with_conflicts_is_reported_instead_of_the_error_of_rustup() {
    let toolchain = |profile| format!("[toolchain]\nprofile = \"{profile}\"\n");
    let [ours, theirs] = ["minimal", "default"].map(toolchain);
    let scratch = merge(&[("rust-toolchain.toml", "", &ours)], &[("rust-toolchain.toml", "", &theirs)]);
    let root = scratch.path("w");
    let mut generate = cratewright();
    // As rustup does for a file that it cannot parse.
    let output = generate.arg("generate").env("CARGO", "false").current_dir(&root).output().unwrap();
    let said = text(&output);
    assert!(said.starts_with("error[unfinished-merge]: "), "{said}");
    let help = "help: resolve `rust-toolchain.toml` by hand, then run `cratewright generate`, then run `git add ";
    assert!(said.contains(help), "{said}");
    // `check` runs no cargo.
    let check = || text(&cratewright().arg("check").current_dir(&root).output().unwrap());
    assert!(check().contains(help), "{}", check());
    std::fs::write(root.join("rust-toolchain.toml"), "[toolchain\n").unwrap();
    assert!(check().contains("error[invalid-toml]") && check().contains("rust-toolchain.toml:1:"), "{}", check());
}

/// Git has no sides of a file that was committed with its markers.
#[test]
fn a_committed_conflict_is_resolved_by_hand() {
    let scratch = merge(&new_version("0.2.0"), &new_version("0.3.0"));
    let root = scratch.path("w");
    scratch.commit("w");
    let help = reported(&root, &["check"], &root, &ALL);
    assert!(help.starts_with("resolve `app/Cargo.toml` and `Cargo.lock` by hand, then run `cratewright "), "{help}");
    assert!(!help.contains("git add"), "{help}");
    follow(&scratch, &root, &help);
    run(cratewright().arg("check").current_dir(&root));
}
