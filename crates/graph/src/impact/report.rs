//! An [`Impact`] with its context, and the texts that all formats share.

use std::collections::{BTreeMap, BTreeSet};

use crate::impact::{Cost, Impact, Reason, Root, Share};
use crate::model::{Derivation, DerivationIx, Input, Kind};

/// The report on a change.
#[derive(Debug, Clone)]
pub struct ImpactReport<'a> {
    /// Description of the change: `since 0123abc, where HEAD left origin/main`, `if leaf is bumped`.
    pub change: String,
    /// The impact on each pair of platforms; the first is reported in full.
    pub impacts: Vec<Impact<'a>>,
    /// Notes about what the figures do not include.
    pub notes: Vec<String>,
    /// The answer of Nix, if it was asked.
    pub nix: Option<NixAnswer>,
    /// The cost on the first platform, if anything was measured.
    pub cost: Option<Cost>,
}

/// The result of evaluating both sides with Nix on one platform, compared with the prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NixAnswer {
    /// The platform.
    pub platform: String,
    /// Number of derivations with new output paths.
    pub changed: usize,
    /// Ids of derivations that were predicted to change, but do not.
    pub only_predicted: Vec<String>,
    /// Ids of derivations that change, but were not predicted to.
    pub only_nix: Vec<String>,
}

impl NixAnswer {
    /// Whether Nix agrees with the prediction.
    pub fn agrees(&self) -> bool {
        self.only_predicted.is_empty() && self.only_nix.is_empty()
    }
}

/// Maximum number of names in a list; the others are only counted.
pub(super) const FEW: usize = 8;

impl<'a> ImpactReport<'a> {
    /// The impact that is reported in full.
    ///
    /// # Panics
    /// If there are no platforms, which cannot happen: every `Cargo.nix` has at least one.
    pub fn main(&self) -> &Impact<'a> {
        &self.impacts[0]
    }

    /// Whether anything is built on any platform.
    pub fn is_empty(&self) -> bool {
        self.impacts.iter().all(|impact| impact.changed.is_empty())
    }
}

/// `13 of 504 crates (2.6 %)`
pub(super) fn crates(share: Share) -> String {
    format!("{} ({})", of(share, "crate"), percent(share))
}

/// `2 of 46 test suites`
pub(super) fn of(share: Share, noun: &str) -> String {
    let plural = if share.total == 1 { "" } else { "s" };
    format!("{} of {} {noun}{plural}", share.changed, share.total)
}

