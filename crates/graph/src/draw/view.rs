//! The part of a graph that is drawn.

use std::collections::BTreeMap;

use cratewright_sources::diagnostic::Diagnostic;

use crate::draw::parts;
use crate::find::find;
use crate::model::{Derivation, DerivationGraph, DerivationIx, Kind, Side};

/// A part of a graph, with highlighted derivations.
///
/// [`View::everything`] shows all derivations. All other methods only hide derivations, so they can be combined in any
/// order.
#[derive(Debug, Clone)]
pub struct View<'a> {
    graph: &'a DerivationGraph,
    title: Option<String>,
    parts: Vec<String>,
    // The next four fields have an entry for each derivation of the graph.
    is_shown: Vec<bool>,
    is_changed: Vec<bool>,
    is_focus: Vec<bool>,
    seconds: Vec<Option<f64>>,
    /// Whether edges lead through derivations that are not shown.
    leads_over_hidden: bool,
}

/// An edge from a derivation to one that it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The dependent.
    pub from: DerivationIx,
    /// The dependency.
    pub to: DerivationIx,
    /// How `from` depends on `to`.
    pub kind: EdgeKind,
}

/// How a derivation depends on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// It links or runs the dependency; its build script may use it as well.
    Direct,
    /// Only its build script links or runs the dependency.
    Build,
    /// It depends on it through derivations that are not shown.
    OverHidden,
}

/// The classes of derivations that drawings distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A member of the workspace.
    Member,
    /// Any other crate for the host platform of Nix.
    Dependency,
    /// A crate for the build platform of Nix.
    Host,
    /// The test suite of a member.
    Tests,
}

impl Class {
    /// The class of a derivation.
    pub fn of(derivation: &Derivation) -> Self {
        match derivation {
            Derivation { kind: Kind::Tests, .. } => Class::Tests,
            Derivation { is_member: true, .. } => Class::Member,
            Derivation { side: Side::Host, .. } => Class::Host,
            _ => Class::Dependency,
        }
    }

    /// The name of the class in CSS, DOT and Mermaid.
    pub fn name(self) -> &'static str {
        match self {
            Class::Member => "member",
            Class::Dependency => "dependency",
            Class::Host => "host",
            Class::Tests => "tests",
        }
    }
}

impl<'a> View<'a> {
    /// Shows all derivations of a graph, none highlighted.
    pub fn everything(graph: &'a DerivationGraph) -> Self {
        let count = graph.derivations.len();
        View {
            graph,
            title: None,
            parts: Vec::new(),
            is_shown: vec![true; count],
            is_changed: vec![false; count],
            is_focus: vec![false; count],
            seconds: vec![None; count],
            leads_over_hidden: false,
        }
    }

    /// Shows only the derivations that [`find`] finds, with their dependents and dependencies over at most `depth`
    /// edges; [`DEFAULT_DEPTH`](crate::draw::DEFAULT_DEPTH) is a good value.
    pub fn around(mut self, wanted: &str, depth: usize) -> Result<Self, Diagnostic> {
        let found = find(self.graph, wanted)?;
        found.iter().for_each(|&ix| self.is_focus[ix] = true);
        let label = format!("{depth} {} around {wanted}", if depth == 1 { "step" } else { "steps" });
        let is_near = parts::around(self.graph, &found, depth);
        Ok(self.only(&is_near, label))
    }

    /// Shows only members of the workspace and their tests. There is an edge between two members if one depends on the
    /// other, even if only through crates that are left out.
    pub fn members(mut self) -> Self {
        self.leads_over_hidden = true;
        let is_member = |derivation: &Derivation| derivation.is_member || derivation.kind == Kind::Tests;
        let is_member: Vec<bool> = self.graph.derivations.iter().map(is_member).collect();
        self.only(&is_member, "members".to_owned())
    }

    /// Shows only packages that are built in several versions or with several feature sets, their direct dependents,
    /// and a shortest path from a member to each of them.
    pub fn duplicates(mut self) -> Self {
        let duplicates = parts::duplicates(self.graph);
        duplicates.iter().flatten().for_each(|&ix| self.is_focus[ix] = true);
        let is_needed = parts::with_paths(self.graph, &duplicates.concat());
        self.only(&is_needed, "duplicates".to_owned())
    }

