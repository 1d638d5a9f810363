use std::collections::BTreeMap;

use super::*;

/// A workspace with the package `crates/app`, some files that it may read, and `files`.
pub(super) fn workspace(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    let there = [
        "migrations/one.sql",
        "migrations/two.sql",
        "proto/x.proto",
        "static/index.html",
        "README.md",
        ".git/HEAD",
        "crates/app/README.md",
        "crates/other/data.json",
        "../above/schema.graphql",
    ];
    let there = there.map(|path| (path.to_owned(), String::new()));
    there.into_iter().chain(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))).collect()
}

pub(super) fn package() -> PackageFiles {
    let (directory, build_script) = (path("crates/app"), Some(path("crates/app/build.rs")));
    PackageFiles { directory, build_script, ..PackageFiles::default() }
}

fn path(text: &str) -> WsPath {
    WsPath::ROOT.child(text)
}

#[track_caller]
fn check_files(files: &[(&str, &str)], package: &PackageFiles, expected: &[&str], unresolved: &[&str]) {
    let found = reads(&workspace(files), package);
    assert_eq!(found.paths.iter().map(WsPath::as_str).collect::<Vec<_>>(), expected);
    let said: Vec<String> = found
        .unresolved
        .iter()
        .map(|unresolved| format!("{}:{}: {}", unresolved.file, unresolved.line, unresolved.what))
        .collect();
    assert_eq!(said, unresolved);
}

/// Checks the reads of one source file of the library.
#[track_caller]
fn check(source: &str, expected: &[&str]) {
    check_files(&[("crates/app/src/a/b.rs", source)], &package(), expected, &[]);
}

#[track_caller]
pub(super) fn check_unresolved(source: &str, unresolved: &str) {
    check_files(&[("crates/app/src/a/b.rs", source)], &package(), &[], &[unresolved]);
}

#[track_caller]
fn check_script(source: &str, expected: &[&str]) {
    check_files(&[("crates/app/build.rs", source)], &package(), expected, &[]);
}

