//! The table of what `cargo test` adds to members: dev-dependencies, and targets. `nix-lib/checks.nix` reads it.

use cratewright_resolver::{FeatureIx, Lints, Package, PackageGraph, Target};

use crate::entry::{Attributes, Lists, dependency_lists, edition_of};
use crate::guards::Guards;
use crate::merge::{Entry, EntryIx, MemberTests, Merged};
use crate::nix::{Binding, Nix};

/// `name = { ... };` for each member that has anything to test.
pub(crate) fn tests(packages: &PackageGraph, merged: &Merged, guards: &mut Guards) -> Vec<Binding> {
    let name = |tests: &MemberTests| packages.graph[tests.package].name.clone();
    merged.tests.iter().map(|tests| Binding::new(name(tests), member(packages, merged, tests, guards))).collect()
}

fn member(packages: &PackageGraph, merged: &Merged, tests: &MemberTests, guards: &mut Guards) -> Nix {
    let package = &packages.graph[tests.package];
    let mut attributes = Attributes::default();
    let unit = &merged.entries[tests.unit].key;
    attributes.text("unit", unit);
    if tests.has_library {
        let table = if package.proc_macro { "host" } else { "units" };
        attributes.push("library", Nix::Select(table, unit.clone()));
    }
    let known: Vec<String> = package.feature_names().map(str::to_owned).collect();
    attributes.texts("knownFeatures", &known);
    match &package.lints {
        None => {}
        Some(Lints::Workspace) if packages.lints.is_empty() => {}
        Some(Lints::Workspace) => attributes.push("lints", Nix::word("workspaceLints")),
        Some(Lints::Own(flags)) => attributes.texts("lints", flags),
    }
    if let Some(entry) = tests.target.map(|entry| &merged.entries[entry]) {
        let mut lists = Lists { entry, guards, attributes };
        lists.add("features", |_, content| features(package, &content.features));
        dependency_lists(packages, merged, &mut lists, false);
        lists.add("targets", |pair, _| targets(package, entry, pair));
        attributes = lists.attributes;
    }
    if let Some(host) = tests.host {
        attributes.push("macro", of_macro(packages, merged, package, host, guards));
    }
    attributes.set()
}

/// The library of a proc-macro, which is tested where it runs.
fn of_macro(
    packages: &PackageGraph,
    merged: &Merged,
    package: &Package,
    entry: EntryIx,
    guards: &mut Guards,
) -> Nix {
    let entry = &merged.entries[entry];
    let mut lists = Lists { entry, guards, attributes: Attributes::default() };
    lists.add("features", |_, content| features(package, &content.features));
    dependency_lists(packages, merged, &mut lists, true);
    lists.add("targets", |_, _| package.lib.iter().map(|lib| target(package, "lib", lib)).collect());
    lists.attributes.set()
}

fn features(package: &Package, features: &[FeatureIx]) -> Vec<Nix> {
    features.iter().map(|&feature| Nix::text(package.feature_name(feature))).collect()
}

fn targets(package: &Package, entry: &Entry, pair: usize) -> Vec<Nix> {
    let render = |kind| move |one: &Target| target(package, kind, one);
    let mut all: Vec<Nix> = package.lib.iter().filter(|_| !package.proc_macro).map(render("lib")).collect();
    let bins = entry.bins.get(&pair).into_iter().flatten();
    all.extend(bins.map(|&bin| &package.bins[bin]).map(render("bin")));
    if let Some(beside) = entry.beside.get(&pair) {
        all.extend(beside.tests.iter().map(|&test| &package.tests[test]).map(render("test")));
        all.extend(beside.examples.iter().map(|&example| &package.examples[example]).map(render("example")));
        all.extend(beside.benches.iter().map(|&bench| &package.benches[bench]).map(render("bench")));
    }
    all
}

/// Nothing is said of what is as usual.
fn target(package: &Package, kind: &str, target: &Target) -> Nix {
    let mut attributes = Attributes::default();
    attributes.text("kind", kind);
    attributes.text("name", &target.name);
    attributes.text("path", &target.path);
    attributes.optional("edition", Some(target.edition.as_str()).filter(|&edition| edition != edition_of(package)));
    let mut flag = |name, value: bool, usual| {
        if value != usual {
            attributes.push(name, Nix::word(value.to_string()));
        }
    };
    flag("harness", target.harness, true);
    flag("test", target.tested, !matches!(kind, "example" | "bench"));
    if kind == "lib" {
        flag("doctest", target.doctested, true);
    }
    if kind == "example" && target.crate_types != ["bin"] {
        attributes.texts("type", &target.crate_types);
    }
    attributes.set()
}
