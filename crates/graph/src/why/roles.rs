//! Which derivations are linked into programs, and which are used at compile time: build scripts, procedural macros and
//! their dependencies. In a native build, one derivation may serve both.

use std::collections::BTreeSet;

use crate::model::{DerivationGraph, DerivationIx, Kind};

/// The roles of each derivation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Whether it is linked into programs or tests of members.
    pub for_target: Vec<bool>,
    /// Whether it is used while something else is compiled.
    pub for_compiler: Vec<bool>,
}

/// The point where a path leads from programs to something that is used at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Entry {
    /// At the build script of this derivation.
    BuildScript(DerivationIx),
    /// At this procedural macro.
    ProceduralMacro(DerivationIx),
}

/// The roles of all derivations. `is_macro` says whether a derivation is a procedural macro.
pub fn roles(graph: &DerivationGraph, is_macro: impl Fn(DerivationIx) -> bool) -> Roles {
    let count = graph.derivations.len();
    let mut roles = Roles { for_target: vec![false; count], for_compiler: vec![false; count] };
    for (ix, derivation) in graph.derivations.iter().enumerate().rev() {
        if derivation.is_member {
            // The tests of a macro run as a program, not at compile time.
            let is_for_compiler = derivation.kind == Kind::Crate && is_macro(ix);
            let role = if is_for_compiler { &mut roles.for_compiler } else { &mut roles.for_target };
            role[ix] = true;
        }
        for &dependency in &derivation.dependencies {
            roles.for_target[dependency] |= roles.for_target[ix] && !is_macro(dependency);
            roles.for_compiler[dependency] |= roles.for_compiler[ix] || is_macro(dependency);
        }
        for &dependency in &derivation.build_dependencies {
            roles.for_compiler[dependency] = true;
        }
    }
    roles
}

/// Build scripts and procedural macros through which programs use a derivation, in order.
pub fn entries(
    graph: &DerivationGraph,
    roles: &Roles,
    to: DerivationIx,
    is_macro: impl Fn(DerivationIx) -> bool,
) -> Vec<Entry> {
    let above: BTreeSet<DerivationIx> = graph.dependents(&[to]).into_iter().collect();
    let mut entries = BTreeSet::new();
    for &ix in &above {
        let derivation = &graph.derivations[ix];
        if derivation.is_member && is_macro(ix) {
            entries.insert(Entry::ProceduralMacro(ix));
        }
        if !roles.for_target[ix] {
            continue;
        }
        let macros = derivation.dependencies.iter().filter(|next| above.contains(next) && is_macro(**next));
        entries.extend(macros.map(|&next| Entry::ProceduralMacro(next)));
        if derivation.build_dependencies.iter().any(|next| above.contains(next)) {
            entries.insert(Entry::BuildScript(ix));
        }
    }
    entries.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::tests::{graph, ix};

    #[test]
    fn a_derivation_may_serve_target_and_compiler() {
        let mut graph =
            graph("both; only; quiet; derive: both only; helper: only; lib: both; *app: lib derive quiet; *mac: quiet");
        let app = ix(&graph, "app");
        let helper = ix(&graph, "helper");
        graph.derivations[app].build_dependencies.push(helper);
        let macros = [ix(&graph, "derive"), ix(&graph, "mac")];
        let is_macro = |ix| macros.contains(&ix);
        let found = roles(&graph, is_macro);
        let named = |of: &[bool]| {
            let all = graph.derivations.iter().zip(of).filter(|(_, is_it)| **is_it);
            all.map(|(derivation, _)| derivation.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(named(&found.for_target), ["both", "quiet", "lib", "app"]);
        assert_eq!(named(&found.for_compiler), ["both", "only", "quiet", "derive", "helper", "mac"]);
        let entries = |name: &str| entries(&graph, &found, ix(&graph, name), is_macro);
        assert_eq!(entries("only"), [Entry::BuildScript(app), Entry::ProceduralMacro(macros[0])]);
        assert_eq!(entries("quiet"), [Entry::ProceduralMacro(macros[1])]);
        assert_eq!(entries("lib"), []);
    }
}
