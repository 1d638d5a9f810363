//! `cratewright overrides`: which crates need native libraries or tools, and which layer of overrides covers them.
//!
//! Nix evaluates `Cargo.nix` to list the overrides of each layer, so the list is the one that the build uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use cratewright_renderer::{Merged, OVERRIDES, Override, build_script_crates, key_is_for, merge, overrides_of};
use cratewright_resolver::Package;
use serde::{Deserialize, Serialize};

use crate::args::{Format, Overrides};
use crate::exit;
use crate::generate::built;
use crate::nix;
use crate::report::Report;
use crate::workspace::{self, Workspace};
use cratewright_sources::diagnostic::Diagnostic;

/// Crates that build scripts use to run a C compiler, which nixpkgs' stdenv provides.
const COMPILER: [&str; 3] = ["cc", "cxx-build", "nasm-rs"];

/// `internal.overrides` of `Cargo.nix`: the keys of each layer.
#[derive(Debug, Default, Deserialize)]
struct Layers {
    nixpkgs: Vec<String>,
    user: Vec<String>,
}

/// A crate in the output.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    versions: Vec<String>,
    /// The key `links` in its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<&'a str>,
    /// Crates that its build script uses to build or find native code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uses: Vec<&'a str>,
    /// The layers that cover it: `nixpkgs`, `cratewright` and `user`, or `stdenv` if it needs only a C compiler.
    covered_by: Vec<&'static str>,
    /// Files in `nix-lib/overrides` that apply to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<&'static str>,
    /// A suggested override, if it is not covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

pub(crate) fn run(command: &Overrides, report: &Report) -> Result<u8, Diagnostic> {
    let load = command.load.locked(command.manifest_path.as_deref(), report.progress());
    let workspace = workspace::load_for(report, &load)?;
    let file = nix::fresh_cargo_nix(&command.file, &workspace.root, "")?;
    let layers: Layers = nix::evaluate(
        &format!("{file}.internal.overrides"),
        nix::with_help(
            &command.file,
            Diagnostic::new("no-overrides", "Nix cannot evaluate the overrides of Cargo.nix"),
        ),
    )?;
    let graphs = workspace.resolve(&workspace.selections);
    let merged = merge(workspace.resolved(&graphs))?;
    let overrides = overrides_of(workspace.resolved(&graphs), &merged);
    let crates = listed(&workspace, &merged, &layers, &overrides);
    match command.format {
        Format::Json => report.data(&format!("{:#}\n", serde_json::json!({ "crates": crates })))?,
        Format::Text => report.data(&text(&crates))?,
    }
    let is_denied = command.deny_uncovered && crates.iter().any(|one| one.covered_by.is_empty());
    Ok(if is_denied { exit::STALE } else { exit::SUCCESS })
}

/// Crates that need native libraries or tools, as far as is known without Nix.
#[derive(Debug, Serialize)]
pub(crate) struct Native<'a> {
    /// Crates that our own overrides cover.
    pub(crate) covered: Vec<&'a str>,
    /// Crates that only nixpkgs may cover.
    pub(crate) unknown: Vec<&'a str>,
}

/// The native crates in `Cargo.nix`.
pub(crate) fn native(workspace: &Workspace) -> Result<Native<'_>, Diagnostic> {
    let graphs = workspace.resolve(&workspace.selections);
    let merged = merge(workspace.resolved(&graphs))?;
    let overrides = overrides_of(workspace.resolved(&graphs), &merged);
    let crates = listed(workspace, &merged, &Layers::default(), &overrides);
    let names = |covered_by: &[&str]| {
        let of_layer = crates.iter().filter(|one| one.covered_by == covered_by);
        of_layer.map(|one| one.name).collect()
    };
    Ok(Native { covered: names(&["cratewright"]), unknown: names(&[]) })
}

