//! `cratewright generate`: writes `Cargo.nix`, its library and the snapshot.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use cratewright_renderer::{Merged, RenderOptions, build_script_crates, derivations, merge};
use cratewright_resolver::{DEFAULT_PROFILE, Package, Source, UnitGraph};
use cratewright_sources::path::WsPath;
use cratewright_sources::reads::{QUERIES, Reads, UnresolvedRead, topmost};
use cratewright_staleness::{Change, FORMAT, LOCK, Reason, Record, Sources, recorded, stamped};
use cratewright_workspace::{EnvironmentVariable, Limits};

use crate::args::Generate;
use crate::args::snapshot::Snapshot;
use crate::contents::Edited;
use crate::disk::read_text;
use crate::exit;
use crate::library::LibraryPlace;
use crate::options::{LoadOptions, Options};
use crate::origins;
use crate::output::{self, Written};
use crate::paths::relative;
use crate::report::{Report, seconds};
use crate::snapshot::{self, SnapshotPlace};
use crate::workspace::{self, Workspace};
use cratewright_sources::diagnostic::Diagnostic;

/// The text of a `Cargo.nix`, with what the summary and the warnings need.
pub(crate) struct Rendered {
    pub(crate) text: String,
    packages: usize,
    units: usize,
    /// Members that have only binaries, all of which require features that are off.
    gated: Vec<String>,
    /// Places in sources where it is not known which files they read.
    /// They are listed with the manifest of the package.
    unresolved: Vec<(WsPath, UnresolvedRead)>,
    /// Packages that need the lock file at build time.
    without_lock: Vec<WithoutLock>,
    /// Files and directories that the workspace was read from.
    pub(crate) read: Vec<PathBuf>,
    /// The library that `Cargo.nix` imports.
    pub(crate) library: LibraryPlace,
    /// The snapshot that is written with it.
    snapshot: Option<(SnapshotPlace, String)>,
}

/// A package that needs the lock file at build time.
struct WithoutLock {
    name: String,
    manifest: String,
    /// The lock file, seen from the package.
    lock: String,
}

/// A file that a run writes.
#[derive(Debug)]
pub(crate) struct Output<'a> {
    pub(crate) path: PathBuf,
    pub(crate) text: Cow<'a, str>,
    /// A description for the summary; `None` for `Cargo.nix` itself.
    what: Option<&'static str>,
}

impl Rendered {
    /// Prints warnings.
    pub(crate) fn warn(&self, workspace: &Workspace, report: &Report) {
        for member in &self.gated {
            report.warning(format_args!(
                "`{member}` is left out: the features that its binaries require are off by default"
            ));
        }
        for WithoutLock { name, manifest, lock } in &self.without_lock {
            report.warning(format_args!(
                "the build script of `{name}` uses `built`, which fails without Cargo.lock; add `extra-sources = [\"{lock}\"]` to `[package.metadata.cratewright]` in {manifest}"
            ));
        }
        for what in &workspace.not_followed {
            report.warning(what);
        }
        for (manifest, read) in &self.unresolved {
            let UnresolvedRead { file, line, what, .. } = read;
            report.warning(format_args!("{file}:{line}: {what}; {}", read.advice(manifest)));
        }
    }

    /// All files to write, for a `Cargo.nix` at this path. The library comes first: if the run is interrupted between
    /// the two, the old `Cargo.nix` still finds the library that it imports. `check` then reports the file as stale,
    /// and the library rejects a file of another format.
    pub(crate) fn files(&self, cargo_nix: &Path) -> Vec<Output<'_>> {
        let library = self.library.file().map(|(path, text)| Output {
            path: path.to_owned(),
            text: text.into(),
            what: Some("which Cargo.nix imports"),
        });
        let snapshot = self.snapshot.as_ref().map(|(place, text)| Output {
            path: place.path.clone(),
            text: text.into(),
            what: Some("the build graph"),
        });
        let own = Output { path: cargo_nix.to_owned(), text: (&self.text).into(), what: None };
        library.into_iter().chain(snapshot).chain([own]).collect()
    }
}