/// The share in percent with one decimal. Only an empty share is shown as 0.
pub(super) fn percent(share: Share) -> String {
    match share.percent() {
        percent if percent > 0.0 && percent < 0.1 => "< 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// Names of changed derivations of one kind, without versions for members and test suites. Several builds of a package
/// have one name.
pub(super) fn names(impact: &Impact<'_>, counts: impl Fn(&Derivation) -> bool) -> Vec<String> {
    let mut builds: BTreeMap<String, usize> = BTreeMap::new();
    for derivation in impact.changed.iter().map(|&ix| &impact.after.derivations[ix]).filter(|one| counts(one)) {
        let is_named_alone = derivation.is_member || derivation.kind == Kind::Tests;
        let version = if is_named_alone { String::new() } else { format!(" {}", derivation.version) };
        *builds.entry(format!("{}{version}", derivation.name)).or_default() += 1;
    }
    builds.into_iter().map(|(name, count)| name + &times(count)).collect()
}

/// ` (2 builds)`
fn times(count: usize) -> String {
    if count == 1 { String::new() } else { format!(" ({count} builds)") }
}

/// The label of a derivation, without the version for members.
fn short(derivation: &Derivation) -> String {
    let label = derivation.label();
    match derivation.kind {
        Kind::Crate if derivation.is_member => label.replacen(&format!(" {}", derivation.version), "", 1),
        _ => label,
    }
}

/// `a, b, c and 4 more`
pub(super) fn list(names: &[String], most: usize) -> String {
    let shown = names.len().min(if names.len() == most + 1 { most + 1 } else { most });
    let text = names[..shown].join(", ");
    match names.len() - shown {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// `leaf 1.0.1 -> middle 2.0.0 -> app`; the middle of a long chain is left out.
pub(super) fn chain(impact: &Impact<'_>, chain: &[DerivationIx]) -> String {
    let mut names: Vec<String> = chain.iter().map(|&ix| short(&impact.after.derivations[ix])).collect();
    if names.len() > 5 {
        let more = names.len() - 5;
        names.splice(3..3 + more, [format!("({more} more)")]);
    }
    names.join(" -> ")
}

/// `12 s`, `3 min 20 s`, `2 h 5 min`
pub(super) fn duration(seconds: f64) -> String {
    let rounded = seconds.round() as u64;
    match rounded {
        0..=9 => format!("{seconds:.1} s"),
        10..=59 => format!("{rounded} s"),
        60..=3599 => format!("{} min {} s", rounded / 60, rounded % 60),
        _ => format!("{} h {} min", rounded / 3600, rounded % 3600 / 60),
    }
}

/// A reason for changes, and what it applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    /// The roots with this reason: `leaf 1.0.0 -> 1.0.1`, or a number of them.
    pub(super) what: String,
    /// The reason: `another version`.
    pub(super) why: String,
    /// Number of crates that are rebuilt because of it.
    pub(super) cone: usize,
}

/// The causes of a change, most expensive first. Builds of one package with the same reason are merged, and so are many
/// packages. A test suite is left out if its member changes for the same reason.
pub(super) fn causes(impact: &Impact<'_>) -> Vec<Cause> {
    let mut by_reason: BTreeMap<String, BTreeMap<String, Vec<&Root>>> = BTreeMap::new();
    for root in &impact.roots {
        let derivation = &impact.after.derivations[root.derivation];
        let plain = format!("{} {}", derivation.name, derivation.version);
        let what = match (&root.before, derivation.kind) {
            (_, Kind::Tests) => derivation.label(),
            (Some((name, version)), Kind::Crate) if *version != derivation.version => {
                format!("{name} {version} -> {}", derivation.version)
            }
            _ => plain,
        };
        by_reason.entry(reasons(derivation, root)).or_default().entry(what).or_default().push(root);
    }
    let mut causes: Vec<(usize, Cause)> = Vec::new();
    for (why, packages) in by_reason {
        let of = |root: &&Root| &impact.after.derivations[root.derivation];
        let is_crate = |root: &&Root| of(root).kind == Kind::Crate;
        let members: BTreeSet<&str> =
            packages.values().flatten().filter(|root| is_crate(root)).map(|root| of(root).name.as_str()).collect();
        let is_repeated = |roots: &[&Root]| !is_crate(&roots[0]) && members.contains(of(&roots[0]).name.as_str());
        let packages: Vec<(String, Vec<&Root>)> =
            packages.into_iter().filter(|(_, roots)| !is_repeated(roots)).collect();
        let cone_of = |roots: &[&Root]| {
            let roots: Vec<DerivationIx> = roots.iter().map(|root| root.derivation).collect();
            let cone = impact.after.dependents(&roots);
            cone.into_iter().filter(|&ix| impact.after.derivations[ix].kind == Kind::Crate).count()
        };
        if packages.len() > 4 {
            let all: Vec<&Root> = packages.iter().flat_map(|(_, roots)| roots.iter().copied()).collect();
            let crates = all.iter().filter(|root| is_crate(root)).count();
            let what = match all.len() - crates {
                0 => format!("{crates} crates"),
                suites if crates == 0 => format!("{suites} test suites"),
                suites => format!("{crates} crates and {suites} test suites"),
            };
            causes.push((usize::MAX, Cause { what, why, cone: cone_of(&all) }));
            continue;
        }
        for (what, roots) in packages {
            let cone = cone_of(&roots);
            causes.push((cone, Cause { what: what + &times(roots.len()), why: why.clone(), cone }));
        }
    }
    causes.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.what.cmp(&other.what)));
    causes.into_iter().map(|(_, cause)| cause).collect()
}

fn reasons(derivation: &Derivation, root: &Root) -> String {
    if root.before.is_none() {
        return "new".to_owned();
    }
    let has_version = root.reasons.iter().any(|reason| reason.input == Input::Version);
    // Another version always has other files, so the files are not shown.
    let shown = root.reasons.iter().filter(|reason| !(has_version && reason.input == Input::Source));
    let shown: Vec<String> = shown.map(|reason| reason_of(derivation, reason)).collect();
    if shown.is_empty() { "different dependencies".to_owned() } else { shown.join("; ") }
}

fn reason_of(derivation: &Derivation, Reason { input, added, removed }: &Reason) -> String {
    match input {
        Input::Version => "another version".to_owned(),
        Input::Source if derivation.dir.is_some() => {
            let (dir, mut files) = (derivation.dir.as_deref().unwrap_or_default(), Vec::new());
            files.extend(added.iter().chain(removed).map(|file| match file.strip_prefix(dir) {
                Some(file) if !dir.is_empty() => file.trim_start_matches('/').to_owned(),
                _ => file.clone(),
            }));
            format!("changed files: {}", list(&files, 3))
        }
        Input::Source if derivation.source.as_ref().is_some_and(|source| source.contains('#')) => {
            "another commit".to_owned()
        }
        Input::Source => "another checksum".to_owned(),
        Input::Features => {
            let signed = added.iter().map(|one| format!("+{one}")).chain(removed.iter().map(|one| format!("-{one}")));
            format!("features {}", signed.collect::<Vec<_>>().join(" "))
        }
        Input::Manifest | Input::Profile => {
            let key = |line: &String| {
                let end = line.find([' ', '=']).unwrap_or(line.len());
                line[..end].to_owned()
            };
            let mut keys: Vec<String> = added.iter().chain(removed).map(key).collect();
            keys.sort();
            keys.dedup();
            format!("{} ({})", input.name(), list(&keys, 3))
        }
        Input::Targets if derivation.kind == Kind::Tests => "different targets to test".to_owned(),
        Input::Targets => "different binaries".to_owned(),
        Input::Dependencies => "different names of dependencies".to_owned(),
        Input::Rustflags => "`rustflags` of cargo's configuration".to_owned(),
        Input::Environment => "`[env]` of cargo's configuration".to_owned(),
        Input::Overrides => "different overrides of the library".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DerivationGraph;

    /// The longest chain and the causes for crates in a row, each of which depends on the one before, if the first one
    /// changes.
    fn report_of(count: usize, source: &str) -> (String, Vec<Cause>) {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let mut after = DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations: Vec::new() };
        for (ix, name) in names[..count].iter().enumerate() {
            let mut derivation = Derivation::new(name, "1.0.0");
            derivation.dependencies.extend(ix.checked_sub(1));
            derivation.inputs.insert(Input::Version, (*name).to_owned());
            after.derivations.push(derivation);
        }
        let before = after.clone();
        after.derivations[0].source = Some(source.to_owned());
        after.derivations[0].inputs.insert(Input::Source, "another".to_owned());
        let impact = Impact::new(&before, &after);
        (chain(&impact, &impact.longest_chain()), causes(&impact))
    }

    #[test]
    fn the_middle_of_a_long_chain_is_counted() {
        let chain = |count| report_of(count, "crates.io").0;
        assert_eq!(chain(1), "a 1.0.0");
        assert_eq!(chain(2), "a 1.0.0 -> b 1.0.0");
        assert_eq!(chain(5), "a 1.0.0 -> b 1.0.0 -> c 1.0.0 -> d 1.0.0 -> e 1.0.0");
        assert_eq!(chain(6), "a 1.0.0 -> b 1.0.0 -> c 1.0.0 -> (1 more) -> e 1.0.0 -> f 1.0.0");
        assert_eq!(chain(7), "a 1.0.0 -> b 1.0.0 -> c 1.0.0 -> (2 more) -> f 1.0.0 -> g 1.0.0");
    }

    #[test]
    fn source_changes_are_commits_in_repositories_and_checksums_in_registries() {
        assert_eq!(report_of(1, "crates.io").1[0].why, "another checksum");
        assert_eq!(report_of(1, "https://example.org/a#0123").1[0].why, "another commit");
    }
}
