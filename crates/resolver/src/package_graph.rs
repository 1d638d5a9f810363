//! The package graph: every package of `Cargo.lock` that cargo would ever look at, with its declared dependencies.
//!
//! Built from `cargo metadata --all-features` (manifests, targets, which package a declared dependency means) and
//! `Cargo.lock` (checksums). Metadata's *resolved features* are never read: they are a union over every member,
//! platform and dependency kind. What is active is decided by [`crate::resolve`] alone.
//!
//! The graph may hold cycles, through dev-dependencies only.

use std::collections::HashMap;

use cargo_lock::Lockfile;
use cargo_metadata::{DependencyKind, NodeDep};
use cargo_platform::Platform;
use petgraph::graph::{DiGraph, EdgeIndex, NodeIndex};
use rayon::prelude::*;

use crate::error::{ResolveError, path_to};
use crate::feature_value::{DependencyNameIx, FeatureValue, parse_feature_value};
use crate::manifest::{ResolverBehavior, WorkspaceManifest};
use crate::metadata::WorkspaceMetadata;
use crate::package::{Package, Target, convert_package, name_in_toml};
use crate::profile::Profiles;
use crate::source::Sources;

/// Index of a package in a [`PackageGraph`].
pub type PackageIx = NodeIndex<u32>;

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

/// A name given with `--extern`; [`PackageGraph::extern_name`] has its text, which orders as the names do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternName(u32);

/// One declared dependency that `Cargo.lock` has a package for: an edge of the graph.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The key in the dependency table: what features call it.
    pub name_in_toml: String,
    /// The name that `--extern` gives it.
    pub extern_name: ExternName,
    /// Table it was declared in.
    pub table: DependencyTable,
    /// Only built when a feature asks for it.
    pub optional: bool,
    /// `[target.<platform>...]` it was declared under.
    pub platform: Option<Platform>,
    /// `name_in_toml` as an index.
    pub(crate) name: DependencyNameIx,
    /// Features it asks for, `default` included where default features are on, in terms of the dependency's table.
    pub(crate) features: Vec<FeatureValue>,
}

/// What resolution needs to know of an edge, close together: it looks at each of them many times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) edge: EdgeIndex<u32>,
    pub(crate) to: PackageIx,
    pub(crate) name: DependencyNameIx,
    pub(crate) extern_name: ExternName,
    pub(crate) table: DependencyTable,
    pub(crate) optional: bool,
    pub(crate) to_proc_macro: bool,
    pub(crate) to_has_lib: bool,
}

/// Where the bits of a package begin, in a set that has some for each feature or dependency name of every package.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bits {
    pub(crate) features: usize,
    pub(crate) dependencies: usize,
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
    /// Profiles of the workspace.
    pub profiles: Profiles,
    /// `[workspace.lints]`, as flags for rustc.
    pub lints: Vec<String>,
    /// By package: the edges that leave it, in order of declaration. petgraph has them newest first.
    links: Vec<Vec<Link>>,
    /// By package, and one more for where they end.
    bits: Vec<Bits>,
    /// Texts of all [`ExternName`]s, in byte order.
    extern_names: Vec<String>,
}

