//! The reference is complete: it has each option, configuration key, file of overrides, argument and attribute of
//! `Cargo.nix`. All of them are read from the program, from Nix or from the source, never from a list kept here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cratewright_renderer::{MEMBERS, OVERRIDES};

use crate::support::{self, cratewright, fixture, nix, repository};

type Names = BTreeSet<String>;

/// A page without its code blocks.
fn page(name: &str) -> String {
    let text = fs::read_to_string(repository().join("docs/src").join(name)).unwrap();
    text.split("```").step_by(2).collect()
}

/// Sections of a page by their headings of the second level.
fn sections(name: &str) -> BTreeMap<String, String> {
    let page = page(name);
    let sections = page.split("\n## ").skip(1).filter_map(|section| section.split_once('\n'));
    sections.map(|(heading, text)| (heading.to_owned(), text.to_owned())).collect()
}

fn section(name: &str, heading: &str) -> String {
    sections(name).remove(heading).unwrap_or_else(|| panic!("{name} has no section `{heading}`"))
}

/// Text between backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn span_names(text: &str) -> Names {
    spans(text).map(str::to_owned).collect()
}

/// Items of lists, each with the lines that continue it.
fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").flat_map(|paragraph| paragraph.split("\n- ").skip(usize::from(!paragraph.starts_with("- "))))
}

/// The names in the first column of the tables of a section.
fn first_column(text: &str) -> Names {
    let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(spans).map(str::to_owned).collect()
}

/// Options of a command, and of its subcommands, as `--help` has them.
fn options(command: &[&str]) -> Names {
    let help = support::stdout(cratewright().args(command).arg("--help"));
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-') && !line.starts_with("- "));
    let words = lines.flat_map(|line| line.split_whitespace().take_while(|word| word.starts_with('-')));
    let mut options: Names = words.map(|word| word.trim_end_matches([',', '.']).to_owned()).collect();
    assert!(options.contains("--help"), "{help}");
    for subcommand in commands(&help) {
        options.extend(self::options(&[command, &[subcommand.as_str()][..]].concat()));
    }
    options
}

/// Names of the commands that a help lists.
fn commands(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

#[test]
fn options_are_those_of_the_program() {
    let sections = sections("command-line.md");
    let common = &sections["Options of all commands"];
    let documented = |text: &str| -> Names {
        let words = items(text).flat_map(spans).flat_map(str::split_whitespace);
        words.filter(|word| word.starts_with('-') && word.len() > 1).map(str::to_owned).collect()
    };
    let help = support::stdout(cratewright().arg("--help"));
    let commands = commands(&help);
    assert!(commands.len() > 10, "{help}");
    let mut wrong = Vec::new();
    let mut known = options(&[]);
    for command in &commands {
        let Some(text) = sections.get(command) else {
            wrong.push(format!("`{command}` has no section"));
            continue;
        };
        let have = options(&[command]);
        let shared = if text.contains("](#impact)") { documented(&sections["impact"]) } else { Names::new() };
        let listed: Names = [documented(text), documented(common), shared].into_iter().flatten().collect();
        wrong.extend(have.difference(&listed).map(|option| format!("`{command}` lacks `{option}`")));
        wrong.extend(documented(text).difference(&have).map(|option| format!("`{command}` does not take `{option}`")));
        known.extend(have);
    }
    wrong.extend(documented(common).difference(&known).map(|option| format!("no command takes `{option}`")));
    assert!(wrong.is_empty(), "command-line.md: {wrong:#?}");
}

/// The help of the error for a line of a manifest.
fn help(table: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let package = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n";
    support::write(&directory.path().join("Cargo.toml"), &format!("{package}\n{table}\n"));
    support::write(&directory.path().join("Cargo.lock"), "version = 4\n");
    support::write(&directory.path().join("src/main.rs"), "fn main() {}\n");
    let mut command = cratewright();
    let output = command.args(["generate", "--locked", "--offline", "--stdout"]).current_dir(directory.path()).output();
    let message = String::from_utf8(output.unwrap().stderr).unwrap();
    message.split_once("  help: write ").expect(&message).1.to_owned()
}

/// Keys of a table of the manifest, from the error about one that there is not.
fn keys(table: &str) -> Names {
    span_names(&help(&format!("[{table}]\nnonsense = 1")))
}

#[test]
fn configuration_keys_are_those_of_the_program() {
    let workspace = "workspace.metadata.cratewright";
    let mut known = keys(workspace);
    known.extend(keys("package.metadata.cratewright"));
    assert!(known.contains("targets") && known.contains("extra-sources"), "{known:?}");
    let headings: Names = sections("configuration.md").into_keys().collect();
    assert_eq!(headings, known, "sections of configuration.md");

    let variant = keys(&format!("{workspace}.variants.one"));
    assert_eq!(first_column(&section("configuration.md", "variants")), variant, "variants in configuration.md");
    let limits = section("build-graph.md", "Limits");
    let limits: Names = spans(&limits).filter_map(|span| span.split(' ').next()).map(str::to_owned).collect();
    let missing: Vec<_> = keys(&format!("{workspace}.limits")).difference(&limits).cloned().collect();
    assert!(missing.is_empty(), "build-graph.md lacks {missing:?}");
    // The help has an example of a pair.
    let help = help(&format!("[{workspace}]\ncross = 1"));
    let example: toml::Table = spans(&help).find_map(|span| span.parse().ok()).expect(&help);
    let text = fs::read_to_string(repository().join("docs/src/configuration.md")).unwrap();
    for key in example["cross"][0].as_table().unwrap().keys() {
        assert!(text.contains(&format!("{key} = \"")), "configuration.md has no `{key}` of `cross`");
    }
}

#[test]
fn files_of_overrides_are_those_of_the_repository() {
    let text = section("overrides.md", "Cratewright's own");
    let rows: BTreeMap<&str, Names> = text
        .lines()
        .filter_map(|line| Some((line.strip_prefix("| `")?.split_once(".nix` | ")?, line)))
        .map(|((name, _), line)| (name, span_names(line)))
        .collect();
    let files = support::tree(&repository().join("nix-lib/overrides")).into_keys();
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "nix"));
    let files: Names = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(rows.keys().map(|name| (*name).to_owned()).collect::<Names>(), files, "rows of overrides.md");
    for file in OVERRIDES.iter() {
        let names = file.crates.iter().chain(&file.build_dependencies).filter(|name| **name != MEMBERS);
        let missing: Vec<_> = names.filter(|name| !rows[file.name].contains(**name)).collect();
        assert!(missing.is_empty(), "overrides.md lacks {missing:?} of {}.nix", file.name);
    }
}

