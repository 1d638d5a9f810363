//! The package graph: every package of `Cargo.lock` that cargo may use, with its declared dependencies.
//!
//! It is built from `cargo metadata --all-features` (manifests, targets, the package of each declared dependency) and
//! `Cargo.lock` (checksums). The *resolved features* of the metadata are never used, because they are the union over
//! all members, platforms and kinds of dependencies; only [`crate::resolve`] decides which ones are enabled.
//!
//! The graph may have cycles, but only through dev-dependencies.

use std::collections::HashMap;
use std::ops::{Index, Range};

use cargo_metadata::{DependencyKind, NodeDep};
use cargo_platform::Platform;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_staleness::Lock;
use cratewright_workspace::{ResolverBehavior, Workspace};
use petgraph::graph::{DiGraph, EdgeIndex};
use petgraph::visit::{DfsPostOrder, EdgeFiltered, EdgeRef, Walker};
use rayon::prelude::*;

use crate::error::{path_to, unsupported_key};
use crate::feature_value::FeatureValue;
use crate::link::{DependencyNameIx, DependencyTable, ExternName, Link, PackageIx};
use crate::metadata::Metadata;
use crate::package::{Package, Target, convert_package, name_in_toml};
use crate::profile::Profiles;
use crate::source::{Replacement, Source, Sources};

/// A declared dependency that has a package in `Cargo.lock`: an edge of the graph.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The package that it resolves to.
    pub package: PackageIx,
    /// Key in the dependency table, which features refer to.
    pub name_in_toml: String,
    /// Name for `--extern`.
    pub extern_name: ExternName,
    /// The table that declares it.
    pub table: DependencyTable,
    /// Whether it is built only if a feature enables it.
    pub optional: bool,
    /// The platform of `[target.<platform>...]`, if it is declared there.
    pub platform: Option<Platform>,
    /// Index of `name_in_toml`.
    pub(crate) name: DependencyNameIx,
    /// Requested features, including `default` unless it is disabled, in terms of the dependency's package.
    pub(crate) features: Vec<FeatureValue>,
}

/// Start of a package's range in lists that have an item for each feature, dependency key or declared dependency of all
/// packages.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Begins {
    pub(crate) features: usize,
    pub(crate) dependency_names: usize,
    pub(crate) dependencies: usize,
}

/// All packages of a workspace with their dependencies.
#[derive(Debug)]
pub struct PackageGraph {
    /// Members, sorted by name.
    pub members: Vec<PackageIx>,
    /// The package of the root manifest.
    pub root: Option<PackageIx>,
    /// Rules of feature resolution.
    pub resolver: ResolverBehavior,
    /// Profiles of the workspace.
    pub profiles: Profiles,
    /// Flags of `[workspace.lints]` for rustc.
    pub lints: Vec<String>,
    /// The edges of each package are consecutive, in order of declaration.
    pub(crate) graph: DiGraph<Package, Dependency>,
    /// Links by index of the edge.
    links: Vec<Link>,
    /// Start of each package's ranges, and the end of the last ones.
    begins: Vec<Begins>,
    /// Strings of all [`ExternName`]s, in byte order.
    extern_names: Vec<String>,
}

