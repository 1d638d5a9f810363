//! `cratewright check`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cratewright_resolver::WorkspaceManifest;
use cratewright_staleness::{FORMAT, Inputs, Look, Moved, MovedKey, Stamp, StampError, check};
use serde::Serialize;
use serde_json::Value;
use similar::TextDiff;

use crate::args::{Check, Format};
use crate::cargo_config::CargoConfig;
use crate::disk::{self, Options, read_bytes};
use crate::exit;
use crate::failure::Failure;
use crate::generate::{Place, render_workspace};
use crate::library::LibraryPlace;
use crate::output;
use crate::report::Report;
use crate::root::workspace_root;
use crate::workspace::{self, LoadOptions};

pub(crate) fn run(command: &Check, report: &Report) -> Result<u8, Failure> {
    let manifest = workspace::find_manifest(command.place.manifest_path.as_deref())?;
    let root = workspace_root(&manifest)?;
    if !root.join("Cargo.lock").exists() {
        return Err(Failure::no_lock_file(&root));
    }
    let path = command.place.output.clone().unwrap_or_else(|| root.join("Cargo.nix"));
    let path = output::follow_links(&path);
    let shown = output::shown(&path);
    let place = Place::new(&root, &path)?;
    let text = match read_bytes(&path) {
        // One that is not UTF-8 is stale, and is told so.
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    let Some(text) = text else {
        let help = Some(help(command, &root, &Options::default()));
        let verdict = Verdict { moved: Vec::new(), missing: true, help };
        return verdict.report(command, report, &shown);
    };
    let reading = Instant::now();
    let now = inputs(command, &root, &manifest);
    report.took("Read", root.display(), reading);
    let comparing = Instant::now();
    let recorded = Inputs::recorded(&text).unwrap_or_default();
    let options = Options::recorded(&recorded);
    let help = help(command, &root, &options);
    // A file of another origin, or one that a merge tore apart, is said to be that before anything else.
    let (stamp, _) = Stamp::parse(&text).map_err(|error| unreadable(&error, &path, &help))?;
    let moved = if stamp.format == FORMAT {
        let now = now?;
        let library = LibraryPlace::of(&now, &root, &path)?;
        let now = now.with_options(&place.options(&options, &library).section());
        let now = if command.manifests_only { now.with_reads_of(&recorded) } else { now };
        check(&text, &recorded, &now).map_err(|error| unreadable(&error, &path, &help))?
    } else {
        vec![Moved::Format { found: stamp.format }]
    };
    // One that is not whole may not be that of this file, and neither may its record. Nix reads that by the library.
    let mut library = None;
    if moved.iter().all(|moved| matches!(moved, Moved::Input(_))) {
        let place = LibraryPlace::of(&recorded, &root, &path)?;
        library = place.state().map(|state| Moved::Library { file: place.shown.clone(), state });
    }
    report.took("Compared", &shown, comparing);
    let moved = match library {
        Some(library) => vec![library],
        None if command.full => return full(report, &path, &text, &root, &options, &help),
        None => moved,
    };
    let help = Some(help).filter(|_| !moved.is_empty());
    Verdict { moved, missing: false, help }.report(command, report, &shown)
}

/// What the file would be made from now.
fn inputs(command: &Check, root: &Path, manifest: &Path) -> Result<Inputs, Failure> {
    check_profiles(root)?;
    let look = if command.manifests_only { Look::Manifests } else { Look::Everywhere };
    let inputs = disk::inputs(root, look)?;
    check_member(root, manifest, &inputs).map(|()| inputs)
}

/// What was found, to be told to people or programs.
#[derive(Serialize)]
struct Verdict {
    #[serde(serialize_with = "reasons")]
    moved: Vec<Moved>,
    missing: bool,
    /// What to run; nothing where the file is fresh.
    help: Option<String>,
}

/// One reason why a file is stale, in JSON.
#[derive(Serialize)]
struct Reason<'a> {
    file: &'a str,
    key: Option<&'a str>,
    old: Option<&'a Value>,
    new: Option<&'a Value>,
    message: String,
}

fn reasons<S: serde::Serializer>(moved: &[Moved], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(moved.iter().map(|moved| {
        let message = moved.describe();
        match moved {
            Moved::Input(MovedKey { file, key, old, new }) => {
                Reason { file, key: Some(key), old: old.as_ref(), new: new.as_ref(), message }
            }
            Moved::Library { file, .. } => Reason { file, key: None, old: None, new: None, message },
            _ => Reason { file: "Cargo.nix", key: None, old: None, new: None, message },
        }
    }))
}

