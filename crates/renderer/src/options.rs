//! How a `Cargo.nix` is written, and what its writer knows besides what was resolved.

use std::collections::BTreeMap;

use cratewright_workspace::EnvironmentVariable;

use crate::origins::Origins;

/// Where a `Cargo.nix` has the Nix code from that is the same for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Library {
    /// A file, or a directory with a `default.nix`, seen from the directory of `Cargo.nix`.
    At(String),
    /// `Cargo.nix` itself, as far as its workspace needs it.
    #[default]
    Embedded,
}

/// How to write the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// The workspace root seen from the directory of `Cargo.nix`: `.`, `..`, `../..`.
    pub root: String,
    /// Where the library is.
    pub library: Library,
    /// Version of the layout that the library is told, see `FORMAT` of the staleness crate.
    pub format: u32,
    /// What is written, seen from the workspace root; kept out of the root package's source.
    pub outputs: Vec<String>,
    /// Where packages are fetched from.
    pub origins: Origins,
    /// By directory of a local package: what it is built from besides that, seen from the workspace root.
    pub extra_sources: BTreeMap<String, Vec<String>>,
    /// Patterns of files that are in no local source.
    pub ignored: Vec<String>,
    /// `rustflags` of cargo's configuration, by triple.
    pub rustflags: BTreeMap<String, Vec<String>>,
    /// `[env]` of cargo's configuration.
    pub environment: BTreeMap<String, EnvironmentVariable>,
    /// By file, the record of what `Cargo.nix` is made from: a line for each key.
    pub inputs: BTreeMap<String, String>,
}
