//! The contents of each library if a profile enables LTO: bitcode, object code, or both.
//!
//! Follows `src/cargo/core/compiler/lto.rs` of cargo. A unit here is a library with its binaries; the result is that of
//! the library. LTO always runs on binaries.

use petgraph::Direction;

use crate::features::CompileKind;
use crate::package::Package;
use crate::package_graph::PackageGraph;
use crate::unit_graph::{CompileMode, UnitGraph, UnitIx};

/// Cargo's `Lto` without the settings of the profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lto {
    /// LTO runs on it: a program, or a library for other languages.
    Run,
    /// Bitcode only: it is linked only into units on which LTO runs.
    OnlyBitcode,
    /// Object code only: it is linked only into proc-macros, build scripts or `dylib`s.
    OnlyObject,
    /// Both: it is linked into units of both kinds.
    ObjectAndBitcode,
}

impl Lto {
    /// The contents that satisfy two dependents.
    pub fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Lto::Run, _) | (_, Lto::Run) => Lto::Run,
            (a, b) if a == b => a,
            _ => Lto::ObjectAndBitcode,
        }
    }
}

fn can_lto(kind: &str) -> bool {
    matches!(kind, "bin" | "staticlib" | "cdylib")
}

fn needs_object(kinds: &[String]) -> bool {
    kinds.iter().any(|kind| can_lto(kind) || matches!(kind.as_str(), "dylib" | "proc-macro"))
}

fn when_object_is_needed(kinds: &[String]) -> Lto {
    if kinds.iter().any(|kind| can_lto(kind)) { Lto::ObjectAndBitcode } else { Lto::OnlyObject }
}

impl UnitGraph {
    /// The result for the library of each unit, by index of the unit, if the profile enables LTO.
    pub fn lto(&self, packages: &PackageGraph) -> Vec<Lto> {
        let mut found: Vec<Option<Lto>> = vec![None; self.units().len()];
        let alone = self.graph.externals(Direction::Incoming).map(UnitIx);
        for root in self.roots.iter().copied().chain(alone) {
            let package = &packages[self[root].package];
            let kinds = kinds(package);
            let asked = match kinds {
                _ if package.proc_macro => Lto::OnlyObject,
                kinds if needs_object(kinds) => when_object_is_needed(kinds),
                _ => Lto::OnlyBitcode,
            };
            self.spread(packages, root, asked, &mut found);
        }
        found.into_iter().map(|lto| lto.unwrap_or(Lto::OnlyObject)).collect()
    }

    fn spread(&self, packages: &PackageGraph, ix: UnitIx, parent: Lto, found: &mut [Option<Lto>]) {
        let unit = &self[ix];
        let package = &packages[unit.package];
        let kinds = kinds(package);
        let lto = if unit.mode == CompileMode::Test {
            Lto::Run
        } else if package.proc_macro {
            Lto::OnlyObject
        } else if !kinds.is_empty() && kinds.iter().all(|kind| can_lto(kind)) {
            Lto::Run
        } else {
            match (parent, needs_object(kinds)) {
                (Lto::Run, false) => Lto::OnlyBitcode,
                (Lto::Run | Lto::OnlyBitcode, true) => when_object_is_needed(kinds),
                _ => parent,
            }
        };
        let merged = found[ix.index()].map_or(lto, |have| have.merge(lto));
        if found[ix.index()].replace(merged) == Some(merged) {
            return;
        }
        for dependency in self.dependencies(ix) {
            let to = dependency.unit;
            if dependency.for_build_script || self[to].kind == CompileKind::Host {
                self.spread(packages, to, Lto::OnlyObject, found);
                continue;
            }
            self.spread(packages, to, merged, found);
            if !unit.bins.is_empty() {
                self.spread(packages, to, Lto::Run, found);
            }
        }
    }
}

fn kinds(package: &Package) -> &[String] {
    package.lib.as_ref().map_or(&[], |lib| &lib.crate_types)
}
