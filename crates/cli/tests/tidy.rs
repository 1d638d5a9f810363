//! Rules of the repository that no other tool checks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cratewright_staleness::GENERATED;
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

use crate::support::{self, files, tracked};

/// `repository` in Cargo.toml is where this project is; addresses of flakes, links and metadata agree with it. The path
/// of a clone is wrong, because nobody else has that clone.
#[test]
fn addresses_agree_with_the_manifest() {
    let root = support::repository();
    let ours = support::address().replace("github:", "");
    let clones = ["path/to", ".."].map(|place| format!("{place}/cratewright"));
    let (mut found, mut wrong) = (0, Vec::new());
    for path in tracked() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        for (_, rest) in ["github:", "github.com/"].iter().flat_map(|host| after(&text, host)) {
            let address: Vec<&str> = rest.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).take(2).collect();
            if address.last() == Some(&"cratewright") {
                found += 1;
                wrong.extend((address.join("/") != ours).then(|| format!("{name}: {}", address.join("/"))));
            }
        }
        for (clone, rest) in clones.iter().flat_map(|clone| after(&text, clone)) {
            // Files of the same name have an extension.
            wrong.extend((!rest.starts_with('.')).then(|| format!("{name}: {clone}")));
        }
    }
    assert!(found >= 10, "{found} addresses were found");
    assert!(wrong.is_empty(), "`repository` in Cargo.toml is {ours}, which differs from: {wrong:#?}");
}

/// Tests in a file that is no module of the program are never run. `fixtures.rs` is a program of its own. CONTRIBUTING.md
/// says what each file tests.
#[test]
fn files_of_tests_are_modules_and_listed() {
    let tests = support::repository().join("crates/cli/tests");
    let main = fs::read_to_string(tests.join("main.rs")).unwrap();
    let mut files: Vec<String> = files("rs")
        .iter()
        .filter_map(|path| path.strip_prefix(&tests).ok()?.to_str())
        .filter_map(|name| {
            name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix(".rs").filter(|name| !name.contains('/')))
        })
        .filter(|name| !["fixtures", "main"].contains(name))
        .map(|name| format!("mod {name};"))
        .collect();
    files.sort();
    let modules: Vec<&str> = main.lines().filter(|line| line.starts_with("mod ")).collect();
    assert_eq!(files, modules);
    let table = fs::read_to_string(support::repository().join("CONTRIBUTING.md")).unwrap();
    let names = modules.iter().map(|module| &module["mod ".len()..module.len() - 1]).filter(|name| *name != "support");
    let missing: Vec<&str> = names
        .filter(|name| !table.contains(&format!("`{name}.rs`")) && !table.contains(&format!("`{name}/`")))
        .collect();
    assert!(missing.is_empty(), "CONTRIBUTING.md does not list {missing:?}");
}

/// What follows each occurrence of a word in a text, with the word.
fn after<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(word).map(move |(at, word)| (word, &text[at + word.len()..]))
}

#[test]
fn nix_code_is_formatted() {
    let mut unformatted = Vec::new();
    for path in files("nix") {
        // Files that show a damaged or foreign Cargo.nix are what they are.
        if path.components().any(|part| part.as_os_str() == "cmd") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // Generated files have their own layout, see `nix.rs` of the renderer.
        if text.starts_with(GENERATED) {
            continue;
        }
        if nixfmt_rs::format(&text).unwrap() != text {
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&path, nixfmt_rs::format(&text).unwrap()).unwrap();
            }
            unformatted.push(path);
        }
    }
    assert!(unformatted.is_empty(), "run UPDATE=1 cargo test -p cratewright --test all tidy, for {unformatted:#?}");
}

