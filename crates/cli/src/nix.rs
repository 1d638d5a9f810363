//! Runs Nix: what `Cargo.nix` evaluates to, and what Nix answers.

use std::path::Path;
use std::process::Command;

use cratewright_renderer::nix_string;
use cratewright_sources::diagnostic::Diagnostic;
use serde::de::DeserializeOwned;

use crate::args::nix::FileArgs;
use crate::cargo;

/// The expression of what `Cargo.nix` evaluates to: the one of the command line, or an import with these arguments.
///
/// # Errors
/// When `Cargo.nix` or nixpkgs is not there.
pub(crate) fn cargo_nix(file: &FileArgs, root: &Path, arguments: &str) -> Result<String, Diagnostic> {
    if let Some(expression) = &file.expr {
        // It may end in a comment.
        return Ok(format!("({expression}\n)"));
    }
    let place = file.cargo_nix.clone().unwrap_or_else(|| root.join("Cargo.nix"));
    let place = path(&place)
        .map_err(|failure| failure.help("write it with `cratewright generate`, or name it with `--cargo-nix`"))?;
    let nixpkgs = match &file.nixpkgs {
        None => String::new(),
        Some(given) => format!("nixpkgs = {};", path(given)?),
    };
    Ok(format!("(import {place} {{ {nixpkgs} {arguments} }})"))
}

/// A path as an expression, whatever characters it has.
pub(crate) fn path(path: &Path) -> Result<String, Diagnostic> {
    let path = path.canonicalize().map_err(|error| Diagnostic::io("find", path, &error))?;
    Ok(format!("(/. + {})", nix_string(&path.display().to_string())))
}

/// Evaluates an expression.
///
/// # Errors
/// With `failure` and what Nix says, where Nix refuses or answers with something else than was asked for.
pub(crate) fn evaluate<T: DeserializeOwned>(expression: &str, failure: Diagnostic) -> Result<T, Diagnostic> {
    evaluate_with(&[], expression, failure)
}

/// The same, and the derivations whose paths are asked for are written to the store.
pub(crate) fn instantiate<T: DeserializeOwned>(expression: &str, failure: Diagnostic) -> Result<T, Diagnostic> {
    evaluate_with(&["--read-write-mode"], expression, failure)
}

fn evaluate_with<T: DeserializeOwned>(mode: &[&str], expression: &str, failure: Diagnostic) -> Result<T, Diagnostic> {
    let mut nix = Command::new("nix-instantiate");
    nix.args(EXPERIMENTAL).args(["--eval", "--strict", "--json"]).args(mode).args(["--expr", expression]);
    let evaluated = cargo::output(nix)?;
    let failed = |why: String| {
        failure.note("Nix says", why).help(
            "name nixpkgs with `--nixpkgs path/to/nixpkgs` if it is not found, and run `cratewright generate` if Cargo.nix is stale",
        )
    };
    if !evaluated.status.success() {
        return Err(failed(cargo::stderr(&evaluated)));
    }
    serde_json::from_slice(&evaluated.stdout).map_err(|error| failed(error.to_string()))
}

/// `nix` with one of its commands, which are all experimental.
pub(crate) fn command(name: &str) -> Command {
    let mut nix = Command::new("nix");
    nix.args(EXPERIMENTAL).arg(name);
    nix
}

const EXPERIMENTAL: [&str; 2] = ["--extra-experimental-features", "nix-command flakes"];
