//! Reads the inputs and outputs of derivations from their `.drv` files.
//!
//! The format is ATerm, and is the same in all versions of Nix: `Derive([outputs],[inputs],[sources],...)`, see
//! "Derivation" in the manual of Nix, chapter "Store object formats". `nix derivation show` prints the same as JSON,
//! but in three different layouts so far.

use std::collections::BTreeMap;
use std::path::Path;

use cratewright_sources::diagnostic::Diagnostic;

use crate::disk::require_text;

/// The inputs and outputs of a derivation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Derivation {
    /// Outputs by name.
    pub(super) outputs: BTreeMap<String, Output>,
    /// Paths of its input derivations, with the names of the outputs that it uses.
    pub(super) inputs: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) path: String,
    /// Whether the hash of its contents is known before it is built, as for everything that is downloaded.
    pub(super) is_fixed: bool,
}

impl Derivation {
    /// Reads a derivation from the store.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a derivation.
    pub(super) fn read(path: &str) -> Result<Self, Diagnostic> {
        let text = require_text(Path::new(path))?;
        Derivation::parse(&text).ok_or_else(|| {
            Diagnostic::new("invalid-derivation", "the file is not a valid derivation")
                .at(path)
                .help("use another version of Nix; this one may be too new or too old")
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut rest = Term(text.strip_prefix("Derive(")?);
        let outputs = rest.list(|term| {
            let [name, path, algorithm, _hash] = term.tuple()?;
            // A content-addressed output has only a hash algorithm, no hash.
            Some((name, Output { path, is_fixed: !algorithm.is_empty() }))
        })?;
        rest.punctuation(',')?;
        let inputs = rest.list(|term| {
            term.punctuation('(')?;
            let path = term.string()?;
            term.punctuation(',')?;
            let outputs = term.list(Term::string)?;
            term.punctuation(')')?;
            Some((path, outputs))
        })?;
        Some(Derivation { outputs: outputs.into_iter().collect(), inputs: inputs.into_iter().collect() })
    }
}

/// The unread rest of a term.
struct Term<'a>(&'a str);

impl Term<'_> {
    fn punctuation(&mut self, expected: char) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        self.punctuation('"')?;
        let mut string = String::new();
        let mut characters = self.0.char_indices();
        loop {
            match characters.next()?.1 {
                '"' => break,
                '\\' => string.push(match characters.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                }),
                other => string.push(other),
            }
        }
        self.0 = characters.as_str();
        Some(string)
    }

    fn tuple<const N: usize>(&mut self) -> Option<[String; N]> {
        let mut strings = Vec::with_capacity(N);
        self.punctuation('(')?;
        for ix in 0..N {
            if ix > 0 {
                self.punctuation(',')?;
            }
            strings.push(self.string()?);
        }
        self.punctuation(')')?;
        strings.try_into().ok()
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.punctuation('[')?;
        while !self.0.starts_with(']') {
            if !items.is_empty() {
                self.punctuation(',')?;
            }
            items.push(item(self)?);
        }
        self.punctuation(']')?;
        Some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_and_outputs_of_a_derivation_are_read() {
        let text = r#"Derive([("lib","/s/a-lib","",""),("out","/s/a","sha256","00\"ff")],[("/s/b.drv",["lib","out"]),("/s/c.drv",[])],["/s/src"],"x","/bin/sh",[],[("a","b")])"#;
        let read = Derivation::parse(text).unwrap();
        assert_eq!(read.outputs["lib"], Output { path: "/s/a-lib".into(), is_fixed: false });
        assert!(read.outputs["out"].is_fixed);
        assert_eq!(read.inputs["/s/b.drv"], ["lib", "out"]);
        assert!(read.inputs["/s/c.drv"].is_empty());
        assert_eq!(read.inputs.len(), 2);
    }

    #[test]
    fn a_file_that_is_not_a_derivation_is_an_error() {
        let failure = Derivation::read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap_err();
        assert_eq!(failure.code, "invalid-derivation");
    }

    #[test]
    fn a_truncated_derivation_is_rejected() {
        let text = r#"Derive([("out","/s/a","","")],[("/s/b.drv",["out"])],"#;
        assert!(Derivation::parse(text).is_some());
        for length in 0..text.len() - 1 {
            assert_eq!(Derivation::parse(&text[..length]), None, "{length}");
        }
    }
}
