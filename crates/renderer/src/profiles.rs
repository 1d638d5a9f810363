//! Profiles, resolved, as a table that `nix-lib/library/compilation.nix` looks settings up in: by profile, by side, and for
//! packages that have others. Settings are relative to those of the library's `release` or `dev`, so that a table of the
//! manifest becomes what it changes. Rustc's flags are those beside what nixpkgs' builder passes by itself.

use std::collections::BTreeMap;

use cratewright_resolver::{Package, PackageGraph, Profile, ProfileRequest, Profiles, Source, UnitFor};

use crate::merged::Merged;
use crate::nix::{Binding, Nix};

/// The sides of a build. What tests link is for the target as well, but for `panic`.
const SIDES: [(&str, UnitFor); 2] = [("target", UnitFor::Normal), ("host", UnitFor::Host)];

/// A platform of Apple's and another one: profiles look at nothing else of a triple.
const APPLE: &str = "aarch64-apple-darwin";
const ELSEWHERE: &str = "x86_64-unknown-linux-gnu";

/// The set, or nothing where the manifest has no profile.
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

/// What `package` of a profile is about.
pub(crate) struct Special<'a> {
    /// As `compilation.nix` calls it.
    pub(crate) key: String,
    /// Nothing for `*`, which is all that have no directory of their own.
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
        // To cargo, `*` is all that are no members.
        if packages.profiles.overrides(profile, package) || is_local && !is_member {
            let key = merged.first_key(packages, ix);
            all.insert(key.clone(), Special { key, package: Some(package), is_member, is_local });
        }
    }
    all.into_values().collect()
}

/// One profile: settings by side, of packages of which nothing special is said and of those that are special.
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
            // So there is none below.
            let all = plain.iter_mut().chain(special.iter_mut().flat_map(|(_, settings)| settings));
            all.for_each(|settings| settings.keeps_debug_below = false);
        }
        Table { profiles, name, root, plain, special }
    }

    /// Whether one build serves host and target where both are one platform.
    pub(crate) fn shares_host(&self) -> bool {
        let [target, host] = &self.plain;
        *target == (Settings { native_debug: host.profile.debug.clone(), ..host.clone() })
    }

    /// All there is to say, or what is not as in `base`.
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
        // What is found where there is nothing by the package's name.
        let otherwise = |one: &Special<'_>| if one.is_local { Nix::Set(Vec::new()) } else { own[0].clone() };
        let packages = self.special.iter().zip(&own).filter(|((one, _), own)| **own != otherwise(one));
        let packages: Vec<Binding> = packages.map(|((one, _), own)| Binding::new(&one.key, own.clone())).collect();
        if !packages.is_empty() {
            all.push(Binding::new("package", Nix::Set(packages)));
        }
        Nix::Set(all)
    }
}

/// All that is said of one unit.
#[derive(Clone, PartialEq)]
pub(crate) struct Settings {
    /// What the builder is told.
    release: bool,
    /// With nothing below that has debug information.
    pub(crate) profile: Profile,
    /// `debug` where host and target are built as one.
    native_debug: String,
    /// `split-debuginfo` on Apple's platforms.
    apple_split: Option<String>,
    /// Whether nothing is stripped if there is debug information below.
    keeps_debug_below: bool,
}

