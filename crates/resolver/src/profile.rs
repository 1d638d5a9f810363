//! Profiles: rustc's options other than features and dependencies.
//!
//! Follows `src/cargo/core/profiles.rs` of cargo: defaults, then `[profile.<name>]` with the profiles it inherits from,
//! then `build-override` for the host side, then `package."*"`, then `package.<spec>`. Cargo's own schema parses the
//! tables. `incremental` is left out, because Nix always builds a crate from scratch.

use std::collections::BTreeMap;
use std::fmt;

use cargo_util_schemas::manifest::{ProfilePackageSpec, StringOrBool, TomlDebugInfo, TomlProfile};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_workspace::matches_spec;
use serde::Serialize;

use crate::package::Package;

/// The default profile of `Cargo.nix`, as in nixpkgs' builder.
pub const DEFAULT_PROFILE: &str = "release";

/// The options that a unit is compiled with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// Value of `-C opt-level`.
    pub opt_level: String,
    /// Value of `lto` in the manifest: `false`, `true`, `off`, `thin`, `fat`.
    pub lto: String,
    /// Value of `-C codegen-units`; `None` is rustc's default.
    pub codegen_units: Option<u32>,
    /// Value of `-C debuginfo`.
    pub debug: String,
    /// Value of `-C split-debuginfo`; `None` is rustc's default.
    pub split_debuginfo: Option<String>,
    /// Value of `-C debug-assertions`.
    pub debug_assertions: bool,
    /// Value of `-C overflow-checks`.
    pub overflow_checks: bool,
    /// Value of `-C rpath`.
    pub rpath: bool,
    /// Value of `-C panic`.
    pub panic: String,
    /// Value of `-C strip`.
    pub strip: String,
}

impl Profile {
    /// Whether the unit has debug information.
    pub fn has_debug(&self) -> bool {
        self.debug != TomlDebugInfo::None.to_string()
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Profile { opt_level, lto, debug, debug_assertions, overflow_checks, rpath, panic, strip, .. } = self;
        write!(f, "opt-level {opt_level}, lto {lto}, ")?;
        if let Some(units) = self.codegen_units {
            write!(f, "codegen-units {units}, ")?;
        }
        write!(f, "debug {debug}, ")?;
        if let Some(split) = &self.split_debuginfo {
            write!(f, "split-debuginfo {split}, ")?;
        }
        write!(
            f,
            "debug-assertions {debug_assertions}, overflow-checks {overflow_checks}, rpath {rpath}, panic {panic}, strip {strip}"
        )
    }
}

/// The keys that one table of a profile sets, with values as in a [`Profile`].
struct Settings {
    opt_level: Option<String>,
    lto: Option<String>,
    codegen_units: Option<u32>,
    debug: Option<String>,
    split_debuginfo: Option<String>,
    debug_assertions: Option<bool>,
    overflow_checks: Option<bool>,
    rpath: Option<bool>,
    panic: Option<String>,
    strip: Option<String>,
}

/// The profiles of the root manifest and cargo's predefined ones.
#[derive(Debug, Clone)]
pub struct Profiles {
    /// Each profile merged with those it inherits from, without defaults.
    merged: BTreeMap<String, (Root, TomlProfile)>,
    /// Each profile's own table.
    tables: BTreeMap<String, TomlProfile>,
    /// Names of profiles with a table in the manifest.
    declared: Vec<String>,
}

/// The two root profiles; every profile inherits from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Dev,
    Release,
}

/// Cargo's predefined profiles with their root.
const PREDEFINED: [(&str, Root); 4] =
    [("dev", Root::Dev), ("release", Root::Release), ("test", Root::Dev), ("bench", Root::Release)];

impl Root {
    fn name(self) -> &'static str {
        match self {
            Root::Dev => "dev",
            Root::Release => "release",
        }
    }
}

/// The profiles of a manifest without `[profile]`.
impl Default for Profiles {
    fn default() -> Self {
        let merged = PREDEFINED.map(|(name, root)| (name.to_owned(), (root, TomlProfile::default())));
        Profiles { merged: merged.into(), tables: BTreeMap::new(), declared: Vec::new() }
    }
}

