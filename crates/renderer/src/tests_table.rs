//! The table of targets and dev-dependencies that `cargo test` adds to members, which `nix-lib/library/checks.nix`
//! reads.
//!
//! Attributes that the tests share with the build of the package are left out.

use std::collections::BTreeMap;

use cratewright_resolver::{Package, PackageGraph, Target};
use cratewright_workspace::Lints;

use crate::entry::{Attributes, Lists, dependency_lists, edition_of};
use crate::guards::Guards;
use crate::merged::{Content, Entry, EntryIx, MemberTests, Merged};
use crate::nix::{Binding, Nix};

/// A binding `name = { ... };` for each member that has tests.
pub(crate) fn tests(packages: &PackageGraph, merged: &Merged, guards: &mut Guards) -> Vec<Binding> {
    let name = |tests: &MemberTests| packages[tests.package].name.clone();
    merged.tests.iter().map(|tests| Binding::new(name(tests), member(packages, merged, tests, guards))).collect()
}

fn member<'a>(packages: &'a PackageGraph, merged: &Merged, tests: &MemberTests, guards: &mut Guards) -> Nix {
    let package = &packages[tests.package];
    let mut attributes = Attributes::default();
    let member = merged.members.iter().find(|one| one.package == tests.package && one.variant.is_none());
    if member.is_none_or(|member| member.entry != tests.unit) {
        attributes.text("unit", &merged.entries[tests.unit].key);
    }
    if package.lib.is_some() && !tests.has_library {
        attributes.push("isLinked", Nix::word("false"));
    }
    let known: Vec<String> = package.feature_names().map(str::to_owned).collect();
    attributes.texts("knownFeatures", &known);
    match &package.lints {
        None => {}
        Some(Lints::Workspace) if packages.lints.is_empty() => {}
        Some(Lints::Workspace) => attributes.text("lints", "workspace"),
        Some(Lints::Own(flags)) => attributes.texts("lints", flags),
    }
    if let Some(entry) = tests.target {
        attributes = what_differs(packages, merged, tests, entry, false, attributes, guards);
        let entry = &merged.entries[entry];
        let mut lists = Lists { entry, guards, attributes };
        let mut add = |kind: Kind, of: &dyn Fn(usize) -> Vec<&'a Target>| {
            lists.add(kind.list, |pair, _| of(pair).into_iter().map(|one| target(package, kind, one)).collect());
        };
        add(LIB, &|_| package.lib.iter().filter(|_| !package.proc_macro).collect());
        add(BIN, &|pair| of(&package.bins, entry.bins.get(&pair)));
        add(TEST, &|pair| of(&package.tests, entry.dev_targets.get(&pair).map(|targets| &targets.tests)));
        add(EXAMPLE, &|pair| of(&package.examples, entry.dev_targets.get(&pair).map(|targets| &targets.examples)));
        add(BENCH, &|pair| of(&package.benches, entry.dev_targets.get(&pair).map(|targets| &targets.benches)));
        attributes = lists.attributes;
    }
    if let Some(host) = tests.host {
        // The library of a proc-macro is tested on the host.
        let attributes_of_macro = what_differs(packages, merged, tests, host, true, Attributes::default(), guards);
        let mut lists = Lists { entry: &merged.entries[host], guards, attributes: attributes_of_macro };
        lists.add(LIB.list, |_, _| package.lib.iter().map(|lib| target(package, LIB, lib)).collect());
        attributes.push("macro", lists.attributes.set());
    }
    attributes.set()
}

fn of<'a>(targets: &'a [Target], indices: Option<&Vec<usize>>) -> Vec<&'a Target> {
    indices.into_iter().flatten().map(|&ix| &targets[ix]).collect()
}

/// Adds features that differ from the unit's, and additional dependencies as `dev`. If the tests lack a dependency of
/// the unit, all their dependencies are listed instead.
fn what_differs(
    packages: &PackageGraph,
    merged: &Merged,
    tests: &MemberTests,
    entry: EntryIx,
    is_macro: bool,
    attributes: Attributes,
    guards: &mut Guards,
) -> Attributes {
    let package = &packages[tests.package];
    let (unit, entry) = (&merged.entries[tests.unit], &merged.entries[entry]);
    let nothing = Content::default();
    let of_unit = |pair: &usize| unit.contents.get(pair).unwrap_or(&nothing);
    let pairs = || entry.contents.iter().map(|(pair, content)| (of_unit(pair), content));
    let has_all = pairs().all(|(unit, own)| unit.dependencies.iter().all(|one| own.dependencies.contains(one)));
    let dev = |pair: usize, content: &Content| {
        let is_dev = |one: &&_| !has_all || !of_unit(&pair).dependencies.contains(one);
        Content { dependencies: content.dependencies.iter().filter(is_dev).copied().collect(), ..content.clone() }
    };
    let contents: BTreeMap<usize, Content> =
        entry.contents.iter().map(|(&pair, content)| (pair, dev(pair, content))).collect();
    let rest = Entry { contents, ..entry.clone() };
    let mut lists = Lists { entry: &rest, guards, attributes };
    if pairs().any(|(unit, own)| unit.features != own.features) {
        lists.add("features", |_, content| {
            content.features.iter().map(|&feature| Nix::text(package.feature_name(feature))).collect()
        });
    }
    let mut below = Lists { entry: &rest, guards: lists.guards, attributes: Attributes::default() };
    dependency_lists(packages, merged, &mut below, is_macro);
    let below = below.attributes;
    let mut attributes = lists.attributes;
    if !has_all {
        attributes.extend(below);
    } else if !below.is_empty() {
        attributes.push("dev", below.set());
    }
    attributes
}

/// A kind of target, with the directory in which cargo looks for it.
#[derive(Clone, Copy)]
struct Kind {
    list: &'static str,
    directory: &'static str,
}

const LIB: Kind = Kind { list: "libs", directory: "src" };
const BIN: Kind = Kind { list: "bins", directory: "src/bin" };
const TEST: Kind = Kind { list: "tests", directory: "tests" };
const EXAMPLE: Kind = Kind { list: "examples", directory: "examples" };
const BENCH: Kind = Kind { list: "benches", directory: "benches" };

/// A target: its name alone if all other attributes are defaults.
fn target(package: &Package, kind: Kind, target: &Target) -> Nix {
    let usual_path = match kind.list {
        "libs" => "src/lib.rs".to_owned(),
        "bins" if target.name == package.name => "src/main.rs".to_owned(),
        _ => format!("{}/{}.rs", kind.directory, target.name),
    };
    let mut attributes = Attributes::default();
    attributes.optional("path", Some(target.path.as_str()).filter(|&path| path != usual_path));
    attributes.optional("edition", Some(target.edition.as_str()).filter(|&edition| edition != edition_of(package)));
    let mut flag = |name, value: bool, usual| {
        if value != usual {
            attributes.push(name, Nix::word(value.to_string()));
        }
    };
    flag("harness", target.harness, true);
    flag("test", target.tested, !matches!(kind.list, "examples" | "benches"));
    if kind.list == "libs" {
        flag("doctest", target.doctested, true);
    }
    if kind.list == "examples" && target.crate_types != ["bin"] {
        attributes.texts("type", &target.crate_types);
    }
    if attributes.is_empty() {
        return Nix::text(&target.name);
    }
    let mut all = Attributes::default();
    all.text("name", &target.name);
    all.extend(attributes);
    all.set()
}
