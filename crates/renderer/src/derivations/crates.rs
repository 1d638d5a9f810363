//! A crate for one side, as `nix-lib/library/units.nix` builds it.

use std::collections::BTreeMap;

use cratewright_graph::{Derivation, DerivationIx, Input, Kind, Side};
use cratewright_resolver::{Package, Source};
use cratewright_sources::path::WsPath;

use crate::derivations::Builder;
use crate::derivations::compilation::Compiled;
use crate::derivations::evaluate::{Attributes, evaluated, items, printed, renames, texts};
use crate::entry::edition_of;
use crate::merged::EntryIx;
use crate::metadata;
use crate::nix::Nix;
use crate::overrides::{MEMBERS, is_on, key_is_for};

/// Attributes that differ between entries of a package: `lists` in `nix-lib/library/entries.nix`.
const LISTS: [&str; 6] = ["buildDependencies", "crateBin", "crateRenames", "dependencies", "features", "lto"];

/// Attributes that only decide where a package is fetched from: `ours` in `nix-lib/library/units.nix`.
const ORIGIN: [&str; 5] = ["checkout", "registry", "replaces", "sha256", "vendored"];

/// Attributes of a manifest that the library uses only for `meta` and images, also in `ours`.
const BUILT_WITHOUT: [&str; 2] = ["default-run", "documentation"];

