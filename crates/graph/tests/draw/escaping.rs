//! Strings of packages may contain anything, and are shown unchanged.

use cratewright_graph::draw::{View, dot, html, json, mermaid, svg};

use crate::parsed;
use crate::support::{HOSTILE, hostile};

/// The labels as shown, without control characters and characters that change the direction of text.
fn shown() -> Vec<String> {
    let graph = hostile();
    let label =
        |label: String| label.chars().map(|c| if c.is_control() || c == '\u{202e}' { '\u{fffd}' } else { c }).collect();
    graph.derivations.iter().map(|derivation| label(derivation.label())).collect()
}

/// Each derivation depends on all earlier ones.
fn edges() -> Vec<(usize, usize)> {
    (0..HOSTILE.len()).flat_map(|from| (0..from).map(move |to| (from, to))).collect()
}

#[test]
fn dot_labels_are_unchanged() {
    let graph = hostile();
    let parsed = parsed::dot(&dot(&View::everything(&graph).titled(HOSTILE[2])));
    assert_eq!(parsed, parsed::Parsed { labels: shown(), edges: edges() });
}

#[test]
fn dot_keeps_graphviz_from_reading_escapes_and_entities() {
    let graph = hostile();
    let text = dot(&View::everything(&graph));
    for line in text.lines() {
        let rest = line.replace("\\\\", "").replace("\\\"", "");
        assert!(!rest.contains('\\'), "{line}");
        assert!(!rest.replace("&amp;", "").contains('&'), "{line}");
    }
}

#[test]
fn svg_labels_are_unchanged() {
    let graph = hostile();
    let text = svg(&View::everything(&graph).titled(HOSTILE[0]).highlight(&[0]));
    assert_eq!(parsed::svg(&text), (shown(), edges().len()));
    let document = roxmltree::Document::parse(&text).unwrap();
    let known = ["svg", "title", "style", "marker", "path", "text", "g", "rect"];
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(known.contains(&node.tag_name().name()), "{node:?}");
    }
}

#[test]
fn mermaid_labels_have_no_markup() {
    let graph = hostile();
    let text = mermaid(&View::everything(&graph).titled(HOSTILE[7]));
    let lines: Vec<&str> = text.lines().filter(|line| line.contains(":::")).collect();
    assert_eq!(lines.len(), HOSTILE.len());
    for (line, label) in lines.iter().zip(shown()) {
        let (_, rest) = line.split_once("[\"").unwrap();
        let (written, _) = rest.split_once("\"]").unwrap();
        assert!(written.chars().all(|c| c.is_alphanumeric() || " ._-+,()@/#;".contains(c)), "{line}");
        assert_eq!(resolved(written), label);
    }
    let mut title = text.lines().skip(1);
    let title: String = serde_json::from_str(title.next().unwrap().strip_prefix("title: ").unwrap()).unwrap();
    assert!(title.starts_with("---\u{fffd}title: {{template}}"), "{title}");
}

/// Resolves Mermaid's entities.
fn resolved(text: &str) -> String {
    let mut parts = text.split('#');
    let mut resolved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').unwrap();
        resolved.push(char::from_u32(number.parse().unwrap()).unwrap());
        resolved.push_str(rest);
    }
    resolved
}

#[test]
fn json_strings_are_unchanged() {
    let graph = hostile();
    let text = json(&View::everything(&graph));
    assert_eq!(parsed::json(&text).edges, edges());
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (derivation, hostile) in document["derivations"].as_array().unwrap().iter().zip(HOSTILE) {
        assert_eq!(derivation["name"], hostile);
        assert_eq!(derivation["features"], serde_json::json!(HOSTILE));
    }
}

#[test]
fn html_has_strings_only_in_its_data() {
    let graph = hostile();
    let page = html(&[View::everything(&graph).titled(HOSTILE[0])]);
    let data = parsed::html_data(&page);
    assert_eq!(data["crates"][0]["name"], HOSTILE[0]);
    assert_eq!(parsed::html(&page).edges, edges());
    let (head, _) = page.split_once("</head>").unwrap();
    assert!(head.contains("<title>&lt;/script&gt;&lt;script&gt;"), "{head}");
    // The scripts are the data, two libraries and our own code.
    assert_eq!(page.matches("<script").count(), 4);
}

#[test]
fn the_page_loads_nothing_and_parses_no_text_as_html() {
    let page = html(&[]);
    let (head, rest) = page.split_once("<!--").unwrap();
    let (libraries, own) = rest.split_once("<script type=\"module\">").unwrap();
    assert!(libraries.contains("dagre") && own.contains("JSON.parse"));
    for begin in
        ["src=", "<link", "@import", "url(h", "url(\"", "import(", "fetch(", "innerHTML", "insertAdjacentHTML", "eval("]
    {
        assert!(!head.contains(begin) && !own.contains(begin), "{begin}");
    }
}
