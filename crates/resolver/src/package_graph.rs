//! The package graph: every package of `Cargo.lock` that cargo would ever look at, with its declared dependencies.
//!
//! Built from `cargo metadata --all-features` (manifests, targets, which package a declared dependency means) and
//! `Cargo.lock` (checksums). Metadata's *resolved features* are never read: they are a union over every member,
//! platform and dependency kind. What is active is decided by [`crate::resolve`] alone.
//!
//! The graph may hold cycles, through dev-dependencies only.

use std::collections::HashMap;

use cargo_lock::Lockfile;
use cargo_metadata::{DependencyKind, Metadata, TargetKind};
use cargo_platform::Platform;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use semver::Version;

use crate::error::{ResolveError, path_to};
use crate::feature_value::{FeatureIx, FeatureValue, parse_feature_value};
use crate::manifest::{ResolverBehavior, WorkspaceManifest};

/// Index of a package in a [`PackageGraph`].
pub type PackageIx = NodeIndex<u32>;

/// Where cargo takes a package from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A directory below the workspace root; `/`-separated, empty for the root itself.
    Local {
        /// Directory of the manifest, relative to the workspace root.
        dir: String,
    },
    /// The crates.io registry.
    CratesIo {
        /// SHA-256 of the `.crate` file, lower-case hex, as `Cargo.lock` has it.
        checksum: String,
    },
}

/// A library, binary or build script of a package, as far as a build needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name as in the manifest (bins keep their hyphens).
    pub name: String,
    /// Source file, relative to the package's directory.
    pub path: String,
    /// `--crate-type`s, in manifest order.
    pub crate_types: Vec<String>,
    /// Features that must be on for cargo to build it.
    pub required_features: Vec<String>,
    /// Edition of this target.
    pub edition: String,
}

/// Which table of the manifest a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyTable {
    /// `[dependencies]`
    Normal,
    /// `[build-dependencies]`
    Build,
    /// `[dev-dependencies]`
    Dev,
}

/// One declared dependency that `Cargo.lock` has a package for: an edge of the graph.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The key in the dependency table: what features call it.
    pub name_in_toml: String,
    /// The name that `--extern` gives it.
    pub extern_name: String,
    /// Table it was declared in.
    pub table: DependencyTable,
    /// Only built when a feature asks for it.
    pub optional: bool,
    /// `[target.<platform>...]` it was declared under.
    pub platform: Option<Platform>,
    /// Features it asks for, `default` included where default features are on, in terms of the dependency's table.
    pub(crate) features: Vec<FeatureValue>,
}

/// A package with everything about it that reaches a build.
#[derive(Debug, Clone)]
pub struct Package {
    /// Name in the manifest.
    pub name: String,
    /// Full version.
    pub version: Version,
    /// Where it comes from.
    pub source: Source,
    /// Edition of the package.
    pub edition: String,
    /// `links` key.
    pub links: Option<String>,
    /// `authors`
    pub authors: Vec<String>,
    /// `description`
    pub description: Option<String>,
    /// `homepage`
    pub homepage: Option<String>,
    /// `license`
    pub license: Option<String>,
    /// `license-file`
    pub license_file: Option<String>,
    /// `readme`
    pub readme: Option<String>,
    /// `repository`
    pub repository: Option<String>,
    /// `rust-version` as cargo prints it.
    pub rust_version: Option<String>,
    /// The library, proc-macro included.
    pub lib: Option<Target>,
    /// Binaries by name; empty for packages that are not local.
    pub bins: Vec<Target>,
    /// Build script.
    pub build_script: Option<Target>,
    /// Whether the library is a proc-macro.
    pub proc_macro: bool,
    /// `package.metadata.cratewright.extra-sources`: paths the build reads outside the package's directory.
    pub extra_sources: Vec<String>,
    /// Names of the feature table, implicit ones included; [`FeatureIx`] counts in this order.
    pub(crate) feature_names: Vec<String>,
    /// What each feature turns on.
    pub(crate) feature_values: Vec<Vec<FeatureValue>>,
    /// The feature called `default`, if there is one.
    pub(crate) default_feature: Option<FeatureIx>,
}

