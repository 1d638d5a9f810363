//! Finds derivations by name.

use std::collections::BTreeSet;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::{ALL_CRATES, near_or, quoted};
use cratewright_workspace::PackageSpec;
use semver::Version;

use crate::model::{Derivation, DerivationGraph, DerivationIx};

impl DerivationGraph {
    /// The derivations that a spec matches, in order. A name that distinguishes a build of a package, such as an
    /// [id](Derivation::id) or a [label](Derivation::label) with brackets, matches that build. Any other spec matches
    /// all builds of its packages, without their test suites.
    pub fn matching(&self, spec: &PackageSpec) -> Vec<DerivationIx> {
        let builds = self.derivations.iter().enumerate().filter(|(_, one)| is_distinguished(one, spec.text()));
        let builds: Vec<DerivationIx> = builds.map(|(ix, _)| ix).collect();
        if !builds.is_empty() {
            return builds;
        }
        let matches = |one: &Derivation| {
            Version::parse(&one.version).is_ok_and(|version| spec.matches(&one.name, &version, &one.package_id))
        };
        self.crates().filter(|(_, one)| matches(one)).map(|(ix, _)| ix).collect()
    }
}

/// Whether a text names a derivation in a way that distinguishes it from other builds of its package: an id, a key of
/// `Cargo.nix`, a name in a snapshot, or a label.
fn is_distinguished(derivation: &Derivation, text: &str) -> bool {
    let Derivation { id, key, name, version, .. } = derivation;
    let label = derivation.label();
    let names = [id, key, &label, &label.replacen(' ', "@", 1)];
    let plain = [format!("{name}@{version}"), format!("{name} {version}")];
    names.iter().any(|name| *name == text) && plain.iter().all(|plain| plain != text)
}

/// The derivations that match `wanted`, see [`DerivationGraph::matching`].
///
/// # Errors
/// If it is not a package id, or matches nothing.
pub fn find(graph: &DerivationGraph, wanted: &str) -> Result<Vec<DerivationIx>, Diagnostic> {
    let spec = PackageSpec::parse(wanted)?;
    let found = graph.matching(&spec);
    if !found.is_empty() {
        return Ok(found);
    }
    let name = spec.name();
    let error =
        Diagnostic::new("unknown-crate", format!("crate `{wanted}` is not in the build graph of {}", graph.platform));
    let named = graph.crates().filter(|(_, derivation)| derivation.name == name);
    let versions: BTreeSet<&str> = named.map(|(_, derivation)| derivation.version.as_str()).collect();
    if !versions.is_empty() {
        let versions = quoted(&Vec::from_iter(versions));
        return Err(error.help(format!("the versions of `{name}` in it: {}", versions.join(", "))));
    }
    let known = graph.crates().map(|(_, derivation)| derivation.name.as_str());
    let otherwise = || format!("{ALL_CRATES}; pass `--platform` for one that is only built on another platform");
    Err(error.help(near_or(name, known, otherwise)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Kind, Side};

    fn graph() -> DerivationGraph {
        let mut labelled = Derivation::new("syn", "2.0.1");
        labelled.key.push_str(" [build]");
        labelled.id = "units.\"syn@2.0.1 [build]\"".to_owned();
        let id = "build.\"syn@2.0.1 [build]\"".to_owned();
        let host = Derivation { id, side: Side::Host, ..labelled.clone() };
        let tests = Derivation { kind: Kind::Tests, id: "tests.app".to_owned(), ..Derivation::new("app", "0.1.0") };
        let new = Derivation::new;
        let derivations = vec![
            new("serde", "1.0.0"),
            new("serde_json", "1.0.0"),
            new("syn", "1.0.9"),
            new("syn", "2.0.1"),
            labelled,
            host,
            new("app", "0.1.0"),
            tests,
        ];
        DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations }
    }

    #[test]
    fn a_spec_matches_all_builds_of_its_packages() {
        let graph = graph();
        let found = |wanted: &str| find(&graph, wanted).unwrap();
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(found("serde"), [0]);
        assert_eq!(found(&format!("{registry}#serde")), [0]);
        assert_eq!(found("syn"), [2, 3, 4, 5]);
        for two in ["syn@2.0.1", "syn@2", "syn 2.0.1", "pkg:cargo/syn@2.0.1", &format!("{registry}#syn@2.0.1")] {
            assert_eq!(found(two), [3, 4, 5], "{two}");
        }
        assert_eq!(found("syn@1.0"), [2]);
        assert_eq!(found("app"), [6]);
    }

    #[test]
    fn an_id_or_label_matches_one_build() {
        let graph = graph();
        for (ix, derivation) in graph.derivations.iter().enumerate() {
            assert_eq!(find(&graph, &derivation.id).unwrap(), [ix]);
            let label = derivation.label();
            if label.contains(['[', '(']) || derivation.kind == Kind::Tests {
                assert_eq!(find(&graph, &label).unwrap(), [ix], "{label}");
            }
        }
        // A key of Cargo.nix is the same for both sides, a name in a snapshot is not.
        assert_eq!(find(&graph, "syn@2.0.1 [build]").unwrap(), [4, 5]);
        assert_eq!(find(&graph, "syn@2.0.1 [build] (host)").unwrap(), [5]);
    }

    #[track_caller]
    fn check(wanted: &str, help: &str) {
        let error = find(&graph(), wanted).unwrap_err();
        assert_eq!(error.code, "unknown-crate");
        assert_eq!(error.message, format!("crate `{wanted}` is not in the build graph of x86_64-unknown-linux-gnu"));
        assert_eq!(error.help.as_deref(), Some(help));
    }

    #[test]
    fn an_unknown_crate_is_an_error_with_similar_names() {
        check("serd", "did you mean `serde`?");
        check("serde-json", "did you mean `serde_json` or `serde`?");
        check("syn@3.0.0", "the versions of `syn` in it: `1.0.9`, `2.0.1`");
        check(
            "openssl",
            "run `cargo tree --workspace --target all` to see all crates; pass `--platform` for one that is only built on \
             another platform",
        );
    }
}
