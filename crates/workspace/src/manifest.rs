//! `Cargo.toml`, parsed to cargo's own types.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cargo_util_schemas::manifest::{
    InheritableDependency, TomlDependency, TomlLint, TomlLintLevel, TomlLints, TomlManifest, TomlPackage, TomlProfile,
    TomlTarget, TomlWorkspace,
};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::path::WsPath;
use cratewright_staleness::TomlFile;
use serde::Deserialize;
use serde_json::{Map, Value};

/// Rules of feature resolution, from `resolver = "..."` or the edition.
///
/// Resolver 3 differs from 2 only in the choice of versions, which are fixed in `Cargo.lock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolverBehavior {
    /// One feature set per package: build-dependencies, dev-dependencies and inactive platforms all add to it.
    V1,
    /// Separate features for the build platform, dev-dependencies only for tests, inactive platforms ignored.
    V2,
}

/// The lints of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lints {
    /// The lints of `[workspace.lints]`.
    Workspace,
    /// Flags for rustc.
    Own(Vec<String>),
}

/// A manifest.
#[derive(Debug, Clone)]
pub struct Manifest {
    file: WsPath,
    toml: Arc<TomlManifest>,
    /// Full names of the keys that it inherits from a `[workspace]`.
    inherited: Vec<String>,
    /// The first key with an absolute path, with its value.
    absolute: Option<String>,
}

/// A path dependency.
pub(crate) struct PathDependency {
    /// The path as written.
    pub(crate) path: String,
    /// Whether it is declared in `[workspace.dependencies]`, so that the path is relative to that manifest.
    pub(crate) is_inherited: bool,
    /// Whether it is a dev-dependency.
    pub(crate) is_dev: bool,
}

impl Manifest {
    /// Parses a manifest.
    ///
    /// # Errors
    /// If a key does not have the type that cargo expects.
    pub fn parse(read: &TomlFile) -> Result<Self, Diagnostic> {
        // Only parsing the text gives positions of errors, and reads `inf` and `nan`, which the table cannot hold.
        let toml = TomlManifest::deserialize(&read.table).or_else(|_| {
            toml::from_str(&read.text).map_err(|error| {
                let (message, span) = (error.message().to_owned(), error.span());
                Diagnostic::toml("invalid-manifest", "a manifest", &read.file, &read.text, &message, span)
                    .caused_by(error)
            })
        })?;
        let is_inherited = |value: &Value| value.get("workspace") == Some(&Value::Bool(true));
        let table = |key| read.table.get(key).and_then(Value::as_object).into_iter().flatten();
        let keys = table("package").chain(table("project")).filter(|(_, value)| is_inherited(value));
        let dependencies = dependencies(&toml).filter(|(_, dependency, _)| dependency.is_inherited());
        let lints = toml.lints.as_ref().filter(|lints| lints.workspace).map(|_| "workspace.lints".to_owned());
        let inherited = keys
            .map(|(key, _)| format!("workspace.package.{key}"))
            .chain(dependencies.map(|(name, _, _)| format!("workspace.dependencies.{name}")))
            .chain(lints)
            .collect();
        Ok(Manifest { file: read.file.clone(), toml: Arc::new(toml), inherited, absolute: absolute(&read.table) })
    }

    /// The table `[package]`, or `[project]`, its former name.
    pub(crate) fn package(&self) -> Option<&TomlPackage> {
        self.toml.package().map(|package| &**package)
    }

    pub(crate) fn workspace(&self) -> Option<&TomlWorkspace> {
        self.toml.workspace.as_ref()
    }

    /// Full names of the keys that it inherits from a `[workspace]`: `workspace.package.version`.
    pub(crate) fn inherited(&self) -> &[String] {
        &self.inherited
    }

    /// The value of `edition`; `inherited` if it is inherited, which is never edition 2015.
    pub(crate) fn edition(&self) -> Option<&str> {
        match self.package()?.edition.as_ref() {
            None => None,
            Some(edition) => Some(edition.as_value().map_or("inherited", String::as_str)),
        }
    }

    /// The value of `package.workspace`.
    pub(crate) fn workspace_pointer(&self) -> Option<&str> {
        self.package()?.workspace.as_deref()
    }

    /// Whether its workspace in `at` contains the package in a directory below, that is, does not exclude it.
    ///
    /// As cargo's `WorkspaceRootConfig::is_excluded` (`src/cargo/core/workspace.rs`), it compares paths as written: a
    /// path with `..` matches nothing, and `.` matches everything.
    pub(crate) fn has_below(&self, at: &WsPath, directory: &WsPath) -> bool {
        let Some(workspace) = self.workspace() else { return false };
        // Cargo compares absolute paths; any common root gives the same result.
        let root = Path::new("/");
        let directory = root.join(at.below(directory).unwrap_or_default());
        let lists =
            |paths: &Option<Vec<String>>| paths.iter().flatten().any(|path| directory.starts_with(root.join(path)));
        !lists(&workspace.exclude) || lists(&workspace.members)
    }

