//! The graph of derivations on one pair of platforms.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Index into [`DerivationGraph::derivations`].
pub type DerivationIx = usize;

/// Everything that Nix builds for a workspace on one pair of platforms: its members with all dependencies, and their
/// tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivationGraph {
    /// The target triple of a native pair; for a cross build the triples `target on host`, in cargo's terms.
    pub platform: String,
    /// The derivations, each after its dependencies.
    pub derivations: Vec<Derivation>,
}

/// A crate, or the test suite of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// Unique in its graph, and the same for the same crate in another graph: the attribute path below `internal` or
    /// the top level of `Cargo.nix`, such as `units."serde@1.0.228"`, `build."syn@2.0.1"` or `tests.app`.
    pub id: String,
    /// Whether it is a crate or a test suite.
    pub kind: Kind,
    /// The side that it is compiled for.
    pub side: Side,
    /// Key of its entry in `Cargo.nix`: `serde@1.0.228`, with labels in brackets if a package has several entries.
    pub key: String,
    /// Id of the package, as cargo prints it. That of a local package contains an absolute path, so it is never printed.
    pub package_id: String,
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: String,
    /// Whether it is a member of the workspace.
    pub is_member: bool,
    /// Directory of a local package, relative to the workspace root.
    pub dir: Option<String>,
    /// Source of any other package: `crates.io`, the index of a registry, a repository with a commit, or a directory.
    pub source: Option<String>,
    /// Enabled features, sorted by name.
    pub features: Vec<String>,
    /// Derivations that it links or runs, without repetitions; for tests including dev-dependencies.
    pub dependencies: Vec<DerivationIx>,
    /// Derivations that its build script links or runs, without repetitions.
    pub build_dependencies: Vec<DerivationIx>,
    /// Digests of its inputs other than dependencies.
    pub inputs: BTreeMap<Input, String>,
}

/// The kind of a derivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A package: its library, its binaries, its build script.
    Crate,
    /// Everything of a member that `cargo test` compiles and runs, except for doctests.
    Tests,
}

/// The side that a derivation is compiled for, which is a table in `nix-lib/library/units.nix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// For nixpkgs' host platform, which is cargo's target.
    Target,
    /// For nixpkgs' build platform, which is cargo's host, if that is another derivation: build scripts, procedural
    /// macros and their dependencies.
    Host,
    /// For tests, if that is another derivation: with `panic = "unwind"` in a profile that aborts.
    Test,
}

/// An input of a derivation. If it differs, the derivation differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Name and version of the package.
    Version,
    /// Its files, or the checksum of the download.
    Source,
    /// Data of its manifest in `Cargo.nix`, such as edition, links, paths of targets and description.
    Manifest,
    /// Enabled features.
    Features,
    /// Binaries that are built, or targets that are tested.
    Targets,
    /// Names of its dependencies in its code, and their order.
    Dependencies,
    /// Settings of the profile.
    Profile,
    /// `rustflags` of cargo's configuration.
    Rustflags,
    /// `[env]` of cargo's configuration.
    Environment,
    /// Overrides of the library that apply to it.
    Overrides,
}

impl Input {
    /// The name of the input in messages.
    pub fn name(self) -> &'static str {
        match self {
            Input::Version => "version",
            Input::Source => "source",
            Input::Manifest => "manifest",
            Input::Features => "features",
            Input::Targets => "targets",
            Input::Dependencies => "dependencies",
            Input::Profile => "profile",
            Input::Rustflags => "rustflags",
            Input::Environment => "environment",
            Input::Overrides => "overrides",
        }
    }
}

impl Derivation {
    /// A crate from crates.io for the target, without features, dependencies and inputs.
    pub fn new(name: &str, version: &str) -> Self {
        let key = format!("{name}@{version}");
        Derivation {
            id: format!("units.\"{key}\""),
            kind: Kind::Crate,
            side: Side::Target,
            package_id: format!("registry+https://github.com/rust-lang/crates.io-index#{key}"),
            key,
            name: name.to_owned(),
            version: version.to_owned(),
            is_member: false,
            dir: None,
            source: Some("crates.io".to_owned()),
            features: Vec::new(),
            dependencies: Vec::new(),
            build_dependencies: Vec::new(),
            inputs: BTreeMap::new(),
        }
    }

