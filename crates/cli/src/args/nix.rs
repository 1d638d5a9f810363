//! Arguments of commands that have Nix evaluate `Cargo.nix`.

use std::path::PathBuf;

/// What is evaluated.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FileArgs {
    /// Cargo.nix to evaluate
    ///
    /// Default: the one in the workspace root.
    #[arg(long, value_name = "PATH", conflicts_with = "expr")]
    pub(crate) cargo_nix: Option<PathBuf>,
    /// nixpkgs, in place of the one in NIX_PATH
    #[arg(long, value_name = "PATH", conflicts_with = "expr")]
    pub(crate) nixpkgs: Option<PathBuf>,
    /// Nix expression of what Cargo.nix evaluates to, with your arguments
    ///
    /// Relative paths in it start at the current directory. Whether Cargo.nix is up to date is not checked.
    #[arg(long, value_name = "NIX")]
    pub(crate) expr: Option<String>,
}
