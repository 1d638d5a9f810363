//! Transitive reduction of edges.

use fixedbitset::FixedBitSet;

use crate::draw::view::Edge;

/// The edges that are not implied by a path of other edges. `edges` must be sorted, and lead from later derivations to
/// earlier ones.
pub(super) fn reduced(count: usize, edges: &[Edge]) -> Vec<Edge> {
    // For each derivation: all that it reaches, including itself.
    let mut reached: Vec<FixedBitSet> = vec![FixedBitSet::with_capacity(count); count];
    let mut kept = Vec::new();
    for own in edges.chunk_by(|left, right| left.from == right.from) {
        let mut all = FixedBitSet::with_capacity(count);
        // A later derivation cannot be reached through an earlier one.
        for edge in own.iter().rev() {
            if !all.contains(edge.to) {
                kept.push(*edge);
                all.insert(edge.to);
                all.union_with(&reached[edge.to]);
            }
        }
        reached[own[0].from] = all;
    }
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::view::EdgeKind;

    #[test]
    fn implied_edges_are_left_out() {
        let edge = |(from, to)| Edge { from, to, kind: EdgeKind::Direct };
        let edges = [(1, 0), (2, 0), (2, 1), (3, 0), (4, 0), (4, 2), (4, 3)].map(edge);
        assert_eq!(reduced(5, &edges), [(1, 0), (2, 1), (3, 0), (4, 2), (4, 3)].map(edge));
    }
}
