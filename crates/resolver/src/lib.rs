//! Exact unit graphs of a Cargo workspace.
//!
//! Three steps, all pure:
//!
//! 1. [`PackageGraph::new`] takes what `cargo metadata --all-features` and `Cargo.lock` say and builds the graph of
//!    packages and declared dependencies.
//! 2. [`resolve`] runs cargo's feature resolution for each [`Selection`] on each [`Pair`] of [`Platform`]s and walks
//!    out the [`UnitGraph`]: a package may be in it twice, for host and for target, with different features.
//! 3. [`differences`] compares such a graph with the one that cargo itself prints.
//!
//! This crate reads no file and runs no program.
#![warn(missing_docs)]

mod compare;
mod error;
mod feature_value;
mod features;
mod lto;
mod manifest;
mod member_manifest;
mod metadata;
mod package;
mod package_graph;
mod platform;
mod profile;
mod reachable;
mod selection;
mod source;
mod unit_graph;

pub use crate::compare::{Difference, TargetFacts, TargetKey, UnitTable, differences, table_of, table_of_cargo};
pub use crate::error::ResolveError;
pub use crate::feature_value::FeatureIx;
pub use crate::features::Role;
pub use crate::lto::Lto;
pub use crate::manifest::{ResolverBehavior, WorkspaceManifest};
pub use crate::member_manifest::{Lints, MemberManifest};
pub use crate::metadata::{Undeclared, WorkspaceMetadata};
pub use crate::package::{AUTODETECTED, Package, Target};
pub use crate::package_graph::{Dependency, DependencyTable, ExternName, PackageGraph, PackageIx};
pub use crate::platform::{Pair, Platform};
pub use crate::profile::{Asked, DEFAULT_PROFILE, Profile, ProfileUse, Profiles};
pub use crate::selection::{Purpose, RootFeatures, Selection};
pub use crate::source::{Replacement, Source, checkout_of};
pub use crate::unit_graph::{Beside, Unit, UnitDependency, UnitGraph, UnitKind, resolve};
pub use cargo_lock::Lockfile;
