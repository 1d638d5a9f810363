//! Random workspaces are written to disk, resolved by us and by cargo, and compared unit by unit.
//!
//! `CRATEWRIGHT_RANDOM_CASES=10000 cargo test -p cratewright --test all random::` is a long run. A failure prints the
//! smallest workspace found that still differs, as files ready to paste.

mod workspace;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use cratewright::LoadOptions;
use cratewright::oracle::Oracle;
use cratewright::workspace::load;
use cratewright_resolver::{Pair, RootFeatures, Selection, UserIntent, differences, table_of};
use cratewright_workspace::ResolverBehavior;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use self::workspace::{TARGETS, random_workspace};

/// Ways to break the resolver, to test that the comparison notices.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    None,
    /// Uses one feature set for host and target.
    UnionOfHostAndTarget,
    /// Activates features of dev-dependencies in builds.
    DevFeatures,
}

/// Platforms, features and members that a workspace is resolved for.
#[derive(Clone, Copy, Debug)]
struct Asked {
    /// Host and target, as indices into [`TARGETS`].
    platforms: [usize; 2],
    /// Default features in most cases, all features, or some by name.
    features: u8,
}

impl Asked {
    fn features(self) -> RootFeatures {
        let names = |default| RootFeatures::Named { names: vec![format!("f{}", self.features % 4)], default };
        match self.features {
            0..8 => RootFeatures::default_features(),
            8 => RootFeatures::All,
            9..13 => names(true),
            _ => names(false),
        }
    }
}

/// Shared by all workspaces, so that cargo queries rustc only once.
static ORACLE: LazyLock<Oracle> = LazyLock::new(|| Oracle::new(Path::new(".")).unwrap());

/// Shared by all workspaces for the same reason.
static TARGET: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// Resolves the workspace in `root` with cargo and with our resolver, on a pair of two platforms, and fails on the
/// first difference.
fn compare(root: &Path, asked: Asked, sabotage: Sabotage) -> Result<(), TestCaseError> {
    let fail = |failure: cratewright::Diagnostic| TestCaseError::fail(format!("{failure:?}"));
    let options = LoadOptions {
        manifest_path: Some(root.join("Cargo.toml")),
        targets: asked.platforms.map(|ix| TARGETS[ix].to_owned()).to_vec(),
        cross: Vec::new(),
        offline: true,
        locked: true,
        ..LoadOptions::default()
    };
    let mut workspace = load(&options).map_err(fail)?;
    // Host and target differ, so that no result is right by chance.
    let last = workspace.platforms.len() - 1;
    workspace.pairs = vec![Pair { host: 0, target: last }];
    let members = workspace.packages.members.clone();
    let mut selections: Vec<Selection> = members
        .iter()
        .flat_map(|&member| [Selection::build(member), Selection::test(member)])
        // The last members have the most dependencies; to test all members would take too long.
        .rev()
        .take(3)
        .collect();
    selections.push(Selection { members, ..selections[0].clone() });
    for selection in &mut selections {
        selection.features = asked.features();
        // Under resolver 1, cargo's feature flags apply only to the package in the current directory.
        if selection.members.len() > 1
            && workspace.packages.resolver == ResolverBehavior::V1
            && selection.features != RootFeatures::All
        {
            selection.features = RootFeatures::default_features();
        }
    }
    let mut resolved = selections.clone();
    match sabotage {
        Sabotage::None => {}
        Sabotage::UnionOfHostAndTarget => workspace.packages.resolver = ResolverBehavior::V1,
        Sabotage::DevFeatures => resolved.iter_mut().for_each(|selection| selection.intent = UserIntent::Test),
    }
    let graphs = workspace.resolve(&resolved);
    ORACLE.prepare(&workspace).map_err(fail)?;
    for (selection, graphs) in selections.iter().zip(&graphs) {
        for (&pair, graph) in workspace.pairs.iter().zip(graphs) {
            let mut cargo = ORACLE.table(&workspace, selection, pair).map_err(fail)?;
            let mut ours = table_of(&workspace.packages, graph);
            if sabotage == Sabotage::DevFeatures {
                // Only features should be wrong, not the set of units.
                ours.retain(|key, _| cargo.contains_key(key));
                cargo.retain(|key, _| ours.contains_key(key));
            }
            let different = differences(&cargo, &ours);
            if !different.is_empty() {
                let names: Vec<_> = selection.members.iter().map(|&ix| workspace.packages[ix].name.as_str()).collect();
                let text: String = different.iter().map(ToString::to_string).collect();
                return Err(TestCaseError::fail(format!("{:?} of {names:?}:\n{text}", selection.intent)));
            }
        }
    }
    Ok(())
}