impl Package {
    /// `name version`, the way cargo prints a package.
    pub fn display(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    pub(crate) fn feature_ix(&self, name: &str) -> Option<FeatureIx> {
        self.feature_names.binary_search_by(|probe| probe.as_str().cmp(name)).ok().map(|ix| ix as FeatureIx)
    }
}

/// All packages of a workspace and how they depend on each other.
#[derive(Debug)]
pub struct PackageGraph {
    /// Packages, and an edge for each declared dependency.
    pub graph: DiGraph<Package, Dependency, u32>,
    /// Members in order of their names.
    pub members: Vec<PackageIx>,
    /// The member whose manifest is the workspace root's.
    pub root: Option<PackageIx>,
    /// Which rules of feature resolution hold.
    pub resolver: ResolverBehavior,
}

impl PackageGraph {
    /// Builds the graph from the output of `cargo metadata --all-features`, the lock, and the root manifest.
    ///
    /// # Errors
    /// When a package has a source or a manifest key that is not supported, or when the lock does not know a package.
    pub fn new(metadata: Metadata, lock: &Lockfile, manifest: &WorkspaceManifest) -> Result<Self, ResolveError> {
        let resolve = metadata.resolve.ok_or(ResolveError::NoResolve)?;
        let checksums = checksums(lock);
        let root_dir = metadata.workspace_root.as_str().replace('\\', "/");
        let root_manifest = format!("{root_dir}/Cargo.toml");

        let mut graph = DiGraph::default();
        let mut by_id: HashMap<String, PackageIx> = HashMap::with_capacity(metadata.packages.len());
        let mut declared = Vec::with_capacity(metadata.packages.len());
        let mut root = None;
        let mut packages = metadata.packages;
        // Cargo's order is by id, which holds absolute paths.
        packages.sort_by(|a, b| {
            let key = |p: &cargo_metadata::Package| p.source.as_ref().map(|source| source.repr.clone());
            (a.name.as_str(), &a.version).cmp(&(b.name.as_str(), &b.version)).then_with(|| key(a).cmp(&key(b)))
        });
        let mut failed = None;
        for package in packages {
            let is_root = package.manifest_path.as_str().replace('\\', "/") == root_manifest;
            let id = package.id.repr.clone();
            let dependencies = package.dependencies.clone();
            match convert_package(package, &root_dir, &checksums) {
                Ok(converted) => {
                    let ix = graph.add_node(converted);
                    declared.push((ix, dependencies));
                    root = if is_root { Some(ix) } else { root };
                    by_id.insert(id, ix);
                }
                Err(error) => {
                    failed.get_or_insert((id, error));
                }
            }
        }
        let mut members: Vec<PackageIx> =
            metadata.workspace_members.iter().filter_map(|id| by_id.get(&id.repr).copied()).collect();
        members.sort_by(|&a, &b| graph[a].name.cmp(&graph[b].name));
        if let Some((id, error)) = failed {
            return Err(error.required_by(path_to(&resolve, &metadata.workspace_members, &id)));
        }

        let nodes: HashMap<&str, &cargo_metadata::Node> =
            resolve.nodes.iter().map(|node| (node.id.repr.as_str(), node)).collect();
        let ids: HashMap<PackageIx, &str> = by_id.iter().map(|(id, &ix)| (ix, id.as_str())).collect();
        for (from, dependencies) in declared {
            let Some(node) = nodes.get(ids[&from]) else { continue };
            for dependency in dependencies {
                let Some(to) = find_target(&graph, &by_id, node, &dependency) else { continue };
                let edge = convert_dependency(&graph[to], dependency);
                graph.add_edge(from, to, edge);
            }
        }
        let resolver = manifest.resolver(root.map(|ix| graph[ix].edition.as_str()));
        let mut this = PackageGraph { graph, members, root, resolver };
        this.link_features();
        Ok(this)
    }

    /// The edges that leave `package`, in order of declaration.
    pub fn dependencies(&self, package: PackageIx) -> impl Iterator<Item = (EdgeIndex<u32>, PackageIx, &Dependency)> {
        // petgraph iterates newest edge first; order of declaration keeps results easy to compare by eye.
        let mut edges: Vec<_> = self.graph.edges(package).collect();
        edges.reverse();
        edges.into_iter().map(|edge| {
            use petgraph::visit::EdgeRef;
            (edge.id(), edge.target(), edge.weight())
        })
    }

