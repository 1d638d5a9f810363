//! Checks of members: tests, lints, documentation, examples and benchmarks of `fixtures/service`. Cargo is the oracle
//! for which test programs run, and for how many of their tests pass, fail and are ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support;
use crate::support::nix;

const MEMBERS: [&str; 7] =
    ["analytics", "clock", "contract", "event-derive", "event-store", "store-testkit", "web-front"];

/// Passed, failed, ignored, measured, filtered out.
type Counts = [u32; 5];

/// Results of test programs, by the heading that cargo prints for each, without the file name.
fn reports(log: &str) -> BTreeMap<String, Counts> {
    let mut reports: BTreeMap<String, Counts> = BTreeMap::new();
    let mut current = None;
    for line in log.lines().map(str::trim) {
        if let Some(program) = line.strip_prefix("Running ").filter(|rest| rest.contains(" (")) {
            current = program.split_once(" (").map(|(program, _)| program.to_owned());
        } else if line.starts_with("Doc-tests ") {
            current = Some(line.to_owned());
        }
        let Some(program) = &current else { continue };
        let counts = reports.entry(program.clone()).or_default();
        let Some(result) = line.strip_prefix("test result: ") else { continue };
        let numbers = result.split(' ').filter_map(|word| word.parse::<u32>().ok());
        counts.iter_mut().zip(numbers).for_each(|(count, number)| *count += number);
    }
    reports
}

fn service() -> PathBuf {
    support::fixture("service")
}

fn build(attribute: &str) -> PathBuf {
    nix::build(&service().join("Cargo.nix"), attribute)
}

/// An expression with `c`, the value of `Cargo.nix` with these arguments.
fn expression(root: &Path, arguments: &str, body: &str) -> String {
    format!(
        "let pkgs = import <nixpkgs> {{ }}; c = import {}/Cargo.nix ({{ inherit pkgs; }} // {arguments}); in {body}",
        root.display()
    )
}

/// Builds an expression, and returns the result and its log.
fn try_build(root: &Path, arguments: &str, body: &str) -> (Output, String) {
    let output = nix::nix("nix-build").args(["--expr", &expression(root, arguments, body)]).output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, log)
}

#[track_caller]
fn check_passes(root: &Path, arguments: &str, body: &str) -> PathBuf {
    let (output, log) = try_build(root, arguments, body);
    assert!(output.status.success(), "{body} fails: {log}");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().lines().next().unwrap())
}

/// Expects the build to fail with these messages.
#[track_caller]
fn check_fails(root: &Path, arguments: &str, body: &str, says: &[&str]) {
    let (output, log) = try_build(root, arguments, body);
    assert!(!output.status.success(), "{body} passes: {log}");
    for message in says {
        assert!(log.contains(message), "{body} does not say {message:?}: {log}");
    }
}

/// A copy of the fixture with one edit.
fn edited(file: &str, from: &str, to: &str) -> support::Copy {
    let copy = support::Copy::of(&service());
    let path = copy.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
    copy
}

#[test]
fn test_programs_and_their_tests_are_the_same_as_with_cargo() {
    let mut total = Counts::default();
    for member in MEMBERS {
        let log = |kind: &str| {
            let log = build(&format!("{kind}.{member}")).join(format!("{member}.log"));
            fs::read_to_string(log).unwrap_or_default()
        };
        let mut ours = reports(&log("tests"));
        ours.extend(reports(&log("doctests")));

        let mut cargo = Command::new("sh");
        cargo.args(["-c", &format!("cargo test --release --locked --offline --no-fail-fast -p {member} 2>&1")]);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("service");
        let theirs = reports(&support::stdout(cargo.env("CARGO_TARGET_DIR", target).current_dir(service())));

        assert!(!theirs.is_empty(), "cargo runs nothing of {member}");
        assert_eq!(ours, theirs, "{member}");
        theirs.values().for_each(|counts| total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count));
    }
    let [passed, failed, ignored, ..] = total;
    assert!(passed > 20 && ignored == 3 && failed == 0, "the fixture lost its tests: {total:?}");
}

#[test]
fn a_kind_is_a_tree_of_links_to_all_members() {
    for kind in ["benches", "clippy", "docs", "doctests", "examples", "tests"] {
        let all = build(&format!("{kind}.all"));
        let names: BTreeSet<String> =
            fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(names, MEMBERS.map(str::to_owned).into(), "{kind}");
        assert!(all.join("clock").is_symlink());
    }
    let printed = |program: PathBuf| support::stdout(&mut Command::new(program));
    assert_eq!(printed(build("examples.event-store").join("bin/tail")), "closed at 42\n");
    assert_eq!(printed(build("examples.web-front").join("bin/client")), "0 events\n");
    assert!(printed(build("benches.event-store").join("bin/append")).starts_with("1000 events in "));
    assert!(printed(build("benches.web-front").join("bin/routing")).contains("1 passed"));
    assert!(fs::read_dir(build("benches.clock")).unwrap().next().is_none());

    // Documentation describes the package as others use it, not as its tests do.
    let docs = build("docs.event-store").join("share/doc/event_store");
    assert!(docs.join("struct.Store.html").is_file() && !docs.join("fn.inject.html").exists());
    assert!(build("docs.event-derive").join("share/doc/event_derive/derive.Event.html").is_file());
    assert!(build("docs.web-front").join("share/doc/store_admin/index.html").is_file());
}