/// Which files are wanted besides `Cargo.nix` and its library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// No files, only the graphs of derivations.
    Graphs {
        /// Whether files that sources read outside of their packages are included.
        with_reads: bool,
    },
    /// The snapshot of the build graph, if it exists or limits are configured.
    AsBefore,
    /// The snapshot of the build graph.
    Snapshot,
}

pub(crate) fn run(command: &Generate, report: &Report) -> Result<u8, Diagnostic> {
    run_for(command, Wanted::AsBefore, report)
}

/// `cratewright snapshot`
pub(crate) fn run_with_snapshot(command: &Snapshot, report: &Report) -> Result<u8, Diagnostic> {
    run_for(&command.generate, Wanted::Snapshot, report)
}

fn run_for(command: &Generate, wanted: Wanted, report: &Report) -> Result<u8, Diagnostic> {
    let start = Instant::now();
    let found = workspace::find(command.place.manifest_path.as_deref())?;
    let path = command.place.output.clone().unwrap_or_else(|| found.1.root().join("Cargo.nix"));
    let path = output::follow_links(&path);
    if !command.stdout {
        // Check this first, as loading may update Cargo.lock.
        output::check_name(&path)?;
        output::check_overwrite(&path, command.force)?;
        if wanted == Wanted::Snapshot {
            output::check_overwrite(&SnapshotPlace::new(found.1.root(), &path)?.path, command.force)?;
        }
    }
    let mut load = LoadOptions {
        manifest_path: command.place.manifest_path.clone(),
        targets: command.load.target.clone(),
        cross: command.load.cross.clone(),
        offline: command.load.offline,
        // `--stdout` must not write any file.
        locked: command.locked || command.stdout,
        prefetched: command.prefetched.clone(),
        progress: report.progress(),
    };
    if wanted == Wanted::Snapshot {
        // A snapshot describes the file that is there.
        load.use_recorded(&path);
    }
    let workspace = workspace::load_found_for(report, &load, &found)?;
    if let Some(changes) = &workspace.lock_changes {
        report.status("Updated", updated(&found.1.root().join(LOCK), changes));
    }
    let resolving = Instant::now();
    let options = Options { targets: load.targets.clone(), cross: load.cross.clone(), ..Options::default() };
    let rendered = render_workspace(&workspace, &options, &path, wanted)?;
    rendered.warn(&workspace, report);
    report.took("Resolved", "and rendered", resolving);
    if command.stdout {
        let snapshot = rendered.snapshot.as_ref().filter(|_| wanted == Wanted::Snapshot);
        report.data(snapshot.map_or(&rendered.text, |(_, text)| text))?;
        return Ok(exit::SUCCESS);
    }
    rendered.library.check_directory()?;
    rendered.library.check_overwrite(command.force)?;
    let drops_snapshot = rendered.snapshot.is_none() && snapshot::is_recorded(&path);
    let newer = newer_format(&path);
    let files = rendered.files(&path);
    let texts: Vec<(&Path, &str)> = files.iter().map(|file| (file.path.as_path(), &*file.text)).collect();
    for (path, _) in texts.iter().filter(|(path, _)| !output::is_generated(path)) {
        output::check_no_input(path, &rendered.read)?;
    }
    let written = output::write(&texts, command.force)?;
    for (file, written) in files.iter().zip(&written) {
        if let Some(what) = file.what
            && *written == Written::Changed
        {
            report.status("Generated", format_args!("{}, {what}", output::shown(&file.path)));
        }
    }
    // A directory is obviously not generated.
    if let (Some(path), None) =
        (rendered.library.path.as_deref().filter(|path| path.is_file()), rendered.library.file())
    {
        report.status("Kept", format_args!("{}, which was not generated by cratewright", output::shown(path)));
    }
    if let Some(newer) = newer {
        report.warning(format_args!(
            "{} had format {newer}, of a newer version of cratewright; it has format {FORMAT} now",
            output::shown(&path)
        ));
    }
    if drops_snapshot {
        let restore = command.place.command_line("snapshot", found.1.root(), &options);
        report.status("Dropped", format_args!("the build graph from Cargo.nix; `{restore}` writes it again"));
    }
    let verb = match written.last() {
        Some(Written::Unchanged) => "Fresh",
        _ => "Generated",
    };
    let [packages, units, platforms] =
        [(rendered.packages, "package"), (rendered.units, "unit"), (workspace.pairs.len(), "platform")]
            .map(|(count, noun)| format!("{count} {noun}{}", if count == 1 { "" } else { "s" }));
    // Feature unification makes no difference for one member.
    let several = workspace.packages.members.len() > 1;
    let unified = match several {
        true => format!("; features unified per {}", workspace.settings.feature_unification),
        false => String::new(),
    };
    let counts = format!("{packages}, {units}, {platforms}{unified}");
    report.status(verb, format_args!("{} ({counts}) in {}", output::shown(&path), seconds(start)));
    if several
        && report.is_verbose()
        && let Some((unification, units)) = workspace.units_otherwise()
    {
        report.detail("Unified", format_args!("per {unification}, there would be {units} units"));
    }
    if let Some((place, _)) = &rendered.snapshot {
        place.warn(report)?;
    }
    // The process ends here; freeing a large graph would only delay that.
    std::mem::forget(workspace);
    Ok(exit::SUCCESS)
}