impl Profiles {
    /// Merges the tables of the root manifest with the predefined profiles.
    pub(crate) fn new(mut tables: BTreeMap<String, TomlProfile>) -> Result<Self, Diagnostic> {
        let declared = tables.keys().cloned().collect();
        for (name, root) in PREDEFINED {
            let table = tables.entry(name.to_owned()).or_default();
            if name != root.name() {
                table.inherits.get_or_insert_with(|| root.name().to_owned());
            }
        }
        let merged = tables.keys().map(|name| Ok((name.clone(), merge(&tables, name, &mut Vec::new())?)));
        let merged = merged.collect::<Result<_, _>>()?;
        Ok(Profiles { merged, tables, declared })
    }

    /// Whether the profile exists.
    pub fn contains(&self, name: &str) -> bool {
        self.merged.contains_key(name)
    }

    /// Names of all profiles, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.merged.keys().map(String::as_str)
    }

    /// A message for each key of a profile that has no effect.
    pub fn ignored(&self) -> Vec<String> {
        let mut ignored = Vec::new();
        for name in &self.declared {
            let table = &self.merged[name].1;
            let below = table.build_override.as_deref().map(|table| (".build-override".to_owned(), table));
            let packages = table.package.iter().flatten().map(|(spec, table)| (format!(".package.{spec}"), table));
            for (place, table) in std::iter::once((String::new(), table)).chain(below).chain(packages) {
                if let Some(split) = table.split_debuginfo.as_deref().filter(|&split| split != "off") {
                    ignored.push(format!(
                        "`profile.{name}{place}.split-debuginfo = \"{split}\"` leaves the debug information in files that \
                         nixpkgs' builder does not install"
                    ));
                }
            }
        }
        ignored
    }

    /// Whether `panic` is not `unwind`, so that tests need separate builds.
    pub(crate) fn aborts(&self, name: &str) -> bool {
        self.merged.get(name).and_then(|(_, table)| table.panic.as_deref()).is_some_and(|panic| panic != "unwind")
    }

    /// Names of profiles with a table in the manifest, in byte order.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().map(String::as_str)
    }

    /// Name of the root profile that it inherits from: `dev` or `release`.
    pub fn root(&self, name: &str) -> &'static str {
        self.merged.get(name).map_or(Root::Release, |(root, _)| *root).name()
    }

    /// The profile that it directly inherits from; `None` for a root profile.
    pub fn parent(&self, name: &str) -> Option<&str> {
        self.tables.get(name)?.inherits.as_deref()
    }

    /// Keys in a profile's own table and in its `build-override`.
    pub fn keys(&self, name: &str) -> [Vec<&'static str>; 2] {
        let table = self.tables.get(name);
        let host = table.and_then(|table| table.build_override.as_deref());
        [table, host].map(|table| table.map(|table| Settings::of(table).keys()).unwrap_or_default())
    }

    /// Keys in a profile's tables for a package. Only the last table's `strip` has an effect, see `apply`.
    pub fn package_keys(&self, name: &str, package: Option<&Package>, is_member: bool) -> Vec<&'static str> {
        let Some((_, table)) = self.merged.get(name) else { return Vec::new() };
        let tables = package_tables(table, package, is_member);
        let mut keys: Vec<&str> = Vec::new();
        for table in tables {
            keys.retain(|key| *key != "strip");
            keys.extend(Settings::of(table).keys());
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Whether the profile has a table for this package by name.
    pub fn overrides(&self, name: &str, package: &Package) -> bool {
        let tables = self.merged.get(name).into_iter().flat_map(|(_, table)| table.package.iter().flatten());
        tables.map(|(spec, _)| spec).any(|spec| is_of(spec, package))
    }

    /// Whether any profile enables LTO. Tables for single packages cannot have `lto`.
    pub fn has_lto(&self) -> bool {
        let lto = |(_, table): &(Root, TomlProfile)| Settings::of(table).lto;
        self.merged.values().filter_map(lto).any(|lto| !matches!(lto.as_str(), "false" | "off"))
    }

    /// The profile of a unit of `package`, or of a package without a table of its own. An unknown profile name is
    /// treated as an empty profile that inherits from `release`.
    pub fn of(&self, package: Option<&Package>, is_member: bool, request: ProfileRequest<'_>) -> Profile {
        let empty = (Root::Release, TomlProfile::default());
        let (root, table) = self.merged.get(request.profile).unwrap_or(&empty);
        let mut profile = defaults(*root);
        let mut strip = apply(&mut profile, Settings::of(table));
        let is_host = request.unit_for == UnitFor::Host;
        if is_host {
            profile.opt_level = "0".to_owned();
            profile.codegen_units = None;
        }
        let mut is_deferred = is_host && request.is_native;
        let host = table.build_override.as_deref().filter(|_| is_host);
        for table in host.into_iter().chain(package_tables(table, package, is_member)) {
            strip = apply(&mut profile, Settings::of(table));
            is_deferred &= table.debug.is_none();
        }
        if request.unit_for != UnitFor::Normal {
            profile.panic = "unwind".to_owned();
        }
        if profile.has_debug() && profile.split_debuginfo.is_none() && request.target.contains("-apple-") {
            profile.split_debuginfo = Some("unpacked".to_owned());
        }
        profile.strip = match strip {
            Some(strip) => strip,
            None if !profile.has_debug() && !request.with_debug => "debuginfo".to_owned(),
            None => "none".to_owned(),
        };
        // `strip` and `split-debuginfo` above depend on the value before this change.
        if is_deferred {
            profile.debug = TomlDebugInfo::None.to_string();
        }
        profile
    }
}

