//! Files are written completely or not at all: permissions, full disks, killed runs, and concurrent runs. Also tests
//! the pre-commit hooks.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output};

use crate::support;
use crate::support::git::Scratch;

const WRITTEN: [&str; 3] = ["Cargo.nix", "cratewright.nix", "sbom.json"];
const GENERATE: &[&str] = &["generate", "--locked", "--offline"];
const SBOM: &[&str] = &["sbom", "--output", "sbom.json"];

/// A package with the files [`WRITTEN`], all of them stale.
fn stale_workspace() -> Scratch {
    let scratch = Scratch::new();
    describe(&scratch, "old");
    scratch.write("ws", &[("src/main.rs", "fn main() {}\n")]);
    scratch.generate("ws");
    support::run(&mut cratewright(&scratch, "", SBOM));
    describe(&scratch, "new");
    for name in &WRITTEN[1..] {
        let path = scratch.path("ws").join(name);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "\n").unwrap();
    }
    scratch
}

/// Edits an input of `Cargo.nix`.
fn describe(scratch: &Scratch, description: &str) {
    let manifest = format!("[package]\nname = \"app\"\nversion = \"0.1.0\"\ndescription = \"{description}\"\n");
    scratch.write("ws", &[("Cargo.toml", &manifest)]);
}

/// Runs the program after shell commands, without root's capability to ignore permissions.
fn cratewright(scratch: &Scratch, shell: &str, arguments: &[&str]) -> Command {
    let is_root = fs::metadata(scratch.path("ws")).unwrap().uid() == 0;
    let drop = if is_root { "setpriv --inh-caps=-all --bounding-set=-all" } else { "" };
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{shell}\nexec {drop} \"$@\"")).arg("sh").arg(env!("CARGO_BIN_EXE_cratewright"));
    command.args(arguments).current_dir(scratch.path("ws"));
    command
}

/// Names of leftover temporary files.
fn leftovers(root: &Path) -> Vec<String> {
    let names = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".cratewright.") && name.ends_with('~')).collect()
}

#[test]
fn permissions_and_owner_are_kept() {
    let scratch = stale_workspace();
    let path = |name| scratch.path("ws").join(name);
    for (name, mode) in WRITTEN.into_iter().zip([0o600, 0o664, 0o755]) {
        fs::set_permissions(path(name), PermissionsExt::from_mode(mode)).unwrap();
    }
    // Only root can change the owner of a file, in this test and in the program.
    let _ = chown(path("Cargo.nix"), Some(1), Some(1));
    let files = || WRITTEN.map(|name| (fs::metadata(path(name)).unwrap(), fs::read(path(name)).unwrap()));
    let before = files();
    for arguments in [GENERATE, SBOM] {
        support::run(support::cratewright().args(arguments).current_dir(scratch.path("ws")));
    }
    for ((old, old_bytes), (new, bytes)) in before.into_iter().zip(files()) {
        assert_eq!((new.mode(), new.uid(), new.gid()), (old.mode(), old.uid(), old.gid()));
        assert_ne!(bytes, old_bytes, "nothing was written");
    }
}

