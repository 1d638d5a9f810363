//! The Nix library that every `Cargo.nix` imports: where it is, and whether it is the version of this program.

use std::io;
use std::path::{Path, PathBuf};

use cratewright_renderer::{LIBRARY, Library};
use cratewright_sources::digest::sha256;
use cratewright_staleness::{LibraryState, Record, stamped};
use cratewright_workspace::LIBRARY as SETTING;

use crate::disk::{read_bytes, read_text};
use crate::output;
use crate::paths::{lexical, relative};
use cratewright_sources::diagnostic::Diagnostic;

/// Name of the file next to `Cargo.nix`.
const BESIDE: &str = "cratewright.nix";

/// The key `library` of `[workspace.metadata.cratewright]`.
const KEY: &str = "workspace.metadata.cratewright.library";

/// The place of the library of one `Cargo.nix`.
#[derive(Debug)]
pub(crate) struct LibraryPlace {
    /// The file, or a directory with a `default.nix`; `None` if the library is embedded in `Cargo.nix`.
    pub(crate) path: Option<PathBuf>,
    /// The library, with its path relative to the directory of `Cargo.nix`.
    pub(crate) library: Library,
    /// Whether the user chose the path, so that the file there may be the user's own.
    is_chosen: bool,
    /// The path relative to the workspace root.
    pub(crate) shown: String,
}

impl LibraryPlace {
    /// `chosen` is the value in the manifest: `beside`, `embedded`, or a path relative to the workspace root.
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
                return Err(invalid(chosen, "is not a path relative to the workspace root", &root));
            }
            Some(chosen) => {
                let path = lexical(&root, chosen);
                let wrong = if path.is_dir() {
                    (!path.join("default.nix").is_file()).then_some("is a directory without `default.nix`")
                } else {
                    let is_nix = path.extension().is_some_and(|extension| extension == "nix");
                    (!is_nix).then_some("is neither a `.nix` file nor a directory")
                };
                if let Some(why) = wrong {
                    return Err(invalid(chosen, why, &root));
                }
                path
            }
        };
        if cargo_nix.file_name().is_some_and(|name| directory.join(name) == path) {
            return Err(output::refused(
                cargo_nix,
                "is the library that Cargo.nix imports, and cannot be Cargo.nix itself",
            ));
        }
        let library = Library::At(relative(&directory, &path).to_string());
        let is_chosen = !matches!(chosen, None | Some("beside"));
        Ok(LibraryPlace { shown: relative(&root, &path).to_string(), path: Some(path), library, is_chosen })
    }

    /// The place that the record of a `Cargo.nix` says.
    pub(crate) fn of(record: &Record, root: &Path, cargo_nix: &Path) -> Result<Self, Diagnostic> {
        let chosen = record.value("Cargo.toml", KEY);
        LibraryPlace::new(chosen.as_ref().and_then(|chosen| chosen.as_str()), root, cargo_nix)
    }

    /// Digest of an embedded library, as `Cargo.nix` records it. It covers the whole library, even if only parts are
    /// embedded.
    pub(crate) fn digest(&self) -> Option<String> {
        self.path.is_none().then(|| sha256(LIBRARY.as_bytes())[..16].to_owned())
    }

    /// The library file, if it is below the workspace root: as an output, it is not an input of any package.
    pub(crate) fn output(&self) -> Option<String> {
        let is_output = self.shown.ends_with(".nix") && !self.shown.starts_with("../");
        is_output.then(|| self.shown.clone())
    }

    /// Fails if the directory to write to does not exist.
    pub(crate) fn check_directory(&self) -> Result<(), Diagnostic> {
        let Some(path) = &self.path else { return Ok(()) };
        output::real_directory(path).map(drop).map_err(|failure| failure.note("named by", KEY))
    }

    /// Fails if cratewright did not generate the file that is there.
    pub(crate) fn check_overwrite(&self, force: bool) -> Result<(), Diagnostic> {
        let Some((path, _)) = self.file() else { return Ok(()) };
        output::check_overwrite(path, force).map_err(|failure| match failure.code {
            "foreign-file" => failure.help(format!(
                "overwrite it with `--force`, or rename it, or set `{KEY}` to the path of another file to generate"
            )),
            _ => failure,
        })
    }

    /// The file to write, if any. A file at a chosen path that cratewright did not generate is not replaced.
    pub(crate) fn file(&self) -> Option<(&Path, String)> {
        let path = self.path.as_deref()?;
        let is_foreign =
            self.is_chosen && path.exists() && !read_bytes(path).is_ok_and(|bytes| output::may_overwrite(&bytes));
        (!is_foreign).then(|| (path, text()))
    }

    /// What is wrong with the existing library, if anything.
    ///
    /// # Errors
    /// If the library cannot be read, so that `generate` could not replace it either.
    pub(crate) fn state(&self) -> Result<Option<LibraryState>, Diagnostic> {
        let Some(path) = &self.path else { return Ok(None) };
        if self.is_chosen && path.is_dir() {
            return Ok(None);
        }
        let state = match read_text(path) {
            Ok(found) if found == text() => return Ok(None),
            Ok(found) => LibraryState::of(&found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => LibraryState::Missing,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => LibraryState::Changed,
            Err(error) => return Err(Diagnostic::io("read", path, &error)),
        };
        Ok((!self.is_chosen || state != LibraryState::Foreign).then_some(state))
    }
}

/// The text of the library file.
fn text() -> String {
    stamped(&LIBRARY)
}

fn invalid(chosen: &str, why: &str, root: &Path) -> Diagnostic {
    Diagnostic::new("invalid-metadata", format!("`{KEY}` has `{chosen}`, which {why}"))
        .at(root.join("Cargo.toml").display().to_string())
        .help(SETTING.help())
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
