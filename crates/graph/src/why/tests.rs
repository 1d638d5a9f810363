//! Graphs for the tests of this directory.

use proptest::prelude::*;

use crate::model::{Derivation, DerivationGraph, DerivationIx, Kind, Side};

/// A graph of items separated by semicolons, each `name: dependencies`. A name consists of `*` for a member, the name
/// itself, `@version`, `=label`, `#` for the host, `!` for tests, and `+feature`s. Items may depend on earlier ones.
pub(crate) fn graph(text: &str) -> DerivationGraph {
    let mut graph = DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations: Vec::new() };
    let mut names: Vec<&str> = Vec::new();
    for item in text.split(';').map(str::trim) {
        let (name, dependencies) = item.split_once(':').unwrap_or((item, ""));
        let dependencies = dependencies.split_whitespace().map(|name| position(&names, name)).collect();
        let plain = name.trim_start_matches('*');
        let end = plain.find(['@', '=', '#', '!', '+']).unwrap_or(plain.len());
        let version =
            plain.split_once('@').map_or("1.0.0", |(_, version)| version.split(['=', '#', '+']).next().unwrap());
        let mut derivation = Derivation {
            dependencies,
            is_member: name.starts_with('*'),
            features: plain.split('+').skip(1).map(str::to_owned).collect(),
            ..Derivation::new(&plain[..end], version)
        };
        if plain.contains('!') {
            derivation.kind = Kind::Tests;
        }
        if plain.contains('#') {
            derivation.side = Side::Host;
        }
        names.push(plain);
        graph.derivations.push(derivation);
    }
    // Ids are the names in the text, so that `ix` finds them.
    for (derivation, name) in graph.derivations.iter_mut().zip(names) {
        derivation.id = name.to_owned();
    }
    graph
}

/// The derivation of [`graph`] with this name.
pub(crate) fn ix(graph: &DerivationGraph, name: &str) -> DerivationIx {
    graph.derivations.iter().position(|derivation| derivation.id == name).unwrap()
}

fn position(names: &[&str], name: &str) -> DerivationIx {
    names.iter().position(|have| *have == name).unwrap_or_else(|| panic!("`{name}` comes before what it is"))
}

/// Checks acyclic graphs of up to nine derivations, about half of them members.
#[track_caller]
pub(crate) fn check_random(check: impl Fn(&DerivationGraph)) {
    let derivation = (any::<bool>(), proptest::collection::vec(any::<proptest::sample::Index>(), 0..4));
    let strategy = proptest::collection::vec(derivation, 1..10);
    proptest!(|(genes in strategy)| {
        let derivations = genes.iter().enumerate().map(|(ix, (is_member, below))| {
            let mut dependencies: Vec<DerivationIx> =
                below.iter().filter(|_| ix > 0).map(|below| below.index(ix)).collect();
            dependencies.sort_unstable();
            dependencies.dedup();
            Derivation { dependencies, is_member: *is_member, ..Derivation::new(&format!("c{ix}"), "1.0.0") }
        });
        check(&DerivationGraph { platform: String::new(), derivations: derivations.collect() });
    });
}
