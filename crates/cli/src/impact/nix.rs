//! Compares both sides by evaluation with Nix: which output paths are new.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cratewright_graph::{Derivation, DerivationGraph, Impact, Kind, NixAnswer, Side, find};
use cratewright_renderer::nix_string;
use cratewright_sources::diagnostic::Diagnostic;
use serde::Deserialize;

use crate::nix;
use crate::systems::system;

/// Options for the evaluation.
pub(super) struct Nix<'a> {
    pub(super) nixpkgs: Option<&'a Path>,
    /// The platform, if it is not the one that Nix runs on.
    pub(super) elsewhere: Option<&'a str>,
    pub(super) profile: &'a str,
    /// Crates that are assumed to change, as on the command line.
    pub(super) bumped: &'a [String],
}

/// The result of an evaluation: output paths by table and name.
#[derive(Deserialize)]
struct Evaluated {
    platform: String,
    outputs: BTreeMap<String, BTreeMap<String, String>>,
}

impl Nix<'_> {
    /// Evaluates `Cargo.nix` before and after the change.
    pub(super) fn compare(
        &self,
        [before, after]: &[PathBuf; 2],
        graphs_before: &[DerivationGraph],
        impacts: &[Impact<'_>],
    ) -> Result<NixAnswer, Diagnostic> {
        let platform = self.platform(after)?;
        let Some(impact) = impacts.iter().find(|impact| impact.after.platform == platform) else {
            return Err(Diagnostic::new(
                "unknown-platform",
                format!("Nix evaluates for {platform}, which is not a platform of the workspace"),
            )
            .help("run the command on a machine with one of its platforms"));
        };
        let empty = DerivationGraph::default();
        let graph_before = graphs_before.iter().find(|graph| graph.platform == platform).unwrap_or(&empty);
        // A crate that is not built on this platform changes nothing on it.
        let bumped = self.bumped.iter().flat_map(|wanted| find(impact.after, wanted).unwrap_or_default());
        let bumped: BTreeSet<String> = bumped.map(|ix| override_key(&impact.after.derivations[ix])).collect();
        let old = self.outputs(before, &graph_before.derivations, &BTreeSet::new())?;
        let new = self.outputs(after, &impact.after.derivations, &bumped)?;
        let old: BTreeSet<&String> = old.outputs.values().flat_map(BTreeMap::values).collect();
        let is_new = |one: &Derivation| {
            let (table, name) = attribute(one);
            new.outputs.get(table).and_then(|table| table.get(name)).is_some_and(|output| !old.contains(output))
        };
        let predicted: BTreeSet<usize> = impact.changed.iter().copied().collect();
        let all = impact.after.derivations.iter().enumerate();
        let nix: BTreeSet<usize> = all.filter(|(_, one)| is_new(one)).map(|(ix, _)| ix).collect();
        let ids = |set: &BTreeSet<usize>, without: &BTreeSet<usize>| {
            set.difference(without).map(|&ix| impact.after.derivations[ix].id.clone()).collect()
        };
        Ok(NixAnswer {
            platform,
            changed: nix.len(),
            only_predicted: ids(&predicted, &nix),
            only_nix: ids(&nix, &predicted),
        })
    }

    fn platform(&self, cargo_nix: &Path) -> Result<String, Diagnostic> {
        self.outputs(cargo_nix, &[], &BTreeSet::new()).map(|evaluated| evaluated.platform)
    }

    fn outputs(
        &self,
        cargo_nix: &Path,
        derivations: &[Derivation],
        bumped: &BTreeSet<String>,
    ) -> Result<Evaluated, Diagnostic> {
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (table, name) in derivations.iter().map(attribute) {
            names.entry(table).or_default().insert(name);
        }
        // The expression is passed in a file, as it may be too long for an argument.
        let unwritten = |error: &std::io::Error| Diagnostic::io("write", Path::new("a temporary file"), error);
        let file = tempfile::NamedTempFile::new().map_err(|error| unwritten(&error))?;
        serde_json::to_writer(&file, &names).map_err(|error| unwritten(&error.into()))?;
        let mut nixpkgs = match self.nixpkgs {
            None => String::new(),
            Some(path) => format!("nixpkgs = {};", nix::path(path)?),
        };
        if let Some(platform) = self.elsewhere {
            let system = system(platform).ok_or_else(|| {
                Diagnostic::new(
                    "unknown-platform",
                    format!("nixpkgs has no system for `{platform}`, so Nix cannot evaluate for it"),
                )
                .help("choose a native platform with `--platform`")
            })?;
            let from = self.nixpkgs.map_or(Ok("<nixpkgs>".to_owned()), nix::path)?;
            nixpkgs = format!("pkgs = import {from} {{ config = {{ }}; system = {}; }};", nix_string(system));
        }
        // A hook that does nothing is enough to change the derivation.
        let bumped = bumped.iter().map(|key| format!("{} = _: {{ preConfigure = \": bumped\"; }};", nix_string(key)));
        let cargo_nix = nix::path(cargo_nix)
            .map_err(|failure| failure.help("write it with `cratewright generate`, and commit it"))?;
        let expression = format!(
            "let
              file = import {cargo_nix} {{ {nixpkgs} profile = {profile}; crateOverrides = {{ {bumped} }}; }};
              tables = file.internal // {{ tests = file.tests or {{ }}; }};
              outputOf = table: name: {{ inherit name; value = builtins.unsafeDiscardStringContext table.${{name}}.outPath; }};
            in {{
              platform = file.internal.platform;
              outputs = builtins.mapAttrs (table: names: builtins.listToAttrs (map (outputOf tables.${{table}}) names)) (builtins.fromJSON (builtins.readFile {names}));
            }}",
            profile = nix_string(self.profile),
            bumped = bumped.collect::<String>(),
            names = nix::path(file.path())?,
        );
        nix::evaluate(&expression, Diagnostic::new("evaluation-failed", "Nix cannot evaluate the crates"))
            .map_err(|failure| failure.note("file", cargo_nix))
    }
}

/// The key of an override for a package, in which build metadata has no meaning.
fn override_key(derivation: &Derivation) -> String {
    let version = derivation.version.split('+').next().unwrap_or_default();
    format!("{}@={version}", derivation.name)
}

/// The table of `Cargo.nix` that has a derivation, and its name there.
fn attribute(derivation: &Derivation) -> (&'static str, &str) {
    match (derivation.kind, derivation.side) {
        (Kind::Tests, _) => ("tests", &derivation.name),
        (Kind::Crate, Side::Target) => ("units", &derivation.key),
        (Kind::Crate, Side::Host) => ("build", &derivation.key),
        (Kind::Crate, Side::Test) => ("linkedByTests", &derivation.key),
    }
}
