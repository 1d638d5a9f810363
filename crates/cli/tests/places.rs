//! Places of files: links, odd names, other directories, nested packages.

use std::fs;
use std::path::Path;

use crate::support;
use crate::support::nix;

const MANIFEST: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

/// A package that prints its name.
fn write_package(directory: &Path, manifest: &str) {
    fs::create_dir_all(directory.join("src")).unwrap();
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    fs::write(directory.join("src/main.rs"), "fn main() { println!(env!(\"CARGO_PKG_NAME\")); }\n").unwrap();
    let mut lock = std::process::Command::new("cargo");
    support::run(lock.args(["generate-lockfile", "--offline", "--quiet"]).current_dir(directory));
}

#[track_caller]
fn cratewright(directory: &Path, arguments: &[&str]) -> String {
    let output = support::run(support::cratewright().args(arguments).current_dir(directory));
    String::from_utf8(output.stderr).unwrap()
}

#[track_caller]
fn check_prints_app(cargo_nix: &Path) {
    let bin = nix::build(cargo_nix, "rootCrate.build").join("bin/app");
    assert_eq!(support::stdout(&mut std::process::Command::new(bin)), "app\n");
}

#[cfg(unix)]
#[test]
fn the_target_of_a_linked_cargo_nix_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    write_package(scratch.path(), &format!("{MANIFEST}[workspace]\n"));
    fs::create_dir(scratch.path().join("nix")).unwrap();
    let link = scratch.path().join("Cargo.nix");
    std::os::unix::fs::symlink("nix/Cargo.nix", &link).unwrap();
    cratewright(scratch.path(), &["generate"]);
    assert!(link.is_symlink(), "the link was replaced");
    assert!(fs::read_to_string(scratch.path().join("nix/Cargo.nix")).unwrap().contains("root = ./..;"));
    check_prints_app(&link);
    assert!(cratewright(scratch.path(), &["generate"]).contains("Fresh"));
    cratewright(scratch.path(), &["check"]);
}

