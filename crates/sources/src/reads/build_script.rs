//! Build scripts: which paths they put together, as far as that can be told without running them.
//!
//! They run in the package's directory, so relative paths are seen from there.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprMethodCall, Item, Lit, Meta, Pat, Token};

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
        let modules = scanner.open.len();
        tokens::scan(scanner, &file, None, &text);
        // What it includes and what it has elsewhere is part of the script.
        open.extend(scanner.open[modules..].iter().map(|module| (module.file.clone(), module.children.clone())));
        // What is no Rust is the compiler's to complain about.
        if is_too_deep(&text) {
            continue;
        }
        let Ok(parsed) = syn::parse_file(&text) else { continue };
        for item in &parsed.items {
            if let Item::Mod(module) = item
                && module.content.is_none()
                && !module.attrs.iter().any(|attribute| is_path(&attribute.meta))
            {
                let below = within(&children, &module.ident.to_string());
                let files = [format!("{below}.rs"), format!("{below}/mod.rs")];
                let files = files.into_iter().filter(|file| scanner.tree.is_file(file));
                open.extend(files.map(|file| (file, below.clone())));
            }
        }
        let mut names = Names::default();
        names.visit_file(&parsed);
        let (names, open, fuel) = (names.values, RefCell::default(), Cell::new(FUEL));
        Script { scanner, file: &file, names, open, fuel }.visit_file(&parsed);
    }
}

fn is_path(meta: &Meta) -> bool {
    matches!(meta, Meta::NameValue(value) if value.path.is_ident("path"))
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

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// A text or path, relative to the package's directory, which itself is `.`.
    Path(String),
    /// Something in the directory that the build writes to.
    Output,
}

/// How much is looked at before a script is given up: more than any that was written by hand needs.
const FUEL: usize = 20_000;

/// Texts that are longer are no paths.
const LONGEST: usize = 4096;

/// Methods whose arguments are texts to look for or to compare with.
const COMPARING: [&str; 15] = [
    "contains",
    "ends_with",
    "eq",
    "find",
    "matches",
    "replace",
    "replacen",
    "rfind",
    "split",
    "splitn",
    "starts_with",
    "strip_prefix",
    "strip_suffix",
    "trim_end_matches",
    "trim_start_matches",
];

struct Script<'a, 's, 't> {
    scanner: &'s mut Scanner<'t>,
    file: &'a str,
    names: HashMap<String, Vec<Expr>>,
    /// Names that are being looked up: what they are set to may speak of them.
    open: RefCell<Vec<String>>,
    fuel: Cell<usize>,
}

impl<'ast> Visit<'ast> for Script<'_, '_, '_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        let line = expression.span().start().line;
        match self.value(expression) {
            Some(Value::Path(path)) => self.found(&path, line, true),
            Some(Value::Output) => {}
            None => match expression {
                Expr::MethodCall(call) if COMPARING.iter().any(|method| call.method == method) => {
                    self.visit_expr(&call.receiver);
                }
                Expr::MethodCall(call) if ["pop", "set_file_name"].iter().any(|method| call.method == method) => {
                    // A path that is changed where it is, and not followed.
                    if let Some(Value::Path(path)) = self.value(&call.receiver) {
                        self.unknown(&path, line);
                    }
                }
                Expr::MethodCall(call) if call.method == "ancestors" => {
                    if let Some(Value::Path(path)) = self.value(&call.receiver) {
                        self.unknown(&format!("{path}/.."), line);
                    }
                }
                Expr::Binary(binary) if matches!(binary.op, BinOp::Eq(_) | BinOp::Ne(_)) => {}
                _ => visit::visit_expr(self, expression),
            },
        }
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(value) = &local.init else { return };
        match self.value(&value.expr) {
            // A directory around the package that has a name is used by that name.
            Some(Value::Path(path)) => {
                self.found(&path, value.expr.span().start().line, name_of(&local.pat).is_none());
            }
            Some(Value::Output) => {}
            None => visit::visit_local(self, local),
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        match self.value(&item.expr) {
            Some(Value::Path(path)) => self.found(&path, item.expr.span().start().line, false),
            Some(Value::Output) => {}
            None => visit::visit_item_const(self, item),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if name.contains("assert") || name == "matches" {
            return;
        }
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let arguments = parser.parse2(call.tokens.clone()).unwrap_or_default();
        // `println!("cargo::rerun-if-changed={dir}/x")`
        let formatted = self.formatted(&arguments);
        if let Some(Value::Path(path)) = &formatted {
            self.found(path, call.span().start().line, true);
        }
        for argument in arguments.iter().skip(usize::from(formatted.is_some())) {
            self.visit_expr(argument);
        }
    }
}