impl PackageGraph {
    /// Builds the graph from the workspace and the output of `cargo metadata --all-features`. `replaced` has the
    /// packages, by id, whose source is replaced by cargo's configuration.
    ///
    /// # Errors
    /// If a package has an unsupported source or manifest key, or is missing from the lock file.
    pub fn new(
        workspace: &Workspace,
        lock: &Lock,
        metadata: Metadata,
        replaced: &HashMap<String, Replacement>,
    ) -> Result<Self, Diagnostic> {
        let Metadata { metadata, mut rust_versions, artifacts, mut undeclared } = metadata;
        let no_resolve = || Diagnostic::new("no-resolve", "`cargo metadata` printed no dependency graph");
        let resolve = metadata.resolve.ok_or_else(no_resolve)?;
        let root_dir = metadata.workspace_root.as_str().replace('\\', "/");
        let sources = Sources::new(&root_dir, lock, replaced);
        let root_manifest = format!("{root_dir}/Cargo.toml");

        let mut graph = DiGraph::<Package, Dependency>::with_capacity(metadata.packages.len(), 0);
        let mut by_id: HashMap<String, PackageIx> = HashMap::with_capacity(metadata.packages.len());
        let mut declared = Vec::with_capacity(metadata.packages.len());
        let mut root = None;
        let mut unconverted = metadata.packages;
        // Cargo sorts by id, which contains absolute paths.
        unconverted.sort_by(|a, b| {
            let key = |p: &cargo_metadata::Package| p.source.as_ref().map(|source| source.repr.clone());
            (a.name.as_str(), &a.version).cmp(&(b.name.as_str(), &b.version)).then_with(|| key(a).cmp(&key(b)))
        });
        let converted: Vec<_> = unconverted
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
                Some(dependency) => {
                    Err(unsupported_key(&package.display(), &format!("dependencies.{dependency}.artifact")))
                }
                None => Ok(package),
            });
            let mut package =
                converted.and_then(|package| local(package, workspace)).map_err(|error| {
                    match &path_to(&resolve, &metadata.workspace_members, &id)[..] {
                        [] | [_] => error,
                        path => error.note("required by", path.join(" -> ")),
                    }
                })?;
            package.rust_version = rust_versions.remove(&id);
            package.undeclared = undeclared.remove(&id).unwrap_or_default();
            let ix = PackageIx(graph.add_node(package));
            declared.push((id.clone(), dependencies));
            root = if is_root { Some(ix) } else { root };
            by_id.insert(id, ix);
        }
        let mut members: Vec<PackageIx> =
            metadata.workspace_members.iter().filter_map(|id| by_id.get(&id.repr).copied()).collect();
        members.sort_by(|&a, &b| graph[a.0].name.cmp(&graph[b.0].name));
        let nodes: HashMap<&str, &cargo_metadata::Node> =
            resolve.nodes.iter().map(|node| (node.id.repr.as_str(), node)).collect();
        let mut names: Vec<String> = Vec::new();
        let mut begins = vec![Begins::default()];
        for (from, (id, declared)) in graph.node_indices().zip(declared) {
            let entries = nodes.get(id.as_str()).into_iter().flat_map(|node| &node.deps);
            let resolved: Vec<(PackageIx, &NodeDep)> =
                entries.filter_map(|entry| Some((*by_id.get(&entry.pkg.repr)?, entry))).collect();
            for dependency in declared {
                let Some(ix) = find_target(&graph, &resolved, &dependency) else { continue };
                let to = &graph[ix.0];
                names.push(to.lib.as_ref().map(|lib| extern_name(&dependency, lib)).unwrap_or_default());
                let dependency = convert_dependency(&graph[from], to, ix, dependency);
                graph.add_edge(from, ix.0, dependency);
            }
            let from = &graph[from];
            let begin = begins[begins.len() - 1];
            begins.push(Begins {
                features: begin.features + from.feature_names.len(),
                dependency_names: begin.dependency_names + from.dependency_names.len(),
                dependencies: graph.edge_count(),
            });
        }
        let resolver = workspace.resolver(root.map(|ix| graph[ix.0].edition.as_str()))?;
        let libraries = graph.node_weights().filter_map(|package| Some(package.lib.as_ref()?.name.replace('-', "_")));
        let mut extern_names: Vec<String> = names.iter().cloned().chain(libraries).collect();
        extern_names.sort_unstable();
        extern_names.dedup();
        for (dependency, name) in graph.edge_weights_mut().zip(names) {
            dependency.extern_name = intern(&extern_names, &name);
        }
        let links = graph.edge_references().map(|edge| link(edge.id(), edge.weight(), &graph[edge.target()]));
        let links = links.collect();
        let (profiles, lints) = (Profiles::new(workspace.profiles()?)?, workspace.lints());
        let mut this = PackageGraph { members, root, resolver, profiles, lints, graph, links, begins, extern_names };
        this.link_features();
        Ok(this)
    }

    /// All packages, sorted by name and version and indexed by [`PackageIx`].
    pub fn packages(&self) -> impl ExactSizeIterator<Item = &Package> {
        self.graph.raw_nodes().iter().map(|node| &node.weight)
    }

    /// The indices of all packages.
    pub fn indices(&self) -> impl Iterator<Item = PackageIx> + use<> {
        self.graph.node_indices().map(PackageIx)
    }

    /// All packages, each after its dependencies. Dev-dependencies, which may form cycles, are ignored.
    pub fn in_dependency_order(&self) -> Vec<PackageIx> {
        let built = EdgeFiltered::from_fn(&self.graph, |edge| edge.weight().table != DependencyTable::Dev);
        let mut walk = DfsPostOrder::empty(&built);
        walk.stack.extend(self.graph.node_indices().rev());
        walk.iter(&built).map(PackageIx).collect()
    }

    /// Declared dependencies that have a package in `Cargo.lock`, in order of declaration.
    pub fn dependencies(&self, package: PackageIx) -> impl ExactSizeIterator<Item = &Dependency> {
        self.graph.raw_edges()[self.range(package)].iter().map(|edge| &edge.weight)
    }

    pub(crate) fn links(&self, package: PackageIx) -> &[Link] {
        &self.links[self.range(package)]
    }

    fn range(&self, package: PackageIx) -> Range<usize> {
        self.begins[package.index()].dependencies..self.begins[package.index() + 1].dependencies
    }

    pub(crate) fn begins(&self, package: PackageIx) -> Begins {
        self.begins[package.index()]
    }

    pub(crate) fn ends(&self) -> Begins {
        self.begins[self.graph.node_count()]
    }

    /// The string of a name.
    pub fn extern_name(&self, name: ExternName) -> &str {
        &self.extern_names[name.0 as usize]
    }

    /// Name under which other targets of a package link its library.
    pub(crate) fn library_name(&self, library: &Target) -> ExternName {
        intern(&self.extern_names, &library.name.replace('-', "_"))
    }

    /// Resolves `dep/feature` values to edges and feature indices, so that resolution compares no strings.
    fn link_features(&mut self) {
        for ix in self.graph.node_indices() {
            let mut values = std::mem::take(&mut self.graph[ix].feature_values);
            for value in values.iter_mut().flatten() {
                if let FeatureValue::DependencyFeature { dependency, feature, enables, .. } = value {
                    *enables = self
                        .links(PackageIx(ix))
                        .iter()
                        .filter(|link| link.name == *dependency)
                        .map(|link| (*link, self[link.to].parse_feature_value(feature)))
                        .collect();
                }
            }
            self.graph[ix].feature_values = values;
        }
    }
}