/// The format of a `Cargo.nix` that a newer version wrote.
fn newer_format(cargo_nix: &Path) -> Option<u32> {
    match recorded(&read_text(cargo_nix).ok()?) {
        Ok(Err(Reason::Format { found })) if found > FORMAT => Some(found),
        _ => None,
    }
}

/// Number of changed packages in the message about an updated lock file.
const CHANGES: usize = 5;

/// The lock file, with the first few changes that cargo made in it.
fn updated(lock: &Path, changes: &[Change]) -> String {
    let of_lock = format!("{LOCK}: ");
    let mut shown: Vec<String> = changes.iter().map(Change::describe).collect();
    shown.iter_mut().for_each(|line| *line = line.trim_start_matches(&of_lock).to_owned());
    let more = shown.len().saturating_sub(CHANGES);
    if more > 0 {
        shown.truncate(CHANGES);
        shown.push(format!("and {more} more"));
    }
    let what = if shown.is_empty() { String::new() } else { format!(": {}", shown.join("; ")) };
    format!("{}{what}", output::shown(lock))
}

/// A resolved and merged workspace, with the options to render its `Cargo.nix`.
pub(crate) struct Prepared {
    pub(crate) graphs: Vec<Vec<UnitGraph>>,
    pub(crate) merged: Merged,
    pub(crate) render: RenderOptions,
    record: Record,
    reads: BTreeMap<WsPath, Reads>,
    library: LibraryPlace,
    snapshot: Option<(SnapshotPlace, String)>,
}

/// Collects the contents of a file at `path`, before it is rendered.
pub(crate) fn prepare(
    workspace: &Workspace,
    options: &Options,
    path: &Path,
    wanted: Wanted,
) -> Result<Prepared, Diagnostic> {
    let place = OutputPlace::new(&workspace.root, path)?;
    let chosen = workspace.settings.library.as_ref();
    let library = LibraryPlace::new(chosen.map(|chosen| chosen.value.as_str()), &workspace.root, path)
        .map_err(|failure| failure.position(chosen.map(|chosen| chosen.position)))?;
    let record = workspace.record.clone();
    let (record, reads) = match wanted {
        Wanted::Graphs { with_reads: false } => (record, BTreeMap::new()),
        _ => record.with_reads(&workspace.disk),
    };
    let graphs = workspace.resolve(&workspace.selections);
    let merged = merge(workspace.resolved(&graphs))?;
    if merged.members.is_empty() {
        return Err(Diagnostic::new(
            "nothing-to-build",
            "no member has a library, or a binary whose required features are enabled",
        )
        .at(workspace.root.join("Cargo.toml").display().to_string())
        .help("enable the required features by default; `cargo build` builds nothing either"));
    }
    let packages = built(workspace, &merged);
    let snapshot = SnapshotPlace::new(&workspace.root, path)?;
    // Limits have an effect only through a snapshot.
    let has_limits = workspace.settings.limits != Limits::default();
    let snapshot = (wanted == Wanted::Snapshot || has_limits || snapshot.is_there()).then_some(snapshot);
    let outputs = [place.output.clone()].into_iter().chain(library.output());
    let mut render = RenderOptions {
        root: place.root.clone(),
        library: library.library.clone(),
        format: FORMAT,
        outputs: outputs.chain(snapshot.iter().filter_map(SnapshotPlace::output)).collect(),
        origins: origins::origins(&packages)?,
        extra_sources: extra_sources(workspace, &reads),
        ignored: workspace.ignored.clone(),
        rustflags: workspace.rustflags.clone(),
        environment: environment(workspace, &reads),
        inputs: BTreeMap::new(),
    };
    let is_written = !matches!(wanted, Wanted::Graphs { .. });
    let snapshot = snapshot.filter(|_| is_written).map(|place| {
        let resolved = workspace.resolved(&graphs);
        let graphs = derivations(resolved, &merged, &render, DEFAULT_PROFILE, &Edited::default(), None);
        (place, cratewright_graph::snapshot(&graphs, &workspace.settings.limits))
    });
    let options = Options { snapshot: snapshot.as_ref().map(|(_, text)| snapshot::digest(text)), ..options.clone() };
    let record = record.with_options(&place.options(&options, &library).section());
    render.inputs = record.sections().clone();
    Ok(Prepared { graphs, merged, render, record, reads, library, snapshot })
}

