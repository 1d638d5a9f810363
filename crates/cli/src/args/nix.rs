//! Arguments of all commands that let Nix evaluate `Cargo.nix`.

use std::path::{Path, PathBuf};

/// The expression that Nix evaluates.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct FileArgs {
    /// Path of Cargo.nix
    ///
    /// Default: the one in the workspace root.
    #[arg(long, value_name = "PATH", conflicts_with = "expr")]
    pub(crate) cargo_nix: Option<PathBuf>,
    /// Path to nixpkgs, instead of the one in NIX_PATH
    #[arg(long, value_name = "PATH", conflicts_with = "expr")]
    pub(crate) nixpkgs: Option<PathBuf>,
    /// Nix expression that imports Cargo.nix with your arguments
    ///
    /// Relative paths in it start at the current directory. It is not checked whether Cargo.nix is up to date.
    #[arg(long, value_name = "NIX")]
    pub(crate) expr: Option<String>,
}

impl FileArgs {
    /// `Cargo.nix` of the workspace in `root`, unless there is an expression.
    pub(crate) fn place(&self, root: &Path) -> PathBuf {
        self.cargo_nix.clone().unwrap_or_else(|| root.join("Cargo.nix"))
    }
}
