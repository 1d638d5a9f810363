//! Renders unit graphs to the text of a `Cargo.nix`.
//!
//! [`merge`] combines the graphs of all selections and pairs into entries, one per distinct unit, and [`render`] prints
//! them. Rendering is deterministic and cannot fail: [`merge`] rejects everything that nixpkgs' builder does not
//! support.
//!
//! ```
//! use cratewright_renderer::{Library, RenderOptions, Resolved, merge, render};
//! use cratewright_resolver::{PackageGraph, Pair, Platform, Selection, resolve};
//! # use std::collections::{BTreeMap, HashMap};
//! # use cratewright_resolver::Metadata;
//! # use cratewright_staleness::Observer;
//! # use cratewright_workspace::Workspace;
//! # let files = [("Cargo.toml", "[package]\nname = 'app'\nedition = '2024'"), ("Cargo.lock", "version = 4")];
//! # let files: BTreeMap<_, _> = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
//! # let observer = Observer::new(&files);
//! # let lock = observer.lock()?;
//! # let metadata = r#"  {
//! #   "version": 1, "workspace_root": "/w", "target_directory": "/w/target", "workspace_members": ["app"],
//! #   "packages": [
//! #     {"id": "app", "name": "app", "version": "0.1.0", "manifest_path": "/w/Cargo.toml",
//! #      "targets": [{"name": "app", "kind": ["bin"], "edition": "2024", "src_path": "/w/src/main.rs"}],
//! #      "features": {}, "dependencies": []}],
//! #   "resolve": {"nodes": [{"id": "app", "dependencies": []}]}
//! # }"#;
//! # let metadata = Metadata::parse(metadata, |_| false)?;
//! # let workspace = Workspace::discover(&observer)?;
//! // Built as in the example of the resolver.
//! let packages: PackageGraph = /* ... */
//! # PackageGraph::new(&workspace, &lock, metadata, &HashMap::new())?;
//! let platforms = [Platform::parse("x86_64-unknown-linux-gnu", "unix\ntarget_os=\"linux\"")?];
//! let pairs = [Pair::native(0)];
//! let selections = [Selection::build(packages.members[0])];
//! let graphs = resolve(&packages, &platforms, &pairs, &selections);
//!
//! let resolved = Resolved {
//!     packages: &packages,
//!     platforms: &platforms,
//!     pairs: &pairs,
//!     selections: &selections,
//!     graphs: &graphs,
//! };
//! let library = Library::At("cratewright.nix".to_owned());
//! let options = RenderOptions { root: ".".to_owned(), library, ..RenderOptions::default() };
//! let cargo_nix = render(resolved, &merge(resolved)?, &options);
//! let app = r#"
//!     "app@0.1.0" = local {
//!       dir = "";
//!       crateBin = [ { name = "app"; path = "src/main.rs"; } ];
//!     };
//! "#;
//! assert!(cargo_nix.contains(app), "{cargo_nix}");
//! # Ok::<(), cratewright_sources::diagnostic::Diagnostic>(())
//! ```
#![warn(missing_docs)]

mod derivations;
mod entry;
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

pub use crate::derivations::{Contents, PackageSource, derivations, platforms};
pub use crate::library::{LIBRARY, PARTS};
pub use crate::merge::merge;
pub use crate::merged::{Content, Entry, EntryDependency, EntryIx, Member, MemberTests, Merged, Resolved};
pub use crate::nix::string as nix_string;
pub use crate::options::{Library, RenderOptions};
pub use crate::origins::{Origins, Registry, Repository, registry_names, repository_names};
pub use crate::overrides::{MEMBERS, OVERRIDES, Override, build_script_crates, key_is_for, overrides_of};
pub use crate::render::render;
pub use crate::sbom::{About, BuildGraph, sbom};
