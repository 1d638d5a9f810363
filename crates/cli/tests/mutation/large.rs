//! A workspace of 120 members, with nested packages, excluded packages, and packages next to it.

use super::edits::{Edit, edit, invalid, map, relocked, set, set_in_table, silent, write};
use super::workspaces::Make;
use crate::support::git::Scratch;
use crate::support::package;

/// Number of members below `crates`, and below `apps`; with those in `tools`, in `deep` and in a member's directory
/// there are 120.
const CRATES: usize = 98;
const APPS: usize = 19;

const ROOT: &str = r#"[workspace]
resolver = "3"
members = ["crates/*", "apps/*/core", "tools/one", "deep/er/two"]
exclude = ["crates/excluded", "outer"]

[workspace.package]
version = "0.3.0"
edition = "2024"
license = "MIT"
authors = ["A", "B"]

[workspace.dependencies]
m001 = { path = "crates/m001", features = ["extra"] }
m002 = { path = "crates/m002", default-features = false }
"#;

/// The manifest of a member below `crates`. Its contents depend on its number, so that neighbours differ.
fn manifest(ix: usize) -> String {
    let mut text = format!("[package]\nname = \"m{ix:03}\"\n");
    text += match ix % 3 {
        0 => "version = \"0.1.0\"\nedition = \"2021\"\n",
        1 => "version.workspace = true\nedition.workspace = true\n",
        _ => "version.workspace = true\nedition = \"2024\"\nlicense.workspace = true\nauthors.workspace = true\n",
    };
    text += "\n[features]\ndefault = []\nextra = []\n\n[dependencies]\n";
    match ix {
        0 => {
            text += "nested = { path = \"nested\" }\nouter = { path = \"../../outer\" }\nbeside = { path = \"../../../beside\" }\n"
        }
        1 | 2 => {}
        _ if ix.is_multiple_of(5) => {
            text += "m001.workspace = true\nm002 = { workspace = true, features = [\"extra\"] }\n"
        }
        _ => {
            text += &format!(
                "m{half:03} = {{ path = \"../m{half:03}\", optional = {} }}\n",
                ix.is_multiple_of(7),
                half = ix / 2
            )
        }
    }
    if ix % 4 == 3 {
        text += &format!("\n[dev-dependencies]\nm{before:03} = {{ path = \"../m{before:03}\" }}\n", before = ix - 2);
    }
    if ix % 11 == 6 {
        text += "\n[target.'cfg(unix)'.dependencies]\nm001 = { path = \"../m001\" }\n";
    }
    if ix % 13 == 5 {
        text += &format!("\n[[bin]]\nname = \"tool{ix}\"\npath = \"src/tool.rs\"\n");
    }
    text
}