/// How a unit uses its profile: cargo's `UnitFor` (`src/cargo/core/profiles.rs`), reduced to the relevant cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitFor {
    /// As in the manifest.
    Normal,
    /// With `panic = "unwind"`: tests and their dependencies, and a selected proc-macro.
    AlwaysUnwind,
    /// With `build-override` and `panic = "unwind"`: build scripts, proc-macros, and their dependencies.
    Host,
}

/// Everything except the package that decides a unit's profile.
#[derive(Debug, Clone, Copy)]
pub struct ProfileRequest<'a> {
    /// Name of the profile.
    pub profile: &'a str,
    /// How the unit uses it.
    pub unit_for: UnitFor,
    /// Target triple that it is compiled for.
    pub target: &'a str,
    /// Whether any of its dependencies has debug information.
    pub with_debug: bool,
    /// Whether host and target are the same platform. Then units that only run on the host have no debug information,
    /// unless a table sets `debug` for them.
    pub is_native: bool,
}

fn merge(
    tables: &BTreeMap<String, TomlProfile>,
    name: &str,
    seen: &mut Vec<String>,
) -> Result<(Root, TomlProfile), Diagnostic> {
    let invalid = |message: String| {
        let place = "in the workspace manifest or cargo's configuration";
        Diagnostic::new("invalid-profile", format!("profile `{name}` {place}: {message}"))
            .at("Cargo.toml")
            .help("correct `[profile]`; run `cargo build` for details")
    };
    let table = tables.get(name).ok_or_else(|| invalid("it is not defined".to_owned()))?;
    if let Some(key) = unstable_key(table) {
        return Err(invalid(format!("`{key}` is not supported, as it requires an unstable cargo")));
    }
    let root = match name {
        "dev" => Some(Root::Dev),
        "release" => Some(Root::Release),
        _ => None,
    };
    match (root, &table.inherits) {
        (Some(root), None) => Ok((root, table.clone())),
        (Some(_), Some(_)) => Err(invalid("a root profile cannot have `inherits`".to_owned())),
        (None, None) => Err(invalid("it has no `inherits`".to_owned())
            .help(format!("add `inherits = \"release\"` or another profile to `[profile.{name}]`"))),
        (None, Some(inherits)) => {
            seen.push(name.to_owned());
            if seen.contains(inherits) {
                return Err(invalid(format!("it inherits from `{inherits}`, which inherits from it")));
            }
            let (root, mut merged) = merge(tables, inherits, seen)?;
            merged.merge(table);
            Ok((root, merged))
        }
    }
}

