//! Items and their attributes in a token stream: which ones a build does not compile, and which modules they declare.

use cargo_platform::CfgExpr;
use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};
use syn::Lit;

use super::condition;

/// The attributes that begin at `from`, and the index of the item after them.
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

/// The condition that an attribute puts on its item: `cfg(...)`. Test functions are in no build.
pub(super) fn condition_of(attribute: &Group) -> CfgExpr {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &trees[..] {
        [TokenTree::Ident(name), TokenTree::Group(condition)] if name == "cfg" => condition::parse(&condition.stream()),
        // `#[test]`, `#[tokio::test(...)]`
        [path @ .., TokenTree::Ident(name)] | [path @ .., TokenTree::Ident(name), TokenTree::Group(_)] => {
            let is_path = |tree: &TokenTree| matches!(tree, TokenTree::Ident(_) | TokenTree::Punct(_));
            let is_test = ["test", "bench", "rstest", "test_case"].iter().any(|test| name == test);
            if is_test && path.iter().all(is_path) { CfgExpr::False } else { CfgExpr::True }
        }
        _ => CfgExpr::True,
    }
}

/// The conjunction of the conditions of all attributes of an item.
pub(super) fn condition_of_all(attributes: &[&Group]) -> CfgExpr {
    attributes.iter().map(|attribute| condition_of(attribute)).fold(CfgExpr::True, condition::both)
}

/// Index after the end of the item that begins at `from`.
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

/// The condition under which a source declares a module: the module path `modules`, or one whose `#[path]` is a file
/// called `file`. `None` if it does not declare the module.
pub(super) fn declares(tokens: TokenStream, modules: &[&str], file: &str) -> Option<CfgExpr> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut declarations = Vec::new();
    let (mut condition, mut path) = (CfgExpr::True, None);
    let mut at = 0;
    while at < trees.len() {
        match &trees[at..] {
            [TokenTree::Punct(hash), TokenTree::Group(_), ..] if hash.as_char() == '#' => {
                let (attributes, end) = attributes(&trees, at);
                condition = condition_of_all(&attributes);
                path = attributes.iter().find_map(|attribute| path_of(attribute));
                at = end;
            }
            [TokenTree::Ident(word), TokenTree::Ident(name), end, ..] if word == "mod" => {
                let name = name.to_string();
                let is_first = modules.first() == Some(&name.trim_start_matches("r#"));
                match end {
                    TokenTree::Group(body) if is_first && modules.len() > 1 => {
                        let within = declares(body.stream(), &modules[1..], file);
                        declarations.extend(within.map(|within| condition::both(condition.clone(), within)));
                    }
                    TokenTree::Punct(_) => {
                        let is_it = match &path {
                            Some(path) => path.rsplit('/').next() == Some(file),
                            None => is_first && modules.len() == 1,
                        };
                        declarations.extend(is_it.then(|| condition.clone()));
                    }
                    _ => {}
                }
                (condition, path) = (CfgExpr::True, None);
                at += 3;
            }
            [TokenTree::Punct(end), ..] if end.as_char() == ';' => {
                (condition, path) = (CfgExpr::True, None);
                at += 1;
            }
            [TokenTree::Group(body), ..] if body.delimiter() == Delimiter::Brace => {
                (condition, path) = (CfgExpr::True, None);
                at += 1;
            }
            _ => at += 1,
        }
    }
    (!declarations.is_empty()).then_some(CfgExpr::Any(declarations))
}

/// The value of the attribute `path = "..."`.
pub(super) fn path_of(attribute: &Group) -> Option<String> {
    let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &trees[..] {
        [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(text)] if name == "path" => string(text),
        _ => None,
    }
}

/// The value of a string literal.
pub(super) fn string(literal: &Literal) -> Option<String> {
    match Lit::new(literal.clone()) {
        Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}