/// Crates with `links`, and those whose build scripts build or find native code.
fn listed<'a>(
    workspace: &'a Workspace,
    merged: &Merged,
    layers: &Layers,
    overrides: &BTreeMap<String, Vec<&'static Override>>,
) -> Vec<Listed<'a>> {
    let mut by_name: BTreeMap<&str, Vec<&Package>> = BTreeMap::new();
    for package in built(workspace, merged) {
        by_name.entry(&package.name).or_default().push(package);
    }
    let used = build_script_crates(&workspace.packages, merged);
    let tools: BTreeSet<&str> =
        OVERRIDES.iter().flat_map(|one| one.build_dependencies.iter().copied()).chain(COMPILER).collect();
    let mut listed = Vec::new();
    for (name, packages) in by_name {
        let uses: Vec<&str> =
            used.get(name).into_iter().flatten().copied().filter(|name| tools.contains(name)).collect();
        let links = packages.iter().find_map(|package| package.links.as_deref());
        if uses.is_empty() && links.is_none() {
            continue;
        }
        let own = overrides.iter().filter(|(key, _)| is_for_any(key, &packages)).flat_map(|(_, overrides)| overrides);
        let own: Vec<&Override> = own.copied().collect();
        let by_name = own.iter().any(|one| one.covers && one.crates.contains(&name));
        let is_met = |tool: &&str| {
            COMPILER.contains(tool) || OVERRIDES.iter().any(|one| one.covers && one.build_dependencies.contains(tool))
        };
        let by_tools = !uses.is_empty() && uses.iter().all(is_met);
        let mut covered_by = Vec::new();
        if layers.nixpkgs.iter().any(|key| key == name) {
            covered_by.push("nixpkgs");
        }
        if by_name || (by_tools && !own.is_empty()) {
            covered_by.push("cratewright");
        }
        if layers.user.iter().any(|key| is_for_any(key, &packages)) {
            covered_by.push("user");
        }
        // Crates without `-sys` in the name often have `links` only to allow a single version.
        let needs_nothing = uses.is_empty() && !name.ends_with("-sys");
        if covered_by.is_empty() && (by_tools || needs_nothing) {
            covered_by.push("stdenv");
        }
        listed.push(Listed {
            name,
            versions: packages.iter().map(|package| package.version.to_string()).collect(),
            links,
            suggestion: covered_by.is_empty().then(|| suggestion(name, links, &uses)),
            uses,
            covered_by,
            overrides: own.iter().map(|one| one.name).collect(),
        });
    }
    listed
}

/// Whether the key of an override matches one of the packages, which have the same name.
fn is_for_any(key: &str, packages: &[&Package]) -> bool {
    packages.iter().any(|package| key_is_for(key, package))
}

/// A draft of an entry for `crateOverrides`.
fn suggestion(name: &str, links: Option<&str>, uses: &[&str]) -> String {
    let library = links.unwrap_or(name.trim_end_matches("-sys"));
    let mut text = format!("{name} = attrs: {{\n");
    let of_pkg_config =
        OVERRIDES.iter().find(|one| one.name == "pkg-config").map_or(&[][..], |one| &one.build_dependencies);
    let asks_pkg_config = uses.iter().any(|tool| of_pkg_config.contains(tool));
    if asks_pkg_config {
        let _ = writeln!(text, "  # pkg-config is already an input; this is the library that it looks for.");
    }
    let _ = writeln!(text, "  buildInputs = [ pkgs.{library} ];");
    if !asks_pkg_config {
        let _ = writeln!(text, "  extraLinkFlags = [ \"-L${{pkgs.lib.getLib pkgs.{library}}}/lib\" ];");
    }
    text.push_str("};");
    text
}

/// One line per crate, followed by a suggestion if it is not covered.
fn text(crates: &[Listed<'_>]) -> String {
    if crates.is_empty() {
        return "no crate needs native libraries or tools\n".to_owned();
    }
    let mut text = String::new();
    for one in crates {
        let _ = write!(text, "{} {}: ", one.name, one.versions.join(", "));
        match one.covered_by[..] {
            [] => text.push_str("not covered"),
            _ => text.push_str(&one.covered_by.join(", ")),
        }
        if let Some(links) = one.links {
            let _ = write!(text, "; links {links}");
        }
        if !one.uses.is_empty() {
            let _ = write!(text, "; uses {}", one.uses.join(", "));
        }
        text.push('\n');
        for line in one.suggestion.iter().flat_map(|suggestion| suggestion.lines()) {
            let _ = writeln!(text, "  {line}");
        }
    }
    let uncovered = crates.iter().filter(|one| one.covered_by.is_empty()).count();
    if uncovered > 0 {
        let are = if uncovered == 1 { "is" } else { "are" };
        let all = crates.len();
        let _ = writeln!(text, "{uncovered} of {all} crates {are} not covered: add the code above to `crateOverrides`");
    }
    text
}
