//! Texts that several drawing formats share.

use crate::draw::view::{Class, View};
use crate::model::{Derivation, DerivationIx};

/// Replaces control characters, which XML does not allow and terminals obey, and characters that change the direction
/// of text or end a line.
pub(super) fn printable(text: &str) -> String {
    let is_unfit = |c: char| {
        c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if is_unfit(c) { '\u{fffd}' } else { c }).collect()
}

/// The classes of the derivations in a view, in order.
pub(super) fn classes(view: &View) -> Vec<Class> {
    let mut classes: Vec<Class> = view.shown().iter().map(|&ix| Class::of(&view.graph().derivations[ix])).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// The description of a class in a legend.
pub(super) fn legend(class: Class) -> &'static str {
    match class {
        Class::Member => "member",
        Class::Dependency => "dependency",
        Class::Host => "for the build platform",
        Class::Tests => "tests",
    }
}

/// Details of a derivation in addition to its label, on one line.
pub(super) fn details(view: &View, ix: DerivationIx) -> String {
    let derivation = &view.graph().derivations[ix];
    let mut details = vec![derivation.label(), origin(derivation)];
    if !derivation.features.is_empty() {
        details.push(format!("features: {}", derivation.features.join(" ")));
    }
    if let Some(seconds) = view.seconds(ix) {
        details.push(format!("{seconds:.1} s"));
    }
    details.retain(|detail| !detail.is_empty());
    printable(&details.join("; "))
}

fn origin(derivation: &Derivation) -> String {
    match (&derivation.source, &derivation.dir) {
        (Some(source), _) => source.clone(),
        (None, Some(dir)) if dir.is_empty() => "the workspace root".to_owned(),
        (None, Some(dir)) => dir.clone(),
        (None, None) => String::new(),
    }
}
