//! Resolved profiles, as a table in which `nix-lib/library/compilation.nix` looks up settings by profile, side and
//! package. Settings are relative to the library's `release` or `dev`, so only changes are listed. The flags for rustc
//! exclude those that nixpkgs' builder passes itself.

use std::collections::BTreeMap;

use cratewright_resolver::{Package, PackageGraph, Profile, ProfileRequest, Profiles, Source, UnitFor};

use crate::merged::Merged;
use crate::nix::{Binding, Nix};

/// The sides of a build. Dependencies of tests use the settings of the target, except for `panic`.
const SIDES: [(&str, UnitFor); 2] = [("target", UnitFor::Normal), ("host", UnitFor::Host)];

/// Profiles distinguish only Apple platforms from others.
const APPLE: &str = "aarch64-apple-darwin";
const ELSEWHERE: &str = "x86_64-unknown-linux-gnu";

/// The set of profiles; `None` if the manifest has none.
pub(crate) fn profiles(packages: &PackageGraph, merged: &Merged) -> Option<Nix> {
    let render = |name: &str| {
        let special = special(name, packages, merged);
        let default = Profiles::default();
        let base = Table::new(&default, packages.profiles.root(name), &[]);
        Table::new(&packages.profiles, name, &special).render(Some(&base))
    };
    let all: Vec<Binding> = packages.profiles.declared().map(|name| Binding::new(name, render(name))).collect();
    (!all.is_empty()).then_some(Nix::Set(all))
}

/// A package, or group of packages, with settings of its own.
pub(crate) struct Special<'a> {
    /// Key in `compilation.nix`.
    pub(crate) key: String,
    /// The package; `None` for `*`, which is all packages that are not local.
    package: Option<&'a Package>,
    is_member: bool,
    is_local: bool,
}

pub(crate) fn special<'a>(profile: &str, packages: &'a PackageGraph, merged: &Merged) -> Vec<Special<'a>> {
    let others = Special { key: "*".to_owned(), package: None, is_member: false, is_local: true };
    let mut all = BTreeMap::from([(others.key.clone(), others)]);
    for ix in merged.entries.iter().map(|entry| entry.package) {
        let package = &packages[ix];
        let (is_member, is_local) = (packages.members.contains(&ix), matches!(package.source, Source::Local { .. }));
        // In cargo, `*` stands for all packages that are not members.
        if packages.profiles.overrides(profile, package) || is_local && !is_member {
            let key = merged.first_key(packages, ix);
            all.insert(key.clone(), Special { key, package: Some(package), is_member, is_local });
        }
    }
    all.into_values().collect()
}

/// The settings of a profile by side: the default ones, and those of special packages.
pub(crate) struct Table<'a> {
    profiles: &'a Profiles,
    name: &'a str,
    root: &'static str,
    pub(crate) plain: [Settings; 2],
    pub(crate) special: Vec<(&'a Special<'a>, [Settings; 2])>,
}

impl<'a> Table<'a> {
    pub(crate) fn new(profiles: &'a Profiles, name: &'a str, special: &'a [Special<'a>]) -> Self {
        let root = profiles.root(name);
        let of = |package: Option<&Package>, is_member: bool| {
            SIDES.map(|(_, unit_for)| {
                let request =
                    ProfileRequest { profile: name, unit_for, target: ELSEWHERE, with_debug: false, is_native: false };
                Settings::new(root == "release", request, |request| profiles.of(package, is_member, request))
            })
        };
        let mut plain = of(None, true);
        let mut special: Vec<_> = special.iter().map(|one| (one, of(one.package, one.is_member))).collect();
        let all = || plain.iter().chain(special.iter().flat_map(|(_, settings)| settings));
        if !all().any(|settings| settings.profile.has_debug()) {
            // Then no dependency has debug information either.
            let all = plain.iter_mut().chain(special.iter_mut().flat_map(|(_, settings)| settings));
            all.for_each(|settings| settings.keeps_debug_below = false);
        }
        Table { profiles, name, root, plain, special }
    }

    /// Whether a native pair has one build of a package for host and target.
    pub(crate) fn shares_host(&self) -> bool {
        let [target, host] = &self.plain;
        *target == (Settings { native_debug: host.profile.debug.clone(), ..host.clone() })
    }

    /// All settings, or those that differ from `base`.
    fn render(&self, base: Option<&Table<'_>>) -> Nix {
        let mut all = Vec::new();
        if base.is_some() && self.root == "dev" {
            all.push(Binding::new("inherits", Nix::text(self.root)));
        }
        let parent = self.profiles.parent(self.name).filter(|parent| base.is_some() && *parent != self.root);
        all.extend(parent.map(|parent| Binding::new("parent", Nix::text(parent))));
        let keys = self.profiles.keys(self.name);
        let keys = SIDES.iter().zip(keys).filter(|(_, keys)| !keys.is_empty());
        let keys: Vec<Binding> = keys.map(|((side, _), keys)| Binding::new(*side, Nix::texts(keys))).collect();
        if !keys.is_empty() {
            all.push(Binding::new("keys", Nix::Set(keys)));
        }
        if self.shares_host() {
            all.push(Binding::new("sharesHost", Nix::word("true")));
        }
        for (ix, (side, _)) in SIDES.iter().enumerate() {
            all.push(Binding::new(*side, self.plain[ix].unlike(base.map(|base| &base.plain[ix]))));
        }
        let of_package = |(one, settings): &(&Special<'_>, [Settings; 2])| {
            let keys = self.profiles.package_keys(self.name, one.package, one.is_member);
            let own = settings.iter().zip(&self.plain).map(|(settings, plain)| settings.unlike(Some(plain)));
            let sides = SIDES.iter().zip(own).map(|((side, _), own)| Binding::new(*side, own));
            let keys = (!keys.is_empty()).then(|| Binding::new("keys", Nix::texts(keys)));
            let sides = sides.filter(|side| side.value != Nix::Set(Vec::new()));
            Nix::Set(keys.into_iter().chain(sides).collect())
        };
        let own: Vec<Nix> = self.special.iter().map(of_package).collect();
        // The settings that apply if the package has no key of its own.
        let otherwise = |one: &Special<'_>| if one.is_local { Nix::Set(Vec::new()) } else { own[0].clone() };
        let packages = self.special.iter().zip(&own).filter(|((one, _), own)| **own != otherwise(one));
        let packages: Vec<Binding> = packages.map(|((one, _), own)| Binding::new(&one.key, own.clone())).collect();
        if !packages.is_empty() {
            all.push(Binding::new("package", Nix::Set(packages)));
        }
        Nix::Set(all)
    }
}

