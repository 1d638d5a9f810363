//! `cratewright check`: whether `Cargo.nix` is up to date.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

use cratewright_graph::{Breach, BreachCode, Snapshot, Unused};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::files::Files;
use cratewright_sources::path::WsPath;
use cratewright_staleness::{
    Change, FORMAT, HeaderError, LibraryState, Observer, Reason, Record, SnapshotState, Sources, recorded,
};
use cratewright_workspace::{Settings, Workspace, may_have_unread_table};
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::args::{Check, Format};
use crate::conflicts;
use crate::disk::{Disk, read_bytes, read_text};
use crate::exit;
use crate::generate::{OutputPlace, Wanted, render_workspace};
use crate::library::LibraryPlace;
use crate::options::{LoadOptions, Options};
use crate::output::{self, TOOLCHAIN_FILES};
use crate::report::Report;
use crate::snapshot::{self, SnapshotPlace};
use crate::workspace;

pub(crate) fn run(command: &Check, report: &Report) -> Result<u8, Diagnostic> {
    let (manifest, disk) = workspace::find(command.place.manifest_path.as_deref())?;
    let root = disk.root();
    if !root.join("Cargo.lock").exists() {
        return Err(Diagnostic::no_lock_file().in_directory(root));
    }
    let path = command.place.output.clone().unwrap_or_else(|| root.join("Cargo.nix"));
    let path = output::follow_links(&path);
    let shown = output::shown(&path);
    let place = OutputPlace::new(root, &path)?;
    let regenerate = |options: &Options| format!("run `{}`", command.place.command_line("generate", root, options));
    let text = match read_bytes(&path) {
        // A file that is not valid UTF-8 is reported as stale.
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let help = Some(regenerate(&Options::default()));
            return Verdict { missing: true, ..Verdict::stale(Vec::new(), help) }.report(command, report, &shown);
        }
        Err(error) => return Err(Diagnostic::io("read", &path, &error)),
    };
    // A file that was not generated, or has merge conflicts, is reported before anything else.
    let unreadable = |error| unreadable(&error, &path, "-o", &regenerate(&Options::default()));
    let record = match recorded(&text).map_err(unreadable)? {
        Ok(record) => record,
        Err(reason) => {
            let help = match reason {
                Reason::Format { found } if found > FORMAT => NEWER.to_owned(),
                _ => regenerate(&Options::default()),
            };
            return Verdict::stale(vec![reason], Some(help)).report(command, report, &shown);
        }
    };
    let recorded_snapshot = Options::recorded_snapshot(&record);
    let options = Options { snapshot: recorded_snapshot.clone(), ..Options::recorded(&record) };
    let snapshot = SnapshotPlace::new(root, &path)?;
    let of_snapshot = snapshot.reason(recorded_snapshot.as_deref()).filter(|_| !command.manifests_only);
    let help = match &of_snapshot {
        // With limits, `generate` always writes the snapshot.
        Some(Reason::Snapshot { state: SnapshotState::Missing, .. }) if !snapshot::has_limits(&record) => {
            let [restore, drop] = ["snapshot", "generate"].map(|name| command.place.command_line(name, root, &options));
            format!("run `{restore}` to write it again, or `{drop}` to stop using it")
        }
        _ => regenerate(&options),
    };
    if of_snapshot.is_some() {
        conflicts::check(&snapshot.path)?;
    }
    if command.build_graph {
        let moved: Vec<Reason> = of_snapshot.into_iter().collect();
        let limits = if moved.is_empty() { snapshot.parsed()? } else { None };
        if moved.is_empty() && limits.is_none() {
            return Err(Diagnostic::new("no-snapshot", "there is no snapshot of the build graph")
                .at(snapshot.path.display().to_string())
                .help("write it with `cratewright snapshot`"));
        }
        return Verdict::new(moved, help, limits).report(command, report, &output::shown(&snapshot.path));
    }
    check_member(&disk, &manifest, &record)?;
    check_toolchain_file(root)?;
    // Nix reads the record with code of the library, so the library is checked as well. If its recorded place has become
    // invalid, either the setting is another by now, or it is wrong, which is found below.
    if let Ok(library) = LibraryPlace::of(&record, root, &path)
        && let Some(state) = library.state()?
    {
        library.path.as_deref().map_or(Ok(()), conflicts::check)?;
        let help = match state {
            LibraryState::Foreign => {
                format!("run `{} --force`", command.place.command_line("generate", root, &options))
            }
            _ => help,
        };
        let moved = vec![Reason::Library { file: library.shown, state }];
        return Verdict::stale(moved, Some(help)).report(command, report, &shown);
    }
    if command.full {
        if let Some(reason) = of_snapshot {
            return Verdict::stale(vec![reason], Some(help)).report(command, report, &shown);
        }
        if !full(report, &path, &text, root, &options, &help)? {
            return Ok(exit::STALE);
        }
        return Verdict::new(Vec::new(), help, snapshot.parsed()?).report(command, report, &shown);
    }
    let replaying = Instant::now();
    let sources = if command.manifests_only { Sources::AsRecorded } else { Sources::Scan };
    let now = record.replay(&disk, sources).map_err(|failure| failure.in_directory(root))?;
    let library = match LibraryPlace::of(&now, root, &path) {
        Ok(library) => library,
        Err(failure) => {
            let settings = check_settings(&disk)?;
            return Err(failure.position(settings.and_then(|settings| settings.library).map(|chosen| chosen.position)));
        }
    };
    let now = now.with_options(&place.options(&options, &library).section());
    let moved: Vec<Reason> = record.changes(&now).into_iter().map(Reason::Input).chain(of_snapshot).collect();
    report.took("Replayed", "the record", replaying);
    let mut manifests =
        record.packages().filter_map(|(directory, _)| disk.text(&directory.child("Cargo.toml")).ok()?);
    if !moved.is_empty() || manifests.any(|manifest| may_have_unread_table(&manifest)) {
        check_settings(&disk)?;
    }
    let limits = if command.manifests_only || !moved.is_empty() { None } else { snapshot.parsed()? };
    Verdict::new(moved, help, limits).report(command, report, &shown)
}

