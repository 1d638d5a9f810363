//! Edits of a workspace, one kind each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml_edit::{DocumentMut, Item, Table};

use super::workspaces::Workspace;
use crate::support::Copy;

/// A copy of a workspace to edit.
pub(crate) struct Scratch {
    pub(crate) workspace: &'static Workspace,
    /// Root of the workspace.
    root: PathBuf,
    _directory: Copy,
}

/// A kind of edit.
pub(crate) struct Edit {
    pub(crate) name: String,
    pub(crate) apply: Box<dyn Fn(&Scratch) + Send + Sync>,
    /// Text that `check` must print if it reports a stale file; `{member}` stands for the member's manifest.
    pub(crate) says: Vec<String>,
    /// The same, but only if cargo does not reject the edit.
    pub(crate) says_if_stale: Vec<String>,
    /// Whether `check` may refuse the workspace if `generate` does.
    pub(crate) invalid: bool,
    /// Whether the edit is inside a source file, which the evaluation check does not read.
    pub(crate) in_sources: bool,
    /// Whether `check` cannot read a file or a setting that it needs after the edit.
    pub(crate) unreadable: bool,
}

impl Scratch {
    pub(crate) fn new(workspace: &'static Workspace) -> Self {
        let directory = Copy::of(&workspace.tree);
        // Collecting components removes a trailing slash, which an empty `below` leaves.
        let root = directory.path().join(workspace.below).components().collect();
        Scratch { workspace, root, _directory: directory }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A command that runs in the root.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.workspace.environment(&mut command).current_dir(&self.root);
        command
    }

    /// Updates the lock file, if cargo can.
    pub(crate) fn relock(&self) {
        let update = self.command("cargo").args(["update", "--quiet", "--workspace", "--offline"]).output();
        assert!(update.is_ok(), "{update:?}");
    }

    /// Replaces `{member}` by the member's manifest, and `{dir}` by its directory with a trailing slash.
    pub(crate) fn fill(&self, text: &str) -> String {
        let member = self.workspace.member;
        let directory = member.strip_suffix("Cargo.toml").unwrap();
        text.replace("{member}", member).replace("{dir}", directory)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.root().join(self.fill(file))
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap_or_default()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        self.put(&path, || fs::write(&path, text));
    }

    pub(crate) fn link(&self, target: &str, file: &str) {
        let path = self.path(file);
        self.put(&path, || std::os::unix::fs::symlink(target, &path));
    }

    /// Removes a file, or a directory with its contents.
    pub(crate) fn remove(&self, file: &str) {
        let path = self.path(file);
        let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
    }

    /// Renames a file or directory, unless an earlier edit has removed it.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        let [from, to] = [from, to].map(|file| self.path(file));
        if from.exists() {
            self.put(&to, || fs::rename(&from, &to));
        }
    }

    pub(crate) fn directory(&self, file: &str) {
        let path = self.path(file);
        self.put(&path, || fs::create_dir_all(&path));
    }

    fn put(&self, path: &Path, put: impl FnOnce() -> std::io::Result<()>) {
        let put = fs::create_dir_all(path.parent().unwrap()).and_then(|()| put());
        // An earlier edit may have left a link at the path or above it, or a directory instead of a file, or the
        // reverse.
        let is_in_the_way = |above: &&Path| above.is_symlink() || above.is_file();
        let mut ancestors = path.ancestors().take_while(|above| *above != self.root);
        assert!(
            put.is_ok() || path.is_dir() || ancestors.any(|above| is_in_the_way(&above)),
            "{}: {put:?}",
            path.display()
        );
    }

    pub(crate) fn edit(&self, file: &str, edit: impl FnOnce(&mut DocumentMut)) {
        // A manifest that an earlier edit broke is not edited.
        let Ok(mut document) = self.read(file).parse::<DocumentMut>() else { return };
        edit(&mut document);
        self.write(file, &document.to_string());
    }
}

pub(crate) fn edit(name: &str, says: &[&str], apply: impl Fn(&Scratch) + Send + Sync + 'static) -> Edit {
    let says = says.iter().map(|&text| text.to_owned()).collect();
    Edit {
        name: name.to_owned(),
        apply: Box::new(apply),
        says,
        says_if_stale: Vec::new(),
        invalid: false,
        in_sources: false,
        unreadable: false,
    }
}

