//! Kinds of changes, each for any workspace that has the part that it changes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use crate::support::stdout;

/// A copy of a workspace to change.
pub(crate) struct Changed {
    pub(crate) root: PathBuf,
    members: Vec<Member>,
}

/// A member, from `cargo metadata`.
struct Member {
    name: String,
    directory: PathBuf,
    /// Source file of the first library or program.
    source: PathBuf,
    has_script: bool,
    is_library: bool,
}

/// A name, and a function that changes the workspace, or returns false if the kind does not apply to it.
pub(crate) type Kind = (&'static str, fn(&Changed) -> bool);

pub(crate) const KINDS: &[Kind] = &[
    ("a comment in the first member", |at| at.append(at.first(), "\n// a comment\n")),
    ("a comment in the last member", |at| at.append(at.last(), "\n// a comment\n")),
    ("a source file more", |at| at.add(at.first(), "src/added_module.rs", "")),
    ("a file of no package", |at| at.write(&at.root.join("added/notes.md"), "notes")),
    ("a test", |at| at.add(at.last(), "tests/added.rs", "#[test]\nfn added() {}\n")),
    ("an example", |at| at.add(at.last(), "examples/added.rs", "fn main() {}\n")),
    ("a benchmark", |at| at.add(at.first(), "benches/added.rs", "fn main() {}\n")),
    ("a binary", |at| at.add(at.last(), "src/bin/added.rs", "fn main() {}\n")),
    ("a build script", |at| !at.last().has_script && at.add(at.last(), "build.rs", "fn main() {}\n")),
    ("a mode", |at| fs::set_permissions(&at.first().source, fs::Permissions::from_mode(0o755)).is_ok()),
    ("a link", |at| std::os::unix::fs::symlink("Cargo.toml", at.first().directory.join("added-link")).is_ok()),
    ("an edition", |at| {
        at.package(at.last(), |package| {
            let old = package.get("edition").and_then(Item::as_str).unwrap_or("2015").to_owned();
            set(package, "edition", if old == "2021" { "2018" } else { "2021" })
        })
    }),
    ("a description", |at| at.package(at.first(), |package| set(package, "description", "changed"))),
    ("a version", |at| {
        at.package(at.last(), |package| {
            let is_own = package.get("version").is_some_and(Item::is_str);
            is_own && set(package, "version", "0.1.77")
        }) && at.relock()
    }),
    ("a default feature", |at| {
        at.manifest(at.last(), |manifest| {
            let features = manifest.entry("features").or_insert(Item::Table(Table::new()));
            let Some(features) = features.as_table_like_mut() else { return false };
            features.insert("added", value(Array::new()));
            let default = features.entry("default").or_insert(value(Array::new()));
            default.as_array_mut().map(|default| default.push("added")).is_some()
        })
    }),
    ("a feature that nobody enables", |at| {
        at.manifest(at.last(), |manifest| {
            let features = manifest.entry("features").or_insert(Item::Table(Table::new()));
            features.as_table_like_mut().map(|features| features.insert("added", value(Array::new()))).is_some()
        })
    }),
    ("lints", |at| {
        at.manifest(at.last(), |manifest| {
            manifest.remove("lints");
            table(manifest, &["lints", "rust"]).insert("unused", value("allow"));
            true
        })
    }),
    ("a library that is not tested", |at| {
        at.last().is_library
            && at.manifest(at.last(), |manifest| {
                table(manifest, &["lib"]).insert("test", value(false));
                true
            })
    }),
    ("opt-level", |at| at.profile(&[], "opt-level", value(1))),
    ("thin lto", |at| at.profile(&[], "lto", value("thin"))),
    ("debug", |at| at.profile(&[], "debug", value(1))),
    ("strip", |at| at.profile(&[], "strip", value(true))),
    ("panic", |at| at.profile(&[], "panic", value("abort"))),
    ("codegen-units", |at| at.profile(&[], "codegen-units", value(1))),
    ("split-debuginfo", |at| at.profile(&[], "split-debuginfo", value("packed"))),
    ("opt-level of build scripts", |at| at.profile(&["build-override"], "opt-level", value(3))),
    ("opt-level of dependencies", |at| at.profile(&["package", "*"], "opt-level", value(1))),
    ("opt-level of a member", |at| at.profile(&["package", &at.last().name], "opt-level", value(1))),
    ("another profile", |at| {
        at.document(&at.root.join("Cargo.toml"), |manifest| {
            table(manifest, &["profile", "added"]).insert("inherits", value("release"));
            true
        })
    }),
    ("rustflags", |at| at.config("build", "rustflags", value(Array::from_iter(["--cfg", "added"])))),
    ("a variable", |at| at.config("env", "ADDED", value("1"))),
    ("a file that all sources leave out", |at| {
        at.add(at.first(), "added.md", "notes")
            && at.document(&at.root.join("Cargo.toml"), |manifest| {
                let of = if manifest.contains_key("workspace") { "workspace" } else { "package" };
                let settings = table(manifest, &[of, "metadata", "cratewright"]);
                let list = settings.entry("exclude-sources").or_insert(value(Array::new()));
                list.as_array_mut().map(|list| list.push("*.md")).is_some()
            })
    }),
    ("a directory of which nothing is built", |at| at.add(at.first(), "added-directory/below/left.rs~", "")),
    ("a file that the index has lost", |at| {
        let mut git = Command::new("git");
        git.args(["rm", "--quiet", "--cached"]).arg(&at.first().source).current_dir(&at.root);
        git.status().is_ok_and(|status| status.success())
    }),
    ("this platform alone", |at| {
        at.document(&at.root.join("Cargo.toml"), |manifest| {
            let of = if manifest.contains_key("workspace") { "workspace" } else { "package" };
            let settings = table(manifest, &[of, "metadata", "cratewright"]);
            let system = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
            let here = format!("{}-{system}", std::env::consts::ARCH);
            !settings.contains_key("targets")
                && !settings.contains_key("cross")
                && settings.insert("targets", value(Array::from_iter([here]))).is_none()
        })
    }),
    ("a file that is read from elsewhere", |at| {
        let is_inside = at.first().directory.strip_prefix(&at.root).is_ok_and(|below| below.components().count() > 0);
        let up = at.first().directory.strip_prefix(&at.root).map_or(0, |below| below.components().count());
        is_inside
            && at.write(&at.root.join("added/text.txt"), "text")
            && at.append(
                at.first(),
                &format!("\n#[allow(unused)] const ADDED: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"{}/added/text.txt\"));\n", "/..".repeat(up)),
            )
    }),
    ("a member more", |at| {
        at.document(&at.root.join("Cargo.toml"), |manifest| {
            let members = manifest.get_mut("workspace").and_then(|workspace| workspace.get_mut("members"));
            members.and_then(Item::as_array_mut).map(|members| members.push("added-member")).is_some()
        }) && at.write(
            &at.root.join("added-member/Cargo.toml"),
            "[package]\nname = \"added-member\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ) && at.write(&at.root.join("added-member/src/lib.rs"), "")
            && at.relock()
    }),
    ("a dependency on another member", |at| {
        let (first, last) = (at.first(), at.last());
        first.name != last.name
            && last.is_library
            && at.manifest(first, |manifest| {
                let dependencies = table(manifest, &["dev-dependencies"]);
                if dependencies.contains_key(&last.name) {
                    return false;
                }
                let mut dependency = toml_edit::InlineTable::new();
                let below = |member: &Member| member.directory.strip_prefix(&at.root).unwrap().to_owned();
                let up = "../".repeat(below(first).components().count());
                dependency.insert("path", format!("{up}{}", below(last).display()).into());
                dependencies.insert(&last.name, value(dependency));
                true
            })
            && at.relock()
    }),
    ("no dev-dependencies", |at| {
        let remove = |member| at.manifest(member, |manifest| manifest.remove("dev-dependencies").is_some());
        at.members.iter().any(remove) && at.relock()
    }),
    ("no tests", |at| at.members.iter().any(|member| fs::remove_dir_all(member.directory.join("tests")).is_ok())),
    ("no dependencies", |at| {
        at.manifest(at.first(), |manifest| manifest.remove("dependencies").is_some()) && at.relock()
    }),
];

fn set(table: &mut dyn toml_edit::TableLike, key: &str, text: &str) -> bool {
    table.insert(key, value(text));
    true
}

fn table<'a>(document: &'a mut DocumentMut, path: &[&str]) -> &'a mut dyn toml_edit::TableLike {
    let mut item = document.as_item_mut();
    for key in path {
        let entry = item.as_table_like_mut().unwrap().entry(key);
        item = entry.or_insert_with(|| Item::Table(Table::new()));
    }
    item.as_table_like_mut().unwrap()
}

