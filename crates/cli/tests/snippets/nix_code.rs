//! Nix code of pages.

use std::fs;
use std::process::Output;

use super::place::Place;
use crate::support::{flake, nix, repository};

/// Names that code of pages has in scope; `scope.nix` has what they are.
const SCOPE: &str = "
  anotherBuildOf, build, cargoNix, cratewright, darwin, fetchgit, inputs, local, nix2container, nixpkgs, pkgs, registry,
  self, system, tools, units, web-front, x86_64-unknown-linux-gnu, x86_64-unknown-linux-musl";

/// Whether code is an expression, or would be between braces, and has no unknown name.
pub(crate) fn parses(code: &str) -> Result<(), String> {
    let parse = |code: &str| {
        let code = format!("{{ {SCOPE} }}:\n{code}");
        nix::nix("nix-instantiate").args(["--parse", "--expr", &code]).output().unwrap()
    };
    either(code, parse)
}

/// Evaluates code next to the `Cargo.nix` of a workspace, with `scope.nix`. What is no expression is evaluated between
/// braces.
pub(crate) fn evaluates(code: &str, place: &Place) -> Result<(), String> {
    either(code, |code| evaluate(code, place))
}

fn either(code: &str, action: impl Fn(&str) -> Output) -> Result<(), String> {
    let outputs = [code.to_owned(), format!("{{ {code} }}")].map(|code| action(&code));
    if outputs.iter().any(|output| output.status.success()) {
        return Ok(());
    }
    Err(outputs.iter().map(flake::text).collect::<Vec<_>>().join("\n"))
}

fn evaluate(code: &str, place: &Place) -> Output {
    let snippet = place.root().join("snippet.nix");
    fs::write(&snippet, format!("{{ {SCOPE} }}:\n{code}")).unwrap();
    let expression = format!(
        "import {scope} {{ repository = {repository}; package = {package}; snippet = {snippet}; }}",
        scope = repository().join("crates/cli/tests/snippets/scope.nix").display(),
        repository = repository().display(),
        package = nix::package(),
        snippet = snippet.display(),
    );
    nix::nix("nix-instantiate").args(["--eval", "--strict", "--expr", &expression]).output().unwrap()
}
