//! The derivations that a binary cache should have: the crates in `cacheRoots` of Cargo.nix, and what they are built
//! with.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_renderer::nix_string;
use cratewright_sources::diagnostic::Diagnostic;
use serde::{Deserialize, Serialize};

use crate::args::cache::CrateArgs;
use crate::cache::derivation::Derivation;
use crate::nix;
use crate::workspace;

/// Groups in which crates are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A package with local sources.
    Member,
    /// A package from a registry or a git repository.
    Dependency,
    /// The test suite of a member.
    Tests,
    /// Anything else that Nix builds as an input of crates, such as a compiler or a library.
    Toolchain,
}

impl Kind {
    pub(super) const ALL: [Kind; 4] = [Kind::Member, Kind::Dependency, Kind::Tests, Kind::Toolchain];

    /// The word for one of this kind.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Kind::Member => "member",
            Kind::Dependency => "dependency",
            Kind::Tests => "test suite",
            Kind::Toolchain => "toolchain",
        }
    }

    /// The heading of a list of this kind.
    pub(super) fn title(self) -> &'static str {
        match self {
            Kind::Member => "members",
            Kind::Dependency => "dependencies",
            Kind::Tests => "test suites",
            Kind::Toolchain => "toolchain",
        }
    }
}

/// A derivation whose outputs a cache should have.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Root {
    /// Name of the crate, or of the derivation if it is not a crate.
    pub(super) name: String,
    /// Empty if it is not a crate.
    #[serde(default)]
    pub(super) version: String,
    pub(super) kind: Kind,
    pub(super) drv_path: String,
    /// Store paths by name of the output.
    pub(super) outputs: BTreeMap<String, String>,
}

impl Root {
    pub(super) fn display(&self) -> String {
        format!("{} {}", self.name, self.version).trim_end().to_owned()
    }
}

/// The expression that imports `Cargo.nix`. The file must be up to date, unless the user gives an expression.
pub(super) fn file(arguments: &CrateArgs) -> Result<String, Diagnostic> {
    if arguments.file.expr.is_some() {
        return nix::cargo_nix(&arguments.file, "".as_ref(), "");
    }
    let (_, disk) = workspace::find(arguments.manifest_path.as_deref())?;
    nix::fresh_cargo_nix(&arguments.file, disk.root(), &format!("profile = {};", nix_string(&arguments.profile)))
}

/// The attribute of `Cargo.nix` whose build has all crates, with or without the test suites of members.
pub(super) fn attribute(with_tests: bool) -> &'static str {
    if with_tests { "cacheRoots.tests" } else { "cacheRoots" }
}

/// All crates of a `Cargo.nix`, with or without the test suites of members. Writes their derivations to the store.
pub(super) fn crates(arguments: &CrateArgs, file: &str, with_tests: bool) -> Result<Vec<Root>, Diagnostic> {
    let attribute = attribute(with_tests);
    let roots: Vec<Root> = nix::instantiate(
        &format!("{file}.{attribute}.crates"),
        nix::with_help(&arguments.file, Diagnostic::new("evaluation-failed", "Nix cannot evaluate the crates")),
    )?;
    let unknown = roots.iter().find(|root| root.outputs.values().any(|path| path.matches('/').count() < 2));
    match unknown {
        None => Ok(roots),
        Some(root) => Err(Diagnostic::new(
            "content-addressed",
            format!(
                "the outputs of {} are content-addressed, so their paths are not known before they are built",
                root.display()
            ),
        )
        .help("build the crates without `contentAddressed = true`")),
    }
}

/// The outputs that the crates are built with, except for other crates and downloads.
pub(super) fn toolchain(crates: &[Root]) -> Result<Vec<Root>, Diagnostic> {
    let own: BTreeSet<&str> = crates.iter().map(|root| root.drv_path.as_str()).collect();
    let mut taken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in &own {
        for (input, outputs) in Derivation::read(path)?.inputs {
            if !own.contains(input.as_str()) {
                taken.entry(input).or_default().extend(outputs);
            }
        }
    }
    let mut roots = Vec::new();
    for (drv_path, names) in taken {
        let derivation = Derivation::read(&drv_path)?;
        let outputs = derivation.outputs.into_iter().filter(|(name, output)| names.contains(name) && !output.is_fixed);
        let outputs: BTreeMap<String, String> = outputs.map(|(name, output)| (name, output.path)).collect();
        if !outputs.is_empty() {
            roots.push(Root {
                name: name_of(&drv_path).trim_end_matches(".drv").to_owned(),
                version: String::new(),
                kind: Kind::Toolchain,
                drv_path,
                outputs,
            });
        }
    }
    Ok(roots)
}

/// The store paths of all outputs.
pub(super) fn paths(roots: &[Root]) -> BTreeSet<&str> {
    roots.iter().flat_map(|root| root.outputs.values().map(String::as_str)).collect()
}

/// A store path without the directory and the hash.
pub(super) fn name_of(path: &str) -> &str {
    let base = path.rsplit('/').next().unwrap_or(path);
    base.split_once('-').map_or(base, |(_, name)| name)
}
