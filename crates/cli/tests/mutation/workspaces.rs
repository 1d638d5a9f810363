//! The workspaces that are edited: three of the fixtures, and those that are made here.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use crate::edits::{Edit, edits};
use crate::library::LIBRARY;
use crate::support::git::Scratch;
use crate::support::{self, Copy};
use crate::{large, nested, origins};

pub(crate) struct Workspace {
    pub(crate) name: &'static str,
    /// What is copied: the workspace, and what lies beside it.
    pub(crate) tree: PathBuf,
    /// Where the workspace is in it.
    pub(crate) below: &'static str,
    /// Manifest of a member that has a source file and a dependency.
    pub(crate) member: &'static str,
    /// What the file beside Cargo.nix must be, where there is one.
    pub(crate) library: Option<Vec<u8>>,
    pub(crate) edits: Vec<Edit>,
    made: Made,
}

/// What removes the tree when nobody needs it any more.
enum Made {
    OfFixture {
        _copy: Copy,
    },
    /// With a `CARGO_HOME` that has what the workspace depends on.
    Here(Scratch),
}

/// A workspace that a test makes, and the edits that are specific to it.
pub(crate) struct Make {
    pub(crate) scratch: Scratch,
    /// What is copied, seen from the scratch directory.
    pub(crate) tree: &'static str,
    pub(crate) below: &'static str,
    pub(crate) member: &'static str,
    pub(crate) edits: Vec<Edit>,
}

/// The fixtures have all general edits: one for each place of the library and for each way to unify features. Of what is
/// made here, the small ones share them, and the large one has some.
pub(crate) static WORKSPACES: LazyLock<Vec<Workspace>> = LazyLock::new(|| {
    vec![
        fixture("workspace-inheritance", "app/Cargo.toml", "library = \"../../nix-lib/library\"\n"),
        fixture("member-paths", "Cargo.toml", "library = \"beside\"\n"),
        fixture("registry-mix", "Cargo.toml", "library = \"embedded\"\n"),
        made("nested", nested::make(), 0, 8),
        made("git", origins::git(), 2, 8),
        made("vendored", origins::vendored(), 4, 8),
        made("registry", origins::registry(), 6, 8),
        made("large", large::make(), 7, 16),
    ]
});

fn fixture(name: &'static str, member: &'static str, settings: &str) -> Workspace {
    let copy = Copy::of(&support::fixture(name));
    support::library_elsewhere(copy.path(), settings);
    Workspace {
        name,
        tree: copy.path().to_owned(),
        below: "",
        member,
        library: fs::read(copy.path().join(LIBRARY)).ok(),
        edits: edits(),
        made: Made::OfFixture { _copy: copy },
    }
}

/// With every `step`th of the general edits.
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
        edits: own.into_iter().chain(edits().into_iter().skip(first).step_by(step)).collect(),
        made: Made::Here(scratch),
    }
}

impl Workspace {
    /// Whether each verdict takes so long that there are fewer of them.
    pub(crate) fn is_large(&self) -> bool {
        self.name == "large"
    }

    /// Lets a program see what cargo needs for this workspace.
    pub(crate) fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        // That of rustup looks for the toolchain each time.
        command.env("RUSTC", PathBuf::from(support::nix::sysroot()).join("bin/rustc"));
        match &self.made {
            Made::OfFixture { .. } => command,
            Made::Here(scratch) => scratch.environment(command),
        }
    }
}
