//! Whether a `Cargo.nix` still matches what it was made from.
//!
//! Its `inputs` attribute records everything that it was made from, as text ([`Inputs`]); its first lines, the [`Stamp`],
//! have a digest of everything below them. [`check`] compares both with what is there now. Nothing here runs a program, and
//! files are read through a [`Tree`].
#![warn(missing_docs)]

mod inputs;
mod lock;
mod manifest;
mod stamp;
mod workspace;

pub use crate::inputs::{Inputs, Look, MovedKey, OPTIONS, Section};
pub use crate::stamp::{FORMAT, GENERATED, Stamp, StampError, stamped};
pub use crate::workspace::{InputError, is_excluded};
pub use cratewright_sources::tree::Tree;

use crate::stamp::conflict_marker;

/// Why a `Cargo.nix` is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Another version of the generator writes another format.
    Format {
        /// Format of the file.
        found: u32,
    },
    /// Something it was made from is not as it was.
    Input(MovedKey),
    /// The file was changed by hand, or cut short.
    Body,
    /// All its lines end in CR LF, as git writes them with `core.autocrlf`.
    LineEnds,
}

impl Moved {
    /// One line for a person.
    pub fn describe(&self) -> String {
        match self {
            Moved::Format { found } => {
                format!("Cargo.nix: it has format {found}, this version of cratewright writes format {FORMAT}")
            }
            Moved::Input(moved) => moved.describe(),
            Moved::Body => "Cargo.nix: it was changed by hand or cut short".to_owned(),
            Moved::LineEnds => {
                "Cargo.nix: its lines end in CR LF; write `Cargo.nix text eol=lf` into .gitattributes".to_owned()
            }
        }
    }
}

/// Compares a `Cargo.nix`, and what it has [`Inputs::recorded`], with what is there now; an empty list means fresh.
///
/// # Errors
/// When the text carries no readable stamp, or a merge was left unfinished in it.
pub fn check(cargo_nix: &str, recorded: &Inputs, now: &Inputs) -> Result<Vec<Moved>, StampError> {
    let (stamp, _) = Stamp::parse(cargo_nix)?;
    if stamp.format != FORMAT {
        return Ok(vec![Moved::Format { found: stamp.format }]);
    }
    if !is_whole(cargo_nix) {
        if let Some(line) = conflict_marker(cargo_nix) {
            return Err(StampError::Conflict { line });
        }
        // What such a file records may not be what it was made from.
        let other_ends = cargo_nix.contains('\r') && is_whole(&cargo_nix.replace("\r\n", "\n"));
        return Ok(vec![if other_ends { Moved::LineEnds } else { Moved::Body }]);
    }
    Ok(now.moved_since(recorded).into_iter().map(Moved::Input).collect())
}

/// Whether it is, to the byte, a stamp with the body that belongs to it.
fn is_whole(cargo_nix: &str) -> bool {
    let Ok((stamp, body)) = Stamp::parse(cargo_nix) else { return false };
    cargo_nix.len() == stamp.to_string().len() + body.len()
        && cargo_nix.starts_with(&stamp.to_string())
        && stamp.body == stamp::digest(body)
}