    /// Shows only these derivations, highlighted: the roots of a change and everything that it rebuilds.
    pub fn changed(self, changed: &[DerivationIx]) -> Self {
        let view = self.highlight(changed);
        let is_changed = view.is_changed.clone();
        view.only(&is_changed, "changed".to_owned())
    }

    /// Highlights derivations as changed, if they are shown.
    #[must_use]
    pub fn highlight(mut self, changed: &[DerivationIx]) -> Self {
        changed.iter().for_each(|&ix| self.is_changed[ix] = true);
        self
    }

    /// Adds build times in seconds, by index of the derivation. Missing entries at the end are unknown.
    #[must_use]
    pub fn with_seconds(mut self, seconds: &[Option<f64>]) -> Self {
        self.seconds.iter_mut().zip(seconds).for_each(|(to, from)| *to = *from);
        self
    }

    /// Sets the beginning of the title, which is followed by the platform and the parts: the name of the workspace.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    fn only(mut self, is_kept: &[bool], part: String) -> Self {
        self.is_shown.iter_mut().zip(is_kept).for_each(|(is_shown, is_kept)| *is_shown &= is_kept);
        self.parts.push(part);
        self
    }

    /// The whole graph.
    pub fn graph(&self) -> &'a DerivationGraph {
        self.graph
    }

    /// The title without platform and parts.
    pub fn name(&self) -> &str {
        self.title.as_deref().unwrap_or("Build graph")
    }

    /// The title, on one line: name, platform and parts.
    pub fn title(&self) -> String {
        let mut title = format!("{}, {}", self.name(), self.graph.platform);
        for part in &self.parts {
            title.push_str(", ");
            title.push_str(part);
        }
        title
    }

    /// The shown derivations, in order.
    pub fn shown(&self) -> Vec<DerivationIx> {
        (0..self.is_shown.len()).filter(|&ix| self.is_shown[ix]).collect()
    }

    /// Whether a derivation is marked as changed.
    pub fn is_changed(&self, ix: DerivationIx) -> bool {
        self.is_changed[ix]
    }

    /// Whether a drawing highlights a derivation as changed, which it does not if only changed ones are shown.
    pub(crate) fn is_highlighted(&self, ix: DerivationIx) -> bool {
        let mut others = self.is_shown.iter().zip(&self.is_changed);
        self.is_changed[ix] && others.any(|(is_shown, is_changed)| *is_shown && !is_changed)
    }

    /// Whether a derivation is in focus: a crate that was asked for, or a duplicate.
    pub fn is_focus(&self, ix: DerivationIx) -> bool {
        self.is_focus[ix]
    }

    /// The build time of a derivation in seconds, if known.
    pub fn seconds(&self, ix: DerivationIx) -> Option<f64> {
        self.seconds[ix]
    }

    /// The edges between shown derivations in order, one for each pair.
    pub fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for from in self.shown() {
            let derivation = &self.graph.derivations[from];
            let mut kinds = BTreeMap::new();
            if self.leads_over_hidden {
                self.reached_over_hidden(from, &mut kinds);
            }
            let (direct, build) = (&derivation.dependencies, &derivation.build_dependencies);
            kinds.extend(build.iter().map(|&to| (to, EdgeKind::Build)));
            kinds.extend(direct.iter().map(|&to| (to, EdgeKind::Direct)));
            let shown = kinds.into_iter().filter(|(to, _)| self.is_shown[*to]);
            edges.extend(shown.map(|(to, kind)| Edge { from, to, kind }));
        }
        edges
    }

    fn reached_over_hidden(&self, from: DerivationIx, reached: &mut BTreeMap<DerivationIx, EdgeKind>) {
        let dependencies = |ix: DerivationIx| self.graph.derivations[ix].all_dependencies();
        let mut waiting: Vec<DerivationIx> = dependencies(from).collect();
        while let Some(ix) = waiting.pop() {
            if reached.insert(ix, EdgeKind::OverHidden).is_none() && !self.is_shown[ix] {
                waiting.extend(dependencies(ix));
            }
        }
    }
}