/// A key that requires an unstable cargo and changes the build.
fn unstable_key(table: &TomlProfile) -> Option<&'static str> {
    let own = [
        ("rustflags", table.rustflags.is_some()),
        ("codegen-backend", table.codegen_backend.is_some()),
        ("trim-paths", table.trim_paths.is_some()),
    ];
    let below = table.package.iter().flat_map(BTreeMap::values).chain(table.build_override.as_deref());
    let used = own.into_iter().find(|(_, used)| *used).map(|(key, _)| key);
    used.or_else(|| below.filter_map(unstable_key).next())
}

/// The defaults of a root profile. The default of `strip` depends on the dependencies and is set later.
fn defaults(root: Root) -> Profile {
    let dev = root == Root::Dev;
    let debug = if dev { TomlDebugInfo::Full } else { TomlDebugInfo::None };
    Profile {
        opt_level: if dev { "0" } else { "3" }.to_owned(),
        lto: "false".to_owned(),
        codegen_units: None,
        debug: debug.to_string(),
        split_debuginfo: None,
        debug_assertions: dev,
        overflow_checks: dev,
        rpath: false,
        panic: "unwind".to_owned(),
        strip: String::new(),
    }
}

impl Settings {
    fn of(table: &TomlProfile) -> Self {
        Settings {
            opt_level: table.opt_level.as_ref().map(|level| level.0.clone()),
            lto: table.lto.as_ref().map(|lto| match lto {
                StringOrBool::Bool(lto) => lto.to_string(),
                // Cargo's `is_off`.
                StringOrBool::String(lto) if matches!(lto.as_str(), "off" | "n" | "no" | "none") => "off".to_owned(),
                StringOrBool::String(lto) => lto.clone(),
            }),
            codegen_units: table.codegen_units,
            debug: table.debug.as_ref().map(TomlDebugInfo::to_string),
            split_debuginfo: table.split_debuginfo.clone(),
            debug_assertions: table.debug_assertions,
            overflow_checks: table.overflow_checks,
            rpath: table.rpath,
            panic: table.panic.clone(),
            strip: table.strip.as_ref().map(|strip| match strip {
                StringOrBool::Bool(true) => "symbols".to_owned(),
                StringOrBool::Bool(false) => "none".to_owned(),
                StringOrBool::String(what) => what.clone(),
            }),
        }
    }
}

impl Settings {
    /// Names of the keys that are set.
    fn keys(&self) -> Vec<&'static str> {
        let all = [
            ("codegen-units", self.codegen_units.is_some()),
            ("debug", self.debug.is_some()),
            ("debug-assertions", self.debug_assertions.is_some()),
            ("lto", self.lto.is_some()),
            ("opt-level", self.opt_level.is_some()),
            ("overflow-checks", self.overflow_checks.is_some()),
            ("panic", self.panic.is_some()),
            ("rpath", self.rpath.is_some()),
            ("split-debuginfo", self.split_debuginfo.is_some()),
            ("strip", self.strip.is_some()),
        ];
        all.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
    }
}

/// Applies a table and returns its `strip`: unlike other keys, it is not inherited from the previous table, as in
/// cargo's `merge_profile`.
fn apply(profile: &mut Profile, settings: Settings) -> Option<String> {
    fn set<T>(value: &mut T, said: Option<T>) {
        if let Some(said) = said {
            *value = said;
        }
    }
    set(&mut profile.opt_level, settings.opt_level);
    set(&mut profile.lto, settings.lto);
    set(&mut profile.debug, settings.debug);
    set(&mut profile.debug_assertions, settings.debug_assertions);
    set(&mut profile.overflow_checks, settings.overflow_checks);
    set(&mut profile.rpath, settings.rpath);
    set(&mut profile.panic, settings.panic);
    profile.codegen_units = settings.codegen_units.or(profile.codegen_units);
    profile.split_debuginfo = settings.split_debuginfo.or_else(|| profile.split_debuginfo.take());
    settings.strip
}

