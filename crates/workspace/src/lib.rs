//! A Cargo workspace on disk: its members, their manifests, cargo's configuration, and cratewright's settings.
//!
//! [`Workspace::discover`] finds them as cargo does. It reads files only through an
//! [`Observer`](cratewright_staleness::Observer), which thereby records everything that was read. This crate is the
//! only reader of manifests and of cargo's configuration.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use cratewright_staleness::Observer;
//! use cratewright_workspace::Workspace;
//!
//! let files = [
//!     ("Cargo.toml", "[workspace]\nmembers = ['crates/*']"),
//!     ("crates/app/Cargo.toml", "[package]\nname = 'app'\nedition = '2024'\n[dependencies]\nleaf = { path = '../../leaf' }"),
//!     ("leaf/Cargo.toml", "[package]\nname = 'leaf'\nedition = '2024'"),
//! ];
//! let files: BTreeMap<_, _> = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
//! let workspace = Workspace::discover(&Observer::new(&files))?;
//! let packages: Vec<&str> = workspace.packages.keys().map(|directory| directory.as_str()).collect();
//! assert_eq!(packages, ["crates/app", "leaf"]);
//! # Ok::<(), cratewright_sources::diagnostic::Diagnostic>(())
//! ```
#![warn(missing_docs)]

mod config;
mod discover;
mod lines;
mod manifest;
mod package_spec;
mod replacement;
mod repository;
mod settings;

pub use crate::config::{CargoConfig, EnvironmentVariable, texts};
pub use crate::discover::{LocalPackage, Workspace, find_root};
pub use crate::lines::{Line, ManifestLines};
pub use crate::manifest::{Lints, Manifest, ResolverBehavior};
pub use crate::package_spec::{PackageSpec, matches_spec};
pub use crate::replacement::{ConfiguredSource, SourceReplacement};
pub use crate::repository::RepositoryPackage;
pub use crate::settings::{
    Cross, FeaturePattern, FeatureUnification, Key, LIBRARY, Limits, PackagePattern, Placed, Settings, Variant,
    may_have_unread_table,
};
