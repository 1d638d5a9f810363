//! A user's flake with `lib.perSystem`: its check passes while Cargo.nix is up to date, fails when it is stale, and
//! runs again only after relevant changes.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::flake::{add, nix, repository, text};
use crate::support::git::Scratch;
use crate::support::{self, package};

/// Path of the derivation of the check.
fn check_derivation(directory: &Path) -> String {
    add(directory);
    let output = nix(directory, &["eval", "--impure", "--raw", ".#checks.x86_64-linux.cargo-nix-lock-sync.drvPath"]);
    assert!(output.status.success(), "{}", text(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn edit(directory: &Path, file: &str, from: &str, to: &str) {
    let path = directory.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(&path, text.replace(from, to)).unwrap();
    add(directory);
}

#[test]
fn the_check_passes_while_fresh_and_fails_when_stale() {
    let directory = repository();
    let root = directory.path();
    let output = nix(root, &["flake", "check", "--impure"]);
    assert!(output.status.success(), "{}", text(&output));

    edit(root, "leaf/Cargo.toml", "edition = \"2024\"", "edition = \"2021\"");
    let evaluated = nix(root, &["flake", "check", "--impure"]);
    for says in ["- package.edition = \"2024\"", "+ package.edition = \"2021\""] {
        let says = format!("leaf/Cargo.toml: {says}");
        assert!(!evaluated.status.success() && text(&evaluated).contains(&says), "{}", text(&evaluated));
    }
    let says = "leaf/Cargo.toml: package.edition: \"2024\" -> \"2021\"";
    let built = nix(
        root,
        &["build", "--impure", "--no-link", ".#checks.x86_64-linux.cargo-nix-lock-sync", "--print-build-logs"],
    );
    assert!(!built.status.success() && text(&built).contains(says), "{}", text(&built));

    // The app that regenerates Cargo.nix still works, as it does not evaluate the file.
    let app = nix(root, &["run", "--impure", ".#regenerate-cargo-nix", "--", "--offline"]);
    assert!(app.status.success(), "{}", text(&app));
    let output = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.cargo-nix-lock-sync"]);
    assert!(output.status.success(), "{}", text(&output));
}

/// A flake does not see files that are not added to git, so these are missing for Nix.
#[test]
fn untracked_files_are_named_with_git_add() {
    let directory = repository();
    let root = directory.path();
    support::write(&root.join("texts/a.txt"), "");
    edit(root, "leaf/src/lib.rs", "pub fn", "pub const TEXT: &str = include_str!(\"../../texts/a.txt\");\n\npub fn");
    support::run(support::cratewright().args(["generate", "--offline", "--quiet"]).current_dir(root));
    add(root);
    let evaluate = || {
        let app = ".#packages.x86_64-linux.app.drvPath";
        let output = nix(root, &["eval", "--impure", "--raw", app]);
        (output.status.success(), text(&output))
    };
    let (success, said) = evaluate();
    assert!(success, "{said}");
    for (paths, messages) in [
        (&["leaf/Cargo.toml"][..], &["leaf/Cargo.toml: it no longer exists", "`git add leaf/Cargo.toml`"][..]),
        (&["leaf"], &["leaf/Cargo.toml: it no longer exists", "`git add leaf`"]),
        (&["app/src/main.rs"], &["+ (files) = []", "if the file exists, run `git add app/src/main.rs`"]),
        (
            &["app/src/main.rs", "leaf/Cargo.toml"],
            &["if the files exist, run `git add app/src/main.rs leaf/Cargo.toml`"],
        ),
        (&["Cargo.lock"], &["Cargo.lock: it no longer exists", "`git add Cargo.lock`"]),
        (&["Cargo.nix"], &["Cargo.nix does not exist", "`git add Cargo.nix`"]),
        (
            &["cratewright.nix"],
            &["Cargo.nix imports cratewright.nix, which does not exist", "`git add cratewright.nix`"],
        ),
        (&["texts/a.txt"], &["leaf reads texts/a.txt, which Nix cannot see from", "`git add texts/a.txt`"]),
    ] {
        support::run(Command::new("git").args(["rm", "-r", "--quiet", "--cached"]).args(paths).current_dir(root));
        let (success, said) = evaluate();
        assert!(!success, "{paths:?}: {said}");
        for message in messages.iter().chain(&["a flake sees only files that git tracks", "cratewright generate`"]) {
            assert!(said.contains(message), "{message:?} is not in: {said}");
        }
        assert!(!said.contains("externalSources"), "{said}");
        add(root);
    }
    // Not for a file that changed, and not outside of a flake.
    edit(root, "leaf/Cargo.toml", "edition = \"2024\"", "edition = \"2021\"");
    let (success, said) = evaluate();
    assert!(!success && said.contains("help: run `cratewright generate`") && !said.contains("git add"), "{said}");
    fs::remove_file(root.join("leaf/Cargo.toml")).unwrap();
    let output = support::nix::library("cargo-nix", root, "{ }", &["nix-instantiate", "--eval"]);
    let said = text(&output);
    assert!(said.contains("leaf/Cargo.toml: it no longer exists") && !said.contains("git add"), "{said}");
}

/// What Nix prints for a member's path with a function of the library. Its arguments take `flake`, the path of the
/// flake in the store.
fn evaluated(flake: &Path, function: &str, arguments: &str) -> String {
    let copied = support::stdout(support::nix::nix("nix-store").arg("--add").arg(flake));
    let arguments = arguments.replace("flake/", &format!("{}/", copied.trim()));
    let member = if function == "per-system" { "packages.app" } else { "workspaceMembers.app.build" };
    let expression = format!(
        "(import {}/nix-lib/{function}.nix {{ pkgs = import {} {{ }}; {arguments} }}).{member}.drvPath",
        support::repository().display(),
        support::nix::stand_in().display(),
    );
    text(&support::nix::nix("nix-instantiate").args(["--eval", "--expr", &expression]).output().unwrap())
}

/// The workspace is in a directory of the flake, one of its packages beside it, and one outside of the flake.
#[test]
fn missing_files_are_named_as_git_takes_them() {
    let scratch = Scratch::new();
    let app = "[dependencies]\nnear.path = \"../../near\"\nfar.path = \"../../../far\"\n";
    scratch.write(
        "",
        &[
            ("flake/inner/Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n"),
            ("flake/inner/app/Cargo.toml", &package("app", app)),
            ("flake/inner/app/src/main.rs", "fn main() {}\n"),
            ("flake/near/Cargo.toml", &package("near", "")),
            ("flake/near/src/lib.rs", ""),
            ("far/Cargo.toml", &package("far", "")),
            ("far/src/lib.rs", ""),
        ],
    );
    scratch.generate("flake/inner");
    let evaluate =
        |arguments: &str| evaluated(&scratch.path("flake"), "cargo-nix", &format!("root = flake/inner; {arguments}"));
    let far = format!("externalSources.\"../../far\" = {};", scratch.path("far").display());
    for hint in ["", "lockSync = false;"] {
        let said = evaluate(hint);
        assert!(said.contains("externalSources.\"../../far\" = ...;") && !said.contains("git add"), "{hint} {said}");
    }
    assert!(evaluate(&far).contains("app-0.1.0.drv"), "{}", evaluate(&far));
    let said = evaluate("lockSync = false; externalSources.far = ./.;");
    assert!(said.contains("`externalSources` has far"), "{said}");

    fs::remove_dir_all(scratch.path("flake/near")).unwrap();
    let said = evaluate(&format!("{far} lockSync = false;"));
    // The user may be in the directory of the workspace.
    assert!(said.contains("if the file exists, run `git add :/near`"), "{said}");
    let said = evaluated(&scratch.path("flake"), "per-system", "cratewright = null; root = flake/inner/app;");
    assert!(said.contains("if the files exist, run `git add :/inner/app/Cargo.lock :/inner/app/Cargo.nix`"), "{said}");
    assert!(said.contains("otherwise, pass the directory of the workspace root"), "{said}");
    fs::remove_file(scratch.path("flake/inner/app/src/main.rs")).unwrap();
    let said = evaluate(&far);
    assert!(said.contains("if the files exist, run `git add :/near :/inner/app/src/main.rs`"), "{said}");
    assert!(said.contains("otherwise, run `cratewright generate` in `inner`"), "{said}");
}

#[test]
fn a_missing_directory_of_vendored_crates_is_named_with_git_add() {
    let scratch = Scratch::new();
    let checksum = format!("{{\"files\":{{}},\"package\":\"{}\"}}", "0".repeat(64));
    let config = "[source.crates-io]\nreplace-with = \"kept\"\n[source.kept]\ndirectory = \"vendor\"\n";
    scratch.write(
        "flake",
        &[
            ("Cargo.toml", &package("app", "[dependencies]\ntiny = \"0.1\"\n")),
            ("src/main.rs", "fn main() {}\n"),
            (".cargo/config.toml", config),
            ("vendor/tiny/Cargo.toml", &package("tiny", "")),
            ("vendor/tiny/.cargo-checksum.json", &checksum),
            ("vendor/tiny/src/lib.rs", ""),
        ],
    );
    scratch.generate("flake");
    let evaluate = || evaluated(&scratch.path("flake"), "cargo-nix", "root = flake/.;");
    assert!(evaluate().contains("app-0.1.0.drv"), "{}", evaluate());
    for (removed, files) in [("flake/vendor", "vendor"), ("flake/.cargo", ".cargo vendor")] {
        fs::remove_dir_all(scratch.path(removed)).unwrap();
        let said = evaluate();
        assert!(said.contains(&format!("run `git add {files}`")), "{said}");
        assert!(said.contains("add `--force` for ignored ones"), "{said}");
    }
}

#[test]
fn the_check_runs_again_only_after_relevant_changes() {
    let directory = repository();
    let root = directory.path();
    let first = check_derivation(root);
    edit(root, "leaf/src/lib.rs", "pub fn", "// A comment.\npub fn");
    assert_eq!(check_derivation(root), first, "the contents of a source file do not matter");
    fs::write(root.join("notes.txt"), "").unwrap();
    assert_eq!(check_derivation(root), first, "an unrelated file does not matter");
    fs::create_dir_all(root.join("leaf/src/bin")).unwrap();
    fs::write(root.join("leaf/src/bin/tool.rs"), "fn main() {}\n").unwrap();
    assert_ne!(check_derivation(root), first, "a new target matters");
}

#[test]
fn wrong_arguments_are_named() {
    let root = support::fixture("three-members");
    for (arguments, attribute, messages) in [
        (
            "memberChecks = [ \"test\" ];",
            "checks.test",
            &["`memberChecks` has `test`, which is no kind of checks", "help: write a list of \"tests\", \"doctests\""]
                [..],
        ),
        ("memberChecks = \"tests\";", "checks", &["`memberChecks` is the string \"tests\", not a list of kinds"]),
        ("lockSync = \"no\";", "packages.app", &["`lockSync` is the string \"no\", not true or false"]),
        ("root = \".\";", "packages", &["`root` is the string \".\", not a path", "root = ./.;"]),
        ("cargoNix = ./nix/Cargo.nix;", "packages", &["/nix/Cargo.nix, not a string with a path relative to `root`"]),
        ("cargoNix = \"${builtins.storeDir}/x\";", "packages", &["cargoNix = \"nix/Cargo.nix\";"]),
        ("toolchainFile = \"beta\";", "packages.app", &["`toolchainFile` is the string \"beta\", not a path"]),
        // The names that are listed and suggested are those of the function and of Cargo.nix.
        (
            "memberCheck = [ ];",
            "packages",
            &["lib.perSystem has no argument `memberCheck`; did you mean `memberChecks`?", "stdenv"],
        ),
        ("locksync = true;", "packages", &["did you mean `lockSync`?"]),
        (
            "cratewright = { outPath = \"/\"; sourceInfo = { }; };",
            "apps.check-cargo-nix.program",
            &[
                "`cratewright` is an attribute set, not a package",
                "cratewright = inputs.cratewright.packages.${system}.default;",
            ],
        ),
        ("crateOveride = { };", "packages", &["did you mean `crateOverrides`", "toolchainHash"]),
        (
            "root = ./app;",
            "packages",
            &[
                "/app, nor does Cargo.lock",
                "help: pass the directory of the workspace root, which has Cargo.lock, as `root`",
            ],
        ),
    ] {
        let expression = format!(
            "(import {}/nix-lib/per-system.nix ({{ pkgs = import {} {{ }}; cratewright = null; root = {}; }} //
              {{ {} }})).{attribute}",
            support::repository().display(),
            support::nix::stand_in().display(),
            root.display(),
            arguments.replace("./", &format!("{}/", root.display())),
        );
        let evaluated = support::nix::nix("nix-instantiate").args(["--eval", "--expr", &expression]).output().unwrap();
        let said = text(&evaluated);
        for message in messages {
            assert!(!evaluated.status.success() && said.contains(message), "{arguments} {message:?} is not in: {said}");
        }
    }
    let said = text(&support::nix::library("cargo-nix", &root, "{ memberChecks = [ ]; }", &["nix-instantiate"]));
    assert!(said.contains("lib.cargoNix has no argument `memberChecks`\n"), "{said}");
}

#[test]
fn flake_checks_include_tests_of_members() {
    let directory = repository();
    let root = directory.path();
    let names = nix(root, &["eval", "--impure", "--json", ".#checks.x86_64-linux", "--apply", "builtins.attrNames"]);
    assert_eq!(String::from_utf8_lossy(&names.stdout).trim(), r#"["cargo-nix-lock-sync","doctests","tests"]"#);

    edit(root, "leaf/src/lib.rs", "pub fn", "#[test]\nfn seeded() {\n    panic!();\n}\n\npub fn");
    let built = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.tests", "--print-build-logs"]);
    assert!(!built.status.success() && text(&built).contains("test seeded ... FAILED"), "{}", text(&built));

    edit(root, "leaf/src/lib.rs", "    panic!();", "    dbg!(());");
    let built = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.tests"]);
    assert!(built.status.success(), "{}", text(&built));
    edit(
        root,
        "flake.nix",
        "root = ./.;",
        "root = ./.; memberChecks = [ \"clippy\" ]; checkOptions.leaf.clippyFlags = [ \"-D\" \"clippy::dbg_macro\" ];",
    );
    let built = nix(root, &["build", "--impure", "--no-link", ".#checks.x86_64-linux.clippy", "--print-build-logs"]);
    assert!(!built.status.success() && text(&built).contains("the `dbg!` macro"), "{}", text(&built));
}

#[test]
fn the_shell_of_a_stale_flake_opens() {
    let directory = repository();
    let root = directory.path();
    edit(root, "flake.nix", "root = ./.;", "root = ./.; crateOverrides.leaf = _: { OF_LEAF = \"of leaf\"; };");
    edit(root, "leaf/Cargo.toml", "edition = \"2024\"", "edition = \"2021\"");
    let script = "echo \"$OF_LEAF\"; cratewright check";
    let shell = nix(root, &["develop", "--impure", "--ignore-environment", "--command", "bash", "-c", script]);
    assert_eq!(shell.status.code(), Some(1), "{}", text(&shell));
    assert!(text(&shell).contains("of leaf\n") && text(&shell).contains("cratewright generate"), "{}", text(&shell));
}

#[test]
fn apps_report_the_impact_of_a_change() {
    let directory = repository();
    let root = directory.path();
    let app = ["run", "--impure", ".#build-graph-impact", "--", "--offline", "--format", "markdown"];
    let output = nix(root, &[&app[..], &["--edit", "leaf/src/lib.rs"]].concat());
    assert!(output.status.success() && text(&output).contains("if leaf/src/lib.rs is edited"), "{}", text(&output));

    // The app that posts the report has access to secrets, so it must not depend on Rust or cratewright.
    let app = ".#apps.x86_64-linux.comment-build-graph-impact.program";
    let names = "program: builtins.attrNames (builtins.getContext program)";
    let derivations = nix(root, &["eval", "--impure", "--json", app, "--apply", names]);
    let derivations: Vec<String> = serde_json::from_slice(&derivations.stdout).unwrap();
    let needed = support::stdout(support::nix::nix("nix-store").args(["--query", "--requisites"]).args(derivations));
    let has = |name: &str| needed.lines().any(|path| path.contains(name));
    assert!(has("comment.sh") && has("-jq") && has("-curl"), "{needed}");
    assert!(!has("-cratewright") && !has("-cargo") && !has("-rustc"), "{needed}");
}

/// Number of function calls during the evaluation check of a workspace with this many members.
fn calls(members: usize) -> u64 {
    let scratch = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| support::write(&scratch.path().join(file), text);
    write(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\n[workspace.package]\nedition = \"2024\"\n",
    );
    for ix in 0..members {
        let before = if ix > 0 { format!("m{0} = {{ path = \"../m{0}\" }}\n", ix - 1) } else { String::new() };
        let package = format!("[package]\nname = \"m{ix}\"\nedition.workspace = true\n[dependencies]\n{before}");
        write(&format!("crates/m{ix}/Cargo.toml"), &package);
        write(&format!("crates/m{ix}/src/lib.rs"), "");
        write(&format!("crates/m{ix}/tests/it.rs"), "");
    }
    let lock = ["generate-lockfile", "--offline", "--quiet"];
    support::run(Command::new("cargo").args(lock).current_dir(scratch.path()));
    support::run(support::cratewright().args(["generate", "--offline", "--quiet"]).current_dir(scratch.path()));
    let statistics = scratch.path().join("statistics.json");
    let expression = format!(
        "let pkgs = import {nixpkgs} {{ }}; in builtins.attrNames (import {library}/cargo-nix.nix {{ inherit pkgs; root = {root}; }})",
        nixpkgs = support::nix::stand_in().display(),
        library = support::repository().join("nix-lib").display(),
        root = scratch.path().display(),
    );
    let mut evaluate = support::nix::nix("nix-instantiate");
    evaluate.args(["--eval", "--strict", "--expr", &expression]);
    support::run(evaluate.env("NIX_SHOW_STATS", "1").env("NIX_SHOW_STATS_PATH", &statistics));
    let statistics: serde_json::Value = serde_json::from_str(&fs::read_to_string(statistics).unwrap()).unwrap();
    statistics["nrFunctionCalls"].as_u64().unwrap()
}

#[test]
fn the_cost_of_evaluation_is_linear_in_members() {
    let [few, many] = [20, 80].map(calls);
    assert!(few > 1000 && many < 4 * few, "{few} calls for 20 members, {many} for 80");
}