fn check(files: &[(String, String)], asked: Asked, sabotage: Sabotage) -> Result<(), TestCaseError> {
    let scratch = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let config = scratch.path().join(".cargo/config.toml");
    let text = fs::read_to_string(&config).unwrap_or_default();
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, format!("build.target-dir = {:?}\n{text}", TARGET.path())).unwrap();
    let mut lock = std::process::Command::new("cargo");
    lock.args(["generate-lockfile", "--offline", "--quiet"]).current_dir(scratch.path());
    let output = lock.output().unwrap();
    if !output.status.success() {
        // The strategy should write only workspaces that cargo accepts: a rejection is a bug of the strategy, not of
        // the resolver.
        return Err(TestCaseError::fail(format!("cargo refuses: {}", String::from_utf8_lossy(&output.stderr))));
    }
    compare(scratch.path(), asked, sabotage)
}

#[test]
fn random_workspaces_resolve_as_cargo_does() {
    let cases = std::env::var("CRATEWRIGHT_RANDOM_CASES").ok().map_or(200, |cases| cases.parse().unwrap());
    let threads = thread::available_parallelism().map_or(1, |count| count.get() as u32);
    let done = AtomicU32::new(0);
    thread::scope(|scope| {
        let runs: Vec<_> = (0..threads)
            .map(|thread| (cases + thread) / threads)
            .map(|share| {
                let done = &done;
                scope.spawn(move || run(share, 400, Sabotage::None, &|| count(done, cases)))
            })
            .collect();
        for run in runs {
            if let Err(error) = run.join().unwrap() {
                panic!("{error}");
            }
        }
    });
}

/// Prints the progress of a long run.
#[expect(clippy::print_stderr, reason = "a test of an hour should not look stuck")]
fn count(done: &AtomicU32, cases: u32) {
    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
    if done.is_multiple_of(500) {
        eprintln!("{done} of {cases}");
    }
}

fn run(
    cases: u32,
    max_shrink_iters: u32,
    sabotage: Sabotage,
    on_case: &dyn Fn(),
) -> Result<(), TestError<impl std::fmt::Debug + use<>>> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters, ..Config::default() };
    let asked = ([0..TARGETS.len(), 0..TARGETS.len()], 0..17_u8);
    let asked = asked.prop_map(|(platforms, features)| Asked { platforms, features });
    TestRunner::new(config).run(&(random_workspace(), asked), |(random, asked)| {
        on_case();
        check(&random.files(), asked, sabotage)
    })
}

/// The comparison can fail: random workspaces detect resolvers that are broken on purpose.
#[test]
fn broken_resolvers_are_caught() {
    for sabotage in [Sabotage::UnionOfHostAndTarget, Sabotage::DevFeatures] {
        match run(200, 0, sabotage, &|| ()) {
            Err(TestError::Fail(reason, _)) => {
                assert!(reason.message().contains("cratewright: features"), "caught for another reason: {reason}");
            }
            Err(TestError::Abort(reason)) => panic!("{reason}"),
            Ok(()) => panic!("a broken resolver passed 200 random workspaces"),
        }
    }
}

/// Each file holds a difference that was found in the past, as printed, with a description.
#[test]
fn past_differences_stay_fixed() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/random/regressions");
    let mut cases = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let files = parse(&fs::read_to_string(&path).unwrap());
        for platforms in [[0, 0], [1, 3], [4, 4]] {
            for features in [0, 8, 9, 16] {
                if let Err(error) = check(&files, Asked { platforms, features }, Sabotage::None) {
                    panic!("{}: {error}", path.display());
                }
            }
        }
        cases += 1;
    }
    assert!(cases > 0, "no regression was read");
}

/// Parses files that follow lines `# path`, and adds an empty source for each package.
fn parse(text: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("# ").filter(|path| path.ends_with(".toml") || path.ends_with(".json")) {
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
