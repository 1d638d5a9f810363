//! What of a member's manifest `cargo metadata` does not print: `harness` of its targets, and `[lints]`.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use cargo_util_schemas::manifest::{TomlLint, TomlLintLevel, TomlLints};
use serde::Deserialize;

use crate::error::ResolveError;

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberManifest {
    /// Table and name of targets with `harness = false`; that of the library has no name.
    without_harness: BTreeSet<(&'static str, String)>,
    /// `[lints]`
    pub lints: Option<Lints>,
}

/// Which lints a package has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lints {
    /// Those of `[workspace.lints]`.
    Workspace,
    /// Flags for rustc.
    Own(Vec<String>),
}

#[derive(Deserialize)]
struct Raw {
    lib: Option<RawTarget>,
    #[serde(default)]
    bin: Vec<RawTarget>,
    #[serde(default)]
    test: Vec<RawTarget>,
    #[serde(default)]
    example: Vec<RawTarget>,
    #[serde(default)]
    bench: Vec<RawTarget>,
    lints: Option<RawLints>,
}

#[derive(Deserialize)]
struct RawTarget {
    name: Option<String>,
    harness: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawLints {
    Workspace { workspace: bool },
    Own(TomlLints),
}

impl MemberManifest {
    /// Reads the text of a member's `Cargo.toml`.
    ///
    /// # Errors
    /// When it is none that cargo would read.
    pub fn parse(text: &str) -> Result<Self, ResolveError> {
        let raw: Raw =
            toml::from_str(text).map_err(|error| ResolveError::InvalidManifest { message: error.to_string() })?;
        let tables = [("bin", raw.bin), ("test", raw.test), ("example", raw.example), ("bench", raw.bench)];
        let lib = raw.lib.map(|lib| ("lib", vec![RawTarget { name: None, ..lib }]));
        let without_harness = lib.into_iter().chain(tables).flat_map(|(kind, targets)| {
            let without = targets.into_iter().filter(|target| target.harness == Some(false));
            without.map(move |target| (kind, target.name.unwrap_or_default()))
        });
        let lints = raw.lints.map(|lints| match lints {
            RawLints::Workspace { workspace: true } => Lints::Workspace,
            RawLints::Workspace { workspace: false } => Lints::Own(Vec::new()),
            RawLints::Own(lints) => Lints::Own(lint_flags(&lints)),
        });
        Ok(MemberManifest { without_harness: without_harness.collect(), lints })
    }

    /// Whether rustc's test harness runs the target: `kind` is its table.
    pub fn has_harness(&self, kind: &'static str, name: &str) -> bool {
        !self.without_harness.contains(&(kind, if kind == "lib" { String::new() } else { name.to_owned() }))
    }
}

/// Cargo's `lints_to_rustflags` (`src/cargo/util/toml/mod.rs`).
pub(crate) fn lint_flags(lints: &TomlLints) -> Vec<String> {
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
    use super::*;

    #[test]
    fn what_cargo_metadata_does_not_say_is_read() {
        let manifest = MemberManifest::parse(
            "[package]\nname = 'a'\n[lib]\nharness = false\n[[test]]\nname = 'it'\nharness = false\n[[test]]\nname = 'b'",
        )
        .unwrap();
        assert!(!manifest.has_harness("lib", "a") && !manifest.has_harness("test", "it"));
        assert!(manifest.has_harness("test", "b") && manifest.has_harness("bin", "it"));
        assert_eq!(manifest.lints, None);
        assert_eq!(MemberManifest::parse("lints.workspace = true").unwrap().lints, Some(Lints::Workspace));
    }

    #[test]
    fn lints_are_in_cargos_order() {
        let text = "[lints.rust]\nunsafe_code = 'forbid'\nunexpected_cfgs = { level = 'warn', check-cfg = ['cfg(a)'] }\n\
                    [lints.clippy]\nall = { level = 'warn', priority = -1 }\nunwrap_used = 'deny'\n[lints.cargo]\nx = 'warn'";
        let flags =
            ["--warn=clippy::all", "--deny=clippy::unwrap_used", "--forbid=unsafe_code", "--warn=unexpected_cfgs"];
        let mut flags = flags.map(str::to_owned).to_vec();
        flags.extend(["--check-cfg", "cfg(a)"].map(str::to_owned));
        assert_eq!(MemberManifest::parse(text).unwrap().lints, Some(Lints::Own(flags)));
    }
}
