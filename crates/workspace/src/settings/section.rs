//! Reads a table of Cratewright's settings. Each error has the position of the key or value that is wrong.

use std::collections::BTreeMap;
use std::ops::Range;

use cratewright_sources::diagnostic::{Diagnostic, Position};
use cratewright_sources::near::is_misspelt;
use cratewright_staleness::TomlFile;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys::{Key, Table};

/// Length of a value in a message, in characters.
const SHOWN: usize = 60;

/// The name of our table in `metadata`.
pub(super) const NAME: &str = "cratewright";

/// Whether a manifest may have a table of settings that nothing reads, because of its name or its place. It is a quick
/// look at the text: all manifests are searched whenever `Cargo.nix` is checked.
pub fn may_have_unread_table(manifest: &str) -> bool {
    // Whatever is misspelt, some part of the name is usually intact.
    if !["crat", "ewri", "ght"].iter().any(|part| manifest.contains(part)) {
        return false;
    }
    let is_placed = |line: &str| {
        let tables = ["workspace", "package", "project"].iter();
        tables
            .filter_map(|table| line.trim_start().trim_start_matches('[').trim_start().strip_prefix(table))
            .any(|rest| rest.strip_prefix(".metadata.").is_some_and(|rest| rest.starts_with(NAME)))
    };
    let mut words = manifest.lines().flat_map(|line| {
        let words = line.split(|c: char| !(c.is_alphanumeric() || ['-', '_'].contains(&c)));
        words.map(move |word| (word, line))
    });
    words.any(|(word, line)| match word == NAME {
        true => line.trim_start().starts_with('[') && !is_placed(line),
        false => word.len().abs_diff(NAME.len()) <= 3 && is_misspelt(word, NAME),
    })
}

/// A value with its position in the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The position.
    pub position: Position,
}

/// A value as it is written in a manifest.
pub(super) type Written<'a> = Spanned<DeValue<'a>>;

/// A value that is not what its key expects.
#[derive(Debug)]
pub(super) struct Invalid {
    span: Range<usize>,
    is_table: bool,
    /// What is wrong with it, after "which".
    reason: String,
}

impl Invalid {
    pub(super) fn new(value: &Written<'_>, reason: impl Into<String>) -> Self {
        Invalid { span: value.span(), is_table: value.get_ref().is_table(), reason: reason.into() }
    }

    /// The error for the value at a path in a manifest.
    fn error(self, file: &TomlFile, path: &str) -> Diagnostic {
        let Invalid { span, is_table, reason } = self;
        let written = &file.text[span.clone()];
        // A table with a header is not shown as a whole.
        let shown = if is_table && !written.starts_with('{') { "a table".to_owned() } else { shown(written) };
        error(file, span, format!("`{path}` has {shown}, which {reason}"))
    }
}

/// A type of values. `text` is the text of the manifest.
pub(super) trait Read: Sized {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid>;
}

