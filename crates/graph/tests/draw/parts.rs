//! The derivations and edges of parts of a graph.

use cratewright_graph::draw::{EdgeKind, Format, View, dot, hint, html, json, mermaid, svg};
use cratewright_graph::{Derivation, DerivationGraph, Kind, find};

use crate::parsed;
use crate::support::plausible;

/// A graph of crates with name, version and dependencies. Members have version 0.1.0, and names of test suites start
/// with `tests of`.
fn graph(crates: &[(&str, &str, &[usize])]) -> DerivationGraph {
    let derivation = |(name, version, dependencies): &(&str, &str, &[usize])| {
        let (kind, name) = match name.strip_prefix("tests of ") {
            Some(name) => (Kind::Tests, name),
            None => (Kind::Crate, *name),
        };
        let is_member = *version == "0.1.0";
        let id = format!("{kind:?} {name}@{version}");
        Derivation { id, kind, is_member, dependencies: dependencies.to_vec(), ..Derivation::new(name, version) }
    };
    let derivations = crates.iter().map(derivation).collect();
    DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations }
}

/// Two members that both depend on `serde`, one of them through other crates, and two versions of `rand`.
fn workspace() -> DerivationGraph {
    graph(&[
        /* 0 */ ("libc", "0.2.0", &[]),
        /* 1 */ ("rand", "0.8.0", &[0]),
        /* 2 */ ("rand", "0.9.0", &[0]),
        /* 3 */ ("serde", "1.0.0", &[]),
        /* 4 */ ("base", "0.1.0", &[1, 3]),
        /* 5 */ ("plugin", "2.0.0", &[4, 2]),
        /* 6 */ ("app", "0.1.0", &[5, 3]),
        /* 7 */ ("tests of app", "0.1.0", &[6, 4]),
    ])
}

#[track_caller]
fn check(view: &View, shown: &[usize], edges: &[(usize, usize)]) {
    assert_eq!(view.shown(), shown);
    let found: Vec<(usize, usize)> = view.edges().iter().map(|edge| (edge.from, edge.to)).collect();
    assert_eq!(found, edges);
}

#[test]
fn everything_shows_all_derivations_and_edges() {
    let graph = workspace();
    let edges = [(1, 0), (2, 0), (4, 1), (4, 3), (5, 2), (5, 4), (6, 3), (6, 5), (7, 4), (7, 6)];
    check(&View::everything(&graph), &[0, 1, 2, 3, 4, 5, 6, 7], &edges);
}

#[test]
fn around_follows_the_given_number_of_steps_in_both_directions() {
    let graph = workspace();
    let around = |wanted, depth| View::everything(&graph).around(wanted, depth).unwrap();
    check(&around("base", 0), &[4], &[]);
    check(&around("base", 1), &[1, 3, 4, 5, 7], &[(4, 1), (4, 3), (5, 4), (7, 4)]);
    check(&around("rand", 1), &[0, 1, 2, 4, 5], &[(1, 0), (2, 0), (4, 1), (5, 2), (5, 4)]);
    assert_eq!(around("base", 9).shown(), [0, 1, 3, 4, 5, 6, 7], "rand 0.9.0 is neither a dependent nor a dependency");
    assert!(around("base", 1).is_focus(4) && !around("base", 1).is_focus(3));
    assert_eq!(View::everything(&graph).around("bse", 1).unwrap_err().help.unwrap(), "did you mean `base`?");
}

#[test]
fn members_are_connected_through_other_crates() {
    let graph = workspace();
    let view = View::everything(&graph).members();
    check(&view, &[4, 6, 7], &[(6, 4), (7, 4), (7, 6)]);
    let kinds: Vec<EdgeKind> = view.edges().iter().map(|edge| edge.kind).collect();
    assert_eq!(kinds, [EdgeKind::OverHidden, EdgeKind::Direct, EdgeKind::Direct]);
}

#[test]
fn members_are_not_connected_through_another_member() {
    let chain =
        graph(&[("base", "0.1.0", &[]), ("middle", "0.1.0", &[0]), ("over", "1.0.0", &[1]), ("app", "0.1.0", &[2])]);
    check(&View::everything(&chain).members(), &[0, 1, 3], &[(1, 0), (3, 1)]);
}

