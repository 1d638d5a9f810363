//! Loads a workspace: reads the input of the resolver from disk and from cargo.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use cratewright_renderer::{Resolved, merge};
use cratewright_resolver::{Metadata, Package, PackageGraph, PackageIx, Pair, Platform, Selection, UnitGraph, resolve};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::{choices, near_choices};
use cratewright_staleness::{Change, Observer, Record};
use cratewright_workspace::{
    CargoConfig, Cross, EnvironmentVariable, FeatureUnification, PackageSpec, Settings, find_root,
};

use crate::cargo::{self, Cause, NoPlatform};
use crate::disk::Disk;
use crate::flags;
use crate::options::LoadOptions;
use crate::paths::{quoted, relative};
use crate::prefetched;
use crate::replacement::replacements;
use crate::report::Report;
use crate::rustc::Rustc;
use crate::selections::selections;
use crate::systems::{system, triple};

/// Default platforms: the four that nixpkgs supports best.
pub const DEFAULT_TARGETS: [&str; 4] =
    ["aarch64-apple-darwin", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-unknown-linux-gnu"];

/// A workspace, ready to be resolved.
#[derive(Debug)]
pub struct Workspace {
    /// The directory of the root manifest.
    pub root: PathBuf,
    /// The packages.
    pub packages: PackageGraph,
    /// The platforms, in order of their triples.
    pub platforms: Vec<Platform>,
    /// Pairs of platforms, native ones first.
    pub pairs: Vec<Pair>,
    /// The selections in `Cargo.nix`: default builds, variants and tests.
    pub selections: Vec<Selection>,
    /// Patterns of files that are left out of all local sources.
    pub ignored: Vec<String>,
    /// `rustflags` of cargo's configuration, by triple.
    pub rustflags: BTreeMap<String, Vec<String>>,
    /// `[env]` of cargo's configuration.
    pub environment: BTreeMap<String, EnvironmentVariable>,
    /// A warning for each setting in profiles and cargo's configuration that is ignored.
    pub not_followed: Vec<String>,
    /// `[workspace.metadata.cratewright]`.
    pub(crate) settings: Settings,
    /// Everything that was read from disk, except for what sources read.
    pub(crate) record: Record,
    pub(crate) disk: Disk,
    /// The output of `cargo metadata`.
    pub(crate) metadata: String,
    /// What cargo changed in the lock file; `None` if it has not written the file.
    pub(crate) lock_changes: Option<Vec<Change>>,
}

impl Workspace {
    /// The unit graphs of these selections, by pair.
    pub fn resolve(&self, selections: &[Selection]) -> Vec<Vec<UnitGraph>> {
        resolve(&self.packages, &self.platforms, &self.pairs, selections)
    }

    /// The member that a package id spec matches.
    pub(crate) fn member(&self, name: &str) -> Result<PackageIx, Diagnostic> {
        let Workspace { packages, root, .. } = self;
        let spec = PackageSpec::parse(name)?;
        let matches = |package: &Package| spec.matches(&package.name, &package.version, &package.id);
        let found = packages.members.iter().copied().find(|&member| matches(&packages[member]));
        found.ok_or_else(|| {
            let names: Vec<&str> = packages.members.iter().map(|&member| packages[member].name.as_str()).collect();
            Diagnostic::new("unknown-member", format!("there is no member `{name}`"))
                .at(root.join("Cargo.toml").display().to_string())
                .help(near_choices(name, &names))
        })
    }

    /// Fails if there is no such profile.
    pub(crate) fn check_profile(&self, profile: &str) -> Result<(), Diagnostic> {
        if self.packages.profiles.contains(profile) {
            return Ok(());
        }
        let names: Vec<&str> = self.packages.profiles.names().collect();
        Err(Diagnostic::new("unknown-profile", format!("there is no profile `{profile}`"))
            .at(self.root.join("Cargo.toml").display().to_string())
            .help(match profile {
                "debug" => "cargo's directory `debug` is that of the profile `dev`".to_owned(),
                _ => choices(&names),
            }))
    }

    /// The number of units that `Cargo.nix` would have with the other feature unification; `None` if its selections
    /// cannot be made or merged.
    pub(crate) fn units_otherwise(&self) -> Option<(FeatureUnification, usize)> {
        let feature_unification = self.settings.feature_unification.other();
        let mut settings = self.settings.clone();
        settings.feature_unification = feature_unification;
        let selections = selections(&settings, &self.packages).ok()?;
        let graphs = self.resolve(&selections);
        let Workspace { packages, platforms, pairs, .. } = self;
        let merged = merge(Resolved { packages, platforms, pairs, selections: &selections, graphs: &graphs }).ok()?;
        Some((feature_unification, merged.builds().count()))
    }

    /// Nix systems with native builds, if the workspace configures the platforms of `Cargo.nix`.
    pub(crate) fn named_systems(&self) -> Vec<&'static str> {
        let native = self.pairs.iter().filter(|pair| self.settings.targets().is_some() && !pair.is_cross());
        native.filter_map(|pair| system(&self.platforms[pair.host].triple)).collect()
    }

    /// The unit graph of one selection on one of the pairs.
    pub(crate) fn resolve_on(&self, selection: &Selection, pair: Pair) -> UnitGraph {
        let mut graphs = resolve(&self.packages, &self.platforms, &[pair], std::slice::from_ref(selection));
        graphs.pop().and_then(|mut graphs| graphs.pop()).expect("one graph for one selection and pair")
    }

    /// The input of [`cratewright_renderer::merge`]: graphs of the workspace's selections, with the data they refer to.
    pub(crate) fn resolved<'a>(&'a self, graphs: &'a [Vec<UnitGraph>]) -> Resolved<'a> {
        let Workspace { packages, platforms, pairs, selections, .. } = self;
        Resolved { packages, platforms, pairs, selections, graphs }
    }
}

