//! Rust sources, as streams of tokens: what is looked for stands inside of other macros as often as not, which no syntax
//! tree looks into.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Token};

use super::{Scanner, WORKSPACE_DIR, is_too_deep, resolve};
use crate::tree::{parent, within};

/// Macros whose texts are no paths, but for those in other macros within.
const TEXTS: [&str; 38] = [
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

/// Looks through a source file; `children` is where its modules are, for one outside of the package, whose modules are
/// outside as well.
pub(super) fn scan(scanner: &mut Scanner<'_>, file: &str, children: Option<&str>, text: &str) {
    let text = text.trim_start_matches('\u{feff}');
    // What is no Rust is the compiler's to complain about.
    if is_too_deep(text) {
        return;
    }
    let Ok(tokens) = without_shebang(text).parse::<TokenStream>() else { return };
    let own_children = match file.rsplit('/').next() {
        Some("lib.rs" | "main.rs" | "mod.rs") => parent(file),
        _ => file.strip_suffix(".rs").unwrap_or(file),
    };
    let walk = Walk {
        scanner,
        file,
        children: children.unwrap_or(own_children),
        follow: children.is_some(),
        inline: Vec::new(),
    };
    { walk }.stream(tokens);
}

/// Whether a source file has `mod name;`, and whether it has it for tests alone.
pub(super) fn declares(text: &str, name: &str) -> Option<bool> {
    let tokens: TokenStream = without_shebang(text.trim_start_matches('\u{feff}')).parse().ok()?;
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut for_tests = false;
    for at in 0..trees.len() {
        match &trees[at..] {
            [TokenTree::Punct(hash), TokenTree::Group(group), ..] if hash.as_char() == '#' => {
                let attribute: Vec<TokenTree> = group.stream().into_iter().collect();
                if let [TokenTree::Ident(cfg), TokenTree::Group(condition)] = &attribute[..] {
                    for_tests |= cfg == "cfg" && is_for_tests(condition);
                }
            }
            [TokenTree::Ident(word), TokenTree::Ident(module), TokenTree::Punct(_), ..]
                if word == "mod" && module == name =>
            {
                return Some(for_tests);
            }
            [TokenTree::Punct(end), ..] if end.as_char() == ';' => for_tests = false,
            [TokenTree::Group(body), ..] if body.delimiter() == Delimiter::Brace => for_tests = false,
            _ => {}
        }
    }
    None
}

/// A first line that is for the system; `#![...]` is none.
fn without_shebang(text: &str) -> &str {
    if text.starts_with("#!") && !text[2..].trim_start().starts_with('[') {
        return text.find('\n').map_or("", |end| &text[end..]);
    }
    text
}

struct Walk<'a, 's, 't> {
    scanner: &'s mut Scanner<'t>,
    file: &'a str,
    /// Directory of the file's modules.
    children: &'a str,
    /// Whether they are outside of the package, as the file is.
    follow: bool,
    /// Names of the modules with a body that are open.
    inline: Vec<String>,
}

/// What an attribute says of the item behind it.
enum Attribute {
    /// It is compiled for tests alone.
    ForTests,
    /// Its source is there.
    Path(String),
    Other,
}

