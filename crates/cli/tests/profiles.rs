//! Profiles: compares rustc's arguments in `cargo build -v` and in the logs of Nix's builds, unit by unit, and the
//! built programs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;
use crate::support::nix;

/// Options of `-C` that a profile sets.
const OPTIONS: [&str; 12] = [
    "codegen-units",
    "debug-assertions",
    "debuginfo",
    "embed-bitcode",
    "linker-plugin-lto",
    "lto",
    "opt-level",
    "overflow-checks",
    "panic",
    "rpath",
    "split-debuginfo",
    "strip",
];

/// One run of rustc: name and kind of the crate, and its effective options. The last of repeated options takes
/// precedence, and a missing option has rustc's default ("Codegen Options" in rustc's book).
fn run_of(line: &str) -> Option<String> {
    let line = line.trim_matches('`').replace('\'', "");
    let words: Vec<&str> = line.split_whitespace().collect();
    let after = |option: &str| words.iter().position(|word| *word == option).and_then(|at| words.get(at + 1));
    let (name, kind) = (after("--crate-name")?, after("--crate-type")?);
    let mut options: BTreeMap<&str, &str> = BTreeMap::new();
    for pair in words.windows(2).filter(|pair| pair[0] == "-C") {
        let (option, value) = pair[1].split_once('=').unwrap_or((pair[1], "yes"));
        if OPTIONS.contains(&option) {
            options.insert(option, value);
        }
    }
    let level = *options.entry("opt-level").or_insert("0");
    let assertions = *options.entry("debug-assertions").or_insert(if level == "0" { "on" } else { "off" });
    options.entry("overflow-checks").or_insert(assertions);
    let defaults = [
        ("codegen-units", "16"),
        ("debuginfo", "0"),
        ("embed-bitcode", "yes"),
        ("linker-plugin-lto", "no"),
        ("lto", "no"),
        ("panic", "unwind"),
        ("rpath", "no"),
        ("split-debuginfo", "off"),
        ("strip", "none"),
    ];
    for (option, default) in defaults {
        options.entry(option).or_insert(default);
    }
    if options["lto"] == "yes" {
        options.insert("lto", "fat");
    }
    let options: Vec<String> = options.iter().map(|(option, value)| format!("{option}={value}")).collect();
    Some(format!("{name} {kind}: {}", options.join(" ")))
}

/// `CARGO_PROFILE_*` variables.
type Variables = [(&'static str, &'static str)];

/// Builds with cargo. Returns the sorted runs of rustc, and the program.
fn by_cargo(root: &Path, member: &str, bin: &str, profile: &str, variables: &Variables) -> (Vec<String>, PathBuf) {
    let target = root.join("target");
    let mut build = Command::new("cargo");
    build.args(["build", "-v", "--locked", "--color", "never", "-p", member, "--profile", profile]).current_dir(root);
    build.env("CARGO_TARGET_DIR", &target).env("CARGO_INCREMENTAL", "0").envs(variables.iter().copied());
    let output = support::run(&mut build);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines = stderr.lines().filter_map(|line| line.trim_start().strip_prefix("Running "));
    let mut runs: Vec<String> = lines.filter_map(run_of).collect();
    runs.sort();
    let directory = if profile == "dev" { "debug" } else { profile };
    (runs, target.join(directory).join(bin))
}

/// The same with Nix.
fn by_nix(root: &Path, member: &str, bin: &str, profile: &str, variables: &Variables) -> (Vec<String>, PathBuf) {
    let variables: String = variables.iter().map(|(name, value)| format!("{name} = \"{value}\"; ")).collect();
    let expression = format!(
        "(import {} {{ pkgs = import {} {{ }}; profile = \"{profile}\"; env = {{ {variables}}}; }})\
         .workspaceMembers.{member}.build",
        root.join("Cargo.nix").display(),
        nix::nixpkgs().display()
    );
    let built = nix::build_expression(&expression);
    let derivation = support::stdout(nix::nix("nix-instantiate").args(["--expr", &expression]));
    let derivation = derivation.trim().split('!').next().unwrap();
    let closure = support::stdout(nix::nix("nix-store").args(["--query", "--requisites", derivation]));
    let mut runs = Vec::new();
    for derivation in closure.lines().filter(|path| path.ends_with(".drv")) {
        let log = nix::nix("nix-store").args(["--read-log", derivation]).output().unwrap();
        let log = String::from_utf8_lossy(&log.stdout).replace("\u{1b}[0;1;32m", "").replace("\u{1b}[0m", "");
        // If the library adds arguments to a run of the builder, a later line has the whole command.
        let mut of_crates: BTreeMap<String, String> = BTreeMap::new();
        for run in log.lines().filter_map(|line| run_of(line.strip_prefix("Running ")?)) {
            of_crates.insert(run.split_once(':').unwrap().0.to_owned(), run);
        }
        runs.extend(of_crates.into_values());
    }
    runs.sort();
    (runs, built.join("bin").join(bin))
}

