//! The graph of derivations that Nix builds for a Cargo workspace on each platform, and the cost of changes.
//!
//! [`DerivationGraph`] has a node for each derivation: a crate, or the test suite of a member. This crate does not know
//! how the graph is made; the renderer makes it from the same data that it writes to `Cargo.nix`.
//!
//! ```
//! use cratewright_graph::{Derivation, DerivationGraph};
//!
//! let crate_of = |name: &str, dependencies: &[usize]| Derivation {
//!     dependencies: dependencies.to_vec(),
//!     ..Derivation::new(name, "1.0.0")
//! };
//! let derivations = vec![crate_of("leaf", &[]), crate_of("middle", &[0]), crate_of("other", &[]), crate_of("app", &[1])];
//! let graph = DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations };
//! // A change to `leaf` rebuilds three derivations, a change to `app` only itself.
//! assert_eq!(graph.cones(), [3, 2, 1, 1]);
//! assert_eq!(graph.dependents(&[0]), [0, 1, 3]);
//! ```
#![warn(missing_docs)]

pub mod draw;
mod find;
mod impact;
mod limits;
mod measures;
mod model;
mod paths;
#[cfg(test)]
mod sample;
mod schedule;
mod snapshot;
mod timings;
pub mod why;

pub use crate::find::find;
pub use crate::impact::{Cost, Impact, ImpactReport, NixAnswer, Reason, Root, Share};
pub use crate::limits::{Breach, BreachCode, Evaluation, Measured, Unused, evaluate};
pub use crate::model::{Derivation, DerivationGraph, DerivationIx, Input, Kind, Side};
pub use crate::schedule::{Build, Chain, Costs, Order, Schedule, critical_path, nix_name, schedule};
pub use crate::snapshot::{FILE as SNAPSHOT_FILE, Snapshot, snapshot};
pub use crate::timings::{Measurement, NixBuild, NixLog, Origin, Recorded, Subject, Timing, Timings, measurements};
