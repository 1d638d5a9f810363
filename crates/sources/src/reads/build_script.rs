//! Build scripts: which paths they put together, as far as that can be told without running them.
//!
//! They run in the package's directory, so relative paths are seen from there.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprMethodCall, Item, Lit, Meta, Pat, Token};

use super::{At, Scanner, WORKSPACE_DIR, is_at_or_above, is_too_deep, tokens};
use crate::tree::{join, parent, within};

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
        let Ok(tokens) = tokens::without_shebang(&text).parse::<TokenStream>() else { continue };
        if is_too_deep(tokens.clone()) {
            scanner.doubt_depth(&file);
            continue;
        }
        let Ok(parsed) = syn::parse2::<syn::File>(tokens) else { continue };
        let mut modules = Vec::new();
        declared(&parsed.items, &children, &mut modules);
        let modules = modules
            .into_iter()
            .flat_map(|below| [format!("{below}.rs"), format!("{below}/mod.rs")].map(|file| (file, below.clone())));
        open.extend(modules.filter(|(file, _)| scanner.tree.is_file(file)));
        let mut constants = Constants::default();
        constants.visit_file(&parsed);
        let (constants, open, fuel) = (constants.values, RefCell::default(), Cell::new(FUEL));
        Script { scanner, file: &file, constants, open, variables: vec![HashMap::new()], fuel }.visit_file(&parsed);
    }
}

/// Where the files of modules without a body are, but for those with a `#[path]`.
fn declared(items: &[Item], children: &str, modules: &mut Vec<String>) {
    for item in items {
        if let Item::Mod(module) = item
            && !module.attrs.iter().any(|attribute| is_path(&attribute.meta))
        {
            let below = within(children, &module.ident.to_string());
            match &module.content {
                Some((_, items)) => declared(items, &below, modules),
                None => modules.push(below),
            }
        }
    }
}

fn is_path(meta: &Meta) -> bool {
    matches!(meta, Meta::NameValue(value) if value.path.is_ident("path"))
}

/// What each constant is.
#[derive(Default)]
struct Constants {
    values: HashMap<String, Expr>,
}

impl<'ast> Visit<'ast> for Constants {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.values.insert(item.ident.to_string(), (*item.expr).clone());
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.values.insert(item.ident.to_string(), (*item.expr).clone());
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
    constants: HashMap<String, Expr>,
    /// Constants that are being looked up.
    open: RefCell<Vec<String>>,
    /// Variables by name, of each block that is open; nothing where what they are cannot be told.
    variables: Vec<HashMap<String, Option<Value>>>,
    fuel: Cell<usize>,
}

