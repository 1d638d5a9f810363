//! The answer of `cratewright why`: `--format json` prints it as it is, `docs/src/why.md` describes it.

use cratewright_graph::why::Difference;
use serde::Serialize;

/// Version of the JSON output.
pub(crate) const FORMAT: u32 = 1;

/// Why a crate is built.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) format: u32,
    pub(crate) platform: String,
    /// The crate, as it was given on the command line.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    /// The member at which paths start, if one was given.
    pub(crate) from: Option<String>,
    /// The derivations of the crate, in order of versions; only one if the query names that one.
    pub(crate) derivations: Vec<Built>,
    /// Number of all crates of the first derivation's package.
    #[serde(skip)]
    pub(crate) builds: usize,
    /// Packages of this name that are not built on this platform.
    pub(crate) not_built: Vec<NotBuilt>,
    /// What to remove so that none of `derivations` is built; `null` if the crate is a member itself.
    pub(crate) to_vanish: Option<Vanish>,
    /// Why the given feature is enabled, by derivation and selection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) feature: Option<FeatureAnswer>,
}

/// A derivation of the crate.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// `target`, `host` or `test`.
    pub(crate) side: cratewright_graph::Side,
    pub(crate) source: Option<String>,
    pub(crate) is_member: bool,
    pub(crate) features: Vec<String>,
    /// The id of another one of `derivations`, from which `differences` distinguish it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compared_to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) differences: Vec<Difference>,
    /// Labels of the derivations that depend on it directly.
    pub(crate) used_by: Vec<String>,
    /// Number of crates that are rebuilt if it changes, including itself.
    pub(crate) cone: usize,
    /// Number of test suites that run again, including that of the member.
    pub(crate) cone_tests: usize,
    /// The roles in which it is used.
    pub(crate) built_for: Vec<Role>,
    /// The procedural macros and build scripts through which programs use it at compile time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) for_compiler: Vec<HostEntry>,
    /// Shortest paths from members to it.
    pub(crate) paths: Vec<Vec<PathStep>>,
    /// How many more there are.
    pub(crate) more_paths: u64,
    #[serde(skip)]
    pub(crate) label: String,
    #[serde(skip)]
    pub(crate) kind: cratewright_graph::Kind,
}

/// The role of a derivation.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// It is linked into programs.
    Target,
    /// It is used at compile time: a build script, a procedural macro, or a dependency of one.
    Compiler,
}

/// A procedural macro or a build script that brings in a derivation for use at compile time.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostEntry {
    pub(crate) kind: HostKind,
    /// The procedural macro, or the crate with the build script.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
}

#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HostKind {
    ProceduralMacro,
    BuildScript,
}

/// A derivation on a path, and how the previous one depends on it.
#[derive(Debug, Serialize)]
pub(crate) struct PathStep {
    pub(crate) id: String,
    pub(crate) label: String,
    /// Whether the build script of the previous derivation uses it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) for_build_script: bool,
    /// Whether it is a procedural macro.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_procedural_macro: bool,
    /// Manifest lines by which the previous derivation asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) asked_by: Vec<Asked>,
}

/// A manifest line that declares a dependency.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Asked {
    #[serde(flatten)]
    pub(crate) place: Place,
    /// The line in `[workspace.dependencies]` that it inherits, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inherited_from: Option<Place>,
    /// `dependencies`, `build-dependencies` or `dev-dependencies`.
    pub(crate) table: &'static str,
    /// The key of `[target.<key>]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    /// The features of the package that enable the dependency, if it is optional.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) turned_on_by: Vec<String>,
}

/// A line of a file.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Place {
    /// Path relative to the workspace root, or `NAME VERSION's Cargo.toml`.
    pub(crate) file: String,
    /// `None` if the file cannot be read, or does not have the dependency under that name.
    pub(crate) line: Option<usize>,
    /// The text of the declaration, on one line.
    pub(crate) text: String,
}

/// A declared dependency that is not built here.
#[derive(Debug, Serialize)]
pub(crate) struct NotBuilt {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The packages that are built and declare it, with the reason why the declaration has no effect.
    pub(crate) declared: Vec<Declared>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Declared {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    pub(crate) reason: Unused,
}

#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unused {
    /// It is declared for another platform.
    Platform,
    /// No feature enables it.
    Optional,
    /// It is a dev-dependency of a package whose tests are not built.
    Tests,
}

/// What to remove so that the crate is not built.
#[derive(Debug, Serialize)]
pub(crate) struct Vanish {
    /// Lines in manifests of members; removing any one of them is enough.
    pub(crate) one_of: Vec<Asked>,
    /// Lines in manifests of members that all have to be removed.
    pub(crate) all_of: Vec<Asked>,
    /// Labels of the derivations that all paths lead through.
    pub(crate) through: Vec<String>,
}

/// Why a feature is enabled.
#[derive(Debug, Serialize)]
pub(crate) struct FeatureAnswer {
    pub(crate) name: String,
    /// Derivations that have the feature.
    pub(crate) on: Vec<String>,
    /// Derivations that do not have it.
    pub(crate) off: Vec<String>,
    /// For each request, the shortest chain of activations from a member.
    pub(crate) chains: Vec<Chain>,
    /// How many more there are.
    pub(crate) more_chains: usize,
}

/// A chain of activations.
#[derive(Debug, Serialize)]
pub(crate) struct Chain {
    /// Variant of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) for_tests: bool,
    /// `host` or `target`.
    pub(crate) side: &'static str,
    pub(crate) steps: Vec<Activation>,
}

/// A step of a chain: a feature, an optional dependency, or a line that asks for one of them.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Activation {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// The line in `[workspace.dependencies]` that it inherits, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inherited_from: Option<Place>,
}

/// Packages that are built several times.
#[derive(Debug, Serialize)]
pub(crate) struct Duplicates {
    pub(crate) format: u32,
    pub(crate) platform: String,
    /// Number of all crates.
    pub(crate) crates: usize,
    /// Number of crates that would not be needed if every package was built once.
    pub(crate) redundant: usize,
    pub(crate) duplicates: Vec<Listed>,
}

/// A package that is built several times.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) reason: String,
    /// Number of crates in the cones of all derivations except the first.
    pub(crate) cone: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    /// The derivation to keep comes first.
    pub(crate) derivations: Vec<ListedDerivation>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListedDerivation {
    pub(crate) id: String,
    pub(crate) label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compared_to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) differences: Vec<Difference>,
    pub(crate) built_for: Vec<Role>,
    /// Labels of the derivations that depend on it directly.
    pub(crate) used_by: Vec<String>,
}