/// Reads a workspace.
///
/// # Errors
/// When anything cannot be loaded, from a missing manifest to an unsupported source.
pub fn load(options: &LoadOptions) -> Result<Workspace, Diagnostic> {
    load_found(options, &find(options.manifest_path.as_deref())?, None)
}

/// Reads a workspace with known output of `cargo metadata`.
pub(crate) fn load_known(options: &LoadOptions, metadata: String) -> Result<Workspace, Diagnostic> {
    load_found(options, &find(options.manifest_path.as_deref())?, Some(metadata))
}

fn load_found(
    options: &LoadOptions,
    (manifest, disk): &(PathBuf, Disk),
    metadata: Option<String>,
) -> Result<Workspace, Diagnostic> {
    load_from(options, manifest, disk, metadata).map_err(|failure| failure.in_directory(disk.root()))
}

fn load_from(
    options: &LoadOptions,
    manifest: &Path,
    disk: &Disk,
    known_metadata: Option<String>,
) -> Result<Workspace, Diagnostic> {
    let root = disk.root();
    let observer = Observer::new(disk);
    // This runs before cargo, which would block on a pipe in place of a file.
    let workspace = cratewright_workspace::Workspace::discover(&observer)?;
    observer.read_lock()?;
    let asked = triples(&options.targets);
    let early: Vec<String> = if asked.is_empty() { DEFAULT_TARGETS.map(str::to_owned).to_vec() } else { asked.clone() };
    let platform =
        |rustc: &Rustc, triple: &str| cargo::platform(rustc, triple, root, &workspace.config, options.progress);
    // rustc's tables and the lock file are read while cargo runs, but one after the other: cargo takes longest and
    // should have a core to itself.
    let (metadata, rustc, platforms, lock) = thread::scope(|scope| {
        let metadata = scope.spawn(|| {
            let (output, has_updated_lock) = match (known_metadata, &options.prefetched) {
                (Some(output), _) => (output, false),
                (None, Some(directory)) => {
                    (prefetched::metadata(directory, &workspace.config, manifest, root, options)?, false)
                }
                (None, None) => cargo::metadata(manifest, root, options, None)?,
            };
            let metadata = Metadata::parse(&output, |path| Path::new(path).is_file());
            let metadata = metadata.map_err(|failure| failure.at(manifest.display().to_string()))?;
            let replaced = replacements(&metadata, &workspace.config)?;
            Ok::<_, Diagnostic>((output, metadata, replaced, has_updated_lock))
        });
        let rustc = Rustc::of(root);
        let platforms: Vec<_> = early.iter().map(|triple| platform(&rustc, triple)).collect();
        let lock = observer.lock();
        (metadata.join().expect("parsing what cargo prints does not panic"), rustc, platforms, lock)
    });
    // Without rustc cargo fails as well, with a less clear message.
    let no_rustc = platforms.iter().filter_map(|platform| platform.as_ref().err());
    if let Some(missing) = no_rustc.into_iter().find(|missing| missing.cause == Cause::NoRustc) {
        return Err(missing.diagnostic.clone());
    }
    // This error has the line of the lock file that is wrong, so it comes before cargo's.
    let mut lock = lock?;
    let (output, metadata, replaced, has_updated_lock) = metadata?;
    let mut record = Record::new(observer).with_lock(&lock);
    let mut lock_changes = None;
    // The lock file is read again, but all other files must not have changed while cargo ran.
    if has_updated_lock {
        lock = Observer::new(disk).lock()?;
        let now = record.clone().with_lock(&lock);
        lock_changes = Some(record.changes(&now));
        record = now;
    }
    let config = &workspace.config;
    let mut known: BTreeMap<String, Result<Platform, NoPlatform>> = early.iter().cloned().zip(platforms).collect();
    let mut left_out = Vec::new();
    let targets = match workspace.settings.targets() {
        Some(targets) if asked.is_empty() => triples(&targets),
        None if asked.is_empty() => defaults(early, &known, config, &mut left_out)?,
        _ => early,
    };
    let cross: Vec<&Cross> = match options.cross.is_empty() {
        true => workspace.settings.cross.iter().map(|pair| &pair.value).collect(),
        false => options.cross.iter().collect(),
    };
    let (platforms, pairs) = pairs(&targets, &cross, |name| {
        let platform = known.remove(name).unwrap_or_else(|| platform(&rustc, name));
        platform.map_err(|missing| match workspace.settings.position_of(|written| triple(written) == name) {
            Some(position) if missing.cause == Cause::Unknown && !asked.iter().any(|asked| asked == name) => {
                missing.diagnostic.at("Cargo.toml").position(Some(position))
            }
            _ => missing.diagnostic,
        })
    })?;
    let packages = PackageGraph::new(&workspace, &lock, metadata, &replaced)?;
    let not_followed =
        packages.profiles.ignored().into_iter().chain(flags::ignored(config, &platforms)).chain(left_out);
    Ok(Workspace {
        root: root.to_owned(),
        not_followed: not_followed.collect(),
        selections: selections(&workspace.settings, &packages)?,
        ignored: workspace.settings.exclude_sources().to_vec(),
        rustflags: rustflags(&platforms, config)?,
        environment: config.environment()?,
        settings: workspace.settings,
        packages,
        platforms,
        pairs,
        record,
        disk: disk.clone(),
        metadata: output,
        lock_changes,
    })
}

