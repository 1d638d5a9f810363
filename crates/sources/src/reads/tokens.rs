//! Scanner of Rust sources as token streams: calls that read files are often inside of other macros, which a syntax
//! tree does not show.

use cargo_platform::CfgExpr;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::items::{attributes, condition_of, condition_of_all, end_of_item, path_of, string};
use super::workspace_macros::{GIT_MACROS, QUERY_MACROS};
use super::{At, Scanner, WORKSPACE_DIR, children_of, condition, files_of, is_too_deep};
use crate::path::WsPath;

/// Macros whose strings are not paths, except in nested macro calls.
pub(super) const TEXTS: [&str; 38] = [
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "cfg",
    "compile_error",
    "concat",
    "dbg",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "ensure",
    "env",
    "eprint",
    "eprintln",
    "error",
    "expect",
    "format",
    "format_args",
    "info",
    "json",
    "matches",
    "option_env",
    "panic",
    "print",
    "println",
    "quote",
    "stringify",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];

/// Scans a source file. `children` is the directory of its modules if the file is outside of the package, so that they
/// are outside as well.
pub(super) fn scan(scanner: &mut Scanner<'_>, file: &WsPath, children: Option<&WsPath>, text: &str) {
    match parsed(text) {
        Parsed::Tokens(tokens) => look_through(scanner, file, children, tokens),
        Parsed::TooDeep => scanner.unresolved_depth(file),
        Parsed::NoRust => {}
    }
}

/// The result of tokenizing a source.
pub(super) enum Parsed {
    Tokens(TokenStream),
    TooDeep,
    /// The file is not valid Rust; the compiler reports that.
    NoRust,
}

pub(super) fn parsed(text: &str) -> Parsed {
    match without_shebang(text.trim_start_matches('\u{feff}')).parse::<TokenStream>() {
        Ok(tokens) if is_too_deep(tokens.clone()) => Parsed::TooDeep,
        Ok(tokens) => Parsed::Tokens(tokens),
        Err(_) => Parsed::NoRust,
    }
}

/// Scans the tokens of a source file, as [`scan`] does.
pub(super) fn look_through(scanner: &mut Scanner<'_>, file: &WsPath, children: Option<&WsPath>, tokens: TokenStream) {
    let walk = Walk {
        scanner,
        file,
        children: children.cloned().unwrap_or_else(|| children_of(file)),
        follow: children.is_some(),
        inline: Vec::new(),
    };
    { walk }.stream(tokens);
}

/// The text without a shebang line; `#![...]` is not one.
pub(super) fn without_shebang(text: &str) -> &str {
    if text.starts_with("#!") && !text[2..].trim_start().starts_with('[') {
        return text.find('\n').map_or("", |end| &text[end..]);
    }
    text
}

struct Walk<'a, 's, 't> {
    scanner: &'s mut Scanner<'t>,
    file: &'a WsPath,
    /// Directory of the file's modules.
    children: WsPath,
    /// Whether the modules are outside of the package, as the file is.
    follow: bool,
    /// Directories of the enclosing modules with a body.
    inline: Vec<WsPath>,
}

/// The value of a `#[path]`.
struct ModulePath {
    path: String,
    /// Whether it is inside of `cfg_attr`, so that the module may also be at its default place.
    is_conditional: bool,
}

/// Attributes whose strings are never files of the build.
pub(super) const WITHOUT_FILES: [&str; 26] = [
    "allow",
    "arg",
    "argh",
    "builder",
    "cfg",
    "clap",
    "command",
    "default",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "error",
    "expect",
    "forbid",
    "must_use",
    "path",
    "schemars",
    "serde",
    "structopt",
    "strum",
    "tracing",
    "instrument",
    "utoipa",
    "value",
    "warn",
];

