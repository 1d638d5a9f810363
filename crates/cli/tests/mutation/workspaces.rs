//! The workspaces that are edited: three fixtures, and several that are created here.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::edits::Edit;
use super::library::{LIBRARY, cargo_nix, library};
use super::manifests::manifests;
use super::{files, large, lock, nested, origins, sources};
use crate::support::git::Scratch;
use crate::support::{self, Copy};

pub(crate) struct Workspace {
    pub(crate) name: &'static str,
    /// The directory to copy: the workspace and its neighbours.
    pub(crate) tree: PathBuf,
    /// Directory of the workspace below `tree`.
    pub(crate) below: &'static str,
    /// Manifest of a member with a source file and a dependency.
    pub(crate) member: &'static str,
    /// Expected contents of the library next to Cargo.nix, if there is one.
    pub(crate) library: Option<Vec<u8>>,
    pub(crate) edits: Vec<Edit>,
    made: Made,
}

/// Keeps the tree until the workspace is dropped.
enum Made {
    OfFixture {
        _copy: Copy,
    },
    /// A directory with its own `CARGO_HOME`, which has the dependencies.
    Here(Scratch),
}

/// A workspace that a test creates, and the edits that are specific to it.
pub(crate) struct Make {
    pub(crate) scratch: Scratch,
    /// The directory to copy, relative to the scratch directory.
    pub(crate) tree: &'static str,
    pub(crate) below: &'static str,
    pub(crate) member: &'static str,
    pub(crate) edits: Vec<Edit>,
}

/// The fixtures share the general edits; there is one fixture for each place of the library and for each way to unify
/// features. The small workspaces that are created here share them too, and the large one gets some of them and half of
/// its own.
pub(crate) static WORKSPACES: LazyLock<Vec<Workspace>> = LazyLock::new(|| {
    vec![
        fixture("workspace-inheritance", "app/Cargo.toml", "library = \"../../nix-lib/library\"\n", 0),
        fixture("member-paths", "Cargo.toml", "library = \"beside\"\n", 1),
        fixture("registry-mix", "Cargo.toml", "library = \"embedded\"\n", 2),
        made("nested", nested::make(), 0, 8),
        made("git", origins::git(), 2, 8),
        made("vendored", origins::vendored(), 4, 8),
        made("registry", origins::registry(), 6, 8),
        made("large", sampled(large::make()), 7, 16),
    ]
});

/// Whether each fixture gets all general edits: `just slow-tests`.
pub(crate) fn is_complete() -> bool {
    std::env::var_os("CRATEWRIGHT_MUTATION_ALL").is_some()
}

/// All kinds of edits, but those of the library.
fn general() -> impl Iterator<Item = Edit> {
    [manifests(), lock::lock(), files::files(), files::kinds(), sources::sources(), cargo_nix()].into_iter().flatten()
}

/// A fixture with every third of the general edits, or with all.
fn fixture(name: &'static str, member: &'static str, settings: &str, first: usize) -> Workspace {
    let (first, step) = if is_complete() { (0, 1) } else { (first, 3) };
    let copy = Copy::of(&support::fixture(name));
    support::library_elsewhere(copy.path(), settings);
    Workspace {
        name,
        tree: copy.path().to_owned(),
        below: "",
        member,
        library: fs::read(copy.path().join(LIBRARY)).ok(),
        edits: general().skip(first).step_by(step).chain(library()).collect(),
        made: Made::OfFixture { _copy: copy },
    }
}

/// A workspace with every second of its own edits, or with all.
fn sampled(make: Make) -> Make {
    let step = if is_complete() { 1 } else { 2 };
    Make { edits: make.edits.into_iter().step_by(step).collect(), ..make }
}

/// A created workspace with every `step`th of the general edits.
fn made(name: &'static str, make: Make, first: usize, step: usize) -> Workspace {
    let Make { scratch, tree, below, member, edits: own } = make;
    let root = PathBuf::from(tree).join(below);
    scratch.generate(root.to_str().unwrap());
    Workspace {
        name,
        tree: scratch.path(tree),
        below,
        member,
        library: fs::read(scratch.path(tree).join(below).join(LIBRARY)).ok(),
        edits: own.into_iter().chain(general().chain(library()).skip(first).step_by(step)).collect(),
        made: Made::Here(scratch),
    }
}

impl Workspace {
    /// Whether a verdict takes so long that fewer edits are tried.
    pub(crate) fn is_large(&self) -> bool {
        self.name == "large"
    }

    /// Sets the variables that cargo needs for this workspace.
    pub(crate) fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // rustup's `rustc` would search for the toolchain in each run.
        command.env("RUSTC", PathBuf::from(support::nix::sysroot()).join("bin/rustc"));
        match &self.made {
            Made::OfFixture { .. } => command,
            Made::Here(scratch) => scratch.environment(command),
        }
    }
}
