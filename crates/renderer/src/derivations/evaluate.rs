//! Evaluation of the expressions of a `Cargo.nix` for one pair.

use std::collections::{BTreeMap, BTreeSet};

use crate::nix::{Binding, Nix};

/// Attributes of a set, by name.
pub(super) type Attributes = BTreeMap<String, Nix>;

/// Evaluates a set; `on` has the names of platforms that apply, and lists after other names are empty.
pub(super) fn evaluated(set: &Nix, on: &BTreeSet<String>) -> Attributes {
    let Nix::Set(bindings) = set else { return Attributes::new() };
    bindings.iter().filter_map(|one| Some((one.name.clone()?, value(&one.value, on)))).collect()
}

fn value(nix: &Nix, on: &BTreeSet<String>) -> Nix {
    match nix {
        Nix::List(_) | Nix::Concat(_) => Nix::List(items_of(nix, on)),
        Nix::Apply(parts) if matches!(&parts[..], [Nix::Word(_), Nix::List(_)]) => Nix::List(items_of(nix, on)),
        Nix::Set(bindings) => {
            let bindings = bindings.iter().map(|one| Binding { value: value(&one.value, on), ..one.clone() });
            Nix::Set(bindings.collect())
        }
        other => other.clone(),
    }
}

fn items_of(nix: &Nix, on: &BTreeSet<String>) -> Vec<Nix> {
    match nix {
        Nix::List(items) => items.iter().map(|item| value(item, on)).collect(),
        Nix::Concat(parts) => parts.iter().flat_map(|part| items_of(part, on)).collect(),
        Nix::Apply(parts) => match &parts[..] {
            [Nix::Word(name), list] if on.contains(name.as_ref()) => items_of(list, on),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Items of a list attribute; empty if it does not exist.
pub(super) fn items<'a>(attributes: &'a Attributes, name: &str) -> &'a [Nix] {
    match attributes.get(name) {
        Some(Nix::List(items)) => items,
        _ => &[],
    }
}

/// The strings in a list.
pub(super) fn texts(items: &[Nix]) -> Vec<String> {
    let text = |item: &Nix| match item {
        Nix::Text(text) => Some(text.clone()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Prints one attribute per line, without empty lists.
pub(super) fn printed<'a>(attributes: impl IntoIterator<Item = (&'a String, &'a Nix)>) -> String {
    let told = attributes.into_iter().filter(|(_, value)| !matches!(value, Nix::List(items) if items.is_empty()));
    told.map(|(name, value)| format!("{name} = {}", value.print())).collect()
}

/// Prints renamed dependencies, one package per line, without packages that are not dependencies on this pair.
pub(super) fn renames<'a>(attributes: impl IntoIterator<Item = (&'a String, &'a Nix)>) -> String {
    let sets = attributes.into_iter().filter_map(|(name, value)| match value {
        Nix::Set(bindings) if name == "crateRenames" => Some(bindings),
        _ => None,
    });
    printed(sets.flatten().filter_map(|one| Some((one.name.as_ref()?, &one.value))))
}
