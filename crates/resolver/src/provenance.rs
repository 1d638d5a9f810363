//! The reasons why a feature is enabled, and the lines of a manifest that declare a dependency.
//!
//! [`Provenance`] runs cargo's feature resolution and records the cause of each fact, so each step of a chain is a rule
//! that was applied: everything in a chain is enabled in the build, for the right platform and side.
//!
//! Chains are as short as possible and never circular: a weak value, `name?/feature`, is used only after a step that
//! enables the dependency.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use fixedbitset::FixedBitSet;

use crate::feature_value::FeatureValue;
use crate::features::{Cause, CompileKind, Fact, PlatformTable, activate_features, declared_for};
use crate::link::{DependencyTable, FeatureIx, PackageIx};
use crate::package::Package;
use crate::package_graph::{Dependency, PackageGraph};
use crate::platform::{Pair, Platform};
use crate::reachable::reachable_dependencies;
use crate::selection::Selection;
use cratewright_workspace::ResolverBehavior;

/// The facts of feature resolution with their causes, for one selection on one pair.
#[derive(Debug)]
pub struct Provenance<'a> {
    packages: &'a PackageGraph,
    /// The selected member at which all chains begin, if they are restricted to one.
    from: Option<PackageIx>,
    causes: HashMap<Fact, Vec<Cause>>,
    /// The last cause in the shortest chain from the selection to each fact.
    nearest: HashMap<Fact, Cause>,
}

/// A step of a chain: a fact about a package and its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The package.
    pub package: PackageIx,
    /// The side of the build; with resolver 1 always the target.
    pub kind: CompileKind,
    /// The fact.
    pub holds: Holds,
    /// The cause.
    pub because: Because,
}

/// The fact about a package in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// The package is built.
    Reached,
    /// A feature is enabled.
    Feature(FeatureIx),
    /// An optional dependency is enabled: index into [`PackageGraph::dependencies`].
    Dependency(usize),
}

/// How a step follows from the previous one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// It is the first step: the selection requests it.
    Selected,
    /// The feature of the previous step has this value in its list, as an index: see [`Package::feature_value`].
    Value(usize),
    /// The package of the previous step declares this dependency, as an index into [`PackageGraph::dependencies`].
    Declared(usize),
}

/// A dependency declared by a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Index into [`PackageGraph::dependencies`].
    pub dependency: usize,
    /// Features that enable it, if it is optional.
    pub turned_on_by: Vec<FeatureIx>,
}

impl<'a> Provenance<'a> {
    /// Resolves the features of everything that the selection reaches on the pair.
    pub fn new(packages: &'a PackageGraph, platforms: &[Platform], pair: Pair, selection: &Selection) -> Self {
        let declared: Vec<FixedBitSet> =
            [pair.host, pair.target].map(|ix| declared_for(packages, &platforms[ix])).into();
        let reachable = reachable_dependencies(packages, selection);
        let mut rules: Vec<(Fact, Cause)> = Vec::new();
        let table = PlatformTable::new(&declared, Pair { host: 0, target: 1 });
        activate_features(packages, table, &reachable, selection, &mut rules);
        let nearest = nearest(&rules, |_| true);
        let mut causes: HashMap<Fact, Vec<Cause>> = HashMap::new();
        for (fact, cause) in rules {
            let known = causes.entry(fact).or_default();
            if !known.contains(&cause) {
                known.push(cause);
            }
        }
        Provenance { packages, from: None, causes, nearest }
    }

    /// Restricts chains to those that begin at one member. A weak value is used only if that member also enables the
    /// dependency.
    #[must_use]
    pub fn only_from(self, member: PackageIx) -> Self {
        let rules = self.causes.iter().flat_map(|(&fact, causes)| causes.iter().map(move |&cause| (fact, cause)));
        let mut rules: Vec<(Fact, Cause)> = rules.collect();
        rules.sort_unstable();
        Provenance { from: Some(member), nearest: nearest(&rules, |package| package == member), ..self }
    }

    /// Enabled features of a package.
    pub fn features(&self, package: PackageIx, kind: CompileKind) -> Vec<FeatureIx> {
        let kind = self.side(kind);
        let all = 0..self.packages[package].feature_names.len() as FeatureIx;
        all.filter(|&feature| self.causes.contains_key(&Fact::Feature(package, kind, feature))).collect()
    }