impl<'a> Walk<'a, '_, '_> {
    fn at(&self, line: usize) -> At<'a> {
        At { file: self.file, line }
    }

    fn stream(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        self.trees(&trees, Vec::new());
    }

    /// Scans items; `paths` are the `#[path]`s of the first one.
    fn trees(&mut self, trees: &[TokenTree], mut paths: Vec<ModulePath>) {
        let outer = self.scanner.condition.clone();
        let mut at = 0;
        while at < trees.len() {
            match &trees[at..] {
                [TokenTree::Punct(hash), TokenTree::Group(_), ..] if hash.as_char() == '#' => {
                    let (attributes, item) = attributes(trees, at);
                    paths.clear();
                    let condition = condition_of_all(&attributes);
                    at = if condition == CfgExpr::True { item } else { end_of_item(trees, item) };
                    if condition::is_built(&condition) {
                        let around = self.scanner.under(condition);
                        for attribute in attributes {
                            self.attribute(attribute, false, &mut paths);
                        }
                        if at > item {
                            self.trees(&trees[item..at], std::mem::take(&mut paths));
                        }
                        self.scanner.condition = around;
                    }
                }
                [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(group), ..]
                    if hash.as_char() == '#' && bang.as_char() == '!' =>
                {
                    at += 3;
                    // An inner attribute applies to everything around it.
                    let condition = condition_of(group);
                    if !condition::is_built(&condition) {
                        break;
                    }
                    self.scanner.under(condition);
                    self.attribute(group, false, &mut Vec::new());
                }
                [TokenTree::Ident(word), TokenTree::Ident(name), end, ..] if word == "mod" => {
                    at += 3;
                    self.module(&name.to_string(), &std::mem::take(&mut paths), end);
                }
                [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(group), ..]
                    if bang.as_char() == '!' =>
                {
                    at += 3;
                    self.call(&name.to_string(), group);
                }
                [TokenTree::Group(group), ..] => {
                    at += 1;
                    self.stream(group.stream());
                }
                [TokenTree::Punct(end), ..] if end.as_char() == ';' => {
                    at += 1;
                    paths.clear();
                }
                _ => at += 1,
            }
        }
        self.scanner.condition = outer;
    }

    fn attribute(&mut self, attribute: &Group, is_conditional: bool, paths: &mut Vec<ModulePath>) {
        if let Some(path) = path_of(attribute) {
            paths.push(ModulePath { path, is_conditional });
            return;
        }
        let trees: Vec<TokenTree> = attribute.stream().into_iter().collect();
        match &trees[..] {
            [TokenTree::Ident(name), TokenTree::Group(group)] if name == "cfg_attr" => {
                let parts: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(comma) if comma.as_char() == ',');
                let mut parts = parts.split(is_comma).map(|part| part.iter().cloned().collect::<TokenStream>());
                let condition = condition::parse(&parts.next().unwrap_or_default());
                if !condition::is_built(&condition) {
                    return;
                }
                let around = self.scanner.under(condition);
                for part in parts {
                    self.attribute(&Group::new(Delimiter::Bracket, part), true, paths);
                }
                self.scanner.condition = around;
            }
            _ => {
                let is_known = matches!(&trees[..], [TokenTree::Ident(name), ..] if WITHOUT_FILES.iter().any(|known| name == known));
                if !is_known {
                    let line = attribute.span_open().start().line;
                    for text in arguments(attribute.stream()) {
                        self.mention(&text, line);
                    }
                }
                self.stream(attribute.stream());
            }
        }
    }

    /// Scans `mod name;` or `mod name { ... }`.
    fn module(&mut self, name: &str, paths: &[ModulePath], end: &TokenTree) {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let line = end.span().start().line;
        let children = self.inline.last().unwrap_or(&self.children).clone();
        // Rust reference, "The path attribute".
        let base = if self.inline.is_empty() { self.file.parent() } else { children.clone() };
        if let TokenTree::Group(body) = end {
            let directory = paths.last().and_then(|path| base.join(&path.path));
            self.inline.push(directory.unwrap_or_else(|| children.child(name)));
            self.stream(body.stream());
            self.inline.pop();
            return;
        }
        for ModulePath { path, .. } in paths {
            match base.join(path) {
                None => {
                    let what = format!("the module `{name}` has an absolute path, `{path}`");
                    self.scanner.unresolved(self.file, line, what);
                }
                Some(file) if self.scanner.files.is_file(&file) => {
                    let children = file.parent();
                    self.scanner.module(file, children, self.at(line));
                }
                Some(file) => self.scanner.read(file, self.at(line)),
            }
        }
        let is_elsewhere = self.follow || !self.scanner.is_own(&children);
        if is_elsewhere && paths.iter().all(|path| path.is_conditional) {
            let below = children.child(name);
            for file in files_of(&below) {
                if self.scanner.files.is_file(&file) {
                    self.scanner.module(file, below.clone(), self.at(line));
                }
            }
        }
    }

    fn call(&mut self, name: &str, group: &Group) {
        let line = group.span_open().start().line;
        match name {
            "include" | "include_str" | "include_bytes" => self.include(name, group, line),
            "env" | "option_env" if arguments(group.stream()).iter().any(|name| name == WORKSPACE_DIR) => {
                self.scanner.unresolved_workspace_dir(self.file, line);
            }
            name if QUERY_MACROS.contains(&name) => self.scanner.queries(),
            name if GIT_MACROS.contains(&name) => self.git(name, group, line),
            name if TEXTS.contains(&name) => {}
            _ => {
                for text in arguments(group.stream()) {
                    self.mention(&text, line);
                }
            }
        }
        self.stream(group.stream());
    }

    /// Reports macros that need git history, which a Nix build does not have. Arguments other than `fallback`,
    /// `cargo_prefix` and `cargo_suffix` are options of git.
    fn git(&mut self, name: &str, group: &Group, line: usize) {
        let falls_back = parts(group.stream()).into_iter().any(|part| {
            let name = part.into_iter().next();
            name.is_some_and(|name| ["fallback", "cargo_prefix", "cargo_suffix"].contains(&name.to_string().as_str()))
        });
        if !falls_back {
            let what =
                format!("`{name}!` fails in Nix, which builds without git's history: give it a `fallback = \"...\"`");
            self.scanner.unresolved(self.file, line, what);
        }
    }

    fn include(&mut self, name: &str, group: &Group, line: usize) {
        let (text, is_whole) = first_of(group.stream());
        let (base, text) = match text {
            Text::Generated => return,
            Text::Relative(text) => (self.file.parent(), text),
            Text::Manifest(text) => (self.scanner.package.directory.clone(), text.trim_start_matches('/').to_owned()),
        };
        if is_whole {
            return self.included(name, &base, &text, line);
        }
        // If the end of the path is not known, its directory is used.
        let known = text.rsplit_once('/').map_or("", |(directory, _)| directory);
        let directory = base.join(known).unwrap_or_default();
        let written = group.span().source_text().unwrap_or_else(|| group.to_string());
        let is_above = directory.is_at_or_above(&self.scanner.package.directory);
        if !known.is_empty()
            && !is_above
            && (self.scanner.mention(directory.clone(), self.at(line)) || self.scanner.is_own(&directory))
        {
            return;
        }
        // As in the search for files to parse: `..` alone may be a range.
        if written.contains("../") || written.contains("..\"") {
            let written: Vec<&str> = written.split_whitespace().collect();
            let what = format!("`{name}!{}`: the path is not known", written.join(" "));
            self.scanner.unresolved(self.file, line, what);
        }
    }

    fn included(&mut self, name: &str, directory: &WsPath, path: &str, line: usize) {
        match directory.join(path) {
            None => self.scanner.unresolved(self.file, line, format!("`{name}!(\"{path}\")` has an absolute path")),
            Some(file) if name == "include" && self.scanner.files.is_file(&file) => {
                let children = file.parent();
                self.scanner.module(file, children, self.at(line));
            }
            Some(file) => self.scanner.read(file, self.at(line)),
        }
    }

    /// Adds a string argument of a macro or attribute that may read files. Such paths are relative to the package's
    /// directory, to its `src` or to the file; all are tried.
    fn mention(&mut self, text: &str, line: usize) {
        let package = self.scanner.package.directory.clone();
        let (text, bases) = match text.strip_prefix("$CARGO_MANIFEST_DIR/") {
            Some(rest) => (rest, vec![package]),
            None => (text, vec![package.clone(), package.child("src"), self.file.parent()]),
        };
        if text.contains('/') || self.scanner.apart().any(|name| name == text) {
            for path in bases.iter().filter_map(|base| base.join(text)) {
                self.scanner.mention(path, self.at(line));
            }
        }
    }
}