#[test]
fn failures_are_reported() {
    let cases: [(&str, &str, &str, &str, &[&str]); 9] = [
        (
            "event-store/tests/replay.rs",
            "\"closed\"",
            "\"lost\"",
            "tests.event-store",
            &[
                // Other tests have run.
                "test tests::time_is_frozen ... ok",
                "test the_kit_fills_our_store ... ok",
                "test a_log_is_replayed ... FAILED",
                "left: \"closed\"",
                "error: 1 failed:\n    Running tests/replay.rs (target/release/deps/replay-",
            ],
        ),
        (
            "web-front/checks/smoke.rs",
            "b\"1 events\\n\"",
            "b\"\"",
            "tests.web-front",
            &["test the_program_answers ... ok", "Running checks/smoke.rs (target/release/deps/smoke-", "panicked at"],
        ),
        (
            "clock/src/lib.rs",
            "/// assert!(clock::now() > 0)",
            "/// assert!(clock::now() == 0)",
            "doctests.clock",
            &["src/lib.rs - now (line 5) ... FAILED", "error: 1 failed:\n    Doc-tests clock"],
        ),
        (
            "clock/src/lib.rs",
            "    if cfg!",
            "    dbg!(());\n    if cfg!",
            "clippy.clock",
            &[
                "the `dbg!` macro is intended",
                "error: 2 failed:\n    Checking src/lib.rs\n    Checking src/lib.rs (test)",
            ],
        ),
        // Lints of tests, of `[lints]` of a member, and of build scripts.
        (
            "contract/tests/contract.rs",
            "    let store",
            "    dbg!(());\n    let store",
            "clippy.contract",
            &["clippy::dbg-macro"],
        ),
        ("analytics/src/lib.rs", "cfg!(by_hand)", "cfg!(by_head)", "clippy.analytics", &["name: `by_head`"]),
        (
            "analytics/build.rs",
            "expect(\"cargo says where\")",
            "unwrap()",
            "clippy.analytics",
            &["clippy::unwrap-used", "Checking build.rs"],
        ),
        ("clippy.toml", "threshold = 4", "threshold = 3", "clippy.event-store", &["too many arguments (4/3)"]),
        (
            "web-front/examples/client.rs",
            "\"0 events\"",
            "\"\"",
            "tests.web-front",
            &["Running unittests examples/client.rs"],
        ),
    ];
    for (file, from, to, attribute, says) in cases {
        let copy = edited(file, from, to);
        check_fails(copy.path(), "{ }", &format!("c.{attribute}"), says);
    }
}

#[test]
fn lints_that_the_manifest_allows_do_not_warn() {
    // The fixture allows the lint.
    let copy = edited("Cargo.toml", "needless_return = \"allow\"\n", "");
    let mut generate = support::cratewright();
    support::run(generate.args(["generate", "--locked", "--manifest-path"]).arg(copy.path().join("Cargo.toml")));
    check_fails(copy.path(), "{ }", "c.clippy.clock", &["unneeded `return` statement"]);
}

#[test]
fn an_edit_reruns_only_the_suites_of_dependents() {
    let derivations = |root: &Path| -> BTreeMap<String, String> {
        let body = "builtins.mapAttrs (_: check: check.drvPath) c.tests";
        serde_json::from_value(nix::eval_json(&expression(root, "{ }", body))).unwrap()
    };
    let copy = support::Copy::of(&service());
    let mut before = derivations(copy.path());
    let cases: [(&str, &[&str]); 5] = [
        ("clock/src/lib.rs", &["clock", "contract", "event-derive", "event-store", "web-front"]),
        ("analytics/csrc/total.c", &["analytics", "contract", "web-front"]),
        ("web-front/tests/serve.rs", &["web-front"]),
        ("contract/tests/contract.rs", &["contract"]),
        ("README.md", &[]),
    ];
    for (file, again) in cases {
        let path = copy.path().join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, text + "\n// edited\n").unwrap();
        let after = derivations(copy.path());
        let changed: BTreeSet<&str> =
            after.iter().filter(|(name, path)| before[*name] != **path).map(|(name, _)| name.as_str()).collect();
        let again: BTreeSet<&str> = again.iter().copied().chain((!again.is_empty()).then_some("all")).collect();
        assert_eq!(changed, again, "after editing {file}");
        before = after;
    }
}

