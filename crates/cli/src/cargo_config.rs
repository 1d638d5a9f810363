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
const IGNORED: [(&str, &str); 5] = [
    ("build.rustc", "pass a builder with that toolchain as `buildRustCrateForPkgs`"),
    ("build.rustc-wrapper", "pass a builder whose rustc is wrapped as `buildRustCrateForPkgs`"),
    ("build.rustc-workspace-wrapper", "pass a builder whose rustc is wrapped as `buildRustCrateForPkgs`"),
    ("build.target", "name the platform in `targets` or `cross` of [workspace.metadata.cratewright]"),
    ("build.rustdocflags", "documentation is made without them"),
];

/// Wrappers of rustc that change nothing of what it makes: caches.
const CACHES: [&str; 4] = ["buildcache", "cachepot", "ccache", "sccache"];

/// Options of `-C` whose value rustc takes apart at spaces, with the option that takes one of those words (`parse_list` in
/// `compiler/rustc_session/src/options.rs`).
const LISTS: [(&str, &str); 4] =
    [("link-args", "link-arg"), ("llvm-args", "llvm-args"), ("passes", "passes"), ("remark", "remark")];

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

    /// The same for nixpkgs' builder, which takes lists apart at spaces, and takes the rest for patterns of file names.
    ///
    /// # Errors
    /// With the flag that cannot be passed on.
    pub(crate) fn rustflags_for_nix(&self, platform: &Platform) -> Result<Vec<String>, String> {
        let flags = one_by_one(self.rustflags(platform));
        let is_split = |flag: &&String| flag.contains([' ', '\t', '\n', '*', '?', '[', ']']);
        match flags.iter().find(is_split) {
            Some(flag) => Err(flag.clone()),
            None => Ok(flags),
        }
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

    /// What is said here for one of these platforms and not followed.
    pub(crate) fn ignored(&self, platforms: &[Platform]) -> Vec<String> {
        let keys = IGNORED.iter().filter(|(key, _)| match self.get(key) {
            None => false,
            Some(value) if *key == "build.target" => {
                let is_resolved = |triple: &String| platforms.iter().any(|platform| platform.triple == *triple);
                !texts(Some(value)).iter().all(is_resolved)
            }
            Some(wrapper) if key.ends_with("wrapper") => !texts(Some(wrapper)).iter().all(|path| is_cache(path)),
            Some(_) => true,
        });
        let mut ignored: Vec<String> = keys.map(|(key, what)| format!("`{key}` is not followed: {what}")).collect();
        let is_for = |name: &str, platform: &Platform| {
            name == platform.triple || name.parse::<Expression>().is_ok_and(|target| platform.matches(&target))
        };
        for (name, target) in self.targets() {
            if !platforms.iter().any(|platform| is_for(name, platform)) {
                continue;
            }
            let mut ignore =
                |key: &str, why: &str| ignored.push(format!("`target.{name}.{key}` is not followed: {why}"));
            for (key, value) in target {
                match key.as_str() {
                    "linker" => ignore(key, "programs are linked by the C compiler of stdenv"),
                    "runner" => ignore(key, "tests are run as they are"),
                    "rustdocflags" => ignore(key, "documentation is made without them"),
                    _ if value.is_table() => ignore(key, "build scripts are run, whatever stands for them"),
                    _ => {}
                }
            }
        }
        ignored
    }
}

fn is_cache(wrapper: &str) -> bool {
    let name = Path::new(wrapper).file_stem().unwrap_or_default();
    wrapper.is_empty() || CACHES.iter().any(|cache| name == *cache)
}

/// Flags with each word of a list given by itself: `-C link-args=A B` is `-C link-arg=A -C link-arg=B`.
fn one_by_one(flags: Vec<String>) -> Vec<String> {
    let mut single: Vec<String> = Vec::new();
    for flag in flags {
        let begin = ["--codegen=", "-C"].into_iter().find(|begin| flag.starts_with(begin) && flag != *begin);
        let is_value = begin.is_none() && single.last().is_some_and(|last| last == "-C" || last == "--codegen");
        let (begin, option) = match begin {
            Some(begin) => (begin, &flag[begin.len()..]),
            None if is_value => ("", flag.as_str()),
            None => {
                single.push(flag);
                continue;
            }
        };
        let list = option.split_once('=').filter(|(_, words)| words.contains(char::is_whitespace));
        let list = list.and_then(|(name, words)| {
            let (_, of_one) = LISTS.iter().find(|(list, _)| name.replace('_', "-") == *list)?;
            Some((of_one, words))
        });
        let Some((of_one, words)) = list else {
            single.push(flag);
            continue;
        };
        let dash = if is_value { single.pop() } else { None };
        for word in words.split_whitespace() {
            single.extend(dash.clone());
            single.push(format!("{begin}{of_one}={word}"));
        }
    }
    single
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
    fn lists_are_passed_on_word_by_word() {
        let passed = |flags: &str| config(&format!("[build]\nrustflags = {flags}")).rustflags_for_nix(&linux());
        let words = |flags: &[&str]| Ok(flags.iter().map(|flag| (*flag).to_owned()).collect());
        assert_eq!(
            passed("['-C', 'link-args=-weak_framework Metal', '-Dwarnings']"),
            words(&["-C", "link-arg=-weak_framework", "-C", "link-arg=Metal", "-Dwarnings"])
        );
        assert_eq!(passed("['-Clink-args= -a  -b ']"), words(&["-Clink-arg=-a", "-Clink-arg=-b"]));
        assert_eq!(
            passed("['--codegen=llvm_args=-a -b', '--codegen', 'link-args=  ']"),
            words(&["--codegen=llvm-args=-a", "--codegen=llvm-args=-b"])
        );
        assert_eq!(
            passed("['-C', 'target-cpu=native', '-C', 'link-args=-a']"),
            words(&["-C", "target-cpu=native", "-C", "link-args=-a"])
        );
        for flag in ["--cfg=a=\"b c\"", "-L/my dir", "-Clink-args=-a *.o", "-Clink-arg=a b"] {
            let refused = passed(&format!("['{flag}']")).unwrap_err();
            assert!(flag.ends_with(refused.rsplit('=').next().unwrap()), "{flag}: {refused}");
        }
    }

    #[test]
    fn what_is_not_followed_is_said_of_platforms_that_are_resolved() {
        let ignored = |text: &str| config(text).ignored(&[linux()]);
        let text = "[build]\ntarget = 'x'\n[target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\nrunner = 'qemu'\n\
                    [target.x86_64-unknown-linux-gnu.foo]\nrustc-cfg = []\n[target.'cfg(unix)']\nrustdocflags = ['-Da']";
        let said = ignored(text);
        assert_eq!(said.len(), 5, "{said:?}");
        assert!(said[0].contains("`build.target`"), "{said:?}");
        assert!(said.iter().any(|line| line.contains("`target.x86_64-unknown-linux-gnu.linker`")), "{said:?}");
        for text in [
            "[target.x86_64-pc-windows-msvc]\nlinker = 'rust-lld.exe'\nrunner = 'wine'",
            "[target.'cfg(windows)']\nlinker = 'rust-lld.exe'",
            "[build]\nincremental = false\ntarget = ['x86_64-unknown-linux-gnu']\nrustc-wrapper = '/usr/bin/sccache'",
        ] {
            assert!(ignored(text).is_empty(), "{text}");
        }
        assert_eq!(ignored("[build]\nrustc-wrapper = 'tools/own.sh'").len(), 1);
    }
}