/// Evaluates a list of names. In scope are `pkgs`, the library's part `arguments`, and `of`, which imports the
/// `Cargo.nix` of a fixture.
fn names(expression: &str) -> Names {
    let value = nix::eval_json(&format!(
        "let
           pkgs = import {} {{ system = \"x86_64-linux\"; }};
           of = fixture: import ({} + \"/${{fixture}}/Cargo.nix\");
           arguments = import {} {{ inherit (pkgs) lib; near-names = null; }};
         in {expression}",
        nix::stand_in().display(),
        repository().join("fixtures").display(),
        repository().join("nix-lib/library/arguments.nix").display(),
    ));
    serde_json::from_value(value).unwrap()
}

#[test]
fn arguments_are_those_of_cargo_nix() {
    let arguments = names("builtins.attrNames (builtins.functionArgs (of \"variants\"))");
    assert_eq!(first_column(&section("cargo-nix.md", "Arguments")), arguments, "arguments in cargo-nix.md");
    let checked = names("builtins.attrNames arguments.forms.file");
    let unchecked: Vec<&str> = arguments.difference(&checked).map(String::as_str).collect();
    assert_eq!(unchecked, ["lib", "nixpkgs", "pkgs"], "arguments that arguments.nix does not check");

    let build = "((of \"variants\") { inherit pkgs; }).workspaceMembers.app.build";
    let arguments = names(&format!("builtins.attrNames (pkgs.lib.functionArgs {build}.override)"));
    assert!(arguments.contains("runTests"), "{arguments:?}");
    assert_eq!(arguments, names("builtins.attrNames arguments.forms.build"), "forms of arguments.nix");
    let listed: Names = items(&section("cargo-nix.md", "build.override")).flat_map(span_names).collect();
    let missing: Vec<_> = arguments.difference(&listed).collect();
    assert!(missing.is_empty(), "cargo-nix.md lacks {missing:?} of build.override");

    let library = repository().join("nix-lib");
    let own = names(&format!("(import {}/own-arguments.nix pkgs.lib \"lib.perSystem\").names", library.display()));
    let shared = ["cratewright", "pkgs"].map(str::to_owned);
    assert_eq!(first_column(&section("staleness.md", "In a flake")), &own | &shared.into(), "staleness.md");

    let known = names("builtins.attrNames arguments.forms.check");
    assert_eq!(first_column(&section("checks.md", "Options")), known, "options in checks.md");
}

#[test]
fn attributes_are_those_of_cargo_nix() {
    let text = section("cargo-nix.md", "Results");
    let documented: Names = spans(&text).flat_map(|span| span.split('.')).map(str::to_owned).collect();
    let mut missing = Vec::new();
    for value in ["", ".internal", ".rootCrate", ".variants.loud.app"] {
        let name = if value.starts_with(".variants") { "variants" } else { "member-paths" };
        let attributes = names(&format!("builtins.attrNames ((of \"{name}\") {{ inherit pkgs; }}){value}"));
        missing.extend(attributes.difference(&documented).map(|attribute| format!("{value}.{attribute}")));
    }
    assert!(missing.is_empty(), "cargo-nix.md lacks {missing:?}");

    let internal = names("builtins.attrNames ((of \"variants\") { inherit pkgs; }).internal");
    let listed: Names = spans(&text).filter_map(|span| span.strip_prefix("internal.").map(str::to_owned)).collect();
    let unknown: Vec<_> = listed.difference(&internal).collect();
    assert!(unknown.is_empty(), "internal has no {unknown:?}");
}

#[test]
fn outputs_are_those_of_the_flake_functions() {
    let documented = span_names(&section("staleness.md", "In a flake"));
    for output in ["apps", "checks"] {
        let names = names(&format!(
            "builtins.attrNames (import {}/per-system.nix {{ inherit pkgs; cratewright = {}; root = {}; }}).{output}",
            repository().join("nix-lib").display(),
            nix::package(),
            fixture("service").display(),
        ));
        assert!(names.len() > 2, "{names:?}");
        let missing: Vec<_> = names.iter().filter(|name| !documented.contains(&format!("{output}.{name}"))).collect();
        assert!(missing.is_empty(), "staleness.md lacks {missing:?} of {output}");
    }
    let module = fs::read_to_string(repository().join("nix-lib/flake-module.nix")).unwrap();
    let options = module.lines().filter_map(|line| line.trim_start().strip_suffix(" = mkOption {"));
    let missing: Vec<_> = options.filter(|option| !documented.contains(*option)).collect();
    assert!(missing.is_empty(), "staleness.md lacks {missing:?} of the flake-parts module");
}