/// The settings of a unit.
#[derive(Clone, PartialEq)]
pub(crate) struct Settings {
    /// Argument `release` of nixpkgs' builder.
    release: bool,
    /// The profile if no dependency has debug information.
    pub(crate) profile: Profile,
    /// Value of `debug` on a native pair.
    native_debug: String,
    /// Value of `split-debuginfo` on Apple platforms.
    apple_split: Option<String>,
    /// Whether nothing is stripped if a dependency has debug information.
    keeps_debug_below: bool,
}

impl Settings {
    fn new(release: bool, request: ProfileRequest<'_>, of: impl Fn(ProfileRequest<'_>) -> Profile) -> Self {
        let mut profile = of(request);
        // Rustc's default without incremental compilation.
        profile.codegen_units.get_or_insert(16);
        if request.unit_for == UnitFor::Host {
            // LTO is only for units of the target.
            profile.lto = "false".to_owned();
        }
        let native_debug = of(ProfileRequest { is_native: true, ..request }).debug;
        let apple_split = of(ProfileRequest { target: APPLE, ..request }).split_debuginfo;
        let keeps_debug_below = of(ProfileRequest { with_debug: true, ..request }).strip != profile.strip;
        Settings { release, profile, native_debug, apple_split, keeps_debug_below }
    }

    /// The attributes that differ from those of `base`.
    fn unlike(&self, base: Option<&Settings>) -> Nix {
        let all = self.attributes();
        let Some(base) = base else { return Nix::Set(all) };
        let changed = base.attributes().into_iter().zip(all).filter(|(base, own)| base != own);
        Nix::Set(changed.map(|(_, own)| own).collect())
    }

    /// All attributes.
    pub(crate) fn attributes(&self) -> Vec<Binding> {
        let Settings { release, profile, native_debug, apple_split, .. } = self;
        let flag = |value: bool| Nix::word(value.to_string());
        let list = |flags: Vec<String>| Nix::texts(flags);
        let mut on_native = Vec::new();
        if *native_debug != profile.debug {
            on_native.push(Binding::new("debug", flag(false)));
            on_native.push(Binding::new("flags", list(self.flags(native_debug))));
        }
        let apple_split = apple_split.iter().filter(|_| profile.split_debuginfo.is_none());
        let panic = Some(&profile.panic).filter(|panic| *panic != "unwind");
        let strip = Some(&profile.strip).filter(|strip| *strip != "none");
        vec![
            Binding::new("release", flag(*release)),
            Binding::new("builderFlags", list(levels(RUSTC, builder(*release)))),
            Binding::new("opt-level", Nix::text(&profile.opt_level)),
            Binding::new("debug", flag(profile.has_debug())),
            Binding::new("debug-assertions", flag(profile.debug_assertions)),
            Binding::new("overflow-checks", flag(profile.overflow_checks)),
            Binding::new("codegen-units", Nix::word(profile.codegen_units.unwrap_or_default().to_string())),
            Binding::new("flags", list(self.flags(&profile.debug))),
            Binding::new("appleFlags", list(apple_split.map(|split| format!("-C split-debuginfo={split}")).collect())),
            Binding::new("panic", list(panic.map(|panic| format!("-C panic={panic}")).into_iter().collect())),
            Binding::new("strip", list(strip.map(|strip| format!("-C strip={strip}")).into_iter().collect())),
            Binding::new("keepsDebugBelow", flag(self.keeps_debug_below)),
            Binding::new("lto", list(lto(&profile.lto))),
            Binding::new("libraryLto", library_lto(&profile.lto)),
            Binding::new("onNative", Nix::Set(on_native)),
        ]
    }

    /// Flags that depend only on the profile. Like cargo, it leaves out rustc's defaults.
    fn flags(&self, debug: &str) -> Vec<String> {
        let Profile { opt_level, split_debuginfo, debug_assertions, overflow_checks, rpath, .. } = &self.profile;
        let on_off = |name: &str, value: bool| format!("-C {name}={}", if value { "on" } else { "off" });
        let mut flags = levels(builder(self.release), (opt_level, debug));
        flags.extend(
            split_debuginfo.iter().filter(|_| debug != RUSTC.1).map(|split| format!("-C split-debuginfo={split}")),
        );
        // The defaults follow `opt-level` and `debug-assertions`.
        let defaults = [(opt_level == "0", *debug_assertions), (*debug_assertions, *overflow_checks)];
        for (name, (default, value)) in ["debug-assertions", "overflow-checks"].into_iter().zip(defaults) {
            flags.extend((value != default).then(|| on_off(name, value)));
        }
        flags.extend(rpath.then(|| "-C rpath".to_owned()));
        flags
    }
}

