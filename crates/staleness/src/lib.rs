//! Whether a `Cargo.nix` still matches what it was made from.
//!
//! The first lines of the file, its [`Stamp`], hold a digest of the lock's packages and one of everything below them.
//! [`check`] computes both again. Nothing here reads a file or runs a program.
#![warn(missing_docs)]

mod stamp;

use cargo_lock::Lockfile;

pub use crate::stamp::{FORMAT, GENERATED, Stamp, StampError, stamped};

/// Why a `Cargo.nix` is stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Another version of the generator writes another format.
    Format {
        /// Format of the file.
        found: u32,
    },
    /// The packages of `Cargo.lock` are not those the file was made from.
    Lock,
    /// The file was changed by hand.
    Body,
}

impl Moved {
    /// One sentence for a person.
    pub fn describe(&self) -> String {
        match self {
            Moved::Format { found } => format!("it has format {found}, this version writes format {FORMAT}"),
            Moved::Lock => "the packages of Cargo.lock have changed".to_owned(),
            Moved::Body => "it was changed by hand".to_owned(),
        }
    }
}

/// Compares a `Cargo.nix` with the lock; an empty list means fresh.
///
/// # Errors
/// When the text carries no readable stamp.
pub fn check(cargo_nix: &str, lock: &Lockfile) -> Result<Vec<Moved>, StampError> {
    let (stamp, body) = Stamp::parse(cargo_nix)?;
    if stamp.format != FORMAT {
        return Ok(vec![Moved::Format { found: stamp.format }]);
    }
    let now = Stamp::new(lock, body);
    let mut moved = Vec::new();
    if stamp.lock != now.lock {
        moved.push(Moved::Lock);
    }
    if stamp.body != now.body {
        moved.push(Moved::Body);
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"leaf\",\n]\n\n\
                        [[package]]\nname = \"leaf\"\nversion = \"0.2.0\"\n";

    fn lock(text: &str) -> Lockfile {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_stamped_is_fresh() {
        let text = stamped(&lock(LOCK), "{ }: 1\n");
        assert!(text.starts_with(GENERATED));
        assert_eq!(check(&text, &lock(LOCK)), Ok(Vec::new()));
    }

    #[test]
    fn each_moved_input_is_named() {
        let text = stamped(&lock(LOCK), "{ }: 1\n");
        assert_eq!(check(&text, &lock(&LOCK.replace("0.2.0", "0.2.1"))), Ok(vec![Moved::Lock]));
        let without_edge = LOCK.replace("dependencies = [\n \"leaf\",\n]\n", "");
        assert_eq!(check(&text, &lock(&without_edge)), Ok(vec![Moved::Lock]));
        assert_eq!(check(&text.replace("{ }: 1", "{ }: 2"), &lock(LOCK)), Ok(vec![Moved::Body]));
        assert_eq!(check(&text.replace("format: 1", "format: 7"), &lock(LOCK)), Ok(vec![Moved::Format { found: 7 }]));
    }

    #[test]
    fn formatting_of_the_lock_does_not_count() {
        let text = stamped(&lock(LOCK), "{ }: 1\n");
        let commented = format!("# a comment\n{}", LOCK.replace("version = 4\n", "version = 3\n"));
        assert_eq!(check(&text, &lock(&commented)), Ok(Vec::new()));
    }

    #[test]
    fn a_file_without_stamp_is_an_error() {
        assert_eq!(check("{ }: 1\n", &lock(LOCK)), Err(StampError::NotGenerated));
        let torn = format!("{GENERATED}.\n# format: 1\n{{ }}: 1\n");
        assert_eq!(check(&torn, &lock(LOCK)), Err(StampError::MissingLine { name: "Cargo.lock" }));
    }
}