/// Fails if a setting of Cratewright is wrong, which `generate` would refuse. The settings in a fresh `Cargo.nix` were
/// read when it was generated, except for tables that nothing reads. All other errors are left to `generate`, which
/// cargo helps to find them; then there are no settings.
fn check_settings(disk: &Disk) -> Result<Option<Settings>, Diagnostic> {
    match Workspace::discover(&Observer::new(disk)) {
        Ok(workspace) => Ok(Some(workspace.settings)),
        Err(failure) if failure.code == "invalid-metadata" => Err(failure.in_directory(disk.root())),
        Err(_) => Ok(None),
    }
}

/// Fails if a `Cargo.nix` is stale, as answers about it would be wrong.
pub(crate) fn require_fresh(root: &Path, cargo_nix: &Path) -> Result<(), Diagnostic> {
    let text = match read_bytes(cargo_nix) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            return Err(Diagnostic::io("read", cargo_nix, &error).help("write it with `cratewright generate`"));
        }
    };
    let regenerate = "run `cratewright generate`";
    let stale = |reason: &Reason| {
        Diagnostic::new(
            "stale-cargo-nix",
            format!("Cargo.nix is stale, so Nix would evaluate another state of the workspace: {}", reason.describe()),
        )
        .at(cargo_nix.display().to_string())
        .help(regenerate)
    };
    let record = recorded(&text).map_err(|error| unreadable(&error, cargo_nix, "--cargo-nix", regenerate))?;
    let record = record.map_err(|reason| stale(&reason))?;
    let disk = Disk::new(root.to_owned());
    let now = record.replay(&disk, Sources::Scan).map_err(|failure| failure.in_directory(root))?;
    record.changes(&now).into_iter().next().map_or(Ok(()), |change| Err(stale(&Reason::Input(change))))
}

/// Help for a file of a newer version, which is not replaced by an older format.
const NEWER: &str = "use the version of cratewright that wrote it, such as the one in `flake.lock`; `cratewright generate` would write the older format";

