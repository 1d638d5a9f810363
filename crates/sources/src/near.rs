//! Suggestions for misspelt names.

/// Maximum number of suggestions.
const SHOWN: usize = 5;

/// Minimum similarity of two names, from 0 to 1.
const CUTOFF: f32 = 0.6;

/// The known names that are most similar to `name`, best match first.
pub fn near_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    similar::get_close_matches(name, &known, SHOWN, CUTOFF)
}

/// Quoted names for a message: `a`, `b` or `c`.
pub fn alternatives(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match &quoted[..] {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        all => all.concat(),
    }
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
    fn alternatives_are_joined_with_or() {
        assert_eq!(alternatives(&["a"]), "`a`");
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
