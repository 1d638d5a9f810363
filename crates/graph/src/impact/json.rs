//! Impacts as JSON, described in `docs/src/impact.md`.

use serde::Serialize;

use crate::impact::report::{ImpactReport, causes};
use crate::impact::{Impact, Share};
use crate::model::{Derivation, Kind, Side};

/// Version of the format, incremented if a key is removed or changes its meaning.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    change: &'a str,
    platforms: Vec<Platform<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    nix: Option<NixOf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostOf<'a>>,
}

/// Build times in seconds.
#[derive(Serialize)]
struct CostOf<'a> {
    work: f64,
    elapsed: f64,
    jobs: usize,
    slowest_chain: f64,
    slowest_chain_ids: Vec<&'a str>,
    assumed: usize,
}

#[derive(Serialize)]
struct NixOf<'a> {
    platform: &'a str,
    agrees: bool,
    built: usize,
    only_predicted: &'a [String],
    only_nix: &'a [String],
}

#[derive(Serialize)]
struct Platform<'a> {
    platform: &'a str,
    crates: Counts,
    members: Counts,
    dependencies: Counts,
    tests: Counts,
    roots: Vec<RootOf<'a>>,
    causes: Vec<CauseOf>,
    longest_chain: Vec<&'a str>,
    built: Vec<Built<'a>>,
    gone: &'a [String],
}

#[derive(Serialize)]
struct Counts {
    built: usize,
    total: usize,
    percent: f64,
}

#[derive(Serialize)]
struct RootOf<'a> {
    id: &'a str,
    before: Option<String>,
    cone: usize,
    reasons: Vec<ReasonOf<'a>>,
}

#[derive(Serialize)]
struct ReasonOf<'a> {
    input: &'static str,
    added: &'a [String],
    removed: &'a [String],
}

#[derive(Serialize)]
struct CauseOf {
    what: String,
    why: String,
    cone: usize,
}

#[derive(Serialize)]
struct Built<'a> {
    id: &'a str,
    kind: Kind,
    side: Side,
    name: &'a str,
    version: &'a str,
    member: bool,
}

impl ImpactReport<'_> {
    /// The impact as indented JSON.
    pub fn json(&self) -> String {
        let document = Document {
            format: FORMAT,
            change: &self.change,
            platforms: self.impacts.iter().map(platform).collect(),
            notes: &self.notes,
            cost: self.cost.as_ref().map(|cost| CostOf {
                work: milliseconds(cost.work),
                elapsed: milliseconds(cost.elapsed),
                jobs: cost.jobs.get(),
                slowest_chain: milliseconds(cost.longest_chain.seconds),
                slowest_chain_ids: {
                    let id = |&ix: &usize| self.main().after.derivations[ix].id.as_str();
                    cost.longest_chain.derivations.iter().map(id).collect()
                },
                assumed: cost.n_assumed,
            }),
            nix: self.nix.as_ref().map(|answer| NixOf {
                platform: &answer.platform,
                agrees: answer.agrees(),
                built: answer.changed,
                only_predicted: &answer.only_predicted,
                only_nix: &answer.only_nix,
            }),
        };
        serde_json::to_string_pretty(&document).expect("strings and numbers are JSON") + "\n"
    }
}

fn platform<'a>(impact: &'a Impact<'_>) -> Platform<'a> {
    let id = |ix: usize| impact.after.derivations[ix].id.as_str();
    let roots = impact.roots.iter().map(|root| RootOf {
        id: id(root.derivation),
        before: root.before.as_ref().map(|(name, version)| format!("{name} {version}")),
        cone: root.cone,
        reasons: (root.reasons.iter())
            .map(|one| ReasonOf { input: one.input.name(), added: &one.added, removed: &one.removed })
            .collect(),
    });
    let causes = causes(impact).into_iter().map(|cause| CauseOf { what: cause.what, why: cause.why, cone: cause.cone });
    Platform {
        platform: &impact.after.platform,
        crates: counts(impact.crates()),
        members: counts(impact.members()),
        dependencies: counts(impact.dependencies()),
        tests: counts(impact.tests()),
        roots: roots.collect(),
        causes: causes.collect(),
        longest_chain: impact.longest_chain().into_iter().map(id).collect(),
        built: impact.changed.iter().map(|&ix| built(&impact.after.derivations[ix])).collect(),
        gone: &impact.gone,
    }
}

fn milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn counts(share: Share) -> Counts {
    Counts { built: share.changed, total: share.total, percent: (share.percent() * 10.0).round() / 10.0 }
}

fn built(derivation: &Derivation) -> Built<'_> {
    Built {
        id: &derivation.id,
        kind: derivation.kind,
        side: derivation.side,
        name: &derivation.name,
        version: &derivation.version,
        member: derivation.is_member,
    }
}