/// Help for exceeded limits.
fn over_limit(breaches: &[Breach]) -> String {
    let bans_feature = |breach: &Breach| breach.code == BreachCode::BannedFeature;
    let why = match (breaches.iter().any(bans_feature), breaches.iter().all(bans_feature)) {
        (_, true) => "run `cratewright why CRATE --feature FEATURE` to see what enables a feature",
        (true, _) => {
            "run `cratewright why CRATE` to see what brings a crate in, or with `--feature FEATURE` what enables a feature"
        }
        _ => "run `cratewright why CRATE` to see what brings a crate in",
    };
    let limits = "[workspace.metadata.cratewright.limits]";
    format!("{why}; remove that or raise the limit in {limits}, then run `cratewright generate`")
}

/// The result of a check, printed as text or JSON.
#[derive(Serialize)]
struct Verdict {
    #[serde(serialize_with = "reasons")]
    moved: Vec<Reason>,
    missing: bool,
    /// The command to run; `None` if the file is fresh.
    help: Option<String>,
    /// The limits that are exceeded, in a fresh snapshot.
    #[serde(flatten, serialize_with = "limits")]
    limits: Option<Snapshot>,
}

/// One reason why a file is stale, in JSON.
#[derive(Serialize)]
struct ReasonJson<'a> {
    file: &'a str,
    key: Option<&'a str>,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
    message: String,
}

fn reasons<S: serde::Serializer>(moved: &[Reason], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(moved.iter().map(|moved| {
        let message = moved.describe();
        match moved {
            Reason::Input(Change { file, key, old, new }) => {
                ReasonJson { file, key: Some(key), old: old.as_ref(), new: new.as_ref(), message }
            }
            Reason::Library { file, .. } => ReasonJson { file, key: None, old: None, new: None, message },
            _ => ReasonJson { file: "Cargo.nix", key: None, old: None, new: None, message },
        }
    }))
}

fn limits<S: serde::Serializer>(snapshot: &Option<Snapshot>, serializer: S) -> Result<S::Ok, S::Error> {
    let entries = snapshot.iter().flat_map(|snapshot| {
        [
            ("breaches", serde_json::json!(snapshot.breaches)),
            ("enforced", snapshot.is_enforced.into()),
            ("unused", snapshot.unused.iter().map(Unused::message).collect()),
        ]
    });
    serializer.collect_map(entries)
}

impl Verdict {
    fn stale(moved: Vec<Reason>, help: Option<String>) -> Self {
        Verdict { moved, missing: false, help, limits: None }
    }

    /// The result for a file that could be compared, with its snapshot if that is fresh.
    fn new(moved: Vec<Reason>, help: String, limits: Option<Snapshot>) -> Self {
        let help = Some(help).filter(|_| !moved.is_empty());
        Verdict { limits, ..Verdict::stale(moved, help) }
    }

    /// Whether an enforced limit is exceeded.
    fn is_over(&self) -> bool {
        self.limits.as_ref().is_some_and(|snapshot| snapshot.is_enforced && !snapshot.breaches.is_empty())
    }

    fn report(&self, command: &Check, report: &Report, shown: &str) -> Result<u8, Diagnostic> {
        let code = if self.help.is_none() && !self.is_over() { exit::SUCCESS } else { exit::STALE };
        if command.format == Format::Json {
            let mut value = serde_json::to_value(self).expect("strings and values are JSON");
            value["fresh"] = self.help.is_none().into();
            if let (None, true, Some(snapshot)) = (&self.help, self.is_over(), &self.limits) {
                value["help"] = over_limit(&snapshot.breaches).into();
            }
            report.data(&format!("{value:#}\n"))?;
            return Ok(code);
        }
        let Some(help) = &self.help else {
            self.report_limits(report);
            if !self.is_over() {
                report.status("Fresh", shown);
            }
            return Ok(code);
        };
        let what = if self.missing { "does not exist" } else { "does not match what it was made from" };
        let reasons: Vec<String> = self.moved.iter().map(Reason::describe).collect();
        report.finding("stale", format_args!("{shown} {what}"), &reasons, help);
        Ok(code)
    }

