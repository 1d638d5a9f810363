//! Names that are nearly what somebody typed.

/// How many names are shown.
const SHOWN: usize = 5;

/// How much of two names must be the same.
const CUTOFF: f32 = 0.6;

/// Those of the known names that are most like `name`, nearest ones first.
pub fn near_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    similar::get_close_matches(name, &known, SHOWN, CUTOFF)
}

/// Names for a message: `a`, `b` or `c`.
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
    fn names_that_are_near_come_nearest_first() {
        let known = ["syn", "serde", "tokio", "serde_json", "serde"];
        assert_eq!(near_names("sered", known), ["serde"]);
        assert_eq!(near_names("serde-json", known), ["serde_json", "serde"]);
        assert_eq!(near_names("quote", known), [] as [&str; 0]);
    }

    #[test]
    fn names_are_told_as_a_choice() {
        assert_eq!(alternatives(&["a"]), "`a`");
        assert_eq!(alternatives(&["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