#[test]
fn duplicates_come_with_their_dependents_and_a_path_from_a_member() {
    let graph = workspace();
    let view = View::everything(&graph).duplicates();
    check(&view, &[1, 2, 4, 5, 6], &[(4, 1), (5, 2), (5, 4), (6, 5)]);
    assert_eq!((0..8).filter(|&ix| view.is_focus(ix)).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn crates_for_two_platforms_are_not_duplicates_but_feature_sets_are() {
    let mut graph = graph(&[("syn", "2.0.0", &[]), ("syn", "2.0.0", &[])]);
    graph.derivations[1].id = "build".to_owned();
    assert!(View::everything(&graph).duplicates().shown().is_empty());
    graph.derivations[1].features = vec!["full".to_owned()];
    assert_eq!(View::everything(&graph).duplicates().shown(), [0, 1]);
}

#[test]
fn changed_shows_the_given_crates() {
    let graph = workspace();
    let view = View::everything(&graph).changed(&graph.dependents(&[2]));
    check(&view, &[2, 5, 6, 7], &[(5, 2), (6, 5), (7, 6)]);
    assert!(view.is_changed(5) && !view.is_changed(4));
}

#[test]
fn parts_are_combined_in_any_order() {
    let graph = workspace();
    let changed = graph.dependents(&[2]);
    check(&View::everything(&graph).changed(&changed).members(), &[6, 7], &[(7, 6)]);
    check(&View::everything(&graph).members().changed(&changed), &[6, 7], &[(7, 6)]);
}

#[test]
fn dependencies_of_build_scripts_are_marked() {
    let mut graph = workspace();
    graph.derivations[6].build_dependencies = vec![1, 3];
    let edges = View::everything(&graph).edges();
    let kinds: Vec<_> = edges.iter().filter(|edge| edge.from == 6).map(|edge| (edge.to, edge.kind)).collect();
    assert_eq!(kinds, [(1, EdgeKind::Build), (3, EdgeKind::Direct), (5, EdgeKind::Direct)]);
}

#[test]
fn json_counts_crates_tests_and_seconds_of_cones_and_closures() {
    let graph = workspace();
    let view = View::everything(&graph).with_seconds(&[Some(1.0), None, Some(2.5)]).around("rand@0.9.0", 0).unwrap();
    let text = json(&view);
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["title"], "Build graph, x86_64-unknown-linux-gnu, 0 steps around rand@0.9.0");
    assert_eq!(document["all"], serde_json::json!({ "crates": 7, "tests": 1, "seconds": 3.5 }));
    let rand = &document["derivations"][0];
    assert_eq!(rand["cone"], serde_json::json!({ "crates": 3, "tests": 1, "seconds": 2.5 }));
    assert_eq!(rand["closure"], serde_json::json!({ "crates": 2, "tests": 0, "seconds": 3.5 }));
    assert_eq!(rand["dependencies"], serde_json::json!([]), "libc is not part of the view");
}

#[test]
fn drawing_is_deterministic() {
    let graph = plausible("x86_64-unknown-linux-gnu", 80);
    let all = || {
        let view = View::everything(&graph).highlight(&graph.dependents(&find(&graph, "app").unwrap()));
        [dot(&view), mermaid(&view), json(&view), svg(&view), html(&[view])]
    };
    assert_eq!(all(), all());
}

#[test]
fn a_page_for_500_crates_is_small() {
    let graph = plausible("x86_64-unknown-linux-gnu", 500);
    let page = html(&[View::everything(&graph)]);
    assert!(page.len() < 500_000, "{} bytes", page.len());
}

#[test]
fn a_hint_says_when_a_drawing_is_too_large_for_its_format() {
    let large = plausible("x86_64-unknown-linux-gnu", 500);
    let view = View::everything(&large);
    assert!(hint(&view, Format::Svg, "").unwrap().contains("--members"));
    assert!(hint(&view, Format::Mermaid, &mermaid(&view)).unwrap().contains("--format html"));
    assert_eq!(hint(&view, Format::Dot, &dot(&view)), None);
    let view = view.members();
    assert_eq!(hint(&view, Format::Svg, &svg(&view)), None);
    assert_eq!(hint(&view, Format::Mermaid, &mermaid(&view)), None);
}

#[test]
fn large_drawings_leave_out_arrows_and_say_so() {
    let large = plausible("x86_64-unknown-linux-gnu", 160);
    let view = View::everything(&large);
    let text = svg(&view);
    let (labels, arrows) = parsed::svg(&text);
    assert_eq!(labels.len(), view.shown().len());
    assert!(arrows < view.edges().len(), "{arrows}");
    assert!(text.contains("arrows that others imply are left out"));
    assert!(!svg(&view.members()).contains("left out"));
}

#[test]
fn an_empty_view_is_drawn() {
    let graph = DerivationGraph::default();
    let view = View::everything(&graph);
    assert!(dot(&view).starts_with("digraph"));
    assert!(mermaid(&view).contains("flowchart LR"));
    assert!(svg(&view).starts_with("<svg"));
    assert!(html(&[view]).contains("\"platforms\":[{"));
}
