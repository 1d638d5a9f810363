//! Drawings of a graph or of a part of it.
//!
//! A [`View`] selects what is drawn; [`dot`], [`mermaid`], [`json`], [`svg`] and [`html`] write it. Names, features and
//! everything else that comes from packages is treated as hostile: each writer escapes it for its language.
//!
//! Arrows point from a derivation to its dependencies.

mod dot;
mod html;
mod json;
mod layout;
mod mermaid;
mod parts;
mod reduction;
mod sizes;
mod svg;
mod text;
mod view;

pub use crate::draw::dot::dot;
pub use crate::draw::html::html;
pub use crate::draw::json::{JSON_FORMAT, json};
pub use crate::draw::mermaid::mermaid;
pub use crate::draw::svg::svg;
pub use crate::draw::view::{Class, Edge, EdgeKind, View};

/// Default depth of [`View::around`].
pub const DEFAULT_DEPTH: usize = 2;

/// The format of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// [`dot`]
    Dot,
    /// [`mermaid`]
    Mermaid,
    /// [`json`]
    Json,
    /// [`svg`]
    Svg,
    /// [`html`]
    Html,
}

/// A hint for the user if the view is too large for the format.
pub fn hint(view: &View, format: Format, drawing: &str) -> Option<String> {
    let (shown, edges) = (view.shown().len(), view.edges().len());
    let smaller = "`--around CRATE` and `--members` draw less, and `--format html` is made for large graphs";
    match format {
        Format::Svg if shown > svg::MOST_READABLE => {
            Some(format!("a picture of {shown} derivations is hard to read; {smaller}"))
        }
        Format::Mermaid if edges > mermaid::MOST_EDGES || drawing.chars().count() > mermaid::LONGEST_TEXT => {
            Some(format!(
                "GitHub and others do not draw Mermaid diagrams with more than {} edges or {} characters, and this one has {edges} \
             edges and {} characters; {smaller}",
                mermaid::MOST_EDGES,
                mermaid::LONGEST_TEXT,
                drawing.chars().count(),
            ))
        }
        _ => None,
    }
}
