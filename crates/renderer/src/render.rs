//! The text of `Cargo.nix`.
//!
//! A tree of expressions is built here, and laid out by the printer in `nix.rs`.

use std::collections::BTreeMap;

use cratewright_resolver::{PackageGraph, PackageIx, Source, UnitKind};

use crate::entry::{Attributes, dependencies, is_host, render_entry};
use crate::guards::Guards;
use crate::hooks::render_hooks;
use crate::merge::{Entry, Member, Merged, Resolved};
use crate::nix::{Binding, Nix, attribute};
use crate::origins::{Origins, Repository};
use crate::profiles::profiles;
use crate::tests_table::tests;

/// The Nix code that every `Cargo.nix` carries, by name of its file in `nix-lib/`; the last calls the others.
pub const LIBRARY: [(&str, &str); 15] = [
    ("sources", include_str!("../../../nix-lib/sources.nix")),
    ("defaultProfiles", include_str!("../../../nix-lib/profiles.nix")),
    ("compilation", include_str!("../../../nix-lib/compilation.nix")),
    ("kept", include_str!("../../../nix-lib/kept.nix")),
    ("buildScript", include_str!("../../../nix-lib/build-script.nix")),
    ("environment", include_str!("../../../nix-lib/environment.nix")),
    ("overrides", include_str!("../../../nix-lib/overrides.nix")),
    ("shell", include_str!("../../../nix-lib/shell.nix")),
    ("rustc", include_str!("../../../nix-lib/rustc.nix")),
    ("kinds", include_str!("../../../nix-lib/kinds.nix")),
    ("checks", include_str!("../../../nix-lib/checks.nix")),
    ("meta", include_str!("../../../nix-lib/meta.nix")),
    ("sbom", include_str!("../../../nix-lib/sbom.nix")),
    ("units", include_str!("../../../nix-lib/units.nix")),
    ("prelude", include_str!("../../../nix-lib/prelude.nix")),
];

/// How to write the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// The workspace root seen from the directory of `Cargo.nix`: `.`, `..`, `../..`.
    pub root: String,
    /// `Cargo.nix` seen from the workspace root; kept out of the root package's source.
    pub output: String,
    /// Where packages are fetched from.
    pub origins: Origins,
    /// By directory of a local package: what it is built from besides that, seen from the workspace root.
    pub extra_sources: BTreeMap<String, Vec<String>>,
    /// Patterns of files that are in no local source.
    pub ignored: Vec<String>,
    /// `rustflags` of cargo's configuration, by triple.
    pub rustflags: BTreeMap<String, Vec<String>>,
    /// `[env]` of cargo's configuration.
    pub environment: BTreeMap<String, CargoVariable>,
    /// The attribute set that records what the file is made from, laid out.
    pub inputs: String,
}

/// A variable of `[env]` of cargo's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CargoVariable {
    /// Value, or a path from the workspace root.
    pub value: String,
    /// Whether it counts more than what is set already.
    pub force: bool,
    /// `relative`
    pub is_path: bool,
}

