//! The graph of derivations on one pair of platforms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Index into [`DerivationGraph::derivations`].
pub type DerivationIx = usize;

/// All that Nix builds of a workspace on one pair of platforms: its members with all they depend on, and their tests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivationGraph {
    /// Target triple of a native pair; `target on host`, both triples, of another one.
    pub platform: String,
    /// Every derivation comes after those that it depends on.
    pub derivations: Vec<Derivation>,
}

/// A crate, or the test suite of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derivation {
    /// Unique in its graph, and the same in another graph for what is the same crate there: the attribute path below
    /// `internal` or the top level of `Cargo.nix`, such as `units."serde@1.0.228"`, `build."syn@2.0.1"` or `tests.app`.
    pub id: String,
    /// Crate or tests.
    pub kind: Kind,
    /// What it is compiled for.
    pub side: Side,
    /// Key of its entry in `Cargo.nix`: `serde@1.0.228`, with labels in brackets where a package has several entries.
    pub key: String,
    /// Name of the package.
    pub name: String,
    /// Version of the package.
    pub version: String,
    /// Whether it is a member of the workspace.
    pub is_member: bool,
    /// Directory of a package that has no other source, seen from the workspace root.
    pub dir: Option<String>,
    /// Where other packages come from: `crates.io`, a registry's index, a repository with its commit, or a directory.
    pub source: Option<String>,
    /// Features that are on, in order of their names.
    pub features: Vec<String>,
    /// What it links or runs, by index, each once; for tests the dev-dependencies as well.
    pub dependencies: Vec<DerivationIx>,
    /// What its build script links or runs, by index, each once.
    pub build_dependencies: Vec<DerivationIx>,
    /// Digests of what it is built from besides its dependencies.
    pub inputs: BTreeMap<Input, String>,
}

/// What a derivation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A package: its library, its binaries, its build script.
    Crate,
    /// All of a member that `cargo test` compiles and runs, but for doctests.
    Tests,
}

/// What a derivation is compiled for, by the table of `nix-lib/library/units.nix` that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// For nixpkgs' host platform: cargo's target.
    Target,
    /// For nixpkgs' build platform, where that is another derivation: build scripts, procedural macros and what they use.
    Host,
    /// As tests link it, where that is another derivation: with `panic = "unwind"` in a profile that aborts.
    Test,
}

/// A part of what a derivation is built from. If it differs, the derivation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Name and version of the package.
    Version,
    /// Its files, or the checksum of what is downloaded.
    Source,
    /// What its manifest says, as far as it is in `Cargo.nix`: edition, links, paths of targets, description and the like.
    Manifest,
    /// Features that are on.
    Features,
    /// Binaries that are built, or targets that are tested.
    Targets,
    /// Names by which it knows its dependencies, and their order.
    Dependencies,
    /// Settings of the profile.
    Profile,
    /// `rustflags` of cargo's configuration.
    Rustflags,
    /// `[env]` of cargo's configuration.
    Environment,
    /// Overrides of the library that are for it.
    Overrides,
}

impl Input {
    /// As a reader is told of it.
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
    /// A crate of crates.io for the target, without features, dependencies and inputs.
    pub fn new(name: &str, version: &str) -> Self {
        let key = format!("{name}@{version}");
        Derivation {
            id: format!("units.\"{key}\""),
            kind: Kind::Crate,
            side: Side::Target,
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

    /// All that it depends on directly; what is in both lists comes twice.
    pub fn all_dependencies(&self) -> impl Iterator<Item = DerivationIx> {
        self.dependencies.iter().chain(&self.build_dependencies).copied()
    }

    /// Name, version and what else tells it from others, for people: `syn 2.0.1 [build] (host)`, `tests of app`.
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
    /// Those that are crates, with their indices.
    pub fn crates(&self) -> impl Iterator<Item = (DerivationIx, &Derivation)> {
        self.derivations.iter().enumerate().filter(|(_, derivation)| derivation.kind == Kind::Crate)
    }

    /// Those that are test suites, with their indices.
    pub fn tests(&self) -> impl Iterator<Item = (DerivationIx, &Derivation)> {
        self.derivations.iter().enumerate().filter(|(_, derivation)| derivation.kind == Kind::Tests)
    }

    /// By derivation: those that depend on it directly, in order.
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

    /// These and all that depend on them, however far: what is built again if they change. In order.
    pub fn dependents(&self, of: &[DerivationIx]) -> Vec<DerivationIx> {
        let mut is_in = vec![false; self.derivations.len()];
        of.iter().for_each(|&ix| is_in[ix] = true);
        for (ix, derivation) in self.derivations.iter().enumerate() {
            is_in[ix] |= derivation.all_dependencies().any(|dependency| is_in[dependency]);
        }
        (0..is_in.len()).filter(|&ix| is_in[ix]).collect()
    }

    /// These and all that they depend on, however far. In order.
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

    /// The size of each cone: how many derivations are built again if this one changes, itself among them.
    pub fn cones(&self) -> Vec<usize> {
        // A set of bits for each, from those that nothing depends on down.
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