impl Settings {
    fn new(release: bool, request: ProfileRequest<'_>, of: impl Fn(ProfileRequest<'_>) -> Profile) -> Self {
        let mut profile = of(request);
        // Rustc's own number, where it does not compile incrementally.
        profile.codegen_units.get_or_insert(16);
        if request.unit_for == UnitFor::Host {
            // It is for what runs on the target.
            profile.lto = "false".to_owned();
        }
        let native_debug = of(ProfileRequest { is_native: true, ..request }).debug;
        let apple_split = of(ProfileRequest { target: APPLE, ..request }).split_debuginfo;
        let keeps_debug_below = of(ProfileRequest { with_debug: true, ..request }).strip != profile.strip;
        Settings { release, profile, native_debug, apple_split, keeps_debug_below }
    }

    /// As attributes, those that are others than in `base`.
    fn unlike(&self, base: Option<&Settings>) -> Nix {
        let all = self.attributes();
        let Some(base) = base else { return Nix::Set(all) };
        let changed = base.attributes().into_iter().zip(all).filter(|(base, own)| base != own);
        Nix::Set(changed.map(|(_, own)| own).collect())
    }

    /// All of them, by name.
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

    /// Cargo passes what differs from rustc's defaults: here what does not depend on more than the profile.
    fn flags(&self, debug: &str) -> Vec<String> {
        let Profile { opt_level, split_debuginfo, debug_assertions, overflow_checks, rpath, .. } = &self.profile;
        let on_off = |name: &str, value: bool| format!("-C {name}={}", if value { "on" } else { "off" });
        let mut flags = levels(builder(self.release), (opt_level, debug));
        flags.extend(
            split_debuginfo.iter().filter(|_| debug != RUSTC.1).map(|split| format!("-C split-debuginfo={split}")),
        );
        // By default as `opt-level` is, and as `debug-assertions` are.
        let defaults = [(opt_level == "0", *debug_assertions), (*debug_assertions, *overflow_checks)];
        for (name, (default, value)) in ["debug-assertions", "overflow-checks"].into_iter().zip(defaults) {
            flags.extend((value != default).then(|| on_off(name, value)));
        }
        flags.extend(rpath.then(|| "-C rpath".to_owned()));
        flags
    }
}

/// `opt-level` and `debug` of rustc where nothing is passed.
const RUSTC: (&str, &str) = ("0", "0");

/// The same of nixpkgs' builder, by its `release`.
fn builder(release: bool) -> (&'static str, &'static str) {
    if release { ("3", RUSTC.1) } else { (RUSTC.0, "2") }
}

/// What is to be passed, if something else has passed `passed`.
fn levels(passed: (&str, &str), (opt_level, debug): (&str, &str)) -> Vec<String> {
    let opt_level = (opt_level != passed.0).then(|| format!("-C opt-level={opt_level}"));
    opt_level.into_iter().chain((debug != passed.1).then(|| format!("-C debuginfo={debug}"))).collect()
}

/// Cargo's `lto_args` of programs, and of libraries that are linked into none.
fn lto(lto: &str) -> Vec<String> {
    let flags = match lto {
        "false" => vec!["-C embed-bitcode=no"],
        "off" => vec!["-C lto=off", "-C embed-bitcode=no"],
        "true" => vec!["-C lto"],
        lto => return vec![format!("-C lto={lto}")],
    };
    flags.into_iter().map(str::to_owned).collect()
}

/// The same of other libraries where LTO is run, by `lto` of an entry. The builder has one list for a library and the programs
/// of its package: `undo` takes back what is not for these.
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
#[expect(clippy::disallowed_methods, reason = "it writes the file that the library has")]
mod tests {
    use std::{env, fs};

    use super::*;

    const HEADER: &str = "\
# Profiles as cargo has them: what all others are changes of. A test in crates/renderer/src/profiles.rs writes this file.
";

    #[test]
    fn the_library_has_the_profiles_of_a_manifest_without_any() {
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
    fn the_library_knows_what_lto_is_to_rustc() {
        let flags_of = |name| {
            let attributes = [("lto", Nix::texts(lto(name))), ("libraryLto", library_lto(name))];
            Nix::Set(attributes.map(|(name, value)| Binding::new(name, value)).into())
        };
        // As cargo reads it from a variable, and as a profile has it.
        let values = ["false", "true", "off", "n", "no", "none", "thin", "fat"];
        let all = values.map(|value| {
            Binding::new(value, flags_of(if matches!(value, "n" | "no" | "none") { "off" } else { value }))
        });
        let text = Nix::Function("_:".into(), Box::new(Nix::Set(all.into()))).print();
        let header =
            "# `lto` of profiles as flags of rustc. A test in crates/renderer/src/profiles.rs writes this file.\n";
        check_file("lto-flags", &format!("{header}{text}"));
    }

    #[track_caller]
    fn check_file(part: &str, text: &str) {
        let path = format!("{}/../../nix-lib/library/{part}.nix", env!("CARGO_MANIFEST_DIR"));
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, text).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), text);
    }
}
