//! The general edits of manifests.

use toml_edit::Item;

use super::edits::{Edit, append, edit, elsewhere, invalid, map, set, set_in_table, silent, unreadable, write};

/// An edit of a part that a workspace does not have leaves the workspace unchanged.
pub(crate) fn manifests() -> Vec<Edit> {
    [package(), targets(), dependencies(), workspace(), harmless()].into_iter().flatten().collect()
}

fn package() -> Vec<Edit> {
    vec![
        set("{member}", "package.name", "\"other\""),
        set("{member}", "package.version", "\"0.2.0\""),
        set("{member}", "package.edition", "\"2018\""),
        set("{member}", "package.rust-version", "\"1.70\""),
        set("{member}", "package.authors", "[\"A\", \"B\"]"),
        set("{member}", "package.description", "\"What it is: ''${b} 'and' \\\"quoted\\\"\""),
        set("{member}", "package.homepage", "\"https://example.invalid\""),
        set("{member}", "package.license", "\"Apache-2.0\""),
        set("{member}", "package.license-file", "\"LICENSE\""),
        set("{member}", "package.readme", "\"ABOUT.md\""),
        set("{member}", "package.repository", "\"https://example.invalid/repo\""),
        set("{member}", "package.links", "\"thing\""),
        set("{member}", "package.build", "\"src/script.rs\""),
        set("{member}", "package.forced-target", "\"wasm32-unknown-unknown\""),
        set("{member}", "package.metadata.cratewright.extra-sources", "[\"nowhere\"]"),
        unreadable(elsewhere(set("{member}", "package.metadata.cratewright.misspelt", "true"))),
        set("{member}", "package.readme", "\"/no/such/README.md\""),
        set("{member}", "package.build", "\"/no/such/build.rs\""),
        silent(set("{member}", "package.keywords", "[\"one\"]")),
        silent(set("{member}", "package.categories", "[\"encoding\"]")),
        silent(set("{member}", "package.publish", "false")),
        set("{member}", "package.documentation", "\"https://example.invalid/docs\""),
        silent(set("{member}", "package.exclude", "[\"big/*\"]")),
        silent(set("{member}", "package.metadata.other", "{ a = 1 }")),
        silent(set("{member}", "lints.rust.unsafe_code", "\"forbid\"")),
        silent(set("{member}", "badges.maintenance", "{ status = \"none\" }")),
        set("{member}", "features.extra", "[]"),
        set("{member}", "features.default", "[]"),
        silent(set("{member}", "features.broken", "[\"nothing/there\"]")),
        unreadable(append("{member}", "\n[package]\nname = \"again\"\n", &["{member}"])),
        unreadable(map("break the manifest", "{member}", &["{member}"], |text| text.replace("[package]", "[package"))),
    ]
}

fn targets() -> Vec<Edit> {
    vec![
        silent(set("{member}", "package.autobins", "false")),
        silent(set("{member}", "package.autolib", "false")),
        silent(set_in_table("{member}", "lib.name", "\"renamed\"")),
        silent(set_in_table("{member}", "lib.crate-type", "[\"rlib\", \"cdylib\"]")),
        silent(set_in_table("{member}", "lib.test", "false")),
        silent(set_in_table("{member}", "lib.doctest", "false")),
        silent(set_in_table("{member}", "lib.proc-macro", "true")),
        edit("another [[bin]]", &["{member}", "bin.tool"], |scratch| {
            scratch.write("{dir}src/tool.rs", "fn main() {}\n");
            let bin = "\n[[bin]]\nname = \"tool\"\npath = \"src/tool.rs\"\n";
            scratch.write("{member}", &(scratch.read("{member}") + bin));
        }),
        edit("a [[bin]] with required features", &["{member}"], |scratch| {
            scratch.write("{dir}src/bin/gated.rs", "fn main() {}\n");
            let bin = "\n[[bin]]\nname = \"gated\"\nrequired-features = [\"on\"]\n";
            scratch.write("{member}", &(scratch.read("{member}") + bin));
            scratch.edit("{member}", |document| {
                document["features"]["on"] = toml_edit::value(toml_edit::Array::new());
            });
        }),
        append("{member}", "\n[[bin]]\nname = \"absent\"\n", &[]),
        edit("a [[bin]] with an absolute path", &["{member}", "bin.far"], |scratch| {
            let path = scratch.path("{dir}src/far.rs");
            scratch.write("{dir}src/far.rs", "fn main() {}\n");
            let bin = format!("\n[[bin]]\nname = \"far\"\npath = \"{}\"\n", path.display());
            scratch.write("{member}", &(scratch.read("{member}") + &bin));
        }),
        append("{member}", "\n[[test]]\nname = \"absent\"\n", &[]),
    ]
}