/// Reads a workspace, and reports the time with `-v`.
pub(crate) fn load_for(report: &Report, options: &LoadOptions) -> Result<Workspace, Diagnostic> {
    load_found_for(report, options, &find(options.manifest_path.as_deref())?)
}

/// The same for a workspace that [`find`] has found.
pub(crate) fn load_found_for(
    report: &Report,
    options: &LoadOptions,
    found: &(PathBuf, Disk),
) -> Result<Workspace, Diagnostic> {
    let start = Instant::now();
    let workspace = load_found(options, found, None)?;
    report.took("Loaded", workspace.root.display(), start);
    Ok(workspace)
}

/// A native pair for each target, followed by the cross pairs, and their platforms.
fn pairs(
    targets: &[String],
    cross: &[&Cross],
    mut platform: impl FnMut(&str) -> Result<Platform, Diagnostic>,
) -> Result<(Vec<Platform>, Vec<Pair>), Diagnostic> {
    let mut cross: Vec<(String, String)> =
        cross.iter().map(|pair| (triple(&pair.host), triple(&pair.target))).collect();
    cross.sort();
    cross.dedup();
    let mut triples: Vec<&String> =
        targets.iter().chain(cross.iter().flat_map(|(host, target)| [host, target])).collect();
    triples.sort();
    triples.dedup();
    let platforms = triples.iter().map(|triple| platform(triple)).collect::<Result<Vec<_>, _>>()?;
    let ix = |triple: &String| triples.binary_search(&triple).expect("it was put in above");
    let native = targets.iter().map(|target| Pair::native(ix(target)));
    let cross = cross.iter().map(|(host, target)| Pair { host: ix(host), target: ix(target) });
    let pairs = native.chain(cross.filter(|pair| pair.is_cross())).collect();
    Ok((platforms, pairs))
}

