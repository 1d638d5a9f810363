//! The table `[package.metadata.cratewright]`.

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::is_misspelt;
use cratewright_sources::path::WsPath;
use cratewright_staleness::TomlFile;
use serde_json::{Map, Value};
use toml::de::DeTable;

use crate::manifest::value_of;

use super::keys::{EXTRA_SOURCES, OF_PACKAGE};
use super::section::{Invalid, NAME, Placed, Read, Section, Written, list};

/// The paths of `extra-sources`, relative to the workspace root: what the build of a package reads outside of it.
pub(crate) fn extra_sources(manifest: &TomlFile) -> Result<Vec<Placed<WsPath>>, Diagnostic> {
    // Most manifests have no such table, and are not parsed again.
    let metadata = ["package.metadata", "project.metadata", "metadata"].into_iter();
    let metadata = metadata.filter_map(|key| value_of(&manifest.table, key));
    let mut names = metadata.filter_map(Value::as_object).flat_map(Map::keys);
    let is_misplaced = ["package", "project"]
        .iter()
        .any(|table| value_of(&manifest.table, table).is_some_and(|table| table.get(NAME).is_some()));
    if !is_misplaced && !names.any(|name| name == NAME || is_misspelt(name, NAME)) {
        return Ok(Vec::new());
    }
    let Ok(document) = DeTable::parse(&manifest.text) else { return Ok(Vec::new()) };
    let tables = document.get_ref();
    Section::check_top(manifest, tables, &OF_PACKAGE)?;
    // `project` is the former name of the table.
    let Some(package) = tables.get("package").or_else(|| tables.get("project")) else { return Ok(Vec::new()) };
    let Some(section) = Section::find(manifest, package, &OF_PACKAGE)? else { return Ok(Vec::new()) };
    let from_root = |value: &Written<'_>, text: &str| {
        let Placed { value: path, position } = Placed::<String>::read(value, text)?;
        let path = manifest.file.parent().join(&path).ok_or_else(|| Invalid::new(value, "is an absolute path"))?;
        if path.is_root() || path.name() == ".." {
            return Err(Invalid::new(value, "is a directory that contains the workspace"));
        }
        Ok(Placed { value: path, position })
    };
    let paths = section.read_with(&EXTRA_SOURCES, |value, text| list(value, text, from_root))?;
    Ok(paths.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_sources_are_relative_to_the_root() {
        let sources = |directory: &str, path: &str| {
            let text = format!("[package]\nname = 'a'\nmetadata.cratewright.extra-sources = ['{path}']");
            let file = WsPath::new(directory).unwrap().child("Cargo.toml");
            let read = TomlFile { file, table: toml::from_str(&text).unwrap(), text };
            extra_sources(&read).ok().map(|paths| paths[0].value.to_string())
        };
        assert_eq!(sources("crates/app", "../../sql/a.sql").as_deref(), Some("sql/a.sql"));
        assert_eq!(sources("", "./sql/").as_deref(), Some("sql"));
        assert_eq!(sources("../app", "../sql").as_deref(), Some("../sql"));
        assert_eq!(["/etc", "..", "../.."].map(|path| sources("app", path)), [const { None }; 3]);
    }
}