pub(crate) fn make() -> Make {
    let scratch = Scratch::new();
    let mut files = vec![
        ("ws/Cargo.toml".to_owned(), ROOT.to_owned()),
        ("ws/crates/m000/nested/Cargo.toml".to_owned(), package("nested", "")),
        ("ws/crates/m000/nested/src/lib.rs".to_owned(), String::new()),
        ("ws/crates/README.md".to_owned(), String::new()),
    ];
    let mut library = |directory: &str, manifest: String| {
        files.push((format!("{directory}/Cargo.toml"), manifest));
        files.push((format!("{directory}/src/lib.rs"), String::new()));
    };
    library("beside", package("beside", "[dependencies]\nfurther = { path = \"../further\" }\n"));
    library("further", package("further", ""));
    library("ws/outer", package("outer", "[features]\ndefault = [\"one\"]\none = []\n"));
    library("ws/crates/excluded", package("excluded", "[workspace]\n"));
    library("ws/tools/one", package("one", "[dependencies]\nm003 = { path = \"../../crates/m003\" }\n"));
    library("ws/deep/er/two", package("two", ""));
    for ix in 0..CRATES {
        library(&format!("ws/crates/m{ix:03}"), manifest(ix));
    }
    for ix in 0..APPS {
        let dependency = format!("[dependencies]\nm{ix:03}.path = \"../../../crates/m{ix:03}\"\n");
        library(&format!("ws/apps/a{ix:02}/core"), package(&format!("a{ix:02}"), &dependency));
    }
    for ix in 0..CRATES {
        let mut target = |file: &str| files.push((format!("ws/crates/m{ix:03}/{file}"), "fn main() {}\n".to_owned()));
        [(13, 5, "src/tool.rs"), (9, 2, "build.rs"), (10, 4, "src/main.rs"), (6, 1, "tests/it.rs")]
            .into_iter()
            .filter(|(of, which, _)| ix % of == *which)
            .for_each(|(_, _, file)| target(file));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    scratch.write("tree", &files);
    let edits = edits();
    Make { scratch, tree: "tree", below: "ws", member: "crates/m000/Cargo.toml", edits }
}

/// Adds a library without dependencies in a directory.
fn add(directory: &'static str) -> Edit {
    let above = directory.strip_suffix("/core").or(directory.strip_suffix("/other")).unwrap_or(directory);
    edit(&format!("a package in {directory}"), &[above], move |scratch| {
        scratch.write(&format!("{directory}/Cargo.toml"), &package("added", ""));
        scratch.write(&format!("{directory}/src/lib.rs"), "");
    })
}

fn remove(directory: &'static str) -> Edit {
    edit(&format!("{directory} removed"), &[directory], move |scratch| scratch.remove(directory))
}

fn rename(from: &'static str, to: &'static str) -> Edit {
    edit(&format!("{from} moved to {to}"), &[from], move |scratch| scratch.rename(from, to))
}

fn edits() -> Vec<Edit> {
    let members = |value| relocked(set("Cargo.toml", "workspace.members", value));
    let exclude = |value| relocked(set("Cargo.toml", "workspace.exclude", value));
    vec![
        add("crates/added"),
        relocked(add("crates/added")),
        relocked(add("apps/added/core")),
        // No pattern matches this directory.
        silent(add("apps/added/other")),
        silent(add("tools/two")),
        remove("crates/m097"),
        relocked(remove("crates/m097")),
        relocked(remove("apps/a18/core")),
        relocked(silent(remove("crates/excluded"))),
        relocked(remove("deep/er/two")),
        // Other members depend on this one.
        silent(remove("crates/m003")),
        silent(remove("outer")),
        silent(remove("../beside")),
        rename("crates/m097", "crates/zzz"),
        relocked(rename("apps/a18/core", "apps/zzz/core")),
        rename("crates/m097", "elsewhere"),
        relocked(rename("crates/m097", "elsewhere")),
        silent(rename("crates/m003", "crates/zzz")),
        silent(rename("../beside", "../besides")),
        set("crates/m097/Cargo.toml", "package.name", "\"renamed\""),
        relocked(set("crates/m097/Cargo.toml", "package.name", "\"renamed\"")),
        relocked(set("apps/a07/core/Cargo.toml", "package.version", "\"2.0.0\"")),
        silent(set("crates/m002/Cargo.toml", "package.name", "\"renamed\"")),
        relocked(set("Cargo.toml", "workspace.package.version", "\"0.4.0\"")),
        set("Cargo.toml", "workspace.package.edition", "\"2021\""),
        set("Cargo.toml", "workspace.dependencies.m001.features", "[]"),
        silent(set("Cargo.toml", "workspace.dependencies.m002.default-features", "true")),
        set("crates/m050/Cargo.toml", "dependencies.m002.features", "[]"),
        relocked(set_in_table("crates/m051/Cargo.toml", "dependencies.m001.workspace", "true")),
        relocked(set_in_table("crates/m051/Cargo.toml", "dev-dependencies.m050.path", "\"../m050\"")),
        set("crates/m056/Cargo.toml", "dependencies.m028.optional", "false"),
        members(r#"["crates/*", "apps/*/core"]"#),
        members(r#"["crates/m0[0-4]*", "apps/*/core"]"#),
        // These patterns match the same members.
        members(r#"["crates/*", "apps/*/*", "tools/*", "deep/*/*"]"#),
        members(r#"["deep/er/two", "tools/*", "apps/a*/core", "crates/m*"]"#),
        exclude(r#"["outer"]"#),
        exclude(r#"["crates/excluded"]"#),
        exclude(r#"["crates/excluded", "outer", "crates/m097"]"#),
        silent(set("crates/m000/nested/Cargo.toml", "workspace", "{ }")),
        silent(set("crates/m096/Cargo.toml", "workspace", "{ }")),
        set("crates/m000/nested/Cargo.toml", "package.edition", "\"2018\""),
        set("outer/Cargo.toml", "package.edition", "\"2018\""),
        set("outer/Cargo.toml", "features.default", "[]"),
        set("../beside/Cargo.toml", "package.edition", "\"2018\""),
        set("../further/Cargo.toml", "package.edition", "\"2018\""),
        silent(set("crates/excluded/Cargo.toml", "package.edition", "\"2018\"")),
        map("an excluded manifest broken", "crates/excluded/Cargo.toml", &[], |text| text.replace(']', "")),
        edit("a file in the place of crates/m096", &["crates/m096"], |scratch| {
            scratch.remove("crates/m096");
            scratch.write("crates/m096", "");
        }),
        relocked(edit("a manifest in the place of crates/m097", &["crates/m097"], |scratch| {
            let manifest = scratch.read("crates/m097/Cargo.toml");
            scratch.remove("crates/m097");
            scratch.write("crates/m097", &manifest);
        })),
        invalid(edit("a directory in the place of a manifest", &[], |scratch| {
            scratch.remove("crates/m097/Cargo.toml");
            scratch.directory("crates/m097/Cargo.toml");
        })),
        edit("a directory in the place of a library", &["crates/m094/Cargo.toml"], |scratch| {
            scratch.remove("crates/m094/src/lib.rs");
            scratch.directory("crates/m094/src/lib.rs");
        }),
        edit("a directory in the place of a build script", &["crates/m092/Cargo.toml"], |scratch| {
            scratch.remove("crates/m092/build.rs");
            scratch.directory("crates/m092/build.rs");
        }),
        write("crates/m060/src/bin/more.rs", "fn main() {}\n", &["crates/m060/Cargo.toml", "src/bin/more.rs"]),
        write("crates/m061/build.rs", "fn main() {}\n", &["crates/m061/Cargo.toml", "build.rs"]),
        write("crates/m062/src/unseen.rs", "", &[]),
        write("../beside/build.rs", "fn main() {}\n", &["../beside/Cargo.toml", "build.rs"]),
        write("../beside/tests/it.rs", "", &[]),
        map("a package less in the lock", "Cargo.lock", &["Cargo.lock"], |text| {
            text.replacen("[[package]]\nname = \"m097\"", "[[package]]\nname = \"m098\"", 1)
        }),
    ]
}