impl Walk<'_, '_, '_> {
    fn stream(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut path = None;
        let mut at = 0;
        while at < trees.len() {
            match &trees[at..] {
                [TokenTree::Punct(hash), TokenTree::Group(group), ..] if hash.as_char() == '#' => {
                    at += 2;
                    match self.attribute(group.stream()) {
                        Attribute::ForTests => {
                            at = end_of_item(&trees, at);
                            path = None;
                        }
                        Attribute::Path(text) => path = Some(text),
                        Attribute::Other => {}
                    }
                }
                [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(group), ..]
                    if hash.as_char() == '#' && bang.as_char() == '!' =>
                {
                    at += 3;
                    if let Attribute::ForTests = self.attribute(group.stream()) {
                        return;
                    }
                }
                [TokenTree::Ident(word), TokenTree::Ident(name), end, ..] if word == "mod" => {
                    at += 3;
                    self.module(&name.to_string(), path.take(), end);
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
                    path = None;
                }
                _ => at += 1,
            }
        }
    }

    fn attribute(&mut self, tokens: TokenStream) -> Attribute {
        let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        match &trees[..] {
            [TokenTree::Ident(name), TokenTree::Group(condition)] if name == "cfg" && is_for_tests(condition) => {
                return Attribute::ForTests;
            }
            [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(text)] if name == "path" => {
                return string(text).map_or(Attribute::Other, Attribute::Path);
            }
            // A comment, as the compiler sees it.
            [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(_)] if name == "doc" => {}
            [TokenTree::Ident(name), TokenTree::Group(group)] if name == "cfg_attr" => {
                let parts: Vec<TokenTree> = group.stream().into_iter().collect();
                let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(comma) if comma.as_char() == ',');
                let mut parts = parts.split(is_comma);
                let condition = parts.next().unwrap_or_default();
                if matches!(condition, [TokenTree::Ident(word)] if word == "test") {
                    return Attribute::Other;
                }
                for part in parts {
                    if let path @ Attribute::Path(_) = self.attribute(part.iter().cloned().collect()) {
                        return path;
                    }
                }
            }
            _ => {
                for text in values(tokens.clone()) {
                    self.mention(&text);
                }
                self.stream(tokens);
            }
        }
        Attribute::Other
    }

    /// `mod name;` or `mod name { ... }`.
    fn module(&mut self, name: &str, path: Option<String>, end: &TokenTree) {
        let name = name.strip_prefix("r#").unwrap_or(name).to_owned();
        if let TokenTree::Group(body) = end {
            self.inline.push(path.unwrap_or(name));
            self.stream(body.stream());
            self.inline.pop();
            return;
        }
        let line = end.span().start().line;
        let children = self.inline.iter().fold(self.children.to_owned(), |directory, name| within(&directory, name));
        if let Some(path) = path {
            // Rust reference, "The path attribute".
            let base = if self.inline.is_empty() { parent(self.file) } else { &children };
            let Some(file) = resolve(base, &path) else {
                return self.scanner.doubt(
                    self.file,
                    line,
                    format!("the module `{name}` has an absolute path, `{path}`"),
                );
            };
            if self.scanner.tree.is_file(&file) {
                let children = parent(&file).to_owned();
                self.scanner.module(file, children);
            } else {
                self.scanner.read(file, self.file, line);
            }
        } else if self.follow {
            let below = within(&children, &name);
            for file in [format!("{below}.rs"), format!("{below}/mod.rs")] {
                if self.scanner.tree.is_file(&file) {
                    self.scanner.module(file, below.clone());
                }
            }
        }
    }

    fn call(&mut self, name: &str, group: &Group) {
        let line = group.span_open().start().line;
        match name {
            "include" | "include_str" | "include_bytes" => self.include(name, group, line),
            "env" | "option_env" if arguments(group.stream()).iter().any(|name| name == WORKSPACE_DIR) => {
                self.scanner.doubt_workspace_dir(self.file, line);
            }
            name if TEXTS.contains(&name) => {}
            _ => {
                for text in arguments(group.stream()) {
                    self.mention(&text);
                }
            }
        }
        self.stream(group.stream());
    }

    fn include(&mut self, name: &str, group: &Group, line: usize) {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let path = parser.parse2(group.stream()).ok().and_then(|arguments| text_of(arguments.first()?));
        match path {
            Some(Text::Generated) => {}
            Some(Text::Relative(path)) => {
                let directory = parent(self.file).to_owned();
                self.included(name, &directory, &path, line);
            }
            Some(Text::Manifest(path)) => {
                let directory = self.scanner.package.directory.clone();
                self.included(name, &directory, path.trim_start_matches('/'), line);
            }
            None => {
                let written = group.span().source_text().unwrap_or_else(|| group.to_string());
                if written.contains("..") {
                    let written: Vec<&str> = written.split_whitespace().collect();
                    let what = format!("`{name}!{}`: which file that is cannot be told", written.join(" "));
                    self.scanner.doubt(self.file, line, what);
                }
            }
        }
    }

    fn included(&mut self, name: &str, directory: &str, path: &str, line: usize) {
        match resolve(directory, path) {
            None => self.scanner.doubt(self.file, line, format!("`{name}!(\"{path}\")` has an absolute path")),
            Some(file) if name == "include" && self.scanner.tree.is_file(&file) => {
                let children = parent(&file).to_owned();
                self.scanner.module(file, children);
            }
            Some(file) => self.scanner.read(file, self.file, line),
        }
    }

    /// A text handed to a macro or attribute that may read files: from the package's directory as a rule, sometimes from
    /// its `src` or from where the file is.
    fn mention(&mut self, text: &str) {
        let package = self.scanner.package.directory.clone();
        let (text, bases) = match text.strip_prefix("$CARGO_MANIFEST_DIR/") {
            Some(rest) => (rest, vec![package]),
            None => (text, vec![package.clone(), within(&package, "src"), parent(self.file).to_owned()]),
        };
        if text.contains('/') {
            let paths = bases.iter().filter_map(|base| resolve(base, text));
            let _found = paths.into_iter().any(|path| self.scanner.mention(path));
        }
    }
}