impl Index<PackageIx> for PackageGraph {
    type Output = Package;

    fn index(&self, package: PackageIx) -> &Package {
        &self.graph[package.0]
    }
}

/// Adds the fields of the manifest to a local package.
fn local(package: Package, workspace: &Workspace) -> Result<Package, Diagnostic> {
    let Source::Local { dir } = &package.source else { return Ok(package) };
    // A package that only configuration outside of the workspace refers to would differ on other machines.
    let Some(local) = workspace.packages.get(dir.as_str()) else {
        let message = format!("no manifest of the workspace refers to package `{}`, in `{dir}`", package.display());
        return Err(Diagnostic::new("unknown-package", message).at(package.manifest_path.clone()).help(
            "move the `[patch]` or `paths` from outside of the workspace to its Cargo.toml or .cargo/config.toml",
        ));
    };
    match local.manifest.unsupported_key() {
        Some(key) => Err(unsupported_key(&package.display(), &format!("package.{key}")).at(package.manifest_path)),
        None => Ok(package.with_manifest(local)),
    }
}

/// The package that a declared dependency resolves to, if it is part of this resolution.
///
/// `resolve.nodes[].deps` has an entry per package and extern name, with the tables and platforms that declare it.
fn find_target(
    graph: &DiGraph<Package, Dependency>,
    resolved: &[(PackageIx, &NodeDep)],
    dependency: &cargo_metadata::Dependency,
) -> Option<PackageIx> {
    let mut candidates = resolved.iter().filter_map(|&(ix, entry)| {
        let package = &graph[ix.0];
        if package.name != dependency.name {
            return None;
        }
        let extern_name = extern_name(dependency, package.lib.as_ref()?);
        let declared_here =
            entry.dep_kinds.iter().any(|info| info.kind == dependency.kind && info.target == dependency.target);
        (entry.name == extern_name && declared_here).then_some(ix)
    });
    let first = candidates.next()?;
    // Several versions may share extern name, kind and platform; only the version requirement distinguishes them.
    let fits = |ix: PackageIx| dependency.req.matches(&graph[ix.0].version);
    if fits(first) { Some(first) } else { Some(candidates.find(|&ix| fits(ix)).unwrap_or(first)) }
}

/// Cargo's `extern_crate_name`: the key in the table if `package = ...` renames it, else the name of the library.
fn extern_name(dependency: &cargo_metadata::Dependency, lib: &Target) -> String {
    dependency.rename.as_deref().unwrap_or(&lib.name).replace('-', "_")
}

fn convert_dependency(
    from: &Package,
    to: &Package,
    package: PackageIx,
    dependency: cargo_metadata::Dependency,
) -> Dependency {
    let mut features: Vec<FeatureValue> =
        dependency.features.iter().map(|feature| to.parse_feature_value(feature)).collect();
    if dependency.uses_default_features {
        features.extend(to.default_feature.map(FeatureValue::Feature));
    }
    let name_in_toml = name_in_toml(&dependency).to_owned();
    Dependency {
        package,
        // `PackageGraph::new` sets it once all names are known.
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

fn link(ix: EdgeIndex, dependency: &Dependency, to: &Package) -> Link {
    let &Dependency { package, name, extern_name, table, optional, .. } = dependency;
    Link {
        ix,
        to: package,
        name,
        extern_name,
        table,
        optional,
        to_proc_macro: to.proc_macro,
        to_has_lib: to.lib.is_some(),
    }
}

fn intern(names: &[String], name: &str) -> ExternName {
    let ix = names.binary_search_by(|probe| probe.as_str().cmp(name)).expect("the list has all names");
    ExternName(ix as u32)
}
