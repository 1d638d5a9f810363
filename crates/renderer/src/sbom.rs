//! What a build is made of, as [CycloneDX](https://cyclonedx.org/docs/1.5/json/) 1.5.
//!
//! `nix-lib/sbom.nix` makes the same document from `Cargo.nix`, byte for byte but for the version of the tool: what is
//! decided here is decided there. That is why nothing is in it that `Cargo.nix` does not have, fields are in byte order
//! of their names, and rules are such as plain Nix can follow.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_resolver::{Package, PackageGraph, PackageIx, Source, UnitGraph, UnitKind};
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The crates.io registry as `Cargo.lock` has it.
pub(crate) const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Which output is asked about.
#[derive(Debug, Clone, Copy)]
pub struct SbomSubject<'a> {
    /// A member.
    pub member: PackageIx,
    /// Features asked of it by name, see [`cratewright_resolver::Selection::requested_features`].
    pub features: &'a [String],
    /// Version of the program that writes the document.
    pub tool_version: &'a str,
}

/// The document of what one member is made of, as indented JSON, or nothing if the graph has no build of the member.
///
/// The member is the subject, every other package of its part of the graph one component. What is linked into the output
/// has scope `required`. Build scripts' dependencies, procedural macros and what those link run while it is built, and
/// have scope `excluded`, CycloneDX's word for what is needed but no part of the result. The document holds no path of the
/// machine and no date, and its serial number is a digest of the rest: the same build has the same document.
pub fn sbom(packages: &PackageGraph, units: &UnitGraph, subject: SbomSubject<'_>) -> Option<String> {
    let is_root = |unit: &NodeIndex<u32>| {
        let unit = &units.graph[*unit];
        unit.package == subject.member && unit.kind == UnitKind::Build
    };
    let roots: Vec<NodeIndex<u32>> = units.roots.iter().copied().filter(is_root).collect();
    if roots.is_empty() {
        return None;
    }
    // One component for what cargo takes for several packages: one commit of a repository, asked for as tag and as `rev`.
    let mut used: BTreeMap<String, Used> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<(NodeIndex<u32>, bool)> = roots.iter().map(|&root| (root, true)).collect();
    while let Some((unit, linked)) = waiting.pop() {
        if !seen.insert((unit, linked)) {
            continue;
        }
        let package = units.graph[unit].package;
        let entry = used.entry(reference(&packages.graph[package])).or_insert_with(|| Used::new(package));
        entry.linked |= linked;
        for edge in units.graph.edges(unit) {
            let to = units.graph[edge.target()].package;
            // The binaries of a package depend on its library.
            if to != package {
                entry.depends_on.insert(reference(&packages.graph[to]));
            }
            waiting.push((edge.target(), linked && !edge.weight().for_build_script && !packages.graph[to].proc_macro));
        }
    }
    let has_binary = roots.iter().any(|&root| !units.graph[root].bins.is_empty());
    let dependencies =
        used.iter().map(|(reference, used)| Dependency { depends_on: &used.depends_on, reference }).collect();
    let components = used
        .values()
        .filter(|used| used.package != subject.member)
        .map(|used| {
            let component = component(&packages.graph[used.package]);
            match used.linked {
                true => Component { scope: Some("required"), ..component },
                false => {
                    let role = Property { name: "cratewright:role", value: "host".to_owned() };
                    Component { scope: Some("excluded"), properties: vec![role], ..component }
                }
            }
        })
        .collect();
    let [host, target] = units.triples.clone();
    let features = subject.features.join(" ");
    let properties = [("cratewright:features", features), ("cratewright:host", host), ("cratewright:target", target)];
    let kind = if has_binary { "application" } else { "library" };
    let mut document = Document {
        bom_format: "CycloneDX",
        components,
        dependencies,
        metadata: Metadata {
            component: Component { kind, ..component(&packages.graph[subject.member]) },
            properties: properties.map(|(name, value)| Property { name, value }).into(),
            tools: None,
        },
        serial_number: None,
        spec_version: "1.5",
        version: 1,
    };
    document.serial_number = Some(serial_number(&document.to_json()));
    let tool = Tool { kind: "application", name: "cratewright", version: subject.tool_version };
    document.metadata.tools = Some(Tools { components: [tool] });
    Some(document.to_json() + "\n")
}

