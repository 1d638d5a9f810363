//! Drawings as SVG.

use svg::Document;
use svg::node::element::{Group, Marker, Path, Rectangle, Style, Text, Title};

use crate::draw::layout::{Effort, layout};
use crate::draw::reduction::reduced;
use crate::draw::text::{classes, details, legend, printable};
use crate::draw::view::{Class, Edge, EdgeKind, View};

/// Views with more derivations than this are drawn with less effort, as they are hard to read anyway.
pub(super) const MOST_READABLE: usize = 150;

const STYLE: &str = "
svg { background: #ffffff; color: #111827; font: 11px ui-sans-serif, system-ui, sans-serif; }
text { fill: currentColor; }
.title { font-size: 14px; font-weight: 600; }
rect { stroke-width: 1; }
.member rect { fill: #dbeafe; stroke: #2563eb; }
.dependency rect { fill: #f3f4f6; stroke: #6b7280; }
.host rect { fill: #ede9fe; stroke: #7c3aed; }
.tests rect { fill: #dcfce7; stroke: #15803d; }
.changed rect { fill: #ffedd5; stroke: #c2410c; }
.focus rect { stroke-width: 3; }
path { fill: none; stroke: #9ca3af; }
marker path { fill: #9ca3af; stroke: none; }
.build { stroke-dasharray: 6 3; }
.over-hidden { stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) {
  svg { background: #111827; color: #f3f4f6; }
  .member rect { fill: #1e3a8a; stroke: #60a5fa; }
  .dependency rect { fill: #374151; stroke: #9ca3af; }
  .host rect { fill: #4c1d95; stroke: #a78bfa; }
  .tests rect { fill: #14532d; stroke: #4ade80; }
  .changed rect { fill: #7c2d12; stroke: #fb923c; }
  path { stroke: #6b7280; }
  marker path { fill: #6b7280; }
}
";

const MARGIN: f64 = 16.0;
/// Height of the title and the legend.
const HEAD: f64 = 64.0;
const NODE_HEIGHT: f64 = 22.0;

/// A view as SVG, with the reader's preferred colour scheme. If it has more than 150 derivations, arrows that others
/// imply are left out, which the legend says.
pub fn svg(view: &View) -> String {
    let shown = view.shown();
    let labels: Vec<String> = shown.iter().map(|&ix| printable(&view.graph().derivations[ix].label())).collect();
    let widths: Vec<f64> = labels.iter().map(|label| text_width(label) + 16.0).collect();
    let is_large = shown.len() > MOST_READABLE;
    let mut edges = view.edges();
    if is_large {
        edges = reduced(view.graph().derivations.len(), &edges);
    }
    let place = |ix| shown.partition_point(|&shown| shown < ix);
    let pairs: Vec<(usize, usize)> = edges.iter().map(|edge| (place(edge.from), place(edge.to))).collect();
    let effort = if is_large { Effort::Little } else { Effort::Much };
    let layout = layout(&widths, NODE_HEIGHT, &pairs, effort);

    let title = printable(&view.title());
    let mut drawing = Group::new().set("transform", format!("translate({MARGIN} {})", MARGIN + HEAD));
    for (edge, route) in edges.iter().zip(&layout.routes) {
        drawing = drawing.add(arrow(edge, route));
    }
    for (((&ix, label), &width), &(x, y)) in shown.iter().zip(&labels).zip(&widths).zip(&layout.centres) {
        let mut class = Class::of(&view.graph().derivations[ix]).name().to_owned();
        for (is, name) in [(view.is_highlighted(ix), " changed"), (view.is_focus(ix), " focus")] {
            class.push_str(if is { name } else { "" });
        }
        let node = boxed(label, width, x - width / 2.0, y - NODE_HEIGHT / 2.0);
        drawing = drawing.add(node.set("class", class).add(Title::new(details(view, ix))));
    }

    let (legend, legend_width) = legend_of(view, &edges, is_large);
    let width = (layout.width.max(text_width(&title) * 1.4).max(legend_width) + 2.0 * MARGIN).ceil();
    let height = (layout.height + HEAD + 2.0 * MARGIN).ceil();
    let head = Marker::new()
        .set("id", "arrow")
        .set("viewBox", "0 0 8 8")
        .set("refX", 8)
        .set("refY", 4)
        .set("markerWidth", 7)
        .set("markerHeight", 7)
        .set("orient", "auto")
        .add(Path::new().set("d", "M0 0L8 4L0 8z"));
    let document = Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("role", "img")
        .add(Title::new(title.clone()))
        .add(Style::new(STYLE))
        .add(head)
        .add(Text::new(title).set("class", "title").set("x", MARGIN).set("y", MARGIN + 14.0))
        .add(legend)
        .add(drawing);
    format!("{document}\n")
}

/// A box with a text in it.
fn boxed(label: &str, width: f64, x: f64, y: f64) -> Group {
    let rectangle =
        Rectangle::new().set("width", rounded(width)).set("height", NODE_HEIGHT).set("rx", 4).set("x", rounded(x));
    let text =
        Text::new(label).set("text-anchor", "middle").set("x", rounded(x + width / 2.0)).set("y", rounded(y + 15.0));
    Group::new().add(rectangle.set("y", rounded(y))).add(text)
}

fn arrow(edge: &Edge, route: &[(f64, f64)]) -> Path {
    let path = Path::new().set("d", curve(route)).set("marker-end", "url(#arrow)");
    match edge.kind {
        EdgeKind::Direct => path,
        EdgeKind::Build => path.set("class", "build"),
        EdgeKind::OverHidden => path.set("class", "over-hidden"),
    }
}

/// A curve through some points, bent at each inner point.
fn curve(points: &[(f64, f64)]) -> String {
    let text = |(x, y): (f64, f64)| format!("{} {}", rounded(x), rounded(y));
    let middle = |(ax, ay): (f64, f64), (bx, by): (f64, f64)| ((ax + bx) / 2.0, (ay + by) / 2.0);
    let (Some(&first), Some(&last)) = (points.first(), points.last()) else { return String::new() };
    let mut path = format!("M{}", text(first));
    for pair in points[1..].windows(2) {
        path.push_str(&format!("Q{} {}", text(pair[0]), text(middle(pair[0], pair[1]))));
    }
    path.push_str(&format!("L{}", text(last)));
    path
}

/// The legend of colours and lines, and its width.
fn legend_of(view: &View, edges: &[Edge], is_large: bool) -> (Group, f64) {
    let mut group = Group::new();
    let mut x = MARGIN;
    let y = MARGIN + 26.0;
    let mut entries: Vec<(&str, &str)> = classes(view).into_iter().map(|class| (class.name(), legend(class))).collect();
    if view.shown().iter().any(|&ix| view.is_highlighted(ix)) {
        entries.push(("changed", "changed"));
    }
    for (class, label) in entries {
        let width = text_width(label) + 16.0;
        group = group.add(boxed(label, width, x, y).set("class", class));
        x += width + 8.0;
    }
    for (kind, class, label) in [
        (EdgeKind::Build, "build", "for its build script"),
        (EdgeKind::OverHidden, "over-hidden", "by way of crates that are not shown"),
    ] {
        if edges.iter().any(|edge| edge.kind == kind) {
            let line = Path::new().set("d", format!("M{x} {}h32", y + 11.0)).set("class", class);
            group = group.add(line.set("marker-end", "url(#arrow)"));
            group = group.add(Text::new(label).set("x", x + 38.0).set("y", y + 15.0));
            x += text_width(label) + 54.0;
        }
    }
    if is_large {
        let label = "arrows that others imply are left out";
        group = group.add(Text::new(label).set("x", x).set("y", y + 15.0));
        x += text_width(label);
    }
    (group, x)
}

/// A rough upper bound for the width of a text, as fonts differ.
fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 10.5,
        'i' | 'j' | 'l' | '.' | ' ' => 4.5,
        c if c.is_ascii() => 6.8,
        _ => 11.0,
    };
    text.chars().map(width).sum()
}

/// Rounds to a tenth of a pixel, which keeps drawings small and the same on all machines.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
