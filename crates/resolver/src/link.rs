//! What resolution goes by: packages, features and declared dependencies as indices.

use petgraph::graph::{EdgeIndex, NodeIndex};

/// A package of a [`crate::PackageGraph`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageIx(pub(crate) NodeIndex);

impl PackageIx {
    /// Where [`crate::PackageGraph::packages`] has it.
    pub fn index(self) -> usize {
        self.0.index()
    }
}

/// Index into the feature names of one package, see [`crate::Package::feature_name`].
pub type FeatureIx = u32;

/// Index into the names that a manifest has for dependencies, see [`crate::Package::dependency_names`].
pub(crate) type DependencyNameIx = u32;

/// A name given with `--extern`; [`crate::PackageGraph::extern_name`] has its text, which orders as the names do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternName(pub(crate) u32);

/// Which table of the manifest a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyTable {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`
    Dev,
}

/// What resolution needs to know of a declared dependency, close together: it looks at each of them many times.
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
