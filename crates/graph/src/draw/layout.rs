//! Positions of nodes and edges: layers from left to right, by dagre's method.

use dagre::graph::{Graph, GraphOptions};
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, Point, RankDir, Ranker};

/// How much time to spend on a good layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Edges are as short as possible.
    Much,
    /// Edges may be longer, in half the time.
    Little,
}

/// Coordinates, relative to the upper left corner.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Centres of the nodes, in their order.
    pub(super) centres: Vec<(f64, f64)>,
    /// Points of each edge, including its ends.
    pub(super) routes: Vec<Vec<(f64, f64)>>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Places nodes with these widths and one height, and the edges between them.
pub(super) fn layout(widths: &[f64], height: f64, edges: &[(usize, usize)], effort: Effort) -> Layout {
    let mut graph: Graph<NodeLabel, EdgeLabel> =
        Graph::with_options(GraphOptions { directed: true, multigraph: false, compound: false });
    for (ix, &width) in widths.iter().enumerate() {
        graph.set_node(ix.to_string(), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    for (from, to) in edges {
        graph.set_edge(from.to_string(), to.to_string(), Some(EdgeLabel::default()), None);
    }
    let ranker = match effort {
        Effort::Much => Ranker::NetworkSimplex,
        Effort::Little => Ranker::TightTree,
    };
    let options =
        LayoutOptions { rankdir: RankDir::LR, nodesep: 8.0, edgesep: 4.0, ranksep: 50.0, ranker, ..Default::default() };
    dagre::layout(&mut graph, Some(options));

    let point = |Point { x, y }: &Point| (*x, *y);
    let centre = |ix: usize| {
        let node = graph.node(&ix.to_string());
        node.map_or((0.0, 0.0), |node| (node.x.unwrap_or_default(), node.y.unwrap_or_default()))
    };
    let route = |(from, to): &(usize, usize)| {
        let ((from_x, from_y), (to_x, to_y)) = (centre(*from), centre(*to));
        let points = graph.edge(&from.to_string(), &to.to_string(), None).map_or(&[][..], |edge| &edge.points);
        // Dagre may end an edge at the top of a box; edges that always run from right to left sides are easier to
        // follow.
        let mut route: Vec<(f64, f64)> = points.iter().skip(1).rev().skip(1).rev().map(point).collect();
        route.insert(0, (from_x + widths[*from] / 2.0, from_y));
        route.push((to_x - widths[*to] / 2.0, to_y));
        route
    };
    let mut layout = Layout {
        centres: (0..widths.len()).map(centre).collect(),
        routes: edges.iter().map(route).collect(),
        ..Layout::default()
    };
    let nodes = layout.centres.iter().zip(widths).map(|((x, y), width)| (x + width / 2.0, y + height / 2.0));
    for (right, bottom) in nodes.chain(layout.routes.iter().flatten().copied()) {
        layout.width = layout.width.max(right);
        layout.height = layout.height.max(bottom);
    }
    layout
}
