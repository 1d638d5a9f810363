//! Runs Nix: expressions that import `Cargo.nix`, and their evaluation.

use std::path::Path;
use std::process::Command;

use cratewright_renderer::nix_string;
use cratewright_sources::diagnostic::Diagnostic;
use serde::de::DeserializeOwned;

use crate::args::nix::FileArgs;
use crate::cargo;
use crate::check::require_fresh;

/// The expression for `Cargo.nix`: the one from the command line, or an import with these arguments.
///
/// # Errors
/// When `Cargo.nix` or nixpkgs does not exist.
pub(crate) fn cargo_nix(file: &FileArgs, root: &Path, arguments: &str) -> Result<String, Diagnostic> {
    if let Some(expression) = &file.expr {
        // The line break is needed if the expression ends in a comment.
        return Ok(format!("({expression}\n)"));
    }
    let place = path(&file.place(root))
        .map_err(|failure| failure.help("write it with `cratewright generate`, or pass its path with `--cargo-nix`"))?;
    let nixpkgs = match &file.nixpkgs {
        None => String::new(),
        Some(given) => format!("nixpkgs = {};", path(given)?),
    };
    Ok(format!("(import {place} {{ {nixpkgs} {arguments} }})"))
}

/// The same, and fails if `Cargo.nix` is stale, as answers about it would be wrong. An expression is not checked.
pub(crate) fn fresh_cargo_nix(file: &FileArgs, root: &Path, arguments: &str) -> Result<String, Diagnostic> {
    let expression = cargo_nix(file, root, arguments)?;
    if file.expr.is_none() {
        require_fresh(root, &file.place(root))?;
    }
    Ok(expression)
}

/// Adds help to an error of evaluating the expression for `Cargo.nix`, if the user gave one.
pub(crate) fn with_help(file: &FileArgs, failure: Diagnostic) -> Diagnostic {
    match &file.expr {
        None => failure,
        Some(_) => failure.help(
            "correct the expression of `--expr`: its value must be that of `import ./Cargo.nix { }`, with your arguments",
        ),
    }
}

/// A path as an expression, which allows any characters in it.
pub(crate) fn path(path: &Path) -> Result<String, Diagnostic> {
    let path = path.canonicalize().map_err(|error| Diagnostic::io("find", path, &error))?;
    Ok(format!("(/. + {})", nix_string(&path.display().to_string())))
}

/// Evaluates an expression.
///
/// # Errors
/// Returns `failure` with the message of Nix, and with help if it has none, if evaluation fails or if the result has
/// another type.
pub(crate) fn evaluate<T: DeserializeOwned>(expression: &str, failure: Diagnostic) -> Result<T, Diagnostic> {
    evaluate_with(&[], expression, failure)
}

/// Evaluates an expression, and writes the derivations that it refers to to the store.
pub(crate) fn instantiate<T: DeserializeOwned>(expression: &str, failure: Diagnostic) -> Result<T, Diagnostic> {
    evaluate_with(&["--read-write-mode"], expression, failure)
}

fn evaluate_with<T: DeserializeOwned>(mode: &[&str], expression: &str, failure: Diagnostic) -> Result<T, Diagnostic> {
    let mut nix = Command::new("nix-instantiate");
    nix.args(EXPERIMENTAL).args(["--eval", "--strict", "--json"]).args(mode).args(["--expr", expression]);
    let evaluated = cargo::output(nix)?;
    let failed = |why: String| {
        let help = match &failure.help {
            _ if why.contains("nixpkgs' was not found") => "pass `--nixpkgs path/to/nixpkgs`, or set NIX_PATH",
            Some(help) => help,
            None => "run `cratewright generate` if Cargo.nix is stale, and pass another nixpkgs with `--nixpkgs PATH`",
        };
        let help = help.to_owned();
        failure.note("Nix says", why).help(help)
    };
    if !evaluated.status.success() {
        return Err(failed(cargo::stderr(&evaluated)));
    }
    serde_json::from_slice(&evaluated.stdout).map_err(|error| failed(error.to_string()))
}

/// `nix` with one of its commands, all of which are experimental.
pub(crate) fn command(name: &str) -> Command {
    let mut nix = Command::new("nix");
    nix.args(EXPERIMENTAL).arg(name);
    nix
}

const EXPERIMENTAL: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];
