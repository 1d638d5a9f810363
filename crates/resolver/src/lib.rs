//! Exact unit graphs of a Cargo workspace.
//!
//! There are three steps:
//!
//! 1. [`PackageGraph::new`] builds the graph of packages and declared dependencies from `Cargo.lock` and the output of
//!    `cargo metadata --all-features`.
//! 2. [`resolve`] runs cargo's feature resolution for each [`Selection`] on each [`Pair`] of [`Platform`]s and builds
//!    the [`UnitGraph`]: a package may occur in it twice, for host and for target, with different features.
//! 3. [`differences`] compares such a graph with the one that cargo prints, and [`Provenance`] explains why a feature
//!    is enabled in it.
//!
//! This crate reads no files and runs no programs.
//!
//! ```
//! use std::collections::{BTreeMap, HashMap};
//!
//! use cratewright_resolver::{Metadata, PackageGraph, Pair, Platform, Selection, resolve};
//! use cratewright_staleness::Observer;
//! use cratewright_workspace::Workspace;
//!
//! let files = [
//!     ("Cargo.toml", "[package]\nname = 'app'\nedition = '2024'\n[dependencies]\nleaf = { path = 'leaf' }"),
//!     ("leaf/Cargo.toml", "[package]\nname = 'leaf'\nedition = '2024'\n[features]\ndefault = ['fast']\nfast = []"),
//!     ("Cargo.lock", "version = 4"),
//! ];
//! let files: BTreeMap<_, _> = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
//! let observer = Observer::new(&files);
//! let lock = observer.lock()?;
//! // The fields of `cargo metadata --all-features` that have no default.
//! let metadata = r#"  {
//!     "version": 1, "workspace_root": "/w", "target_directory": "/w/target", "workspace_members": ["app"],
//!     "packages": [
//!       {"id": "app", "name": "app", "version": "0.1.0", "manifest_path": "/w/Cargo.toml", "features": {},
//!        "targets": [{"name": "app", "kind": ["bin"], "src_path": "/w/src/main.rs"}],
//!        "dependencies": [{"name": "leaf", "req": "*", "kind": null, "optional": false, "features": [],
//!                          "uses_default_features": true}]},
//!       {"id": "leaf", "name": "leaf", "version": "0.1.0", "manifest_path": "/w/leaf/Cargo.toml",
//!        "targets": [{"name": "leaf", "kind": ["lib"], "src_path": "/w/leaf/src/lib.rs"}],
//!        "features": {"default": ["fast"], "fast": []}, "dependencies": []}],
//!     "resolve": {"nodes": [
//!       {"id": "app", "dependencies": ["leaf"],
//!        "deps": [{"name": "leaf", "pkg": "leaf", "dep_kinds": [{"kind": null, "target": null}]}]},
//!       {"id": "leaf", "dependencies": []}]}
//!   }"#;
//! let metadata = Metadata::parse(metadata, |path| path.ends_with(".rs"))?;
//!
//! let workspace = Workspace::discover(&observer)?;
//! let packages = PackageGraph::new(&workspace, &lock, metadata, &HashMap::new())?;
//! let linux = Platform::parse("x86_64-unknown-linux-gnu", "unix\ntarget_os=\"linux\"")?;
//! let selection = Selection::build(packages.members[0]);
//! let graph = &resolve(&packages, &[linux], &[Pair::native(0)], &[selection])[0][0];
//!
//! let leaf = graph.dependencies(graph.roots[0]).map(|dependency| &graph[dependency.unit]).next().unwrap();
//! let package = &packages[leaf.package];
//! let features: Vec<&str> = leaf.features.iter().map(|&feature| package.feature_name(feature)).collect();
//! assert_eq!((package.name.as_str(), features), ("leaf", vec!["default", "fast"]));
//! # Ok::<(), cratewright_sources::diagnostic::Diagnostic>(())
//! ```
#![warn(missing_docs)]

mod compare;
mod error;
mod feature_value;
mod features;
mod link;
mod lto;
mod metadata;
mod package;
mod package_graph;
mod platform;
mod profile;
mod provenance;
mod reachable;
mod selection;
mod source;
mod unit_graph;

pub use crate::compare::{Difference, TargetFacts, TargetKey, UnitTable, differences, table_of, table_of_cargo};
pub use crate::features::CompileKind;
pub use crate::link::{DependencyTable, ExternName, FeatureIx, PackageIx};
pub use crate::lto::Lto;
pub use crate::metadata::{Metadata, PackagePlace};
pub use crate::package::{AUTODETECTED, Package, Target};
pub use crate::package_graph::{Dependency, PackageGraph};
pub use crate::platform::{Pair, Platform};
pub use crate::profile::{DEFAULT_PROFILE, Profile, ProfileRequest, Profiles, UnitFor};
pub use crate::provenance::{Because, Declaration, Holds, Provenance, Step};
pub use crate::selection::{RootFeatures, Selection, UserIntent};
pub use crate::source::{Replacement, Source, checkout_of};
pub use crate::unit_graph::{CompileMode, DevTargets, Unit, UnitDependency, UnitGraph, UnitIx, resolve};