impl Script<'_, '_, '_> {
    fn found(&mut self, path: &str, line: usize, is_used: bool) {
        if path == WORKSPACE_DIR {
            return self.scanner.doubt_workspace_dir(self.file, line);
        }
        if Scanner::is_history(path) {
            return;
        }
        // An option with a path behind it: `-I../include`
        let path = if path.starts_with('-') { path.find("../").map_or(path, |at| &path[at..]) } else { path };
        let directory = &self.scanner.package.directory;
        let Some(resolved) = resolve(directory, path) else { return };
        let is_above = is_at_or_above(&resolved, directory) && resolved != *directory;
        let has_others =
            resolved != *directory && self.scanner.package.apart.iter().any(|apart| is_at_or_above(&resolved, apart));
        if is_above && path.contains("..") || has_others && self.scanner.is_own(&resolved) {
            if is_used && !path.contains(char::is_whitespace) {
                self.unknown(path, line);
            }
        } else if path.contains('/') {
            self.scanner.mention(resolved);
        }
    }

    fn unknown(&mut self, path: &str, line: usize) {
        let path = path.strip_prefix("./").unwrap_or(path);
        self.scanner.doubt(self.file, line, format!("what is read in `{path}` cannot be told"));
    }

    fn value(&self, expression: &Expr) -> Option<Value> {
        self.fuel.set(self.fuel.get().checked_sub(1)?);
        let of = |expression: &Expr| self.value(expression);
        let value = match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(Value::Path(plain(&text.value()))),
                _ => None,
            },
            Expr::Reference(inner) => of(&inner.expr),
            Expr::Paren(inner) => of(&inner.expr),
            Expr::Group(inner) => of(&inner.expr),
            Expr::Try(inner) => of(&inner.expr),
            Expr::Path(name) => self.named(&name.path.get_ident()?.to_string()),
            Expr::MethodCall(call) => self.method(call),
            Expr::Binary(sum) if matches!(sum.op, BinOp::Add(_)) => match (of(&sum.left)?, of(&sum.right)?) {
                (Value::Path(left), Value::Path(right)) => Some(Value::Path(left + &right)),
                _ => Some(Value::Output),
            },
            Expr::Call(call) => {
                let Expr::Path(function) = &*call.func else { return None };
                let mut segments = function.path.segments.iter().rev().map(|segment| segment.ident.to_string());
                let (function, of_type) = (segments.next()?, segments.next().unwrap_or_default());
                match (of_type.as_str(), function.as_str()) {
                    ("env" | "", "var" | "var_os") => variable(&of(call.args.first()?)?),
                    ("env", "current_dir") => Some(Value::Path(".".to_owned())),
                    ("Path" | "PathBuf" | "String" | "OsString" | "OsStr", "new" | "from") => of(call.args.first()?),
                    ("fs", "canonicalize") | ("path", "absolute") => of(call.args.first()?),
                    _ => None,
                }
            }
            Expr::Macro(call) => {
                let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
                let arguments = parser.parse2(call.mac.tokens.clone()).ok()?;
                match call.mac.path.segments.last()?.ident.to_string().as_str() {
                    "env" => variable(&of(arguments.first()?)?),
                    "concat" => {
                        let mut whole = String::new();
                        for argument in &arguments {
                            match of(argument)? {
                                Value::Path(part) => whole.push_str(&part),
                                Value::Output => return Some(Value::Output),
                            }
                        }
                        Some(Value::Path(whole))
                    }
                    "format" => self.formatted(&arguments),
                    _ => None,
                }
            }
            _ => None,
        };
        value.filter(|value| !matches!(value, Value::Path(path) if path.len() > LONGEST))
    }

    /// What a name is set to, if all that it is set to is the same.
    fn named(&self, name: &str) -> Option<Value> {
        if self.open.borrow().iter().any(|open| open == name) {
            return None;
        }
        let values = self.names.get(name)?;
        self.open.borrow_mut().push(name.to_owned());
        let mut values: Vec<Value> = values.iter().filter_map(|value| self.value(value)).collect();
        self.open.borrow_mut().pop();
        values.dedup();
        if values.len() == 1 { values.pop() } else { None }
    }

    fn method(&self, call: &ExprMethodCall) -> Option<Value> {
        let receiver = || self.value(&call.receiver);
        let joined = |base: Value, below: &str| match base {
            Value::Path(base) => Value::Path(format!("{base}/{below}")),
            Value::Output => Value::Output,
        };
        match call.method.to_string().as_str() {
            "join" | "with_file_name" => {
                let base = receiver()?;
                if base == Value::Output {
                    return Some(base);
                }
                let Value::Path(below) = self.value(call.args.first()?)? else { return Some(Value::Output) };
                let up = if call.method == "with_file_name" { "../" } else { "" };
                (!below.starts_with('/')).then(|| joined(base, &format!("{up}{below}")))
            }
            "parent" => Some(joined(receiver()?, "..")),
            "nth" => {
                let Expr::MethodCall(ancestors) = &*call.receiver else { return None };
                let Some(Expr::Lit(number)) = call.args.first() else { return None };
                let Lit::Int(number) = &number.lit else { return None };
                if ancestors.method != "ancestors" {
                    return None;
                }
                let levels: usize = number.base10_parse().ok()?;
                Some(joined(self.value(&ancestors.receiver)?, &"../".repeat(levels.min(16))))
            }
            "unwrap" | "expect" | "unwrap_or_default" | "clone" | "to_owned" | "to_string" | "to_path_buf"
            | "as_path" | "as_os_str" | "to_str" | "to_string_lossy" | "into_owned" | "as_str" | "as_ref" | "into"
            | "display" | "canonicalize" | "into_string" | "into_os_string" | "ok" | "borrow" | "as_deref" => {
                receiver()
            }
            // `.map(PathBuf::from)`
            "map" if matches!(call.args.first(), Some(Expr::Path(_))) => receiver(),
            _ => None,
        }
    }

    /// `format!` with a text whose `{}` and `{name}` are paths. Where one is not known, the directory before it.
    fn formatted(&self, arguments: &Punctuated<Expr, Token![,]>) -> Option<Value> {
        let Some(Expr::Lit(template)) = arguments.first() else { return None };
        let Lit::Str(template) = &template.lit else { return None };
        let template = template.value();
        let mut positional = arguments.iter().skip(1);
        let mut whole = String::new();
        let mut rest = template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            whole.push_str(before);
            let Some((hole, after)) = after.split_once('}') else { break };
            let value = match hole.split(':').next().unwrap_or_default() {
                "" => positional.next().and_then(|argument| self.value(argument)),
                name => self.named(name),
            };
            match value {
                Some(Value::Path(path)) => whole.push_str(&path),
                Some(Value::Output) => return Some(Value::Output),
                None => return Some(Value::Path(plain(&(whole + "{")))),
            }
            rest = after;
        }
        Some(Value::Path(plain(&(whole + rest))))
    }
}

/// What a variable of the environment is, by its name.
fn variable(name: &Value) -> Option<Value> {
    match name {
        Value::Path(name) if name == "CARGO_MANIFEST_DIR" => Some(Value::Path(".".to_owned())),
        Value::Path(name) if name == "OUT_DIR" || name == "CARGO_TARGET_DIR" => Some(Value::Output),
        _ => None,
    }
}

/// A text without the instruction for cargo that it begins with; of one with holes or wildcards, the directory before
/// the first.
fn plain(text: &str) -> String {
    let instruction = text.strip_prefix("cargo::").or_else(|| text.strip_prefix("cargo:"));
    let path = instruction.and_then(|rest| rest.split_once('=')).map_or(text, |(_, value)| value);
    let path = path.strip_prefix("native=").unwrap_or(path);
    match path.split_once(['{', '*']) {
        Some((before, _)) => before.rsplit_once('/').map_or(".", |(directory, _)| directory).to_owned(),
        None => path.to_owned(),
    }
}
