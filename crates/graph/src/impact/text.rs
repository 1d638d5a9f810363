//! Impacts as text for a terminal, and as a comment on a pull request.

use std::fmt::Write;

use crate::impact::report::{
    Cause, FEW, ImpactReport, NixAnswer, causes, chain, crates, duration, list, names, of, percent,
};
use crate::impact::{Cost, Impact, Share};
use crate::model::{Derivation, Kind};

/// A kind of derivations: its name, how many of them are built, and a predicate for it.
type Counted = (&'static str, Share, fn(&Derivation) -> bool);

impl ImpactReport<'_> {
    /// The report for a terminal, with the answer in the first line. `all` lists everything that is rebuilt.
    pub fn text(&self, all: bool) -> String {
        let most = if all { usize::MAX - 1 } else { FEW };
        let impact = self.main();
        let mut text = format!("{}, {}\n", self.answer(), self.change);
        if !impact.changed.is_empty() {
            let mut rows: Vec<(String, String, String)> = Vec::new();
            for (what, share, counts) in self.kinds() {
                let names = list(&names(impact, counts), most);
                rows.push((what.to_owned(), format!("{} of {}", share.changed, share.total), names));
            }
            let longest = impact.longest_chain();
            rows.push(("longest chain".to_owned(), longest.len().to_string(), chain(impact, &longest)));
            if let Some(cost) = &self.cost {
                rows.push(("building".to_owned(), duration(cost.elapsed), building(cost)));
                let longest = &cost.longest_chain;
                rows.push(("slowest chain".to_owned(), duration(longest.seconds), chain(impact, &longest.derivations)));
            }
            let width = rows.iter().map(|(_, count, _)| count.len()).max().unwrap_or_default();
            for (what, count, names) in rows {
                let line = format!("  {what:<14} {count:<width$}  {names}");
                let _ = writeln!(text, "{}", line.trim_end());
            }
            text.push_str("because of\n");
            let causes = causes(impact);
            for Cause { what, why, cone } in causes.iter().take(most) {
                let _ = writeln!(text, "  {what}: {why}; {cone} crate{}", if *cone == 1 { "" } else { "s" });
            }
            if causes.len() > most {
                let _ = writeln!(text, "  and {} more", causes.len() - most);
            }
        }
        if !impact.gone.is_empty() {
            let _ = writeln!(text, "no longer built: {}", list(&impact.gone, most));
        }
        let others = &self.impacts[1..];
        if !others.is_empty() {
            text.push_str("on other platforms\n");
            let width = others.iter().map(|other| other.after.platform.len()).max().unwrap_or_default();
            for other in others {
                let _ = writeln!(
                    text,
                    "  {:<width$}  {}, {}",
                    other.after.platform,
                    crates(other.crates()),
                    of(other.tests(), "test suite")
                );
            }
        }
        text.extend(self.nix.iter().map(|answer| nix(answer, most)));
        for note in &self.notes {
            let _ = writeln!(text, "note: {note}");
        }
        // File names are untrusted, and a terminal obeys control characters in them.
        text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
    }

    /// The report as a comment on a pull request: the answer, a table of platforms, and folded details.
    pub fn markdown(&self) -> String {
        let impact = self.main();
        let mut text = format!("**{}**, {}.\n", self.answer(), escaped(&self.change));
        if !self.is_empty() {
            text.push_str(
                "\n| platform | crates | members | dependencies | test suites |\n| --- | --- | --- | --- | --- |\n",
            );
            for impact in &self.impacts {
                let cell = |share: Share| format!("{} of {}", share.changed, share.total);
                let _ = writeln!(
                    text,
                    "| {} | {} ({}) | {} | {} | {} |",
                    escaped(&impact.after.platform),
                    cell(impact.crates()),
                    percent(impact.crates()),
                    cell(impact.members()),
                    cell(impact.dependencies()),
                    cell(impact.tests()),
                );
            }
        }
        if !impact.changed.is_empty() {
            text.push_str("\nBecause of\n\n");
            let causes = causes(impact);
            for Cause { what, why, cone } in causes.iter().take(FEW) {
                let crates = if *cone == 1 { "crate" } else { "crates" };
                let _ = writeln!(text, "- {}: {} ({cone} {crates})", escaped(what), escaped(why));
            }
            if causes.len() > FEW {
                let _ = writeln!(text, "- and {} more", causes.len() - FEW);
            }
            let _ =
                writeln!(text, "\n<details><summary>What is built on {}</summary>\n", escaped(&impact.after.platform));
            for (what, share, counts) in self.kinds() {
                if share.changed > 0 {
                    let names = names(impact, counts).iter().map(|name| escaped(name)).collect::<Vec<_>>().join(", ");
                    let _ = writeln!(text, "**{}** ({}): {names}\n", capital(what), share.changed);
                }
            }
            let longest = impact.longest_chain();
            let _ = writeln!(text, "**Longest chain** ({}): {}\n", longest.len(), escaped(&chain(impact, &longest)));
            if let Some(cost) = &self.cost {
                let slowest = chain(impact, &cost.longest_chain.derivations);
                let slowest = format!("{}: {slowest}", duration(cost.longest_chain.seconds));
                let _ = writeln!(
                    text,
                    "**Building**: {} {}\n\n**Slowest chain** {}\n",
                    duration(cost.elapsed),
                    building(cost),
                    escaped(&slowest)
                );
            }
            if !impact.gone.is_empty() {
                let _ = writeln!(text, "**No longer built**: {}\n", escaped(&impact.gone.join(", ")));
            }
            text.push_str("</details>\n");
        }
        let asked = self.nix.iter().map(|answer| nix(answer, FEW));
        for note in asked.chain(self.notes.iter().cloned()) {
            let _ = writeln!(text, "\n> {}", escaped(note.trim_end()));
        }
        text
    }

    /// The answer: `13 of 504 crates (2.6 %) and 2 of 46 test suites are built again on x86_64-unknown-linux-gnu`.
    pub fn answer(&self) -> String {
        let impact = self.main();
        let platform = &impact.after.platform;
        if self.is_empty() {
            return format!("nothing is built again: 0 of {} crates on {platform}", impact.crates().total);
        }
        let takes = self.cost.iter().map(|cost| format!(" in about {}", duration(cost.elapsed))).collect::<String>();
        let tests = of(impact.tests(), "test suite");
        format!("{} and {tests} are built again on {platform}{takes}", crates(impact.crates()))
    }

    fn kinds(&self) -> [Counted; 3] {
        let impact: &Impact<'_> = self.main();
        [
            ("members", impact.members(), |one| one.kind == Kind::Crate && one.is_member),
            ("dependencies", impact.dependencies(), |one| one.kind == Kind::Crate && !one.is_member),
            ("test suites", impact.tests(), |one| one.kind == Kind::Tests),
        ]
    }
}

