//! The text of `Cargo.nix`.
//!
//! This module builds a tree of expressions, which the printer in `nix.rs` prints.

use std::collections::BTreeMap;

use cratewright_resolver::{PackageGraph, PackageIx, Source};

use crate::entry::{Attributes, EntryOptions, constructor, dependencies, edition_of, is_host, render_entry};
use crate::guards::{Guards, PairSet};
use crate::library::bindings;
use crate::merged::{Member, Merged, Resolved};
use crate::metadata::metadata;
use crate::nix::{Binding, Nix, attribute, string};
use crate::options::{Library, RenderOptions};
use crate::origins::{Origins, Repository};
use crate::overrides::render_overrides;
use crate::profiles::profiles;
use crate::tests_table::tests;

/// The body of `Cargo.nix`: everything below the header.
pub fn render(resolved: Resolved<'_>, merged: &Merged, options: &RenderOptions) -> String {
    let packages = resolved.packages;
    let Tables { edition, entries, tests, guards } = Tables::new(resolved, merged, options);
    let has_others = merged.builds().any(|entry| !merged.is_first(packages, entry));
    let has_tests = !tests.is_empty();
    let triple = |pair: &usize| Nix::Text(triple_of(&resolved, *pair));

    let mut file = File::default();
    file.push("format", Nix::word(options.format.to_string()));
    file.push("workspace", workspace(packages, options));
    members(packages, merged, &mut file);
    file.push("targets", Nix::List((0..resolved.pairs.len()).map(|pair| triple(&pair)).collect()));
    let platforms =
        guards.iter().map(|(name, pairs)| Binding::new(name, Nix::List(pairs.iter().map(triple).collect())));
    file.table("platforms", platforms);
    origins(&options.origins, &mut file);
    file.optional("profiles", profiles(packages, merged));
    configuration(options, &mut file);
    let overrides = render_overrides(resolved, merged);
    file.table("overrides", overrides.iter().map(|(key, names)| Binding::new(key, Nix::texts(names))));

    let used = |wanted: &str| merged.entries.iter().any(|one| constructor(&packages[one.package].source) == wanted);
    // The libraries that tests of a proc-macro link are built for the build platform as well.
    let has_build =
        merged.entries.iter().flat_map(dependencies).any(|dependency| is_host(packages, merged, dependency))
            || merged.tests.iter().any(|tests| packages[tests.package].proc_macro);
    let tables = ["units"].into_iter().chain(has_build.then_some("build")).map(str::to_owned);
    let tables: Vec<String> = tables.chain(guards.keys().map(|name| attribute(name))).collect();
    let constructors = ["registry", "local", "git", "vendored"].into_iter().filter(|constructor| used(constructor));
    let constructors = constructors.chain(has_others.then_some("anotherBuildOf")).map(str::to_owned);
    let arguments: Vec<String> = constructors.chain(tables.iter().cloned()).collect();
    file.push("edition", Nix::text(edition));
    let crates = Nix::Function(formals(&arguments).into(), Box::new(Nix::Set(entries)));
    file.about("By package id spec; labels in brackets distinguish several builds of a package.", "crates", crates);
    if has_tests {
        if !packages.lints.is_empty() {
            file.push("workspaceLints", Nix::texts(&packages.lints));
        }
        let tests = Nix::Function(formals(&tables).into(), Box::new(Nix::Set(tests)));
        file.about("Targets and dependencies that `cargo test` adds to members.", "tests", tests);
    }
    let metadata = metadata(packages, merged);
    if !metadata.is_empty() {
        let about =
            "Metadata from manifests of the workspace and of git repositories; `*` has the values of most packages.";
        file.about(about, "metadata", Nix::Set(metadata));
    }
    let lines = |text: &String| Nix::Lines(text.lines().map(str::to_owned).collect());
    let record = options.inputs.iter().map(|(file, text)| Binding::new(file, lines(text)));
    let about = "The inputs of this file, which `cratewright check` compares with the workspace.";
    file.about(about, "inputs", Nix::Set(record.collect()));

    let data = Nix::Set(file.bindings);
    let expression = match &options.library {
        Library::At(path) => Nix::Apply(vec![Nix::word("import"), path_expression(path), data]),
        Library::Embedded => {
            let used = overrides.values().flatten().copied().collect();
            let library = Binding::lines(bindings(has_tests, &used));
            Nix::Let(vec![library], Box::new(Nix::call("library.workspace library", data)))
        }
    };
    first_screen(packages, merged, options, has_tests, &guards) + &expression.print()
}