impl Changed {
    pub(crate) fn new(root: PathBuf) -> Self {
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"]).current_dir(&root);
        let metadata: Value = serde_json::from_str(&stdout(&mut cargo)).unwrap();
        let members = metadata["packages"].as_array().unwrap().iter().map(member).collect();
        Changed { root, members }
    }

    fn first(&self) -> &Member {
        &self.members[0]
    }

    fn last(&self) -> &Member {
        &self.members[self.members.len() - 1]
    }

    fn write(&self, file: &Path, text: &str) -> bool {
        fs::create_dir_all(file.parent().unwrap()).and_then(|()| fs::write(file, text)).is_ok()
    }

    fn add(&self, member: &Member, file: &str, text: &str) -> bool {
        let file = member.directory.join(file);
        !file.exists() && self.write(&file, text)
    }

    fn append(&self, member: &Member, text: &str) -> bool {
        let old = fs::read_to_string(&member.source).unwrap();
        self.write(&member.source, &(old + text))
    }

    fn document(&self, file: &Path, edit: impl FnOnce(&mut DocumentMut) -> bool) -> bool {
        let mut document: DocumentMut = fs::read_to_string(file).unwrap().parse().unwrap();
        edit(&mut document) && self.write(file, &document.to_string())
    }

    fn manifest(&self, member: &Member, edit: impl FnOnce(&mut DocumentMut) -> bool) -> bool {
        self.document(&member.directory.join("Cargo.toml"), edit)
    }