    /// Turns `dep/feature` values from names into edges and feature indices, so that resolution compares no strings.
    fn link_features(&mut self) {
        for package in self.graph.node_indices() {
            let edges: Vec<(EdgeIndex<u32>, PackageIx, String)> =
                self.dependencies(package).map(|(e, to, d)| (e, to, d.name_in_toml.clone())).collect();
            let mut values = std::mem::take(&mut self.graph[package].feature_values);
            for value in values.iter_mut().flatten() {
                if let FeatureValue::DependencyFeature { dependency, feature, enables, .. } = value {
                    *enables = edges
                        .iter()
                        .filter(|(_, _, name)| name == dependency)
                        .map(|&(edge, to, _)| (edge, parse_feature_value(feature, &self.graph[to])))
                        .collect();
                }
            }
            self.graph[package].feature_values = values;
        }
    }
}

/// SHA-256 by (name, version) for what the lock takes from crates.io.
type Checksums = HashMap<(String, Version), Option<String>>;

fn checksums(lock: &Lockfile) -> Checksums {
    lock.packages
        .iter()
        .filter(|package| package.source.as_ref().is_some_and(|source| source.is_default_registry()))
        .map(|package| {
            let checksum = package.checksum.as_ref().map(|checksum| format!("{checksum:x}"));
            ((package.name.as_str().to_owned(), package.version.clone()), checksum)
        })
        .collect()
}

fn convert_package(
    package: cargo_metadata::Package,
    root_dir: &str,
    checksums: &Checksums,
) -> Result<Package, ResolveError> {
    let name = package.name.to_string();
    let manifest_path = package.manifest_path.as_str().replace('\\', "/");
    let dir = manifest_path.strip_suffix("/Cargo.toml").unwrap_or(&manifest_path).to_owned();
    let display = format!("{name} {}", package.version);
    let source = match &package.source {
        None => {
            let relative = if dir == root_dir {
                Some("")
            } else {
                dir.strip_prefix(root_dir).and_then(|rest| rest.strip_prefix('/'))
            };
            let dir = relative.ok_or_else(|| ResolveError::OutsideWorkspace {
                package: display.clone(),
                manifest: manifest_path.clone(),
                required_by: Vec::new(),
            })?;
            check_path(&display, "path", dir)?;
            Source::Local { dir: dir.to_owned() }
        }
        Some(source) if source.is_crates_io() => match checksums.get(&(name.clone(), package.version.clone())) {
            Some(Some(checksum)) => Source::CratesIo { checksum: checksum.clone() },
            Some(None) => return Err(ResolveError::NoChecksum { package: display, required_by: Vec::new() }),
            None => return Err(ResolveError::NotInLock { package: display, required_by: Vec::new() }),
        },
        Some(source) => {
            return Err(ResolveError::UnsupportedSource {
                package: display,
                source_id: source.repr.clone(),
                required_by: Vec::new(),
            });
        }
    };

    let mut lib = None;
    let mut bins = Vec::new();
    let mut build_script = None;
    let mut proc_macro = false;
    for target in package.targets {
        let is = |kind| target.kind.contains(&kind);
        // Only members' binaries are ever built; what a test build needs is no part of these graphs.
        let foreign_bin = is(TargetKind::Bin) && package.source.is_some();
        if foreign_bin || is(TargetKind::Test) || is(TargetKind::Example) || is(TargetKind::Bench) {
            continue;
        }
        let src_path = target.src_path.as_str().replace('\\', "/");
        let path = src_path
            .strip_prefix(&dir)
            .and_then(|rest| rest.strip_prefix('/'))
            .ok_or_else(|| ResolveError::TargetOutsidePackage {
                package: display.clone(),
                target: target.name.clone(),
                path: src_path.clone(),
            })?
            .to_owned();
        check_path(&display, &target.name, &path)?;
        let converted = Target {
            path,
            crate_types: target.crate_types.iter().map(ToString::to_string).collect(),
            required_features: target.required_features.clone(),
            edition: target.edition.to_string(),
            name: target.name.clone(),
        };
        if is(TargetKind::Bin) {
            bins.push(converted);
        } else if is(TargetKind::CustomBuild) {
            build_script = Some(converted);
        } else if is(TargetKind::ProcMacro) {
            proc_macro = true;
            lib = Some(converted);
        } else {
            lib = Some(converted);
        }
    }
    bins.sort_by(|a, b| a.name.cmp(&b.name));

    let mut feature_names = Vec::with_capacity(package.features.len());
    let mut feature_texts = Vec::with_capacity(package.features.len());
    for (feature, values) in package.features {
        feature_names.push(feature);
        feature_texts.push(values);
    }
    let extra_sources = extra_sources(&display, &package.metadata)?;
    let mut converted = Package {
        name,
        version: package.version,
        source,
        edition: package.edition.to_string(),
        links: package.links,
        authors: package.authors,
        description: package.description,
        homepage: package.homepage,
        license: package.license,
        license_file: package.license_file.map(|path| path.into_string()),
        readme: package.readme.map(|path| path.into_string()),
        repository: package.repository,
        rust_version: package.rust_version.map(|version| version.to_string()),
        lib,
        bins,
        build_script,
        proc_macro,
        extra_sources,
        feature_names,
        feature_values: Vec::new(),
        default_feature: None,
    };
    converted.feature_values = feature_texts
        .iter()
        .map(|values| values.iter().map(|value| parse_feature_value(value, &converted)).collect())
        .collect();
    converted.default_feature = converted.feature_ix("default");
    Ok(converted)
}

/// Reads `package.metadata.cratewright.extra-sources`.
fn extra_sources(package: &str, metadata: &serde_json::Value) -> Result<Vec<String>, ResolveError> {
    let Some(value) = metadata.get("cratewright").and_then(|table| table.get("extra-sources")) else {
        return Ok(Vec::new());
    };
    let invalid = || ResolveError::InvalidMetadata {
        package: package.to_owned(),
        key: "package.metadata.cratewright.extra-sources",
        expected: "an array of paths relative to the package",
    };
    value
        .as_array()
        .ok_or_else(invalid)?
        .iter()
        .map(|path| path.as_str().map(str::to_owned).ok_or_else(invalid))
        .collect()
}

/// Paths end up as words in nixpkgs' build scripts, which do not quote them; what would break there is refused here.
fn check_path(package: &str, target: &str, path: &str) -> Result<(), ResolveError> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    if path.chars().all(plain) && !path.split('/').any(|part| part == "..") {
        return Ok(());
    }
    Err(ResolveError::UnsafePath { package: package.to_owned(), target: target.to_owned(), path: path.to_owned() })
}

