//! What to remove so that a derivation is not built.
//!
//! Lines in manifests of members can be removed, and an edge between derivations disappears with the last of its lines.
//! Manifests of other packages are taken as they are.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::dominators::simple_fast;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::model::{DerivationGraph, DerivationIx};
use crate::why::paths::{Edge, Start, entry_edges};

/// What to remove so that some derivations are not built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<L> {
    /// Lines each of which is enough alone, in order from the start of paths.
    pub one_of: Vec<L>,
    /// A minimal set of lines that are enough together. If one line is enough, the last such line.
    pub all_of: Vec<L>,
    /// Derivations that all paths lead through, in order from the start, without the first and the last of a path.
    pub through: Vec<DerivationIx>,
}

/// What to remove so that none of `to` is built for any start. `lines` returns the lines of an edge by which a member
/// asks for a dependency. `None` if one of `to` is a start itself, or if a path has no lines at all.
pub fn cut<L: Clone + Ord>(
    graph: &DerivationGraph,
    start: Start<'_>,
    to: &[DerivationIx],
    lines: impl Fn(Edge) -> Vec<L>,
) -> Option<Cut<L>> {
    let derivations = &graph.derivations;
    let starts: Vec<DerivationIx> = match start {
        Start::Members => (0..derivations.len()).filter(|&ix| derivations[ix].is_member).collect(),
        Start::Of(starts) => starts.to_vec(),
    };
    if starts.is_empty() || to.iter().any(|ix| starts.contains(ix)) {
        return None;
    }
    let below: BTreeSet<DerivationIx> = graph.closure(&starts).into_iter().collect();
    let between: BTreeSet<DerivationIx> = graph.dependents(to).into_iter().filter(|ix| below.contains(ix)).collect();

    // The flow network has a source, a sink, and a node for each derivation and each line between.
    let mut flow: DiGraph<Node<L>, ()> = DiGraph::new();
    let (source, sink) = (flow.add_node(Node::End), flow.add_node(Node::End));
    let nodes: BTreeMap<DerivationIx, NodeIndex> =
        between.iter().map(|&ix| (ix, flow.add_node(Node::Derivation(ix)))).collect();
    let mut line_nodes: BTreeMap<L, NodeIndex> = BTreeMap::new();
    for (&from, &node) in &nodes {
        if starts.contains(&from) {
            flow.add_edge(source, node, ());
        }
        if to.contains(&from) {
            flow.add_edge(node, sink, ());
            continue;
        }
        let next: BTreeSet<DerivationIx> = derivations[from].all_dependencies().collect();
        for (next, next_node) in next.into_iter().filter_map(|next| Some((next, *nodes.get(&next)?))) {
            let asked_by = if derivations[from].is_member { lines(Edge { from, to: next }) } else { Vec::new() };
            match &asked_by[..] {
                [] => drop(flow.add_edge(node, next_node, ())),
                // A line may ask for several derivations; a path through the line leads to any of them.
                lines => {
                    for line in lines {
                        let own =
                            *line_nodes.entry(line.clone()).or_insert_with(|| flow.add_node(Node::Line(line.clone())));
                        flow.update_edge(node, own, ());
                        flow.update_edge(own, next_node, ());
                    }
                }
            }
        }
    }
    let dominators = simple_fast(&flow, source);
    let mut on_all: Vec<NodeIndex> = dominators.strict_dominators(sink)?.collect();
    on_all.reverse();
    let one_of: Vec<L> = on_all.iter().filter_map(|&node| flow[node].line()).collect();
    let through = on_all.iter().filter_map(|&node| match &flow[node] {
        Node::Derivation(ix) if !to.contains(ix) && !starts.contains(ix) => Some(*ix),
        _ => None,
    });
    let through = through.collect();

    let all_of = match (one_of.last(), start) {
        (Some(last), _) => vec![last.clone()],
        // Every member is built on its own, so each of these edges has to be cut.
        (None, Start::Members) => of_edges(entry_edges(graph, to), &lines)?,
        (None, Start::Of(starts)) => {
            let is_between = |edge: &Edge| between.contains(&edge.from) && between.contains(&edge.to);
            let last = of_edges(entry_edges(graph, to).into_iter().filter(is_between), &lines);
            let leave = starts.iter().filter(|start| between.contains(start)).flat_map(|&from| {
                let next: BTreeSet<DerivationIx> = derivations[from].all_dependencies().collect();
                next.into_iter().map(move |to| Edge { from, to })
            });
            // Edges from tests to the member itself have no lines; those paths are cut at the member's own lines.
            let leave = leave.filter(|edge| is_between(edge) && !starts.contains(&edge.to));
            let first = of_edges(leave, &lines);
            let last = last.map(|last| needed(graph, starts, to, last, &lines));
            match (first, last) {
                (Some(first), Some(last)) if last.len() < first.len() => last,
                (Some(first), _) => first,
                (None, last) => last?,
            }
        }
    };
    Some(Cut { one_of, all_of, through })
}

/// A minimal subset of some lines that have to be removed, if together they are enough.
fn needed<L: Clone + Ord>(
    graph: &DerivationGraph,
    starts: &[DerivationIx],
    to: &[DerivationIx],
    mut all: Vec<L>,
    lines: impl Fn(Edge) -> Vec<L>,
) -> Vec<L> {
    let is_built = |without: &[L]| {
        let mut is_in = vec![false; graph.derivations.len()];
        starts.iter().for_each(|&ix| is_in[ix] = true);
        for (from, derivation) in graph.derivations.iter().enumerate().rev() {
            if !is_in[from] {
                continue;
            }
            for to in derivation.all_dependencies() {
                let asked_by = if derivation.is_member { lines(Edge { from, to }) } else { Vec::new() };
                is_in[to] |= asked_by.is_empty() || asked_by.iter().any(|line| !without.contains(line));
            }
        }
        to.iter().any(|&ix| is_in[ix])
    };
    for ix in (0..all.len()).rev() {
        let line = all.remove(ix);
        if is_built(&all) {
            all.insert(ix, line);
        }
    }
    all
}