    fn package(&self, member: &Member, edit: impl FnOnce(&mut dyn toml_edit::TableLike) -> bool) -> bool {
        self.manifest(member, |manifest| edit(table(manifest, &["package"])))
    }

    fn profile(&self, path: &[&str], key: &str, value: Item) -> bool {
        self.document(&self.root.join("Cargo.toml"), |manifest| {
            table(manifest, &[&["profile", "release"], path].concat()).insert(key, value);
            true
        })
    }

    fn config(&self, of: &str, key: &str, value: Item) -> bool {
        let file = self.root.join(".cargo/config.toml");
        if !file.exists() {
            self.write(&file, "");
        }
        self.document(&file, |config| {
            table(config, &[of]).insert(key, value);
            true
        })
    }

    /// Updates the lock file, if cargo can.
    fn relock(&self) -> bool {
        let mut cargo = Command::new("cargo");
        let update = cargo.args(["update", "--quiet", "--workspace", "--offline"]).current_dir(&self.root).output();
        update.unwrap().status.success()
    }
}

fn member(package: &Value) -> Member {
    let targets = package["targets"].as_array().unwrap();
    let of_kind = |kinds: &[&str]| {
        let is = |target: &&Value| {
            target["kind"].as_array().unwrap().iter().any(|kind| kinds.contains(&kind.as_str().unwrap()))
        };
        targets.iter().find(is)
    };
    let path = |value: &Value| PathBuf::from(value.as_str().unwrap());
    let library = of_kind(&["lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro"]);
    Member {
        name: package["name"].as_str().unwrap().to_owned(),
        directory: path(&package["manifest_path"]).parent().unwrap().to_owned(),
        source: path(&library.or_else(|| of_kind(&["bin"])).unwrap_or(&targets[0])["src_path"]),
        has_script: of_kind(&["custom-build"]).is_some(),
        is_library: library.is_some() && of_kind(&["proc-macro"]).is_none(),
    }
}