/// The package that a declared dependency stands for in this resolution, if it is part of it.
///
/// `resolve.nodes[].deps` has one entry per (package, extern name) with the tables and platforms it was declared in.
fn find_target(
    graph: &DiGraph<Package, Dependency, u32>,
    by_id: &HashMap<String, PackageIx>,
    node: &cargo_metadata::Node,
    dependency: &cargo_metadata::Dependency,
) -> Option<PackageIx> {
    let mut candidates = node.deps.iter().filter_map(|entry| {
        let ix = *by_id.get(&entry.pkg.repr)?;
        let package = &graph[ix];
        let lib = package.lib.as_ref()?;
        let extern_name = extern_name(dependency, lib);
        let declared_here =
            entry.dep_kinds.iter().any(|info| info.kind == dependency.kind && info.target == dependency.target);
        (package.name == dependency.name && entry.name == extern_name && declared_here).then_some(ix)
    });
    let first = candidates.next()?;
    // Several versions under one extern name, kind and platform: only the requirement tells them apart.
    let fits = |ix: PackageIx| dependency.req.matches(&graph[ix].version);
    if fits(first) { Some(first) } else { Some(candidates.find(|&ix| fits(ix)).unwrap_or(first)) }
}

/// Cargo's `extern_crate_name`: the key of the table if `package = ...` renames it, else the name of the library.
fn extern_name(dependency: &cargo_metadata::Dependency, lib: &Target) -> String {
    dependency.rename.as_deref().unwrap_or(&lib.name).replace('-', "_")
}

fn convert_dependency(to: &Package, dependency: cargo_metadata::Dependency) -> Dependency {
    let mut features: Vec<FeatureValue> =
        dependency.features.iter().map(|feature| parse_feature_value(feature, to)).collect();
    if dependency.uses_default_features {
        features.extend(to.default_feature.map(FeatureValue::Feature));
    }
    let extern_name = to.lib.as_ref().map(|lib| extern_name(&dependency, lib)).unwrap_or_default();
    Dependency {
        extern_name,
        name_in_toml: dependency.rename.unwrap_or(dependency.name),
        table: match dependency.kind {
            DependencyKind::Build => DependencyTable::Build,
            DependencyKind::Development => DependencyTable::Dev,
            _ => DependencyTable::Normal,
        },
        optional: dependency.optional,
        platform: dependency.target,
        features,
    }
}
