//! `[profile]` of the manifest as an attribute set that `nix-lib/profiles.nix` reads. Names are the manifest's.

use std::fmt::Write;

use cratewright_resolver::{NamedProfile, PackageGraph, Settings, Source};

use crate::merge::Merged;
use crate::nix;

/// The set, or nothing where the manifest has no profile.
pub(crate) fn profiles(packages: &PackageGraph, merged: &Merged) -> Option<String> {
    let declared = packages.profiles.declared(packages);
    let mut text = String::new();
    for profile in &declared {
        let _ = write!(text, "{} = {{ {} }};", nix::attribute(&profile.name), body(profile, packages, merged));
    }
    (!declared.is_empty()).then(|| format!("{{ {text} }}"))
}

fn body(profile: &NamedProfile, packages: &PackageGraph, merged: &Merged) -> String {
    let mut text = String::new();
    if profile.name != profile.root {
        let _ = write!(text, "inherits = {};", nix::string(profile.root));
    }
    text.push_str(&settings(&profile.own));
    if let Some(host) = &profile.build_override {
        let _ = write!(text, "build-override = {{ {} }};", settings(host));
    }
    let mut below = String::new();
    if let Some(others) = &profile.others {
        let _ = write!(below, "\"*\" = {{ {} }};", settings(others));
    }
    let mut of_packages: Vec<(String, String)> = Vec::new();
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
    for (id, settings) in of_packages {
        let _ = write!(below, "{} = {{ {settings} }};", nix::attribute(&id));
    }
    if !below.is_empty() {
        let _ = write!(text, "package = {{ {below} }};");
    }
    text
}

fn settings(settings: &Settings) -> String {
    let text = |value: &Option<String>| value.as_deref().map(nix::string);
    let flag = |value: Option<bool>| value.map(|value| value.to_string());
    let values = [
        ("opt-level", text(&settings.opt_level)),
        ("debug", text(&settings.debug)),
        ("split-debuginfo", text(&settings.split_debuginfo)),
        ("strip", text(&settings.strip)),
        ("debug-assertions", flag(settings.debug_assertions)),
        ("overflow-checks", flag(settings.overflow_checks)),
        ("lto", text(&settings.lto)),
        ("panic", text(&settings.panic)),
        ("codegen-units", settings.codegen_units.map(|units| units.to_string())),
        ("rpath", flag(settings.rpath)),
    ];
    let set = values.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name} = {value};")));
    set.collect()
}
