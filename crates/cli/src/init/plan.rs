//! Which files to write, what to edit by hand, and which commands to run next.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cratewright_sources::path::WsPath;
use serde::Serialize;

use crate::args::init::FlakeKind;
use crate::init::flake::{self, Known};
use crate::init::found::{Found, FoundFlake, is_there};
use crate::init::untracked::ToAdd;
use crate::paths::{quoted, relative};
use crate::repository;

/// Files of the template `ci`, each with whether it is only for bots.
const GITHUB: [(&str, &str, bool); 2] = [
    (
        ".github/workflows/check-cargo-nix.yml",
        include_str!("../../templates/ci/.github/workflows/check-cargo-nix.yml"),
        false,
    ),
    (
        ".github/workflows/regenerate-cargo-nix.yml",
        include_str!("../../templates/ci/.github/workflows/regenerate-cargo-nix.yml"),
        true,
    ),
];

const GITLAB: [(&str, &str, bool); 1] =
    [(".gitlab/regenerate-cargo-nix.yml", include_str!("../../templates/ci/.gitlab/regenerate-cargo-nix.yml"), true)];

const RECIPES: &str = include_str!("../../templates/just/justfile");

/// A file to write.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// Whether the file exists already and is not changed.
    pub(super) is_kept: bool,
}

impl Planned {
    pub(super) fn new(path: PathBuf, text: String) -> Self {
        Planned { is_kept: is_there(&path), path, text }
    }

    fn kept(path: PathBuf) -> Self {
        Planned { is_kept: true, path, text: String::new() }
    }
}

/// An edit to make by hand.
#[derive(Debug, Serialize)]
pub(super) struct Edit {
    /// Path relative to the workspace root.
    pub(super) file: String,
    pub(super) what: String,
    /// The text to add to the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
}

/// The steps for one workspace.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) files: Vec<Planned>,
    /// The decisions, one sentence each.
    pub(super) notes: Vec<String>,
    pub(super) edits: Vec<Edit>,
    /// Commands to run in the workspace root.
    pub(super) next: Vec<String>,
}

/// The facts about a workspace that the plan depends on.
#[derive(Debug)]
pub(super) struct Workspace<'a> {
    /// The canonical workspace root.
    pub(super) root: &'a Path,
    /// The root package, or all members.
    pub(super) attribute: &'static str,
    /// Systems that the workspace configures, if any.
    pub(super) systems: Vec<&'static str>,
    /// Files and directories that the build depends on.
    pub(super) inputs: Vec<PathBuf>,
    /// The files that `generate` would write.
    pub(super) generated: Vec<Planned>,
}

impl Plan {
    /// `url` is the flake URL of Cratewright, if known.
    pub(super) fn new(workspace: Workspace<'_>, found: &Found, asked: Option<FlakeKind>, url: Option<&str>) -> Self {
        let Workspace { root, attribute, systems, mut inputs, generated } = workspace;
        let mut plan = Plan { files: generated, notes: Vec::new(), edits: Vec::new(), next: Vec::new() };
        // A Cargo.nix that existed before may be stale.
        if plan.files.iter().any(|file| file.is_kept) {
            plan.next.push("cratewright check".to_owned());
        }
        let ready = found.flake.as_ref().filter(|flake| flake.uses_cratewright());
        let is_ready = ready.is_some();
        let style = found.flake.as_ref().map_or(FlakeKind::Plain, FoundFlake::kind);
        let kind = asked.filter(|&kind| !is_ready || kind == FlakeKind::None).unwrap_or(style);
        if let (Some(flake), true) = (ready, asked.is_some_and(|asked| asked != kind)) {
            let file = shown(&relative(root, &flake.path));
            plan.notes.push(format!("{file} uses Cratewright already, so the kind of flake has no effect"));
        }
        let known = Known { url, directory: "", has_toolchain: found.toolchain.is_some(), systems };
        if let Some(toolchain) = found.toolchain.filter(|_| !is_ready) {
            plan.notes.push(match kind {
                FlakeKind::None => {
                    format!("Rust comes from nixpkgs, not from {toolchain}: see the argument `toolchain` of Cargo.nix")
                }
                _ => format!("Rust comes from rust-overlay, in the version of {toolchain}"),
            });
        }
        let builds = match &found.flake {
            _ if kind == FlakeKind::None => vec![format!("nix-build Cargo.nix -A {attribute}")],
            None => {
                plan.note_address(&known);
                plan.write_flake(root, kind, &known);
                plan.write_workflows(root, found);
                vec!["nix build".to_owned(), "nix flake check".to_owned()]
            }
            Some(flake) => {
                let directory = flake.path.parent().unwrap_or(root);
                let to_root = relative(directory, root);
                let file = shown(&relative(root, &flake.path));
                plan.files.push(Planned::kept(flake.path.clone()));
                if !is_ready {
                    plan.note_address(&known);
                    let text = flake::text(kind, &Known { directory: to_root.as_str(), ..known });
                    let what = "add the inputs and outputs of this flake".to_owned();
                    plan.edits.push(Edit { file, what, text });
                } else if let Some(toolchain) = found.toolchain.filter(|_| !flake.has_toolchain()) {
                    let place =
                        if kind == FlakeKind::Plain { "inputs and the arguments of `perSystem`" } else { "inputs" };
                    let what = format!("add rust-overlay, which has the Rust of {toolchain}, to the {place}");
                    plan.edits.push(Edit { file, what, text: Some(flake::toolchain_lines(kind)) });
                }
                vec!["nix build".to_owned(), "nix flake check".to_owned()]
            }
        };
        if let Some(justfile) = found.justfile {
            let what = "add recipes".to_owned();
            plan.edits.push(Edit { file: justfile.to_owned(), what, text: Some(RECIPES.to_owned()) });
        }
        if found.is_in_git && kind != FlakeKind::None {
            inputs.extend(found.toolchain.map(|file| root.join(file)));
            plan.add_to_git(root, &inputs);
        }
        plan.next.extend(builds);
        plan
    }