    fn report_limits(&self, report: &Report) {
        let Some(snapshot) = &self.limits else { return };
        snapshot.unused.iter().for_each(|unused| report.warning(unused.message()));
        let breaches: Vec<String> =
            snapshot.breaches.iter().flat_map(|breach| snapshot::lines(breach, snapshot)).collect();
        let what = "the build graph is over its limits";
        match (&breaches[..], snapshot.is_enforced) {
            ([], _) => {}
            (_, false) => report.warning(format_args!("{what}\n  {}", breaches.join("\n  "))),
            (_, true) => report.finding("over limit", what, &breaches, &over_limit(&snapshot.breaches)),
        }
    }
}

/// `--full`: compares the file with what `generate` would write, prints the difference, and returns whether they are
/// equal.
fn full(
    report: &Report,
    path: &Path,
    text: &str,
    root: &Path,
    options: &Options,
    help: &str,
) -> Result<bool, Diagnostic> {
    let workspace = workspace::load_for(
        report,
        &LoadOptions {
            manifest_path: Some(root.join("Cargo.toml")),
            targets: options.targets.clone(),
            cross: options.cross.clone(),
            offline: true,
            locked: true,
            progress: report.progress(),
            ..LoadOptions::default()
        },
    )?;
    let resolving = Instant::now();
    let rendered = render_workspace(&workspace, options, path, Wanted::AsBefore)?;
    report.took("Resolved", "and rendered", resolving);
    let shown = output::shown(path);
    if rendered.text == text {
        return Ok(true);
    }
    let difference = TextDiff::from_lines(text, rendered.text.as_str());
    report.data(&difference.unified_diff().header(&shown, "regenerated").to_string())?;
    report.finding("stale", format_args!("{shown} is not what `cratewright generate` would write"), &[], help);
    Ok(false)
}

/// `option` is the one that chooses another file.
fn unreadable(error: &HeaderError, path: &Path, option: &str, help: &str) -> Diagnostic {
    let file = path.display().to_string();
    match error {
        HeaderError::Conflict { line } => Diagnostic::conflict(&file, *line).help(help),
        HeaderError::NotGenerated => Diagnostic::new(error.code(), error.to_string()).at(file).help(format!(
            "replace it with `cratewright generate --force`, or choose another file with `{option} PATH`"
        )),
        HeaderError::NotCargoNix => Diagnostic::new(error.code(), error.to_string())
            .at(file)
            .help("pass the path of the file that `cratewright generate` wrote next to it"),
        _ => Diagnostic::new(error.code(), error.to_string()).at(file).help(help),
    }
}

/// Fails if the toolchain file has conflict markers or is not valid TOML: rustup refuses it, so `generate` fails.
fn check_toolchain_file(root: &Path) -> Result<(), Diagnostic> {
    for name in TOOLCHAIN_FILES {
        let path = root.join(name);
        let Ok(text) = read_text(&path) else { continue };
        conflicts::check_text(&path, &text)?;
        if name.ends_with(".toml")
            && let Err(error) = text.parse::<toml::Table>()
        {
            let file = path.display().to_string();
            return Err(Diagnostic::toml("invalid-toml", "valid TOML", &file, &text, error.message(), error.span()));
        }
    }
    Ok(())
}

/// Fails if the manifest is below the workspace but neither of a member nor excluded, which cargo refuses as well.
fn check_member(disk: &Disk, manifest: &Path, record: &Record) -> Result<(), Diagnostic> {
    let root = disk.root();
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = real(manifest.parent().unwrap_or(Path::new("")));
    let is_it = |(known, is_member): (WsPath, bool)| is_member && real(&root.join(known.as_str())) == directory;
    if directory == real(root) || record.packages().any(is_it) {
        return Ok(());
    }
    // A new member is not in the record. If the manifests cannot be read, it is reported when they are compared.
    let now = Workspace::discover(&Observer::new(disk));
    if now.map_or(true, |now| now.packages.into_iter().any(|(known, package)| is_it((known, package.is_member)))) {
        return Ok(());
    }
    let message = format!("`{}` is not a member of the workspace at `{}`", manifest.display(), root.display());
    Err(Diagnostic::new("not-a-member", message)
        .help("add it to `workspace.members`, or to `workspace.exclude`; cargo refuses it as well"))
}
