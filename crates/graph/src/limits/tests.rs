use proptest::prelude::*;

use super::*;
use crate::model::Derivation;
use crate::sample::{DARWIN, LINUX, Sample, darwin, limits, linux};

/// Code, message and paths of each breach on Linux.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_on(&[linux()], text, expected);
}

#[track_caller]
fn check_on(graphs: &[DerivationGraph], text: &str, expected: &[&str]) {
    let breaches = evaluate(graphs, &limits(text)).breaches;
    let lines = breaches.iter().flat_map(|breach| {
        let paths = breach.paths.iter().map(|path| format!("  {}", path.join(" -> ")));
        [format!("{}: {}", breach.code.name(), breach.message)].into_iter().chain(paths)
    });
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_unused(text: &str, expected: &[&str]) {
    let unused = evaluate(&[linux(), darwin()], &limits(text)).unused;
    assert_eq!(unused.iter().map(Unused::message).collect::<Vec<_>>(), expected);
}

#[test]
fn without_limits_there_is_no_breach() {
    assert_eq!(evaluate(&[linux(), darwin()], &Limits::default()), Evaluation::default());
}

#[test]
fn too_many_crates_show_the_dependency_that_contributes_most() {
    check("crates = 15", &[]);
    check(
        "crates = 14",
        &[
            "too-many-crates: 15 crates are built, 5 of them only for `reqwest`; the limit is 14",
            "  app -> reqwest 0.12.4",
        ],
    );
}

#[test]
fn duplicates_show_a_path_to_each_version() {
    check("duplicates = 1", &[]);
    let breach = [
        "too-many-duplicates: 1 package has several versions; the limit is 0",
        "  ui -> old-derive -> syn 1.0.109",
        "  app -> thiserror -> syn 2.0.1",
    ];
    check("duplicates = 0", &breach);
    check("duplicates = 0\naccepted-duplicates = ['serde', 'syn@3']", &breach);
    check("duplicates = 0\naccepted-duplicates = ['syn']", &[]);
    check("duplicates = 0\naccepted-duplicates = ['syn@1']", &[]);
}

#[test]
fn versions_other_than_the_accepted_one_still_count() {
    let mut sample = Sample::default();
    for version in ["0.48.5", "0.52.0", "0.59.0"] {
        sample.add(&format!("windows-sys {version}"), version, "", &[]);
    }
    sample.member("app", "0.1.0", &["windows-sys 0.48.5", "windows-sys 0.52.0", "windows-sys 0.59.0"]);
    let graph = [sample.graph(LINUX)];
    check_on(&graph, "duplicates = 0\naccepted-duplicates = ['windows-sys@0.52', 'windows-sys@0.48']", &[]);
    check_on(
        &graph,
        "duplicates = 0\naccepted-duplicates = ['windows-sys@0.52']",
        &[
            "too-many-duplicates: 1 package has several versions; the limit is 0",
            "  app -> windows-sys 0.48.5",
            "  app -> windows-sys 0.59.0",
        ],
    );
}

#[test]
fn a_chain_that_is_too_long_is_shown_whole() {
    check("depth = 6", &[]);
    check(
        "depth = 5",
        &[
            "too-deep: the longest chain of dependencies has 6 crates; the limit is 5",
            "  app -> reqwest -> native-tls -> openssl-sys -> cc -> libc 0.2.177",
        ],
    );
}

#[test]
fn a_large_cone_shows_the_dependent_that_contributes_most() {
    check("cone = { core = 3 }", &[]);
    check(
        "cone = { core = 2 }",
        &[
            "cone-too-large: a change of `core` builds 3 crates again, 2 of them only for `ui`; the limit is 2",
            "  ui -> core",
        ],
    );
    check("cone = { app = 0 }", &["cone-too-large: a change of `app` builds 1 crate again; the limit is 0", "  app"]);
}

#[test]
fn a_large_closure_shows_the_dependency_that_contributes_most() {
    check("closure = { core = 2, app = 14 }", &[]);
    check(
        "closure = { core = 2, app = 13 }",
        &[
            "closure-too-large: `app` consists of 14 crates, 6 of them only for `reqwest`; the limit is 13",
            "  app -> reqwest 0.12.4",
        ],
    );
}

#[test]
fn closures_do_not_include_dependencies_of_tests() {
    // `time` is a dev-dependency of `core`.
    check(
        "closure = { core = 1 }",
        &[
            "closure-too-large: `core` consists of 2 crates, 1 of them only for `serde`; the limit is 1",
            "  core -> serde 1.0.228",
        ],
    );
    check("forbidden-dependencies = { core = ['time'] }", &[]);
}

#[test]
fn forbidden_dependencies_are_allowed_in_builds_for_tests() {
    let mut graph = linux();
    let ix_of = |name: &str| graph.derivations.iter().position(|derivation| derivation.name == name).unwrap();
    let [time, core] = ["time", "core"].map(ix_of);
    let mut for_tests = graph.derivations[core].clone();
    for_tests.dependencies.push(time);
    (for_tests.key, for_tests.id) = ("core@0.1.0 [test]".to_owned(), "units.\"core@0.1.0 [test]\"".to_owned());
    graph.derivations.push(for_tests);
    let graphs = [graph];
    check_on(&graphs, "forbidden-dependencies = { core = ['time'] }\nclosure = { core = 2 }", &[]);
    // It counts as a crate that is built.
    check_on(
        &graphs,
        "crates = 15",
        &[
            "too-many-crates: 16 crates are built, 5 of them only for `reqwest`; the limit is 15",
            "  app -> reqwest 0.12.4",
        ],
    );
}

#[test]
fn a_dependent_contributes_only_crates_that_depend_through_it() {
    // `left` depends on `core` directly as well, so only `right` itself is rebuilt because of `right`.
    let mut sample = Sample::default();
    sample.member("core", "0.1.0", &[]);
    sample.member("right", "0.1.0", &["core"]);
    sample.member("left", "0.1.0", &["core", "right"]);
    check_on(
        &[sample.graph(LINUX)],
        "cone = { core = 2 }",
        &[
            "cone-too-large: a change of `core` builds 3 crates again, 1 of them only for `right`; the limit is 2",
            "  right -> core",
        ],
    );
}

#[test]
fn equally_short_paths_are_ordered_by_name() {
    for order in [["a", "b"], ["b", "a"]] {
        let mut sample = Sample::default();
        sample.add("leaf", "1.0.0", "", &[]);
        for name in order {
            sample.add(name, "1.0.0", "", &["leaf"]);
        }
        for name in order {
            sample.member(&format!("member-{name}"), "0.1.0", &order);
        }
        sample.add("only-tested", "1.0.0", "", &[]);
        for name in order {
            sample.tests(&format!("member-{name}"), &["only-tested"]);
        }
        check_on(
            &[sample.graph(LINUX)],
            "banned = ['leaf', 'only-tested']",
            &[
                "banned-crate: `leaf` is banned",
                "  member-a -> a -> leaf 1.0.0",
                "banned-crate: `only-tested` is banned",
                "  tests of member-a -> only-tested 1.0.0",
            ],
        );
    }
}

#[test]
fn a_banned_crate_is_a_breach_with_its_path() {
    check("banned = ['openssl', 'openssl-sys@1', 'syn@3']", &[]);
    check(
        "banned = ['openssl-sys']",
        &["banned-crate: `openssl-sys` is banned", "  app -> reqwest -> native-tls -> openssl-sys 0.9.100"],
    );
    check("banned = ['syn@1']", &["banned-crate: `syn@1` is banned", "  ui -> old-derive -> syn 1.0.109"]);
    // Two derivations of one version count once.
    check(
        "banned = ['libc']",
        &["banned-crate: `libc` is banned", "  app -> reqwest -> native-tls -> openssl-sys -> libc 0.2.177"],
    );
}

#[test]
fn crates_that_only_tests_need_can_be_banned() {
    check("banned = ['time@0.1']", &["banned-crate: `time@0.1` is banned", "  tests of core -> time 0.1.45"]);
}

#[test]
fn a_banned_feature_is_a_breach_if_enabled() {
    check("banned-features = ['openssl-sys/default', 'openssl-sys@1/vendored', 'syn@1/full']", &[]);
    check(
        "banned-features = ['openssl-sys/vendored', 'syn/full']",
        &[
            "banned-feature: `openssl-sys` is built with the feature `vendored`, which is banned",
            "  app -> reqwest -> native-tls -> openssl-sys 0.9.100",
            "banned-feature: `syn` is built with the feature `full`, which is banned",
            "  app -> thiserror -> syn 2.0.1",
        ],
    );
}

#[test]
fn indirect_forbidden_dependencies_are_breaches() {
    check("forbidden-dependencies = { core = ['ui', 'reqwest', 'libc'], ui = ['app', 'ui'] }", &[]);
    check(
        "forbidden-dependencies = { ui = ['syn@1', 'serde'], app = ['cc'] }",
        &[
            // `cc` is used by a build script of a dependency.
            "forbidden-dependency: `app` depends on `cc`, which is forbidden",
            "  app -> reqwest -> native-tls -> openssl-sys -> cc 1.2.3",
            "forbidden-dependency: `ui` depends on `serde`, which is forbidden",
            "  ui -> core -> serde 1.0.228",
            "forbidden-dependency: `ui` depends on `syn@1`, which is forbidden",
            "  ui -> old-derive -> syn 1.0.109",
        ],
    );
    check(
        "forbidden-dependencies = { app = ['core'] }",
        &["forbidden-dependency: `app` depends on `core`, which is forbidden", "  app -> ui -> core"],
    );
}

#[test]
fn a_breach_on_several_platforms_is_reported_once_with_the_highest_value() {
    let evaluation = evaluate(&[darwin(), linux()], &limits("crates = 10\nbanned = ['security-framework', 'syn@1']"));
    let [crates, framework, syn] = evaluation.breaches.as_slice() else { panic!("{evaluation:?}") };
    assert_eq!(crates.message, "15 crates are built, 5 of them only for `reqwest`; the limit is 10");
    assert_eq!(crates.platforms, [DARWIN, LINUX]);
    assert_eq!(framework.platforms, [DARWIN]);
    assert_eq!(framework.paths, [["app", "reqwest", "native-tls", "security-framework 3.0.1"]]);
    assert_eq!(syn.platforms, [DARWIN, LINUX]);
    let value = Measured { key: "crates", member: None, value: 15, limit: 10 };
    assert_eq!(evaluation.measured, [value]);
}

#[test]
fn entries_without_effect_are_reported_but_are_not_breaches() {
    check_unused("accepted-duplicates = ['syn', 'syn@1']\ncone = { core = 9 }", &[]);
    check_unused(
        "accepted-duplicates = ['serde', 'syn@3', 'gone', 'serde@1']",
        &[
            "entry `serde` of `accepted-duplicates` has no effect: the package has no other version",
            "entry `syn@3` of `accepted-duplicates` has no effect: the package has no such version",
            "entry `gone` of `accepted-duplicates` has no effect: it is not built",
            "entry `serde@1` of `accepted-duplicates` has no effect: the package has no other version",
        ],
    );
    let reason = "has no effect: no member has this name, or it is not built";
    check_unused(
        "cone = { serde = 1 }\nclosure = { gone = 1 }\nforbidden-dependencies = { cor = ['ui'] }",
        &[
            &format!("entry `serde` of `cone` {reason}"),
            &format!("entry `gone` of `closure` {reason}"),
            &format!("entry `cor` of `forbidden-dependencies` {reason}"),
        ],
    );
    assert_eq!(evaluate(&[linux()], &limits("cone = { serde = 0 }")).breaches, []);
}

/// Crates with few names and versions that depend on earlier ones, members last.
fn graphs() -> impl Strategy<Value = DerivationGraph> {
    let dependencies = |ix: usize| {
        prop::collection::vec(0..ix.max(1), 0..4).prop_map(move |mut found| {
            found.retain(|&dependency| dependency < ix);
            found.sort_unstable();
            found.dedup();
            found
        })
    };
    let all = (2usize..24)
        .prop_flat_map(move |count| (0..count).map(|ix| (dependencies(ix), "[a-d]", 1u8..4)).collect::<Vec<_>>());
    all.prop_map(|drawn| {
        let n_others = drawn.len() * 2 / 3;
        let derivations = drawn.into_iter().enumerate().map(|(ix, (dependencies, name, major))| {
            let is_member = ix >= n_others;
            let name = if is_member { format!("member-{ix}") } else { name };
            let id = format!("units.\"{ix}\"");
            Derivation { id, dependencies, is_member, ..Derivation::new(&name, &format!("{major}.0.0")) }
        });
        DerivationGraph { platform: LINUX.to_owned(), derivations: derivations.collect() }
    })
}

proptest! {
    #[test]
    fn a_limit_is_exceeded_exactly_above_its_value(graph in graphs()) {
        let graphs = [graph];
        let member = graphs[0].derivations.last().unwrap().name.clone();
        let of = |limit: usize| {
            let of_member = BTreeMap::from([(member.clone(), limit)]);
            let (cone, closure) = (of_member.clone(), of_member);
            let limits = Limits {
                crates: Some(limit), duplicates: Some(limit), depth: Some(limit), cone, closure, ..Limits::default()
            };
            evaluate(&graphs, &limits)
        };
        let values: Vec<usize> = of(0).measured.iter().map(|measured| measured.value).collect();
        prop_assert_eq!(values.len(), 5);
        for limit in 0..graphs[0].derivations.len() + 1 {
            let broken = values.iter().filter(|&&value| value > limit).count();
            prop_assert_eq!(of(limit).breaches.len(), broken);
        }
    }

    #[test]
    fn paths_lead_from_a_member_to_the_banned_crate(graph in graphs()) {
        let limits = limits("banned = ['a@1', 'b']");
        let reachable = {
            let members: Vec<usize> = graph.crates().filter(|(_, d)| d.is_member).map(|(ix, _)| ix).collect();
            graph.closure(&members)
        };
        let is_meant = |ix: &usize| {
            let derivation = &graph.derivations[*ix];
            derivation.name == "b" || derivation.name == "a" && derivation.version == "1.0.0"
        };
        let expected: BTreeSet<String> = reachable.iter().filter(|ix| is_meant(ix))
            .map(|&ix| format!("{} {}", graph.derivations[ix].name, graph.derivations[ix].version)).collect();
        let breaches = evaluate(std::slice::from_ref(&graph), &limits).breaches;
        let paths: Vec<&Vec<String>> = breaches.iter().flat_map(|breach| &breach.paths).collect();
        for path in &paths {
            prop_assert!(path[0].starts_with("member-"));
        }
        let ends: BTreeSet<String> = paths.iter().map(|path| path[path.len() - 1].clone()).collect();
        prop_assert_eq!(ends, expected);
    }
}