/// Rustc's defaults of `opt-level` and `debug`.
const RUSTC: (&str, &str) = ("0", "0");

/// The values of `opt-level` and `debug` in nixpkgs' builder, by its argument `release`.
fn builder(release: bool) -> (&'static str, &'static str) {
    if release { ("3", RUSTC.1) } else { (RUSTC.0, "2") }
}

/// The flags that are needed if `passed` are the current values.
fn levels(passed: (&str, &str), (opt_level, debug): (&str, &str)) -> Vec<String> {
    let opt_level = (opt_level != passed.0).then(|| format!("-C opt-level={opt_level}"));
    opt_level.into_iter().chain((debug != passed.1).then(|| format!("-C debuginfo={debug}"))).collect()
}

/// Cargo's `lto_args` for programs, and for libraries that are linked into none.
fn lto(lto: &str) -> Vec<String> {
    let flags = match lto {
        "false" => vec!["-C embed-bitcode=no"],
        "off" => vec!["-C lto=off", "-C embed-bitcode=no"],
        "true" => vec!["-C lto"],
        lto => return vec![format!("-C lto={lto}")],
    };
    flags.into_iter().map(str::to_owned).collect()
}

/// Cargo's `lto_args` for other libraries with LTO, by attribute `lto` of an entry. The builder has one list of flags
/// for a library and the programs of its package; `undo` reverts the flags for the programs.
fn library_lto(lto: &str) -> Nix {
    if matches!(lto, "false" | "off") {
        return Nix::Set(Vec::new());
    }
    let list = |name: &str, flags: &[&str]| Binding::new(name, Nix::texts(flags));
    Nix::Set(vec![
        list("bitcode", &["-C linker-plugin-lto"]),
        list("object", &["-C embed-bitcode=no"]),
        list("both", &[]),
        list("undo", &["-C linker-plugin-lto=no"]),
    ])
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test compares and writes files of the library")]
mod tests {
    use std::{env, fs};

    use super::*;

    const HEADER: &str = "\
# Cargo's predefined profiles, which all others are based on. Written by a test in crates/renderer/src/profiles.rs.
";

    #[test]
    fn library_has_the_default_profiles() {
        let profiles = Profiles::default();
        let render = |name: &str| match profiles.root(name) {
            root if root != name => Nix::text(root),
            root => Table::new(&profiles, root, &[]).render(None),
        };
        let all = profiles.names().map(|name| Binding::new(name, render(name)));
        let text = Nix::Function("_:".into(), Box::new(Nix::Set(all.collect()))).print();
        let text = format!("{HEADER}{text}");
        check_file("default-profiles", &text);
    }

    #[test]
    fn library_has_the_flags_for_lto() {
        let flags_of = |name| {
            let attributes = [("lto", Nix::texts(lto(name))), ("libraryLto", library_lto(name))];
            Nix::Set(attributes.map(|(name, value)| Binding::new(name, value)).into())
        };
        // The values in a variable of cargo's configuration and in a profile.
        let values = ["false", "true", "off", "n", "no", "none", "thin", "fat"];
        let all = values.map(|value| {
            Binding::new(value, flags_of(if matches!(value, "n" | "no" | "none") { "off" } else { value }))
        });
        let text = Nix::Function("_:".into(), Box::new(Nix::Set(all.into()))).print();
        let header = "# Rustc's flags for each value of `lto` in a profile. Written by a test in crates/renderer/src/profiles.rs.\n";
        check_file("lto-flags", &format!("{header}{text}"));
    }

    #[track_caller]
    fn check_file(part: &str, text: &str) {
        let text = nixfmt_rs::format(text).unwrap();
        let path = format!("{}/../../nix-lib/library/{part}.nix", env!("CARGO_MANIFEST_DIR"));
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text);
    }
}
