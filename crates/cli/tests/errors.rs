//! Every error code is documented and tested. Codes that no other test covers are covered here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cratewright_staleness::{Record, Sources};

use crate::support::git::Scratch;
use crate::support::registry::{APPLICATION, pack, says, serve};
use crate::support::{cratewright, repository};

/// Text files below a directory.
fn texts(directory: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let texts = entries.flat_map(|path| match path.is_dir() {
        true => texts(&path),
        false => fs::read_to_string(&path).into_iter().map(|text| (path.clone(), text)).collect(),
    });
    texts.collect()
}

/// The code at the start of a text, if `end` follows it.
fn code(text: &str, end: char) -> Option<String> {
    let (code, _) = text.split_once(end)?;
    let is_code = !code.is_empty() && code.bytes().all(|c| c == b'-' || c.is_ascii_lowercase());
    is_code.then(|| code.to_owned())
}

/// The codes between `begin` and `end`.
fn codes<'a>(text: &'a str, begin: &'a str, end: char) -> impl Iterator<Item = String> + 'a {
    text.split(begin).skip(1).filter_map(move |rest| code(rest.trim_start().trim_start_matches('"'), end))
}

#[test]
fn each_code_is_documented_and_tested() {
    let (mut known, mut tests) = (BTreeSet::new(), String::new());
    let crates = repository().join("crates");
    for (path, text) in texts(&crates) {
        let is_source =
            path.strip_prefix(&crates).unwrap().components().nth(1).is_some_and(|part| part.as_os_str() == "src");
        let (code, unit_tests) = text.split_once("\n#[cfg(test)]").unwrap_or((&text, ""));
        if is_source && !path.ends_with("tests.rs") {
            for begin in ["Diagnostic::new(", "Diagnostic::toml("] {
                known.extend(codes(code, begin, '"'));
            }
            if path.ends_with("header.rs") {
                known.extend(codes(code, "=> \"", '"'));
            }
            tests.push_str(unit_tests);
        } else {
            tests.push_str(&text);
        }
    }
    assert!(known.len() > 40, "{known:?}");

    let page = fs::read_to_string(repository().join("docs/src/errors.md")).unwrap();
    let listed = page.lines().filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
    let listed: BTreeSet<String> =
        listed.flat_map(|(codes, _)| codes.split("`, `")).filter_map(|name| code(&format!("{name}`"), '`')).collect();
    assert_eq!(known, listed, "errors.md does not list the codes of the source");

    let is_tested = |code: &str| {
        let forms = [format!("error[{code}]"), format!("\"{code}\""), format!("\"{code} ")];
        forms.iter().any(|form| tests.contains(form))
    };
    let untested: Vec<&String> = known.iter().filter(|code| !is_tested(code)).collect();
    assert!(untested.is_empty(), "no test covers {untested:?}");
}

const LEAF: &str = "[package]\nname = \"leaf\"\nversion = \"1.0.0\"\nedition = \"2024\"\n";
const CRATES_IO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n";

fn lock(app: &str, leaf: &str) -> String {
    let package = |name: &str, version: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
    format!("version = 4\n{}{app}{}{leaf}", package("app", "0.1.0"), package("leaf", "1.0.0"))
}

