//! Unit graphs to the text of one `Cargo.nix`.
//!
//! [`merge`] folds the graphs of all selections and pairs into entries, one per distinct unit, and [`render`] writes
//! them out. Rendering is total and deterministic: whatever cannot be said in `Cargo.nix` is refused by [`merge`].
#![warn(missing_docs)]

mod entry;
mod error;
mod guards;
mod hooks;
mod merge;
mod nix;
mod origins;
mod profiles;
mod render;
mod sbom;
mod tests_table;

pub use crate::error::RenderError;
pub use crate::hooks::{HOOKS, Hook, MEMBERS, build_script_crates, hooks_of};
pub use crate::merge::{Content, Entry, EntryDependency, EntryIx, Member, MemberTests, Merged, Resolved, merge};
pub use crate::nix::string as nix_string;
pub use crate::origins::{Origins, Registry, Repository, registry_names, repository_names};
pub use crate::render::{CargoVariable, LIBRARY, RenderOptions, render};
pub use crate::sbom::{SbomSubject, sbom};
