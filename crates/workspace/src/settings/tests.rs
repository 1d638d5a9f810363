use cratewright_sources::path::WsPath;

use super::keys::TABLES;
use super::*;

/// A manifest with a line in a table of settings. Tables of variants are given the name `one`, and features, which a
/// variant must select.
fn manifest(table: &str, line: &str) -> TomlFile {
    let features = if line.starts_with("members = ") { "all-features = true\n" } else { "" };
    let text = format!("[package]\nname = 'app'\n\n[{}]\n{line}\n{features}", table.replace("<name>", "one"));
    TomlFile { file: WsPath::new("app/Cargo.toml").unwrap(), table: toml::from_str(&text).unwrap(), text }
}

fn read(manifest: &TomlFile) -> Result<(), Diagnostic> {
    Settings::parse(manifest)?;
    extra_sources(manifest).map(drop)
}

#[test]
fn each_key_has_an_example_that_can_be_read() {
    for table in TABLES {
        for key in table.keys {
            read(&manifest(table.path, key.example)).unwrap();
            assert!(key.example.starts_with(&format!("{} = ", key.name)), "{key:?}");
        }
    }
}

#[test]
fn a_wrong_value_of_any_key_is_an_error_with_position_and_example() {
    let values = [
        "-1",
        "1.5",
        "'text'",
        "''",
        "true",
        "2020-01-01",
        "[1]",
        "[[]]",
        "['']",
        "[{}]",
        "{ a = {} }",
        "{ a = 'b' }",
        "{ a = ['b/c'] }",
        "{ a = [1] }",
        "['a b']",
        "['/a']",
        "['../..']",
        "[{ host = 'a' }]",
        "[{ host = 'a', target = 1 }]",
    ];
    for table in TABLES {
        for key in table.keys {
            let errors: Vec<_> = values
                .iter()
                .filter_map(|value| {
                    Some((value, read(&manifest(table.path, &format!("{} = {value}", key.name))).err()?))
                })
                .collect();
            assert!(errors.len() > values.len() / 2, "{}: {errors:?}", key.name);
            for (value, error) in errors {
                let told = (error.code, error.file.as_deref(), error.position.map(|position| position.line));
                assert_eq!(told, ("invalid-metadata", Some("app/Cargo.toml"), Some(5)), "{} = {value}", key.name);
                let path = format!("{}.{}", table.path.replace("<name>", "one"), key.name);
                assert!(error.message.contains(&path) && error.help.is_some(), "{} = {value}: {error:?}", key.name);
            }
        }
    }
}

/// Table, line, position, message and help.
#[test]
fn errors_say_what_is_wrong_and_what_to_write() {
    let cases = [
        (
            "workspace.metadata.cratewright",
            "cross = [{ host = 'x86_64-linux', target = 'wasm32-unknown-unknown' }, 'a:b']",
            "5:72",
            "`workspace.metadata.cratewright.cross` has `'a:b'`, which is not a table",
            CROSS.help(),
        ),
        (
            "workspace.metadata",
            "[[workspace.metadata.cratewright.cross]]\nhost = 'x86_64-linux'",
            "5:1",
            "`workspace.metadata.cratewright.cross` has a table, which does not have exactly the keys `host` and `target`",
            CROSS.help(),
        ),
        (
            "workspace.metadata.cratewright",
            "targets = []",
            "5:11",
            "`workspace.metadata.cratewright.targets` has `[]`, which is an empty list",
            TARGETS.help(),
        ),
        (
            "workspace.metadata.cratewright",
            "exclude-sources = ['a', '!b']",
            "5:25",
            "`workspace.metadata.cratewright.exclude-sources` has `'!b'`, which has the character `!`",
            EXCLUDE_SOURCES.help(),
        ),
        (
            "workspace.metadata.cratewright",
            "exclude-sources = ['./a']",
            "5:20",
            "`workspace.metadata.cratewright.exclude-sources` has `'./a'`, which has the part `.` or `..`, so it matches no file",
            EXCLUDE_SOURCES.help(),
        ),
        (
            "workspace.metadata.cratewright.tests",
            "enabled = true",
            "4:1",
            "`workspace.metadata.cratewright.tests` has a table, which is neither `true` nor `false`",
            TESTS.help(),
        ),
        (
            "workspace.metadata.cratewright",
            "tests.enabled = true",
            "5:1",
            "`workspace.metadata.cratewright.tests` has a table, which is neither `true` nor `false`",
            TESTS.help(),
        ),
        (
            "workspace.metadata.cratewright",
            "limit.crates = 3",
            "5:1",
            "`[workspace.metadata.cratewright]` has no key `limit`",
            "did you mean `limits`?".to_owned(),
        ),
        (
            "workspace.metadata.cratewright",
            "variants.one.feature = ['a']",
            "5:14",
            "`[workspace.metadata.cratewright.variants.one]` has no key `feature`",
            "did you mean `features` or `all-features`?".to_owned(),
        ),
        (
            "workspace.metadata.cratewright",
            "variants.one = ['a']",
            "5:16",
            "`workspace.metadata.cratewright.variants.one` has `['a']`, which is not a table",
            "write `[workspace.metadata.cratewright.variants.one]` on a line, and its keys on the lines below".to_owned(),
        ),
        (
            "workspace.metadata.cratewright",
            "extra-sources = ['../sql']",
            "5:1",
            "`[workspace.metadata.cratewright]` has no key `extra-sources`",
            "move it to `[package.metadata.cratewright]`".to_owned(),
        ),
        (
            "package.metadata.cratewright",
            "extra-source = ['../sql']",
            "5:1",
            "`[package.metadata.cratewright]` has no key `extra-source`",
            "did you mean `extra-sources`?".to_owned(),
        ),
        (
            "package.metadata.cratewright",
            "extra-sources = ['../sql', '../..']",
            "5:28",
            "`package.metadata.cratewright.extra-sources` has `'../..'`, which is a directory that contains the workspace",
            "write a list of paths relative to the package, none of them a directory that contains the workspace, such as `extra-sources = [\"../sql\", \"../proto/api.proto\"]`".to_owned(),
        ),
        (
            "package.metadata",
            "cratewright = 1",
            "5:15",
            "`package.metadata.cratewright` has `1`, which is not a table",
            "write `[package.metadata.cratewright]` on a line, and its keys on the lines below".to_owned(),
        ),
    ];
    for (table, line, position, message, help) in cases {
        let text = manifest(table, line);
        let error = read(&text).unwrap_err();
        let told = (error.position.unwrap().to_string(), error.message, error.help.unwrap());
        assert_eq!(told, (position.to_owned(), message.to_owned(), help), "{}", text.text);
    }
}

#[test]
fn tables_that_nothing_reads_are_suspected() {
    let unread = [
        "[workspace.metadata.cratewrite]",
        "[package.metadata.crate-wright]",
        "[package.metadata]\ncratewrght = { a = 1 }",
        "[metadata.cratewright]",
        "  [ workspace.cratewright ]",
        "[package.cratewright.a]",
    ];
    for text in unread {
        assert!(may_have_unread_table(text), "{text}");
    }
    let read = [
        "[package]\nname = \"a\"\n",
        "[workspace.metadata.cratewright]\ntests = true # the right ones",
        " [workspace.metadata.cratewright.variants.right]",
        "[package.metadata.cratewright]",
        "[package]\nmetadata.cratewright.extra-sources = []",
        "[dependencies]\ncratewright = \"1\"\ncrates = \"1\"",
        "[package.metadata.playwright]",
    ];
    for text in read {
        assert!(!may_have_unread_table(text), "{text}");
    }
}
