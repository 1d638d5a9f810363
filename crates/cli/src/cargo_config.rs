//! The workspace's own `.cargo/config.toml`, with what it includes (cargo's book, "Configuration").
//!
//! Files above the workspace root and in cargo's home belong to a machine, not to the workspace, and are not read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cargo_platform::Platform as Expression;
use cratewright_renderer::CargoVariable;
use cratewright_resolver::Platform;
use cratewright_sources::tree::{join, parent};
use serde::Deserialize;
use toml::{Table, Value};

use crate::failure::Failure;

/// All files merged, as cargo does it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CargoConfig {
    table: Table,
}

/// `[env]`
#[derive(Deserialize)]
#[serde(untagged)]
enum Variable {
    Plain(String),
    Table {
        value: String,
        #[serde(default)]
        force: bool,
        #[serde(default)]
        relative: bool,
    },
}

/// Keys that say how cargo builds and that Nix does not follow, and what to do about it.
const IGNORED: [(&str, &str); 6] = [
    ("build.rustc", "pass a builder with that toolchain as `buildRustCrateForPkgs`"),
    ("build.rustc-wrapper", "Nix keeps what was built in its store"),
    ("build.rustc-workspace-wrapper", "Nix keeps what was built in its store"),
    ("build.target", "name the platform in `targets` or `cross` of [workspace.metadata.cratewright]"),
    ("build.rustdocflags", "documentation is made without them"),
    ("build.incremental", "Nix builds a crate whole or not at all"),
];

/// The files of a workspace: each before what it includes, and of several that are included the last first, so that what
/// comes earlier counts more. With each, its path from the root.
pub(crate) fn files(root: &Path) -> Vec<(String, Table)> {
    let first = [".cargo/config", ".cargo/config.toml"].into_iter().find(|file| root.join(file).is_file());
    let mut open: Vec<String> = first.map(str::to_owned).into_iter().collect();
    let mut files: Vec<(String, Table)> = Vec::new();
    while let Some(file) = open.pop() {
        if files.iter().any(|(seen, _)| *seen == file) {
            continue;
        }
        let text = fs::read_to_string(root.join(&file)).unwrap_or_default();
        // Cargo has read it, or will refuse it.
        let Ok(table) = text.parse::<Table>() else { continue };
        open.extend(texts(table.get("include")).iter().filter_map(|include| join(parent(&file), include)));
        files.push((file, table));
    }
    files
}

/// One text or a list of them, each by itself or as the `path` of a table.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().flat_map(|item| texts(Some(item))).collect(),
        Some(Value::Table(table)) => texts(table.get("path")),
        _ => Vec::new(),
    }
}

impl CargoConfig {
    pub(crate) fn read(root: &Path) -> Self {
        let mut merged = Table::new();
        for (file, mut table) in files(root).into_iter().rev() {
            make_relative(&mut table, parent(parent(&file)));
            merge(&mut merged, table);
        }
        CargoConfig { table: merged }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let first = self.table.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    fn targets(&self) -> impl Iterator<Item = (&String, &Table)> {
        let targets = self.table.get("target").and_then(Value::as_table).into_iter().flatten();
        targets.filter_map(|(name, target)| Some((name, target.as_table()?)))
    }

    /// Flags for everything that is compiled for a platform. Cargo's `rustflags_from_target` and `rustflags_from_build`
    /// (`src/cargo/core/compiler/build_context/target_info.rs`).
    pub(crate) fn rustflags(&self, platform: &Platform) -> Vec<String> {
        let by_triple = self.targets().filter(|(name, _)| **name == platform.triple);
        let by_cfg = self.targets().filter(|(name, _)| {
            name.starts_with("cfg(") && name.parse::<Expression>().is_ok_and(|cfg| platform.matches(&cfg))
        });
        let flags: Vec<String> =
            by_triple.chain(by_cfg).flat_map(|(_, target)| words(target.get("rustflags"))).collect();
        if flags.is_empty() { words(self.get("build.rustflags")) } else { flags }
    }

    /// `[profile]`, which counts more than that of the manifest.
    pub(crate) fn profiles(&self) -> Table {
        self.table.get("profile").and_then(Value::as_table).cloned().unwrap_or_default()
    }

    /// `[env]`
    ///
    /// # Errors
    /// When a value is of none of the forms that cargo reads, or a path that leads out of the workspace.
    pub(crate) fn environment(&self, root: &Path) -> Result<BTreeMap<String, CargoVariable>, Failure> {
        let table = self.table.get("env").and_then(Value::as_table).into_iter().flatten();
        let invalid = |name: &str, message: &str| {
            Failure::new("invalid-cargo-config", format!("`env.{name}` {message}"))
                .note("at", root.join(".cargo/config.toml").display().to_string())
        };
        let is_name = |name: &str| {
            !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric())
        };
        let variable = |(name, value): (&String, &Value)| {
            if !is_name(name) {
                return Err(invalid(name, "is no name of a variable that a shell can set")
                    .help("use letters, digits and underscores"));
            }
            let variable: Variable = value.clone().try_into().map_err(|_| {
                invalid(name, "is neither a text nor a table with `value`").help("see `[env]` in cargo's book")
            })?;
            let (value, force, is_path) = match variable {
                Variable::Plain(value) => (value, false, false),
                Variable::Table { value, force, relative } => (value, force, relative),
            };
            let value = if is_path && value == "." { String::new() } else { value };
            if is_path && (value.starts_with("../") || value == ".." || value.starts_with('/')) {
                return Err(invalid(name, "is a path that leads out of the workspace")
                    .help("put what it names into the workspace, or set the variable by an override of `\"*\"`"));
            }
            Ok((name.clone(), CargoVariable { value, force, is_path }))
        };
        table.map(variable).collect()
    }