/// The body of `Cargo.nix`: everything but the header that says what it was made from.
pub fn render(resolved: Resolved<'_>, merged: &Merged, options: &RenderOptions) -> String {
    let packages = resolved.packages;
    let mut guards = Guards::new(resolved.platforms, resolved.pairs);
    let bases = bases(merged);
    let builds = merged.entries.iter().filter(|entry| entry.kind == UnitKind::Build);
    let base = |entry: &Entry| bases.get(&entry.package).copied().filter(|&key| key != entry.key);
    let has_others = builds.clone().any(|entry| base(entry).is_some());
    let entries: Vec<Binding> =
        builds.map(|entry| render_entry(packages, merged, entry, base(entry), options, &mut guards)).collect();
    let tests = tests(packages, merged, &mut guards);
    let guards = guards.into_used();
    // As the prelude calls the pair that it finds itself on.
    let triple = |pair: &usize| {
        let pair = resolved.pairs[*pair];
        let (host, target) = (&resolved.platforms[pair.host].triple, &resolved.platforms[pair.target].triple);
        Nix::Text(if pair.is_cross() { format!("{target} on {host}") } else { target.clone() })
    };

    let mut file = File::default();
    file.push("workspace", workspace(packages, options));
    origins(&options.origins, &mut file);
    let targets = (0..resolved.pairs.len()).map(|pair| triple(&pair)).collect();
    file.about("targets", "What this file was resolved for; anything else is refused.", Nix::List(targets));
    let platforms = guards.iter().map(|(name, pairs)| Binding::new(name, Nix::List(pairs.iter().map(triple).collect())));
    file.table("platforms", "Names for some of them.", platforms);

    let used =
        |wanted: &str| merged.entries.iter().any(|one| constructor(&packages.graph[one.package].source) == wanted);
    // What tests link of a procedural macro is for the host as well.
    let has_host = merged.entries.iter().flat_map(dependencies).any(|dependency| is_host(packages, merged, dependency))
        || merged.tests.iter().any(|tests| packages.graph[tests.package].proc_macro);
    let tables = ["units"].into_iter().chain(has_host.then_some("host")).map(str::to_owned);
    let tables: Vec<String> = tables.chain(guards.keys().map(|name| attribute(name))).collect();
    let constructors = ["registry", "local", "git", "vendored"].into_iter().filter(|constructor| used(constructor));
    let constructors = constructors.chain(has_others.then_some("like")).map(str::to_owned);
    let arguments: Vec<String> = constructors.chain(tables.iter().cloned()).collect();
    file.push("crates", Nix::Function(formals(&arguments).into(), Box::new(Nix::Set(entries))));

    let has_tests = !tests.is_empty();
    if has_tests {
        if !packages.lints.is_empty() {
            file.about("workspaceLints", "[workspace.lints]", Nix::texts(&packages.lints));
        }
        let body = Nix::Function(formals(&tables).into(), Box::new(Nix::Set(tests)));
        file.optional("tests", "What `cargo test` adds to members.", Some(body));
    }
    file.optional("profiles", "What profiles change of cargo's `release`, or `dev`.", profiles(packages, merged));
    configuration(options, &mut file);
    let about = "Overrides of cratewright's own, for crates that are in this file.";
    file.optional("hooks", about, render_hooks(resolved, merged));
    members(packages, merged, &mut file);

    let root = packages
        .root
        .filter(|root| merged.members.iter().any(|member| member.package == *root))
        .map_or(Nix::word("null"), |root| Nix::text(&packages.graph[root].name));
    file.bindings.push(Binding::lines(options.inputs.clone()));
    let library = LIBRARY.map(|(name, code)| Binding::new(name, Nix::Code(code.into())));
    file.bindings.push(Binding::new("library", Nix::Set(library.into())).about("What is the same in every file."));

    let given = "pkgs lib stdenv buildRustCrateForPkgs defaultCrateOverrides crateOverrides fetchurl fetchgit registryDl \
                 externalSources profile rootFeatures checkOptions";
    let own = ["workspace", "targets", "crates", "members", "inputs"];
    let call = Nix::Set(vec![
        Binding::inherit(["library"]),
        Binding::inherit(given.split(' ')),
        Binding::inherit(own.into_iter().chain(file.optional)),
        Binding::new("rootMember", root),
    ]);
    let body = Nix::call("library.prelude", call);
    Nix::Function(ARGUMENTS.into(), Box::new(Nix::Let(file.bindings, Box::new(body)))).print()
}

/// What a file binds, and which of it only some files have.
#[derive(Default)]
struct File {
    bindings: Vec<Binding>,
    optional: Vec<&'static str>,
}

impl File {
    fn push(&mut self, name: &'static str, value: Nix) {
        self.bindings.push(Binding::new(name, value).apart());
    }

    fn about(&mut self, name: &'static str, comment: &'static str, value: Nix) {
        self.bindings.push(Binding::new(name, value).about(comment));
    }

    /// What the library takes if it is there.
    fn optional(&mut self, name: &'static str, comment: &'static str, value: Option<Nix>) {
        if let Some(value) = value {
            self.about(name, comment, value);
            self.optional.push(name);
        }
    }

    /// The same of a set, which is left out if it is empty.
    fn table(&mut self, name: &'static str, comment: &'static str, bindings: impl Iterator<Item = Binding>) {
        let bindings: Vec<Binding> = bindings.collect();
        self.optional(name, comment, (!bindings.is_empty()).then_some(Nix::Set(bindings)));
    }
}

/// `{ a, b }:`
fn formals(names: &[String]) -> String {
    format!("{{ {} }}:", names.join(", "))
}

fn workspace(packages: &PackageGraph, options: &RenderOptions) -> Nix {
    let mut attributes = Attributes::default();
    attributes.push("root", root_expression(&options.root));
    attributes.push("excluded", Nix::texts(excluded(packages, options)));
    attributes.texts("ignored", &options.ignored);
    attributes.set()
}

fn members(packages: &PackageGraph, merged: &Merged, file: &mut File) {
    let name = |member: &Member| packages.graph[member.package].name.clone();
    let unit = |member: &Member| Nix::text(&merged.entries[member.entry].key);
    let defaults = merged.members.iter().filter(|member| member.variant.is_none());
    file.push("members", Nix::Set(defaults.map(|member| Binding::new(name(member), unit(member))).collect()));
    let mut variants: BTreeMap<&str, Vec<Binding>> = BTreeMap::new();
    for member in &merged.members {
        let Some(variant) = &member.variant else { continue };
        let features = Nix::texts(&member.features);
        let set = Nix::Set(vec![Binding::new("features", features), Binding::new("unit", unit(member))]);
        variants.entry(variant).or_default().push(Binding::new(name(member), set));
    }
    let variants = variants.into_iter().map(|(variant, members)| Binding::new(variant, Nix::Set(members)));
    file.table("variants", "Members with other features than their default ones.", variants);
}

