//! The packages of a build, as [CycloneDX](https://cyclonedx.org/docs/1.5/json/) 1.5.

mod document;
mod graph;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::sbom::document::{
    Component, Dependency, Document, ExternalReference, Hash, License, LicenseName, Metadata, Property, Tool, Tools,
};
pub use crate::sbom::graph::{About, BuildGraph};
use crate::sbom::graph::{BuildPackage, Origin};
use crate::sbom::text::{encode, is_url, one_line, spdx_expression};

/// The document for the build of one member, as indented JSON; `tool_version` is the version of this program.
///
/// The subject is the member, and every other package of the graph is a component. Packages that are linked into the
/// output have the scope `required`. Dependencies of build scripts, proc-macros and their dependencies only run during
/// the build and have the scope `excluded`, which CycloneDX defines for components that are not part of the result. The
/// document contains no absolute path and no date, and its serial number is a digest of the rest, so the same build has
/// the same document.
pub fn sbom(graph: &BuildGraph, tool_version: &str) -> String {
    let references: BTreeMap<&str, String> =
        graph.packages.iter().map(|(key, package)| (key.as_str(), reference(package))).collect();
    // Packages with the same reference are one component: cargo has several for one commit that is requested by tag and
    // by `rev`.
    let mut used: BTreeMap<&str, Used<'_>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<(&String, bool)> = graph.roots.iter().map(|root| (root, true)).collect();
    while let Some((key, linked)) = waiting.pop() {
        if !seen.insert((key, linked)) {
            continue;
        }
        let unit = &graph.units[key];
        let own = references[unit.package.as_str()].as_str();
        let package = &graph.packages[&unit.package];
        let entry = used.entry(own).or_insert(Used { package, linked: false, depends_on: BTreeSet::new() });
        entry.linked |= linked;
        let dependencies = unit.dependencies.iter().map(|to| (to, linked));
        for (to, linked) in dependencies.chain(unit.build_dependencies.iter().map(|to| (to, false))) {
            let package = &graph.units[to].package;
            entry.depends_on.insert(&references[package.as_str()]);
            waiting.push((to, linked && !graph.packages[package].proc_macro));
        }
        // Binaries of a package depend on its own library, which is no other component.
        entry.depends_on.remove(own);
    }
    let subject = references[graph.units[&graph.roots[0]].package.as_str()].as_str();
    let components = used
        .iter()
        .filter(|(reference, _)| **reference != subject)
        .map(|(reference, used)| {
            let component = component(used.package, reference);
            match used.linked {
                true => Component { scope: Some("required"), ..component },
                false => {
                    let role = Property { name: "cratewright:role", value: "host".to_owned() };
                    Component { scope: Some("excluded"), properties: vec![role], ..component }
                }
            }
        })
        .collect();
    let properties = [
        ("cratewright:features", graph.features.join(" ")),
        ("cratewright:host", graph.host.clone()),
        ("cratewright:target", graph.target.clone()),
    ];
    let kind = if graph.application { "application" } else { "library" };
    let mut document = Document {
        bom_format: "CycloneDX",
        components,
        dependencies: used
            .iter()
            .map(|(reference, used)| Dependency { depends_on: &used.depends_on, reference })
            .collect(),
        metadata: Metadata {
            component: Component { kind, ..component(used[subject].package, subject) },
            properties: properties.map(|(name, value)| Property { name, value }).into(),
            tools: None,
        },
        serial_number: None,
        spec_version: "1.5",
        version: 1,
    };
    document.serial_number = Some(serial_number(&document.to_json()));
    let tool = Tool { kind: "application", name: "cratewright", version: tool_version };
    document.metadata.tools = Some(Tools { components: [tool] });
    document.to_json() + "\n"
}

/// A package that was visited.
struct Used<'a> {
    package: &'a BuildPackage,
    /// Whether one of its units is linked into the output.
    linked: bool,
    /// References of its dependencies.
    depends_on: BTreeSet<&'a str>,
}

/// A UUID of version 8 (custom data, RFC 9562), computed from the document without it.
fn serial_number(text: &str) -> String {
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = (&hash[..8], &hash[8..12], &hash[12..15], &hash[15..18], &hash[18..30]);
    format!("urn:uuid:{}-{}-8{}-8{}-{}", parts.0, parts.1, parts.2, parts.3, parts.4)
}

fn component<'a>(package: &'a BuildPackage, reference: &'a str) -> Component<'a> {
    let about = &package.about;
    let urls = [("vcs", &about.repository), ("website", &about.homepage)];
    let urls = urls.into_iter().filter_map(|(kind, url)| Some((kind, url.as_deref().filter(|url| is_url(url))?)));
    Component {
        author: Some(one_line(&about.authors.join(", "))).filter(|_| !about.authors.is_empty()),
        reference,
        description: about.description.as_deref().map(one_line),
        external_references: urls.map(|(kind, url)| ExternalReference { kind, url }).collect(),
        hashes: package.sha256.as_deref().map(|content| Hash { alg: "SHA-256", content }).into_iter().collect(),
        licenses: about.license.as_deref().map(license).into_iter().collect(),
        name: &package.name,
        properties: Vec::new(),
        purl: reference,
        scope: None,
        kind: "library",
        version: &package.version,
    }
}

/// The [package URL](https://github.com/package-url/purl-spec) of type `cargo`, which is also the reference of the
/// component. It contains the origin, so it is unique.
fn reference(package: &BuildPackage) -> String {
    let from_git = |url: &str, rev: &str| format!("?vcs_url={}", encode(&format!("git+{url}@{rev}")));
    let from_registry =
        |index: &str| format!("?repository_url={}", encode(index.strip_prefix("sparse+").unwrap_or(index)));
    let origin = match &package.source {
        Origin::Registry { index } => index.as_deref().map(from_registry).unwrap_or_default(),
        Origin::Git { url, rev, dir } if dir.is_empty() => from_git(url, rev),
        Origin::Git { url, rev, dir } => format!("{}#{}", from_git(url, rev), encode(dir)),
        Origin::Local { dir } => {
            let dir = if dir.is_empty() { String::new() } else { format!("/{dir}") };
            format!("?download_url={}", encode(&format!("file://.{dir}")))
        }
        Origin::Vendored { replaces: None } => String::new(),
        Origin::Vendored { replaces: Some(source) } => {
            match source.strip_prefix("git+").and_then(|git| git.rsplit_once('#')) {
                Some((place, rev)) => from_git(place.split(['?', '#']).next().unwrap_or(place), rev),
                None => from_registry(source.strip_prefix("registry+").unwrap_or(source)),
            }
        }
    };
    format!("pkg:cargo/{}@{}{origin}", encode(&package.name), encode(&package.version))
}

fn license(license: &str) -> License {
    match spdx_expression(license) {
        Some(expression) => License::Expression { expression },
        None => License::Named { license: LicenseName { name: one_line(license) } },
    }
}