/// Renders the whole file for `path`.
pub(crate) fn render_workspace(
    workspace: &Workspace,
    options: &Options,
    path: &Path,
    wanted: Wanted,
) -> Result<Rendered, Diagnostic> {
    let Prepared { graphs, merged, render, record, reads, library, snapshot } =
        prepare(workspace, options, path, wanted)?;
    let body = cratewright_renderer::render(workspace.resolved(&graphs), &merged, &render);
    check_unchanged(workspace, &record)?;
    let of_package = |(directory, reads): (&WsPath, &Reads)| {
        let manifest = directory.child("Cargo.toml");
        unresolved(workspace, reads).into_iter().map(|read| (manifest.clone(), read.clone())).collect::<Vec<_>>()
    };
    let unresolved = reads.iter().flat_map(of_package).collect();
    let read = inputs(workspace, &record, &reads);
    let is_built = |package| merged.members.iter().any(|built| built.package == package);
    let left_out = workspace.packages.members.iter().filter(|&&member| !is_built(member));
    let left_out = left_out.map(|&member| &workspace.packages[member]);
    Ok(Rendered {
        text: stamped(&body),
        read,
        library,
        snapshot,
        packages: built(workspace, &merged).len(),
        units: merged.builds().count(),
        unresolved,
        without_lock: without_lock(workspace, &merged),
        gated: left_out.filter(|package| !package.bins.is_empty()).map(|package| package.name.clone()).collect(),
    })
}

/// Local packages whose build scripts read the lock file through the crate `built` and do not have it in their sources,
/// with the path of the lock file seen from them.
fn without_lock(workspace: &Workspace, merged: &Merged) -> Vec<WithoutLock> {
    let packages = &workspace.packages;
    let reads_lock = merged.entries.iter().any(|entry| {
        let package = &packages[entry.package];
        let mut features = entry.contents.values().flat_map(|content| &content.features);
        package.name == "built" && features.any(|&feature| package.feature_name(feature) == "cargo-lock")
    });
    if !reads_lock {
        return Vec::new();
    }
    let used = build_script_crates(packages, merged);
    let lock_of = |package: &Package| {
        let Source::Local { dir } = &package.source else { return None };
        let is_used = used.get(package.name.as_str()).is_some_and(|crates| crates.contains("built"));
        let has_lock = package.extra_sources.iter().any(|path| path.as_str() == "Cargo.lock");
        let up = dir.split('/').filter(|part| !part.is_empty()).map(|_| "../").collect::<String>();
        let manifest = relative(&workspace.root, Path::new(&package.manifest_path)).to_string();
        let (name, lock) = (package.name.clone(), format!("{up}Cargo.lock"));
        (is_used && !has_lock).then_some(WithoutLock { name, manifest, lock })
    };
    built(workspace, merged).into_iter().filter_map(lock_of).collect()
}