    /// All direct dependencies; those in both lists come twice.
    pub fn all_dependencies(&self) -> impl Iterator<Item = DerivationIx> {
        self.dependencies.iter().chain(&self.build_dependencies).copied()
    }

    /// A label for messages, with name, version and other distinctions: `syn 2.0.1 [build] (host)`, `tests of app`.
    pub fn label(&self) -> String {
        if self.kind == Kind::Tests {
            return format!("tests of {}", self.name);
        }
        let labels = self.key.split_once(' ').map(|(_, labels)| format!(" {labels}")).unwrap_or_default();
        let side = match self.side {
            Side::Target => "",
            Side::Host => " (host)",
            Side::Test => " (for tests)",
        };
        format!("{} {}{labels}{side}", self.name, self.version)
    }
}

impl DerivationGraph {
    /// All crates, with their indices.
    pub fn crates(&self) -> impl Iterator<Item = (DerivationIx, &Derivation)> {
        self.derivations.iter().enumerate().filter(|(_, derivation)| derivation.kind == Kind::Crate)
    }

    /// All test suites, with their indices.
    pub fn tests(&self) -> impl Iterator<Item = (DerivationIx, &Derivation)> {
        self.derivations.iter().enumerate().filter(|(_, derivation)| derivation.kind == Kind::Tests)
    }

    /// All derivations of the packages of these derivations, including test suites, in order.
    pub fn same_packages(&self, of: &[DerivationIx]) -> Vec<DerivationIx> {
        let packages: BTreeSet<&str> = of.iter().map(|&ix| self.derivations[ix].package_id.as_str()).collect();
        let is_in = |ix: &DerivationIx| packages.contains(self.derivations[*ix].package_id.as_str());
        (0..self.derivations.len()).filter(is_in).collect()
    }

    /// For each derivation, its direct dependents in order.
    pub fn direct_dependents(&self) -> Vec<Vec<DerivationIx>> {
        let mut dependents: Vec<Vec<DerivationIx>> = vec![Vec::new(); self.derivations.len()];
        for (ix, derivation) in self.derivations.iter().enumerate() {
            for dependency in derivation.all_dependencies() {
                if dependents[dependency].last() != Some(&ix) {
                    dependents[dependency].push(ix);
                }
            }
        }
        dependents
    }

    /// These derivations and all their dependents, direct or not: what is rebuilt if they change. In order.
    pub fn dependents(&self, of: &[DerivationIx]) -> Vec<DerivationIx> {
        let mut is_in = vec![false; self.derivations.len()];
        of.iter().for_each(|&ix| is_in[ix] = true);
        for (ix, derivation) in self.derivations.iter().enumerate() {
            is_in[ix] |= derivation.all_dependencies().any(|dependency| is_in[dependency]);
        }
        (0..is_in.len()).filter(|&ix| is_in[ix]).collect()
    }

    /// These derivations and all their dependencies, direct or not. In order.
    pub fn closure(&self, of: &[DerivationIx]) -> Vec<DerivationIx> {
        let mut is_in = vec![false; self.derivations.len()];
        of.iter().for_each(|&ix| is_in[ix] = true);
        for (ix, derivation) in self.derivations.iter().enumerate().rev() {
            if is_in[ix] {
                derivation.all_dependencies().for_each(|dependency| is_in[dependency] = true);
            }
        }
        (0..is_in.len()).filter(|&ix| is_in[ix]).collect()
    }

    /// The size of each cone: how many derivations are rebuilt if this one changes, including itself.
    pub fn cones(&self) -> Vec<usize> {
        // Each derivation has a bit set of its dependents, filled from the top of the graph down.
        let words = self.derivations.len().div_ceil(64);
        let mut sets: Vec<Vec<u64>> = vec![vec![0; words]; self.derivations.len()];
        for ix in (0..self.derivations.len()).rev() {
            sets[ix][ix / 64] |= 1 << (ix % 64);
            let own = std::mem::take(&mut sets[ix]);
            for dependency in self.derivations[ix].all_dependencies() {
                sets[dependency].iter_mut().zip(&own).for_each(|(into, from)| *into |= from);
            }
            sets[ix] = own;
        }
        sets.iter().map(|set| set.iter().map(|word| word.count_ones() as usize).sum()).collect()
    }
}