/// What is known of a package after the walk.
struct Used {
    package: PackageIx,
    /// Whether one of its units ends up in the output.
    linked: bool,
    /// References to other packages.
    depends_on: BTreeSet<String>,
}

impl Used {
    fn new(package: PackageIx) -> Self {
        Used { package, linked: false, depends_on: BTreeSet::new() }
    }
}

/// A UUID of version 8, whose bits are anyone's to define (RFC 9562), from the document without it.
fn serial_number(text: &str) -> String {
    let hash: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = (&hash[..8], &hash[8..12], &hash[12..15], &hash[15..18], &hash[18..30]);
    format!("urn:uuid:{}-{}-8{}-8{}-{}", parts.0, parts.1, parts.2, parts.3, parts.4)
}

fn component(package: &Package) -> Component<'_> {
    let checksum = match &package.source {
        Source::CratesIo { checksum } | Source::Registry { checksum, .. } => Some(checksum.as_str()),
        Source::Vendored { checksum, .. } => checksum.as_deref(),
        Source::Local { .. } | Source::Git { .. } => None,
    };
    let urls = [("vcs", &package.repository), ("website", &package.homepage)];
    let urls = urls.into_iter().filter_map(|(kind, url)| Some((kind, url.as_deref().filter(|url| is_url(url))?)));
    Component {
        author: Some(one_line(&package.authors.join(", "))).filter(|_| !package.authors.is_empty()),
        reference: reference(package),
        description: package.description.as_deref().map(one_line),
        external_references: urls.map(|(kind, url)| ExternalReference { kind, url }).collect(),
        hashes: checksum.map(|content| Hash { alg: "SHA-256", content }).into_iter().collect(),
        licenses: package.license.as_deref().map(license).into_iter().collect(),
        name: &package.name,
        properties: Vec::new(),
        purl: reference(package),
        scope: None,
        kind: "library",
        version: package.version.to_string(),
    }
}

/// The [package URL](https://github.com/package-url/purl-spec) of type `cargo`, which is also what a package is referred
/// to by: it says where the package comes from, so no two have the same.
fn reference(package: &Package) -> String {
    let from_git = |url: &str, rev: &str| format!("?vcs_url={}", encode(&format!("git+{url}@{rev}")));
    let from_registry =
        |index: &str| format!("?repository_url={}", encode(index.strip_prefix("sparse+").unwrap_or(index)));
    let origin = match &package.source {
        Source::CratesIo { .. } => String::new(),
        Source::Registry { index, .. } => from_registry(index),
        Source::Git { url, rev, dir } if dir.is_empty() => from_git(url, rev),
        Source::Git { url, rev, dir } => format!("{}#{}", from_git(url, rev), encode(dir)),
        Source::Local { dir } => {
            let dir = if dir.is_empty() { String::new() } else { format!("/{dir}") };
            format!("?download_url={}", encode(&format!("file://.{dir}")))
        }
        Source::Vendored { .. } => match package.source_id.as_deref().filter(|&source| source != CRATES_IO) {
            None => String::new(),
            Some(source) => {
                let git = source.strip_prefix("git+").and_then(|git| git.rsplit_once('#'));
                match git {
                    Some((place, rev)) => from_git(place.split(['?', '#']).next().unwrap_or(place), rev),
                    None => from_registry(source.strip_prefix("registry+").unwrap_or(source)),
                }
            }
        },
    };
    format!("pkg:cargo/{}@{}{origin}", encode(&package.name), encode(&package.version.to_string()))
}

/// Percent-encodes what has a meaning in a package URL or is in no URL at all.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '.' | '-' | '_' | '~' | ':' | '/' => encoded.push(c),
            c if c == ' ' || c.is_ascii_punctuation() => encoded.push_str(&format!("%{:02X}", u32::from(c))),
            c => encoded.push(c),
        }
    }
    encoded
}

/// CycloneDX has its texts on one line.
fn one_line(text: &str) -> String {
    text.replace(['\t', '\n', '\r', '\u{8}', '\u{c}'], " ")
}

/// Licences of GNU whose `+` SPDX has replaced by `-or-later`. `nix-lib/sbom.nix` has the same.
const OR_LATER: [&str; 7] = ["GPL-1.0", "GPL-2.0", "GPL-2.1", "GPL-3.0", "GFDL-1.1", "GFDL-1.2", "GFDL-1.3"];

