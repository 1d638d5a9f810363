//! What is drawn: a part of a graph.

use std::collections::BTreeMap;

use cratewright_sources::diagnostic::Diagnostic;

use crate::draw::parts;
use crate::find::find;
use crate::model::{Derivation, DerivationGraph, DerivationIx, Kind, Side};

/// A part of a graph, with what is highlighted in it.
///
/// [`View::everything`] shows all derivations. Each of the other parts takes away from what is shown, so that they
/// can be combined in any order.
#[derive(Debug, Clone)]
pub struct View<'a> {
    graph: &'a DerivationGraph,
    title: Option<String>,
    parts: Vec<String>,
    // These four have an entry for each derivation of the graph.
    is_shown: Vec<bool>,
    is_changed: Vec<bool>,
    is_focus: Vec<bool>,
    seconds: Vec<Option<f64>>,
    /// Whether edges lead over what is not shown.
    leads_over_hidden: bool,
}

/// From a derivation to one that it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The dependent.
    pub from: DerivationIx,
    /// The dependency.
    pub to: DerivationIx,
    /// How the one depends on the other.
    pub kind: EdgeKind,
}

/// How a derivation depends on another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EdgeKind {
    /// It links or runs it; its build script may use it as well.
    Direct,
    /// Its build script alone links or runs it.
    Build,
    /// By way of derivations that are not shown.
    OverHidden,
}

/// The kinds of derivations that drawings tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A member of the workspace.
    Member,
    /// Any other crate for the platform.
    Dependency,
    /// A crate for the platform that compiles.
    Host,
    /// The test suite of a member.
    Tests,
}

impl Class {
    /// Of a derivation.
    pub fn of(derivation: &Derivation) -> Self {
        match derivation {
            Derivation { kind: Kind::Tests, .. } => Class::Tests,
            Derivation { is_member: true, .. } => Class::Member,
            Derivation { side: Side::Host, .. } => Class::Host,
            _ => Class::Dependency,
        }
    }

    /// A word for it that may be used as a class in CSS, DOT and Mermaid.
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
    /// All derivations of a graph, none highlighted.
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

    /// Only the derivations that [`find`] finds, and what depends on them or they depend on over at most `depth` edges;
    /// [`DEFAULT_DEPTH`](crate::draw::DEFAULT_DEPTH) is a good number.
    pub fn around(mut self, wanted: &str, depth: usize) -> Result<Self, Diagnostic> {
        let found = find(self.graph, wanted)?;
        found.iter().for_each(|&ix| self.is_focus[ix] = true);
        let label = format!("{depth} {} around {wanted}", if depth == 1 { "step" } else { "steps" });
        let is_near = parts::around(self.graph, &found, depth);
        Ok(self.only(&is_near, label))
    }

    /// Only members of the workspace and their tests. Edges lead over what is left out: there is one from a member to
    /// another one if a dependency of the first, direct or not, needs the second.
    pub fn members(mut self) -> Self {
        self.leads_over_hidden = true;
        let is_member = |derivation: &Derivation| derivation.is_member || derivation.kind == Kind::Tests;
        let is_member: Vec<bool> = self.graph.derivations.iter().map(is_member).collect();
        self.only(&is_member, "members".to_owned())
    }

    /// Only packages that are built in several versions or with several sets of features, what depends on them
    /// directly, and a shortest path to each of them from a member.
    pub fn duplicates(mut self) -> Self {
        let duplicates = parts::duplicates(self.graph);
        duplicates.iter().flatten().for_each(|&ix| self.is_focus[ix] = true);
        let is_needed = parts::with_paths(self.graph, &duplicates.concat());
        self.only(&is_needed, "duplicates".to_owned())
    }

    /// Only these derivations, highlighted: a change's roots and all that it builds again.
    pub fn changed(self, changed: &[DerivationIx]) -> Self {
        let view = self.highlight(changed);
        let is_changed = view.is_changed.clone();
        view.only(&is_changed, "changed".to_owned())
    }

    /// Highlights derivations as changed. They are not shown by that.
    #[must_use]
    pub fn highlight(mut self, changed: &[DerivationIx]) -> Self {
        changed.iter().for_each(|&ix| self.is_changed[ix] = true);
        self
    }

    /// Adds the seconds that building takes, by index, as far as they are known. Missing ones at the end are unknown.
    #[must_use]
    pub fn with_seconds(mut self, seconds: &[Option<f64>]) -> Self {
        self.seconds.iter_mut().zip(seconds).for_each(|(to, from)| *to = *from);
        self
    }

    /// Sets what is in the title before the platform and the parts: the workspace's name.
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

    /// The graph that this is a part of.
    pub fn graph(&self) -> &'a DerivationGraph {
        self.graph
    }

    /// The name of what is drawn, without platform and parts.
    pub fn name(&self) -> &str {
        self.title.as_deref().unwrap_or("Build graph")
    }

    /// A line for people: what is drawn, for which platform, and which part of it.
    pub fn title(&self) -> String {
        let mut title = format!("{}, {}", self.name(), self.graph.platform);
        for part in &self.parts {
            title.push_str(", ");
            title.push_str(part);
        }
        title
    }

    /// The indices of the derivations that are shown, in order.
    pub fn shown(&self) -> Vec<DerivationIx> {
        (0..self.is_shown.len()).filter(|&ix| self.is_shown[ix]).collect()
    }

    /// Whether it is highlighted as changed.
    pub fn is_changed(&self, ix: DerivationIx) -> bool {
        self.is_changed[ix]
    }

    /// Whether a drawing shows that it is changed: not where that is all that is shown.
    pub(crate) fn is_highlighted(&self, ix: DerivationIx) -> bool {
        let mut others = self.is_shown.iter().zip(&self.is_changed);
        self.is_changed[ix] && others.any(|(is_shown, is_changed)| *is_shown && !is_changed)
    }

    /// Whether the view is about it: a crate that was asked for, a duplicate.
    pub fn is_focus(&self, ix: DerivationIx) -> bool {
        self.is_focus[ix]
    }

    /// The seconds that building it takes, if known.
    pub fn seconds(&self, ix: DerivationIx) -> Option<f64> {
        self.seconds[ix]
    }

    /// The edges among what is shown, each pair once, in order.
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