impl PackageGraph {
    /// Builds the graph from the output of `cargo metadata --all-features`, the lock, and the root manifest.
    ///
    /// # Errors
    /// When a package has a source or a manifest key that is not supported, or when the lock does not know a package.
    pub fn new(
        metadata: WorkspaceMetadata,
        lock: &Lockfile,
        manifest: &WorkspaceManifest,
    ) -> Result<Self, ResolveError> {
        let WorkspaceMetadata { metadata, mut rust_versions, artifacts, mut undeclared, mut manifests, replaced } =
            metadata;
        let resolve = metadata.resolve.ok_or(ResolveError::NoResolve)?;
        let root_dir = metadata.workspace_root.as_str().replace('\\', "/");
        let sources = Sources::new(&root_dir, lock, &replaced);
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
        let converted: Vec<_> = packages
            .into_par_iter()
            .map(|mut package| {
                let is_root = package.manifest_path.as_str().replace('\\', "/") == root_manifest;
                let id = package.id.repr.clone();
                let dependencies = std::mem::take(&mut package.dependencies);
                let converted = convert_package(package, &dependencies, &sources);
                (id, is_root, dependencies, converted)
            })
            .collect();
        for (id, is_root, dependencies, converted) in converted {
            let converted = converted.and_then(|package| match artifacts.get(&id) {
                Some(dependency) => Err(ResolveError::UnsupportedKey {
                    package: package.display(),
                    key: format!("dependencies.{dependency}.artifact"),
                    required_by: Vec::new(),
                }),
                None => Ok(package),
            });
            let mut package =
                converted.map_err(|error| error.required_by(path_to(&resolve, &metadata.workspace_members, &id)))?;
            package.rust_version = rust_versions.remove(&id);
            package.undeclared = undeclared.remove(&id).unwrap_or_default();
            package.set_manifest(manifests.remove(&id).unwrap_or_default());
            let ix = graph.add_node(package);
            declared.push((ix, dependencies));
            root = if is_root { Some(ix) } else { root };
            by_id.insert(id, ix);
        }
        let mut members: Vec<PackageIx> =
            metadata.workspace_members.iter().filter_map(|id| by_id.get(&id.repr).copied()).collect();
        members.sort_by(|&a, &b| graph[a].name.cmp(&graph[b].name));
        let nodes: HashMap<&str, &cargo_metadata::Node> =
            resolve.nodes.iter().map(|node| (node.id.repr.as_str(), node)).collect();
        let ids: HashMap<PackageIx, &str> = by_id.iter().map(|(id, &ix)| (ix, id.as_str())).collect();
        let mut edges: Vec<Vec<EdgeIndex<u32>>> = vec![Vec::new(); graph.node_count()];
        let mut names: HashMap<EdgeIndex<u32>, String> = HashMap::new();
        for (from, dependencies) in declared {
            let Some(node) = nodes.get(ids[&from]) else { continue };
            let resolved: Vec<(PackageIx, &NodeDep)> =
                node.deps.iter().filter_map(|entry| Some((*by_id.get(&entry.pkg.repr)?, entry))).collect();
            for dependency in dependencies {
                let Some(to) = find_target(&graph, &resolved, &dependency) else { continue };
                let name = graph[to].lib.as_ref().map(|lib| extern_name(&dependency, lib)).unwrap_or_default();
                let dependency = convert_dependency(&graph[from], &graph[to], dependency);
                let edge = graph.add_edge(from, to, dependency);
                names.insert(edge, name);
                edges[from.index()].push(edge);
            }
        }
        let resolver = manifest.resolver(root.map(|ix| graph[ix].edition.as_str()));
        let libraries = graph.node_weights().filter_map(|package| Some(package.lib.as_ref()?.name.replace('-', "_")));
        let mut extern_names: Vec<String> = names.values().cloned().chain(libraries).collect();
        extern_names.sort_unstable();
        extern_names.dedup();
        for (edge, name) in names {
            graph[edge].extern_name = intern(&extern_names, &name);
        }
        let link = |&edge: &EdgeIndex<u32>| link(&graph, edge);
        let links = edges.iter().map(|edges| edges.iter().filter_map(link).collect()).collect();
        let mut bits = vec![Bits::default()];
        for (ix, package) in graph.node_weights().enumerate() {
            bits.push(Bits {
                features: bits[ix].features + package.feature_names.len(),
                dependencies: bits[ix].dependencies + package.dependency_names.len(),
            });
        }
        let (profiles, lints) = (manifest.profiles.clone(), manifest.lints.clone());
        let mut this = PackageGraph { graph, members, root, resolver, profiles, lints, links, bits, extern_names };
        this.link_features();
        Ok(this)
    }

