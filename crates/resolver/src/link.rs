//! Indices of packages, features and declared dependencies.

use petgraph::graph::{EdgeIndex, NodeIndex};

/// A package of a [`crate::PackageGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageIx(pub(crate) NodeIndex);

impl PackageIx {
    /// Position in [`crate::PackageGraph::packages`].
    pub fn index(self) -> usize {
        self.0.index()
    }
}

/// Index into the feature names of one package, see [`crate::Package::feature_name`].
pub type FeatureIx = u32;

/// Index into the keys of a manifest's dependencies, see [`crate::Package::dependency_names`].
pub(crate) type DependencyNameIx = u32;

/// A name for `--extern`, see [`crate::PackageGraph::extern_name`]. Its order is that of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternName(pub(crate) u32);

/// The table of a manifest that declares a dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyTable {
    /// The table `[dependencies]`.
    Normal,
    /// The table `[build-dependencies]`.
    Build,
    /// The table `[dev-dependencies]`.
    Dev,
}

/// The fields of a declared dependency that resolution reads often, kept together in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) ix: EdgeIndex,
    pub(crate) to: PackageIx,
    pub(crate) name: DependencyNameIx,
    pub(crate) extern_name: ExternName,
    pub(crate) table: DependencyTable,
    pub(crate) optional: bool,
    pub(crate) to_proc_macro: bool,
    pub(crate) to_has_lib: bool,
}