    /// The shortest chain from a selected member for each request from outside of the package that enables the feature,
    /// sorted by length. Empty if the feature is disabled.
    pub fn chains(&self, package: PackageIx, kind: CompileKind, feature: FeatureIx) -> Vec<Vec<Step>> {
        let goal = Fact::Feature(package, self.side(kind), feature);
        if !self.nearest.contains_key(&goal) {
            return Vec::new();
        }
        // A search from the goal back through features of the same package; each has the chain from it to the goal.
        let mut below: BTreeMap<Fact, Vec<(Fact, Cause)>> = BTreeMap::from([(goal, Vec::new())]);
        let mut queue = VecDeque::from([goal]);
        let shortest = self.nearest_chain(goal);
        let mut chains = BTreeSet::from([(shortest.len(), self.steps(&shortest))]);
        while let Some(fact) = queue.pop_front() {
            for &cause in &self.causes[&fact] {
                let is_begun = match premise(cause) {
                    Some(premise) => self.nearest.contains_key(&premise),
                    None => self.from.is_none_or(|from| from == package),
                };
                if !is_begun {
                    continue;
                }
                let mut rest = vec![(fact, cause)];
                rest.extend(&below[&fact]);
                match premise(cause) {
                    Some(feature @ Fact::Feature(..)) if of(feature) == of(goal) && !is_weak(cause) => {
                        below.entry(feature).or_insert_with(|| {
                            queue.push_back(feature);
                            rest
                        });
                    }
                    premise => {
                        let mut chain = premise.map(|premise| self.nearest_chain(premise)).unwrap_or_default();
                        // A chain that enables a dependency may need the feature itself, which would be circular.
                        let is_circular = chain.iter().any(|(known, _)| rest.iter().any(|(fact, _)| fact == known));
                        chain.extend(rest);
                        if !is_circular {
                            chains.insert((chain.len(), self.steps(&chain)));
                        }
                    }
                }
            }
        }
        chains.into_iter().map(|(_, chain)| chain).collect()
    }

    /// The shortest chain from the selection to a fact.
    fn nearest_chain(&self, to: Fact) -> Vec<(Fact, Cause)> {
        let mut chain = Vec::new();
        let mut at = Some(to);
        while let Some(fact) = at {
            let cause = self.nearest[&fact];
            chain.push((fact, cause));
            at = premise(cause);
        }
        chain.reverse();
        chain
    }

    fn steps(&self, chain: &[(Fact, Cause)]) -> Vec<Step> {
        let in_package = |of: PackageIx, edge: usize| edge - self.packages.begins(of).dependencies;
        let step = |&(fact, cause): &(Fact, Cause)| {
            let (package, kind) = of(fact);
            let holds = match fact {
                Fact::Package(..) => Holds::Reached,
                Fact::Feature(_, _, feature) => Holds::Feature(feature),
                Fact::Dependency(_, _, name) => {
                    let links = self.packages.links(package);
                    let is_it = |link: &crate::link::Link| link.name == name && link.optional;
                    Holds::Dependency(links.iter().position(is_it).expect("an enabled dependency is declared"))
                }
            };
            let because = match cause {
                Cause::Selected => Because::Selected,
                Cause::Value(_, value, _) => Because::Value(value),
                Cause::Declared(by, edge) => Because::Declared(in_package(of(by).0, edge.index())),
            };
            Step { package, kind, holds, because }
        };
        chain.iter().map(step).collect()
    }

    fn side(&self, kind: CompileKind) -> CompileKind {
        if self.packages.resolver == ResolverBehavior::V1 { CompileKind::Target } else { kind }
    }
}

