//! Rules of the repository that no other tool checks.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cratewright_staleness::GENERATED;
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;

/// Files that git tracks or would track, by extension.
fn files(extension: &str) -> Vec<PathBuf> {
    let root = support::repository();
    let mut list = Command::new("git");
    list.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(&root);
    let names = support::stdout(&mut list);
    let files: Vec<PathBuf> = names
        .lines()
        .map(|name| root.join(name))
        .filter(|path| path.extension().is_some_and(|have| have == extension) && path.is_file())
        .collect();
    assert!(!files.is_empty(), "there is no .{extension} file");
    files
}

#[test]
fn nix_code_is_formatted() {
    let mut unformatted = Vec::new();
    for path in files("nix") {
        // Files that show a damaged or foreign Cargo.nix are what they are, and others the renderer lays out.
        let is_generated =
            ["default-profiles", "lto-flags"].iter().any(|part| path.ends_with(format!("nix-lib/library/{part}.nix")));
        if is_generated || path.components().any(|part| part.as_os_str() == "cmd") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // These have a layout of their own, see `nix.rs` of the renderer.
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
    assert!(unformatted.is_empty(), "run UPDATE=1 cargo test -p cratewright --test tidy, for {unformatted:#?}");
}

#[test]
fn files_stay_readable_in_one_sitting() {
    let long: Vec<_> =
        files("rs").into_iter().filter(|path| fs::read_to_string(path).unwrap().lines().count() > 500).collect();
    assert!(long.is_empty(), "over 500 lines: {long:#?}");
    let library =
        files("nix").into_iter().filter(|path| path.parent().is_some_and(|parent| parent.ends_with("nix-lib/library")));
    let long: Vec<_> = library.filter(|path| fs::read_to_string(path).unwrap().lines().count() > 300).collect();
    assert!(long.is_empty(), "over 300 lines: {long:#?}");
}

#[test]
fn the_docs_list_the_applications_that_the_script_builds() {
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
        assert!(row.starts_with(&begins), "{row}\n  begins otherwise than: {begins}");
    }
}

/// What a manifest depends upon in one version alone: `git2 0.21.0, zstd 0.14.4`.
fn pinned(directory: &Path) -> String {
    let manifest: toml::Table = fs::read_to_string(directory.join("Cargo.toml")).unwrap().parse().unwrap();
    let tables = ["dependencies", "build-dependencies"].iter().filter_map(|key| manifest.get(*key)?.as_table());
    let pinned = tables.flatten().filter_map(|(name, dependency)| {
        let requirement = dependency.as_str().or_else(|| dependency.get("version")?.as_str())?;
        Some(format!("{name} {}", requirement.strip_prefix('=')?))
    });
    pinned.collect::<Vec<_>>().join(", ")
}

/// In every crate of `crates`, module by module. To those outside of it, a directory and its modules are one module.
/// Within, its modules and their parent may use each other, and its modules have no cycle among them either. The root
/// of a crate comes after all of its modules: they take nothing from it, and nothing by way of its re-exports. Unit
/// tests may use anything.
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
            // Clippy keeps unit tests at the end of a file.
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
                // Where the two part, if neither is within the other.
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
    assert!(wrong.is_empty(), "cycles of modules: {wrong:#?}");
}

/// The module that a path of a module leads to, `""` for the root; nothing where it begins otherwise.
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

/// All paths of some code, with groups written out.
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