    /// All path dependencies; `root` is the manifest that dependencies are inherited from.
    pub(crate) fn path_dependencies(&self, root: &Manifest) -> Vec<PathDependency> {
        let shared = root.workspace().and_then(|workspace| workspace.dependencies.as_ref());
        let path = |(name, dependency, is_dev): (&str, &InheritableDependency, bool)| {
            let (dependency, is_inherited) = match dependency {
                InheritableDependency::Value(dependency) => (Some(dependency), false),
                InheritableDependency::Inherit(_) => {
                    let found = shared.into_iter().flatten().find(|(shared, _)| shared.as_str() == name);
                    (found.map(|(_, dependency)| dependency), true)
                }
            };
            Some(PathDependency { path: path_of(dependency?)?.to_owned(), is_inherited, is_dev })
        };
        dependencies(&self.toml).filter_map(path).collect()
    }

    /// Paths in `[patch]` and `[replace]`.
    pub(crate) fn patched_paths(&self) -> Vec<String> {
        let patches = self.toml.patch.iter().flatten().flat_map(|(_, patches)| patches.values());
        let all = patches.chain(self.toml.replace.iter().flatten().map(|(_, replaced)| replaced));
        all.filter_map(path_of).map(str::to_owned).collect()
    }

    /// Fails if a target or another relevant file has an absolute path.
    pub(crate) fn check_relative(&self) -> Result<(), Diagnostic> {
        self.absolute.as_ref().map_or(Ok(()), |key| Err(absolute_path(&self.file, key)))
    }

    fn targets(&self) -> impl Iterator<Item = (&'static str, &TomlTarget)> {
        let TomlManifest { lib, bin, test, example, bench, .. } = &*self.toml;
        let lists = [("bin", bin), ("test", test), ("example", example), ("bench", bench)];
        let lists = lists.into_iter().flat_map(|(kind, targets)| targets.iter().flatten().map(move |one| (kind, one)));
        lib.iter().map(|lib| ("lib", lib)).chain(lists)
    }

    /// Whether the target uses rustc's test harness, which `cargo metadata` does not report. `kind` is the target's
    /// table.
    pub fn has_harness(&self, kind: &'static str, name: &str) -> bool {
        let is_it = |of: &'static str, target: &TomlTarget| {
            of == kind && (kind == "lib" || target.name.as_deref() == Some(name))
        };
        !self.targets().any(|(of, target)| is_it(of, target) && target.harness == Some(false))
    }

    /// The lints of `[lints]`.
    pub fn lints(&self) -> Option<Lints> {
        self.toml.lints.as_ref().map(|lints| match lints.workspace {
            true => Lints::Workspace,
            false => Lints::Own(lint_flags(&lints.lints)),
        })
    }

    /// A key that makes cargo build the package for another platform than the requested one.
    pub fn unsupported_key(&self) -> Option<&'static str> {
        let package = self.package()?;
        let keys = [("forced-target", &package.forced_target), ("default-target", &package.default_target)];
        keys.into_iter().find(|(_, value)| value.is_some()).map(|(key, _)| key)
    }

    /// The value of `resolver`, if it is set.
    pub(crate) fn resolver(&self) -> Result<Option<ResolverBehavior>, Diagnostic> {
        let workspace = self.workspace().and_then(|workspace| workspace.resolver.as_deref());
        match workspace.or(self.package().and_then(|package| package.resolver.as_deref())) {
            None => Ok(None),
            Some("1") => Ok(Some(ResolverBehavior::V1)),
            Some("2" | "3") => Ok(Some(ResolverBehavior::V2)),
            Some(other) => {
                let message = format!("unknown `resolver = \"{other}\"` in the workspace manifest");
                Err(Diagnostic::new("unknown-resolver", message)
                    .at(self.file.as_str())
                    .help("run `cargo check` for details"))
            }
        }
    }

    pub(crate) fn profiles(&self) -> BTreeMap<String, TomlProfile> {
        let profiles = self.toml.profile.iter().flat_map(|profiles| profiles.get_all());
        profiles.map(|(name, profile)| (name.to_string(), profile.clone())).collect()
    }

    /// The flags of `[workspace.lints]` for rustc.
    pub(crate) fn workspace_lints(&self) -> Vec<String> {
        self.workspace().and_then(|workspace| workspace.lints.as_ref()).map(lint_flags).unwrap_or_default()
    }
}

/// Keys whose values are paths, except those of targets.
const PATHS: [&str; 6] = [
    "package.build",
    "package.license-file",
    "package.readme",
    "package.workspace",
    "workspace.package.license-file",
    "workspace.package.readme",
];

/// The value of a dotted key; names with dots are not supported.
pub(crate) fn value_of<'a>(table: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let first = table.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// The first key with an absolute path, with its value.
fn absolute(manifest: &Map<String, Value>) -> Option<String> {
    let value = |key: &str| value_of(manifest, key).map(|value| (key.to_owned(), value));
    let lists = ["bin", "test", "example", "bench"].into_iter().flat_map(|kind| {
        let targets = manifest.get(kind).and_then(Value::as_array).into_iter().flatten();
        targets.filter_map(move |target| {
            let name = target.get("name").and_then(Value::as_str).unwrap_or_default();
            Some((format!("{kind}.{name}.path"), target.get("path")?))
        })
    });
    let mut all = PATHS.into_iter().chain(["lib.path"]).filter_map(value).chain(lists);
    all.find_map(|(key, path)| {
        path.as_str().filter(|path| path.starts_with('/')).map(|path| format!("{key} = \"{path}\""))
    })
}

