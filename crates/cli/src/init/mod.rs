//! `cratewright init`: writes a flake that builds a Cargo workspace.
//!
//! `found` looks for existing files, `plan` decides what to write, and all files are written together or not at all.
//! Existing files are not changed; what has to be added to them is printed instead.

mod flake;
mod found;
mod plan;
mod untracked;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use cratewright_sources::diagnostic::Diagnostic;
use serde_json::{Value, json};

use crate::args::Format;
use crate::args::init::Init;
use crate::exit;
use crate::generate::{self, Wanted};
use crate::init::found::Found;
use crate::init::plan::{Plan, Planned};
use crate::options::{LoadOptions, Options};
use crate::output;
use crate::overrides::{self, Native};
use crate::report::Report;
use crate::workspace::{self, Workspace};

pub(crate) fn run(command: &Init, report: &Report) -> Result<u8, Diagnostic> {
    let found = workspace::find(command.manifest_path.as_deref())?;
    let root = found.1.root();
    let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
    let cargo_nix = root.join("Cargo.nix");
    output::check_overwrite(&cargo_nix, false).map_err(|failure| match failure.code {
        "foreign-file" => {
            failure.help("if crate2nix wrote it, run `cratewright generate --force` first, else move it away")
        }
        _ => failure,
    })?;
    let load = LoadOptions {
        manifest_path: command.manifest_path.clone(),
        offline: command.offline,
        // The lock file exists, so it is not changed.
        locked: true,
        progress: report.progress(),
        ..LoadOptions::default()
    };
    let workspace = workspace::load_found_for(report, &load, &found)?;
    let native = overrides::native(&workspace)?;
    let rendered = generate::render_workspace(&workspace, &Options::default(), &cargo_nix, Wanted::AsBefore)?;
    rendered.warn(&workspace, report);
    rendered.library.check_directory()?;
    let files = rendered.files(&cargo_nix).into_iter();
    let generated = files.map(|file| Planned::new(file.path, file.text.into_owned())).collect();
    let url = address(command.cratewright.as_deref())?;
    if let Some(name) = url.as_deref().filter(|url| !url.contains(':')) {
        report.warning(format_args!(
            "`{name}` is neither a directory nor a URL, so Nix looks it up in its registry of flakes; write a URL such as `git+https://git.example/cratewright`, or the path of a clone"
        ));
    }
    let found = Found::of(&root);
    let systems = workspace.named_systems();
    if systems.is_empty() && workspace.settings.targets().is_some() {
        report.warning(
            "`targets` in [workspace.metadata.cratewright] has no platform of a Nix system, such as x86_64-linux, so the flake has the usual systems: add the platform of each that builds, or a pair in `cross`",
        );
    }
    let about = plan::Workspace {
        root: &root,
        attribute: attribute(&workspace),
        systems,
        inputs: rendered.read.clone(),
        generated,
    };
    let mut plan = Plan::new(about, &found, command.flake, url.as_deref());
    if let (Some(_), Some(flake)) =
        (&command.cratewright, found.flake.as_ref().filter(|flake| flake.uses_cratewright()))
    {
        plan.notes.push(format!(
            "{} uses Cratewright already, so `--cratewright` has no effect: change the URL there",
            output::shown(&flake.path)
        ));
    }
    let new: Vec<(&Path, &str)> =
        plan.files.iter().filter(|file| !file.is_kept).map(|file| (file.path.as_path(), file.text.as_str())).collect();
    if !command.dry_run {
        output::create(&new)?;
    }
    for file in &plan.files {
        let verb = match (file.is_kept, command.dry_run) {
            (true, _) => "Kept",
            (false, true) => "Would create",
            (false, false) => "Created",
        };
        report.status(verb, output::shown(&file.path));
    }
    let printed = match command.format {
        Format::Json => format!("{:#}\n", json(&root, &plan, &native)),
        Format::Text => text(&root, &plan, &native),
    };
    report.data(&printed)?;
    Ok(exit::SUCCESS)
}

/// The URL of Cratewright: the given one, or that of the clone that this program was built from.
fn address(given: Option<&str>) -> Result<Option<String>, Diagnostic> {
    let directory = match given {
        // Anything that is not a URL is meant to be a directory.
        Some(given) if !given.starts_with(['.', '/']) && !Path::new(given).is_dir() => {
            return Ok(Some(given.to_owned()));
        }
        Some(given) => Some(fs::canonicalize(given).map_err(|error| Diagnostic::io("find", Path::new(given), &error))?),
        None => flake::own_clone(),
    };
    Ok(directory.as_deref().map(flake::url_of))
}

/// The attribute of `Cargo.nix` to build.
fn attribute(workspace: &Workspace) -> &'static str {
    if workspace.packages.root.is_some() { "rootCrate.build" } else { "allWorkspaceMembers" }
}

/// The remaining steps as text.
fn text(root: &Path, plan: &Plan, native: &Native) -> String {
    let mut text = String::new();
    for note in &plan.notes {
        let _ = writeln!(text, "{note}");
    }
    for (crates, how) in [
        (&native.covered, "Cratewright's overrides provide them"),
        (&native.unknown, "run `cratewright overrides` to see whether nixpkgs provides them"),
    ] {
        if !crates.is_empty() {
            let _ = writeln!(text, "Native libraries or tools for {}: {how}", crates.join(", "));
        }
    }
    for edit in &plan.edits {
        let _ = writeln!(text, "\nIn {}, {}{}", edit.file, edit.what, if edit.text.is_some() { ":\n" } else { "" });
        for line in edit.text.iter().flat_map(|text| text.lines()) {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
    }
    let current = std::env::current_dir().and_then(|current| current.canonicalize());
    let place = match current {
        Ok(current) if current == root => String::new(),
        _ => format!(" in {}", root.display()),
    };
    let _ = writeln!(text, "\nNext{place}:");
    for command in &plan.next {
        let _ = writeln!(text, "    {command}");
    }
    text
}

/// The remaining steps as JSON. Paths are absolute.
fn json(root: &Path, plan: &Plan, native: &Native) -> Value {
    let paths = |is_kept: bool| {
        let files = plan.files.iter().filter(|file| file.is_kept == is_kept);
        files.map(|file| file.path.clone()).collect::<Vec<PathBuf>>()
    };
    json!({
        "root": root,
        "created": paths(false),
        "kept": paths(true),
        "native": native,
        "notes": plan.notes,
        "edits": plan.edits,
        "next": plan.next,
    })
}
