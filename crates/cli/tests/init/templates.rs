//! The templates of the flake: `nix flake init` writes them, and they work.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Project, reference};
use crate::support;

/// Runs `nix flake init --template` in a directory.
fn flake_init(template: &str, directory: &Path) {
    let mut init = support::nix::nix("nix");
    init.args(["--extra-experimental-features", "nix-command flakes", "flake", "init", "--template"]);
    init.arg(format!("{}#{template}", reference(&support::repository()))).current_dir(directory);
    support::run(&mut init);
}

fn relative(files: BTreeMap<PathBuf, Vec<u8>>, directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files.into_iter().map(|(path, bytes)| (path.strip_prefix(directory).unwrap().to_owned(), bytes)).collect()
}

#[test]
fn each_template_is_written_from_its_directory() {
    let templates = support::repository().join("templates");
    let names = format!("builtins.attrNames (import {}/default.nix)", templates.display());
    // Each template has a test below.
    assert_eq!(support::nix::eval_json(&names), serde_json::json!(["ci", "default", "devenv", "flake-parts"]));
    for name in ["ci", "default", "devenv", "flake-parts"] {
        let scratch = tempfile::tempdir().unwrap();
        flake_init(name, scratch.path());
        let written = relative(support::tree(scratch.path()), scratch.path());
        let directory = templates.join(name);
        assert_eq!(written, relative(support::tree(&directory), &directory), "{name}");
    }
}

#[test]
fn flakes_of_templates_build_a_workspace() {
    for name in ["default", "flake-parts"] {
        let project = Project::new("three-members", &[]);
        flake_init(name, &project.path(""));
        support::run(support::cratewright().args(["generate", "--offline", "--quiet"]).current_dir(project.path("")));
        project.git(&["add", "--all"]);
        project.check_build();
    }
}

#[test]
fn workflows_of_the_template_equal_those_to_copy() {
    let templates = support::repository().join("templates");
    for (path, bytes) in relative(support::tree(&templates.join("ci")), &templates.join("ci")) {
        let forge = if path.starts_with(".github") { "github" } else { "gitlab" };
        let to_copy = templates.join(forge).join(path.file_name().unwrap());
        if std::env::var_os("UPDATE").is_some() {
            fs::copy(&to_copy, templates.join("ci").join(&path)).unwrap();
        } else {
            let is_equal = fs::read(&to_copy).unwrap() == bytes;
            assert!(
                is_equal,
                "{} differs from the file to copy: run UPDATE=1 cargo test -p cratewright --test all init",
                path.display()
            );
        }
    }
}

#[test]
fn the_devenv_template_calls_import_with_the_root() {
    let project = Project::empty();
    flake_init("devenv", &project.path(""));
    // devenv's `languages.rust.import` imports `tools.nix` of the input `crate2nix`.
    let inputs = fs::read_to_string(project.path("devenv.yaml")).unwrap();
    let url = support::address();
    assert!(inputs.contains(&format!("\n  crate2nix:\n    url: {url}\n")), "{inputs}");
    let expression = format!(
        "(import {} {{ config.languages.rust.import = path: arguments: {{ inherit path arguments; }}; }}).outputs.default",
        project.path("devenv.nix").display()
    );
    let asked =
        support::nix::eval_json(&format!("let asked = {expression}; in asked // {{ path = toString asked.path; }}"));
    assert_eq!(asked, serde_json::json!({ "path": project.path("").canonicalize().unwrap(), "arguments": {} }));
}

#[test]
fn the_docs_show_the_templates() {
    let repository = support::repository();
    let read = |path: &str| fs::read_to_string(repository.join(path)).unwrap();
    let page = read("docs/src/init.md");
    for (language, file) in [("nix", "default/flake.nix"), ("nix", "flake-parts/flake.nix")] {
        let block = format!("```{language}\n{}```\n", read(&format!("templates/{file}")));
        assert!(page.contains(&block), "docs/src/init.md does not show templates/{file} as it is");
    }
    assert!(read("README.md").contains(&read("templates/just/justfile")), "README.md does not show the recipes");
}