    /// What is said here and not followed.
    pub(crate) fn ignored(&self) -> Vec<String> {
        let keys = IGNORED.iter().filter(|(key, _)| self.get(key).is_some());
        let mut ignored: Vec<String> = keys.map(|(key, what)| format!("`{key}` is not followed: {what}")).collect();
        for (name, target) in self.targets() {
            if target.contains_key("linker") {
                ignored.push(format!(
                    "`target.{name}.linker` is not followed: programs are linked by the C compiler of stdenv"
                ));
            }
            for links in target.iter().filter(|(_, value)| value.is_table()).map(|(links, _)| links) {
                ignored.push(format!(
                    "`target.{name}.{links}` is not followed: build scripts are run, whatever stands for them"
                ));
            }
            if target.contains_key("runner") {
                ignored.push(format!("`target.{name}.runner` is not followed: tests are run as they are"));
            }
        }
        ignored
    }
}

/// A text of words, or a list of them. Cargo's `StringList`.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        other => texts(other),
    }
}

/// Values of variables that are paths, seen from the directory `base`, as seen from the workspace root.
fn make_relative(table: &mut Table, base: &str) {
    let variables = table.get_mut("env").and_then(Value::as_table_mut).into_iter().flatten();
    for (_, variable) in variables {
        let is_path = variable.get("relative") == Some(&Value::Boolean(true));
        if let Some(Value::String(value)) = variable.get_mut("value").filter(|_| is_path) {
            *value = join(base, value).unwrap_or_else(|| value.clone());
        }
    }
}

/// Cargo's `ConfigValue::merge` (`src/cargo/util/context/mod.rs`): the upper counts, lists come after the lower ones.
fn merge(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(lower)), Value::Table(upper)) => merge(lower, upper),
            (Some(Value::Array(lower)), Value::Array(upper)) => lower.extend(upper),
            (_, value) => drop(lower.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> CargoConfig {
        CargoConfig { table: text.parse().unwrap() }
    }

    fn linux() -> Platform {
        Platform::parse("x86_64-unknown-linux-gnu", "unix\ntarget_os=\"linux\"").unwrap()
    }

    #[test]
    fn flags_of_targets_stand_in_the_place_of_those_of_all() {
        let both = "[build]\nrustflags = '-C a'\n[target.'cfg(unix)']\nrustflags = ['--cfg', 'b']\n\
                    [target.x86_64-unknown-linux-gnu]\nrustflags = '-Cc'\n[target.'cfg(windows)']\nrustflags = ['-Cd']";
        assert_eq!(config(both).rustflags(&linux()), ["-Cc", "--cfg", "b"]);
        assert_eq!(config("[build]\nrustflags = ['-C', 'a b']").rustflags(&linux()), ["-C", "a b"]);
        assert!(config("").rustflags(&linux()).is_empty());
    }

    #[test]
    fn what_includes_counts_more_than_what_is_included() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = scratch.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            ".cargo/config.toml",
            "include = ['a.toml', '../other/.cargo/b.toml']\n[build]\nrustflags = ['own']\n[env]\nA = 'own'",
        );
        write(".cargo/a.toml", "[build]\nrustflags = ['a']\n[env]\nA = 'a'\nB = 'a'");
        write(
            "other/.cargo/b.toml",
            "[build]\nrustflags = ['b']\n[env]\nB = { value = 'b', relative = true, force = true }",
        );
        let config = CargoConfig::read(scratch.path());
        assert_eq!(config.rustflags(&linux()), ["a", "b", "own"]);
        let environment = config.environment(scratch.path()).unwrap();
        let variable = |name: &str| &environment[name];
        assert_eq!(*variable("A"), CargoVariable { value: "own".into(), force: false, is_path: false });
        assert_eq!(*variable("B"), CargoVariable { value: "other/b".into(), force: true, is_path: true });
    }

    #[test]
    fn what_cannot_be_set_is_an_error() {
        for text in ["[env]\n'A-B' = 'x'", "[env]\nA = 1", "[env]\nA = { value = '../x', relative = true }"] {
            assert_eq!(config(text).environment(Path::new("/w")).unwrap_err().code, "invalid-cargo-config", "{text}");
        }
    }

    #[test]
    fn what_is_not_followed_is_said() {
        let ignored = config(
            "[build]\ntarget = 'x'\n[target.y]\nlinker = 'clang'\nrunner = 'qemu'\n[target.y.foo]\nrustc-cfg = []",
        )
        .ignored();
        assert_eq!(ignored.len(), 4, "{ignored:?}");
        assert!(ignored[0].contains("`build.target`") && ignored[1].contains("`target.y.linker`"), "{ignored:?}");
    }
}
