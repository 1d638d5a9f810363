//! What of a `Cargo.toml` can change a `Cargo.nix`.

use std::path::Path;

use serde_json::{Map, Value};

use crate::inputs::Section;
use crate::workspace::{is_excluded, strings};

/// Keys of `[package]` that reach `Cargo.nix`, or without which cargo reads the package otherwise.
const PACKAGE: [&str; 22] = [
    "name",
    "version",
    "edition",
    "rust-version",
    "authors",
    "description",
    "homepage",
    "license",
    "license-file",
    "readme",
    "repository",
    "links",
    "build",
    "autolib",
    "autobins",
    "autotests",
    "autoexamples",
    "autobenches",
    "resolver",
    "forced-target",
    "default-target",
    "workspace",
];

/// Keys of `[lib]`, and of the tables in [`TARGETS`].
const TARGET: [&str; 11] = [
    "name",
    "path",
    "crate-type",
    "crate_type",
    "proc-macro",
    "proc_macro",
    "edition",
    "required-features",
    "test",
    "doctest",
    "harness",
];

/// Tables of targets of which there can be several.
const TARGETS: [&str; 4] = ["bin", "test", "example", "bench"];

/// Tables of dependencies, by the name that is recorded, with an older way to write it.
const DEPENDENCIES: [(&str, &str); 3] = [
    ("dependencies", "dependencies"),
    ("dev-dependencies", "dev_dependencies"),
    ("build-dependencies", "build_dependencies"),
];

/// A manifest as a table of values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    table: Map<String, Value>,
    /// Dependencies with their full keys, normalized; looked at again and again.
    dependencies: Vec<(String, Value)>,
}

/// What a package takes from the root manifest's `[workspace]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Inherited {
    Package,
    Dependencies,
}

impl Inherited {
    pub(crate) fn table(self) -> &'static str {
        match self {
            Inherited::Package => "package",
            Inherited::Dependencies => "dependencies",
        }
    }
}

