//! A self-contained page, which works without a server: it contains its scripts, styles and data, and loads nothing.
//!
//! The data is in a `<script type="application/json">`, in which `<` is written as `\u003c`, so that no name can end
//! it. The page creates elements from it only by DOM calls and `textContent`. Its Content-Security-Policy allows only
//! the scripts of this file, by their digests, and no other resources.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::draw::parts::duplicates;
use crate::draw::sizes::{Size, closure, cone};
use crate::draw::text::printable;
use crate::draw::view::{Class, EdgeKind, View};
use crate::model::{Derivation, DerivationIx, Kind, Side};

const STYLE: &str = include_str!("../../assets/page/page.css");
const BODY: &str = include_str!("../../assets/page/body.html");

/// Libraries, each in a separate script that sets a global variable. See `dev/vendor-page-libraries`.
const LIBRARIES: [&str; 2] =
    [include_str!("../../assets/vendor/dagre.min.js"), include_str!("../../assets/vendor/d3-hierarchy.min.js")];

/// Licences of the libraries, which have to be included in every copy.
const LICENCES: [&str; 2] = [
    include_str!("../../assets/vendor/dagre.LICENSE.txt"),
    include_str!("../../assets/vendor/d3-hierarchy.LICENSE.txt"),
];

/// Our own code, which is joined to one module: each part may use definitions of earlier parts.
const PARTS: [&str; 7] = [
    include_str!("../../assets/page/data.js"),
    include_str!("../../assets/page/dom.js"),
    include_str!("../../assets/page/list.js"),
    include_str!("../../assets/page/details.js"),
    include_str!("../../assets/page/treemap.js"),
    include_str!("../../assets/page/neighbourhood.js"),
    include_str!("../../assets/page/main.js"),
];

/// The data of the page.
#[derive(Serialize)]
struct Data<'a> {
    title: &'a str,
    /// Descriptions of derivations; equal ones of several platforms are stored once.
    crates: Vec<Described<'a>>,
    platforms: Vec<Platform<'a>>,
}

/// The description of a derivation, apart from its edges and sizes.
#[derive(Serialize, PartialEq, Eq, Hash, Clone)]
struct Described<'a> {
    id: &'a str,
    kind: Kind,
    side: Side,
    class: &'static str,
    name: &'a str,
    version: &'a str,
    label: String,
    member: bool,
    source: Option<&'a str>,
    dir: Option<&'a str>,
    features: &'a [String],
}

/// A view. Lists have an entry for each derivation that is shown, and refer to derivations by their position in the
/// lists.
#[derive(Serialize, Default)]
struct Platform<'a> {
    platform: &'a str,
    title: String,
    /// Number of crates in the whole graph, shown or not.
    all_crates: usize,
    all_tests: usize,
    /// Indices into [`Data::crates`].
    crates: Vec<usize>,
    dependencies: Vec<Vec<usize>>,
    build_dependencies: Vec<Vec<usize>>,
    over_hidden: Vec<Vec<usize>>,
    cones: Vec<Size>,
    closures: Vec<Size>,
    seconds: Vec<Option<f64>>,
    changed: Vec<usize>,
    focus: Vec<usize>,
    duplicates: Vec<Vec<usize>>,
}

/// A page with a view for each platform. The first view is shown at first, and gives the title of the page.
pub fn html(views: &[View]) -> String {
    let title = views.first().map_or("Build graph", |view| view.name());
    let mut data = Data { title, crates: Vec::new(), platforms: Vec::new() };
    let mut known = HashMap::new();
    for view in views {
        let platform = platform(view, &mut data.crates, &mut known);
        data.platforms.push(platform);
    }
    // Serialization cannot fail: keys are strings, and NaN becomes `null`.
    let data = serde_json::to_string(&data).unwrap_or_default().replace('<', "\\u003c");

    let own = format!("\n{}", PARTS.concat());
    let scripts: Vec<&str> = LIBRARIES.into_iter().chain([own.as_str()]).collect();
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; script-src {}; style-src {}",
        scripts.iter().map(|script| allowed(script)).collect::<Vec<_>>().join(" "),
        allowed(STYLE),
    );
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let mut push = |lines: &[&str]| lines.iter().for_each(|line| page.push_str(line));
    push(&["<meta http-equiv=\"Content-Security-Policy\" content=\"", &policy, "\">\n"]);
    push(&["<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"]);
    push(&["<title>", &escaped(title), "</title>\n<style>", STYLE, "</style>\n</head>\n<body>\n", BODY]);
    push(&["<script type=\"application/json\" id=\"data\">", &data, "</script>\n"]);
    for (library, licence) in LIBRARIES.iter().zip(LICENCES) {
        push(&["<!--\n", licence, "-->\n<script>", library, "</script>\n"]);
    }
    push(&["<script type=\"module\">", &own, "</script>\n</body>\n</html>\n"]);
    page
}

/// The digest of a script or style, for a Content-Security-Policy.
fn allowed(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())))
}

fn platform<'a>(
    view: &View<'a>,
    crates: &mut Vec<Described<'a>>,
    known: &mut HashMap<Described<'a>, usize>,
) -> Platform<'a> {
    let graph = view.graph();
    let shown = view.shown();
    let place_of: HashMap<DerivationIx, usize> = shown.iter().enumerate().map(|(place, &ix)| (ix, place)).collect();
    let empty = || vec![Vec::new(); shown.len()];
    let mut platform = Platform {
        platform: &graph.platform,
        title: view.title(),
        all_crates: graph.crates().count(),
        all_tests: graph.tests().count(),
        dependencies: empty(),
        build_dependencies: empty(),
        over_hidden: empty(),
        ..Platform::default()
    };
    for edge in view.edges() {
        let lists = match edge.kind {
            EdgeKind::Direct => &mut platform.dependencies,
            EdgeKind::Build => &mut platform.build_dependencies,
            EdgeKind::OverHidden => &mut platform.over_hidden,
        };
        lists[place_of[&edge.from]].push(place_of[&edge.to]);
    }
    for (place, &ix) in shown.iter().enumerate() {
        let described = described(&graph.derivations[ix]);
        let crate_place = *known.entry(described.clone()).or_insert_with(|| {
            crates.push(described);
            crates.len() - 1
        });
        platform.crates.push(crate_place);
        platform.cones.push(cone(view, ix));
        platform.closures.push(closure(view, ix));
        platform.seconds.push(view.seconds(ix));
        if view.is_changed(ix) {
            platform.changed.push(place);
        }
        if view.is_focus(ix) {
            platform.focus.push(place);
        }
    }
    let places = |package: Vec<DerivationIx>| package.iter().filter_map(|ix| place_of.get(ix).copied()).collect();
    platform.duplicates = duplicates(graph).into_iter().map(places).collect();
    platform.duplicates.retain(|package: &Vec<usize>| !package.is_empty());
    platform
}

fn described(derivation: &Derivation) -> Described<'_> {
    let Derivation { id, kind, side, name, version, is_member, dir, source, features, .. } = derivation;
    Described {
        id,
        kind: *kind,
        side: *side,
        class: Class::of(derivation).name(),
        name,
        version,
        label: derivation.label(),
        member: *is_member,
        source: source.as_deref(),
        dir: dir.as_deref(),
        features,
    }
}

fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
