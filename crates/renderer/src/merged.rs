//! The result of `merge.rs`, which `render.rs` prints: entries, members and their tests.

use std::collections::BTreeMap;

use cratewright_resolver::{
    CompileMode, DevTargets, ExternName, FeatureIx, Lto, PackageGraph, PackageIx, Pair, Platform, Selection, UnitGraph,
};

use crate::guards::PairSet;

/// Index into [`Merged::entries`].
pub type EntryIx = usize;

/// The result of resolution, for all selections and pairs.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The packages.
    pub packages: &'a PackageGraph,
    /// Platforms that the pairs refer to.
    pub platforms: &'a [Platform],
    /// Pairs, in the order of the inner lists of `graphs`.
    pub pairs: &'a [Pair],
    /// Selections, in the order of `graphs`.
    pub selections: &'a [Selection],
    /// One graph per selection and pair.
    pub graphs: &'a [Vec<UnitGraph>],
}

/// A dependency of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryDependency {
    /// Whether the build script needs it, and not the other targets.
    pub for_build_script: bool,
    /// Entry of the dependency.
    pub entry: EntryIx,
    /// Name for `--extern`.
    pub extern_name: ExternName,
}

/// Features and dependencies of an entry on one pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// Enabled features, sorted.
    pub features: Vec<FeatureIx>,
    /// Dependencies, sorted.
    pub dependencies: Vec<EntryDependency>,
}

/// An attribute of `crates` in `Cargo.nix`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Package id spec, with labels in brackets if the package has several entries.
    pub key: String,
    /// Name in dependents' lists: as in `Cargo.lock`, without the version if it is unambiguous.
    pub(crate) reference: String,
    /// The package.
    pub package: PackageIx,
    /// Content by pair, without pairs that do not build it.
    pub contents: BTreeMap<usize, Content>,
    /// Whether it is a build or the package's tests.
    pub mode: CompileMode,
    /// Binaries by pair, as indices into the package's list; empty for packages that are not selected.
    pub bins: BTreeMap<usize, Vec<usize>>,
    /// Targets by pair that only entries for tests have.
    pub dev_targets: BTreeMap<usize, DevTargets>,
    /// Contents of the library for the target if a profile enables LTO; `None` if no profile does, or for the host.
    pub lto: Option<Lto>,
}

/// A member with the entry that builds it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The package.
    pub package: PackageIx,
    /// Its entry.
    pub entry: EntryIx,
    /// Name of the variant; `None` for the default build.
    pub variant: Option<String>,
    /// Names of requested features, see [`Selection::requested_features`].
    pub features: Vec<String>,
}

/// The entries for the tests of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberTests {
    /// The package.
    pub package: PackageIx,
    /// Tests for the target: everything except the library of a proc-macro.
    pub target: Option<EntryIx>,
    /// Tests for the host: the library of a proc-macro.
    pub host: Option<EntryIx>,
    /// The build of the package that its tests link, or any build of it if they link none.
    pub unit: EntryIx,
    /// Whether the package has a library to link.
    pub has_library: bool,
}

/// The data of a `Cargo.nix`.
#[derive(Debug)]
pub struct Merged {
    /// Entries sorted by key.
    pub entries: Vec<Entry>,
    /// Default builds, then variants by name, each with members sorted by name. A member without library and enabled
    /// binaries is left out.
    pub members: Vec<Member>,
    /// Members that have tests, sorted by name.
    pub tests: Vec<MemberTests>,
    /// Labels for packages that share name and version with another one, which has no label.
    pub twins: BTreeMap<PackageIx, String>,
}

impl Merged {
    /// Entries that are builds, not tests.
    pub fn builds(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_build())
    }

    /// Key of the first entry of a package, which has the common attributes.
    pub(crate) fn first_key(&self, packages: &PackageGraph, package: PackageIx) -> String {
        labelled(packages, &self.twins, package, Vec::new())
    }

    pub(crate) fn is_first(&self, packages: &PackageGraph, entry: &Entry) -> bool {
        self.first_key(packages, entry.package) == entry.key
    }
}

/// A package id spec with labels in brackets.
pub(crate) fn labelled(
    packages: &PackageGraph,
    twins: &BTreeMap<PackageIx, String>,
    package: PackageIx,
    labels: Vec<String>,
) -> String {
    let origin = twins.get(&package).map(|origin| format!("from={origin}"));
    let labels: Vec<String> = origin.into_iter().chain(labels).collect();
    let package = &packages[package];
    let spec = format!("{}@{}", package.name, package.version);
    if labels.is_empty() { spec } else { format!("{spec} [{}]", labels.join(" ")) }
}

impl Entry {
    pub(crate) fn new(key: String, package: PackageIx, mode: CompileMode) -> Self {
        let (contents, bins, dev_targets) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Entry { reference: key.clone(), key, package, contents, mode, bins, dev_targets, lto: None }
    }

    /// Whether it is a build, not tests.
    pub(crate) fn is_build(&self) -> bool {
        self.mode == CompileMode::Build
    }

    /// Pairs that build this entry.
    pub(crate) fn pairs(&self) -> PairSet {
        self.contents.keys().copied().collect()
    }
}
