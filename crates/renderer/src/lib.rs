//! Unit graphs to the text of one `Cargo.nix`.
//!
//! [`merge`] folds the graphs of all selections and pairs into entries, one per distinct unit, and [`render`] writes
//! them out. Rendering is total and deterministic: whatever cannot be said in `Cargo.nix` is refused by [`merge`].
#![warn(missing_docs)]

mod entry;
mod error;
mod guards;
mod library;
mod merge;
mod merged;
mod metadata;
mod nix;
mod options;
mod origins;
mod overrides;
mod profiles;
mod render;
mod sbom;
mod tests_table;

pub use crate::error::RenderError;
pub use crate::library::{LIBRARY, PARTS};
pub use crate::merge::merge;
pub use crate::merged::{Content, Entry, EntryDependency, EntryIx, Member, MemberTests, Merged, Resolved};
pub use crate::nix::string as nix_string;
pub use crate::options::{CargoVariable, Library, RenderOptions};
pub use crate::origins::{Origins, Registry, Repository, registry_names, repository_names};
pub use crate::overrides::{MEMBERS, OVERRIDES, Override, build_script_crates, overrides_of};
pub use crate::render::render;
pub use crate::sbom::{About, BuildGraph, GraphError, sbom};
