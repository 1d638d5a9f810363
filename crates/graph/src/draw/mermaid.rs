//! Mermaid diagrams, which GitHub and GitLab draw in Markdown.

use std::fmt::Write;

use crate::draw::text::printable;
use crate::draw::view::{Class, EdgeKind, View};

/// Mermaid's limit of edges, which a diagram cannot raise.
pub(super) const MOST_EDGES: usize = 500;
/// Mermaid's limit of characters, which a diagram cannot raise.
pub(super) const LONGEST_TEXT: usize = 50_000;

const CLASSES: &str = "  classDef member fill:#dbeafe,stroke:#2563eb,color:#111827
  classDef dependency fill:#f3f4f6,stroke:#6b7280,color:#111827
  classDef host fill:#ede9fe,stroke:#7c3aed,color:#111827
  classDef tests fill:#dcfce7,stroke:#15803d,color:#111827
  classDef changed fill:#ffedd5,stroke:#c2410c,color:#111827
";

/// A view as a Mermaid flowchart. Nodes are called `n` with the index of the derivation. Dashed arrows are dependencies
/// of build scripts, and thick arrows lead through derivations that are not shown.
pub fn mermaid(view: &View) -> String {
    // Front matter is YAML, which includes JSON strings. `<` is escaped, as Mermaid would process tags.
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

/// Replaces each character with a meaning in Mermaid, Markdown or HTML by an entity of Mermaid.
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
