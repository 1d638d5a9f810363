//! Why a derivation is built: the paths from members to it, what all of them share, and what is built several times.

mod cut;
mod duplicates;
mod paths;
mod roles;
#[cfg(test)]
mod tests;

pub use crate::why::cut::{Cut, cut};
pub use crate::why::duplicates::{Difference, Duplicate, Other, compared, differences, duplicates};
pub use crate::why::paths::{Edge, Paths, Start, entry_edges, shortest_paths};
pub use crate::why::roles::{Entry, Roles, entries, roles};
