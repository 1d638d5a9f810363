//! The output of `cargo metadata`, with the one thing that the cargo_metadata crate does not keep.

use std::collections::HashMap;

use cargo_metadata::{Metadata, MetadataCommand};
use serde::Deserialize;

use crate::error::ResolveError;

/// Parsed `cargo metadata --format-version 1`.
#[derive(Debug)]
pub struct WorkspaceMetadata {
    /// All of it but `rust_version`, which is there as a full version only.
    pub metadata: Metadata,
    /// `rust-version` as the manifest has it, by package id: cargo's CARGO_PKG_RUST_VERSION is that text.
    pub(crate) rust_versions: HashMap<String, String>,
}

#[derive(Deserialize)]
struct RustVersions {
    packages: Vec<RustVersion>,
}

#[derive(Deserialize)]
struct RustVersion {
    id: String,
    rust_version: Option<String>,
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
        let (metadata, rust_versions) =
            rayon::join(|| MetadataCommand::parse(json), || serde_json::from_str::<RustVersions>(json));
        let metadata = metadata.map_err(|error| invalid(error.to_string()))?;
        let rust_versions = rust_versions
            .map_err(|error| invalid(error.to_string()))?
            .packages
            .into_iter()
            .filter_map(|package| Some((package.id, package.rust_version?)))
            .collect();
        Ok(WorkspaceMetadata { metadata, rust_versions })
    }
}