#[test]
fn old_files_are_kept_if_new_ones_cannot_be_written() {
    let scratch = stale_workspace();
    let root = scratch.path("ws");
    let before = support::tree(&root);
    // Like a full disk, the limit allows only the start of a file to be written.
    let full = "trap '' XFSZ; ulimit -f 1";
    for (shell, arguments, said) in [
        // Only the library can be written.
        ("chmod 444 Cargo.nix", GENERATE, "Cargo.nix`: Permission denied"),
        ("chmod 644 Cargo.nix; chmod 444 *.nix sbom.json", GENERATE, "cratewright.nix`: Permission denied"),
        ("", SBOM, "sbom.json`: Permission denied"),
        ("chmod 644 *.nix sbom.json; chmod 555 .", GENERATE, "cratewright.nix`: Permission denied"),
        ("", SBOM, "sbom.json`: Permission denied"),
        (&format!("chmod 755 .; {full}"), GENERATE, "cratewright.nix`: File too large"),
        (full, SBOM, "sbom.json`: File too large"),
    ] {
        let output = cratewright(&scratch, shell, arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{shell}, {arguments:?}: {text}");
        assert!(text.contains("error[io]: cannot write `") && text.contains(said), "{shell}, {arguments:?}: {text}");
        assert!(support::tree(&root) == before, "{shell}, {arguments:?}: files were changed or left");
    }
    // Without the trap, the signal kills the program during a write.
    for arguments in [GENERATE, SBOM] {
        let Output { status, .. } = cratewright(&scratch, "ulimit -c 0; ulimit -f 1", arguments).output().unwrap();
        assert!(status.signal().is_some() && leftovers(&root).len() == 1, "{arguments:?}: {status}");
        fs::remove_file(root.join(&leftovers(&root)[0])).unwrap();
        assert!(support::tree(&root) == before, "{arguments:?}: files were changed");
    }
}

#[test]
fn concurrent_runs_leave_complete_files() {
    let scratch = stale_workspace();
    let root = scratch.path("ws");
    let mut known = vec![fs::read(root.join("Cargo.nix")).unwrap()];
    for round in 0..6 {
        describe(&scratch, &"text ".repeat(round * 5000));
        known.push(support::run(cratewright(&scratch, "", GENERATE).arg("--stdout")).stdout);
        let start = |_| support::cratewright().args(GENERATE).arg("--quiet").current_dir(&root).spawn().unwrap();
        let mut runs: Vec<Child> = (0..4).map(start).collect();
        while runs.iter_mut().any(|run| run.try_wait().unwrap().is_none()) {
            let read = fs::read(root.join("Cargo.nix")).unwrap();
            assert!(known[known.len() - 2..].contains(&read), "an incomplete or old file was read");
        }
        assert!(runs.iter_mut().all(|run| run.wait().unwrap().success()));
        support::run(support::cratewright().arg("check").current_dir(&root));
        assert_eq!(leftovers(&root), [""; 0]);
    }
}

#[test]
fn a_redirected_standard_output_is_appended_to() {
    let scratch = stale_workspace();
    let mut log = fs::OpenOptions::new().append(true).create(true).open(scratch.path("log")).unwrap();
    log.write_all(b"before\n").unwrap();
    let mut sbom = cratewright(&scratch, "", &["sbom", "-o", "/dev/stdout"]);
    assert!(sbom.stdout(log.try_clone().unwrap()).status().unwrap().success());
    log.write_all(b"after\n").unwrap();
    let text = fs::read_to_string(scratch.path("log")).unwrap();
    assert!(text.starts_with("before\n{\n") && text.ends_with("}\nafter\n"), "{text}");
}

#[test]
fn pre_commit_hooks_run_on_every_commit() {
    let hooks = fs::read_to_string(support::repository().join(".pre-commit-hooks.yaml")).unwrap();
    let [check, generate] = ["check", "generate"].map(|command| {
        let hook = hooks.split(&format!("- id: cratewright-{command}\n")).nth(1).unwrap().split("\n\n").next().unwrap();
        // Hooks do not depend on file names: deleted files are not passed, and any file may be included by a source.
        assert!(hook.contains("  always_run: true\n") && hook.contains("  pass_filenames: false\n"), "{hook}");
        assert!(hook.contains("  stages: "), "{hook}: the hook would also run on checkouts");
        hook.lines().find_map(|line| line.strip_prefix("  entry: ")).unwrap()
    });
    let scratch = stale_workspace();
    let bin = Path::new(env!("CARGO_BIN_EXE_cratewright")).parent().unwrap();
    let path = std::env::join_paths(
        [bin.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    let code = |entry: &str, arguments: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{entry} {arguments}")]).env("PATH", &path).current_dir(scratch.path("ws"));
        command.output().unwrap().status.code()
    };
    for arguments in ["", "--target x86_64-linux"] {
        assert_eq!(code(check, ""), Some(1));
        assert_eq!(code(generate, arguments), Some(0), "{arguments}");
        assert_eq!(code(check, ""), Some(0), "{arguments}");
        scratch.write("ws", &[("tests/it.rs", "")]);
    }
}
