//! Reads drawings with independent parsers.

use layout::gv::DotParser;
use layout::gv::parser::ast::{AttributeList, Stmt};
use roxmltree::Document;
use serde_json::Value;

/// The contents of a drawing: the labels of its nodes in order, and its edges as indices into that list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) labels: Vec<String>,
    pub(crate) edges: Vec<(usize, usize)>,
}

/// Parses DOT. The parser leaves HTML entities in labels, which Graphviz resolves.
pub(crate) fn dot(text: &str) -> Parsed {
    let graph = DotParser::new(text).process().unwrap_or_else(|error| panic!("{error}\n{text}"));
    let label = |list: &AttributeList| {
        let label = list.iter().find(|(key, _)| key == "label").map(|(_, label)| label.replace("&amp;", "&"));
        label.expect("a node has a label")
    };
    let (mut names, mut labels, mut edges) = (Vec::new(), Vec::new(), Vec::new());
    for statement in &graph.list.list {
        match statement {
            Stmt::Node(node) => {
                names.push(node.id.name.clone());
                labels.push(label(&node.list));
            }
            Stmt::Edge(edge) => edges.push((edge.from.name.clone(), edge.to[0].0.name.clone())),
            _ => (),
        }
    }
    let place = |name: &String| names.iter().position(|known| known == name).expect("an edge is among nodes");
    let edges = edges.iter().map(|(from, to)| (place(from), place(to))).collect();
    Parsed { labels, edges }
}

pub(crate) fn json(text: &str) -> Parsed {
    let document: Value = serde_json::from_str(text).unwrap();
    assert_eq!(document["format"], 1);
    let derivations = document["derivations"].as_array().unwrap();
    let place = |id: &Value| derivations.iter().position(|derivation| derivation["id"] == *id).unwrap();
    let mut edges = Vec::new();
    for (from, derivation) in derivations.iter().enumerate() {
        let lists = ["dependencies", "build_dependencies", "dependencies_over_hidden"];
        let ids = lists.iter().flat_map(|list| derivation[list].as_array().unwrap());
        edges.extend(ids.map(|id| (from, place(id))));
    }
    edges.sort_unstable();
    Parsed { labels: derivations.iter().map(|derivation| string(&derivation["label"])).collect(), edges }
}

/// Parses SVG, and returns the labels of the nodes and the number of arrows.
pub(crate) fn svg(text: &str) -> (Vec<String>, usize) {
    let document = Document::parse(text).unwrap();
    let mut groups = document.descendants().filter(|node| node.has_tag_name("g"));
    let drawing = groups.find(|node| node.has_attribute("transform")).unwrap();
    let text_of = |node: roxmltree::Node| {
        let text = node.children().find(|child| child.has_tag_name("text")).unwrap();
        // The writer adds line breaks at the ends, which SVG ignores.
        text.text().unwrap_or_default().trim_matches('\n').to_owned()
    };
    let labels = drawing.children().filter(|node| node.has_tag_name("g")).map(text_of).collect();
    (labels, drawing.children().filter(|node| node.has_tag_name("path")).count())
}

/// The data of a page: the contents of its script element, which ends at the first `</script`.
pub(crate) fn html_data(text: &str) -> Value {
    let (_, data) = text.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    let (data, _) = data.split_once("</script").unwrap();
    assert!(!data.contains('<'), "the data could end its script or start a comment");
    serde_json::from_str(data).unwrap()
}

pub(crate) fn html(text: &str) -> Parsed {
    let data = html_data(text);
    let platform = &data["platforms"][0];
    let crates = platform["crates"].as_array().unwrap();
    let label = |place: &Value| string(&data["crates"][usize::try_from(place.as_u64().unwrap()).unwrap()]["label"]);
    let mut edges = Vec::new();
    for list in ["dependencies", "build_dependencies", "over_hidden"] {
        for (from, targets) in platform[list].as_array().unwrap().iter().enumerate() {
            let targets = targets.as_array().unwrap().iter();
            edges.extend(targets.map(|to| (from, usize::try_from(to.as_u64().unwrap()).unwrap())));
        }
    }
    edges.sort_unstable();
    Parsed { labels: crates.iter().map(label).collect(), edges }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
