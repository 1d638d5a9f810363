//! An entry of `Cargo.nix`: the attributes of a crate.

use std::collections::BTreeMap;

use cratewright_resolver::{Lto, Package, PackageGraph, Source};

use crate::guards::{Guards, PairSet};
use crate::merged::{Content, Entry, EntryDependency, Merged};
use crate::nix::{Binding, Nix, attribute};
use crate::options::RenderOptions;
use crate::origins::replaced;

pub(crate) fn dependencies(entry: &Entry) -> impl Iterator<Item = &EntryDependency> {
    entry.contents.values().flat_map(|content| &content.dependencies)
}

/// Whether a dependency is always built for the host.
pub(crate) fn is_host(packages: &PackageGraph, merged: &Merged, dependency: &EntryDependency) -> bool {
    dependency.for_build_script || packages[merged.entries[dependency.entry].package].proc_macro
}

/// Options common to all entries.
pub(crate) struct EntryOptions<'a> {
    /// The default edition, which is left out of entries.
    pub(crate) edition: &'a str,
    pub(crate) options: &'a RenderOptions,
}

/// Renders an entry. The first entry of a package has all its attributes; further ones only the attributes that differ.
pub(crate) fn render_entry(
    packages: &PackageGraph,
    merged: &Merged,
    entry: &Entry,
    options: &EntryOptions<'_>,
    guards: &mut Guards,
) -> Binding {
    let first = merged.first_key(packages, entry.package);
    let (function, own) = if first == entry.key {
        let package = &packages[entry.package];
        (vec![Nix::word(constructor(&package.source))], package_attributes(package, options))
    } else {
        (vec![Nix::word("anotherBuildOf"), Nix::text(first)], Attributes::default())
    };
    let attributes = render_lists(packages, merged, entry, own, guards);
    Binding::new(&entry.key, Nix::Apply(function.into_iter().chain([attributes.set()]).collect()))
}

/// Name of the function in `nix-lib/library/fetch.nix` that fetches the source.
pub(crate) fn constructor(source: &Source) -> &'static str {
    match source {
        Source::Local { .. } => "local",
        Source::CratesIo { .. } | Source::Registry { .. } => "registry",
        Source::Git { .. } => "git",
        Source::Vendored { .. } => "vendored",
    }
}

/// The attributes of a package. Name and version are in the key, and default values are left out.
fn package_attributes(package: &Package, EntryOptions { edition, options }: &EntryOptions<'_>) -> Attributes {
    let mut attributes = Attributes::default();
    match &package.source {
        Source::Local { dir } => {
            attributes.text("dir", dir);
            attributes.texts("extraSources", options.extra_sources.get(dir).map_or(&[], Vec::as_slice));
        }
        Source::CratesIo { checksum } => attributes.text("sha256", checksum),
        Source::Registry { index, checksum } => {
            attributes.text("registry", options.origins.registry(index));
            attributes.text("sha256", checksum);
        }
        Source::Git { url, rev, dir } => {
            attributes.text("checkout", options.origins.repository(url, rev));
            attributes.optional("dir", Some(dir.as_str()).filter(|dir| !dir.is_empty()));
        }
        Source::Vendored { path, checksum } => {
            attributes.text("vendored", path);
            attributes.optional("replaces", replaced(package));
            attributes.optional("sha256", checksum.as_deref());
        }
    }
    // Local sources exclude these files, see `excluded`.
    if !matches!(package.source, Source::Local { .. }) {
        attributes.texts("undeclared", &package.undeclared);
    }
    attributes.optional("edition", Some(edition_of(package)).filter(|own| own != edition));
    attributes.optional("links", package.links.as_deref());
    if let Some(lib) = &package.lib {
        // The defaults are those of nixpkgs (`build-rust-crate/default.nix`), where `_` replaces `-`.
        let is_usual = lib.name.replace('-', "_") == package.name.replace('-', "_");
        attributes.optional("libName", Some(lib.name.as_str()).filter(|_| !is_usual));
        attributes.optional("libPath", Some(lib.path.as_str()).filter(|&path| path != "src/lib.rs"));
        if package.proc_macro {
            attributes.push("procMacro", Nix::word("true"));
        } else if lib.crate_types != ["lib"] {
            attributes.texts("type", &lib.crate_types);
        }
    }
    attributes.optional("build", package.build_script.as_ref().map(|script| script.path.as_str()));
    attributes
}

/// Adds the attributes that differ between entries of a package: `lists` in `nix-lib/library/entries.nix`.
fn render_lists(
    packages: &PackageGraph,
    merged: &Merged,
    entry: &Entry,
    mut attributes: Attributes,
    guards: &mut Guards,
) -> Attributes {
    let package = &packages[entry.package];
    attributes.optional("lto", lto(entry, package));
    let mut lists = Lists { entry, guards, attributes };
    lists.add("crateBin", |pair, _| {
        let bins = entry.bins.get(&pair).into_iter().flatten();
        bins.map(|&bin| &package.bins[bin])
            .map(|bin| {
                Nix::Set(vec![Binding::new("name", Nix::text(&bin.name)), Binding::new("path", Nix::text(&bin.path))])
            })
            .collect()
    });
    lists.add("features", |_, content| {
        content.features.iter().map(|&feature| Nix::text(package.feature_name(feature))).collect()
    });
    dependency_lists(packages, merged, &mut lists, false);
    lists.attributes
}