impl PackageGraph {
    /// The declared dependencies by which a unit of `from` uses the package `to`. `features` are those of the unit,
    /// `is_in` selects tables of the manifest, and `platforms` are host and target.
    pub fn declarations(
        &self,
        (from, kind): (PackageIx, CompileKind),
        features: &[FeatureIx],
        to: PackageIx,
        is_in: impl Fn(DependencyTable) -> bool,
        platforms: [&Platform; 2],
    ) -> Vec<Declaration> {
        let counts = |dependency: &Dependency| {
            let is_host = dependency.table == DependencyTable::Build || kind == CompileKind::Host;
            let platform = platforms[usize::from(!is_host)];
            dependency.package == to
                && is_in(dependency.table)
                && dependency.platform.as_ref().is_none_or(|declared| platform.matches(declared))
        };
        let all = self.dependencies(from).enumerate().filter(|(_, dependency)| counts(dependency));
        let declarations = all.filter_map(|(ix, dependency)| {
            let turned_on_by: Vec<FeatureIx> = match dependency.optional {
                true => features.iter().copied().filter(|&feature| self[from].turns_on(feature, dependency)).collect(),
                false => Vec::new(),
            };
            let is_on = !dependency.optional || !turned_on_by.is_empty();
            is_on.then_some(Declaration { dependency: ix, turned_on_by })
        });
        declarations.collect()
    }
}

impl Package {
    /// A value in the list of a feature, as written in the manifest.
    pub fn feature_value(&self, feature: FeatureIx, value: usize) -> String {
        match &self.feature_values[feature as usize][value] {
            FeatureValue::Feature(feature) => self.feature_name(*feature).to_owned(),
            FeatureValue::Dependency(name) => format!("dep:{}", self.dependency_names[*name as usize]),
            FeatureValue::DependencyFeature { dependency, feature, weak, .. } => {
                let mark = if *weak { "?" } else { "" };
                format!("{}{mark}/{feature}", self.dependency_names[*dependency as usize])
            }
            FeatureValue::Unknown => String::new(),
        }
    }

    /// Whether a feature directly enables an optional dependency.
    fn turns_on(&self, feature: FeatureIx, declared: &Dependency) -> bool {
        self.feature_values[feature as usize].iter().any(|value| match value {
            FeatureValue::Dependency(name) => *name == declared.name,
            FeatureValue::DependencyFeature { dependency, weak, .. } => *dependency == declared.name && !weak,
            FeatureValue::Feature(_) | FeatureValue::Unknown => false,
        })
    }
}

impl Dependency {
    /// Requested features, including `default`, that the package has.
    pub fn requested_features(&self) -> Vec<FeatureIx> {
        self.features.iter().filter_map(FeatureValue::as_feature).collect()
    }
}

/// The fact that a cause depends on. A weak value also depends on its dependency, which is not returned.
fn premise(cause: Cause) -> Option<Fact> {
    match cause {
        Cause::Selected => None,
        Cause::Value(fact, ..) | Cause::Declared(fact, _) => Some(fact),
    }
}

fn is_weak(cause: Cause) -> bool {
    matches!(cause, Cause::Value(_, _, Some(_)))
}

fn of(fact: Fact) -> (PackageIx, CompileKind) {
    match fact {
        Fact::Package(package, kind) | Fact::Feature(package, kind, _) | Fact::Dependency(package, kind, _) => {
            (package, kind)
        }
    }
}

/// Finds the shortest chain to each fact, breadth first from the selected members that `begins` accepts. A rule applies
/// once all its premises are known.
fn nearest(rules: &[(Fact, Cause)], begins: impl Fn(PackageIx) -> bool) -> HashMap<Fact, Cause> {
    let mut behind: HashMap<Fact, Vec<usize>> = HashMap::new();
    let mut waits_for = vec![0; rules.len()];
    for (ix, &(_, cause)) in rules.iter().enumerate() {
        let awaited = match cause {
            Cause::Value(Fact::Feature(package, kind, _), _, Some(name)) => Some(Fact::Dependency(package, kind, name)),
            _ => None,
        };
        for fact in premise(cause).into_iter().chain(awaited) {
            behind.entry(fact).or_default().push(ix);
            waits_for[ix] += 1;
        }
    }
    let mut nearest: HashMap<Fact, Cause> = HashMap::new();
    let mut queue = VecDeque::new();
    let mut open: Vec<usize> = (0..rules.len()).filter(|&ix| waits_for[ix] == 0 && begins(of(rules[ix].0).0)).collect();
    loop {
        for &ix in &open {
            let (fact, cause) = rules[ix];
            nearest.entry(fact).or_insert_with(|| {
                queue.push_back(fact);
                cause
            });
        }
        let Some(fact) = queue.pop_front() else { return nearest };
        open.clear();
        for &ix in behind.get(&fact).into_iter().flatten() {
            waits_for[ix] -= 1;
            open.extend((waits_for[ix] == 0).then_some(ix));
        }
    }
}
