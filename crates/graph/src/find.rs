//! Finds derivations by name.

use std::collections::BTreeSet;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::{alternatives, near_names};

use crate::model::{DerivationGraph, DerivationIx};

/// The derivations that match `wanted`, in order: an [id](crate::Derivation::id), `name@version`, where the last
/// numbers of the version may be left out, or `name` for all versions and feature sets of a package. Test suites match
/// only by id.
pub fn find(graph: &DerivationGraph, wanted: &str) -> Result<Vec<DerivationIx>, Diagnostic> {
    if let Some(ix) = graph.derivations.iter().position(|derivation| derivation.id == wanted) {
        return Ok(vec![ix]);
    }
    let (name, version) = match wanted.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (wanted, None),
    };
    let named: Vec<_> = graph.crates().filter(|(_, derivation)| derivation.name == name).collect();
    let found = named.iter().filter(|(_, derivation)| {
        version.is_none_or(|version| is_version(&derivation.version, version)) || derivation.key == wanted
    });
    let found: Vec<DerivationIx> = found.map(|&(ix, _)| ix).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let error =
        Diagnostic::new("unknown-crate", format!("crate `{wanted}` is not in the build graph of {}", graph.platform));
    let versions: BTreeSet<&str> = named.iter().map(|(_, derivation)| derivation.version.as_str()).collect();
    if !versions.is_empty() {
        return Err(error.help(format!("the versions of `{name}` in it: {}", listed(versions))));
    }
    let near = near_names(name, graph.crates().map(|(_, derivation)| derivation.name.as_str()));
    Err(error.help(match near.is_empty() {
        true => "name a package as `NAME` or `NAME@VERSION`, as in `Cargo.lock`".to_owned(),
        false => format!("did you mean {}?", alternatives(&near)),
    }))
}

/// Whether a version equals the wanted one or begins with it, as in package id specs of cargo: `1` matches all of 1.
fn is_version(version: &str, wanted: &str) -> bool {
    let rest = version.strip_prefix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.') && wanted.split('.').count() < 3)
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Derivation, Kind};

    fn graph() -> DerivationGraph {
        let mut labelled = Derivation::new("syn", "2.0.1");
        labelled.key.push_str(" [build]");
        labelled.id = "build.\"syn@2.0.1 [build]\"".to_owned();
        let tests = Derivation { kind: Kind::Tests, id: "tests.app".to_owned(), ..Derivation::new("app", "0.1.0") };
        let new = Derivation::new;
        let derivations = vec![
            new("serde", "1.0.0"),
            new("serde_json", "1.0.0"),
            new("syn", "1.0.9"),
            new("syn", "2.0.1"),
            labelled,
            new("app", "0.1.0"),
            tests,
        ];
        DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations }
    }

    #[test]
    fn crates_are_found_by_name_version_key_or_id() {
        let graph = graph();
        let found = |wanted: &str| find(&graph, wanted).unwrap();
        assert_eq!(found("syn"), [2, 3, 4]);
        assert_eq!(found("syn@2.0.1"), [3, 4]);
        assert_eq!(found("syn@2"), [3, 4]);
        assert_eq!(found("syn@1.0"), [2]);
        assert_eq!(found("syn@2.0.1 [build]"), [4]);
        assert_eq!(found("units.\"syn@2.0.1\""), [3]);
        assert_eq!(found("app"), [5]);
        assert_eq!(found("tests.app"), [6]);
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
        check("openssl", "name a package as `NAME` or `NAME@VERSION`, as in `Cargo.lock`");
    }
}