impl<'ast> Visit<'ast> for Script<'_, '_, '_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::MethodCall(call) = expression
            && self.changed_in_place(call)
        {
            return;
        }
        match self.value(expression) {
            Some(Value::Path(path)) => self.found(&path, expression, true),
            Some(Value::Output) => {}
            None => match expression {
                Expr::MethodCall(call) if COMPARING.iter().any(|method| call.method == method) => {
                    self.visit_expr(&call.receiver);
                }
                Expr::MethodCall(call) if call.method == "ancestors" => {
                    if let Some(Value::Path(path)) = self.value(&call.receiver) {
                        self.unknown(&format!("{path}/.."), expression);
                    }
                }
                Expr::Binary(binary) if matches!(binary.op, BinOp::Eq(_) | BinOp::Ne(_)) => {}
                _ => visit::visit_expr(self, expression),
            },
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.variables.push(HashMap::new());
        visit::visit_block(self, block);
        self.variables.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        // It sees nothing of what is around it.
        let outer = std::mem::take(&mut self.variables);
        self.visit_block(&function.block);
        self.variables = outer;
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let name = name_of(&local.pat);
        let mut value = None;
        if let Some(init) = &local.init {
            value = self.value(&init.expr);
            match &value {
                // A directory around the package that has a name is used by that name.
                Some(Value::Path(path)) => self.found(path, &init.expr, name.is_none()),
                Some(Value::Output) => {}
                None => visit::visit_local(self, local),
            }
        }
        if let (Some(name), Some(block)) = (name, self.variables.last_mut()) {
            block.insert(name, value);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        match self.value(&item.expr) {
            Some(Value::Path(path)) => self.found(&path, &item.expr, false),
            Some(Value::Output) => {}
            None => visit::visit_item_const(self, item),
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let name = call.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        if name == "matches" {
            return;
        }
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        let arguments = parser.parse2(call.tokens.clone()).unwrap_or_default();
        // `println!("cargo::rerun-if-changed={dir}/x")`
        let formatted = self.formatted(&arguments).filter(|_| !name.contains("assert"));
        if let (Some(Value::Path(path)), Some(template)) = (&formatted, arguments.first()) {
            self.found(path, template, true);
        }
        for argument in arguments.iter().skip(usize::from(formatted.is_some())) {
            // What is compared with is no path.
            if !(name.contains("assert") && matches!(argument, Expr::Lit(_))) {
                self.visit_expr(argument);
            }
        }
    }
}

impl Script<'_, '_, '_> {
    fn found(&mut self, path: &str, place: &Expr, is_used: bool) {
        if path == WORKSPACE_DIR {
            let line = place.span().start().line;
            return self.scanner.doubt_workspace_dir(self.file, line);
        }
        if Scanner::is_history(path) {
            return;
        }
        // An option with a path behind it: `-I../include`
        let path = if path.starts_with('-') { path.find("../").map_or(path, |at| &path[at..]) } else { path };
        let directory = &self.scanner.package.directory;
        let Some(resolved) = join(directory, path) else { return };
        let is_above = is_at_or_above(&resolved, directory) && resolved != *directory;
        let has_others =
            resolved != *directory && self.scanner.package.apart.iter().any(|apart| is_at_or_above(&resolved, apart));
        if is_above && path.contains("..") || has_others && self.scanner.is_own(&resolved) {
            if is_used && !path.contains(char::is_whitespace) {
                self.unknown(path, place);
            }
        } else if path.contains('/') {
            self.scanner.mention(resolved, At { file: self.file, line: place.span().start().line });
        }
    }

    fn unknown(&mut self, path: &str, place: &Expr) {
        let line = place.span().start().line;
        let path = path.strip_prefix("./").unwrap_or(path);
        self.scanner.doubt(self.file, line, format!("what is read in `{path}` cannot be told"));
    }

    /// `path.pop()`, `path.push("...")` and `path.set_file_name("...")`, of a variable that is known.
    fn changed_in_place(&mut self, call: &ExprMethodCall) -> bool {
        let Expr::Path(receiver) = &*call.receiver else { return false };
        let Some(name) = receiver.path.get_ident().map(ToString::to_string) else { return false };
        let Some(Some(Value::Path(old))) = self.variable(&name).cloned() else { return false };
        let argument = call.args.first().map(|argument| self.value(argument));
        let new = match (call.method.to_string().as_str(), argument) {
            ("pop", None) => Some(format!("{old}/..")),
            ("push", Some(Some(Value::Path(below)))) => Some(format!("{old}/{below}")),
            ("set_file_name", Some(Some(Value::Path(below)))) => Some(format!("{old}/../{below}")),
            ("push" | "set_file_name", Some(_)) => None,
            _ => return false,
        };
        if let Some(block) = self.variables.iter_mut().rev().find(|block| block.contains_key(&name)) {
            block.insert(name, new.clone().map(Value::Path));
        }
        match new {
            Some(new) => self.found(&new, &call.receiver, false),
            // What is put behind it is not known.
            None => self.found(&old, &call.receiver, true),
        }
        true
    }

    fn variable(&self, name: &str) -> Option<&Option<Value>> {
        self.variables.iter().rev().find_map(|block| block.get(name))
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

    /// What a variable or constant is.
    fn named(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.variable(name) {
            return value.clone();
        }
        if self.open.borrow().iter().any(|open| open == name) {
            return None;
        }
        let value = self.constants.get(name)?;
        self.open.borrow_mut().push(name.to_owned());
        let value = self.value(value);
        self.open.borrow_mut().pop();
        value
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
