//! Where the Nix code is that is the same for every workspace, and whether it is this program's.

use std::fs;
use std::path::{Path, PathBuf};

use cratewright_renderer::{LIBRARY, Library};
use cratewright_sources::digest::sha256;
use cratewright_staleness::{LibraryState, Record, stamped};

use crate::disk::read_text;
use crate::output;
use crate::paths::{lexical, relative};
use cratewright_sources::diagnostic::Diagnostic;

/// Name of the file beside `Cargo.nix`.
const BESIDE: &str = "cratewright.nix";

/// `library` of `[workspace.metadata.cratewright]`.
const KEY: &str = "workspace.metadata.cratewright.library";

/// The library of one `Cargo.nix`.
#[derive(Debug)]
pub(crate) struct LibraryPlace {
    /// The file, or a directory with a `default.nix`; nothing where it is within `Cargo.nix`.
    pub(crate) path: Option<PathBuf>,
    /// Seen from the directory of `Cargo.nix`.
    pub(crate) library: Library,
    /// Whether the path was chosen, so that what is there may be anyone's.
    is_chosen: bool,
    /// Seen from the workspace root.
    pub(crate) shown: String,
}

impl LibraryPlace {
    /// `chosen` is what the manifest says: `beside`, `embedded`, or a path from the workspace root.
    pub(crate) fn new(chosen: Option<&str>, root: &Path, cargo_nix: &Path) -> Result<Self, Diagnostic> {
        let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
        let directory = output::real_directory(cargo_nix)?;
        let path = match chosen {
            Some("embedded") => {
                let shown = String::new();
                return Ok(LibraryPlace { path: None, library: Library::Embedded, is_chosen: false, shown });
            }
            None | Some("beside") => directory.join(BESIDE),
            Some(chosen) if chosen.is_empty() || Path::new(chosen).is_absolute() => {
                return Err(invalid(chosen, "is not a path from the workspace root", &root));
            }
            Some(chosen) => lexical(&root, chosen),
        };
        if path.extension().is_none_or(|extension| extension != "nix") && !path.is_dir() {
            return Err(invalid(chosen.unwrap_or_default(), "is neither a `.nix` file nor a directory", &root));
        }
        let library = Library::At(relative(&directory, &path).to_string());
        let is_chosen = path != directory.join(BESIDE);
        Ok(LibraryPlace { shown: relative(&root, &path).to_string(), path: Some(path), library, is_chosen })
    }

    /// The same for what a `Cargo.nix` was or would be made from.
    pub(crate) fn of(record: &Record, root: &Path, cargo_nix: &Path) -> Result<Self, Diagnostic> {
        let chosen = record.value("Cargo.toml", KEY);
        LibraryPlace::new(chosen.as_ref().and_then(|chosen| chosen.as_str()), root, cargo_nix)
    }

    /// Of a library within `Cargo.nix`, which is recorded there: all of it, whatever parts of it that has.
    pub(crate) fn digest(&self) -> Option<String> {
        self.path.is_none().then(|| sha256(LIBRARY.as_bytes())[..16].to_owned())
    }

    /// A file below the workspace root that is written: no package is built from it.
    pub(crate) fn output(&self) -> Option<String> {
        let is_output = self.shown.ends_with(".nix") && !self.shown.starts_with("../");
        is_output.then(|| self.shown.clone())
    }

    /// Fails if there is no directory to write to.
    pub(crate) fn check_directory(&self) -> Result<(), Diagnostic> {
        let Some(path) = &self.path else { return Ok(()) };
        output::real_directory(path).map(drop).map_err(|failure| failure.note("named by", KEY))
    }

    /// What is to be written, if anything is. A file that was chosen and is none of ours is left to whoever wrote it.
    pub(crate) fn file(&self) -> Option<(&Path, String)> {
        let path = self.path.as_deref()?;
        let is_foreign = self.is_chosen && path.exists() && !output::is_generated(path);
        (!is_foreign).then(|| (path, text()))
    }

    /// What is wrong with what is there.
    pub(crate) fn state(&self) -> Option<LibraryState> {
        let path = self.path.as_deref()?;
        if self.is_chosen && path.is_dir() {
            return (!path.join("default.nix").is_file()).then_some(LibraryState::Missing);
        }
        let state = match read_text(path) {
            Ok(found) if found == text() => return None,
            Ok(found) => LibraryState::of(&found),
            Err(_) if fs::symlink_metadata(path).is_err() => LibraryState::Missing,
            Err(_) => LibraryState::Changed,
        };
        (!self.is_chosen || state != LibraryState::Foreign).then_some(state)
    }
}

/// The whole file.
fn text() -> String {
    stamped(&LIBRARY)
}

fn invalid(chosen: &str, why: &str, root: &Path) -> Diagnostic {
    Diagnostic::new("invalid-metadata", format!("`{KEY}` has `{chosen}`, which {why}"))
        .at(root.join("Cargo.toml").display().to_string())
        .help(
            "write `\"beside\"`, `\"embedded\"`, or the path of a file such as `\"nix/cratewright.nix\"`, which is written",
        )
}

#[cfg(test)]
mod tests {
    use cratewright_staleness::GENERATED;

    use super::*;

    #[test]
    fn the_library_is_ours() {
        assert!(text().starts_with(GENERATED));
        assert!(text().ends_with("\nlibrary.workspace library\n"));
    }
}