impl Manifest {
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let table: Map<String, Value> = toml::from_str(text)?;
        let dependencies = dependencies(&table);
        Ok(Manifest { table, dependencies })
    }

    pub(crate) fn workspace(&self) -> Option<&Map<String, Value>> {
        self.table.get("workspace")?.as_object()
    }

    /// `[package]`, or `[project]` as it was once called.
    pub(crate) fn package(&self) -> Option<&Map<String, Value>> {
        self.table.get("package").or_else(|| self.table.get("project"))?.as_object()
    }

    /// Whether its workspace, at `at`, may hold a package below it: it does not exclude it.
    pub(crate) fn has_below(&self, at: &str, directory: &str) -> bool {
        let Some(workspace) = self.workspace() else { return false };
        // Any root will do, as long as both are below it.
        let root = Path::new("/");
        let below = directory.strip_prefix(at).unwrap_or_default().trim_start_matches('/');
        !is_excluded(root, &root.join(below), &strings(workspace, "exclude"), &strings(workspace, "members"))
    }

    /// Everything in here that is recorded, but for what members take from `[workspace]`.
    pub(crate) fn section(&self) -> Section {
        let mut section = Section::new();
        if let Some(value) = self.table.get("cargo-features") {
            section.insert("cargo-features".to_owned(), value.clone());
        }
        if let Some(package) = self.package() {
            for key in PACKAGE {
                if let Some(value) = package.get(key) {
                    section.insert(format!("package.{key}"), value.clone());
                }
            }
            own_metadata("package", package, &mut section);
        }
        if let Some(lib) = self.table.get("lib").and_then(Value::as_object) {
            section.insert("lib".to_owned(), target(lib));
        }
        for kind in TARGETS {
            let tables = self.table.get(kind).and_then(Value::as_array).into_iter().flatten();
            for table in tables.filter_map(Value::as_object) {
                let name = table.get("name").and_then(Value::as_str).unwrap_or_default();
                section.insert(format!("{kind}.{name}"), target(table));
            }
        }
        subtables(&self.table, "lints", "lints", &mut section);
        for (feature, values) in self.table.get("features").and_then(Value::as_object).into_iter().flatten() {
            section.insert(format!("features.{feature}"), sorted(values));
        }
        section.extend(self.dependencies.iter().cloned());
        for (name, dependency) in self.table.get("replace").and_then(Value::as_object).into_iter().flatten() {
            section.insert(format!("replace.{name}"), normalized(dependency));
        }
        subtables(&self.table, "profile", "profile", &mut section);
        patches(&self.table, &mut section);
        if let Some(workspace) = self.workspace() {
            if let Some(resolver) = workspace.get("resolver") {
                section.insert("workspace.resolver".to_owned(), resolver.clone());
            }
            subtables(workspace, "lints", "workspace.lints", &mut section);
            own_metadata("workspace", workspace, &mut section);
        }
        section
    }

    /// Keys that this package takes from the workspace's table.
    pub(crate) fn inherits(&self) -> Vec<(Inherited, String)> {
        let is_inherited = |value: &Value| value.get("workspace") == Some(&Value::Bool(true));
        let package = self.package().into_iter().flatten();
        let package = package.filter(|(key, value)| PACKAGE.contains(&key.as_str()) && is_inherited(value));
        let mut keys: Vec<(Inherited, String)> = package.map(|(key, _)| (Inherited::Package, key.clone())).collect();
        let dependencies = self.dependencies.iter().filter(|(_, dependency)| is_inherited(dependency));
        keys.extend(dependencies.map(|(key, _)| (Inherited::Dependencies, last(key).to_owned())));
        keys
    }

    /// `workspace.<table>.<key>`, normalized.
    pub(crate) fn workspace_value(&self, table: Inherited, key: &str) -> Option<Value> {
        let value = self.workspace()?.get(table.table())?.get(key)?;
        Some(if table == Inherited::Dependencies { normalized(value) } else { value.clone() })
    }

    /// Directories of path dependencies: those in tables that count for everyone, then those for tests alone.
    pub(crate) fn paths(&self, root: &Manifest) -> [Vec<(String, PathBase)>; 2] {
        let mut paths = [Vec::new(), Vec::new()];
        for (key, dependency) in &self.dependencies {
            let for_tests = usize::from(key.starts_with("dev-") || key.contains(".dev-dependencies."));
            if let Some(path) = path_of(dependency) {
                paths[for_tests].push((path, PathBase::Package));
            } else if dependency.get("workspace").is_some() {
                let shared = root.workspace_value(Inherited::Dependencies, last(key));
                if let Some(path) = shared.as_ref().and_then(path_of) {
                    paths[for_tests].push((path, PathBase::Workspace));
                }
            }
        }
        paths
    }

    /// Whether cargo finds targets in more places than in later editions, as far as that shows here.
    pub(crate) fn is_of_first_edition(&self) -> bool {
        let edition = self.package().and_then(|package| package.get("edition"));
        edition.is_none_or(|edition| edition == "2015")
    }

    /// `package.workspace`
    pub(crate) fn workspace_pointer(&self) -> Option<&str> {
        self.package()?.get("workspace")?.as_str()
    }

    /// Paths of `package.metadata.cratewright.extra-sources`; nothing where there is no such key.
    pub(crate) fn extra_sources(&self) -> Option<Vec<String>> {
        let paths = self.package()?.get("metadata")?.get("cratewright")?.get("extra-sources")?.as_array()?;
        Some(paths.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Source files of the library and of binaries, where it says where they are; relative to the package.
    pub(crate) fn target_paths(&self) -> impl Iterator<Item = &str> {
        let bins = self.table.get("bin").and_then(Value::as_array).into_iter().flatten();
        bins.chain(self.table.get("lib")).filter_map(|target| target.get("path")?.as_str())
    }

    /// The build script that it names, if it may have one; relative to the package.
    pub(crate) fn build_script(&self) -> Option<&str> {
        match self.package()?.get("build") {
            Some(Value::Bool(false)) => None,
            Some(Value::String(path)) => Some(path),
            _ => Some("build.rs"),
        }
    }

    /// Directories of `[patch]` and `[replace]`.
    pub(crate) fn patched_paths(&self) -> Vec<String> {
        let mut section = Section::new();
        patches(&self.table, &mut section);
        let replaced = self.table.get("replace").and_then(Value::as_object).into_iter().flatten();
        let replaced = replaced.filter_map(|(_, dependency)| path_of(dependency));
        section.values().filter_map(path_of).chain(replaced).collect()
    }
}

/// Keys that are paths, those that members inherit included; what is below is those of [`TARGETS`] and `lib`.
const PATHS: [&str; 6] = [
    "package.build",
    "package.license-file",
    "package.readme",
    "package.workspace",
    "workspace.package.license-file",
    "workspace.package.readme",
];

/// The first absolute path in a section, as it is written there.
pub(crate) fn absolute_path(section: &Section) -> Option<String> {
    section.iter().find_map(|(key, value)| {
        let is_target = key == "lib" || TARGETS.iter().any(|kind| key.split('.').next() == Some(kind));
        let (key, path) = match PATHS.contains(&key.as_str()) {
            true => (key.clone(), value.as_str()?),
            false if is_target => (format!("{key}.path"), value.get("path")?.as_str()?),
            false => return None,
        };
        path.starts_with('/').then(|| format!("{key} = \"{path}\""))
    })
}

/// Dependencies with their full keys, normalized.
fn dependencies(manifest: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut add = |prefix: &str, tables: &Map<String, Value>| {
        for (name, older) in DEPENDENCIES {
            let table = tables.get(name).or_else(|| tables.get(older)).and_then(Value::as_object);
            for (dependency, value) in table.into_iter().flatten() {
                all.push((format!("{prefix}{name}.{dependency}"), normalized(value)));
            }
        }
    };
    add("", manifest);
    for (target, tables) in manifest.get("target").and_then(Value::as_object).into_iter().flatten() {
        if let Some(tables) = tables.as_object() {
            add(&format!("target.{target}."), tables);
        }
    }
    all
}

/// What a path is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathBase {
    Package,
    Workspace,
}