/// A profile's tables that apply to a package, in increasing precedence.
fn package_tables<'a>(
    table: &'a TomlProfile,
    package: Option<&'a Package>,
    is_member: bool,
) -> impl Iterator<Item = &'a TomlProfile> {
    let overrides = table.package.iter().flatten();
    let all = overrides.clone().filter(move |(spec, _)| !is_member && **spec == ProfilePackageSpec::All);
    let own = overrides.filter(move |(spec, _)| package.is_some_and(|package| is_of(spec, package)));
    all.chain(own).map(|(_, table)| table)
}

fn is_of(spec: &ProfilePackageSpec, package: &Package) -> bool {
    matches!(spec, ProfilePackageSpec::Spec(spec) if matches_spec(spec, &package.name, &package.version, &package.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratewright_staleness::Observer;
    use cratewright_workspace::Workspace;

    fn profiles(files: &[(&str, &str)]) -> Result<Profiles, Diagnostic> {
        let files: BTreeMap<_, _> = files.iter().map(|&(file, text)| (file.to_owned(), text.to_owned())).collect();
        Profiles::new(Workspace::discover(&Observer::new(&files))?.profiles()?)
    }

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        assert_eq!(profiles(&[("Cargo.toml", text)]).unwrap_err().to_string(), expected);
    }

    #[test]
    fn configuration_takes_precedence_over_the_manifest() {
        let manifest = ("Cargo.toml", "[profile.release]\nlto = true\npanic = 'abort'");
        let config = "[profile.dist]\ninherits = 'dev'\nopt-level = 2\n[profile.release]\nlto = 'thin'";
        let profiles_of = |config| profiles(&[manifest, (".cargo/config.toml", config)]);
        let profiles = profiles_of(config).unwrap();
        assert!(profiles.contains("dist") && profiles.aborts("release"));
        let table = &profiles.merged["release"].1;
        assert_eq!(Settings::of(table).lto.as_deref(), Some("thin"));
        let unknown = profiles_of("[profile.dist]\nopt-level = []").unwrap_err();
        assert!(unknown.to_string().starts_with("profile `dist`"), "{unknown}");
    }

    #[test]
    fn ignored_profile_keys_are_reported() {
        let text = "[profile.dev]\nincremental = true\n[profile.dev.package.a]\nsplit-debuginfo = 'packed'\n\
                    [profile.release]\nincremental = false\nsplit-debuginfo = 'off'";
        let ignored = profiles(&[("Cargo.toml", text)]).unwrap().ignored();
        assert_eq!(ignored.len(), 1, "{ignored:?}");
        assert!(ignored[0].contains("`profile.dev.package.a.split"));
    }

    #[test]
    fn invalid_profiles_are_errors() {
        check_refused(
            "[profile.a]\ninherits = 'b'\n[profile.b]\ninherits = 'a'",
            "profile `b` in the workspace manifest or cargo's configuration: it inherits from `a`, which inherits from it",
        );
        check_refused(
            "[profile.a]\ninherits = 'b'",
            "profile `b` in the workspace manifest or cargo's configuration: it is not defined",
        );
        check_refused(
            "[profile.dev.package.a]\ncodegen-backend = 'cranelift'",
            "profile `dev` in the workspace manifest or cargo's configuration: `codegen-backend` is not supported, as it requires an unstable cargo",
        );
        check_refused(
            "[profile.a]\nlto = true",
            "profile `a` in the workspace manifest or cargo's configuration: it has no `inherits`",
        );
        check_refused(
            "[profile.release]\ninherits = 'dev'",
            "profile `release` in the workspace manifest or cargo's configuration: a root profile cannot have `inherits`",
        );
    }
}