/// The error for an absolute path of a file or package.
pub(crate) fn absolute_path(file: &WsPath, key: &str) -> Diagnostic {
    let message = format!("`{key}` of `{file}` is absolute, so it would point elsewhere on another machine");
    let help = "write it relative to the directory of that file";
    Diagnostic::new("absolute-path", message).at(file.as_str()).help(help)
}

/// All dependencies with their keys; `true` for dev-dependencies.
fn dependencies(toml: &TomlManifest) -> impl Iterator<Item = (&str, &InheritableDependency, bool)> {
    let own =
        [(toml.dependencies.as_ref(), false), (toml.build_dependencies(), false), (toml.dev_dependencies(), true)];
    let platforms = toml.target.iter().flatten().flat_map(|(_, platform)| {
        let tables = [platform.dependencies.as_ref(), platform.build_dependencies(), platform.dev_dependencies()];
        tables.into_iter().zip([false, false, true])
    });
    let tables = own.into_iter().chain(platforms);
    tables.flat_map(|(table, is_dev)| {
        table.into_iter().flatten().map(move |(name, dependency)| (name.as_str(), dependency, is_dev))
    })
}

fn path_of(dependency: &TomlDependency) -> Option<&str> {
    match dependency {
        TomlDependency::Simple(_) => None,
        TomlDependency::Detailed(dependency) => dependency.path.as_deref(),
    }
}

/// The lint flags for rustc, as cargo's `lints_to_rustflags` (`src/cargo/util/toml/mod.rs`) makes them.
fn lint_flags(lints: &TomlLints) -> Vec<String> {
    let mut flags: Vec<(i8, Reverse<&String>, String)> = Vec::new();
    for (tool, lints) in lints.iter().filter(|(tool, _)| *tool != "cargo") {
        for (name, lint) in lints {
            let level = match lint.level() {
                TomlLintLevel::Forbid => "--forbid",
                TomlLintLevel::Deny => "--deny",
                TomlLintLevel::Warn => "--warn",
                TomlLintLevel::Allow => "--allow",
            };
            let tool = if tool == "rust" { String::new() } else { format!("{tool}::") };
            flags.push((lint.priority(), Reverse(name), format!("{level}={tool}{name}")));
        }
    }
    flags.sort();
    let mut flags: Vec<String> = flags.into_iter().map(|(_, _, flag)| flag).collect();
    let unexpected = lints.get("rust").and_then(|lints| lints.get("unexpected_cfgs"));
    if let Some(TomlLint::Config(config)) = unexpected {
        let cfgs = config.config.get("check-cfg").and_then(|cfgs| cfgs.as_array()).into_iter().flatten();
        flags.extend(cfgs.filter_map(|cfg| cfg.as_str()).flat_map(|cfg| ["--check-cfg".to_owned(), cfg.to_owned()]));
    }
    flags
}

#[cfg(test)]
mod tests {
    use cratewright_staleness::Observer;

    use super::*;

    fn parse(text: &str) -> Manifest {
        let files = BTreeMap::from([("Cargo.toml".to_owned(), text.to_owned())]);
        Manifest::parse(&Observer::new(&files).manifest(&WsPath::ROOT).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn harnesses_and_lints_are_read() {
        let manifest = parse(
            "[package]\nname = 'a'\n[lib]\nharness = false\n[[test]]\nname = 'it'\nharness = false\n[[test]]\nname = 'b'",
        );
        assert!(!manifest.has_harness("lib", "a") && !manifest.has_harness("test", "it"));
        assert!(manifest.has_harness("test", "b") && manifest.has_harness("bin", "it"));
        assert_eq!(manifest.lints(), None);
        assert_eq!(parse("lints.workspace = true").lints(), Some(Lints::Workspace));
    }

    /// JSON, which the keys that matter are compared as, has no such numbers.
    #[test]
    fn other_tools_may_have_numbers_that_are_infinite() {
        assert!(parse("[package]\nname = 'a'\nmetadata.x = { a = inf, b = [nan] }").package().is_some());
    }

    #[test]
    fn lint_flags_are_in_cargos_order() {
        let text = "[lints.rust]\nunsafe_code = 'forbid'\nunexpected_cfgs = { level = 'warn', check-cfg = ['cfg(a)'] }\n\
                    [lints.clippy]\nall = { level = 'warn', priority = -1 }\nunwrap_used = 'deny'\n[lints.cargo]\nx = 'warn'";
        let flags =
            ["--warn=clippy::all", "--deny=clippy::unwrap_used", "--forbid=unsafe_code", "--warn=unexpected_cfgs"];
        let mut flags = flags.map(str::to_owned).to_vec();
        flags.extend(["--check-cfg", "cfg(a)"].map(str::to_owned));
        assert_eq!(parse(text).lints(), Some(Lints::Own(flags)));
    }
}