/// The licence as an SPDX expression, in which cargo once wrote `OR` as a slash; nothing if it is none.
///
/// Ids that SPDX has deprecated count: crates.io has them, too.
pub(crate) fn spdx_expression(license: &str) -> Option<String> {
    const MODE: spdx::ParseMode = spdx::ParseMode { allow_deprecated: true, ..spdx::ParseMode::STRICT };
    let parts: Vec<&str> = license.split('/').map(|part| part.trim_matches(' ')).collect();
    let mut expression = parts.join(" OR ");
    for id in OR_LATER {
        expression = expression.replace(&format!("{id}+"), &format!("{id}-or-later"));
    }
    let is_plain = !expression.contains(['\t', '\n', '\r']);
    (is_plain && spdx::Expression::parse_mode(&expression, MODE).is_ok()).then_some(expression)
}

fn license(license: &str) -> License {
    match spdx_expression(license) {
        Some(expression) => License::Expression { expression },
        None => License::Named { license: LicenseName { name: one_line(license) } },
    }
}

/// Whether it is a URL with a host, in the characters of RFC 3986. A manifest may have any text there; what is no URL
/// would make the document invalid.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+.-".contains(&c));
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (name, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let is_host = !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || b".-".contains(&c));
    let is_port = !port.is_empty() && port.bytes().all(|c| c.is_ascii_digit());
    let (path, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    text.len() <= 2000 && is_scheme && is_host && is_port && is_part(path) && is_part(fragment)
}

fn is_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, c)| match c {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        c => c.is_ascii_alphanumeric() || b"._~!$&'()*+,;=:@/?-".contains(c),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    bom_format: &'static str,
    components: Vec<Component<'a>>,
    dependencies: Vec<Dependency<'a>>,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    spec_version: &'static str,
    version: u32,
}

impl Document<'_> {
    fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts, numbers and lists are JSON")
    }
}

#[derive(Serialize)]
struct Metadata<'a> {
    component: Component<'a>,
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<Tools<'a>>,
}

#[derive(Serialize)]
struct Tools<'a> {
    components: [Tool<'a>; 1],
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(rename = "bom-ref")]
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    purl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    #[serde(rename = "type")]
    kind: &'static str,
    version: String,
}

#[derive(Serialize)]
struct ExternalReference<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url: &'a str,
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(untagged)]
enum License {
    Expression { expression: String },
    Named { license: LicenseName },
}

#[derive(Serialize)]
struct LicenseName {
    name: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency<'a> {
    depends_on: &'a BTreeSet<String>,
    #[serde(rename = "ref")]
    reference: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_other_texts() {
        for url in ["https://a.example", "git+ssh://a:22/x.git", "http://a/?b=%20#c", "https://a/(b)'c"] {
            assert!(is_url(url), "{url}");
        }
        for text in
            ["", "a.example/x", "git@a:b/c", "https://", "https://a b", "https://a:x/", "https://a/%2", "s://a/{}"]
        {
            assert!(!is_url(text), "{text}");
        }
        assert!(!is_url("https://a/#b#c") && !is_url("https://a/\u{e9}") && !is_url("1s://a"));
    }

    #[test]
    fn expressions_are_told_from_other_licences() {
        let expression = |text| spdx_expression(text);
        assert_eq!(expression("MIT/Apache-2.0").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(expression("MIT / Apache-2.0").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(expression("LGPL-2.1+ AND (MIT OR ISC)").as_deref(), Some("LGPL-2.1-or-later AND (MIT OR ISC)"));
        assert_eq!(expression("GPL-2.0 OR EUPL-1.2+").as_deref(), Some("GPL-2.0 OR EUPL-1.2+"));
        let with = "Apache-2.0 WITH LLVM-exception OR LicenseRef-own";
        assert_eq!(expression(with).as_deref(), Some(with));
        for text in ["", "proprietary", "MIT Or ISC", "MIT OR", "MIT\nOR ISC", "MIT OR ${HOME}"] {
            assert_eq!(expression(text), None, "{text}");
        }
    }

    #[test]
    fn what_has_a_meaning_is_encoded() {
        assert_eq!(encode("git+https://a/b%20c@d#e"), "git%2Bhttps://a/b%2520c%40d%23e");
        assert_eq!(encode("1.0.0-rc.1+b_~"), "1.0.0-rc.1%2Bb_~");
    }
}
