//! The packages and units of one build: a member's part of a unit graph, or the data that `Cargo.nix` provides.

use std::collections::BTreeMap;

use cratewright_resolver::{CompileMode, Package, PackageGraph, PackageIx, Source, UnitGraph, UnitIx};
use cratewright_sources::diagnostic::Diagnostic;
use serde::Deserialize;

use crate::origins::replaced;

/// The packages and units that the roots, units of one member, need. Every key refers to an existing item.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildGraph {
    /// Keys of the member's units.
    pub(super) roots: Vec<String>,
    /// Names of the member's requested features, see [`cratewright_resolver::Selection::requested_features`].
    pub(super) features: Vec<String>,
    /// Triple of the platform that runs the build.
    pub(super) host: String,
    /// Triple of the platform that runs the result.
    pub(super) target: String,
    /// Whether the member has a binary.
    pub(super) application: bool,
    pub(super) packages: BTreeMap<String, BuildPackage>,
    pub(super) units: BTreeMap<String, BuildUnit>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BuildPackage {
    pub(super) name: String,
    pub(super) version: String,
    #[serde(default)]
    pub(super) proc_macro: bool,
    pub(super) source: Origin,
    /// SHA-256 of the packed crate.
    pub(super) sha256: Option<String>,
    #[serde(default)]
    pub(super) about: About,
    /// Manifest with the metadata, if `about` is empty.
    #[serde(default)]
    manifest: Option<String>,
}

/// The source of a package.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Origin {
    /// A registry; the index as in [`Source::Registry`], `None` for crates.io.
    Registry {
        index: Option<String>,
    },
    Git {
        url: String,
        rev: String,
        dir: String,
    },
    /// A vendored copy; the replaced source id as in `Cargo.lock`, `None` for crates.io.
    Vendored {
        replaces: Option<String>,
    },
    Local {
        dir: String,
    },
}

/// Metadata in the `[package]` table of a manifest, with inherited values resolved as in published manifests.
#[derive(Debug, Default, Deserialize)]
pub struct About {
    #[serde(default)]
    pub(super) authors: Vec<String>,
    pub(super) description: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) license: Option<String>,
    pub(super) repository: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct BuildUnit {
    pub(super) package: String,
    #[serde(default)]
    pub(super) dependencies: Vec<String>,
    /// Dependencies of the build script.
    #[serde(default)]
    pub(super) build_dependencies: Vec<String>,
}

impl BuildGraph {
    /// The part of a unit graph that builds one member; `None` if the graph does not build it.
    pub fn of_member(
        packages: &PackageGraph,
        units: &UnitGraph,
        member: PackageIx,
        features: &[String],
    ) -> Option<BuildGraph> {
        let key = |unit: UnitIx| unit.index().to_string();
        let package_key = |package: PackageIx| package.index().to_string();
        let is_root = |unit: &UnitIx| {
            let unit = &units[*unit];
            unit.package == member && unit.mode == CompileMode::Build
        };
        let roots: Vec<UnitIx> = units.roots.iter().copied().filter(is_root).collect();
        if roots.is_empty() {
            return None;
        }
        let [host, target] = units.triples.clone();
        let mut graph = BuildGraph {
            roots: roots.iter().map(|&root| key(root)).collect(),
            features: features.to_vec(),
            host,
            target,
            application: roots.iter().any(|&root| !units[root].bins.is_empty()),
            packages: BTreeMap::new(),
            units: BTreeMap::new(),
        };
        for unit in units.closure(&roots) {
            let package = units[unit].package;
            let below = |for_build_script: bool| {
                let below = units.dependencies(unit).filter(|below| below.for_build_script == for_build_script);
                below.map(|below| key(below.unit)).collect()
            };
            let entry = BuildUnit {
                package: package_key(package),
                dependencies: below(false),
                build_dependencies: below(true),
            };
            graph.units.insert(key(unit), entry);
            graph.packages.entry(package_key(package)).or_insert_with(|| BuildPackage::of(&packages[package]));
        }
        Some(graph)
    }