/// A script that no recipe and no other script runs is forgotten.
#[test]
fn scripts_are_run_by_a_recipe_or_by_the_gate() {
    let root = support::repository();
    let callers: Vec<String> = tracked()
        .iter()
        .filter(|path| path.parent() == Some(&root.join("dev")) || path.ends_with("justfile"))
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|text| text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n"))
        .collect();
    let scripts = tracked().into_iter().filter(|path| path.parent() == Some(&root.join("dev")));
    let scripts = scripts.filter(|path| path.extension().is_none() && fs::read(path).unwrap().starts_with(b"#!"));
    let scripts: Vec<String> = scripts.map(|path| path.strip_prefix(&root).unwrap().display().to_string()).collect();
    assert!(scripts.len() > 10, "{scripts:?}");
    let forgotten: Vec<&String> =
        scripts.iter().filter(|script| !callers.iter().any(|text| text.contains(script.as_str()))).collect();
    assert!(forgotten.is_empty(), "add a recipe to the justfile for {forgotten:?}");
}

/// Scripts that the gate runs install what they need, so that they can be run on their own. The development shell is
/// made of `dev/requirements`, so the packages have to be in that list, too.
#[test]
fn scripts_of_the_gate_install_what_is_required() {
    let dev = support::repository().join("dev");
    let read = |name: &str| fs::read_to_string(dev.join(name)).unwrap();
    let rows: Vec<Vec<String>> = read("requirements")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_whitespace().map(str::to_owned).collect())
        .collect();
    assert!(rows.iter().all(|row| row.len() == 3), "three columns: {rows:#?}");
    let gate = read("ci");
    let scripts: Vec<&str> =
        gate.lines().filter_map(|line| line.trim().strip_prefix("dev/")?.split(' ').next()).collect();
    assert!(scripts.contains(&"page-in-chromium"), "{scripts:?}");
    for script in scripts.into_iter().filter(|script| *script != "prepare") {
        for (_, rest) in after(&read(script), "\ndev/install ") {
            for package in rest.lines().next().unwrap_or_default().split(' ').filter(|word| !word.starts_with('"')) {
                let is_listed = rows.iter().any(|row| row[1] == package);
                assert!(is_listed, "dev/{script} installs {package}, which dev/requirements lacks");
            }
        }
    }
}

#[test]
fn files_stay_short() {
    let long: Vec<_> =
        files("rs").into_iter().filter(|path| fs::read_to_string(path).unwrap().lines().count() > 500).collect();
    assert!(long.is_empty(), "over 500 lines: {long:#?}");
    let library =
        files("nix").into_iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("nix-lib/library")));
    let long: Vec<_> = library.filter(|path| fs::read_to_string(path).unwrap().lines().count() > 300).collect();
    assert!(long.is_empty(), "over 300 lines: {long:#?}");
}

#[test]
fn the_docs_list_the_applications_of_the_script() {
    let root = support::repository();
    let script = fs::read_to_string(root.join("dev/applications")).unwrap();
    let page = fs::read_to_string(root.join("docs/src/applications.md")).unwrap();
    let table = script.split("<<'TABLE'\n").nth(1).and_then(|text| text.split("\nTABLE\n").next()).unwrap();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(rows.len(), table.lines().count());
    for (row, line) in rows.iter().zip(table.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let version = if words[1] == "own" {
            pinned(&root.join("dev/applications.d").join(words[0]))
        } else {
            words[1].to_owned()
        };
        let begins = format!("| `{}` | {version} |", words[0]);
        assert!(row.starts_with(&begins), "{row}\n  does not start with: {begins}");
    }
}

/// Dependencies of a manifest that are pinned to one version: `git2 0.21.0, zstd 0.14.4`.
fn pinned(directory: &Path) -> String {
    let manifest: toml::Table = fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap();
    let tables = ["dependencies", "build-dependencies"].iter().filter_map(|key| manifest.get(*key)?.as_table());
    let pinned = tables.flatten().filter_map(|(name, dependency)| {
        let requirement = dependency.as_str().or_else(|| dependency.get("version")?.as_str())?;
        Some(format!("{name} {}", requirement.strip_prefix('=')?))
    });
    pinned.collect::<Vec<_>>().join(", ")
}

