//! The output of `cargo metadata`, with the things that the cargo_metadata crate does not keep.

use std::collections::HashMap;

use cargo_metadata::{Metadata, MetadataCommand, TargetKind};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::error::ResolveError;
use crate::member_manifest::MemberManifest;
use crate::package::AUTODETECTED;
use crate::source::Replacement;

/// Parsed `cargo metadata --format-version 1`.
#[derive(Debug)]
pub struct WorkspaceMetadata {
    /// All of it but `rust_version`, which is there as a full version only, and `artifact`.
    pub metadata: Metadata,
    /// `rust-version` as the manifest has it, by package id: cargo's CARGO_PKG_RUST_VERSION is that text.
    pub(crate) rust_versions: HashMap<String, String>,
    /// Dependency with an `artifact` key, by package id.
    pub(crate) artifacts: HashMap<String, String>,
    /// See [`WorkspaceMetadata::set_undeclared`], by package id.
    pub(crate) undeclared: HashMap<String, Vec<String>>,
    /// See [`WorkspaceMetadata::set_manifests`], by package id.
    pub(crate) manifests: HashMap<String, MemberManifest>,
    /// See [`WorkspaceMetadata::set_replaced`], by package id.
    pub(crate) replaced: HashMap<String, Replacement>,
}

/// A file that would be taken for a target by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeclared {
    package: String,
    /// Directory of the package.
    pub directory: String,
    /// The file, one of [`AUTODETECTED`].
    pub file: &'static str,
}

#[derive(Deserialize)]
struct Rest {
    packages: Vec<RestOfPackage>,
}

#[derive(Deserialize)]
struct RestOfPackage {
    id: String,
    rust_version: Option<String>,
    dependencies: Vec<RestOfDependency>,
}

#[derive(Deserialize)]
struct RestOfDependency {
    name: String,
    rename: Option<String>,
    artifact: Option<IgnoredAny>,
}

impl WorkspaceMetadata {
    /// Parses what cargo printed.
    ///
    /// # Errors
    /// When it is no metadata of format version 1.
    pub fn parse(output: &str) -> Result<Self, ResolveError> {
        // Some toolchain wrappers print lines of their own first; the object is one line.
        let json = output.lines().find(|line| line.starts_with('{')).unwrap_or(output);
        let invalid = |message: String| ResolveError::InvalidMetadataOutput { message };
        let (metadata, rest) = rayon::join(|| MetadataCommand::parse(json), || serde_json::from_str::<Rest>(json));
        let metadata = metadata.map_err(|error| invalid(error.to_string()))?;
        let rest = rest.map_err(|error| invalid(error.to_string()))?;
        let (mut rust_versions, mut artifacts) = (HashMap::new(), HashMap::new());
        for package in rest.packages {
            let artifact = package.dependencies.into_iter().find(|dependency| dependency.artifact.is_some());
            if let Some(RestOfDependency { name, rename, .. }) = artifact {
                artifacts.insert(package.id.clone(), rename.unwrap_or(name));
            }
            if let Some(rust_version) = package.rust_version {
                rust_versions.insert(package.id, rust_version);
            }
        }
        Ok(WorkspaceMetadata {
            metadata,
            rust_versions,
            artifacts,
            undeclared: HashMap::new(),
            manifests: HashMap::new(),
            replaced: HashMap::new(),
        })
    }

    /// Files that nixpkgs' builder would compile if they exist, though no target of the package is made from them.
    /// Whoever can look at the disk does so and hands those that exist to [`WorkspaceMetadata::set_undeclared`].
    pub fn undeclared_candidates(&self) -> Vec<Undeclared> {
        let mut candidates = Vec::new();
        for package in &self.metadata.packages {
            let directory = package.manifest_path.parent().map(|path| path.as_str().to_owned()).unwrap_or_default();
            let has_build_script = package.targets.iter().any(|target| target.kind.contains(&TargetKind::CustomBuild));
            let not_lib =
                [TargetKind::Bin, TargetKind::Test, TargetKind::Example, TargetKind::Bench, TargetKind::CustomBuild];
            let has_lib = package.targets.iter().any(|target| !target.kind.iter().all(|kind| not_lib.contains(kind)));
            let declared = [has_build_script, has_lib];
            // Tests and the like are not built, so that a file which is one of them is no target either.
            let built = |kind: &TargetKind| !matches!(kind, TargetKind::Test | TargetKind::Example | TargetKind::Bench);
            let is_source = |file: &str| {
                let targets = package.targets.iter().filter(|target| target.kind.iter().all(built));
                targets.into_iter().any(|target| target.src_path.as_str() == format!("{directory}/{file}"))
            };
            for (file, _) in
                AUTODETECTED.into_iter().zip(declared).filter(|(file, declared)| !declared && !is_source(file))
            {
                candidates.push(Undeclared { package: package.id.repr.clone(), directory: directory.clone(), file });
            }
        }
        candidates
    }

    /// Says which of the [`WorkspaceMetadata::undeclared_candidates`] exist.
    pub fn set_undeclared(&mut self, existing: Vec<Undeclared>) {
        for undeclared in existing {
            self.undeclared.entry(undeclared.package).or_default().push(undeclared.file.to_owned());
        }
    }

    /// Says what else is in the manifests of members, by package id.
    pub fn set_manifests(&mut self, manifests: HashMap<String, MemberManifest>) {
        self.manifests = manifests;
    }

    /// Says for which packages, by package id, cargo's configuration puts something in the place of their source.
    pub fn set_replaced(&mut self, replaced: HashMap<String, Replacement>) {
        self.replaced = replaced;
    }
}
