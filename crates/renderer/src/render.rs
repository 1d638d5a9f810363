//! The text of `Cargo.nix`.
//!
//! Expressions are written without regard for layout; nixfmt's rules (as a library) lay them out at the end.

use std::collections::BTreeMap;
use std::fmt::Write;

use cratewright_resolver::{PackageGraph, PackageIx, Source, UnitKind};
use rayon::prelude::*;

use crate::entry::{Attributes, dependencies, is_host, render_entry};
use crate::guards::Guards;
use crate::hooks::render_hooks;
use crate::merge::{Entry, Member, Merged, Resolved};
use crate::nix;
use crate::origins::Origins;
use crate::profiles::profiles;
use crate::tests_table::tests;

/// The Nix code that every `Cargo.nix` carries, by name of its file in `nix-lib/`; the last calls the others.
pub const LIBRARY: [(&str, &str); 14] = [
    ("sources", include_str!("../../../nix-lib/sources.nix")),
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
    let entries: Vec<String> =
        builds.map(|entry| render_entry(packages, merged, entry, base(entry), options, &mut guards)).collect();
    let tests = tests(packages, merged, &mut guards);
    let guards = guards.into_used();
    // As the prelude calls the pair that it finds itself on.
    let triple = |pair: &usize| {
        let pair = resolved.pairs[*pair];
        let (host, target) = (&resolved.platforms[pair.host].triple, &resolved.platforms[pair.target].triple);
        nix::string(&if pair.is_cross() { format!("{target} on {host}") } else { target.clone() })
    };

    let mut text = format!("{ARGUMENTS} let\n");
    let _ = write!(text, "workspace = {{ root = {}; ", root_expression(&options.root));
    let _ = write!(text, "excluded = {};", nix::list(excluded(packages, options).iter().map(|path| nix::string(path))));
    if !options.ignored.is_empty() {
        let ignored = options.ignored.iter().map(|pattern| nix::string(pattern));
        let _ = write!(text, "ignored = {};", nix::list(ignored));
    }
    text.push_str(" };\n\n");
    write_origins(&options.origins, &mut text);
    text.push_str("# What this file was resolved for; anything else is refused.\n");
    let _ = writeln!(text, "targets = {};\n", nix::list((0..resolved.pairs.len()).map(|pair| triple(&pair))));
    if !guards.is_empty() {
        text.push_str("# Names for some of them.\nplatforms = {");
        for (name, pairs) in &guards {
            let _ = write!(text, "{} = {};", nix::attribute(name), nix::list(pairs.iter().map(triple)));
        }
        text.push_str("};\n\n");
    }
    // Two of them always, so that the layout of the entries does not depend on which are used.
    text.push_str("crates = { registry, local, ");
    let used =
        |wanted: &str| merged.entries.iter().any(|one| constructor(&packages.graph[one.package].source) == wanted);
    for constructor in ["git", "vendored"].into_iter().filter(|constructor| used(constructor)) {
        let _ = write!(text, "{constructor}, ");
    }
    if has_others {
        text.push_str("like, ");
    }
    let mut tables = "units".to_owned();
    // What tests link of a procedural macro is for the host as well.
    let has_host = merged.entries.iter().flat_map(dependencies).any(|dependency| is_host(packages, merged, dependency))
        || merged.tests.iter().any(|tests| packages.graph[tests.package].proc_macro);
    if has_host {
        tables.push_str(", host");
    }
    for name in guards.keys() {
        let _ = write!(tables, ", {}", nix::attribute(name));
    }
    let _ = writeln!(text, "{tables} }}: {{\n{PLACEHOLDER}}};\n");
    let has_tests = !tests.is_empty();
    if has_tests {
        if !packages.lints.is_empty() {
            let lints = nix::list(packages.lints.iter().map(|flag| nix::string(flag)));
            let _ = writeln!(text, "# [workspace.lints]\nworkspaceLints = {lints};\n");
        }
        let _ = writeln!(text, "# What `cargo test` adds to members.\ntests = {{ {tables} }}: {{ {tests} }};\n");
    }
    let profiles = profiles(packages, merged);
    if let Some(profiles) = &profiles {
        let _ = writeln!(text, "# What Cargo.toml says of profiles.\nprofiles = {profiles};\n");
    }
    write_configuration(options, &mut text);
    let hooks = render_hooks(resolved, merged);
    if let Some(hooks) = &hooks {
        let _ =
            writeln!(text, "# Overrides of cratewright's own, for crates that are in this file.\nhooks = {hooks};\n");
    }
    text.push_str("members = {");
    let name = |member: &Member| nix::attribute(&packages.graph[member.package].name);
    let unit = |member: &Member| nix::string(&merged.entries[member.entry].key);
    let is_default = |member: &&Member| member.variant.is_none();
    for member in merged.members.iter().filter(is_default) {
        let _ = write!(text, "{} = {};", name(member), unit(member));
    }
    text.push_str("};\n\n");
    let mut variants: BTreeMap<&str, String> = BTreeMap::new();
    for member in &merged.members {
        let Some(variant) = &member.variant else { continue };
        let features = nix::list(member.features.iter().map(|feature| nix::string(feature)));
        let set = format!("{} = {{ features = {features}; unit = {}; }};", name(member), unit(member));
        variants.entry(variant).or_default().push_str(&set);
    }
    if !variants.is_empty() {
        text.push_str("# Members with other features than their default ones.\nvariants = {");
        for (variant, members) in &variants {
            let _ = write!(text, "{} = {{ {members} }};", nix::attribute(variant));
        }
        text.push_str("};\n\n");
    }
    let root = packages.root.filter(|root| merged.members.iter().any(|member| member.package == *root));
    let root = root.map_or("null".to_owned(), |root| nix::string(&packages.graph[root].name));
    text.push_str(INPUTS);
    text.push_str("\n\n# What is the same in every file.\nlibrary = {");
    for (name, code) in LIBRARY {
        let _ = write!(text, "\n{name} =\n{code};");
    }
    let tables = [
        ("registries", !options.origins.registries.is_empty()),
        ("repositories", !options.origins.repositories.is_empty()),
        ("platforms", !guards.is_empty()),
        ("rustflags", !options.rustflags.is_empty()),
        ("cargoEnv", !options.environment.is_empty()),
        ("hooks", hooks.is_some()),
        ("tests", has_tests),
        ("profiles", profiles.is_some()),
        ("variants", !variants.is_empty()),
    ];
    let tables = tables.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| format!(" {name}"));
    let _ = write!(
        text,
        "\n}};\nin library.prelude {{ inherit library;\n\
         inherit pkgs lib stdenv buildRustCrateForPkgs defaultCrateOverrides crateOverrides fetchurl fetchgit registryDl \
         externalSources profile rootFeatures checkOptions;\n\
         inherit workspace targets crates members inputs{};\n\
         rootMember = {root}; }}\n",
        tables.collect::<String>()
    );
    let text = format(&text);
    let (above, below) = text.split_once(PLACEHOLDER.trim_end()).expect("the placeholder is there");
    let indentation = above.len() - above.trim_end_matches(' ').len();
    let entries = format_entries(&entries, indentation);
    let (above, below) = (&above[..above.len() - indentation], below.trim_start_matches('\n'));
    let text = [above, &entries, below].concat();
    text.replacen(&format!("  {INPUTS}\n"), &options.inputs, 1)
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