#[test]
fn included_files() {
    check(r#"const A: &str = include_str!("../../../../migrations/one.sql");"#, &["migrations/one.sql"]);
    check(r##"const A: &[u8] = include_bytes!(r"../../../../README.md",);"##, &["README.md"]);
    check(r#"fn f() { let x = vec![g(include_str!("../../../other/data.json"))]; }"#, &["crates/other/data.json"]);
    check(r#"#![doc = include_str!("../../../../README.md")]"#, &["README.md"]);
    check(r#"#[cfg_attr(feature = "x", doc = include_str!("../../../../README.md"))] fn f() {}"#, &["README.md"]);
    check(r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/", "x.proto"));"#, &["proto/x.proto"]);
    check(r#"include_str!(concat!("../../../../", "README", ".md"))"#, &["README.md"]);
    check(r#"include_str!("../../../../../above/schema.graphql")"#, &["../above/schema.graphql"]);
    check("#!/usr/bin/env run\nfn f() { include_str!(\"../../../../README.md\"); }", &["README.md"]);
    check("\u{feff}const A: &str = include_str!(\"../../../../README.md\");", &["README.md"]);
}

#[test]
fn files_of_the_package_and_generated_files_are_not_outside() {
    check(r#"include_str!("../../README.md"); include_str!("c.txt"); include!("../a.rs");"#, &[]);
    check(r#"include!(concat!(env!("OUT_DIR"), "/../x.rs"));"#, &[]);
    check(r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../app/README.md"));"#, &[]);
}

#[test]
fn ordinary_strings_are_not_paths() {
    check(
        r#"/// `include_str!("../../../../README.md")`
        fn f() { println!("../../../README.md"); g("../../../README.md"); assert_eq!(a, "../../README.md"); }"#,
        &[],
    );
    check(
        r#"// include_str!("../../../../README.md")
        fn f() { let x = 0..1; let s = "include_str!(\"../../../../README.md\")"; }"#,
        &[],
    );
    check(r#"other!("../.."); other!("../"); other!("../no/such"); #[a(b = "..")] struct A;"#, &[]);
}

#[test]
fn tests_are_not_built() {
    check(
        r#"#[cfg(test)] mod tests { const A: &str = include_str!("../../../../README.md"); }
        #[cfg(test)] const A: &str = include_str!("../../../../README.md");
        #[cfg(all(test, unix))] #[path = "../../../../README.md"] mod x;
        #[cfg_attr(test, doc = include_str!("../../../../README.md"))]
        enum E { #[cfg(test)] A(B), B }
        const B: &str = include_str!("../../../../proto/x.proto");"#,
        &["proto/x.proto"],
    );
    check("#![cfg(test)]\nconst A: &str = include_str!(\"../../../../README.md\");", &[]);
    check(r#"#[cfg(not(test))] const A: &str = include_str!("../../../../README.md");"#, &["README.md"]);
    let source = r#"const A: &str = include_str!("../../../README.md");"#;
    for directory in ["tests", "examples", "benches"] {
        check_files(&[(&format!("crates/app/{directory}/a.rs"), source)], &package(), &[], &[]);
    }
    check_files(
        &[("crates/app/src/tests/a.rs", source), ("README.md", "")],
        &package(),
        &["crates/README.md"][..0],
        &["crates/app/src/tests/a.rs:1: `crates/README.md` does not exist"],
    );
}

#[test]
fn modules_for_tests_are_not_built() {
    let source = "const A: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../../README.md\"));";
    let check = |declaration: &str, expected: &[&str]| {
        let files = [
            ("crates/app/src/lib.rs", "mod a;"),
            ("crates/app/src/a.rs", declaration),
            ("crates/app/src/a/tests/mod.rs", "mod deeper;"),
            ("crates/app/src/a/tests/deeper.rs", source),
        ];
        check_files(&files, &package(), expected, &[]);
    };
    check("#[cfg(test)]\nmod tests;", &[]);
    check("use x; #[cfg(all(test, unix))] #[allow(x)] pub(crate) mod tests;", &[]);
    check("#[cfg(test)] use x; mod tests;", &["README.md"]);
    check("#[cfg(unix)] mod tests;", &["README.md"]);
    check("", &["README.md"]);
}

#[test]
fn arguments_of_embedding_macros_and_attributes_are_read() {
    check(r#"static M: Migrator = sqlx::migrate!("../../migrations");"#, &["migrations"]);
    check(r#"static D: Dir = include_dir!("$CARGO_MANIFEST_DIR/../../static");"#, &["static"]);
    check(r#"#[derive(RustEmbed)] #[folder = "../../static"] struct Assets;"#, &["static"]);
    check(r#"#[derive(RustEmbed)] #[folder = "$CARGO_MANIFEST_DIR/../../static/"] struct Assets;"#, &["static"]);
    check(r#"#[graphql(schema_path = "../../../above/schema.graphql")] struct Q;"#, &["../above/schema.graphql"]);
    check(r#"wit_bindgen::generate!({ path: "../../proto" });"#, &["proto"]);
    check(r#"#[grammar = "../../../proto/x.proto"] struct P;"#, &["proto/x.proto"]);
    // A path below another one is read with it.
    check(r#"m!("../../static"); include_str!("../../../../static/index.html");"#, &["static"]);
}

#[test]
fn modules_outside_of_the_package_are_followed() {
    let files = [
        (
            "crates/app/src/lib.rs",
            "#[path = \"../../../shared/one.rs\"]\npub mod one;\nmod inline { #[path = \"../../../../shared/two.rs\"] mod two; }",
        ),
        ("shared/one.rs", "mod deep; mod inner { mod nested; }\ninclude!(\"../included/x.rs\");"),
        ("shared/deep.rs", "mod deeper;"),
        ("shared/deep/deeper/mod.rs", "const A: &str = include_str!(\"../../../README.md\");"),
        ("shared/inner/nested.rs", ""),
        ("shared/two.rs", "#[cfg(test)] mod tests;"),
        ("shared/tests.rs", ""),
        ("included/x.rs", "const B: &str = include_str!(\"y.txt\");"),
        ("included/y.txt", ""),
    ];
    let expected = [
        "README.md",
        "included/x.rs",
        "included/y.txt",
        "shared/deep.rs",
        "shared/deep/deeper/mod.rs",
        "shared/inner/nested.rs",
        "shared/one.rs",
        "shared/two.rs",
    ];
    check_files(&files, &package(), &expected, &[]);
    // A library whose path in the manifest is outside of the package.
    let roots = vec![path("shared/one.rs")];
    check_files(
        &files[1..5],
        &PackageFiles { roots, ..package() },
        &expected[3..7]
            .iter()
            .filter(|path| !path.contains("two"))
            .copied()
            .chain(["README.md"])
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect::<Vec<_>>(),
        &["shared/one.rs:2: `included/x.rs` does not exist"],
    );
}

#[test]
fn files_of_packages_below_are_outside() {
    let package = PackageFiles { apart: ["Cargo.lock", "crates/other"].map(path).to_vec(), ..PackageFiles::default() };
    let source = "const A: &str = include_str!(\"../crates/other/data.json\");\n\
                  const B: &str = include_str!(\"../README.md\");\n\
                  const C: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/Cargo.lock\"));\n";
    check_files(
        &[("src/lib.rs", source), ("Cargo.lock", "")],
        &package,
        &["Cargo.lock", "crates/other/data.json"],
        &[],
    );
    let embeds = "#[folder = \"crates/other/\"] struct A;";
    check_files(&[("src/lib.rs", embeds)], &package, &["crates/other"], &[]);
}

#[test]
fn paths_in_build_scripts_are_read() {
    check_script(r#"fn main() { println!("cargo:rerun-if-changed=../../proto/x.proto"); }"#, &["proto/x.proto"]);
    check_script(r#"fn main() { println!("cargo::rerun-if-changed=../../proto/{}", name); }"#, &["proto"]);
    check_script(r#"fn main() { compile_protos(&["../../proto/x.proto"], &["../../proto"]).unwrap(); }"#, &["proto"]);
    check_script(
        r#"fn main() { let p = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join("proto"); compile(&p); }"#,
        &["proto"],
    );
    check_script(
        r#"const ROOT: &str = "../..";
        fn main() -> R { let dir = std::env::var("CARGO_MANIFEST_DIR")?; let proto = format!("{dir}/../../proto"); run(&proto);
        run(PathBuf::from(ROOT).join("static")); Ok(()) }"#,
        &["proto", "static"],
    );
    check_script(
        r#"fn main() { let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).parent().unwrap().parent().unwrap().to_path_buf();
        fs::read_to_string(root.join("migrations").join("one.sql")).unwrap();
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().join("README.md")); }"#,
        &["README.md", "migrations/one.sql"],
    );
    check_script(r#"fn main() { let out = PathBuf::from(env::var("OUT_DIR").unwrap()).join("../../../x"); }"#, &[]);
    check_script(r#"fn main() { let head = Path::new("../../.git/HEAD"); fs::read(head).unwrap(); }"#, &[]);
    check_script(r#"const A: &str = include_str!("../../README.md"); fn main() {}"#, &["README.md"]);
    check_script(r#"mod helper; fn main() {}"#, &[]);
    check_files(
        &[
            ("crates/app/build.rs", "mod helper; fn main() {}"),
            ("crates/app/helper.rs", "fn f() { g(\"../../proto\") }"),
        ],
        &package(),
        &["proto"],
        &[],
    );
}

#[test]
fn readme_is_read_if_its_variable_is_used() {
    let documents = vec![("CARGO_PKG_README", path("README.md"))];
    let package = PackageFiles { documents, ..package() };
    check_files(&[("crates/app/src/lib.rs", "")], &package, &[], &[]);
    check_files(
        &[("crates/app/src/lib.rs", "const A: &str = env!(\"CARGO_PKG_README\");")],
        &package,
        &["README.md"],
        &[],
    );
    check_files(
        &[("crates/app/build.rs", "fn main() { env::var(\"CARGO_PKG_README\"); }")],
        &package,
        &["README.md"],
        &[],
    );
}

#[test]
fn unknown_paths_are_reported() {
    check_unresolved(
        "\n\ninclude_str!(concat!(\"../../../../\", env!(\"WHICH\")));",
        "crates/app/src/a/b.rs:3: `include_str!(concat!(\"../../../../\", env!(\"WHICH\")))`: the path is not known",
    );
    check_unresolved(
        "macro_rules! sql { ($a:expr) => { include_str!(concat!(\"../../../../sql/\", $a)) } }",
        "crates/app/src/a/b.rs:1: `include_str!(concat!(\"../../../../sql/\", $a))`: the path is not known",
    );
    check_unresolved("include_str!(\"../../../../no/such\");", "crates/app/src/a/b.rs:1: `no/such` does not exist");
    check_unresolved("#[path = \"../../../../no.rs\"]\nmod no;", "crates/app/src/a/b.rs:2: `no.rs` does not exist");
    check_unresolved(
        "include_str!(concat!(env!(\"CARGO_WORKSPACE_DIR\"), \"/x\"))",
        "crates/app/src/a/b.rs:1: the path in CARGO_WORKSPACE_DIR is not known",
    );
    check_files(
        &[("crates/app/build.rs", "fn main() { let a = env::var(\"CARGO_WORKSPACE_DIR\").unwrap(); }")],
        &package(),
        &[],
        &["crates/app/build.rs:1: the path in CARGO_WORKSPACE_DIR is not known"],
    );
    let script = "fn main() {\n    let root = Path::new(\"../..\");\n    walk(root);\n}";
    check_files(
        &[("crates/app/build.rs", script)],
        &package(),
        &[],
        &["crates/app/build.rs:3: the files read in `../..` are not known"],
    );
}

#[test]
fn paths_are_evaluated_in_build_scripts() {
    check_script(
        r#"fn main() { f(env::var("CARGO_MANIFEST_DIR").unwrap() + "/../../proto/x.proto"); }"#,
        &["proto/x.proto"],
    );
    check_script(
        r#"fn main() { let dir = env::var("CARGO_MANIFEST_DIR").unwrap(); for n in ["x"] { f(format!("{dir}/../../proto/{n}.proto")); } }"#,
        &["proto"],
    );
    check_script(
        r#"fn main() { let dir = env::var("CARGO_MANIFEST_DIR").unwrap(); let dir = Path::new(&dir); let root = dir.parent().unwrap(); f(root.join("other/data.json")); }"#,
        &["crates/other/data.json"],
    );
    check_script(
        r#"fn a() { let root = Path::new("../.."); f(root.join("proto")); } fn main() { let root = Path::new("../.."); f(root.join("static")); }"#,
        &["proto", "static"],
    );
    check_script(
        r#"fn main() { let d = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap(); f(d.parent().unwrap().join("other")); }"#,
        &["crates/other"],
    );
    check_script(
        r#"fn main() { f(Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("other")); }"#,
        &["crates/other"],
    );
    check_script(r#"fn main() { glob("../../proto/*.proto"); }"#, &["proto"]);
    check_script(
        r#"fn main() { cc.flag("-I../../proto"); cc.arg("--proto_path=../../static"); }"#,
        &["proto", "static"],
    );
    check_script(
        r#"fn main() { println!("cargo::rerun-if-changed={}/../../proto/x.proto", env!("CARGO_MANIFEST_DIR")); }"#,
        &["proto/x.proto"],
    );
    check_script(
        r#"fn main() { let out = PathBuf::from(env::var("OUT_DIR").unwrap()); f(out.join("../../..")); f(out.parent().unwrap().join("../proto")); }"#,
        &[],
    );
    check_script(
        r#"fn main() { if x.contains("..") || x.starts_with("../../proto") || x == "../.." { f(x.replace("../", "")); } }"#,
        &[],
    );
    check_script(
        r#"fn main() { let git = Path::new("../..").join(".git"); f(git.join("HEAD")); f("../../.git/.."); }"#,
        &[],
    );
    let files = [
        ("crates/app/build.rs", "include!(\"build/common.rs\"); #[path = \"build/paths.rs\"] mod paths; fn main() {}"),
        ("crates/app/build/common.rs", "fn a() { f(\"../../proto/x.proto\") }"),
        ("crates/app/build/paths.rs", "fn b() { f(Path::new(\"../..\").join(\"static\")) }"),
    ];
    check_files(&files, &package(), &["proto/x.proto", "static"], &[]);
    let unresolved = |script: &str, unresolved: &str| {
        check_files(&[("crates/app/build.rs", script)], &package(), &[], &[unresolved])
    };
    check_script(
        r#"fn main() { let mut p = PathBuf::from(env!("CARGO_MANIFEST_DIR")); p.pop(); p.pop(); p.push("proto"); f(&p); }"#,
        &["proto"],
    );
    unresolved(
        "fn main() { let mut p = PathBuf::from(\"..\"); p.push(name()); f(p); }",
        "crates/app/build.rs:1: the files read in `..` are not known",
    );
    check_script(
        r#"fn main() { let p = Path::new(env!("CARGO_MANIFEST_DIR")); let p = p.parent().unwrap(); f(p.join("other/data.json")); }"#,
        &["crates/other/data.json"],
    );
    check_script(
        r#"fn a() { let dir = Path::new("../.."); f(dir.join("proto")); } fn b() { let dir = PathBuf::from(env::var("OUT_DIR").unwrap()); f(dir.join("..")); }"#,
        &["proto"],
    );
    check_script(
        r#"fn main() { assert!(Command::new("cat").arg("../../proto/x.proto").status().unwrap().success()); assert_eq!(a, "../../static"); }"#,
        &["proto/x.proto"],
    );
    let files = [
        ("crates/app/build.rs", "mod build { pub mod h; } fn main() {}"),
        ("crates/app/build/h.rs", "fn f() { g(\"../../proto\") }"),
    ];
    check_files(&files, &package(), &["proto"], &[]);
    unresolved(
        "fn main() { let p = Path::new(env!(\"CARGO_MANIFEST_DIR\")).ancestors().find(|p| p.join(\"x\").exists()); }",
        "crates/app/build.rs:1: the files read in `..` are not known",
    );
    // Evaluation that grows exponentially is cut off.
    let script: String =
        (1..40).map(|n| format!("let a{n} = format!(\"{{a{0}}}{{a{0}}}{{a{0}}}{{a{0}}}\");", n - 1)).collect();
    check_script(&format!("fn main() {{ let a0 = \"../../proto\"; {script} }}"), &["proto"]);
}

#[test]
fn cfg_attributes_apply_in_any_order() {
    check(r#"#[doc = include_str!("../../../../README.md")] #[cfg(doctest)] struct D;"#, &[]);
    check(r#"#[cfg(any(test, doctest))] #[doc = include_str!("../../../../README.md")] struct D;"#, &[]);
    check(r#"#[cfg_attr(doctest, doc = include_str!("../../../../README.md"))] struct D;"#, &[]);
    check(
        r#"#[test] fn t() { include_str!("../../../../README.md"); } #[tokio::test(flavor = "x")] async fn u() { include_str!("../../../../README.md"); }"#,
        &[],
    );
    check(r#"#[pm::embed("../../static")] struct A;"#, &["static"]);
    check(r#"#[arg(default_value = "../../static")] struct A;"#, &[]);
    check(r#"#[folder = "../../target"] struct A;"#, &[]);
    check(
        r#"#[cfg_attr(unix, path = "../../../../proto/x.proto")] #[cfg_attr(windows, path = "../../../../README.md")] mod imp;"#,
        &["README.md", "proto/x.proto"],
    );
}

#[test]
fn test_modules_with_unusual_files_are_not_built() {
    let source = "const A: &str = include_str!(\"../../../README.md\");";
    let check = |lib: &str, file: &str, expected: &[&str]| {
        check_files(&[("crates/app/src/lib.rs", lib), (file, source)], &package(), expected, &[]);
    };
    check("#[cfg(test)] #[path = \"foo_tests.rs\"] mod tests;", "crates/app/src/foo_tests.rs", &[]);
    check("#[cfg(test)] mod r#type;", "crates/app/src/type.rs", &[]);
    check(
        "#[cfg(test)] #[path = \"mock.rs\"] mod clock; #[cfg(not(test))] mod clock;",
        "crates/app/src/clock.rs",
        &["README.md"],
    );
    let deeper = "const A: &str = include_str!(\"../../../../README.md\");";
    let files =
        [("crates/app/src/lib.rs", "mod server { #[cfg(test)] mod test; }"), ("crates/app/src/server/test.rs", deeper)];
    check_files(&files, &package(), &[], &[]);
    // Comments are not declarations.
    let files = [("crates/app/src/lib.rs", source), ("crates/app/src/main.rs", "// mod lib;")];
    check_files(&files, &package(), &["README.md"], &[]);
}

#[test]
fn known_part_of_a_path_is_read() {
    check(r#"macro_rules! a { ($x:literal) => { include_str!(concat!("../templates/", $x)) } }"#, &[]);
    check(r#"macro_rules! a { ($x:literal) => { include_str!(concat!("../../../../proto/", $x)) } }"#, &["proto"]);
    check(r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/..", "/..", "/README.md"));"#, &["README.md"]);
    check(r#"#[path = "../../../../modules"] mod inline { mod inner; }"#, &[]);
    let files = [
        ("crates/app/src/lib.rs", "#[path = \"../../../modules\"] mod inline { pub mod inner; }"),
        ("modules/inner.rs", ""),
    ];
    check_files(&files, &package(), &["modules/inner.rs"], &[]);
    // The macro may use either base directory.
    let files =
        [("crates/app/src/lib.rs", "inc!(\"../../texts/a.txt\");"), ("texts/a.txt", ""), ("crates/texts/a.txt", "")];
    check_files(&files, &package(), &["crates/texts/a.txt", "texts/a.txt"], &[]);
}

#[test]
fn long_sources_are_scanned_and_deep_ones_reported() {
    let long = format!("// {}\nconst A: &str = \"{}\";", "../".repeat(100_000), "../".repeat(100_000));
    check(&long, &[]);
    let many = format!(
        "const A: &[&str] = &[{}]; const B: &str = include_str!(\"../../../../README.md\");",
        "\"(\",".repeat(2000)
    );
    check(&many, &["README.md"]);
    let deep = format!("const A: u8 = {}1{}; // \nconst B: &str = \"../\";", "(".repeat(100_000), ")".repeat(100_000));
    check_unresolved(&deep, "crates/app/src/a/b.rs:1: its brackets are nested too deeply to be scanned");
    let deep = format!("fn main() {{ let _ = {}1{}; }}", "(".repeat(100_000), ")".repeat(100_000));
    let unresolved = "crates/app/build.rs:1: its brackets are nested too deeply to be scanned";
    check_files(&[("crates/app/build.rs", &deep)], &package(), &[], &[unresolved]);
}

#[test]
fn includes_in_files_of_other_languages_are_read() {
    let files = [
        ("crates/app/build.rs", "fn main() { f(\"../../idl/a.proto\"); f(\"../../c/a.c\"); }"),
        ("idl/a.proto", "syntax = \"proto3\";\nimport public \"b.proto\";\nimport \"google/protobuf/any.proto\";"),
        ("idl/b.proto", "import \"a.proto\";"),
        ("idl/c.proto", ""),
        ("c/a.c", "#include <stdio.h>\n # include \"../include/a.h\""),
        ("include/a.h", ""),
    ];
    check_files(&files, &package(), &["c/a.c", "idl/a.proto", "idl/b.proto", "include/a.h"], &[]);
}

#[test]
fn root_files_of_all_targets_declare_modules() {
    let files = [
        ("crates/app/src/lib.rs", "#[cfg(test)] mod helpers;"),
        ("crates/app/src/tool.rs", "mod helpers;"),
        ("crates/app/src/helpers.rs", "const A: &str = include_str!(\"../../../README.md\");"),
    ];
    check_files(&files, &package(), &[], &[]);
    let roots = ["crates/app/src/lib.rs", "crates/app/src/tool.rs"].map(path).to_vec();
    let package = PackageFiles { roots, ..package() };
    check_files(&files, &package, &["README.md"], &[]);
    let source = "mod one; const A: &str = include_str!(\"../../../README.md\");";
    let roots = ["crates/app/src/one.rs", "crates/app/src/two.rs"].map(path).to_vec();
    let in_circle = [("crates/app/src/one.rs", "mod two;"), ("crates/app/src/two.rs", source)];
    check_files(&in_circle, &PackageFiles { roots, ..package }, &["README.md"], &[]);
}

#[test]
fn included_code_outside_of_src_is_scanned() {
    let files = [
        ("crates/app/src/lib.rs", "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/gen/code.rs\"));"),
        ("crates/app/gen/code.rs", "const A: &str = include_str!(\"../../../README.md\");"),
    ];
    check_files(&files, &package(), &["README.md"], &[]);
}
