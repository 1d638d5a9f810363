//! Any graph can be drawn, and each derivation is drawn once.

use cratewright_graph::draw::{View, dot, html, json, mermaid, svg};
use cratewright_graph::{Derivation, DerivationGraph, Kind, Side};
use proptest::prelude::*;

use crate::parsed;

/// A graph with arbitrary names and features, whose edges refer to earlier derivations.
fn graph_strategy() -> impl Strategy<Value = DerivationGraph> {
    let derivation = (
        any::<String>(),
        any::<String>(),
        prop::collection::vec(any::<String>(), 0..3),
        any::<u64>(),
        any::<u64>(),
        0..12u8,
    );
    prop::collection::vec(derivation, 0..24).prop_map(|genes| {
        let mut derivations = Vec::new();
        for (ix, (name, version, features, uses, builds, kind)) in genes.into_iter().enumerate() {
            let before = |bits: u64| (0..ix).filter(|at| bits >> at & 1 == 1 && bits >> (at + 24) & 1 == 1).collect();
            let mut derivation = Derivation::new(&name, &version);
            derivation.id = format!("{ix} {name}");
            derivation.features = features;
            derivation.dependencies = before(uses);
            derivation.build_dependencies = before(builds);
            derivation.is_member = kind < 3;
            derivation.kind = if kind == 0 { Kind::Tests } else { Kind::Crate };
            derivation.side = if kind > 9 { Side::Host } else { Side::Target };
            derivations.push(derivation);
        }
        DerivationGraph { platform: "any".to_owned(), derivations }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_writer_shows_each_derivation_and_edge_once(graph in graph_strategy(), part in 0..4) {
        let view = View::everything(&graph);
        let view = match part {
            0 => view,
            1 => view.members(),
            2 => view.duplicates(),
            _ => view.changed(&graph.dependents(&[0][..graph.derivations.len().min(1)])),
        };
        let shown = view.shown();
        let place = |ix: usize| shown.iter().position(|&other| other == ix).unwrap();
        let edges: Vec<(usize, usize)> = view.edges().iter().map(|edge| (place(edge.from), place(edge.to))).collect();

        let parsed = parsed::dot(&dot(&view));
        prop_assert_eq!(parsed.labels.len(), shown.len());
        prop_assert_eq!(&parsed.edges, &edges);

        let parsed = parsed::json(&json(&view));
        let labels: Vec<String> = shown.iter().map(|&ix| graph.derivations[ix].label()).collect();
        prop_assert_eq!(&parsed.labels, &labels);
        prop_assert_eq!(&parsed.edges, &edges);

        let page = html(std::slice::from_ref(&view));
        let parsed = parsed::html(&page);
        prop_assert_eq!(&parsed.labels, &labels);
        prop_assert_eq!(&parsed.edges, &edges);

        let (drawn, arrows) = parsed::svg(&svg(&view));
        prop_assert_eq!((drawn.len(), arrows), (shown.len(), edges.len()));

        let text = mermaid(&view);
        prop_assert_eq!(text.lines().filter(|line| line.contains(":::")).count(), shown.len());
    }
}
