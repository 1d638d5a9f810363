//! The settings of a profile for a derivation, as `nix-lib/library/compilation.nix` computes them.

use std::collections::BTreeMap;

use cratewright_graph::Side;
use cratewright_resolver::PackageGraph;

use crate::merged::Merged;
use crate::nix::Nix;
use crate::profiles::{Settings, Table, special};

/// Settings of all packages with one profile, for the target and for the host each.
pub(super) struct Compilation {
    plain: [Looked; 2],
    /// Packages that are not local.
    others: [Looked; 2],
    own: BTreeMap<String, [Looked; 2]>,
    /// Whether a native pair has one build of a package for host and target.
    pub(super) shares_host: bool,
    /// Whether tests need separate builds, because tests and their dependencies unwind.
    pub(super) aborts: bool,
}

/// Settings by their name in Nix.
#[derive(Clone)]
struct Looked {
    attributes: BTreeMap<String, Nix>,
    has_debug: bool,
}

impl Looked {
    fn new(settings: &Settings) -> Self {
        let attributes = settings.attributes().into_iter().filter_map(|one| Some((one.name?, one.value)));
        Looked { attributes: attributes.collect(), has_debug: settings.profile.has_debug() }
    }

    fn attribute(&self, name: &str) -> Option<&Nix> {
        self.attributes.get(name)
    }

    /// The value on a native or other pair.
    fn on(&self, is_native: bool, name: &str) -> Option<&Nix> {
        let on_native = self.attribute("onNative").filter(|_| is_native);
        on_native.and_then(|set| attribute_of(set, name)).or_else(|| self.attribute(name))
    }

    fn strip(&self, links_debug: bool) -> Option<&Nix> {
        let keeps = self.attribute("keepsDebugBelow") == Some(&Nix::word("true"));
        self.attribute("strip").filter(|_| !(keeps && links_debug))
    }
}

/// The properties of a derivation that its settings depend on.
pub(super) struct Compiled<'a> {
    /// Key of the package's first entry.
    pub(super) key: &'a str,
    pub(super) is_local: bool,
    pub(super) is_macro: bool,
    pub(super) has_script: bool,
    pub(super) has_programs: bool,
    /// Attribute `lto` of the entry.
    pub(super) lto: Option<&'a str>,
    pub(super) side: Side,
    /// For a test suite: whether it compiles the library of a proc-macro, and whether it compiles other targets.
    pub(super) tested: Option<[bool; 2]>,
    pub(super) is_native: bool,
    /// Whether host and target are Apple platforms.
    pub(super) apple: [bool; 2],
    /// Whether its dependencies, and those of its build script, have debug information.
    pub(super) links_debug: [bool; 2],
}

impl Compilation {
    pub(super) fn new(packages: &PackageGraph, merged: &Merged, profile: &str) -> Self {
        let special = special(profile, packages, merged);
        let table = Table::new(&packages.profiles, profile, &special);
        let shares_host = table.shares_host();
        let Table { plain, special, .. } = table;
        let looked = |settings: &[Settings; 2]| settings.each_ref().map(Looked::new);
        let own: BTreeMap<String, [Looked; 2]> =
            special.iter().map(|(one, settings)| (one.key.clone(), looked(settings))).collect();
        let plain = looked(&plain);
        Compilation {
            others: own["*"].clone(),
            aborts: plain[0].attribute("panic") != Some(&Nix::List(Vec::new())),
            shares_host,
            plain,
            own,
        }
    }

    fn of(&self, key: &str, is_local: bool) -> &[Looked; 2] {
        self.own.get(key).unwrap_or(if is_local { &self.plain } else { &self.others })
    }

    /// Whether it has debug information, which settings of its dependents depend on.
    pub(super) fn has_debug(&self, compiled: &Compiled<'_>) -> bool {
        self.of(compiled.key, compiled.is_local)[compiled.sides()[0]].has_debug
    }

    /// All settings that affect the derivation, as a string to compare.
    pub(super) fn text(&self, compiled: &Compiled<'_>) -> String {
        let settings = self.of(compiled.key, compiled.is_local);
        let [side, script] = compiled.sides().map(|side| &settings[side]);
        let apple = compiled.apple;
        let [own_apple, links_debug] =
            [if compiled.side == Side::Host { apple[0] } else { apple[1] }, compiled.links_debug[0]];
        let mut text = String::new();
        let mut say = |name: &str, value: Option<&Nix>| {
            let value = value.filter(|value| !matches!(value, Nix::List(items) if items.is_empty()));
            text.extend(value.map(|value| format!("{name} {}", value.print())));
        };
        let is_native = compiled.is_native;
        for name in ["release", "codegen-units", "flags"] {
            say(name, side.on(is_native, name));
        }
        say("panic", side.attribute("panic").filter(|_| compiled.side == Side::Target && compiled.tested.is_none()));
        say("apple", side.attribute("appleFlags").filter(|_| own_apple));
        say("strip", side.strip(links_debug));
        let lto = if compiled.is_macro { script.attribute("lto") } else { side.attribute("lto") };
        let of_library = side.attribute("libraryLto").filter(|_| !compiled.is_macro);
        let of_library = of_library.and_then(|set| attribute_of(set, compiled.lto.unwrap_or("bitcode")));
        let is_apart = compiled.has_programs && of_library.is_some();
        match compiled.tested {
            None => say("library lto", of_library.or(lto)),
            Some([library_of_macro, others]) => {
                say("builder", side.attribute("builderFlags"));
                say("lto of the macro", script.attribute("lto").filter(|_| library_of_macro));
                say("lto", side.attribute("lto").filter(|_| others));
            }
        }
        say("program lto", side.attribute("lto").filter(|_| is_apart));
        if compiled.has_script {
            for name in ["opt-level", "debug", "debug-assertions"] {
                say(name, side.on(is_native, name));
            }
            for name in ["flags", "lto", "codegen-units"] {
                say(&format!("script {name}"), script.on(is_native, name));
            }
            say("script apple", script.attribute("appleFlags").filter(|_| apple[0]));
            say("script strip", script.strip(compiled.links_debug[1]));
        }
        text
    }
}

impl Compiled<'_> {
    /// Index of the settings for the crate and for its build script. A proc-macro uses those of the host except for its
    /// own tests.
    fn sides(&self) -> [usize; 2] {
        let is_for_compiler =
            self.side == Side::Host || self.is_macro && self.side == Side::Target && self.tested.is_none();
        [usize::from(is_for_compiler), 1]
    }
}

fn attribute_of<'a>(set: &'a Nix, name: &str) -> Option<&'a Nix> {
    let Nix::Set(bindings) = set else { return None };
    bindings.iter().find(|one| one.name.as_deref() == Some(name)).map(|one| &one.value)
}