/// Expects a command to fail in the workspace `app`. `tool` is a variable with a program's path, and a script to run
/// instead.
#[track_caller]
fn check(scratch: &Scratch, tool: Option<(&str, &str)>, arguments: &[&str], code: &str) {
    let mut command = cratewright();
    scratch.environment(command.args(arguments).current_dir(scratch.path("app")));
    if let Some((variable, script)) = tool {
        use std::os::unix::fs::PermissionsExt;
        scratch.write("", &[("tool", &format!("#!/bin/sh\n{script}\n"))]);
        fs::set_permissions(scratch.path("tool"), fs::Permissions::from_mode(0o755)).unwrap();
        command.env(variable, scratch.path("tool"));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(said.contains(&format!("error[{code}]")), "{arguments:?}: {said}");
}

fn workspace(dependencies: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("app", &[("Cargo.toml", &format!("{APPLICATION}{dependencies}")), ("src/main.rs", "fn main() {}")]);
    scratch
}

#[test]
fn unexpected_output_of_programs_is_rejected() {
    let scratch = workspace("");
    scratch.generate("app");
    let unit_graph = "case \"$*\" in *unit-graph*) echo '{}' ;; *) exec cargo \"$@\" ;; esac";
    check(&scratch, Some(("CARGO", unit_graph)), &["verify"], "invalid-unit-graph");
    check(&scratch, Some(("CARGO", "echo '{}'")), &["generate"], "invalid-metadata-output");
    check(&scratch, Some(("CARGO", "exec cargo \"$@\" --no-deps")), &["generate"], "no-resolve");
    let cfg = "rustc \"$@\"; case \"$*\" in *--print\\ cfg*) echo '=' ;; esac";
    check(&scratch, Some(("RUSTC", cfg)), &["generate"], "invalid-cfg");
    let mut command = cratewright();
    let output = command.arg("generate").current_dir(scratch.path("app")).env("CARGO", scratch.path("app")).output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(said.contains("error[program-failed]"), "{said}");
}

#[test]
fn packages_in_unsupported_places_are_rejected() {
    let scratch = workspace("");
    scratch.generate("app");
    scratch.write("app/leaf", &[("Cargo.toml", LEAF), ("src/lib.rs", "")]);
    check(&scratch, None, &["check", "--manifest-path", "leaf/Cargo.toml"], "not-a-member");

    let scratch = workspace("leaf = { path = \"link\" }\n");
    scratch.write("leaf", &[("Cargo.toml", LEAF), ("src/lib.rs", "")]);
    std::os::unix::fs::symlink("../leaf", scratch.path("app/link")).unwrap();
    scratch.write("app", &[("Cargo.lock", &lock("", ""))]);
    check(&scratch, None, &["generate"], "symlinked-package");

    // Cargo's configuration above the workspace is not part of the workspace.
    let scratch = workspace("leaf = \"1\"\n");
    scratch.write("leaf", &[("Cargo.toml", LEAF), ("src/lib.rs", "")]);
    scratch.write("", &[(".cargo/config.toml", "[patch.crates-io]\nleaf = { path = \"leaf\" }\n")]);
    scratch.write("app", &[("Cargo.lock", &lock("dependencies = [\"leaf\"]\n", ""))]);
    check(&scratch, None, &["generate"], "unknown-package");
}

#[test]
fn paths_that_the_builder_does_not_support_are_rejected() {
    let scratch = workspace("[[bin]]\nname = \"app\"\npath = \"src/the main.rs\"\n");
    scratch.write("app", &[("src/the main.rs", "fn main() {}"), ("Cargo.lock", &lock("", "").replace("leaf", "x"))]);
    check(&scratch, None, &["generate"], "unsafe-path");

    let scratch = workspace("leaf = \"1\"\n");
    let source = "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\ndirectory = \"vendor\"\n";
    let checksum = "0".repeat(64);
    let leaf = format!("{CRATES_IO}checksum = \"{checksum}\"\n");
    scratch.write(
        "app",
        &[
            (".cargo/config.toml", source),
            ("Cargo.lock", &lock("dependencies = [\"leaf\"]\n", &leaf)),
            ("vendor/leaf/Cargo.toml", &format!("{LEAF}[lib]\npath = \"../leaf.rs\"\n")),
            ("vendor/leaf/.cargo-checksum.json", &format!("{{\"files\":{{}},\"package\":\"{checksum}\"}}")),
            ("vendor/leaf.rs", ""),
        ],
    );
    check(&scratch, None, &["generate"], "target-outside-package");
}

#[test]
fn a_registry_without_configuration_in_the_cache_is_rejected() {
    let scratch = Scratch::with_own_registries();
    let address = serve(scratch.path("served"));
    let line = pack("leaf", "1.0.0", &says("leaf"), "", &scratch.path("served/leaf/1.0.0/download"));
    scratch.write("served", &[("config.json", &format!("{{\"dl\":\"{address}\"}}")), ("le/af/leaf", &line)]);
    let dependency = format!("leaf = {{ version = \"1\", registry-index = \"sparse+{address}/\" }}\n");
    scratch.write(
        "app",
        &[("Cargo.toml", &format!("{APPLICATION}{dependency}")), ("src/main.rs", "fn main() { leaf::say(); }")],
    );
    scratch.generate("app");
    let forget = "cargo \"$@\" && find \"$CARGO_HOME\" -name config.json -delete";
    check(&scratch, Some(("CARGO", forget)), &["generate"], "unknown-registry");
}

/// Only a forged file with a valid digest has such a record.
#[test]
fn a_record_with_an_invalid_pattern_is_rejected() {
    let record = Record::parse("\n  inputs = {\n    \"(directories) [\" = ''\n    '';\n  };\n").unwrap();
    let files = std::collections::BTreeMap::from([("Cargo.lock".to_owned(), "version = 4\n".to_owned())]);
    assert_eq!(record.replay(&files, Sources::AsRecorded).unwrap_err().code, "invalid-pattern");
}