/// A table that has no unknown keys.
pub(super) struct Section<'a> {
    file: &'a TomlFile,
    /// Its path in the manifest.
    path: String,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The table `metadata.cratewright` of another table of the manifest. A misspelt name is an error, because nothing
    /// would read such a table.
    pub(super) fn find(file: &'a TomlFile, of: &'a Written<'a>, keys: &Table) -> Result<Option<Self>, Diagnostic> {
        let table = of.get_ref().as_table();
        if let Some(name) = table.and_then(|table| table.keys().find(|name| name.get_ref() == NAME)) {
            return Err(unread(file, name, &keys.path.replace("metadata.", ""), keys));
        }
        let metadata = table.and_then(|table| table.get("metadata")?.get_ref().as_table());
        let Some(metadata) = metadata else { return Ok(None) };
        if let Some(name) = metadata.keys().find(|name| is_misspelt(name.get_ref(), NAME)) {
            return Err(unread(file, name, &keys.path.replace(NAME, name.get_ref()), keys));
        }
        metadata.get(NAME).map(|value| Section::new(file, value, keys.path.to_owned(), keys)).transpose()
    }

    /// Fails if the table is at the top of a manifest, where neither cargo nor anything else reads it.
    pub(super) fn check_top(file: &TomlFile, manifest: &DeTable<'_>, keys: &Table) -> Result<(), Diagnostic> {
        let metadata = manifest.get("metadata").and_then(|metadata| metadata.get_ref().as_table());
        let name = metadata.and_then(|metadata| metadata.keys().find(|name| name.get_ref() == NAME));
        name.map_or(Ok(()), |name| Err(unread(file, name, &format!("metadata.{NAME}"), keys)))
    }

    fn new(file: &'a TomlFile, value: &'a Written<'a>, path: String, keys: &Table) -> Result<Self, Diagnostic> {
        let table = table(value).map_err(|invalid| {
            let help = format!("write `[{path}]` on a line, and its keys on the lines below");
            invalid.error(file, &path).help(help)
        })?;
        let is_known = |name: &str| keys.keys.iter().any(|key| key.name == name);
        if let Some(name) = table.keys().find(|name| !is_known(name.get_ref())) {
            let message = format!("`[{path}]` has no key `{}`", name.get_ref());
            return Err(error(file, name.span(), message).help(keys.help(name.get_ref())));
        }
        Ok(Section { file, path, table })
    }

    /// The value of a key.
    pub(super) fn read<T: Read>(&self, key: &Key) -> Result<Option<T>, Diagnostic> {
        self.read_with(key, T::read)
    }

    /// The same with a function that reads the value.
    pub(super) fn read_with<T>(
        &self,
        key: &Key,
        read: impl Fn(&Written<'_>, &str) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Diagnostic> {
        let Some(value) = self.table.get(key.name) else { return Ok(None) };
        read(value, &self.file.text).map(Some).map_err(|invalid| self.invalid(key, invalid))
    }

    /// The error for a table that lacks something, with the position of its name.
    pub(super) fn incomplete(&self, position: Position, reason: &str) -> Diagnostic {
        error_at(self.file, position, format!("`{}` {reason}", self.path))
    }

    fn invalid(&self, key: &Key, invalid: Invalid) -> Diagnostic {
        invalid.error(self.file, &self.path_of(key)).help(key.help())
    }

    fn path_of(&self, key: &Key) -> String {
        format!("{}.{}", self.path, key.name)
    }

    /// The table in a key.
    pub(super) fn inner(&self, key: &Key, keys: &Table) -> Result<Option<Section<'_>>, Diagnostic> {
        self.table.get(key.name).map(|value| Section::new(self.file, value, self.path_of(key), keys)).transpose()
    }

    /// The tables in a table, with the positions of their names.
    pub(super) fn tables(
        &self,
        key: &Key,
        keys: &Table,
    ) -> Result<BTreeMap<String, (Position, Section<'_>)>, Diagnostic> {
        let Some(value) = self.table.get(key.name) else { return Ok(BTreeMap::new()) };
        let table = table(value).map_err(|invalid| self.invalid(key, invalid))?;
        let section = |(name, value): (&Spanned<DeString<'_>>, _)| {
            let position = Position::of(&self.file.text, name.span().start);
            let section = Section::new(self.file, value, format!("{}.{}", self.path_of(key), name.get_ref()), keys)?;
            Ok((name.get_ref().to_string(), (position, section)))
        };
        table.iter().map(section).collect()
    }
}

/// The error for a table at a path where nothing reads it.
fn unread(file: &TomlFile, name: &Spanned<DeString<'_>>, path: &str, keys: &Table) -> Diagnostic {
    error(file, name.span(), format!("nothing reads the table `{path}`")).help(format!("did you mean `{}`?", keys.path))
}

fn error(file: &TomlFile, span: Range<usize>, message: String) -> Diagnostic {
    error_at(file, Position::of(&file.text, span.start), message)
}

fn error_at(file: &TomlFile, position: Position, message: String) -> Diagnostic {
    Diagnostic::new("invalid-metadata", message).at(file.file.as_str()).position(Some(position))
}

/// A value on one line for a message.
fn shown(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// The table in a value.
pub(super) fn table<'a, 'b>(value: &'b Written<'a>) -> Result<&'b DeTable<'a>, Invalid> {
    value.get_ref().as_table().ok_or_else(|| Invalid::new(value, "is not a table"))
}

/// The items of a list.
pub(super) fn list<T>(
    value: &Written<'_>,
    text: &str,
    read: impl Fn(&Written<'_>, &str) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let items = value.get_ref().as_array().ok_or_else(|| Invalid::new(value, "is not a list"))?;
    items.iter().map(|item| read(item, text)).collect()
}

/// The items of a list that must have one.
pub(super) fn full_list<T: Read>(value: &Written<'_>, text: &str) -> Result<Vec<T>, Invalid> {
    let items = Vec::read(value, text)?;
    if items.is_empty() { Err(Invalid::new(value, "is an empty list")) } else { Ok(items) }
}

impl Read for String {
    fn read(value: &Written<'_>, _: &str) -> Result<Self, Invalid> {
        value.get_ref().as_str().map(str::to_owned).ok_or_else(|| Invalid::new(value, "is not a string"))
    }
}

impl Read for bool {
    fn read(value: &Written<'_>, _: &str) -> Result<Self, Invalid> {
        value.get_ref().as_bool().ok_or_else(|| Invalid::new(value, "is neither `true` nor `false`"))
    }
}

impl Read for usize {
    fn read(value: &Written<'_>, _: &str) -> Result<Self, Invalid> {
        let number = value.get_ref().as_integer();
        let number = number.and_then(|number| usize::from_str_radix(number.as_str(), number.radix()).ok());
        number.ok_or_else(|| Invalid::new(value, "is not a whole number of at least 0"))
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid> {
        list(value, text, T::read)
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid> {
        let table = table(value)?;
        table.iter().map(|(name, value)| Ok((name.get_ref().to_string(), T::read(value, text)?))).collect()
    }
}

impl<T: Read> Read for Placed<T> {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid> {
        Ok(Placed { value: T::read(value, text)?, position: Position::of(text, value.span().start) })
    }
}
