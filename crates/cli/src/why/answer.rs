//! What `cratewright why` answers: `--format json` prints it as it is, `docs/src/why.md` describes it.

use cratewright_graph::why::Difference;
use serde::Serialize;

/// The version of what is printed.
pub(crate) const FORMAT: u32 = 1;

/// Why a crate is built.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) format: u32,
    pub(crate) platform: String,
    /// As it was asked for.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
    /// The member that ways begin at, where one was named.
    pub(crate) from: Option<String>,
    /// What is built of it, in order of versions.
    pub(crate) derivations: Vec<Built>,
    /// What is not built of it on this platform.
    pub(crate) not_built: Vec<NotBuilt>,
    /// What would have to go for none of `derivations` to be built; `null` where the crate is a member itself.
    pub(crate) to_vanish: Option<Vanish>,
    /// Why the feature that was named is on, by derivation and selection.
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
    /// Another one of `derivations`, with what tells the two apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compared_to: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) differences: Vec<Difference>,
    /// Labels of those that depend on it directly.
    pub(crate) used_by: Vec<String>,
    /// Crates that are built again if it changes, itself among them.
    pub(crate) cone: usize,
    /// Test suites that run again.
    pub(crate) cone_tests: usize,
    /// What uses it.
    pub(crate) built_for: Vec<Role>,
    /// Where what is for the target leads to it, as something for the compiler.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) for_compiler: Vec<HostEntry>,
    /// Shortest ways from members to it.
    pub(crate) paths: Vec<Vec<PathStep>>,
    /// How many there are besides.
    pub(crate) more_paths: u64,
    #[serde(skip)]
    pub(crate) label: String,
}

/// What a derivation is built for.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// To be linked.
    Target,
    /// Build scripts and procedural macros, or what they use.
    Compiler,
}

/// Where what is for the compiler begins.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HostEntry {
    pub(crate) kind: HostKind,
    /// The procedural macro, or the crate whose build script it is.
    #[serde(rename = "crate")]
    pub(crate) krate: String,
}

#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HostKind {
    ProceduralMacro,
    BuildScript,
}

/// A derivation on the way, with what the one before it has to do with it.
#[derive(Debug, Serialize)]
pub(crate) struct PathStep {
    pub(crate) id: String,
    pub(crate) label: String,
    /// Whether the build script of the one before it uses it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) for_build_script: bool,
    /// Whether it is a procedural macro.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_procedural_macro: bool,
    /// Lines by which the one before it asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) asked_by: Vec<Asked>,
}

/// A line of a manifest that declares a dependency.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Asked {
    #[serde(flatten)]
    pub(crate) place: Place,
    /// The line of `[workspace.dependencies]`, where it inherits from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inherited_from: Option<Place>,
    /// `dependencies`, `build-dependencies` or `dev-dependencies`.
    pub(crate) table: &'static str,
    /// The key of `[target.<key>]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<String>,
    /// Of an optional dependency, features of the package that turn it on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) turned_on_by: Vec<String>,
}

/// A line of a file.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Place {
    /// Seen from the workspace root, or `NAME VERSION's Cargo.toml`.
    pub(crate) file: String,
    /// Nothing where the file cannot be read, or does not say it by that name.
    pub(crate) line: Option<usize>,
    /// As it is written, on one line.
    pub(crate) text: String,
}

/// A declared dependency that is not built here.
#[derive(Debug, Serialize)]
pub(crate) struct NotBuilt {
    pub(crate) name: String,
    pub(crate) version: String,
    /// What is built and declares it, with the reason why that does not count.
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
    /// No feature turns it on.
    Optional,
    /// It is for tests of a package whose tests are not built.
    Tests,
}

/// What would have to go.
#[derive(Debug, Serialize)]
pub(crate) struct Vanish {
    /// Lines of members of which each alone is enough.
    pub(crate) one_of: Vec<Asked>,
    /// Lines of members that are enough together, none of which can be left out.
    pub(crate) all_of: Vec<Asked>,
    /// Labels of what all ways lead through.
    pub(crate) through: Vec<String>,
}

/// Why a feature is on.
#[derive(Debug, Serialize)]
pub(crate) struct FeatureAnswer {
    pub(crate) name: String,
    /// Derivations that have it.
    pub(crate) on: Vec<String>,
    /// Derivations that do not.
    pub(crate) off: Vec<String>,
    /// For each request of it, the shortest chain of activations from a member.
    pub(crate) chains: Vec<Chain>,
    /// How many there are besides.
    pub(crate) more_chains: usize,
}

/// A chain of activations.
#[derive(Debug, Serialize)]
pub(crate) struct Chain {
    /// Variant of the member, and whether it is its tests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) for_tests: bool,
    /// `host` or `target`.
    pub(crate) side: &'static str,
    pub(crate) steps: Vec<Activation>,
}

/// A step of a chain: a feature, an optional dependency or a line that asks for one.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub(crate) struct Activation {
    pub(crate) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
    /// The line of `[workspace.dependencies]`, where it inherits from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inherited_from: Option<Place>,
}

/// Packages that are built several times.
#[derive(Debug, Serialize)]
pub(crate) struct Duplicates {
    pub(crate) format: u32,
    pub(crate) platform: String,
    /// Number of crates, of whatever package.
    pub(crate) crates: usize,
    /// Number of those that would not be there if every name was built once.
    pub(crate) redundant: usize,
    pub(crate) duplicates: Vec<Listed>,
}

/// A name that is built several times.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) reason: String,
    /// Crates in the cones of all but the one that is kept.
    pub(crate) cone: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seconds: Option<f64>,
    /// The one that is kept comes first.
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
    /// Labels of those that depend on it directly.
    pub(crate) used_by: Vec<String>,
}
