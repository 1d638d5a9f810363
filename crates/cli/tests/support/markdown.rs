//! Markdown of this repository, as mdBook and forges read it.

use std::collections::BTreeSet;
use std::fs;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A file.
#[derive(Debug, Default)]
pub struct Page {
    /// Where it is in the repository.
    pub path: String,
    /// The ids of its headings, to which links lead.
    pub ids: BTreeSet<String>,
    /// Where its links and images lead.
    pub links: Vec<String>,
    /// Its code.
    pub blocks: Vec<Block>,
}

/// Code between fences.
#[derive(Debug, Clone)]
pub struct Block {
    /// The line of the first fence, from 1.
    pub line: usize,
    /// What follows the first fence, such as `console`.
    pub info: String,
    /// The code.
    pub code: String,
}

/// All Markdown of the repository, fixtures included.
pub fn pages() -> Vec<Page> {
    let root = super::repository();
    let read = |path: std::path::PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
        page(name, &fs::read_to_string(&path).unwrap())
    };
    super::files("md").into_iter().map(read).collect()
}

/// What a text has.
pub fn page(path: &str, text: &str) -> Page {
    let mut page = Page { path: path.to_owned(), ..Page::default() };
    let (mut heading, mut block) = (None, None);
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let id = id(&heading.take().unwrap_or_default());
                let taken = (1..).map(|count| format!("{id}-{count}"));
                let free = std::iter::once(id.clone()).chain(taken).find(|id| !page.ids.contains(id));
                page.ids.extend(free);
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let line = text[..range.start].matches('\n').count() + 1;
                block = Some(Block { line, info: info.into_string(), code: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => page.blocks.extend(block.take()),
            Event::Text(text) | Event::Code(text) => {
                let into = heading.as_mut().or(block.as_mut().map(|block| &mut block.code));
                into.into_iter().for_each(|into| into.push_str(&text));
            }
            _ => {}
        }
    }
    page
}

/// The id of a heading.
fn id(heading: &str) -> String {
    let letters = heading.trim().to_lowercase();
    let letters = letters.chars().map(|letter| if letter.is_whitespace() { '-' } else { letter });
    letters.filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect()
}
