//! Build scripts: which paths they put together, as far as that can be told without running them.
//!
//! They run in the package's directory, so relative paths are seen from there.

use std::collections::{BTreeSet, HashMap};

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMethodCall, Item, Lit, Pat, Token};

use super::{Scanner, WORKSPACE_DIR, is_at_or_above, is_too_deep, resolve, tokens};
use crate::tree::{parent, within};

/// Looks through a build script and its modules.
pub(super) fn scan(scanner: &mut Scanner<'_>, script: &str) {
    let mut open = vec![(script.to_owned(), parent(script).to_owned())];
    let mut seen = BTreeSet::new();
    while let Some((file, children)) = open.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let Ok(Some(text)) = scanner.tree.read(&file) else { continue };
        scanner.documents(&text);
        tokens::scan(scanner, &file, None, &text);
        // What is no Rust is the compiler's to complain about.
        if is_too_deep(&text) {
            continue;
        }
        let Ok(parsed) = syn::parse_file(&text) else { continue };
        for item in &parsed.items {
            if let Item::Mod(module) = item
                && module.content.is_none()
            {
                let below = within(&children, &module.ident.to_string());
                let files = [format!("{below}.rs"), format!("{below}/mod.rs")];
                open.extend(
                    files.into_iter().filter(|file| scanner.tree.is_file(file)).map(|file| (file, below.clone())),
                );
            }
        }
        let mut names = Names::default();
        names.visit_file(&parsed);
        Script { scanner, file: &file, names: names.values }.visit_file(&parsed);
    }
}

/// What each variable and constant is set to.
#[derive(Default)]
struct Names {
    values: HashMap<String, Vec<Expr>>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let (Some(name), Some(value)) = (name_of(&local.pat), &local.init) {
            self.values.entry(name).or_default().push((*value.expr).clone());
        }
        visit::visit_local(self, local);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.values.entry(item.ident.to_string()).or_default().push((*item.expr).clone());
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.values.entry(item.ident.to_string()).or_default().push((*item.expr).clone());
    }
}

fn name_of(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) => Some(name.ident.to_string()),
        Pat::Type(typed) => name_of(&typed.pat),
        _ => None,
    }
}

struct Script<'a, 's, 't> {
    scanner: &'s mut Scanner<'t>,
    file: &'a str,
    names: HashMap<String, Vec<Expr>>,
}

impl<'ast> Visit<'ast> for Script<'_, '_, '_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        match self.path(expression, 0) {
            Some(path) => self.found(&path, expression.span().start().line, true),
            None => visit::visit_expr(self, expression),
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(value) = &local.init else { return };
        match self.path(&value.expr, 0) {
            // A directory around the package that has a name is used by that name.
            Some(path) => self.found(&path, value.expr.span().start().line, name_of(&local.pat).is_none()),
            None => visit::visit_local(self, local),
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        match self.path(&item.expr, 0) {
            Some(path) => self.found(&path, item.expr.span().start().line, false),
            None => visit::visit_item_const(self, item),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        for argument in parser.parse2(call.tokens.clone()).into_iter().flatten() {
            self.visit_expr(&argument);
        }
    }
}