/// Nix cannot read where a link leads.
#[test]
fn a_linked_cargo_nix_is_checked_during_evaluation() {
    for target in ["nix/Cargo.nix", "other.nix"] {
        let scratch = tempfile::tempdir().unwrap();
        write_package(scratch.path(), &format!("{MANIFEST}[workspace]\n"));
        fs::create_dir(scratch.path().join("nix")).unwrap();
        std::os::unix::fs::symlink(target, scratch.path().join("Cargo.nix")).unwrap();
        cratewright(scratch.path(), &["generate"]);
        let evaluate = || {
            let command = ["nix-instantiate", "-A", "rootCrate.build"];
            let output = nix::library("cargo-nix", scratch.path(), "{ }", &command);
            (output.status.success(), String::from_utf8(output.stderr).unwrap())
        };
        let (is_fresh, said) = evaluate();
        assert!(is_fresh, "{target}: {said}");
        let manifest = MANIFEST.replace("0.1.0", "0.2.0");
        assert_ne!(manifest, MANIFEST);
        fs::write(scratch.path().join("Cargo.toml"), format!("{manifest}[workspace]\n")).unwrap();
        let (is_fresh, said) = evaluate();
        assert!(!is_fresh && said.contains(r#"- package.version = "0.1.0""#), "{target}: {said}");
    }
}

/// What remains of a library in a chosen place is replaced; a file of the user's is kept.
#[test]
fn a_damaged_library_is_stale_in_any_place() {
    for place in ["beside", "nix/library.nix"] {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        let setting = format!("[workspace.metadata.cratewright]\nlibrary = \"{place}\"\n");
        write_package(root, &format!("{MANIFEST}[workspace]\n{setting}"));
        fs::create_dir(root.join("nix")).unwrap();
        cratewright(root, &["generate"]);
        let path = root.join(if place == "beside" { "cratewright.nix" } else { place });
        let whole = fs::read_to_string(&path).unwrap();
        let edited = whole.replacen("  lib", "  lib ", 1);
        for (text, reason) in [
            (String::new(), "it was edited by hand or truncated"),
            ("\n".to_owned(), "it was edited by hand or truncated"),
            (edited, "it was edited by hand or truncated"),
            (whole.replace('\n', "\r\n"), "its lines end in CR LF; write `*.nix text eol=lf` into .gitattributes"),
        ] {
            fs::write(&path, &text).unwrap();
            let said = fails(root, &["check"], 1);
            assert!(said.contains(reason), "{place}: {said}");
            let evaluated = nix::library("cargo-nix", root, "{ }", &["nix-instantiate", "-A", "rootCrate.build"]);
            let said = String::from_utf8(evaluated.stderr).unwrap();
            assert!(!evaluated.status.success() && said.contains(reason), "{place}: {said}");
            cratewright(root, &["generate"]);
            assert!(fs::read_to_string(&path).unwrap() == whole, "{place}: {reason}");
        }
        // Without its first line, the file may be a version of the user's.
        fs::write(&path, whole.split_once('\n').unwrap().1).unwrap();
        if place == "beside" {
            assert!(fails(root, &["generate"], 2).contains("error[foreign-file]"));
        } else {
            let said = cratewright(root, &["generate"]);
            assert!(said.contains("Kept nix/library.nix, which was not generated by cratewright"), "{said}");
            cratewright(root, &["check"]);
        }
    }
}

/// Nothing is lost if an empty file is overwritten, unless a build reads it.
#[test]
fn an_empty_cargo_nix_is_stale() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write_package(root, &format!("{MANIFEST}[workspace]\n"));
    for text in ["", "\n"] {
        fs::write(root.join("Cargo.nix"), text).unwrap();
        assert!(fails(root, &["check"], 1).contains("it was edited by hand or truncated"), "{text:?}");
        let evaluated = nix::library("cargo-nix", root, "{ }", &["nix-instantiate", "-A", "rootCrate.build"]);
        let said = String::from_utf8(evaluated.stderr).unwrap();
        assert!(said.contains("it was edited by hand or truncated"), "{text:?}: {said}");
        cratewright(root, &["generate"]);
        cratewright(root, &["check"]);
    }
    fs::write(root.join("empty.inc"), "").unwrap();
    fs::write(root.join("src/main.rs"), "fn main() { print!(\"hello\"); }\ninclude!(\"../empty.inc\");\n").unwrap();
    assert!(fails(root, &["generate", "-o", "empty.inc"], 2).contains("error[output-is-input]"));
}

#[test]
fn the_directory_of_the_workspace_may_have_an_odd_name() {
    let scratch = tempfile::tempdir().unwrap();
    let workspace = scratch.path().join("a b/${x} \"y\" #1");
    write_package(&workspace, &format!("{MANIFEST}[workspace]\n"));
    cratewright(&workspace, &["generate", "-o", "../../Cargo.nix"]);
    check_prints_app(&scratch.path().join("Cargo.nix"));
}

#[test]
fn check_and_generate_agree_on_the_root() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().canonicalize().unwrap();
    fs::write(root.join("Cargo.toml"), "[workspace]\nmembers = [\"app\"]\nexclude = [\"apart\"]\nresolver = \"3\"\n")
        .unwrap();
    write_package(&root.join("app"), MANIFEST);
    write_package(&root.join("apart"), &MANIFEST.replace("app", "apart"));
    // A stale lock file of a member.
    fs::write(root.join("app/Cargo.lock"), "version = 4\n").unwrap();
    for (directory, cargo_nix) in [("app", "Cargo.nix"), ("apart", "apart/Cargo.nix")] {
        cratewright(&root.join(directory), &["generate"]);
        assert!(root.join(cargo_nix).is_file(), "{cargo_nix} is missing");
        cratewright(&root.join(directory), &["check"]);
    }
    assert!(!root.join("app/Cargo.nix").exists());
}

