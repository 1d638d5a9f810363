//! What `merge.rs` makes of unit graphs, and `render.rs` writes: entries, members and their tests.

use std::collections::BTreeMap;

use cratewright_resolver::{
    CompileMode, DevTargets, ExternName, FeatureIx, Lto, PackageGraph, PackageIx, Pair, Platform, Selection, UnitGraph,
};

use crate::guards::PairSet;

/// Index into [`Merged::entries`].
pub type EntryIx = usize;

/// What was resolved, for all selections and pairs.
#[derive(Debug, Clone, Copy)]
pub struct Resolved<'a> {
    /// The packages.
    pub packages: &'a PackageGraph,
    /// Platforms that the pairs speak of.
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
    /// For the build script, or for everything else.
    pub for_build_script: bool,
    /// The entry depended upon.
    pub entry: EntryIx,
    /// Name given with `--extern`.
    pub extern_name: ExternName,
}

/// What an entry is on one pair.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// Features that are on, in order.
    pub features: Vec<FeatureIx>,
    /// Dependencies, sorted.
    pub dependencies: Vec<EntryDependency>,
}

/// One attribute of `Cargo.nix`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Package id spec, with labels in brackets where a package has several entries.
    pub key: String,
    /// How others name it: as in `Cargo.lock`, without the version where there is one alone.
    pub(crate) reference: String,
    /// The package.
    pub package: PackageIx,
    /// Content by pair; pairs that do not build it are absent.
    pub contents: BTreeMap<usize, Content>,
    /// Built for itself, or what its tests are compiled with.
    pub mode: CompileMode,
    /// Binaries by pair, as indices into the package's; only members that are built for themselves or for tests have any.
    pub bins: BTreeMap<usize, Vec<usize>>,
    /// Targets by pair that only entries for tests have.
    pub dev_targets: BTreeMap<usize, DevTargets>,
    /// What its library must hold for the target where LTO is on; nothing where no profile turns it on, or for the host.
    pub lto: Option<Lto>,
}

/// A member and what building it means.
#[derive(Debug, Clone)]
pub struct Member {
    /// The package.
    pub package: PackageIx,
    /// Its entry.
    pub entry: EntryIx,
    /// The variant that this is, else the default build.
    pub variant: Option<String>,
    /// Features asked of it by name, see [`Selection::requested_features`].
    pub features: Vec<String>,
}

/// What the tests of a member are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberTests {
    /// The package.
    pub package: PackageIx,
    /// For the target: all there is to test but the library of a proc-macro.
    pub target: Option<EntryIx>,
    /// For the host: the library of a proc-macro.
    pub host: Option<EntryIx>,
    /// The package as its tests link it. Where they link nothing, any build of it.
    pub unit: EntryIx,
    /// Whether there is a library to link.
    pub has_library: bool,
}

/// Everything that a `Cargo.nix` is written from.
#[derive(Debug)]
pub struct Merged {
    /// In order of their keys.
    pub entries: Vec<Entry>,
    /// Default builds, then variants by name; members in order of their names. A member without library and enabled
    /// binary has nothing to build and is left out.
    pub members: Vec<Member>,
    /// In order of the members' names, those that have anything to test.
    pub tests: Vec<MemberTests>,
    /// Packages that share name and version with another one, and where they come from. The other one is not in here.
    pub twins: BTreeMap<PackageIx, String>,
}

impl Merged {
    /// What is built for itself, not for tests.
    pub fn builds(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.is_build())
    }

    /// Key of the first entry of a package, which has what all of them have in common.
    pub(crate) fn first_key(&self, packages: &PackageGraph, package: PackageIx) -> String {
        labelled(packages, &self.twins, package, Vec::new())
    }

    pub(crate) fn is_first(&self, packages: &PackageGraph, entry: &Entry) -> bool {
        self.first_key(packages, entry.package) == entry.key
    }
}

/// The package id spec, and labels in brackets.
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

    /// Whether it is built for itself, not for tests.
    pub(crate) fn is_build(&self) -> bool {
        self.mode == CompileMode::Build
    }

    /// Pairs that build this entry.
    pub(crate) fn pairs(&self) -> PairSet {
        self.contents.keys().copied().collect()
    }
}