/// Builds with cargo and Nix, compares the arguments, and returns cargo's program and Nix's.
#[track_caller]
fn check(root: &Path, member: &str, bin: &str, profile: &str) -> [PathBuf; 2] {
    check_with(root, member, bin, profile, &[])
}

/// The same with `CARGO_PROFILE_*` variables.
#[track_caller]
fn check_with(root: &Path, member: &str, bin: &str, profile: &str, variables: &Variables) -> [PathBuf; 2] {
    let (cargo, ours) = by_cargo(root, member, bin, profile, variables);
    let (nix, nixs) = by_nix(root, member, bin, profile, variables);
    assert!(!cargo.is_empty());
    let missing: Vec<&String> = cargo.iter().filter(|run| !nix.contains(run)).collect();
    let unknown: Vec<&String> = nix.iter().filter(|run| !cargo.contains(run)).collect();
    let said = format!("{profile} with {variables:?}");
    assert!(missing.is_empty() && unknown.is_empty(), "{said}: cargo alone: {missing:#?}, Nix alone: {unknown:#?}");
    assert_eq!(cargo, nix, "{said}");
    [ours, nixs]
}

/// A copy without build output.
fn copy(root: &Path) -> support::Copy {
    support::Copy::of(root)
}

#[test]
fn rustc_gets_the_same_arguments_as_from_cargo() {
    let scratch = copy(&support::fixture("profiles"));
    for profile in ["dev", "release", "dist", "smallest", "shipped", "aborting"] {
        check(scratch.path(), "app", "app", profile);
    }
    let scratch = copy(&support::fixture("cargo-config"));
    for profile in ["dev", "release"] {
        check(scratch.path(), "app", "app", profile);
    }
}