impl Verdict {
    fn report(&self, command: &Check, report: &Report, shown: &str) -> Result<u8, Failure> {
        let code = if self.help.is_none() { exit::SUCCESS } else { exit::STALE };
        if command.format == Format::Json {
            let mut value = serde_json::to_value(self).expect("strings and values are JSON");
            value["fresh"] = self.help.is_none().into();
            report.data(&format!("{value:#}\n"))?;
            return Ok(code);
        }
        let Some(help) = &self.help else {
            report.status("Fresh", shown);
            return Ok(code);
        };
        let what = if self.missing { "does not exist" } else { "does not match what it was made from" };
        let reasons: Vec<String> = self.moved.iter().map(Moved::describe).collect();
        report.finding("stale", format_args!("{shown} {what}"), &reasons, help);
        Ok(code)
    }
}

/// `--full`: what `generate` would write, beside what is there.
fn full(report: &Report, path: &Path, text: &str, root: &Path, options: &Options, help: &str) -> Result<u8, Failure> {
    let workspace = workspace::load_for(
        report,
        &LoadOptions {
            manifest_path: Some(root.join("Cargo.toml")),
            targets: options.targets.clone(),
            cross: options.cross.clone(),
            offline: true,
            locked: true,
            progress: report.progress(),
        },
    )?;
    let resolving = Instant::now();
    let rendered = render_workspace(&workspace, options, path)?;
    report.took("Resolved", "and rendered", resolving);
    let shown = output::shown(path);
    if rendered.text == text {
        report.status("Fresh", shown);
        return Ok(exit::SUCCESS);
    }
    let difference = TextDiff::from_lines(text, rendered.text.as_str());
    report.data(&difference.unified_diff().header(&shown, "generated again").to_string())?;
    report.finding("stale", format_args!("{shown} is not what `cratewright generate` would write"), &[], help);
    Ok(exit::STALE)
}

fn unreadable(error: &StampError, path: &Path, help: &str) -> Failure {
    let failure = Failure::stamp(error, path);
    match error {
        StampError::NotGenerated => {
            failure.help("replace it with `cratewright generate --force`, or name another file with `-o PATH`")
        }
        StampError::Conflict { .. } => {
            failure.help(format!("take either side with `git checkout --ours` or `--theirs`, then {help}"))
        }
        _ => failure.help(help),
    }
}

/// Cargo does nothing in a package that is below a workspace and neither its member nor excluded.
fn check_member(root: &Path, manifest: &Path, inputs: &Inputs) -> Result<(), Failure> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = real(manifest.parent().unwrap_or(Path::new("")));
    let known = directory == real(root)
        || inputs.packages().any(|(known, is_member)| is_member && real(&root.join(known)) == directory);
    if known {
        return Ok(());
    }
    let message = format!("`{}` is no member of the workspace at `{}`", manifest.display(), root.display());
    Err(Failure::new("not-a-member", message)
        .help("add it to `workspace.members`, or to `workspace.exclude`; cargo refuses it as well"))
}

/// `generate` refuses a profile that cannot be put together, so what it would write is nothing.
fn check_profiles(root: &Path) -> Result<(), Failure> {
    let text = workspace::read(&root.join("Cargo.toml"))?;
    let config = CargoConfig::read(root);
    WorkspaceManifest::parse(&text, &config.profiles()).map(|_| ()).map_err(|error| Failure::resolve(&error, root))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// The command that makes the file fresh again, in the user's own words.
fn help(command: &Check, root: &Path, options: &Options) -> String {
    let mut line = "run `cratewright generate".to_owned();
    let mut add = |flag: &str, value: &dyn std::fmt::Display| line.push_str(&format!(" {flag} {value}"));
    if let Some(path) = &command.place.manifest_path {
        add("--manifest-path", &quoted(path));
    }
    for target in &options.targets {
        add("--target", target);
    }
    for cross in &options.cross {
        add("--cross", cross);
    }
    let same = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == root.join("Cargo.nix"));
    if let Some(path) = command.place.output.as_ref().filter(|path| !same(path)) {
        add("-o", &quoted(path));
    }
    line + "`"
}