fn dependencies() -> Vec<Edit> {
    vec![
        silent(set("{member}", "dependencies.libc", "\"0.2\"")),
        silent(set("{member}", "dependencies.cfg-if.version", "\"1.0\"")),
        silent(set("{member}", "dependencies.serde.features", "[\"derive\", \"rc\"]")),
        silent(set("{member}", "dependencies.serde.version", "\"99\"")),
        silent(set("{member}", "dependencies.anyhow.optional", "true")),
        silent(set("{member}", "dependencies.libc.default-features", "true")),
        silent(set("{member}", "dependencies.lean.features", "[\"heavy\"]")),
        silent(set("{member}", "dependencies.absent", "\"1\"")),
        silent(set("{member}", "dev-dependencies.cfg-if", "\"1\"")),
        silent(set("{member}", "build-dependencies.cfg-if", "\"1\"")),
        silent(set("{member}", "target.'cfg(target_os = \"linux\")'.dependencies.libc", "\"0.2\"")),
        edit("rename a dependency", &["Cargo.toml", "dependencies"], |scratch| {
            scratch.edit("{member}", |document| {
                if let Some(table) = document.get_mut("dependencies").and_then(Item::as_table_mut)
                    && table.remove("cfg-if").is_some()
                {
                    table["chosen"] = toml_edit::value(toml_edit::InlineTable::from_iter([
                        ("package", toml_edit::Value::from("cfg-if")),
                        ("version", toml_edit::Value::from("1")),
                    ]));
                }
            });
        }),
        edit("no dependencies", &["{member}"], |scratch| {
            scratch.edit("{member}", |document| {
                document.remove("dependencies");
            });
        }),
        edit("a path dependency", &["dependencies.fresh"], |scratch| {
            scratch.write("fresh/Cargo.toml", "[package]\nname = \"fresh\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
            scratch.write("fresh/src/lib.rs", "");
            scratch.edit("Cargo.toml", |document| {
                if document.contains_key("package") {
                    document["dependencies"]["fresh"]["path"] = toml_edit::value("fresh");
                }
            });
        }),
        silent(set("Cargo.toml", "dependencies.missing.path", "\"missing\"")),
        silent(set("Cargo.toml", "patch.crates-io.libc.path", "\"libc\"")),
        silent(set("Cargo.toml", "replace.'libc:0.2.0'", "{ path = \"libc\" }")),
    ]
}

fn workspace() -> Vec<Edit> {
    vec![
        set("Cargo.toml", "workspace.resolver", "\"1\""),
        silent(set("Cargo.toml", "workspace.resolver", "\"9\"")),
        silent(set("Cargo.toml", "workspace.package.version", "\"3.0.0\"")),
        silent(set("Cargo.toml", "workspace.package.description", "\"another\"")),
        silent(set("Cargo.toml", "workspace.package.documentation", "\"https://example.invalid/docs\"")),
        elsewhere(set("Cargo.toml", "workspace.dependencies.leaf.features", "[]")),
        silent(set("Cargo.toml", "workspace.dependencies.unused", "\"1\"")),
        silent(set("Cargo.toml", "workspace.lints.rust.unsafe_code", "\"forbid\"")),
        silent(set("Cargo.toml", "workspace.metadata.other", "1")),
        set("Cargo.toml", "workspace.metadata.cratewright.targets", "[\"x86_64-linux\"]"),
        set("Cargo.toml", "workspace.metadata.cratewright.feature-unification", "\"workspace\""),
        set("Cargo.toml", "workspace.metadata.cratewright.variants", "{ plain = { no-default-features = true } }"),
        unreadable(elsewhere(set("Cargo.toml", "workspace.metadata.cratewright.misspelt", "true"))),
        elsewhere(set("Cargo.toml", "workspace.exclude", "[\"lean\", \"automatic\", \"vendor/outside\"]")),
        elsewhere(set("Cargo.toml", "workspace.exclude", "[\"app/../lean\", \"./vendor/outside/\", \"/bonus\"]")),
        elsewhere(set("Cargo.toml", "workspace.members", "[\"app\", \"crates/*\"]")),
        elsewhere(set("Cargo.toml", "workspace.members", "[\"no/such\"]")),
        silent(set("Cargo.toml", "workspace.default-members", "[\".\"]")),
        set("Cargo.toml", "profile.release.lto", "true"),
        set("Cargo.toml", "profile.dist", "{ inherits = \"release\", package = { '*' = { opt-level = 1 } } }"),
        set(".cargo/config.toml", "profile.release.panic", "\"abort\""),
        set(".cargo/config.toml", "target.'cfg(unix)'.rustflags", "[\"--cfg=b\"]"),
        set(".cargo/config.toml", "target.x86_64-unknown-linux-gnu.linker", "\"clang\""),
        silent(set(".cargo/config.toml", "target.x86_64-unknown-linux-gnu.runner", "\"run\"")),
        silent(set("Cargo.toml", "profile.lost.inherits", "\"nowhere\"")),
        silent(set(".cargo/config.toml", "build.target-dir", "\"out\"")),
        set(".cargo/config.toml", "include", "\"/no/such.toml\""),
        set(".cargo/config.toml", "env.A", "\"b\""),
        set(".cargo/config.toml", "build.rustflags", "[\"--cfg=a\"]"),
        silent(set("{member}", "lints.rust.unused", "\"deny\"")),
        silent(set_in_table("{member}", "lib.doctest", "false")),
        silent(set(".cargo/config.toml", "patch.crates-io.libc.path", "\"libc\"")),
        set(".cargo/config.toml", "registries.private.index", "\"sparse+https://registry.example.org/index/\""),
        silent(set(".cargo/config.toml", "registries.private.token", "\"secret\"")),
        edit("a source that nothing is taken from", &["source.mirror"], |scratch| {
            scratch.write(
                ".cargo/config.toml",
                "[source.mirror]\nregistry = \"sparse+https://registry.example.org/index/\"\n",
            );
        }),
        edit("a directory that nothing is taken from", &["source.here"], |scratch| {
            scratch.write("third-party/one/README.md", "");
            scratch.write(".cargo/config.toml", "[source.here]\ndirectory = \"third-party\"\n");
        }),
        set("Cargo.toml", "workspace.metadata.cratewright.exclude-sources", "[\"*.md\", \"docs/\"]"),
        unreadable(elsewhere(set("Cargo.toml", "workspace.metadata.cratewright.exclude-sources", "[\"!kept\"]"))),
        elsewhere(set("{member}", "dependencies.away.path", "\"/no/such/directory\"")),
        unreadable(write(".cargo/config.toml", "[env\n", &[".cargo/config.toml"])),
        edit("a package patched in by the configuration", &[".cargo/config"], |scratch| {
            scratch.write("libc/Cargo.toml", "[package]\nname = \"libc\"\nversion = \"0.2.180\"\nedition = \"2021\"\n");
            scratch.write("libc/src/lib.rs", "");
            scratch.write(".cargo/config", "[patch.crates-io]\nlibc = { path = \"libc\" }\n");
            scratch.write(".cargo/config.toml", "");
        }),
        edit("a configuration that includes another", &["include"], |scratch| {
            scratch.write(".cargo/more.toml", "[patch.crates-io]\nlibc = { path = \"nowhere\" }\n");
            scratch.write(".cargo/config.toml", "include = [\"more.toml\"]\n");
        }),
        unreadable(elsewhere(set("Cargo.toml", "workspace.members", "3"))),
        invalid(elsewhere(set("Cargo.toml", "workspace.members", "[\"app\", 3]"))),
        elsewhere(set("Cargo.toml", "workspace.members", "[\"/app\"]")),
        elsewhere(set("Cargo.toml", "workspace.members", "[\"b**\"]")),
        silent(set(
            "Cargo.toml",
            "workspace.members",
            "[\"*/er/nested\", \"crates/*\", \"app\", \"l*\", \"plain\", \"bonus\"]",
        )),
        edit("a member that is a workspace", &[], |scratch| {
            let text = scratch.read("{member}") + "\n[workspace]\n";
            if !scratch.read("{member}").contains("[workspace]") {
                scratch.write("{member}", &text);
            }
        }),
        invalid(edit("a member behind a link", &[], |scratch| {
            for directory in ["leaf", "automatic"] {
                if scratch.path(directory).is_dir() && !scratch.path("elsewhere").exists() {
                    scratch.rename(directory, "elsewhere");
                    scratch.link("elsewhere", directory);
                }
            }
        })),
    ]
}

fn harmless() -> Vec<Edit> {
    vec![
        map("comments", "{member}", &[], |text| text.replace("[package]", "# what it is\n[package] # here")),
        map("CR LF in a manifest", "{member}", &[], |text| text.replace('\n', "\r\n")),
        map("white space", "{member}", &[], |text| text.replace(" = ", "   =  ") + "\n\n"),
        map("CR LF in the lock", "Cargo.lock", &[], |text| text.replace('\n', "\r\n")),
        map("literal strings", "{member}", &[], |text| text.replace("\"0.1.0\"", "'0.1.0'")),
        edit("keys in another order", &[], |scratch| {
            for file in ["Cargo.toml", "{member}"] {
                scratch.edit(file, |document| {
                    document.iter_mut().filter_map(|(_, item)| item.as_table_mut()).for_each(|table| {
                        table.sort_values_by(|a, _, b, _| b.get().cmp(a.get()));
                    });
                });
            }
        }),
        edit("tables for inline tables", &[], |scratch| {
            scratch.edit("{member}", |document| {
                let Some(table) = document.get_mut("dependencies").and_then(Item::as_table_mut) else { return };
                for (_, item) in table.iter_mut() {
                    if let Item::Value(toml_edit::Value::String(version)) = &*item {
                        let inline = toml_edit::InlineTable::from_iter([("version", version.value().as_str())]);
                        *item = toml_edit::value(inline);
                    } else if let Ok(table) = item.clone().into_table() {
                        *item = Item::Table(table);
                    }
                }
            });
        }),
        map("features in another order", "{member}", &[], |text| {
            text.replace("features = [\"derive\"]", "features = [\"derive\", \"derive\"]")
        }),
    ]
}
