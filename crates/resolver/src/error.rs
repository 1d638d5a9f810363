//! Everything that can stop a resolution.

use std::collections::{HashMap, VecDeque};

use cargo_metadata::{PackageId, Resolve};

/// Why a workspace cannot be resolved. One variant per cause; the text reads after "error: ".
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// `cargo metadata` was called with `--no-deps`.
    #[error("`cargo metadata` printed no dependency graph")]
    NoResolve,
    /// What cargo printed is no metadata.
    #[error("the output of `cargo metadata` cannot be read: {message}")]
    InvalidMetadataOutput {
        /// The parser's report.
        message: String,
    },
    /// The root manifest is no TOML.
    #[error("the workspace manifest cannot be read: {message}")]
    InvalidManifest {
        /// The parser's report.
        message: String,
    },
    /// `resolver = "..."` has a value that this version does not know.
    #[error("unknown `resolver = \"{resolver}\"` in the workspace manifest")]
    UnknownResolver {
        /// The value found.
        resolver: String,
    },
    /// A profile cannot be put together.
    #[error("profile `{profile}` in the workspace manifest: {message}")]
    InvalidProfile {
        /// Its name.
        profile: String,
        /// What is wrong with it.
        message: String,
    },
    /// A line of `rustc --print cfg` is no cfg.
    #[error("`rustc --print cfg --target {triple}` printed `{line}`, which is no cfg")]
    InvalidCfg {
        /// Target triple asked for.
        triple: String,
        /// The line.
        line: String,
    },
    /// A crates.io package has no checksum in the lock.
    #[error("`Cargo.lock` has no checksum for package `{package}`")]
    NoChecksum {
        /// Name and version.
        package: String,
        /// Packages from a member down to this one.
        required_by: Vec<String>,
    },
    /// A package of `cargo metadata` is not in the lock.
    #[error("package `{package}` is not in `Cargo.lock`")]
    NotInLock {
        /// Name and version.
        package: String,
        /// Packages from a member down to this one.
        required_by: Vec<String>,
    },
    /// The package comes from a kind of source that cannot be fetched by Nix yet.
    #[error("package `{package}` has an unsupported source `{source_id}`")]
    UnsupportedSource {
        /// Name and version.
        package: String,
        /// Source id as cargo prints it.
        source_id: String,
        /// Packages from a member down to this one.
        required_by: Vec<String>,
    },
    /// A manifest key of unstable cargo that says what is built.
    #[error("package `{package}` uses `{key}`, which cannot be built with Nix")]
    UnsupportedKey {
        /// Name and version.
        package: String,
        /// The key, from the top of the manifest.
        key: String,
        /// Packages from a member down to this one.
        required_by: Vec<String>,
    },
    /// A target's source is not below its package.
    #[error("target `{target}` of package `{package}` has its source outside the package, at `{path}`")]
    TargetOutsidePackage {
        /// Name and version.
        package: String,
        /// Name of the target.
        target: String,
        /// The source file.
        path: String,
    },
    /// A path would be torn apart by the shell scripts of nixpkgs' builder.
    #[error("package `{package}` has a path that nixpkgs' builder cannot take: {path:?} (`{target}`)")]
    UnsafePath {
        /// Name and version.
        package: String,
        /// Target or manifest key.
        target: String,
        /// The path.
        path: String,
    },
    /// `links` would be torn apart by the shell scripts of nixpkgs' builder, or run by them.
    #[error("package `{package}` has a `links` value that nixpkgs' builder cannot take: {links:?}")]
    UnsafeLinks {
        /// Name and version.
        package: String,
        /// The value.
        links: String,
    },
    /// A key of our own metadata has the wrong type.
    #[error("`{key}` of package `{package}` must be {expected}")]
    InvalidMetadata {
        /// Name and version.
        package: String,
        /// Full key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Cargo's own unit graph cannot be read.
    #[error("cargo's unit graph cannot be read: {message}")]
    InvalidUnitGraph {
        /// The parser's report.
        message: String,
    },
}

impl ResolveError {
    /// Stable kebab-case code of the variant.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoResolve => "no-resolve",
            Self::InvalidMetadataOutput { .. } => "invalid-metadata-output",
            Self::InvalidManifest { .. } => "invalid-manifest",
            Self::UnknownResolver { .. } => "unknown-resolver",
            Self::InvalidProfile { .. } => "invalid-profile",
            Self::InvalidCfg { .. } => "invalid-cfg",
            Self::NoChecksum { .. } => "no-checksum",
            Self::NotInLock { .. } => "not-in-lock-file",
            Self::UnsupportedSource { .. } => "unsupported-source",
            Self::UnsupportedKey { .. } => "unsupported-key",
            Self::TargetOutsidePackage { .. } => "target-outside-package",
            Self::UnsafePath { .. } => "unsafe-path",
            Self::UnsafeLinks { .. } => "unsafe-links",
            Self::InvalidMetadata { .. } => "invalid-metadata",
            Self::InvalidUnitGraph { .. } => "invalid-unit-graph",
        }
    }

    /// The packages from a member down to the one the error is about, both included; empty where that says nothing.
    pub fn dependency_path(&self) -> &[String] {
        match self {
            Self::NoChecksum { required_by, .. }
            | Self::NotInLock { required_by, .. }
            | Self::UnsupportedSource { required_by, .. }
            | Self::UnsupportedKey { required_by, .. } => required_by,
            _ => &[],
        }
    }

    pub(crate) fn required_by(mut self, path: Vec<String>) -> Self {
        match &mut self {
            Self::NoChecksum { required_by, .. }
            | Self::NotInLock { required_by, .. }
            | Self::UnsupportedSource { required_by, .. }
            | Self::UnsupportedKey { required_by, .. } => *required_by = path,
            _ => {}
        }
        self
    }
}

/// The shortest chain of packages from a member to `to`, as `name version`.
pub(crate) fn path_to(resolve: &Resolve, members: &[PackageId], to: &str) -> Vec<String> {
    let nodes: HashMap<&str, _> = resolve.nodes.iter().map(|node| (node.id.repr.as_str(), node)).collect();
    let mut came_from: HashMap<&str, Option<&str>> =
        members.iter().map(|member| (member.repr.as_str(), None)).collect();
    let mut queue: VecDeque<&str> = members.iter().map(|member| member.repr.as_str()).collect();
    while let Some(id) = queue.pop_front() {
        if id == to {
            let mut path = vec![display_id(id)];
            let mut at = id;
            while let Some(Some(parent)) = came_from.get(at) {
                path.push(display_id(parent));
                at = parent;
            }
            path.reverse();
            return path;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.dependencies) {
            came_from.entry(&dependency.repr).or_insert_with(|| {
                queue.push_back(&dependency.repr);
                Some(id)
            });
        }
    }
    Vec::new()
}

/// `name version` out of a package id spec; source and directory are left out, they hold paths of this machine.
pub(crate) fn display_id(id: &str) -> String {
    let (url, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    // Of a git repository: `?branch=...`
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    match fragment.split_once('@') {
        Some((name, version)) => format!("{name} {version}"),
        None => format!("{} {fragment}", url.rsplit('/').next().unwrap_or(url)),
    }
}
