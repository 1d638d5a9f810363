//! Random workspaces: written to disk, resolved by us and by cargo, compared unit by unit.
//!
//! `CRATEWRIGHT_RANDOM_CASES=10000 cargo test -p cratewright --test random` for a long run. What a failure prints is
//! the smallest workspace found that still differs, as files ready to paste.

mod workspace;

use std::fs;
use std::path::Path;

use cratewright::oracle::Oracle;
use cratewright::workspace::{LoadOptions, load};
use cratewright_resolver::{Pair, Purpose, ResolverBehavior, Selection, differences, table_of};
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::workspace::{TARGETS, random_workspace};

/// Ways to break the resolver, to see that it is found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    None,
    /// One feature set for host and target.
    UnionOfHostAndTarget,
    /// Dev-dependencies count for builds.
    DevFeatures,
}

/// Resolves the workspace in `root` both ways, on a pair of two platforms, and fails on the first difference.
fn compare(root: &Path, platforms: [usize; 2], sabotage: Sabotage) -> Result<(), TestCaseError> {
    let fail = |failure: cratewright::Failure| TestCaseError::fail(format!("{failure:?}"));
    let options = LoadOptions {
        manifest_path: Some(root.join("Cargo.toml")),
        targets: platforms.map(|ix| TARGETS[ix].to_owned()).to_vec(),
        cross: Vec::new(),
        offline: true,
        locked: true,
    };
    let mut workspace = load(&options).map_err(fail)?;
    // Host and target differ, so that nothing is right by chance.
    let last = workspace.platforms.len() - 1;
    workspace.pairs = vec![Pair { host: 0, target: last }];
    let members = workspace.packages.members.clone();
    let mut selections: Vec<Selection> = members
        .iter()
        .flat_map(|&member| [Selection::build(member), Selection::test(member)])
        // The last members have most below them; all of them would take too long for each case.
        .rev()
        .take(3)
        .collect();
    selections.push(Selection { members, ..selections[0].clone() });
    let mut resolved = selections.clone();
    match sabotage {
        Sabotage::None => {}
        Sabotage::UnionOfHostAndTarget => workspace.packages.resolver = ResolverBehavior::V1,
        Sabotage::DevFeatures => resolved.iter_mut().for_each(|selection| selection.purpose = Purpose::Test),
    }
    let graphs = workspace.resolve(&resolved);
    let oracle = Oracle::new().map_err(fail)?;
    oracle.prepare(&workspace).map_err(fail)?;
    for (selection, graphs) in selections.iter().zip(&graphs) {
        for (&pair, graph) in workspace.pairs.iter().zip(graphs) {
            let mut cargo = oracle.table(&workspace, selection, pair).map_err(fail)?;
            let mut ours = table_of(&workspace.packages, graph);
            if sabotage == Sabotage::DevFeatures {
                // Only features are to be wrong, not what is built.
                ours.retain(|key, _| cargo.contains_key(key));
                cargo.retain(|key, _| ours.contains_key(key));
            }
            let different = differences(&cargo, &ours);
            if !different.is_empty() {
                let names: Vec<_> =
                    selection.members.iter().map(|&ix| workspace.packages.graph[ix].name.as_str()).collect();
                let text: String = different.iter().map(ToString::to_string).collect();
                return Err(TestCaseError::fail(format!("{:?} of {names:?}:\n{text}", selection.purpose)));
            }
        }
    }
    Ok(())
}

fn check(files: &[(String, String)], platforms: [usize; 2], sabotage: Sabotage) -> Result<(), TestCaseError> {
    let scratch = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut lock = std::process::Command::new("cargo");
    lock.args(["generate-lockfile", "--offline", "--quiet"]).current_dir(scratch.path());
    let output = lock.output().unwrap();
    if !output.status.success() {
        // The strategy is meant to write only what cargo accepts: a refusal is a hole in it, not in the resolver.
        return Err(TestCaseError::fail(format!("cargo refuses: {}", String::from_utf8_lossy(&output.stderr))));
    }
    compare(scratch.path(), platforms, sabotage)
}

#[test]
fn random_workspaces_resolve_as_cargo_does() {
    let cases = std::env::var("CRATEWRIGHT_RANDOM_CASES").ok().map_or(200, |cases| cases.parse().unwrap());
    if let Err(error) = run(cases, 400, Sabotage::None) {
        panic!("{error}");
    }
}

fn run(cases: u32, max_shrink_iters: u32, sabotage: Sabotage) -> Result<(), TestError<impl std::fmt::Debug>> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters, ..Config::default() };
    let strategy = (random_workspace(), [0..TARGETS.len(), 0..TARGETS.len()]);
    TestRunner::new(config).run(&strategy, |(random, platforms)| check(&random.files(), platforms, sabotage))
}

/// The comparison can fail: random workspaces find a resolver that is broken on purpose.
#[test]
fn broken_resolvers_are_caught() {
    for sabotage in [Sabotage::UnionOfHostAndTarget, Sabotage::DevFeatures] {
        match run(200, 0, sabotage) {
            Err(TestError::Fail(reason, _)) => {
                assert!(reason.message().contains("cratewright: features"), "caught for another reason: {reason}");
            }
            Err(TestError::Abort(reason)) => panic!("{reason}"),
            Ok(()) => panic!("a broken resolver passed 200 random workspaces"),
        }
    }
}

/// Every difference ever found, as it was printed, with a word on what it is.
#[test]
fn differences_of_the_past_stay_mended() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/random/regressions");
    let mut cases = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let files = parse(&fs::read_to_string(&path).unwrap());
        for platforms in [[0, 0], [1, 3], [4, 4]] {
            if let Err(error) = check(&files, platforms, Sabotage::None) {
                panic!("{}: {error}", path.display());
            }
        }
        cases += 1;
    }
    assert!(cases > 0, "no regression was read");
}

/// Manifests after lines `# path/Cargo.toml`, with an empty source for each package.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ").filter(|path| path.ends_with("Cargo.toml")) {
            Some(path) => files.push((path.to_owned(), String::new())),
            None => {
                if let Some((_, manifest)) = files.last_mut() {
                    manifest.push_str(line);
                    manifest.push('\n');
                }
            }
        }
    }
    let packages = files.iter().filter(|(_, manifest)| manifest.contains("[package]"));
    let sources: Vec<(String, String)> =
        packages.map(|(path, _)| (path.replace("Cargo.toml", "src/lib.rs"), String::new())).collect();
    files.extend(sources);
    files
}