#[test]
fn variables_change_profiles_as_they_do_with_cargo() {
    let scratch = copy(&support::fixture("profiles"));
    let manifest = scratch.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let dashed = "[profile.with-dash]\ninherits = \"smallest\"\n[profile.with-dash.build-override]\nstrip = true\n";
    fs::write(&manifest, format!("{text}\n{dashed}")).unwrap();
    let mut generate = support::cratewright();
    generate.args(["generate", "--locked", "--offline", "--manifest-path"]).arg(&manifest);
    support::run(&mut generate);
    let cases: [(&str, &Variables); 12] = [
        ("release", &[("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"), ("CARGO_PROFILE_RELEASE_LTO", "off")]),
        ("release", &[("CARGO_PROFILE_RELEASE_DEBUG", "none"), ("CARGO_PROFILE_RELEASE_PANIC", "unwind")]),
        ("release", &[("CARGO_PROFILE_RELEASE_STRIP", "symbols"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "3")]),
        (
            "release",
            &[("CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_DEBUG", "limited"), ("CARGO_PROFILE_RELEASE_RPATH", "true")],
        ),
        // Inherited keys, which the profile itself does not set.
        ("dist", &[("CARGO_PROFILE_RELEASE_LTO", "fat"), ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2")]),
        ("dist", &[("CARGO_PROFILE_DIST_LTO", "true"), ("CARGO_PROFILE_RELEASE_LTO", "thin")]),
        ("with-dash", &[("CARGO_PROFILE_WITH_DASH_OPT_LEVEL", "0"), ("CARGO_PROFILE_DIST_OVERFLOW_CHECKS", "true")]),
        (
            "with-dash",
            &[("CARGO_PROFILE_SMALLEST_DEBUG", "line-tables-only"), ("CARGO_PROFILE_DIST_INCREMENTAL", "true")],
        ),
        ("dev", &[("CARGO_PROFILE_DEV_DEBUG", "false"), ("CARGO_PROFILE_DEV_SPLIT_DEBUGINFO", "packed")]),
        ("dev", &[("CARGO_PROFILE_DEV_OPT_LEVEL", "1"), ("CARGO_PROFILE_DEV_DEBUG_ASSERTIONS", "false")]),
        ("dev", &[("CARGO_PROFILE_DEV_BUILD_OVERRIDE_OPT_LEVEL", "3"), ("CARGO_PROFILE_DEV_PANIC", "abort")]),
        ("dev", &[("CARGO_PROFILE_DEV_BUILD_OVERRIDE_DEBUG", "1"), ("CARGO_PROFILE_DEV_STRIP", "debuginfo")]),
    ];
    for (profile, variables) in cases {
        check_with(scratch.path(), "app", "app", profile, variables);
        // Cargo would not print runs that it reuses from the previous case.
        fs::remove_dir_all(scratch.path().join("target")).unwrap();
    }
}

#[test]
fn variables_of_other_profiles_change_nothing() {
    let build = |env: &str| {
        format!(
            "(import {} {{ pkgs = import {} {{ }}; profile = \"dist\"; env = {env}; }}).workspaceMembers.app.build.drvPath",
            support::fixture("profiles").join("Cargo.nix").display(),
            nix::nixpkgs().display()
        )
    };
    let equal = format!("{} == {}", build("{ }"), build("{ CARGO_PROFILE_DEV_OPT_LEVEL = 3; }"));
    assert_eq!(nix::eval_json(&equal), true);
    for (env, says) in [
        ("{ CARGO_PROFILE_DIST_LTO = \"maybe\"; }", "`CARGO_PROFILE_DIST_LTO` is `maybe`, expected one of false, fat,"),
        (
            "{ CARGO_PROFILE_DEV_CODEGEN_UNITS = 0; }",
            "`CARGO_PROFILE_DEV_CODEGEN_UNITS` is `0`, expected a number above 0",
        ),
        (
            "{ CARGO_PROFILE_DIST_OPT_LEVL = 1; }",
            "`CARGO_PROFILE_DIST_OPT_LEVL` is not a variable that Cargo.nix reads",
        ),
        (
            "{ CARGO_PROFILE_DIST_BUILD_OVERRIDE_PANIC = \"abort\"; }",
            "`CARGO_PROFILE_DIST_BUILD_OVERRIDE_PANIC` is not",
        ),
        ("{ RUSTFLAGS = \"-O\"; }", "`RUSTFLAGS` is not a variable that Cargo.nix reads"),
    ] {
        let output = nix::nix("nix-instantiate").args(["--eval", "--expr", &build(env)]).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(says), "{env}: {message}");
    }
}

#[test]
fn variables_around_the_commands_change_no_file_and_no_verdict() {
    let scratch = copy(&support::fixture("profiles"));
    let manifest = scratch.path().join("Cargo.toml");
    let before = fs::read(scratch.path().join("Cargo.nix")).unwrap();
    for command in ["generate", "check", "verify"] {
        let mut run = support::cratewright();
        run.arg(command).arg("--manifest-path").arg(&manifest);
        run.env("CARGO_PROFILE_RELEASE_LTO", "off").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        support::run(&mut run);
    }
    assert_eq!(fs::read(scratch.path().join("Cargo.nix")).unwrap(), before);
}

#[test]
fn panics_abort_if_the_profile_says_so() {
    let root = support::fixture("profiles");
    for (profile, signal, code) in [("shipped", Some(6), None), ("dev", None, Some(101))] {
        let (_, program) = by_nix(&root, "app", "app", profile, &[]);
        let output = Command::new(program).arg("panic").output().unwrap();
        assert_eq!((output.status.signal(), output.status.code()), (signal, code), "{profile}");
    }
}

/// A script in the attributes of a derivation, by evaluation.
#[track_caller]
fn script_of(fixture: &str, system: &str, script: &str) -> String {
    let expression = format!(
        "(import {} {{ pkgs = import {} {{ system = \"{system}\"; }}; profile = \"dev\"; }}).{script}",
        support::fixture(fixture).join("Cargo.nix").display(),
        nix::nixpkgs().display()
    );
    nix::eval_json(&expression).as_str().unwrap().to_owned()
}

/// Cargo omits debug information only for code that runs in the compiler, which the tests of a macro do not.
#[test]
fn tests_of_a_procedural_macro_have_debug_information() {
    let script = script_of("profiles", "x86_64-linux", "tests.tagger.buildPhase");
    assert!(script.contains("'debuginfo=2'") && !script.contains("'debuginfo=0'"), "{script}");
}

#[test]
fn debug_information_of_a_build_script_is_unpacked_on_darwin() {
    let of = |system| script_of("cargo-config", system, "internal.units.\"app@0.1.0\".configurePhase");
    assert!(of("aarch64-darwin").contains("-C split-debuginfo=unpacked"), "{}", of("aarch64-darwin"));
    assert!(!of("x86_64-linux").contains("split-debuginfo"), "{}", of("x86_64-linux"));
}

/// An application with everything that makes a program small.
#[test]
#[ignore = "compiles an application twice with LTO: just slow-tests"]
fn a_program_is_as_small_as_cargos() {
    let scratch = copy(&support::application("ripgrep", "14.1.1"));
    let manifest = scratch.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let profile = "[profile.shipped]\ninherits = \"release\"\nlto = true\nstrip = true\npanic = \"abort\"\n\
                   codegen-units = 1\nopt-level = \"z\"\n\
                   [profile.shipped.package.regex-automata]\nopt-level = 3\n\
                   [profile.shipped.build-override]\nopt-level = 1\n";
    fs::write(&manifest, format!("{text}\n{profile}")).unwrap();
    support::run(support::cratewright().args(["generate", "--locked", "--manifest-path"]).arg(&manifest));
    let programs = check(scratch.path(), "ripgrep", "rg", "shipped");
    let [cargo, nix] = programs.clone().map(|program| fs::metadata(program).unwrap().len());
    assert!(cargo.abs_diff(nix) * 100 <= cargo * 3, "{nix} bytes with Nix, {cargo} bytes with cargo");
    let [cargo, nix] = programs.map(|program| support::stdout(Command::new(program).arg("--version")));
    assert_eq!(cargo.lines().next(), nix.lines().next());
}