/// The argument of `include!`.
enum Text {
    /// A path relative to the file.
    Relative(String),
    /// A path relative to the package's directory.
    Manifest(String),
    /// A file generated by the build, in `OUT_DIR`.
    Generated,
}

/// The first argument of a call as far as it is known, and whether all of it is known.
fn first_of(arguments: TokenStream) -> (Text, bool) {
    let nothing = (Text::Relative(String::new()), false);
    parts(arguments).into_iter().next().map_or(nothing, text_of)
}

/// Arguments of a call. In a macro definition they may be something other than expressions.
fn parts(arguments: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = arguments.into_iter().collect();
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(comma) if comma.as_char() == ',');
    trees.split(is_comma).filter(|part| !part.is_empty()).map(|part| part.iter().cloned().collect()).collect()
}

fn text_of(argument: TokenStream) -> (Text, bool) {
    let nothing = (Text::Relative(String::new()), false);
    let trees: Vec<TokenTree> = argument.into_iter().collect();
    match &trees[..] {
        [TokenTree::Literal(literal)] => match string(literal) {
            Some(text) => (Text::Relative(text), true),
            None => nothing,
        },
        [TokenTree::Group(group)] => text_of(group.stream()),
        [.., TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(group)] if bang.as_char() == '!' => {
            match name.to_string().as_str() {
                "env" => match first_of(group.stream()) {
                    (Text::Relative(name), true) if name == "CARGO_MANIFEST_DIR" => {
                        (Text::Manifest(String::new()), true)
                    }
                    (Text::Relative(name), true) if name == "OUT_DIR" => (Text::Generated, true),
                    _ => nothing,
                },
                "concat" => {
                    let mut whole = Text::Relative(String::new());
                    for part in parts(group.stream()) {
                        let (part, is_known) = text_of(part);
                        whole = match (whole, part) {
                            (Text::Generated, _) | (_, Text::Generated) => Text::Generated,
                            (Text::Relative(text), part) if text.is_empty() => part,
                            (Text::Relative(text), Text::Relative(part)) => Text::Relative(text + &part),
                            (Text::Manifest(text), Text::Relative(part)) => Text::Manifest(text + &part),
                            (_, Text::Manifest(_)) => return nothing,
                        };
                        if !is_known {
                            return (whole, false);
                        }
                    }
                    (whole, true)
                }
                _ => nothing,
            }
        }
        _ => nothing,
    }
}

/// Strings at any depth, except in nested macro calls.
fn arguments(tokens: TokenStream) -> Vec<String> {
    let mut texts = Vec::new();
    let mut is_call = false;
    for tree in tokens {
        match tree {
            TokenTree::Literal(literal) => texts.extend(string(&literal)),
            TokenTree::Group(group) if !is_call => texts.extend(arguments(group.stream())),
            TokenTree::Punct(bang) => {
                is_call = bang.as_char() == '!';
                continue;
            }
            _ => {}
        }
        is_call = false;
    }
    texts
}