/// A file of cargo's configuration.
pub(crate) struct Config {
    /// Keys that change which packages there are.
    pub(crate) section: Section,
    /// Directories of packages that it puts in the place of others.
    pub(crate) paths: Vec<String>,
    /// Files that it includes.
    pub(crate) include: Vec<String>,
    /// Keys of directories that packages are taken from in place of other sources, and the directories.
    pub(crate) directories: Vec<(String, String)>,
}

impl Config {
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let table: Map<String, Value> = toml::from_str(text)?;
        let mut section = Section::new();
        patches(&table, &mut section);
        let mut paths: Vec<String> = section.values().filter_map(path_of).collect();
        if let Some(overrides) = table.get("paths") {
            section.insert("paths".to_owned(), overrides.clone());
            paths.extend(texts(overrides));
        }
        let mut directories = Vec::new();
        for (name, source) in table.get("source").and_then(Value::as_object).into_iter().flatten() {
            for key in ["directory", "local-registry"] {
                let path = source.get(key).and_then(Value::as_str);
                directories.extend(path.map(|path| (format!("source.{name}.{key}"), path.to_owned())));
            }
            section.insert(format!("source.{name}"), source.clone());
        }
        for (name, registry) in table.get("registries").and_then(Value::as_object).into_iter().flatten() {
            if let Some(index) = registry.get("index") {
                section.insert(format!("registries.{name}.index"), index.clone());
            }
        }
        if let Some(rustflags) = table.get("build").and_then(|build| build.get("rustflags")) {
            section.insert("build.rustflags".to_owned(), rustflags.clone());
        }
        for (name, target) in table.get("target").and_then(Value::as_object).into_iter().flatten() {
            if let Some(rustflags) = target.get("rustflags") {
                section.insert(format!("target.{name}.rustflags"), rustflags.clone());
            }
        }
        for (name, value) in table.get("env").and_then(Value::as_object).into_iter().flatten() {
            section.insert(format!("env.{name}"), value.clone());
        }
        subtables(&table, "profile", "profile", &mut section);
        let include = table.get("include").map(texts).unwrap_or_default();
        if let Some(include) = table.get("include") {
            section.insert("include".to_owned(), include.clone());
        }
        Ok(Config { section, paths, include, directories })
    }
}

/// One text or a list of them, each by itself or as the `path` of a table.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        table => path_of(table).into_iter().collect(),
    }
}

/// What is in the tables below the one called `name`, a key a line.
fn subtables(table: &Map<String, Value>, name: &str, prefix: &str, section: &mut Section) {
    for (table, value) in table.get(name).and_then(Value::as_object).into_iter().flatten() {
        match value.as_object() {
            None => drop(section.insert(format!("{prefix}.{table}"), value.clone())),
            Some(keys) => {
                section.extend(keys.iter().map(|(key, value)| (format!("{prefix}.{table}.{key}"), value.clone())));
            }
        }
    }
}

fn patches(table: &Map<String, Value>, section: &mut Section) {
    for (source, patches) in table.get("patch").and_then(Value::as_object).into_iter().flatten() {
        for (name, dependency) in patches.as_object().into_iter().flatten() {
            section.insert(format!("patch.{source}.{name}"), normalized(dependency));
        }
    }
}

/// `[<table>.metadata.cratewright]`, a key a line.
fn own_metadata(name: &str, table: &Map<String, Value>, section: &mut Section) {
    let own = table.get("metadata").and_then(|metadata| metadata.get("cratewright")).and_then(Value::as_object);
    for (key, value) in own.into_iter().flatten() {
        section.insert(format!("{name}.metadata.cratewright.{key}"), value.clone());
    }
}

fn target(table: &Map<String, Value>) -> Value {
    table.iter().filter(|(key, _)| TARGET.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// `name = "1"` is `name = { version = "1" }`, and lists of features have no order.
fn normalized(dependency: &Value) -> Value {
    match dependency {
        Value::String(version) => Map::from_iter([("version".to_owned(), Value::from(version.as_str()))]).into(),
        // Of both ways to write it, cargo takes the newer one.
        Value::Object(table) => table
            .iter()
            .filter(|(key, _)| *key != "default_features" || !table.contains_key("default-features"))
            .map(|(key, value)| match key.as_str() {
                "features" => (key.clone(), sorted(value)),
                "default_features" => ("default-features".to_owned(), value.clone()),
                _ => (key.clone(), value.clone()),
            })
            .collect(),
        other => other.clone(),
    }
}

fn sorted(values: &Value) -> Value {
    let Some(items) = values.as_array() else { return values.clone() };
    let mut items = items.clone();
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    items.dedup();
    items.into()
}

fn path_of(dependency: &Value) -> Option<String> {
    dependency.get("path")?.as_str().map(str::to_owned)
}

/// Name of a dependency, which has no dot, at the end of its full key.
fn last(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, name)| name)
}