#[test]
fn check_options_apply() {
    let root = service();
    let options = r#"{
      env.NOTE = "seen";
      inputs = [ (pkgs.writeShellScriptBin "a-tool" "echo made") ];
      preRun = "test \"$NOTE\" = seen; a-tool >pre";
      postRun = "test \"$(cat pre)\" = made";
      testFlags = [ "--skip" "time passes" "--skip" "time_passes" ];
    }"#;
    let filtered =
        |output: &Path| reports(&fs::read_to_string(output.join("clock.log")).unwrap())["unittests src/lib.rs"];
    let given = check_passes(&root, &format!("{{ checkOptions.clock = {options}; }}"), "c.tests.clock");
    assert_eq!(filtered(&given), [0, 0, 0, 0, 1]);
    assert_eq!(check_passes(&root, "{ }", &format!("c.tests.clock.override {options}")), given);
    assert_eq!(check_passes(&root, &format!("{{ checkOptions.\"*\" = {options}; }}"), "c.tests.clock"), given);

    check_fails(&root, "{ }", "c.tests.clock.override { postRun = \"echo at the end; false\"; }", &["at the end"]);
    let flags = "clippyFlags = [ \"-D\" \"clippy::missing_inline_in_public_items\" ];";
    check_fails(&root, "{ }", &format!("c.clippy.clock.override {{ {flags} }}"), &["missing `#[inline]`"]);
    let flags = "rustdocFlags = [ \"-D\" \"rustdoc::missing_crate_level_docs\" \"-D\" \"missing_docs\" ];";
    check_passes(&root, "{ }", &format!("c.docs.clock.override {{ {flags} }}"));
    check_fails(&root, "{ }", &format!("c.docs.web-front.override {{ {flags} }}"), &["missing documentation"]);
    check_fails(&root, "{ }", "c.tests.clock.override { testFlag = [ ]; }", &["there is no option `testFlag`"]);
    check_fails(&root, "{ checkOptions.clok = { }; }", "c.tests.clock", &["there is no member `clok`"]);

    let reads = "preRun = \"test -e ../clippy.toml\";";
    check_fails(&root, "{ }", &format!("c.tests.contract.override {{ {reads} }}"), &[]);
    let reads = format!("c.tests.contract.override {{ {reads} extraSources = [ \"clippy.toml\" ]; }}");
    check_passes(&root, "{ }", &reads);

    // Attributes of an override do not replace those that a check needs.
    let overrides = "{ crateOverrides.contract = _: { nativeBuildInputs = [ ]; postInstall = \"ls $out/bin/x\"; }; }";
    check_passes(&root, overrides, &format!("c.tests.contract.override {options}"));
    check_passes(&root, overrides, "c.clippy.contract");
}

#[test]
fn run_tests_works_as_with_crate2nix() {
    let body = |arguments: &str| format!("c.workspaceMembers.clock.build.override {{ runTests = true; {arguments} }}");
    let passes = check_passes(&service(), "{ }", &body(""));
    assert!(passes.is_symlink() || passes.is_dir());
    let same = format!("[ ({}).lib c.workspaceMembers.clock.build.lib ]", body(""));
    let libraries = support::stdout(nix::nix("nix-build").args(["--expr", &expression(&service(), "{ }", &same)]));
    let libraries: BTreeSet<PathBuf> = libraries.lines().map(|path| fs::canonicalize(path).unwrap()).collect();
    assert_eq!(libraries.len(), 1);

    let copy = edited("clock/src/lib.rs", "super::now() > 42", "super::now() < 42");
    check_fails(copy.path(), "{ }", &body(""), &["test tests::time_passes ... FAILED"]);
    let hooks = "testInputs = [ (pkgs.writeShellScriptBin \"a-tool\" \"echo made\") ]; testPreRun = \"a-tool >pre\"; \
                 testPostRun = \"test $(cat pre) = made\";";
    let flags = "testCrateFlags = [ \"--skip\" \"time_passes\" ];";
    check_passes(copy.path(), "{ }", &body(&format!("{flags} {hooks}")));
    check_passes(copy.path(), "{ }", "c.workspaceMembers.clock.build");
}

/// Cargo gives these files the same names.
#[test]
fn library_examples_are_installed() {
    let scratch = tempfile::tempdir().unwrap();
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--offline", "--examples", "-p", "shared", "--target-dir"]).arg(scratch.path());
    support::run(cargo.current_dir(support::fixture("cdylib")));
    let names = |directory: &Path, keep: fn(&str) -> bool| -> BTreeSet<String> {
        let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| keep(name)).collect()
    };
    let made: fn(&str) -> bool = |name| name.starts_with("lib") && !name.contains('-') && !name.ends_with(".d");
    let expected = names(&scratch.path().join("debug/examples"), made);
    assert_eq!(expected.len(), 2, "{expected:?}");
    let built = nix::build(&support::fixture("cdylib").join("Cargo.nix"), "examples.shared");
    assert_eq!(names(&built.join("lib"), |_| true), expected);
    assert_eq!(names(&built.join("bin"), |_| true), BTreeSet::from(["shown".to_owned()]));
}