    /// Other machines cannot fetch an address on this one.
    fn note_address(&mut self, known: &Known<'_>) {
        if let Some(url) = known.url.filter(|url| flake::is_local(url)) {
            self.notes.push(format!(
                "The flake takes Cratewright from {url}, on this machine: before others build it, set `inputs.cratewright.url` to a URL that they can fetch"
            ));
        }
    }

    fn write_flake(&mut self, root: &Path, kind: FlakeKind, known: &Known<'_>) {
        let Some(text) = flake::text(kind, known) else { return };
        self.files.push(Planned::new(root.join("flake.nix"), text));
        if known.url.is_none() {
            self.edits.push(Edit {
                file: "flake.nix".to_owned(),
                what: "set `inputs.cratewright.url` to the flake URL of Cratewright".to_owned(),
                text: None,
            });
        }
    }

    /// Workflows run the apps of the flake, so they are written with it. Some of them are only for bots.
    fn write_workflows(&mut self, root: &Path, found: &Found) {
        let wanted = |workflows: &[(&'static str, &str, bool)]| {
            let wanted = workflows.iter().filter(|(_, _, for_bots)| !for_bots || found.bot.is_some());
            wanted.map(|&(path, text, _)| (path, text.to_owned())).collect::<Vec<_>>()
        };
        let github = if found.has_github { wanted(&GITHUB) } else { Vec::new() };
        let gitlab = if found.has_gitlab { wanted(&GITLAB) } else { Vec::new() };
        let includes: String = gitlab.iter().map(|(path, _)| format!("  - local: {path}\n")).collect();
        self.files.extend(github.into_iter().chain(gitlab).map(|(path, text)| Planned::new(root.join(path), text)));
        if !includes.is_empty() {
            self.edits.push(Edit {
                file: ".gitlab-ci.yml".to_owned(),
                what: "include the jobs".to_owned(),
                text: Some(format!("include:\n{includes}")),
            });
        }
    }

    /// A flake sees only tracked files; ignored ones, such as `Cargo.lock` in some libraries, have to be added with
    /// `--force`.
    fn add_to_git(&mut self, root: &Path, inputs: &[PathBuf]) {
        let inputs = ToAdd::of(root, inputs);
        let written: Vec<String> = self.files.iter().map(|file| shown(&relative(root, &file.path))).collect();
        let known = repository::listed(root, &["ls-files", "-z"], &written);
        let written = written.iter().filter(|name| !known.contains(*name));
        let (ignored, plain): (Vec<&String>, Vec<&String>) =
            written.partition(|name| repository::is_ignored(root, name));
        let names = |inputs: &BTreeSet<String>, written: &[&String]| {
            let written = written.iter().filter(|name| !inputs.contains(**name)).map(|name| (*name).clone());
            inputs.iter().cloned().chain(written).collect::<Vec<String>>()
        };
        let (mut added, forced) = (names(&inputs.plain, &plain), names(&inputs.ignored, &ignored));
        let words = |names: &[String]| names.iter().map(quoted).collect::<Vec<_>>().join(" ");
        // If nothing has been added yet, add everything.
        if ["", "Cargo.toml"].iter().any(|own| inputs.plain.contains(*own)) {
            added.retain(|name| name.starts_with("../"));
            added.insert(0, ".".to_owned());
        }
        if !added.is_empty() {
            self.next.push(format!("git add {}", words(&added)));
        }
        if !forced.is_empty() {
            self.next.push(format!("git add --force {}", words(&forced)));
        }
    }
}

fn shown(path: &WsPath) -> String {
    path.to_string()
}