    /// The edges that leave `package`, in order of declaration.
    pub fn dependencies(&self, package: PackageIx) -> impl Iterator<Item = (EdgeIndex<u32>, PackageIx, &Dependency)> {
        self.links(package).iter().map(|link| (link.edge, link.to, &self.graph[link.edge]))
    }

    pub(crate) fn links(&self, package: PackageIx) -> &[Link] {
        &self.links[package.index()]
    }

    pub(crate) fn bits(&self, package: PackageIx) -> Bits {
        self.bits[package.index()]
    }

    pub(crate) fn bits_end(&self) -> Bits {
        self.bits[self.graph.node_count()]
    }

    /// Text of a name.
    pub fn extern_name(&self, name: ExternName) -> &str {
        &self.extern_names[name.0 as usize]
    }

    /// What a package's other targets call its library.
    pub(crate) fn library_name(&self, library: &Target) -> ExternName {
        intern(&self.extern_names, &library.name.replace('-', "_"))
    }

    /// Turns `dep/feature` values from names into edges and feature indices, so that resolution compares no strings.
    fn link_features(&mut self) {
        for package in self.graph.node_indices() {
            let values = self.graph[package].feature_values.iter().flatten();
            if !values.into_iter().any(|value| matches!(value, FeatureValue::DependencyFeature { .. })) {
                continue;
            }
            let mut values = std::mem::take(&mut self.graph[package].feature_values);
            for value in values.iter_mut().flatten() {
                if let FeatureValue::DependencyFeature { dependency, feature, enables, .. } = value {
                    *enables = self
                        .links(package)
                        .iter()
                        .filter(|link| link.name == *dependency)
                        .map(|link| (*link, parse_feature_value(feature, &self.graph[link.to])))
                        .collect();
                }
            }
            self.graph[package].feature_values = values;
        }
    }
}

/// The package that a declared dependency stands for in this resolution, if it is part of it.
///
/// `resolve.nodes[].deps` has one entry per (package, extern name) with the tables and platforms it was declared in.
fn find_target(
    graph: &DiGraph<Package, Dependency, u32>,
    resolved: &[(PackageIx, &NodeDep)],
    dependency: &cargo_metadata::Dependency,
) -> Option<PackageIx> {
    let mut candidates = resolved.iter().filter_map(|&(ix, entry)| {
        let package = &graph[ix];
        if package.name != dependency.name {
            return None;
        }
        let extern_name = extern_name(dependency, package.lib.as_ref()?);
        let declared_here =
            entry.dep_kinds.iter().any(|info| info.kind == dependency.kind && info.target == dependency.target);
        (entry.name == extern_name && declared_here).then_some(ix)
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

fn convert_dependency(from: &Package, to: &Package, dependency: cargo_metadata::Dependency) -> Dependency {
    let mut features: Vec<FeatureValue> =
        dependency.features.iter().map(|feature| parse_feature_value(feature, to)).collect();
    if dependency.uses_default_features {
        features.extend(to.default_feature.map(FeatureValue::Feature));
    }
    let name_in_toml = name_in_toml(&dependency).to_owned();
    Dependency {
        // Filled in once all names are known.
        extern_name: ExternName(0),
        name: from.dependency_name_ix(&name_in_toml).expect("a package knows its own dependencies"),
        name_in_toml,
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

fn link(graph: &DiGraph<Package, Dependency, u32>, edge: EdgeIndex<u32>) -> Option<Link> {
    let (_, to) = graph.edge_endpoints(edge)?;
    let Dependency { name, extern_name, table, optional, .. } = graph[edge];
    let (to_proc_macro, to_has_lib) = (graph[to].proc_macro, graph[to].lib.is_some());
    Some(Link { edge, to, name, extern_name, table, optional, to_proc_macro, to_has_lib })
}

fn intern(names: &[String], name: &str) -> ExternName {
    let ix = names.binary_search_by(|probe| probe.as_str().cmp(name)).expect("the list has all names");
    ExternName(ix as u32)
}
