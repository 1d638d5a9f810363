//! Drawings in DOT, the language of Graphviz.

use std::fmt::Write;

use crate::draw::text::{details, legend, printable};
use crate::draw::view::{Class, EdgeKind, View};

/// A view in DOT. Nodes are called `n` with the index of the derivation, and have its [id](crate::Derivation::id) as
/// the attribute `id`, which Graphviz copies to SVG.
pub fn dot(view: &View) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&view.title()));
    let _ = writeln!(
        text,
        "  graph [label={}, labelloc=t, rankdir=LR, ranksep=1, fontname=\"sans-serif\"];",
        quoted(&view.title())
    );
    text.push_str("  node [shape=box, style=filled, height=0.3, fontname=\"sans-serif\", fontsize=11];\n");
    text.push_str("  edge [arrowsize=0.6, color=\"#6b7280\"];\n");
    for ix in view.shown() {
        let derivation = &view.graph().derivations[ix];
        let class = Class::of(derivation);
        let (fill, line) = colours(class, view.is_highlighted(ix));
        let width = if view.is_focus(ix) { 3 } else { 1 };
        let tooltip = format!("{}; {}", legend(class), details(view, ix));
        let _ = writeln!(
            text,
            "  n{ix} [label={}, id={}, class={}, tooltip={}, \
             fillcolor=\"{fill}\", color=\"{line}\", penwidth={width}];",
            quoted(&derivation.label()),
            quoted_attribute(&derivation.id),
            quoted(if view.is_highlighted(ix) { "changed" } else { class.name() }),
            quoted_attribute(&tooltip),
        );
    }
    for edge in view.edges() {
        let style = match edge.kind {
            EdgeKind::Direct => "",
            EdgeKind::Build => " [style=dashed, tooltip=\"for its build script\"]",
            EdgeKind::OverHidden => " [style=dotted, tooltip=\"by way of crates that are not shown\"]",
        };
        let _ = writeln!(text, "  n{} -> n{}{style};", edge.from, edge.to);
    }
    text.push_str("}\n");
    text
}

/// Fill and line colour.
fn colours(class: Class, is_changed: bool) -> (&'static str, &'static str) {
    match class {
        _ if is_changed => ("#ffedd5", "#c2410c"),
        Class::Member => ("#dbeafe", "#2563eb"),
        Class::Dependency => ("#f3f4f6", "#6b7280"),
        Class::Host => ("#ede9fe", "#7c3aed"),
        Class::Tests => ("#dcfce7", "#15803d"),
    }
}

/// A label, escaped so that Graphviz shows each character literally and expands neither `\N`, the name of a node, nor
/// entities such as `&lt;`.
fn quoted(text: &str) -> String {
    with_backslash(text, "\\\\")
}

/// An id or a tooltip. Some versions of Graphviz expand `\N` in tooltips even after unescaping `\\`, so a backslash is
/// replaced with a similar character; names and features of packages never contain one.
fn quoted_attribute(text: &str) -> String {
    with_backslash(text, "\u{29f5}")
}

fn with_backslash(text: &str, backslash: &str) -> String {
    let mut quoted = String::from('"');
    for c in printable(text).chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str(backslash),
            '&' => quoted.push_str("&amp;"),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