/// `with 4 jobs, 85 s one after the other; 3 of them were not measured`
fn building(cost: &Cost) -> String {
    let jobs = if cost.jobs.get() == 1 { "with 1 job".to_owned() } else { format!("with {} jobs", cost.jobs) };
    let assumed = match cost.n_assumed {
        0 => String::new(),
        1 => "; 1 derivation was not measured, and counts as the median of the others".to_owned(),
        some => format!("; {some} derivations were not measured, and count as the median of the others"),
    };
    format!("{jobs}, {} one after the other{assumed}", duration(cost.work))
}

/// Whether Nix agrees with the prediction, and the differences if not.
fn nix(answer: &NixAnswer, most: usize) -> String {
    let NixAnswer { platform, changed, only_predicted, only_nix } = answer;
    let derivations = format!("{changed} derivation{}", if *changed == 1 { "" } else { "s" });
    let mut text = match answer.agrees() {
        true => format!("Nix agrees: {derivations} on {platform}\n"),
        false => format!("Nix differs: {derivations} on {platform}\n"),
    };
    for (what, ids) in
        [("predicted, but unchanged in Nix", only_predicted), ("changed in Nix, but not predicted", only_nix)]
    {
        if !ids.is_empty() {
            let _ = writeln!(text, "  {what}: {}", list(ids, most));
        }
    }
    text
}

fn capital(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

/// Escapes Markdown, HTML and mentions, as names of crates, files and revisions are untrusted.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => escaped.extend(['\\', c]),
            // Mentions are expanded after escapes and entities, so a zero-width space has to separate the name.
            '@' => escaped.push_str("@&#8203;"),
            '\n' | '\r' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use crate::impact::{Impact, ImpactReport};
    use crate::model::{Derivation, DerivationGraph};

    #[test]
    fn control_characters_in_file_names_are_replaced() {
        let graph = |derivations| DerivationGraph { platform: "linux".to_owned(), derivations };
        let after = graph(vec![Derivation::new("a", "1.0.0")]);
        let impacts = vec![Impact::new(&graph(Vec::new()), &after)];
        let change = "if \u{1b}[31mx\u{7}.rs is edited".to_owned();
        let notes = vec!["no package is built from \r\u{9b}x".to_owned()];
        let text = ImpactReport { change, impacts, notes, nix: None, cost: None }.text(true);
        assert!(text.contains("if \u{fffd}[31mx\u{fffd}.rs is edited\n"), "{text:?}");
        assert!(text.ends_with("note: no package is built from \u{fffd}\u{fffd}x\n"), "{text:?}");
    }

    #[test]
    fn names_are_escaped_in_markdown() {
        assert_eq!(escaped("a|b <img> @team `x`\n[l](u)"), "a\\|b &lt;img&gt; @&#8203;team \\`x\\` \\[l\\](u)");
    }
}
