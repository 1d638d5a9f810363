//! How much is built with a derivation.

use serde::Serialize;

use crate::draw::view::View;
use crate::model::{DerivationIx, Kind};

/// How much a set of derivations is.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Size {
    /// Crates in it.
    pub(super) crates: usize,
    /// Test suites in it.
    pub(super) tests: usize,
    /// Seconds of building, as far as they are known; nothing if none are.
    pub(super) seconds: Option<f64>,
}

/// Of a set of derivations.
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

/// Of a cone: a derivation and all that depends on it, shown or not.
pub(super) fn cone(view: &View, ix: DerivationIx) -> Size {
    size(view, &view.graph().dependents(&[ix]))
}

/// Of a closure: a derivation and all that it depends on, shown or not.
pub(super) fn closure(view: &View, ix: DerivationIx) -> Size {
    size(view, &view.graph().closure(&[ix]))
}
