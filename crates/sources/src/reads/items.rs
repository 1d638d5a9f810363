//! Items and their attributes, in a stream of tokens: which of them a build does not compile, and which modules they
//! declare.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::tokens::string;

/// Conditions that no build of a package meets.
const NOT_BUILT: [&str; 5] = ["test", "doctest", "doc", "docsrs", "miri"];

/// The attributes that begin at a token, and where the item begins behind them.
pub(super) fn attributes(trees: &[TokenTree], from: usize) -> (Vec<&Group>, usize) {
    let mut attributes = Vec::new();
    let mut at = from;
    while let [TokenTree::Punct(hash), TokenTree::Group(group), ..] = &trees[at..]
        && hash.as_char() == '#'
    {
        attributes.push(group);
        at += 2;
    }
    (attributes, at)
}

/// Whether an attribute keeps its item out of a build: `cfg(test)` and the like, or `test` itself.
pub(super) fn is_not_built(attribute: &Group) -> bool {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &trees[..] {
        [TokenTree::Ident(name), TokenTree::Group(condition)] if name == "cfg" => is_for_tests(condition.stream()),
        // `#[test]`, `#[tokio::test(...)]`
        [path @ .., TokenTree::Ident(name)] | [path @ .., TokenTree::Ident(name), TokenTree::Group(_)] => {
            let is_path = |tree: &TokenTree| matches!(tree, TokenTree::Ident(_) | TokenTree::Punct(_));
            ["test", "bench", "rstest", "test_case"].iter().any(|test| name == test) && path.iter().all(is_path)
        }
        _ => false,
    }
}

/// `test`, `all(test, ...)`, or `any(test, doctest)`.
pub(super) fn is_for_tests(condition: TokenStream) -> bool {
    let trees: Vec<TokenTree> = condition.into_iter().collect();
    let parts = |group: &Group| -> Vec<TokenStream> {
        let trees: Vec<TokenTree> = group.stream().into_iter().collect();
        let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(comma) if comma.as_char() == ',');
        trees.split(is_comma).filter(|part| !part.is_empty()).map(|part| part.iter().cloned().collect()).collect()
    };
    match &trees[..] {
        [TokenTree::Ident(word)] => NOT_BUILT.iter().any(|not_built| word == not_built),
        [TokenTree::Ident(word), TokenTree::Group(all)] if word == "all" => parts(all).into_iter().any(is_for_tests),
        [TokenTree::Ident(word), TokenTree::Group(any)] if word == "any" => {
            let parts = parts(any);
            !parts.is_empty() && parts.into_iter().all(is_for_tests)
        }
        _ => false,
    }
}

/// Where the item ends that begins at a token.
pub(super) fn end_of_item(trees: &[TokenTree], from: usize) -> usize {
    // Fields and variants end at a comma, items do not.
    const ITEMS: [&str; 11] = ["fn", "mod", "impl", "struct", "enum", "use", "const", "static", "trait", "type", "let"];
    let mut in_item = false;
    for (at, tree) in trees.iter().enumerate().skip(from) {
        match tree {
            TokenTree::Ident(word) => in_item |= ITEMS.iter().any(|item| word == item),
            TokenTree::Punct(end) if end.as_char() == ';' => return at + 1,
            TokenTree::Punct(end) if end.as_char() == ',' && !in_item => return at + 1,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => return at + 1,
            _ => {}
        }
    }
    trees.len()
}

/// Whether a source declares a module, and whether it does so for tests alone: one within the modules with a body that
/// are named before it, or one whose `#[path]` is a file of this name.
pub(super) fn declares(tokens: TokenStream, modules: &[&str], file: &str) -> Option<bool> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut declarations = Vec::new();
    let (mut for_tests, mut path) = (false, None);
    let mut at = 0;
    while at < trees.len() {
        match &trees[at..] {
            [TokenTree::Punct(hash), TokenTree::Group(_), ..] if hash.as_char() == '#' => {
                let (attributes, end) = attributes(&trees, at);
                for_tests = attributes.iter().any(|attribute| is_not_built(attribute));
                path = attributes.iter().find_map(|attribute| path_of(attribute));
                at = end;
            }
            [TokenTree::Ident(word), TokenTree::Ident(name), end, ..] if word == "mod" => {
                let name = name.to_string();
                let is_first = modules.first() == Some(&name.trim_start_matches("r#"));
                match end {
                    TokenTree::Group(body) if is_first && modules.len() > 1 => {
                        let within = declares(body.stream(), &modules[1..], file);
                        declarations.extend(within.map(|within| within || for_tests));
                    }
                    TokenTree::Punct(_) => {
                        let is_it = match &path {
                            Some(path) => path.rsplit('/').next() == Some(file),
                            None => is_first && modules.len() == 1,
                        };
                        declarations.extend(is_it.then_some(for_tests));
                    }
                    _ => {}
                }
                (for_tests, path) = (false, None);
                at += 3;
            }
            [TokenTree::Punct(end), ..] if end.as_char() == ';' => {
                (for_tests, path) = (false, None);
                at += 1;
            }
            [TokenTree::Group(body), ..] if body.delimiter() == Delimiter::Brace => {
                (for_tests, path) = (false, None);
                at += 1;
            }
            _ => at += 1,
        }
    }
    (!declarations.is_empty()).then(|| declarations.into_iter().all(|for_tests| for_tests))
}

/// `path = "..."`
pub(super) fn path_of(attribute: &Group) -> Option<String> {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &trees[..] {
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(text)] if name == "path" => string(text),
        _ => None,
    }
}