/// The default platforms without those whose flags cannot be passed on, which get a warning in `left_out`.
fn defaults(
    mut targets: Vec<String>,
    known: &BTreeMap<String, Result<Platform, NoPlatform>>,
    config: &CargoConfig,
    left_out: &mut Vec<String>,
) -> Result<Vec<String>, Diagnostic> {
    let mut first = None;
    targets.retain(|triple| {
        let failure = match &known[triple] {
            Ok(platform) => rustflags_of(platform, config).err(),
            Err(missing) => Some(missing.diagnostic.clone()).filter(|_| missing.cause == Cause::Flags),
        };
        let Some(failure) = failure else { return true };
        left_out.push(format!("`{triple}` is left out of the default platforms: {}", failure.message));
        first.get_or_insert(failure);
        false
    });
    match first {
        Some(failure) if targets.is_empty() => Err(failure),
        _ => Ok(targets),
    }
}

/// The flags of each platform that has any.
fn rustflags(platforms: &[Platform], config: &CargoConfig) -> Result<BTreeMap<String, Vec<String>>, Diagnostic> {
    let mut all = BTreeMap::new();
    for platform in platforms {
        let flags = rustflags_of(platform, config)?;
        if !flags.is_empty() {
            all.insert(platform.triple.clone(), flags);
        }
    }
    Ok(all)
}

fn rustflags_of(platform: &Platform, config: &CargoConfig) -> Result<Vec<String>, Diagnostic> {
    flags::rustflags_for_nix(config, platform).map_err(|flag| {
        let triple = &platform.triple;
        let message = format!(
            "`{flag}` in `rustflags` for `{triple}` has a space or a pattern, which nixpkgs' builder cannot pass on"
        );
        Diagnostic::new("unsupported-rustflags", message).at(config.file()).help(format!(
            "remove the flag, or list other platforms than `{triple}` in `targets` of [workspace.metadata.cratewright]"
        ))
    })
}

/// The sorted triples of targets, without repetitions.
fn triples(targets: &[String]) -> Vec<String> {
    let mut triples: Vec<String> = targets.iter().map(|target| triple(target)).collect();
    triples.sort();
    triples.dedup();
    triples
}

/// The manifest to start from, and the disk at the root of its workspace.
pub(crate) fn find(manifest_path: Option<&Path>) -> Result<(PathBuf, Disk), Diagnostic> {
    let manifest = find_manifest(manifest_path)?;
    let top = Path::new("/");
    let disk = Disk::new(top.to_owned());
    let directory = relative(top, manifest.parent().unwrap_or(top));
    let root = find_root(&disk, &directory).map_err(|failure| failure.in_directory(top))?;
    Ok((manifest, disk.at(top.join(root.as_str()))))
}

/// The manifest to start from. It is checked here, as cargo's error would be less clear.
pub(crate) fn find_manifest(given: Option<&Path>) -> Result<PathBuf, Diagnostic> {
    if let Some(path) = given {
        return given_manifest(path);
    }
    let current = std::env::current_dir().map_err(|error| Diagnostic::io("read", Path::new("."), &error))?;
    // As in cargo, the first entry with this name counts, even if it is not a file.
    let manifest = current.ancestors().map(|directory| directory.join("Cargo.toml")).find(|manifest| manifest.exists());
    match manifest {
        Some(manifest) if manifest.is_file() => Ok(manifest),
        Some(other) => Err(no_manifest(format!("`{}` is not a file", other.display()), None)),
        None => Err(no_manifest(format!("there is no Cargo.toml in `{}` or above it", current.display()), None)),
    }
}

/// The manifest of `--manifest-path`. Like cargo, this takes no directory and no file of another name.
fn given_manifest(path: &Path) -> Result<PathBuf, Diagnostic> {
    let name = Path::new("Cargo.toml");
    let what = match fs::canonicalize(path) {
        Ok(real) if real.is_file() && (path.ends_with(name) || real.ends_with(name)) => return Ok(real),
        Ok(real) if real.is_dir() => "is a directory",
        Ok(_) => "is not a Cargo.toml",
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => "does not exist",
        Err(error) => return Err(Diagnostic::io("read", path, &error)),
    };
    let near = path.ancestors().map(|directory| directory.join(name)).find(|near| near.is_file());
    Err(no_manifest(format!("`{}` {what}", path.display()), near.as_deref()))
}

/// `near` is a manifest that may be meant.
fn no_manifest(message: String, near: Option<&Path>) -> Diagnostic {
    Diagnostic::new("no-manifest", message).help(match near {
        Some(near) => format!("pass `--manifest-path {}`", quoted(near)),
        None => "run the command inside a Cargo workspace, or pass `--manifest-path path/to/Cargo.toml`".to_owned(),
    })
}