/// Adds `dependencies`, `buildDependencies` and `crateRenames`. With `for_host`, all dependencies are built for the
/// host.
pub(crate) fn dependency_lists(packages: &PackageGraph, merged: &Merged, lists: &mut Lists<'_>, for_host: bool) {
    for (name, for_build_script) in [("dependencies", false), ("buildDependencies", true)] {
        lists.add(name, |_, content| {
            let mut dependencies: Vec<Nix> = content
                .dependencies
                .iter()
                .filter(|dependency| dependency.for_build_script == for_build_script)
                .map(|dependency| {
                    let to = &merged.entries[dependency.entry];
                    let table = if for_host || is_host(packages, merged, dependency) { "build" } else { "units" };
                    Nix::Select(table, to.reference.clone())
                })
                .collect();
            dependencies.dedup();
            dependencies
        });
    }
    let renames = renames(packages, merged, lists.entry);
    if !renames.is_empty() {
        let list = |by_pair: &BTreeMap<usize, Vec<Nix>>, guards: &mut Guards| {
            guarded_list(&lists.entry.pairs(), guards, |pair| by_pair.get(&pair).cloned().unwrap_or_default())
        };
        let renames = renames.into_iter().filter_map(|(name, by_pair)| Some((name, list(&by_pair, lists.guards)?)));
        let renames = renames.map(|(name, list)| Binding::new(name, list)).collect();
        lists.attributes.push("crateRenames", Nix::Set(renames));
    }
}

/// The edition of all built targets; `merge` rejects packages with different ones.
pub(crate) fn edition_of(package: &Package) -> &str {
    let target = package.lib.iter().chain(&package.build_script).chain(&package.bins).next();
    target.map_or(&package.edition, |target| &target.edition)
}

/// Which flags of a profile its library gets; `None` for the common case, a library that is only linked into programs.
fn lto(entry: &Entry, package: &Package) -> Option<&'static str> {
    match entry.lto? {
        _ if package.lib.is_none() => Some("run"),
        Lto::Run => Some("run"),
        Lto::OnlyBitcode => None,
        Lto::OnlyObject => Some("object"),
        Lto::ObjectAndBitcode => Some("both"),
    }
}

/// By package name: extern names of dependencies that differ from the library's name.
fn renames(packages: &PackageGraph, merged: &Merged, entry: &Entry) -> BTreeMap<String, BTreeMap<usize, Vec<Nix>>> {
    let mut renames: BTreeMap<String, BTreeMap<usize, Vec<Nix>>> = BTreeMap::new();
    for (&pair, content) in &entry.contents {
        for dependency in &content.dependencies {
            let ix = merged.entries[dependency.entry].package;
            let to = &packages[ix];
            let library = to.lib.as_ref().map(|lib| lib.name.replace('-', "_"));
            let extern_name = packages.extern_name(dependency.extern_name);
            if library.as_deref() == Some(extern_name) {
                continue;
            }
            // The version as `nix-lib/library/units.nix` computes it for dependents.
            let version =
                merged.twins.get(&ix).map_or(to.version.to_string(), |twin| format!("{} ({twin})", to.version));
            let rename = Nix::Set(vec![
                Binding::new("version", Nix::Text(version)),
                Binding::new("rename", Nix::text(extern_name)),
            ]);
            let list = renames.entry(to.name.clone()).or_default().entry(pair).or_default();
            if !list.contains(&rename) {
                list.push(rename);
            }
        }
    }
    renames
}

/// Attributes of a set, in this order.
#[derive(Default)]
pub(crate) struct Attributes(Vec<Binding>);

impl Attributes {
    pub(crate) fn set(self) -> Nix {
        Nix::Set(self.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn extend(&mut self, other: Attributes) {
        self.0.extend(other.0);
    }

    pub(crate) fn push(&mut self, name: &str, value: Nix) {
        self.0.push(Binding::new(name, value));
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.push(name, Nix::text(value));
    }

    pub(crate) fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    pub(crate) fn texts(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.push(name, Nix::texts(values));
        }
    }
}

/// List attributes whose items depend on the pair.
pub(crate) struct Lists<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) guards: &'a mut Guards,
    pub(crate) attributes: Attributes,
}

impl Lists<'_> {
    pub(crate) fn add(&mut self, name: &str, items: impl Fn(usize, &Content) -> Vec<Nix>) {
        let list = guarded_list(&self.entry.pairs(), self.guards, |pair| items(pair, &self.entry.contents[&pair]));
        if let Some(list) = list {
            self.attributes.push(name, list);
        }
    }
}

/// The items common to all pairs, then those of some pairs after the name of their platforms. `None` if empty.
fn guarded_list(pairs: &PairSet, guards: &mut Guards, items: impl Fn(usize) -> Vec<Nix>) -> Option<Nix> {
    let mut where_on: BTreeMap<Nix, PairSet> = BTreeMap::new();
    for &pair in pairs {
        for item in items(pair) {
            where_on.entry(item).or_default().insert(pair);
        }
    }
    let mut everywhere = Vec::new();
    let mut guarded: BTreeMap<String, Vec<Nix>> = BTreeMap::new();
    for (item, on) in where_on {
        if on == *pairs {
            everywhere.push(item);
        } else {
            guarded.entry(guards.name(&on, pairs)).or_default().push(item);
        }
    }
    let mut parts = Vec::new();
    if !everywhere.is_empty() {
        parts.push(Nix::List(everywhere));
    }
    parts.extend(guarded.into_iter().map(|(name, items)| Nix::call(attribute(&name), Nix::List(items))));
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Nix::Concat(parts)),
    }
}