    /// Parses the output of `nix-lib/library/sbom.nix`.
    ///
    /// # Errors
    /// If it is not valid JSON of this type, or a key refers to nothing.
    pub fn parse(text: &str) -> Result<BuildGraph, Diagnostic> {
        let invalid = |why: String| {
            Diagnostic::new("invalid-graph", format!("it is not a build graph: {why}"))
                .help("build the attribute `sbom` of a `Cargo.nix` that this version of cratewright generated")
        };
        let graph: BuildGraph = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        if graph.roots.is_empty() {
            return Err(invalid("`roots` is empty".to_owned()));
        }
        let below = graph.units.values().flat_map(|unit| unit.dependencies.iter().chain(&unit.build_dependencies));
        if let Some(key) = graph.roots.iter().chain(below).find(|&key| !graph.units.contains_key(key)) {
            return Err(invalid(format!("there is no unit `{key}`")));
        }
        let mut needed = graph.units.values().map(|unit| &unit.package);
        match needed.find(|&key| !graph.packages.contains_key(key)) {
            Some(key) => Err(invalid(format!("there is no package `{key}`"))),
            None => Ok(graph),
        }
    }

    /// Sets the metadata of packages that have a manifest: `read` gets the package's key and the manifest.
    ///
    /// # Errors
    /// The first error of `read`.
    pub fn read_manifests<E>(&mut self, mut read: impl FnMut(&str, &str) -> Result<About, E>) -> Result<(), E> {
        for (key, package) in &mut self.packages {
            if let Some(manifest) = &package.manifest {
                package.about = read(key, manifest)?;
            }
        }
        Ok(())
    }
}

impl BuildPackage {
    fn of(package: &Package) -> Self {
        let (source, sha256) = match &package.source {
            Source::CratesIo { checksum } => (Origin::Registry { index: None }, Some(checksum)),
            Source::Registry { index, checksum } => (Origin::Registry { index: Some(index.clone()) }, Some(checksum)),
            Source::Git { url, rev, dir } => {
                (Origin::Git { url: url.clone(), rev: rev.clone(), dir: dir.clone() }, None)
            }
            Source::Vendored { checksum, .. } => {
                (Origin::Vendored { replaces: replaced(package).map(str::to_owned) }, checksum.as_ref())
            }
            Source::Local { dir } => (Origin::Local { dir: dir.clone() }, None),
        };
        BuildPackage {
            name: package.name.clone(),
            version: package.version.to_string(),
            proc_macro: package.proc_macro,
            source,
            sha256: sha256.cloned(),
            about: About {
                authors: package.authors.clone(),
                description: package.description.clone(),
                homepage: package.homepage.clone(),
                license: package.license.clone(),
                repository: package.repository.clone(),
            },
            manifest: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_build_graph_is_an_error() {
        let package = r#"{"name": "a", "version": "1.0.0", "source": {"kind": "local", "dir": ""}}"#;
        let graph = |roots: &str, unit: &str| {
            let text = format!(
                r#"{{"roots": {roots}, "features": [], "host": "h", "target": "t", "application": true,
                "packages": {{"a@1.0.0": {package}}}, "units": {{"a": {unit}}}}}"#
            );
            BuildGraph::parse(&text).map_err(|error| error.message.replacen("it is not a build graph: ", "", 1))
        };
        assert!(graph(r#"["a"]"#, r#"{"package": "a@1.0.0", "dependencies": ["a"]}"#).is_ok());
        for (roots, unit, says) in [
            ("[]", r#"{"package": "a@1.0.0"}"#, "`roots` is empty"),
            (r#"["b"]"#, r#"{"package": "a@1.0.0"}"#, "there is no unit `b`"),
            (r#"["a"]"#, r#"{"package": "a@1.0.0", "buildDependencies": ["c"]}"#, "there is no unit `c`"),
            (r#"["a"]"#, r#"{"package": "b@1.0.0"}"#, "there is no package `b@1.0.0`"),
        ] {
            assert_eq!(graph(roots, unit).unwrap_err(), says);
        }
        assert!(graph(r#"["a"]"#, "{}").unwrap_err().starts_with("missing field `package` at line 2"));
        let unknown = graph(r#"["a"]"#, r#"{"package": "a@1.0.0", "deps": []}"#).unwrap_err();
        assert!(unknown.starts_with("unknown field `deps`"), "{unknown}");
    }
}
