//! Mermaid's language, which GitHub and GitLab draw in Markdown.

use std::fmt::Write;

use crate::draw::text::printable;
use crate::draw::view::{Class, EdgeKind, View};

/// Limits of Mermaid. They cannot be lifted from within a text.
pub(super) const MOST_EDGES: usize = 500;
/// In characters.
pub(super) const LONGEST_TEXT: usize = 50_000;

const CLASSES: &str = "  classDef member fill:#dbeafe,stroke:#2563eb,color:#111827
  classDef dependency fill:#f3f4f6,stroke:#6b7280,color:#111827
  classDef host fill:#ede9fe,stroke:#7c3aed,color:#111827
  classDef tests fill:#dcfce7,stroke:#15803d,color:#111827
  classDef changed fill:#ffedd5,stroke:#c2410c,color:#111827
";

/// A view as a flowchart of Mermaid. Nodes are `n` with the index of the derivation. Dashed arrows are for build
/// scripts, and thick ones lead over what is not shown.
pub fn mermaid(view: &View) -> String {
    // Front matter is YAML, of which strings of JSON are a part; tags would be changed in it.
    let title = serde_json::Value::String(printable(&view.title())).to_string().replace('<', "\\u003c");
    let mut text = format!("---\ntitle: {title}\n---\nflowchart LR\n");
    for ix in view.shown() {
        let derivation = &view.graph().derivations[ix];
        let class = if view.is_highlighted(ix) { "changed" } else { Class::of(derivation).name() };
        let (open, close) = if view.is_focus(ix) { ("([", "])") } else { ("[", "]") };
        let _ = writeln!(text, "  n{ix}{open}\"{}\"{close}:::{class}", escaped(&derivation.label()));
    }
    for edge in view.edges() {
        let arrow = match edge.kind {
            EdgeKind::Direct => "-->",
            EdgeKind::Build => "-.->",
            EdgeKind::OverHidden => "==>",
        };
        let _ = writeln!(text, "  n{} {arrow} n{}", edge.from, edge.to);
    }
    text.push_str(CLASSES);
    text
}

/// With every character that means something to Mermaid, Markdown or HTML as an entity of Mermaid.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in printable(text).chars() {
        if c.is_alphanumeric() || " ._-+,()@/".contains(c) {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "#{};", u32::from(c));
        }
    }
    escaped
}