impl Script<'_, '_, '_> {
    fn found(&mut self, path: &str, line: usize, is_used: bool) {
        if path == WORKSPACE_DIR {
            return self.scanner.doubt_workspace_dir(self.file, line);
        }
        let Some(resolved) = resolve(&self.scanner.package.directory, path) else { return };
        let is_above = is_at_or_above(&resolved, &self.scanner.package.directory);
        if is_above && path.contains("..") && resolved != self.scanner.package.directory {
            if is_used {
                let path = path.strip_prefix("./").unwrap_or(path);
                let what = format!("what is read in `{path}` cannot be told");
                self.scanner.doubt(self.file, line, what);
            }
        } else if path.contains('/') {
            self.scanner.mention(resolved);
        }
    }

    /// The path that an expression is, relative to the package's directory, which itself is `.`.
    fn path(&self, expression: &Expr, depth: usize) -> Option<String> {
        let of = |expression: &Expr| self.path(expression, depth);
        match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(plain(&text.value())),
                _ => None,
            },
            Expr::Reference(inner) => of(&inner.expr),
            Expr::Paren(inner) => of(&inner.expr),
            Expr::Group(inner) => of(&inner.expr),
            Expr::Try(inner) => of(&inner.expr),
            Expr::Path(name) => {
                let name = name.path.get_ident()?.to_string();
                // Names that are set to themselves, or to several things, are not followed.
                match self.names.get(&name)?.as_slice() {
                    [value] if depth < 16 => self.path(value, depth + 1),
                    _ => None,
                }
            }
            Expr::MethodCall(call) => self.method(call, depth),
            Expr::Call(call) => {
                let Expr::Path(function) = &*call.func else { return None };
                let mut segments = function.path.segments.iter().rev().map(|segment| segment.ident.to_string());
                let (function, of_type) = (segments.next()?, segments.next().unwrap_or_default());
                match (of_type.as_str(), function.as_str()) {
                    ("env" | "", "var" | "var_os") => {
                        of(call.args.first()?).filter(|name| name == MANIFEST_DIR).map(|_| ".".to_owned())
                    }
                    ("env", "current_dir") => Some(".".to_owned()),
                    ("Path" | "PathBuf" | "String" | "OsString" | "OsStr", "new" | "from") => of(call.args.first()?),
                    ("fs", "canonicalize") => of(call.args.first()?),
                    _ => None,
                }
            }
            Expr::Macro(call) => {
                let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
                let arguments = parser.parse2(call.mac.tokens.clone()).ok()?;
                match call.mac.path.segments.last()?.ident.to_string().as_str() {
                    "env" => of(arguments.first()?).filter(|name| name == MANIFEST_DIR).map(|_| ".".to_owned()),
                    "concat" => arguments.iter().map(of).collect(),
                    "format" => self.formatted(&arguments, depth),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn method(&self, call: &ExprMethodCall, depth: usize) -> Option<String> {
        let receiver = || self.path(&call.receiver, depth);
        match call.method.to_string().as_str() {
            "join" => {
                let (base, below) = (receiver()?, self.path(call.args.first()?, depth)?);
                (!below.starts_with('/')).then(|| format!("{base}/{below}"))
            }
            "parent" => Some(format!("{}/..", receiver()?)),
            "nth" => {
                let Expr::MethodCall(ancestors) = &*call.receiver else { return None };
                let Some(Expr::Lit(number)) = call.args.first() else { return None };
                let Lit::Int(number) = &number.lit else { return None };
                if ancestors.method != "ancestors" {
                    return None;
                }
                let base = self.path(&ancestors.receiver, depth)?;
                let levels: usize = number.base10_parse().ok()?;
                Some(base + &"/..".repeat(levels.min(16)))
            }
            "unwrap" | "expect" | "unwrap_or_default" | "clone" | "to_owned" | "to_string" | "to_path_buf"
            | "as_path" | "as_os_str" | "to_str" | "to_string_lossy" | "into_owned" | "as_str" | "as_ref" | "into"
            | "display" | "canonicalize" | "into_string" | "into_os_string" | "ok" | "borrow" => receiver(),
            _ => None,
        }
    }

    /// `format!` with a text whose `{}` and `{name}` are paths.
    fn formatted(&self, arguments: &Punctuated<Expr, Token![,]>, depth: usize) -> Option<String> {
        let Some(Expr::Lit(template)) = arguments.first() else { return None };
        let Lit::Str(template) = &template.lit else { return None };
        let template = template.value();
        let mut positional = arguments.iter().skip(1);
        let mut whole = String::new();
        let mut rest = template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}')?;
            whole.push_str(before);
            let name = hole.split(':').next().unwrap_or_default();
            whole.push_str(&match name {
                "" => self.path(positional.next()?, depth)?,
                name => match self.names.get(name)?.as_slice() {
                    [value] if depth < 16 => self.path(value, depth + 1)?,
                    _ => return None,
                },
            });
            rest = after;
        }
        Some(plain(&(whole + rest)))
    }
}

const MANIFEST_DIR: &str = "CARGO_MANIFEST_DIR";

/// A text without the instruction for cargo that it begins with; of one with holes, the directory before the first.
fn plain(text: &str) -> String {
    let instruction = text.strip_prefix("cargo::").or_else(|| text.strip_prefix("cargo:"));
    let path = instruction.and_then(|rest| rest.split_once('=')).map_or(text, |(_, value)| value);
    let path = path.strip_prefix("native=").unwrap_or(path);
    match path.split_once('{') {
        Some((before, _)) => before.rsplit_once('/').map_or(".", |(directory, _)| directory).to_owned(),
        None => path.to_owned(),
    }
}
