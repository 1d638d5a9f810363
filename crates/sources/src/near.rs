//! Names in messages: lists of them, and suggestions for misspelt ones.

/// Maximum number of suggestions.
const SHOWN: usize = 5;

/// Minimum similarity of two names, from 0 to 1.
const CUTOFF: f32 = 0.6;

/// Help for the name of a crate that is similar to none.
pub const ALL_CRATES: &str = "run `cargo tree --workspace --target all` to see all crates";

/// The known names that are most similar to `name`, best match first. Case makes no difference, and a part of a name
/// between `-` or `_` is enough: `core` is similar to `serde_core`.
pub fn near_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut by_lower: Vec<(String, &str)> = known.into_iter().map(|known| (known.to_lowercase(), known)).collect();
    by_lower.sort_unstable();
    by_lower.dedup();
    let has_part = |lower: &str| lower.split(['-', '_']).any(|part| part == wanted);
    let (mut parts, others): (Vec<_>, Vec<_>) = by_lower.into_iter().partition(|(lower, _)| has_part(lower));
    // The name itself is its only part, so it is the shortest.
    parts.sort_by_key(|(lower, _)| lower.len());
    let lower: Vec<&str> = others.iter().map(|(lower, _)| lower.as_str()).collect();
    let close = similar::get_close_matches(wanted.as_str(), &lower, SHOWN, CUTOFF);
    let close = close.iter().flat_map(|close| others.iter().filter(move |(lower, _)| lower == close));
    let mut near: Vec<&str> = parts.iter().chain(close).map(|(_, known)| *known).collect();
    near.truncate(SHOWN);
    near
}

/// Whether `name` is a misspelling of `of`: another name in which at most one character in six differs.
pub fn is_misspelt(name: &str, of: &str) -> bool {
    name != of && similar::get_close_matches(name.to_lowercase().as_str(), &[of], 1, 0.85).len() == 1
}

/// What to write instead of `name`: the most similar known names, or any of them.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    near_or(name, known.iter().copied(), || format!("write {}", alternatives(&known)))
}

/// Help with the known names that are most similar to `name`, or other help if none is.
pub fn near_or<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, otherwise: impl FnOnce() -> String) -> String {
    match &near_names(name, known)[..] {
        [] => otherwise(),
        near => format!("did you mean {}?", alternatives(near)),
    }
}

/// Quoted names for a message: `a`, `b` or `c`.
pub fn alternatives(names: &[&str]) -> String {
    listed(names, "or")
}

/// Each name in backquotes.
pub fn quoted(names: &[impl AsRef<str>]) -> Vec<String> {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect()
}

/// Quoted names with a word before the last one.
pub fn listed(names: &[impl AsRef<str>], word: &str) -> String {
    match &quoted(names)[..] {
        [first @ .., last] if !first.is_empty() => format!("{} {word} {last}", first.join(", ")),
        all => all.concat(),
    }
}

/// Help that lists the names that exist.
pub fn choices(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => "there is none".to_owned(),
        [only] => format!("the only one is `{}`", only.as_ref()),
        all => format!("name one of {}", quoted(all).join(", ")),
    }
}

/// Help with the most similar of the names that exist, or with all of them.
pub fn near_choices(name: &str, known: &[&str]) -> String {
    near_or(name, known.iter().copied(), || choices(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_similar_name_comes_first() {
        let known = ["syn", "serde", "tokio", "serde_json", "serde"];
        assert_eq!(near_names("sered", known), ["serde"]);
        assert_eq!(near_names("serde-json", known), ["serde_json", "serde"]);
        assert_eq!(near_names("quote", known), [] as [&str; 0]);
    }

    #[test]
    fn parts_of_names_match_and_case_does_not_matter() {
        let known = ["core2", "serde", "Serde_core", "proc-macro2", "serde_json", "tracing-core", "Inflector"];
        assert_eq!(near_names("core", known), ["Serde_core", "tracing-core", "core2"]);
        assert_eq!(near_names("proc", known), ["proc-macro2"]);
        assert_eq!(near_names("SERDE", known), ["serde", "Serde_core", "serde_json"]);
        assert_eq!(near_names("inflector", known), ["Inflector"]);
        assert_eq!(near_names("oc", known), [] as [&str; 0]);
        let many: Vec<String> = (0..9).map(|ix| format!("core-{ix}")).collect();
        assert_eq!(near_names("core", many.iter().map(String::as_str)).len(), SHOWN);
    }

    #[test]
    fn misspelt_names_are_nearly_the_same() {
        let misspelt = ["cratewrite", "crate-wright", "cratewrigth", "Cratewright", "cratewrght", "crate_wright"];
        assert_eq!(misspelt.map(|name| is_misspelt(name, "cratewright")), [true; 6]);
        let others = ["cratewright", "crate2nix", "crane", "cargo-wright", "wright", "crates", "playwright"];
        assert_eq!(others.map(|name| is_misspelt(name, "cratewright")), [false; 7]);
    }

    #[test]
    fn suggestion_is_a_similar_name_or_all_names() {
        assert_eq!(suggestion("sered", ["serde", "syn"]), "did you mean `serde`?");
        assert_eq!(suggestion("quote", ["serde", "syn"]), "write `serde` or `syn`");
    }

    #[test]
    fn alternatives_are_joined_with_or() {
        assert_eq!(alternatives(&["a"]), "`a`");
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
    }

    #[test]
    fn one_choice_is_not_a_list() {
        assert_eq!(choices(&["a", "b"]), "name one of `a`, `b`");
        assert_eq!(choices(&["a"]), "the only one is `a`");
        assert_eq!(near_choices("app", &["apps", "tool"]), "did you mean `apps`?");
        assert_eq!(near_choices("x", &["apps", "tool"]), "name one of `apps`, `tool`");
    }
}
