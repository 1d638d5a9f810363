//! The output of `cargo metadata`, with fields that the cargo_metadata crate drops.

use std::borrow::Cow;
use std::collections::HashMap;

use cargo_metadata::{MetadataCommand, Package, TargetKind};
use cratewright_sources::diagnostic::Diagnostic;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::package::AUTODETECTED;

/// The parsed output of `cargo metadata --format-version 1 --all-features`.
#[derive(Debug)]
pub struct Metadata {
    /// Everything except the original `rust_version` and `artifact`.
    pub(crate) metadata: cargo_metadata::Metadata,
    /// `rust-version` as written in the manifest, by package id, for CARGO_PKG_RUST_VERSION.
    pub(crate) rust_versions: HashMap<String, String>,
    /// Key of a dependency with `artifact`, by package id.
    pub(crate) artifacts: HashMap<String, String>,
    /// Files that nixpkgs' builder would compile although the package has no target for them, by package id.
    pub(crate) undeclared: HashMap<String, Vec<String>>,
}

/// A package and where to find it on disk.
#[derive(Debug, Clone, Copy)]
pub struct PackagePlace<'a> {
    /// The package id.
    pub id: &'a str,
    /// Package name.
    pub name: &'a str,
    /// Full version.
    pub version: &'a semver::Version,
    /// Source id of `Cargo.lock`; `None` for local packages.
    pub source_id: Option<&'a str>,
    /// Whether the source is crates.io.
    pub is_crates_io: bool,
    /// Absolute path of the manifest's directory.
    pub directory: &'a str,
}

#[derive(Deserialize)]
struct Rest<'a> {
    #[serde(borrow)]
    packages: Vec<RestOfPackage<'a>>,
}

#[derive(Deserialize)]
struct RestOfPackage<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// It consists of digits and dots, so the JSON has no escapes.
    rust_version: Option<&'a str>,
    #[serde(borrow)]
    dependencies: Vec<RestOfDependency<'a>>,
}

#[derive(Deserialize)]
struct RestOfDependency<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// It is a Rust identifier, so the JSON has no escapes.
    rename: Option<&'a str>,
    artifact: Option<IgnoredAny>,
}

impl Metadata {
    /// Parses cargo's output. `is_file` tells whether an absolute path is a file.
    ///
    /// # Errors
    /// If the output is not metadata of format version 1.
    pub fn parse(output: &str, is_file: impl Fn(&str) -> bool) -> Result<Self, Diagnostic> {
        // Some toolchain wrappers print other lines first; the JSON is a single line.
        let json = output.lines().find(|line| line.starts_with('{')).unwrap_or(output);
        let invalid = |message: String| {
            let message = format!("the output of `cargo metadata` cannot be read: {message}");
            Diagnostic::new("invalid-metadata-output", message)
                .help("this version of cargo may be too new or too old; see `cargo --version`")
        };
        let (metadata, rest) = rayon::join(|| MetadataCommand::parse(json), || serde_json::from_str::<Rest<'_>>(json));
        let metadata = metadata.map_err(|error| invalid(error.to_string()))?;
        let rest = rest.map_err(|error| invalid(error.to_string()))?;
        let (mut rust_versions, mut artifacts) = (HashMap::new(), HashMap::new());
        for package in rest.packages {
            let artifact = package.dependencies.into_iter().find(|dependency| dependency.artifact.is_some());
            if let Some(RestOfDependency { name, rename, .. }) = artifact {
                artifacts.insert(package.id.to_string(), rename.map_or_else(|| name.into_owned(), str::to_owned));
            }
            if let Some(rust_version) = package.rust_version {
                rust_versions.insert(package.id.into_owned(), rust_version.to_owned());
            }
        }
        let undeclared = metadata.packages.iter().filter_map(|package| {
            let files = undeclared(package, &is_file);
            (!files.is_empty()).then(|| (package.id.repr.clone(), files))
        });
        let undeclared = undeclared.collect();
        Ok(Metadata { metadata, rust_versions, artifacts, undeclared })
    }

    /// Absolute path of the root manifest's directory.
    pub fn workspace_root(&self) -> &str {
        self.metadata.workspace_root.as_str()
    }

    /// All packages.
    pub fn packages(&self) -> Vec<PackagePlace<'_>> {
        fn place(package: &Package) -> PackagePlace<'_> {
            PackagePlace {
                id: &package.id.repr,
                name: &package.name,
                version: &package.version,
                source_id: package.source.as_ref().map(|source| source.repr.as_str()),
                is_crates_io: package.source.as_ref().is_some_and(cargo_metadata::Source::is_crates_io),
                directory: package.manifest_path.parent().map(|path| path.as_str()).unwrap_or_default(),
            }
        }
        self.metadata.packages.iter().map(place).collect()
    }
}

/// The value of [`Metadata::undeclared`] for a package.
fn undeclared(package: &Package, is_file: impl Fn(&str) -> bool) -> Vec<String> {
    let directory = package.manifest_path.parent().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let has_build_script = package.targets.iter().any(|target| target.kind.contains(&TargetKind::CustomBuild));
    let not_lib = [TargetKind::Bin, TargetKind::Test, TargetKind::Example, TargetKind::Bench, TargetKind::CustomBuild];
    let has_lib = package.targets.iter().any(|target| !target.kind.iter().all(|kind| not_lib.contains(kind)));
    // Tests, examples and benches are not built, so their files do not count as sources of targets.
    let built = |kind: &TargetKind| !matches!(kind, TargetKind::Test | TargetKind::Example | TargetKind::Bench);
    let is_source = |path: &str| {
        let targets = package.targets.iter().filter(|target| target.kind.iter().all(built));
        targets.into_iter().any(|target| target.src_path.as_str() == path)
    };
    let undeclared = AUTODETECTED.into_iter().zip([has_build_script, has_lib]).filter(|(file, is_declared)| {
        let path = format!("{directory}/{file}");
        !is_declared && !is_source(&path) && is_file(&path)
    });
    undeclared.map(|(file, _)| file.to_owned()).collect()
}
