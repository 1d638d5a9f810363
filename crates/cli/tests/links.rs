//! Relative links of all Markdown in this repository lead to files, pages and headings that exist. Other links are not
//! followed. `dev/book` checks the links of the built book.

use std::collections::{BTreeMap, BTreeSet};

use crate::support;
use crate::support::markdown::{self, Page};

const BOOK: &str = "docs/src/";
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// What is wrong with the links of pages, where there are these files.
fn faults(pages: Vec<Page>, files: &BTreeSet<String>) -> Vec<String> {
    let pages: BTreeMap<String, Page> = pages.into_iter().map(|page| (page.path.clone(), page)).collect();
    let chapters: BTreeSet<String> = pages[SUMMARY].links.iter().map(|link| beside(SUMMARY, link)).collect();
    let left_out = pages.keys().filter(|path| path.starts_with(BOOK) && *path != SUMMARY && !chapters.contains(*path));
    let mut faults: Vec<String> = left_out.map(|path| format!("{path} is not in SUMMARY.md")).collect();
    for page in pages.values() {
        for link in relative(page) {
            let (place, id) = link.split_once('#').unwrap_or((link, ""));
            let target = if place.is_empty() { page.path.clone() } else { beside(&page.path, place) };
            let below = format!("{target}/");
            let is_there = files.contains(&target) || files.iter().any(|file| file.starts_with(&below));
            let fault = if !is_there {
                "which does not exist"
            } else if page.path.starts_with(BOOK) && !target.starts_with(BOOK) {
                "which is not in the book"
            } else if !id.is_empty() && pages.get(&target).is_none_or(|page| !page.ids.contains(id)) {
                "where no heading has this id"
            } else {
                continue;
            };
            faults.push(format!("{} links to `{link}`, {fault}", page.path));
        }
    }
    faults
}

/// Links that stay in the repository.
fn relative(page: &Page) -> impl Iterator<Item = &str> {
    page.links.iter().map(String::as_str).filter(|link| !link.contains("://") && !link.starts_with("mailto:"))
}

/// Where a link of a file leads.
fn beside(file: &str, link: &str) -> String {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in link.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

#[test]
#[expect(clippy::print_stdout, reason = "how many links were looked at is a result")]
fn links_lead_to_what_exists() {
    let root = support::repository();
    let name = |path: std::path::PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    let files: BTreeSet<String> = support::tracked().into_iter().map(name).collect();
    let pages = markdown::pages();
    let links: usize = pages.iter().map(|page| relative(page).count()).sum();
    println!("{links} relative links of {} files", pages.len());
    assert!(links > 200, "{links} links");
    let faults = faults(pages, &files);
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn links_to_nothing_are_found() {
    let texts = [
        (
            "README.md",
            "# Read `me`!\n[a](docs/src/a.md#one-1) [b](#read-me) [c](docs) [d](gone.md) [e](docs/src/a.md#two)",
        ),
        (SUMMARY, "[A](a.md)"),
        (
            "docs/src/a.md",
            "# One\n# One\n| a |\n| --- |\n| [r](../../README.md) |\n\n![p](p.png) [b](b.md) <https://a.b>",
        ),
        ("docs/src/b.md", "```text\n[code](gone.md)\n```\n"),
    ];
    let pages = texts.map(|(path, text)| markdown::page(path, text));
    let files = texts.map(|(path, _)| path.to_owned()).into_iter().collect();
    assert_eq!(
        faults(pages.into(), &files),
        [
            "docs/src/b.md is not in SUMMARY.md",
            "README.md links to `gone.md`, which does not exist",
            "README.md links to `docs/src/a.md#two`, where no heading has this id",
            "docs/src/a.md links to `../../README.md`, which is not in the book",
            "docs/src/a.md links to `p.png`, which does not exist",
        ]
    );
}