/// Checks every crate in `crates`. For modules outside a directory, the directory counts as one module. Inside, modules
/// and their parent may use each other, but the modules must have no cycle. Modules must not use the root of their
/// crate or its re-exports. Unit tests may use anything.
#[test]
fn modules_have_no_cycles() {
    assert_eq!(paths("use crate::{a::X, b::{self, c as d}};").join(" "), "crate::a::X crate::b::self crate::b::c::d");
    let crates = support::repository().join("crates");
    let mut sources: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for path in files("rs") {
        let Some((package, module)) =
            path.strip_prefix(&crates).ok().and_then(|path| path.to_str()?.split_once("/src/"))
        else {
            continue;
        };
        let module = module.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
        if !matches!(module.rsplit("::").next(), Some("lib" | "main" | "tests")) {
            // Clippy ensures that unit tests are at the end of a file.
            let text = fs::read_to_string(&path).unwrap().split("\n#[cfg(test)]").next().unwrap_or_default().to_owned();
            let code: Vec<&str> = text.lines().filter_map(|line| line.split("//").next()).collect();
            sources.entry(package.to_owned()).or_default().insert(module, code.join("\n"));
        }
    }
    let mut wrong = Vec::new();
    for (package, modules) in &sources {
        let mut graph = DiGraph::<String, ()>::new();
        let mut nodes = BTreeMap::new();
        for (from, code) in modules {
            for path in paths(code) {
                let Some(to) = resolve(from, &path, modules) else { continue };
                if to.is_empty() {
                    wrong.push(format!("{package}: {from} takes `{path}` from the root of its crate"));
                }
                // Compares the paths where they diverge, if neither module contains the other.
                let (from, to): (Vec<&str>, Vec<&str>) = (from.split("::").collect(), to.split("::").collect());
                let shared = from.iter().zip(&to).take_while(|(from, to)| from == to).count();
                if shared < from.len().min(to.len()) {
                    let ends = [from, to].map(|path| path[..=shared].join("::"));
                    let [from, to] =
                        ends.map(|name| *nodes.entry(name.clone()).or_insert_with(|| graph.add_node(name)));
                    graph.update_edge(from, to, ());
                }
            }
        }
        for cycle in tarjan_scc(&graph).iter().filter(|component| component.len() > 1) {
            let within = graph.edge_indices().filter_map(|edge| graph.edge_endpoints(edge));
            let within = within.filter(|(from, to)| cycle.contains(from) && cycle.contains(to));
            let uses: Vec<String> = within.map(|(from, to)| format!("{} -> {}", graph[from], graph[to])).collect();
            wrong.push(format!("{package}: {}", uses.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "modules have cycles: {wrong:#?}");
}

/// The module that a path in a module refers to, `""` for the root; none if the path does not start in the crate.
fn resolve(from: &str, path: &str, modules: &BTreeMap<String, String>) -> Option<String> {
    let (first, rest) = path.split_once("::")?;
    let parent = |module: &str| module.rsplit_once("::").map_or(String::new(), |(parent, _)| parent.to_owned());
    let mut at = match first {
        "crate" => String::new(),
        "self" => from.to_owned(),
        "super" => parent(from),
        _ => return None,
    };
    for name in rest.split("::") {
        let below = if at.is_empty() { name.to_owned() } else { format!("{at}::{name}") };
        match name {
            "super" => at = parent(&at),
            _ if modules.contains_key(&below) => at = below,
            _ => break,
        }
    }
    Some(at)
}

/// All paths in some code, with groups expanded.
fn paths(code: &str) -> Vec<String> {
    let code = code.replace(" as ", "::");
    let (mut paths, mut groups, mut path) = (Vec::new(), Vec::new(), String::new());
    let mut rest = code.as_str();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let length = if rest.starts_with("::") { 2 } else { word.max(first.len_utf8()) };
        let (token, after) = rest.split_at(length);
        rest = after;
        match token {
            "::" => path.push_str(token),
            "{" => groups.push(std::mem::take(&mut path)),
            _ if word == 0 => {
                paths.extend(Some(std::mem::take(&mut path)).filter(|path| path.contains("::")));
                if token == "}" {
                    groups.pop();
                }
            }
            _ if path.is_empty() => path = groups.last().cloned().unwrap_or_default() + token,
            _ => path.push_str(token),
        }
    }
    paths
}