/// The tables of crates and tests, and the platforms that they refer to.
pub(crate) struct Tables {
    /// The default edition, which is left out of entries.
    edition: String,
    /// Entries that are builds, sorted by key.
    pub(crate) entries: Vec<Binding>,
    /// Tests by member.
    pub(crate) tests: Vec<Binding>,
    /// Pairs by name of the platforms, unquoted.
    pub(crate) guards: BTreeMap<String, PairSet>,
}

impl Tables {
    pub(crate) fn new(resolved: Resolved<'_>, merged: &Merged, options: &RenderOptions) -> Self {
        let packages = resolved.packages;
        let mut guards = Guards::new(resolved.platforms, resolved.pairs);
        let edition = common_edition(packages, merged);
        let mut entry = |entry| render_entry(packages, merged, entry, &EntryOptions { edition, options }, &mut guards);
        let entries = merged.builds().map(&mut entry).collect();
        let tests = tests(packages, merged, &mut guards);
        Tables { edition: edition.to_owned(), entries, tests, guards: guards.into_used() }
    }
}

/// Name of a pair in the library.
pub(crate) fn triple_of(resolved: &Resolved<'_>, pair: usize) -> String {
    let pair = resolved.pairs[pair];
    let (host, target) = (&resolved.platforms[pair.host].triple, &resolved.platforms[pair.target].triple);
    if pair.is_cross() { format!("{target} on {host}") } else { target.clone() }
}

/// The comment at the top of the file, for readers of its code.
fn first_screen(
    packages: &PackageGraph,
    merged: &Merged,
    options: &RenderOptions,
    has_tests: bool,
    guards: &BTreeMap<String, PairSet>,
) -> String {
    let mut text =
        "# The crates of a Cargo workspace, one derivation each. Attributes of `import ./Cargo.nix { inherit pkgs; }`:\n"
            .to_owned();
    let mut line = |what: &str, about: &str| text.push_str(&format!("#   {what:<36}{about}\n"));
    if root_member(packages, merged).is_some() {
        line("rootCrate.build", "the root package");
    }
    line("workspaceMembers.NAME.build", "a member: its library and binaries");
    line("allWorkspaceMembers", "all members in one tree");
    if has_tests {
        line("tests.NAME, tests.all", "test suites; also clippy, doctests, docs, examples, benches");
    }
    if merged.members.iter().any(|member| member.variant.is_some()) {
        line("variants.VARIANT.NAME.build", "a member with other features");
    }
    line("internal.units.\"NAME@VERSION\"", "any crate");
    let library = match &options.library {
        // The path as written in the code, on one line.
        Library::At(path) => format!("`{}`", path_text(path)),
        Library::Embedded => "`library.workspace`".to_owned(),
    };
    text.push_str(&format!("# For arguments such as `profile` and `crateOverrides`, see {library}.\n"));
    text.push_str("# In `crates`, `units` are built for the host platform and `build` for the build platform");
    match guards.keys().next() {
        None => text.push_str(".\n"),
        Some(name) => text.push_str(&format!(
            ".\n# `{} [ ... ]` is empty on platforms that are not in its list in `platforms`.\n",
            attribute(name)
        )),
    }
    text
}

/// The attributes of a file.
#[derive(Default)]
struct File {
    bindings: Vec<Binding>,
}

impl File {
    fn push(&mut self, name: &str, value: Nix) {
        self.bindings.push(Binding::new(name, value));
    }

    fn about(&mut self, comment: &'static str, name: &str, value: Nix) {
        self.bindings.push(Binding { comment: Some(comment), ..Binding::new(name, value) });
    }

    fn optional(&mut self, name: &str, value: Option<Nix>) {
        value.into_iter().for_each(|value| self.push(name, value));
    }