/// Stands where the entries go while the rest is laid out.
const PLACEHOLDER: &str = "entries = 0;\n";

/// Stands where the record of the inputs goes.
const INPUTS: &str = "inputs = 0;";

fn format(text: &str) -> String {
    nixfmt_rs::format(text).expect("what the renderer writes is Nix")
}

/// Lays out the entries, which are most of the file, each by itself and all at once.
fn format_entries(entries: &[String], indentation: usize) -> String {
    // As deep in attribute sets as in the file, so that lines break at the same width.
    let depth = indentation / 2;
    let nested =
        |entry: &str| format(&format!("{}{entry}{}", "{a=".repeat(depth - 1) + "{", "};".repeat(depth - 1) + "}"));
    let frame = nested(PLACEHOLDER);
    let indented = format!("{}{PLACEHOLDER}", " ".repeat(indentation));
    let (above, below) = frame.split_once(&indented).expect("attribute sets indent by two");
    let entries: Vec<String> = entries
        .par_iter()
        .map(|entry| {
            let text = nested(entry);
            text.strip_prefix(above).and_then(|text| text.strip_suffix(below)).expect("same frame").to_owned()
        })
        .collect();
    entries.concat()
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

fn write_origins(origins: &Origins, text: &mut String) {
    if !origins.registries.is_empty() {
        text.push_str("# Where registries have their crates.\nregistries = {");
        for registry in &origins.registries {
            let mut attributes = Attributes::default();
            attributes.text("index", &registry.index);
            attributes.text("dl", &registry.dl);
            let _ = write!(text, "{} = {{ {} }};", nix::attribute(&registry.name), attributes.text);
        }
        text.push_str("};\n\n");
    }
    if !origins.repositories.is_empty() {
        text.push_str("# Git repositories that crates come from.\nrepositories = {");
        for repository in &origins.repositories {
            let mut attributes = Attributes::default();
            attributes.text("url", &repository.url);
            attributes.text("rev", &repository.rev);
            attributes.text("sha256", &repository.sha256);
            let _ = write!(text, "{} = {{ {} }};", nix::attribute(&repository.name), attributes.text);
        }
        text.push_str("};\n\n");
    }
}

/// What cargo's configuration says of all that is compiled.
fn write_configuration(options: &RenderOptions, text: &mut String) {
    if !options.rustflags.is_empty() {
        text.push_str("# `rustflags` of .cargo/config.toml.\nrustflags = {");
        for (triple, flags) in &options.rustflags {
            let flags = nix::list(flags.iter().map(|flag| nix::string(flag)));
            let _ = write!(text, "{} = {flags};", nix::attribute(triple));
        }
        text.push_str("};\n\n");
    }
    if !options.environment.is_empty() {
        text.push_str("# `[env]` of .cargo/config.toml.\ncargoEnv = {");
        for (name, variable) in &options.environment {
            let kind = if variable.is_path { "path" } else { "value" };
            let force = if variable.force { "force = true;" } else { "" };
            let value = nix::string(&variable.value);
            let _ = write!(text, "{} = {{ {kind} = {value}; {force} }};", nix::attribute(name));
        }
        text.push_str("};\n\n");
    }
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

fn root_expression(root: &str) -> String {
    if root.is_empty() {
        "./.".to_owned()
    } else if root.split('/').all(|part| part == "..") {
        format!("./{root}")
    } else {
        format!("./. + {}", nix::string(&format!("/{root}")))
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