/// A run that fails, and what it says.
#[track_caller]
fn fails(directory: &Path, arguments: &[&str], code: i32) -> String {
    let output = support::cratewright().args(arguments).current_dir(directory).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn a_new_member_is_stale_in_its_own_directory() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write_package(&root.join("crates/other"), &MANIFEST.replace("app", "other"));
    fs::remove_file(root.join("crates/other/Cargo.lock")).unwrap();
    write_package(root, &format!("{MANIFEST}[workspace]\nmembers = [\"crates/*\"]\n"));
    cratewright(root, &["generate"]);
    support::write(&root.join("crates/extra/Cargo.toml"), &MANIFEST.replace("app", "extra"));
    support::write(&root.join("crates/extra/src/lib.rs"), "");
    let said = fails(&root.join("crates/extra"), &["check"], 1);
    assert!(said.contains("run `cratewright generate") && said.contains("crates/*"), "{said}");
    support::write(&root.join("apart/Cargo.toml"), MANIFEST);
    assert!(fails(&root.join("apart"), &["check"], 2).contains("error[not-a-member]"));
}

#[test]
fn the_place_of_the_library_may_change() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let place = |library: &str| {
        let settings = format!("[workspace.metadata.cratewright]\nlibrary = \"{library}\"\n");
        fs::write(root.join("Cargo.toml"), format!("{MANIFEST}[workspace]\n{settings}")).unwrap();
    };
    write_package(root, &format!("{MANIFEST}[workspace]\n"));
    support::write(&root.join("nix/default.nix"), "data: data");
    place("nix");
    cratewright(root, &["generate"]);
    fs::remove_file(root.join("nix/default.nix")).unwrap();
    assert!(fails(root, &["check"], 2).contains("`nix`, which is a directory without `default.nix`"));
    place("beside");
    let said = fails(root, &["check"], 1);
    assert!(
        said.contains("library") && said.contains("\"beside\"") && said.contains("`cratewright generate`"),
        "{said}"
    );

    // A file of the user at the usual place, and at a chosen one.
    support::write(&root.join("cratewright.nix"), "# mine\n");
    let said = fails(root, &["generate"], 2);
    assert!(
        said.contains("error[foreign-file]") && said.contains("or rename it, or set `workspace.metadata"),
        "{said}"
    );
    place("./cratewright.nix");
    cratewright(root, &["generate"]);
    cratewright(root, &["check"]);
    assert_eq!(fs::read_to_string(root.join("cratewright.nix")).unwrap(), "# mine\n");

    place("beside");
    cratewright(root, &["generate", "--force"]);
    support::write(&root.join("cratewright.nix"), "# mine\n");
    assert!(fails(root, &["check"], 1).contains("run `cratewright generate --force`"));
    cratewright(root, &["generate", "--force"]);
    cratewright(root, &["check"]);
}

#[test]
fn files_of_a_newer_version_are_not_replaced_without_a_word() {
    let scratch = tempfile::tempdir().unwrap();
    write_package(scratch.path(), &format!("{MANIFEST}[workspace]\n"));
    cratewright(scratch.path(), &["generate"]);
    let path = scratch.path().join("Cargo.nix");
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.starts_with("# format: ")).unwrap();
    for (format, says) in [("999", "use the version of cratewright that wrote it"), ("1", "run `cratewright generate`")]
    {
        fs::write(&path, text.replacen(line, &format!("# format: {format}"), 1)).unwrap();
        let said = fails(scratch.path(), &["check"], 1);
        assert!(said.contains(&format!("it has format {format},")) && said.contains(says), "{said}");
        let said = cratewright(scratch.path(), &["generate"]);
        assert_eq!(said.contains("warning: Cargo.nix had format 999, of a newer version"), format == "999", "{said}");
    }
}

#[test]
fn verify_knows_default_members() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write_package(&root.join("other"), &MANIFEST.replace("app", "other"));
    fs::remove_file(root.join("other/Cargo.lock")).unwrap();
    write_package(root, &format!("{MANIFEST}[workspace]\nmembers = [\"other\"]\ndefault-members = [\"other\"]\n"));
    let said = cratewright(root, &["verify", "--target", "x86_64-linux"]);
    assert!(said.contains("all equal to cargo's"), "{said}");
}