impl Builder<'_> {
    /// The derivation of an entry for one side, added with all its dependencies if it is new.
    pub(super) fn unit(&mut self, entry: EntryIx, side: Side) -> DerivationIx {
        if let Some(&known) = self.known.get(&(entry, side)) {
            return known;
        }
        let lists = self.lists(entry);
        let dependencies = self.linked(items(&lists, "dependencies"), side);
        let build_dependencies = self.linked(items(&lists, "buildDependencies"), side);
        let mut inputs = self.inputs(entry, &lists, side);
        let lto = texts(lists.get("lto").map(std::slice::from_ref).unwrap_or_default()).pop();
        let key = self.first_key(entry);
        let compiled = Compiled {
            lto: lto.as_deref(),
            has_programs: !items(&lists, "crateBin").is_empty(),
            links_debug: [&dependencies, &build_dependencies].map(|list| list.iter().any(|&ix| self.has_debug[ix])),
            ..self.compiled(entry, &key, side)
        };
        inputs.insert(Input::Profile, self.common.compilation.text(&compiled));
        let has_debug = self.common.compilation.has_debug(&compiled);
        let derivation = Derivation {
            id: self.id(entry, side),
            side,
            features: texts(items(&lists, "features")),
            dependencies,
            build_dependencies,
            inputs: told(inputs),
            ..self.described(entry)
        };
        let ix = self.push(derivation, has_debug);
        self.known.insert((entry, side), ix);
        ix
    }

    /// Derivations of a list of dependencies, without duplicates, for a dependent on `side`.
    pub(super) fn linked(&mut self, list: &[Nix], side: Side) -> Vec<DerivationIx> {
        let mut found = Vec::new();
        for item in list {
            let Nix::Select(table, reference) = item else { continue };
            let on = if *table == "build" && side != Side::Host { self.host() } else { side };
            let ix = self.unit(self.common.references[reference.as_str()], on);
            if !found.contains(&ix) {
                found.push(ix);
            }
        }
        found
    }

    /// The attributes of an entry that are not common to its package.
    pub(super) fn lists(&self, entry: EntryIx) -> Attributes {
        let [own, _] = self.common.sets(entry);
        let mut lists = evaluated(own, &self.on);
        lists.retain(|name, _| LISTS.contains(&name.as_str()));
        lists
    }

    pub(super) fn first_key(&self, entry: EntryIx) -> String {
        let package = self.common.merged.entries[entry].package;
        self.common.merged.first_key(self.common.resolved.packages, package)
    }

    /// A derivation with name, version and source of the package.
    pub(super) fn described(&self, entry: EntryIx) -> Derivation {
        let entry = &self.common.merged.entries[entry];
        let packages = self.common.resolved.packages;
        let package = &packages[entry.package];
        let (dir, source) = match &package.source {
            Source::Local { dir } => (Some(dir.clone()), None),
            Source::CratesIo { .. } => (None, Some("crates.io".to_owned())),
            Source::Registry { index, .. } => (None, Some(index.clone())),
            Source::Git { url, rev, .. } => (None, Some(format!("{url}#{rev}"))),
            Source::Vendored { path, .. } => (None, Some(path.clone())),
        };
        Derivation {
            kind: Kind::Crate,
            key: entry.key.clone(),
            package_id: package.id.clone(),
            is_member: packages.members.contains(&entry.package),
            dir,
            source,
            ..Derivation::new(&package.name, &package.version.to_string())
        }
    }

    fn id(&self, entry: EntryIx, side: Side) -> String {
        let table = match side {
            Side::Target => "units",
            Side::Host => "build",
            Side::Test => "linkedByTests",
        };
        format!("{table}.\"{}\"", self.common.merged.entries[entry].key)
    }

    /// The properties of a package for one side, with defaults for the others.
    pub(super) fn compiled<'k>(&self, entry: EntryIx, key: &'k str, side: Side) -> Compiled<'k> {
        let package = self.package(entry);
        Compiled {
            key,
            is_local: matches!(package.source, Source::Local { .. }),
            is_macro: package.proc_macro,
            has_script: package.build_script.is_some(),
            has_programs: false,
            lto: None,
            side,
            tested: None,
            is_native: self.is_native(),
            apple: self.triples.map(|triple| triple.contains("-apple-")),
            links_debug: [false; 2],
        }
    }

    pub(super) fn package(&self, entry: EntryIx) -> &Package {
        &self.common.resolved.packages[self.common.merged.entries[entry].package]
    }

    /// All inputs that do not depend on other derivations.
    pub(super) fn inputs(&self, entry: EntryIx, lists: &Attributes, side: Side) -> BTreeMap<Input, String> {
        let common = self.common;
        let package_ix = common.merged.entries[entry].package;
        let package = self.package(entry);
        let [_, first] = common.sets(entry);
        let mut said = evaluated(first, &self.on);
        said.retain(|name, _| {
            let name = name.as_str();
            !LISTS.contains(&name) && !ORIGIN.contains(&name) && name != "edition"
        });
        let mut manifest = format!("edition = {}\n", edition_of(package)) + &printed(&said);
        let is_local = matches!(package.source, Source::Local { .. });
        let is_built = |name: &str| {
            common.merged.members.iter().any(|member| common.resolved.packages[member.package].name == name)
        };
        if is_local && is_built(&package.name) {
            manifest += "is a member\n";
        }
        let is_dylib = package.lib.iter().any(|lib| lib.crate_types.iter().any(|kind| kind == "dylib"));
        let others = common.merged.members.iter().any(|member| !is_local || member.package != package_ix);
        if is_dylib && others {
            manifest += "links the standard library dynamically\n";
        }
        if metadata::is_inherited(package) {
            manifest += "is described\n";
            let mut described = metadata::attributes(package);
            described.retain(|name, _| !BUILT_WITHOUT.contains(name));
            manifest.extend(described.iter().map(|(name, value)| format!("{name} = {}", value.print())));
        }
        let on_target = side != Side::Host;
        let flags = common.options.rustflags.get(self.triples[usize::from(on_target)]);
        let flags = flags.filter(|_| on_target || self.is_native());
        let side = match side {
            Side::Host => " (host)",
            Side::Target | Side::Test => "",
        };
        let twin = common.merged.twins.get(&package_ix).map(|twin| format!(" ({twin})")).unwrap_or_default();
        BTreeMap::from([
            (Input::Version, format!("{} {}{twin}{side}", package.name, package.version)),
            (Input::Source, self.source(entry, false)),
            (Input::Manifest, manifest),
            (Input::Features, texts(items(lists, "features")).join(" ")),
            (Input::Targets, printed(lists.iter().filter(|(name, _)| *name == "crateBin"))),
            (Input::Dependencies, renames(lists)),
            (Input::Rustflags, flags.map(|flags| flags.join(" ")).unwrap_or_default()),
            (Input::Environment, common.environment.clone()),
            (Input::Overrides, self.overrides(package, is_local && is_built(&package.name)).join(" ")),
        ])
    }

    /// Digest of its files, or the fetcher's hash.
    pub(super) fn source(&self, entry: EntryIx, for_tests: bool) -> String {
        let common = self.common;
        match &self.package(entry).source {
            Source::Local { .. } => {
                common.sources[&common.merged.entries[entry].package][usize::from(for_tests)].clone()
            }
            Source::CratesIo { checksum } | Source::Registry { checksum, .. } => checksum.clone(),
            Source::Vendored { checksum: Some(checksum), .. } => checksum.clone(),
            Source::Vendored { path, checksum: None } => {
                WsPath::new(path).map(|path| common.contents.of_directory(&path)).unwrap_or_default()
            }
            Source::Git { url, rev, .. } => {
                let repositories = &common.options.origins.repositories;
                let found = repositories.iter().find(|one| one.url == *url && one.rev == *rev);
                found.map(|one| format!("{} {}", one.name, one.sha256)).unwrap_or_default()
            }
        }
    }

    /// Names of library overrides that apply to a package.
    fn overrides(&self, package: &Package, is_member: bool) -> Vec<&'static str> {
        let is_for = |key: &str| if key == MEMBERS { is_member } else { key_is_for(key, package) };
        let found = self.common.overrides.iter().filter(|(key, _)| is_for(key));
        found.flat_map(|(_, names)| names).copied().filter(|name| is_on(name, self.triples)).collect()
    }
}

/// Removes empty inputs.
pub(super) fn told(mut inputs: BTreeMap<Input, String>) -> BTreeMap<Input, String> {
    inputs.retain(|_, text| !text.is_empty());
    inputs
}