/// Keys of the first entries of packages: others have more words.
fn bases(merged: &Merged) -> BTreeMap<PackageIx, &str> {
    let mut bases: BTreeMap<PackageIx, &str> = BTreeMap::new();
    for entry in merged.entries.iter().filter(|entry| entry.kind == UnitKind::Build) {
        let base = bases.entry(entry.package).or_insert(&entry.key);
        if (entry.key.len(), entry.key.as_str()) < (base.len(), *base) {
            *base = &entry.key;
        }
    }
    bases
}

/// crate2nix's arguments, then ours.
const ARGUMENTS: &str = "{
  nixpkgs ? <nixpkgs>,
  pkgs ? import nixpkgs { config = { }; },
  lib ? pkgs.lib,
  stdenv ? pkgs.stdenv,
  buildRustCrateForPkgs ? pkgs: pkgs.buildRustCrate,
  # In place of those that the builder has, which are nixpkgs'.
  defaultCrateOverrides ? null,
  fetchurl ? null,
  release ? true,
  # A profile of Cargo.toml.
  profile ? if release then \"release\" else \"dev\",
  rootFeatures ? [ \"default\" ],
  # Overrides by crate name, `name@requirement` or `\"*\"`, on top of nixpkgs': lists append, phases concatenate.
  crateOverrides ? { },
  # What tests and other checks need, by member, `\"*\"` for all: `inputs`, `testFlags`, `preRun` and the like.
  checkOptions ? { },
  # Where crates.io crates are downloaded from, if not from where nixpkgs does: the `dl` of a mirror's index.
  registryDl ? null,
  # What fetches git repositories, if not nixpkgs' fetchgit.
  fetchgit ? null,
  # Local packages outside the workspace by their directories, where they are not to be found there.
  externalSources ? { },
}:";

fn origins(origins: &Origins, file: &mut File) {
    let set = |attributes: [(&str, &str); 3]| {
        let attributes = attributes.into_iter().filter(|(name, _)| !name.is_empty());
        Nix::Set(attributes.map(|(name, value)| Binding::new(name, Nix::text(value))).collect())
    };
    let registries = origins.registries.iter().map(|registry| {
        Binding::new(&registry.name, set([("index", &registry.index), ("dl", &registry.dl), ("", "")]))
    });
    file.table("registries", "Where registries have their crates.", registries);
    let repositories = origins.repositories.iter().map(|repository| {
        let Repository { name, url, rev, sha256 } = repository;
        Binding::new(name, set([("url", url), ("rev", rev), ("sha256", sha256)]))
    });
    file.table("repositories", "Git repositories that crates come from.", repositories);
}

/// What cargo's configuration says of all that is compiled.
fn configuration(options: &RenderOptions, file: &mut File) {
    let flags = options.rustflags.iter().map(|(triple, flags)| Binding::new(triple, Nix::texts(flags)));
    file.table("rustflags", "`rustflags` of .cargo/config.toml.", flags);
    let variables = options.environment.iter().map(|(name, variable)| {
        let mut attributes = Attributes::default();
        attributes.text(if variable.is_path { "path" } else { "value" }, &variable.value);
        if variable.force {
            attributes.push("force", Nix::word("true"));
        }
        Binding::new(name, attributes.set())
    });
    file.table("cargoEnv", "`[env]` of .cargo/config.toml.", variables);
}

/// Which function of `nix-lib/sources.nix` gets it.
pub(crate) fn constructor(source: &Source) -> &'static str {
    match source {
        Source::Local { .. } => "local",
        Source::CratesIo { .. } | Source::Registry { .. } => "registry",
        Source::Git { .. } => "git",
        Source::Vendored { .. } => "vendored",
    }
}

fn root_expression(root: &str) -> Nix {
    if root.is_empty() {
        Nix::word("./.")
    } else if root.split('/').all(|part| part == "..") {
        Nix::Word(format!("./{root}").into())
    } else {
        Nix::Apply(vec![Nix::word("./. +"), Nix::Text(format!("/{root}"))])
    }
}

/// What no local source holds: other packages, files whose change must not rebuild the root package, and what the
/// builder would take for a target though it is none.
fn excluded(packages: &PackageGraph, options: &RenderOptions) -> Vec<String> {
    let mut excluded = vec![".git".to_owned(), "Cargo.lock".to_owned(), "target".to_owned()];
    excluded.push(options.output.clone());
    for package in packages.graph.node_weights() {
        if let Source::Local { dir } = &package.source {
            let below = |file: &String| if dir.is_empty() { file.clone() } else { format!("{dir}/{file}") };
            excluded.extend(package.undeclared.iter().map(below));
            excluded.extend(Some(dir.clone()).filter(|dir| !dir.is_empty()));
        }
    }
    excluded.sort();
    excluded.dedup();
    excluded
}
