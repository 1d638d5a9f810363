//! Options of a `Cargo.nix`, and data that resolution does not provide.

use std::collections::BTreeMap;

use cratewright_workspace::EnvironmentVariable;

use crate::origins::Origins;

/// Location of the Nix code that is common to all workspaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Library {
    /// A file, or a directory with `default.nix`, relative to the directory of `Cargo.nix`.
    At(String),
    /// In `Cargo.nix`, reduced to the parts that its workspace needs.
    #[default]
    Embedded,
}

/// Options for rendering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// The workspace root relative to the directory of `Cargo.nix`: `.`, `..`, `../..`.
    pub root: String,
    /// Location of the library.
    pub library: Library,
    /// Format version for the library to check, see `FORMAT` of the staleness crate.
    pub format: u32,
    /// Generated files relative to the workspace root, which the root package's source excludes.
    pub outputs: Vec<String>,
    /// Origins of packages.
    pub origins: Origins,
    /// Extra sources relative to the workspace root, by directory of a local package.
    pub extra_sources: BTreeMap<String, Vec<String>>,
    /// Patterns of files that are excluded from all local sources.
    pub ignored: Vec<String>,
    /// Key `rustflags` of cargo's configuration, by triple.
    pub rustflags: BTreeMap<String, Vec<String>>,
    /// Table `[env]` of cargo's configuration.
    pub environment: BTreeMap<String, EnvironmentVariable>,
    /// The record of the inputs: lines of each section, by file.
    pub inputs: BTreeMap<String, String>,
}
