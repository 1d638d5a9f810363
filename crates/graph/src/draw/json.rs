//! Graphs as JSON.

use serde::Serialize;

use crate::draw::sizes::{Size, closure, cone, size};
use crate::draw::view::{EdgeKind, View};
use crate::model::{Derivation, DerivationIx, Kind, Side};

/// Version of the format, incremented for incompatible changes. New keys are compatible.
pub const JSON_FORMAT: u32 = 1;

/// The whole document.
#[derive(Serialize)]
struct Document<'a> {
    /// [`JSON_FORMAT`].
    format: u32,
    title: String,
    platform: &'a str,
    /// Size of the whole graph, shown or not.
    all: Size,
    /// Derivations, each after its dependencies.
    derivations: Vec<Shown<'a>>,
}

/// A derivation that is shown.
#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    kind: Kind,
    side: Side,
    name: &'a str,
    version: &'a str,
    label: String,
    member: bool,
    source: Option<&'a str>,
    dir: Option<&'a str>,
    features: &'a [String],
    /// Ids of shown derivations that it links or runs, in the order of [`Document::derivations`], like the next two
    /// lists.
    dependencies: Vec<&'a str>,
    /// Ids of those that only its build script links or runs.
    build_dependencies: Vec<&'a str>,
    /// Ids of those that it depends on through derivations that are not shown. Empty unless only members are shown.
    dependencies_over_hidden: Vec<&'a str>,
    changed: bool,
    seconds: Option<f64>,
    /// Size of the derivation with all its dependents, shown or not.
    cone: Size,
    /// Size of the derivation with all its dependencies, shown or not.
    closure: Size,
}

/// A view as JSON, in the order of the graph.
pub fn json(view: &View) -> String {
    let graph = view.graph();
    let everything: Vec<DerivationIx> = (0..graph.derivations.len()).collect();
    let edges = view.edges();
    let shown = |ix: DerivationIx| {
        let Derivation { id, kind, side, name, version, is_member, dir, source, features, .. } = &graph.derivations[ix];
        let from = edges.partition_point(|edge| edge.from < ix);
        let own = edges[from..].iter().take_while(|edge| edge.from == ix);
        let ids = |kind: EdgeKind| {
            let of_kind = own.clone().filter(|edge| edge.kind == kind);
            of_kind.map(|edge| graph.derivations[edge.to].id.as_str()).collect()
        };
        Shown {
            id,
            kind: *kind,
            side: *side,
            name,
            version,
            label: graph.derivations[ix].label(),
            member: *is_member,
            source: source.as_deref(),
            dir: dir.as_deref(),
            features,
            dependencies: ids(EdgeKind::Direct),
            build_dependencies: ids(EdgeKind::Build),
            dependencies_over_hidden: ids(EdgeKind::OverHidden),
            changed: view.is_changed(ix),
            seconds: view.seconds(ix),
            cone: cone(view, ix),
            closure: closure(view, ix),
        }
    };
    let document = Document {
        format: JSON_FORMAT,
        title: view.title(),
        platform: &graph.platform,
        all: size(view, &everything),
        derivations: view.shown().into_iter().map(shown).collect(),
    };
    // Nothing in it can fail: keys are strings, and what is no number becomes `null`.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