impl Edit {
    pub(crate) fn apply(&self, scratch: &Scratch) {
        (self.apply)(scratch);
    }
}

/// Sets a key of a manifest, and creates missing tables.
pub(crate) fn set(file: &'static str, key: &'static str, value: &'static str) -> Edit {
    edit(&format!("{file}: {key} = {value}"), &[file, &key.replace('\'', "")], move |scratch| {
        scratch.edit(file, |document| {
            let parts = split(key);
            let (last, above) = parts.split_last().unwrap();
            let mut table: &mut Item = document.as_item_mut();
            for part in above {
                let Some(above) = table.as_table_like_mut() else { return };
                let entry = above.entry(part).or_insert_with(|| Item::Table(Table::new()));
                if !entry.is_table_like() {
                    // `serde = "1"` becomes a table if a key is set in it.
                    let version = entry.clone();
                    *entry = Item::Table(Table::from_iter([("version", version)]));
                }
                table = entry;
            }
            let value: toml_edit::Value = value.parse().unwrap();
            if let Some(table) = table.as_table_like_mut() {
                table.insert(last, Item::Value(value));
            }
        });
    })
}

/// The same for a key of a table that may be new, in which case `check` reports the whole table.
pub(crate) fn set_in_table(file: &'static str, key: &'static str, value: &'static str) -> Edit {
    let (table, _) = key.rsplit_once('.').unwrap();
    Edit { says: vec![file.to_owned(), table.to_owned()], ..set(file, key, value) }
}

/// An edit that has no effect in some workspaces, or that cargo rejects.
pub(crate) fn silent(edit: Edit) -> Edit {
    Edit { says: Vec::new(), says_if_stale: edit.says, ..edit }
}

/// An edit that makes the workspace invalid in a way that `check` may notice as well.
pub(crate) fn invalid(edit: Edit) -> Edit {
    Edit { invalid: true, ..edit }
}

/// An edit after which `check` cannot read a file or a setting that it needs.
pub(crate) fn unreadable(edit: Edit) -> Edit {
    Edit { unreadable: true, ..edit }
}

/// The same edit, followed by an update of the lock file, without which cargo rejects the workspace.
pub(crate) fn relocked(edit: Edit) -> Edit {
    let apply = edit.apply;
    let apply = Box::new(move |scratch: &Scratch| {
        apply(scratch);
        scratch.relock();
    });
    Edit { name: format!("{}, and the lock", edit.name), apply, ..edit }
}

/// An edit that is reported for other files: for members that are added or removed.
pub(crate) fn elsewhere(edit: Edit) -> Edit {
    Edit { says: Vec::new(), ..edit }
}

/// Splits a key such as `target.'cfg(unix)'.dependencies` at dots outside quotes.
fn split(key: &str) -> Vec<String> {
    toml_edit::Key::parse(key).unwrap().iter().map(|part| part.get().to_owned()).collect()
}

pub(crate) fn write(file: &'static str, text: &'static str, says: &[&str]) -> Edit {
    edit(&format!("write {file}"), says, move |scratch| scratch.write(file, text))
}

pub(crate) fn delete(file: &'static str, says: &[&str]) -> Edit {
    edit(&format!("delete {file}"), says, move |scratch| {
        scratch.remove(file);
    })
}

pub(crate) fn replace(file: &'static str, from: &'static str, to: &'static str, says: &[&str]) -> Edit {
    edit(&format!("{file}: {from:?} -> {to:?}"), says, move |scratch| {
        scratch.write(file, &scratch.read(file).replacen(from, to, 1));
    })
}

pub(crate) fn directory_for(file: &'static str) -> Edit {
    edit(&format!("a directory in the place of {file}"), &[file], move |scratch| {
        if scratch.path(file).is_file() {
            scratch.remove(file);
            scratch.directory(file);
        }
    })
}

pub(crate) fn append(file: &'static str, text: &'static str, says: &[&str]) -> Edit {
    edit(&format!("{file}: append {text:?}"), says, move |scratch| {
        scratch.write(file, &(scratch.read(file) + text));
    })
}

pub(crate) fn map(name: &str, file: &'static str, says: &[&str], map: fn(&str) -> String) -> Edit {
    edit(name, says, move |scratch| scratch.write(file, &map(&scratch.read(file))))
}