/// The inputs of a generated file: files and directories, possibly with repetitions.
pub(crate) fn inputs(workspace: &Workspace, record: &Record, reads: &BTreeMap<WsPath, Reads>) -> Vec<PathBuf> {
    let outside = reads.values().flat_map(|reads| reads.paths.iter().cloned());
    let all = record.files().into_iter().chain(outside).map(|path| workspace.root.join(path));
    let mut inputs = workspace.disk.seen();
    inputs.extend(all);
    inputs
}

/// Fails if a file has changed since it was recorded: cargo reads the workspace later than we do, so the result would
/// not match the record.
fn check_unchanged(workspace: &Workspace, record: &Record) -> Result<(), Diagnostic> {
    let now = record.replay(&workspace.disk, Sources::AsRead);
    let now = now.map_err(|failure| failure.in_directory(&workspace.root))?;
    let Some(change) = record.changes(&now).into_iter().next() else { return Ok(()) };
    Err(Diagnostic::new("changed-meanwhile", format!("the workspace changed while it was read: {}", change.describe()))
        .at(workspace.root.join(&change.file).display().to_string())
        .help("run the command again; Cargo.nix was not changed"))
}

/// The packages of all entries without repetitions, sorted by name and version.
pub(crate) fn built<'a>(workspace: &'a Workspace, merged: &Merged) -> Vec<&'a Package> {
    let packages: BTreeSet<_> = merged.entries.iter().map(|entry| entry.package).collect();
    packages.into_iter().map(|package| &workspace.packages[package]).collect()
}

/// Files outside of their directories that local packages are built from, by directory: those that their sources read,
/// and those that their manifests list.
pub(crate) fn extra_sources(workspace: &Workspace, reads: &BTreeMap<WsPath, Reads>) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for package in workspace.packages.packages() {
        let Source::Local { dir } = &package.source else { continue };
        let found = reads.get(dir.as_str()).into_iter().flat_map(|reads| &reads.paths);
        let paths: BTreeSet<WsPath> = found.chain(&package.extra_sources).cloned().collect();
        all.insert(dir.clone(), topmost(&paths).iter().map(ToString::to_string).collect());
    }
    all
}

/// Unresolved reads in code that is compiled on one of the platforms, without repetitions.
pub(crate) fn unresolved<'a>(workspace: &Workspace, reads: &'a Reads) -> Vec<&'a UnresolvedRead> {
    let is_on_any = |read: &&UnresolvedRead| workspace.platforms.iter().any(|platform| read.is_on(&platform.cfgs));
    let mut unresolved: Vec<&UnresolvedRead> = reads.unresolved.iter().filter(is_on_any).collect();
    unresolved.dedup_by_key(|read| (&read.file, read.line, &read.what));
    unresolved
}

/// Variables of cargo's configuration, and those that sqlx needs to find its prepared queries without cargo.
fn environment(workspace: &Workspace, reads: &BTreeMap<WsPath, Reads>) -> BTreeMap<String, EnvironmentVariable> {
    let mut environment = workspace.environment.clone();
    if reads.values().any(|reads| reads.paths.contains(QUERIES)) {
        let plain = |value: &str, is_path| EnvironmentVariable { value: value.to_owned(), force: false, is_path };
        environment.entry("SQLX_OFFLINE_DIR".to_owned()).or_insert_with(|| plain(QUERIES, true));
        environment.entry("SQLX_OFFLINE".to_owned()).or_insert_with(|| plain("true", false));
    }
    environment
}

/// Relative paths between the generated file and the workspace root.
pub(crate) struct OutputPlace {
    /// The root, relative to the directory of the file.
    root: String,
    /// The file, relative to the root.
    output: String,
}

impl OutputPlace {
    pub(crate) fn new(root: &Path, path: &Path) -> Result<Self, Diagnostic> {
        let directory = output::real_directory(path)?;
        let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let (root, output) = (relative(&directory, &root), relative(&root, &directory.join(name)));
        Ok(OutputPlace { root: root.to_string(), output: output.to_string() })
    }

    /// The options to record for a file in this place.
    pub(crate) fn options(&self, options: &Options, library: &LibraryPlace) -> Options {
        Options {
            output: Some(self.output.clone()).filter(|output| output != "Cargo.nix"),
            root: Some(self.root.clone()).filter(|_| self.output.starts_with("../")),
            library: library.digest(),
            ..options.clone()
        }
    }
}
