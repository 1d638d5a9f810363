//! `[profile]` of the manifest as an attribute set that `nix-lib/profiles.nix` reads. Names are the manifest's.

use cratewright_resolver::{NamedProfile, PackageGraph, Settings, Source};

use crate::merged::Merged;
use crate::nix::{Binding, Nix};

/// The set, or nothing where the manifest has no profile.
pub(crate) fn profiles(packages: &PackageGraph, merged: &Merged) -> Option<Nix> {
    let declared = packages.profiles.declared(packages);
    let all: Vec<Binding> =
        declared.iter().map(|profile| Binding::new(&profile.name, body(profile, packages, merged))).collect();
    (!all.is_empty()).then_some(Nix::Set(all))
}

fn body(profile: &NamedProfile, packages: &PackageGraph, merged: &Merged) -> Nix {
    let mut all = Vec::new();
    if profile.name != profile.root {
        all.push(Binding::new("inherits", Nix::text(profile.root)));
    }
    all.extend(settings(&profile.own));
    if let Some(host) = &profile.build_override {
        all.push(Binding::new("build-override", Nix::Set(settings(host))));
    }
    let mut of_packages: Vec<(String, Vec<Binding>)> = Vec::new();
    for entry in &merged.entries {
        let package = &packages.graph[entry.package];
        let own = profile.packages.get(&entry.package);
        // `"*"` is for packages with no directory of their own, of which nearly all are members.
        let is_other = matches!(package.source, Source::Local { .. }) && !packages.members.contains(&entry.package);
        let others = profile.others.as_ref().filter(|_| is_other);
        let mut merged_settings = others.cloned();
        if let Some(own) = own {
            merged_settings.get_or_insert_default().extend(own);
        }
        let Some(all) = merged_settings else { continue };
        let twin = merged.twins.get(&entry.package).map(|twin| format!(" ({twin})")).unwrap_or_default();
        of_packages.push((format!("{}@{}{twin}", package.name, package.version), settings(&all)));
    }
    of_packages.sort();
    of_packages.dedup();
    let others = profile.others.iter().map(|others| ("*".to_owned(), settings(others)));
    let below: Vec<Binding> =
        others.chain(of_packages).map(|(id, settings)| Binding::new(id, Nix::Set(settings))).collect();
    if !below.is_empty() {
        all.push(Binding::new("package", Nix::Set(below)));
    }
    Nix::Set(all)
}

fn settings(settings: &Settings) -> Vec<Binding> {
    let text = |value: &Option<String>| value.as_deref().map(Nix::text);
    let flag = |value: Option<bool>| value.map(|value| Nix::word(value.to_string()));
    let values = [
        ("opt-level", text(&settings.opt_level)),
        ("debug", text(&settings.debug)),
        ("split-debuginfo", text(&settings.split_debuginfo)),
        ("strip", text(&settings.strip)),
        ("debug-assertions", flag(settings.debug_assertions)),
        ("overflow-checks", flag(settings.overflow_checks)),
        ("lto", text(&settings.lto)),
        ("panic", text(&settings.panic)),
        ("codegen-units", settings.codegen_units.map(|units| Nix::word(units.to_string()))),
        ("rpath", flag(settings.rpath)),
    ];
    values.into_iter().filter_map(|(name, value)| value.map(|value| Binding::new(name, value))).collect()
}
