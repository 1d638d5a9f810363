//! Files of the workspace and its repository that decide what is written. The user is not asked.

use std::fs;
use std::path::{Path, PathBuf};

use crate::args::init::FlakeKind;
use crate::disk::read_text;
use crate::output::TOOLCHAIN_FILES;
use crate::repository::top_of;

/// Names of a justfile.
const JUSTFILES: [&str; 3] = ["justfile", "Justfile", ".justfile"];

/// Configuration files of bots that update dependencies.
const BOTS: [&str; 11] = [
    "renovate.json",
    "renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    ".renovaterc.json5",
    ".github/renovate.json",
    ".github/renovate.json5",
    ".gitlab/renovate.json",
    ".gitlab/renovate.json5",
    ".github/dependabot.yml",
    ".github/dependabot.yaml",
];

/// The files that exist. Names are relative to the workspace root.
#[derive(Debug)]
pub(super) struct Found {
    /// Whether the workspace is in a git repository, where a flake sees only tracked files.
    pub(super) is_in_git: bool,
    /// A flake in the workspace root, or above it in the same repository.
    pub(super) flake: Option<FoundFlake>,
    pub(super) toolchain: Option<&'static str>,
    pub(super) has_github: bool,
    pub(super) has_gitlab: bool,
    pub(super) bot: Option<&'static str>,
    /// A justfile that does not mention cratewright yet.
    pub(super) justfile: Option<&'static str>,
}

#[derive(Debug)]
pub(super) struct FoundFlake {
    pub(super) path: PathBuf,
    text: String,
}

impl Found {
    /// `root` is the canonical workspace root.
    pub(super) fn of(root: &Path) -> Self {
        let top = top_of(root);
        let within = root.ancestors().take_while(|directory| directory.starts_with(top.unwrap_or(root)));
        let flake = within.map(|directory| directory.join("flake.nix")).find(|path| is_there(path));
        let first = |names: &[&'static str]| names.iter().copied().find(|name| is_there(&root.join(name)));
        // CI systems read workflows only from the top of the repository.
        let is_top = top.is_none_or(|top| top == root);
        Found {
            is_in_git: top.is_some(),
            flake: flake.map(|path| FoundFlake { text: read_text(&path).unwrap_or_default(), path }),
            toolchain: first(&TOOLCHAIN_FILES),
            has_github: is_top && root.join(".github").is_dir(),
            has_gitlab: is_top && first(&[".gitlab-ci.yml", ".gitlab"]).is_some(),
            bot: first(&BOTS),
            justfile: first(&JUSTFILES)
                .filter(|name| read_text(&root.join(name)).is_ok_and(|text| !text.contains("cratewright"))),
        }
    }
}

impl FoundFlake {
    pub(super) fn uses_cratewright(&self) -> bool {
        self.text.contains("cratewright")
    }

    /// Whether it has an input that provides the Rust of a toolchain file.
    pub(super) fn has_toolchain(&self) -> bool {
        ["rust-overlay", "fenix"].iter().any(|input| self.text.contains(input))
    }

    pub(super) fn kind(&self) -> FlakeKind {
        if self.text.contains("flake-parts") { FlakeKind::FlakeParts } else { FlakeKind::Plain }
    }
}

/// Whether a path exists, including broken links.
pub(super) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
