//! Sizes of sets of derivations.

use serde::Serialize;

use crate::draw::view::View;
use crate::model::{DerivationIx, Kind};

/// The size of a set of derivations.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Size {
    /// Number of crates.
    pub(super) crates: usize,
    /// Number of test suites.
    pub(super) tests: usize,
    /// Total build time in seconds, as far as it is known; `None` if it is not known for any.
    pub(super) seconds: Option<f64>,
}

/// The size of a set of derivations.
pub(super) fn size(view: &View, of: &[DerivationIx]) -> Size {
    let mut size = Size::default();
    for &ix in of {
        match view.graph().derivations[ix].kind {
            Kind::Crate => size.crates += 1,
            Kind::Tests => size.tests += 1,
        }
        if let Some(seconds) = view.seconds(ix) {
            *size.seconds.get_or_insert(0.0) += seconds;
        }
    }
    size
}

/// The size of a cone: a derivation and all its dependents, shown or not.
pub(super) fn cone(view: &View, ix: DerivationIx) -> Size {
    size(view, &view.graph().dependents(&[ix]))
}

/// The size of a closure: a derivation and all its dependencies, shown or not.
pub(super) fn closure(view: &View, ix: DerivationIx) -> Size {
    size(view, &view.graph().closure(&[ix]))
}
