//! A workspace with packages in directories of other packages, some of them excluded, some of them in other workspaces.

use super::edits::{Edit, edit, elsewhere, invalid, map, relocked, set, silent, write};
use super::workspaces::Make;
use crate::support::git::Scratch;
use crate::support::package;

pub(crate) fn make() -> Make {
    let scratch = Scratch::new();
    let root = "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"crates/*\", \"deep\"]\n\
                exclude = [\"crates/old\", \"app/inner/away\", \"tools\"]\n";
    let app = "[dependencies]\ninner = { path = \"inner\" }\none = { path = \"../crates/one\" }\n\
               away = { path = \"inner/away\" }\ntool = { path = \"../tools/tool\" }\n";
    let inherits = "[package]\nname = \"tool\"\nversion.workspace = true\nedition.workspace = true\n";
    let tools = "[workspace]\nmembers = [\"*\"]\n[workspace.package]\nversion = \"3.1.0\"\nedition = \"2021\"\n";
    for (directory, manifest) in [
        ("app", package("app", app)),
        // A member because of a path dependency.
        ("app/inner", package("inner", "")),
        ("app/inner/away", package("away", "")),
        ("app/other", package("other", "")),
        ("crates/one", package("one", "")),
        ("crates/one/below", package("below", "")),
        ("crates/two", package("two", "[dev-dependencies]\none = { path = \"../one\" }\n")),
        ("crates/old", package("old", "")),
        ("deep", package("deep", "")),
        ("deep/er", package("er", "[workspace]\n")),
        ("tools/tool", inherits.to_owned()),
    ] {
        scratch.write(&format!("tree/{directory}"), &[("Cargo.toml", &manifest), ("src/lib.rs", "")]);
    }
    scratch.write("tree", &[("Cargo.toml", root), ("tools/Cargo.toml", tools), ("app/src/main.rs", "fn main() {}\n")]);
    Make { scratch, tree: "tree", below: "", member: "app/Cargo.toml", edits: edits() }
}

fn edits() -> Vec<Edit> {
    let exclude = |value| relocked(set("Cargo.toml", "workspace.exclude", value));
    let members = |value| relocked(set("Cargo.toml", "workspace.members", value));
    let nest = |file: &'static str| relocked(elsewhere(set(file, "workspace", "{ }")));
    vec![
        exclude(r#"[]"#),
        exclude(r#"["crates/old"]"#),
        exclude(r#"["crates/old", "tools"]"#),
        exclude(r#"["crates/old", "app/inner", "tools"]"#),
        exclude(r#"["crates/old", "app/inner/away", "tools", "crates/two"]"#),
        exclude(r#"["crates/old", "app/inner/away", "tools", "app"]"#),
        exclude(r#"["crates/o*", "app/inner/away", "tools"]"#),
        exclude(r#"["./crates/old/", "app/inner/away/.", "crates/../tools"]"#),
        members(r#"["app", "crates/*", "deep", "app/*"]"#),
        members(r#"["app", "crates/*", "deep", "app/o*"]"#),
        members(r#"["app", "crates/**", "deep"]"#),
        members(r#"["app", "crates/*", "crates/*/b*", "deep"]"#),
        members(r#"["app", "crates/*", "deep/er"]"#),
        members(r#"["app", "crates/*", "deep", "tools"]"#),
        members(r#"["app", "crates/*", "deep", "crates/old"]"#),
        members(r#"["app"]"#),
        members(r#"["*", "crates/*"]"#),
        nest("app/inner/Cargo.toml"),
        nest("app/inner/away/Cargo.toml"),
        nest("app/other/Cargo.toml"),
        nest("crates/one/Cargo.toml"),
        nest("crates/one/below/Cargo.toml"),
        nest("crates/two/Cargo.toml"),
        nest("tools/tool/Cargo.toml"),
        silent(set("app/inner/Cargo.toml", "package.workspace", "\"../..\"")),
        silent(set("app/inner/Cargo.toml", "package.workspace", "\"../../tools\"")),
        set("tools/Cargo.toml", "workspace.package.edition", "\"2018\""),
        relocked(set("tools/Cargo.toml", "workspace.package.version", "\"3.2.0\"")),
        silent(set("tools/Cargo.toml", "workspace.exclude", "[\"tool\"]")),
        set("app/inner/away/Cargo.toml", "package.edition", "\"2018\""),
        silent(set("app/other/Cargo.toml", "package.edition", "\"2018\"")),
        silent(set("crates/old/Cargo.toml", "package.edition", "\"2018\"")),
        silent(set("deep/er/Cargo.toml", "package.edition", "\"2018\"")),
        map("an excluded manifest broken", "crates/old/Cargo.toml", &[], |text| text.replace(']', "")),
        map("a nested manifest broken", "app/other/Cargo.toml", &[], |text| text.replace(']', "")),
        relocked(elsewhere(set("crates/two/Cargo.toml", "dependencies.below.path", "\"../one/below\""))),
        relocked(elsewhere(set("crates/two/Cargo.toml", "dependencies.old.path", "\"../old\""))),
        edit("the nested package moved", &["app/inner"], |scratch| scratch.rename("app/inner", "inner")),
        edit("the nested package removed", &["app/inner"], |scratch| scratch.remove("app/inner")),
        edit("the workspace of another removed", &["tools"], |scratch| scratch.remove("tools/Cargo.toml")),
        invalid(edit("a directory for the workspace of another", &[], |scratch| {
            scratch.remove("tools/Cargo.toml");
            scratch.directory("tools/Cargo.toml");
        })),
        edit("a workspace between", &[], |scratch| scratch.write("crates/Cargo.toml", "[workspace]\n")),
        edit("a file in the place of a nested package", &["app/inner"], |scratch| {
            scratch.remove("app/inner");
            scratch.write("app/inner", "");
        }),
        relocked(edit("a file in the place of a member of a glob", &["crates/two"], |scratch| {
            scratch.remove("crates/two");
            scratch.write("crates/two", "");
        })),
        write("app/inner/tests/it.rs", "", &["app/inner/Cargo.toml", "tests/it.rs"]),
        write("app/inner/away/build.rs", "fn main() {}\n", &["app/inner/away/Cargo.toml", "build.rs"]),
        write("app/other/build.rs", "fn main() {}\n", &[]),
    ]
}