/// What the argument of `include!` is.
enum Text {
    /// A path as seen from the file.
    Relative(String),
    /// The rest of a path that begins with the package's directory.
    Manifest(String),
    /// Something that the build makes, in `OUT_DIR`.
    Generated,
}

fn text_of(expression: &Expr) -> Option<Text> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(Text::Relative(text.value())),
            _ => None,
        },
        Expr::Group(group) => text_of(&group.expr),
        Expr::Paren(group) => text_of(&group.expr),
        Expr::Macro(call) => {
            let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
            let arguments = parser.parse2(call.mac.tokens.clone()).ok()?;
            match call.mac.path.segments.last()?.ident.to_string().as_str() {
                "env" => match text_of(arguments.first()?)? {
                    Text::Relative(name) if name == "CARGO_MANIFEST_DIR" => Some(Text::Manifest(String::new())),
                    Text::Relative(name) if name == "OUT_DIR" => Some(Text::Generated),
                    _ => None,
                },
                "concat" => {
                    let mut whole = Text::Relative(String::new());
                    for argument in &arguments {
                        whole = match (whole, text_of(argument)?) {
                            (Text::Generated, _) | (_, Text::Generated) => Text::Generated,
                            (Text::Relative(text), part) if text.is_empty() => part,
                            (Text::Relative(text), Text::Relative(part)) => Text::Relative(text + &part),
                            (Text::Manifest(text), Text::Relative(part)) => Text::Manifest(text + &part),
                            (_, Text::Manifest(_)) => return None,
                        };
                    }
                    Some(whole)
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `test`, or `all(test, ...)`.
fn is_for_tests(condition: &Group) -> bool {
    let trees: Vec<TokenTree> = condition.stream().into_iter().collect();
    match &trees[..] {
        [TokenTree::Ident(word)] => word == "test",
        [TokenTree::Ident(word), TokenTree::Group(all)] if word == "all" => {
            all.stream().into_iter().any(|tree| matches!(tree, TokenTree::Ident(word) if word == "test"))
        }
        _ => false,
    }
}

/// Where the item ends that begins at a token.
fn end_of_item(trees: &[TokenTree], from: usize) -> usize {
    // Fields and variants end at a comma, items do not.
    let is_item = |word: &str| {
        ["fn", "mod", "impl", "struct", "enum", "use", "const", "static", "trait", "type", "let"].contains(&word)
    };
    let mut in_item = false;
    for (at, tree) in trees.iter().enumerate().skip(from) {
        match tree {
            TokenTree::Ident(word) => in_item |= is_item(&word.to_string()),
            TokenTree::Punct(end) if end.as_char() == ';' => return at + 1,
            TokenTree::Punct(end) if end.as_char() == ',' && !in_item => return at + 1,
            TokenTree::Group(body) if body.delimiter() == Delimiter::Brace => return at + 1,
            _ => {}
        }
    }
    trees.len()
}

/// Texts at any depth, but for those in other macros.
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

/// Texts behind an `=`, at any depth.
fn values(tokens: TokenStream) -> Vec<String> {
    let mut texts = Vec::new();
    let mut is_value = false;
    for tree in tokens {
        match tree {
            TokenTree::Literal(literal) if is_value => texts.extend(string(&literal)),
            TokenTree::Group(group) => texts.extend(values(group.stream())),
            TokenTree::Punct(equals) => {
                is_value = equals.as_char() == '=';
                continue;
            }
            _ => {}
        }
        is_value = false;
    }
    texts
}

fn string(literal: &proc_macro2::Literal) -> Option<String> {
    match Lit::new(literal.clone()) {
        Lit::Str(text) => Some(text.value()),
        _ => None,
    }
}