enum Node<L> {
    End,
    Derivation(DerivationIx),
    Line(L),
}

impl<L: Clone> Node<L> {
    fn line(&self) -> Option<L> {
        match self {
            Node::Line(line) => Some(line.clone()),
            Node::End | Node::Derivation(_) => None,
        }
    }
}

/// Lines of all edges without repetitions; `None` if an edge has no lines.
fn of_edges<L: Ord>(edges: impl IntoIterator<Item = Edge>, lines: impl Fn(Edge) -> Vec<L>) -> Option<Vec<L>> {
    let mut all = BTreeSet::new();
    for edge in edges {
        let lines = lines(edge);
        if lines.is_empty() {
            return None;
        }
        all.extend(lines);
    }
    (!all.is_empty()).then(|| all.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::tests::{check_random, graph, ix};

    fn told(graph: &DerivationGraph, start: Start<'_>, to: &str) -> Option<[String; 3]> {
        let label = |ix: DerivationIx| graph.derivations[ix].id.clone();
        let cut = cut(graph, start, &[ix(graph, to)], |edge| vec![format!("{}>{}", label(edge.from), label(edge.to))])?;
        let through: Vec<String> = cut.through.into_iter().map(label).collect();
        Some([cut.one_of.join(" "), cut.all_of.join(" "), through.join(" ")])
    }

    #[track_caller]
    fn check(text: &str, from: Option<&str>, to: &str, expected: Option<[&str; 3]>) {
        let graph = graph(text);
        let start = from.map(|name| [ix(&graph, name)]);
        let start = start.as_ref().map_or(Start::Members, |start| Start::Of(start));
        assert_eq!(told(&graph, start, to), expected.map(|texts| texts.map(str::to_owned)));
    }

    #[test]
    fn one_line_is_enough_or_all_of_several_are_needed() {
        check("leaf; a: leaf; *app: a", None, "leaf", Some(["app>a", "app>a", "a"]));
        check("leaf; a: leaf; b: a; *app: b a", None, "leaf", Some(["", "app>a app>b", "a"]));
        // The dependencies of `core` are built even without `app`.
        check("leaf; *core: leaf; *app: core leaf", None, "leaf", Some(["", "app>leaf core>leaf", ""]));
        check("leaf; *core: leaf; *app: core", None, "leaf", Some(["core>leaf", "core>leaf", ""]));
        check("leaf; *app", None, "leaf", None);
        check("leaf; *app: leaf", None, "app", None);
    }

    #[test]
    fn for_one_member_each_line_on_the_path_is_enough() {
        let text = "leaf; *core: leaf; *app: core; *far: core leaf";
        check(text, Some("app"), "leaf", Some(["app>core core>leaf", "core>leaf", "core"]));
        check(text, Some("far"), "leaf", Some(["", "far>core far>leaf", ""]));
        let text = "leaf; x: leaf; y: leaf; *core: x y; *app: core; *other: core; *far: app core other";
        check(text, Some("far"), "leaf", Some(["", "core>x core>y", "core"]));
    }

    #[test]
    fn an_edge_with_two_lines_needs_both() {
        let graph = graph("leaf; *app: leaf");
        let cut = cut(&graph, Start::Members, &[0], |_| vec![1, 2]).unwrap();
        assert_eq!(cut, Cut { one_of: vec![], all_of: vec![1, 2], through: vec![] });
    }

    #[test]
    fn a_cut_is_sufficient_and_minimal() {
        check_random(|graph| {
            let members: Vec<DerivationIx> =
                (0..graph.derivations.len()).filter(|&ix| graph.derivations[ix].is_member).collect();
            let starts = members.iter().map(std::slice::from_ref).map(Start::Of).chain([Start::Members]);
            for (start, to) in starts.flat_map(|start| (0..graph.derivations.len()).map(move |to| (start, to))) {
                let roots = match start {
                    Start::Members => &members[..],
                    Start::Of(of) => of,
                };
                let is_built = |without: &[Edge]| {
                    let mut graph = graph.clone();
                    for (from, derivation) in graph.derivations.iter_mut().enumerate() {
                        derivation.dependencies.retain(|&to| !without.contains(&Edge { from, to }));
                    }
                    graph.closure(roots).contains(&to)
                };
                let Some(cut) = cut(graph, start, &[to], |edge| vec![edge]) else {
                    assert!(roots.contains(&to) || !is_built(&[]), "{to} can be cut off");
                    continue;
                };
                assert!(is_built(&[]) && !is_built(&cut.all_of));
                for kept in 0..cut.all_of.len() {
                    let mut rest = cut.all_of.clone();
                    rest.remove(kept);
                    assert!(is_built(&rest), "{:?} need not go", cut.all_of[kept]);
                }
                let edges =
                    graph.derivations.iter().enumerate().flat_map(|(from, derivation)| {
                        derivation.dependencies.iter().map(move |&to| Edge { from, to })
                    });
                let alone: BTreeSet<Edge> =
                    edges.filter(|edge| graph.derivations[edge.from].is_member && !is_built(&[*edge])).collect();
                assert_eq!(cut.one_of.iter().copied().collect::<BTreeSet<_>>(), alone);
                for &through in &cut.through {
                    let mut without = graph.clone();
                    without.derivations.iter_mut().for_each(|one| one.dependencies.retain(|&to| to != through));
                    assert!(!without.closure(roots).contains(&to));
                }
            }
        });
    }
}
