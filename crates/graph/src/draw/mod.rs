//! Drawings of a graph or a part of it.
//!
//! A [`View`] is what is drawn; [`dot`], [`mermaid`], [`json`], [`svg`] and [`html`] write it. Names, features and
//! all else that comes from packages is taken as hostile: each writer escapes it for its language.
//!
//! Arrows lead from a derivation to what it depends on.

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

/// How far [`View::around`] goes unless told otherwise.
pub const DEFAULT_DEPTH: usize = 2;

/// A kind of drawing.
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

/// What to tell a user who has a view drawn that is too large for the format, if it is.
pub fn hint(view: &View, format: Format, drawing: &str) -> Option<String> {
    let (shown, edges) = (view.shown().len(), view.edges().len());
    let smaller = "`--around CRATE` and `--members` draw less, and `--format html` is made for large graphs";
    match format {
        Format::Svg if shown > svg::MOST_READABLE => {
            Some(format!("a picture of {shown} derivations is hard to read; {smaller}"))
        }
        Format::Mermaid if edges > mermaid::MOST_EDGES || drawing.chars().count() > mermaid::LONGEST_TEXT => {
            Some(format!(
                "GitHub and others draw no Mermaid diagram of more than {} edges or {} characters, and this one has {edges} \
             edges and {} characters; {smaller}",
                mermaid::MOST_EDGES,
                mermaid::LONGEST_TEXT,
                drawing.chars().count(),
            ))
        }
        _ => None,
    }
}