    /// Adds a set unless it is empty.
    fn table(&mut self, name: &str, bindings: impl Iterator<Item = Binding>) {
        let bindings: Vec<Binding> = bindings.collect();
        self.optional(name, (!bindings.is_empty()).then_some(Nix::Set(bindings)));
    }
}

/// Formals of a function: `{ a, b }:`
fn formals(names: &[String]) -> String {
    format!("{{ {} }}:", names.join(", "))
}

fn workspace(packages: &PackageGraph, options: &RenderOptions) -> Nix {
    let mut attributes = Attributes::default();
    attributes.push("root", path_expression(&options.root));
    attributes.push("excluded", Nix::texts(excluded(packages, options)));
    attributes.texts("ignored", &options.ignored);
    attributes.set()
}

/// The root package, if it has anything to build.
fn root_member(packages: &PackageGraph, merged: &Merged) -> Option<PackageIx> {
    packages.root.filter(|root| merged.members.iter().any(|member| member.package == *root))
}

fn members(packages: &PackageGraph, merged: &Merged, file: &mut File) {
    let name = |member: &Member| packages[member.package].name.clone();
    let unit = |member: &Member| Nix::text(&merged.entries[member.entry].key);
    let root = root_member(packages, merged).map(|root| Nix::text(&packages[root].name));
    file.optional("rootMember", root);
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
    file.table("variants", variants);
}

/// The edition of most packages.
fn common_edition<'a>(packages: &'a PackageGraph, merged: &Merged) -> &'a str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in merged.builds().filter(|entry| merged.is_first(packages, entry)) {
        *counts.entry(edition_of(&packages[entry.package])).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(_, count)| count).map_or("2021", |(edition, _)| edition)
}

fn origins(origins: &Origins, file: &mut File) {
    let set = |attributes: [(&str, &str); 3]| {
        let attributes = attributes.into_iter().filter(|(name, _)| !name.is_empty());
        Nix::Set(attributes.map(|(name, value)| Binding::new(name, Nix::text(value))).collect())
    };
    let registries = origins.registries.iter().map(|registry| {
        Binding::new(&registry.name, set([("index", &registry.index), ("dl", &registry.dl), ("", "")]))
    });
    file.table("registries", registries);
    let repositories = origins.repositories.iter().map(|repository| {
        let Repository { name, url, rev, sha256 } = repository;
        Binding::new(name, set([("url", url), ("rev", rev), ("sha256", sha256)]))
    });
    file.table("repositories", repositories);
}

/// Adds the settings of cargo's configuration that apply to all crates.
fn configuration(options: &RenderOptions, file: &mut File) {
    let flags = options.rustflags.iter().map(|(triple, flags)| Binding::new(triple, Nix::texts(flags)));
    file.table("rustflags", flags);
    let variables = options.environment.iter().map(|(name, variable)| {
        let mut attributes = Attributes::default();
        attributes.text(if variable.is_path { "path" } else { "value" }, &variable.value);
        if variable.force {
            attributes.push("force", Nix::word("true"));
        }
        Binding::new(name, attributes.set())
    });
    file.table("cargoEnv", variables);
}

/// A path relative to the directory of `Cargo.nix`.
fn path_expression(path: &str) -> Nix {
    Nix::Word(path_text(path).into())
}

fn path_text(path: &str) -> String {
    let is_plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
    };
    if path.is_empty() {
        "./.".to_owned()
    } else if !path.split('/').all(is_plain) {
        format!("(./. + {})", string(&format!("/{path}")))
    } else if path.starts_with("../") {
        path.to_owned()
    } else {
        format!("./{path}")
    }
}

/// Paths that all local sources exclude: other packages, files whose change must not rebuild the root package, and
/// files that the builder would mistake for targets.
pub(crate) fn excluded(packages: &PackageGraph, options: &RenderOptions) -> Vec<String> {
    let mut excluded = vec![".git".to_owned(), "Cargo.lock".to_owned(), "target".to_owned()];
    excluded.extend(options.outputs.iter().cloned());
    for package in packages.packages() {
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
