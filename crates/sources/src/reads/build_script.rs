//! Paths that build scripts put together, as far as they are known without running the script.
//!
//! Cargo runs a build script in the package's directory, so relative paths start there.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use cargo_platform::CfgExpr;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, BinOp, Expr, ExprMethodCall, FnArg, Item, Lit, Meta, Pat, Stmt, Token};

use super::script_values::{Value, Values};
use super::tokens::{Parsed, look_through, parsed};
use super::{At, Scanner, WORKSPACE_DIR, condition, files_of};
use crate::path::WsPath;

/// Scans a build script and its modules.
pub(super) fn scan(scanner: &mut Scanner<'_>, script: &WsPath) {
    let mut open = vec![(script.clone(), script.parent())];
    let mut seen = BTreeSet::new();
    while let Some((file, children)) = open.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let Ok(Some(text)) = scanner.files.text(&file) else { continue };
        scanner.documents(&text);
        let modules = scanner.open.len();
        let tokens = match parsed(&text) {
            Parsed::Tokens(tokens) => tokens,
            Parsed::TooDeep => {
                scanner.unresolved_depth(&file);
                continue;
            }
            Parsed::NoRust => continue,
        };
        look_through(scanner, &file, None, tokens.clone());
        // Files that the script includes or declares with `#[path]` are part of it.
        open.extend(scanner.open[modules..].iter().map(|module| (module.file.clone(), module.children.clone())));
        let Ok(script) = syn::parse2::<syn::File>(tokens) else { continue };
        let mut modules = Vec::new();
        declared(&script.items, &children, &mut modules);
        let modules = modules.into_iter().flat_map(|below| files_of(&below).map(|file| (file, below.clone())));
        open.extend(modules.filter(|(file, _)| scanner.files.is_file(file)));
        let mut constants = Constants::default();
        constants.visit_file(&script);
        let Constants { values: constants, functions } = constants;
        let (open, fuel, variables) = (RefCell::default(), Cell::new(FUEL), vec![HashMap::new()]);
        let values = Values { constants, open, variables, fuel };
        Script { scanner, file: &file, functions, values }.visit_file(&script);
    }
}

/// Collects the directories of modules without a body, except those with a `#[path]`.
fn declared(items: &[Item], children: &WsPath, modules: &mut Vec<WsPath>) {
    for item in items {
        if let Item::Mod(module) = item
            && !module.attrs.iter().any(|attribute| is_path(&attribute.meta))
        {
            let below = children.child(&module.ident.to_string());
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

/// Constants and functions of a script, by name.
#[derive(Default)]
struct Constants {
    values: HashMap<String, Expr>,
    functions: HashMap<String, Rc<syn::ItemFn>>,
}

impl<'ast> Visit<'ast> for Constants {
    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.values.insert(item.ident.to_string(), (*item.expr).clone());
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.values.insert(item.ident.to_string(), (*item.expr).clone());
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.functions.insert(function.sig.ident.to_string(), Rc::new(function.clone()));
    }
}

fn name_of(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) => Some(name.ident.to_string()),
        Pat::Type(typed) => name_of(&typed.pat),
        _ => None,
    }
}

/// Number of expressions to evaluate before giving up: more than any hand-written script needs.
const FUEL: usize = 20_000;

/// Methods whose arguments are strings to compare with or search for, not paths.
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
    file: &'a WsPath,
    functions: HashMap<String, Rc<syn::ItemFn>>,
    values: Values,
}

impl<'ast> Visit<'ast> for Script<'_, '_, '_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        if let Expr::MethodCall(call) = expression
            && self.changed_in_place(call)
        {
            return;
        }
        match self.values.value(expression) {
            Some(Value::Path(path)) => self.found(&path, expression, true),
            Some(Value::Output) => {}
            None => match expression {
                Expr::MethodCall(call) if COMPARING.iter().any(|method| call.method == method) => {
                    self.visit_expr(&call.receiver);
                }
                Expr::MethodCall(call) if call.method == "ancestors" => {
                    if let Some(Value::Path(path)) = self.values.value(&call.receiver) {
                        self.unknown(&format!("{path}/.."), expression);
                    }
                }
                Expr::Binary(binary) if matches!(binary.op, BinOp::Eq(_) | BinOp::Ne(_)) => {}
                // The output of git depends on history, not on the path.
                Expr::MethodCall(call) if runs_git(call) => {}
                Expr::Call(call) if self.called(call) => {}
                _ => visit::visit_expr(self, expression),
            },
        }
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        self.values.variables.push(HashMap::new());
        visit::visit_block(self, block);
        self.values.variables.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.under(&function.attrs, |script| script.body(&function.block, HashMap::new()));
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.under(&module.attrs, |script| visit::visit_item_mod(script, module));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes: &[Attribute] = match statement {
            Stmt::Local(local) => &local.attrs,
            Stmt::Macro(call) => &call.attrs,
            Stmt::Expr(Expr::Block(block), _) => &block.attrs,
            Stmt::Expr(Expr::Call(call), _) => &call.attrs,
            Stmt::Expr(Expr::If(choice), _) => &choice.attrs,
            Stmt::Expr(Expr::MethodCall(call), _) => &call.attrs,
            _ => &[],
        };
        self.under(attributes, |script| visit::visit_stmt(script, statement));
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let name = name_of(&local.pat);
        let mut value = None;
        if let Some(init) = &local.init {
            value = self.values.value(&init.expr);
            match &value {
                // A directory above the package that is bound to a name counts only where the name is used.
                Some(Value::Path(path)) => self.found(path, &init.expr, name.is_none()),
                Some(Value::Output) => {}
                None => visit::visit_local(self, local),
            }
        }
        if let (Some(name), Some(block)) = (name, self.values.variables.last_mut()) {
            block.insert(name, value);
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        match self.values.value(&item.expr) {
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
        let formatted = self.values.formatted(&arguments).filter(|_| !name.contains("assert"));
        if let (Some(Value::Path(path)), Some(template)) = (&formatted, arguments.first()) {
            self.found(path, template, true);
        }
        for argument in arguments.iter().skip(usize::from(formatted.is_some())) {
            // A literal that is compared with is not a path.
            if !(name.contains("assert") && matches!(argument, Expr::Lit(_))) {
                self.visit_expr(argument);
            }
        }
    }
}

impl Script<'_, '_, '_> {
    /// Visits an item under the condition of its `cfg` attributes.
    fn under(&mut self, attributes: &[Attribute], look: impl FnOnce(&mut Self)) {
        let conditions = attributes.iter().filter_map(|attribute| match &attribute.meta {
            Meta::List(list) if list.path.is_ident("cfg") => Some(condition::parse(&list.tokens)),
            _ => None,
        });
        let condition = conditions.fold(CfgExpr::True, condition::both);
        if condition::is_built(&condition) {
            let around = self.scanner.under(condition);
            look(self);
            self.scanner.condition = around;
        }
    }

    /// Visits a function's body, whose only variables are the arguments.
    fn body(&mut self, block: &syn::Block, arguments: HashMap<String, Option<Value>>) {
        let outer = std::mem::replace(&mut self.values.variables, vec![arguments]);
        self.visit_block(block);
        self.values.variables = outer;
    }

    /// Visits the body of the script's own function if an argument leads out of the package, once per call.
    fn called(&mut self, call: &syn::ExprCall) -> bool {
        let Expr::Path(name) = &*call.func else { return false };
        let Some(name) = name.path.get_ident().map(ToString::to_string) else { return false };
        let Some(function) = self.functions.get(&name).cloned() else { return false };
        let values: Vec<Option<Value>> = call.args.iter().map(|argument| self.values.value(argument)).collect();
        let leads_out = |value: &Option<Value>| matches!(value, Some(Value::Path(path)) if path.contains(".."));
        if !values.iter().any(leads_out) || self.values.open.borrow().contains(&name) {
            return false;
        }
        // The limit stops nested calls from multiplying.
        let Some(fuel) = self.values.fuel.get().checked_sub(FUEL / 100) else { return false };
        self.values.fuel.set(fuel);
        for (argument, value) in call.args.iter().zip(&values) {
            match value {
                Some(Value::Path(path)) => self.found(path, argument, false),
                Some(Value::Output) => {}
                None => self.visit_expr(argument),
            }
        }
        let names = function.sig.inputs.iter().map(|input| match input {
            FnArg::Typed(typed) => name_of(&typed.pat),
            FnArg::Receiver(_) => None,
        });
        let arguments = names.zip(values).filter_map(|(name, value)| Some((name?, value))).collect();
        self.values.open.borrow_mut().push(name);
        self.under(&function.attrs, |script| script.body(&function.block, arguments));
        self.values.open.borrow_mut().pop();
        true
    }

    fn found(&mut self, path: &str, place: &Expr, is_used: bool) {
        if path == WORKSPACE_DIR {
            let line = place.span().start().line;
            return self.scanner.unresolved_workspace_dir(self.file, line);
        }
        if Scanner::is_history(path) {
            return;
        }
        // An option followed by a path: `-I../include`
        let path = if path.starts_with('-') { path.find("../").map_or(path, |at| &path[at..]) } else { path };
        let directory = &self.scanner.package.directory;
        let Some(resolved) = directory.join(path) else { return };
        let is_above = resolved.is_at_or_above(directory) && resolved != *directory;
        let has_others =
            resolved != *directory && self.scanner.package.apart.iter().any(|apart| resolved.is_at_or_above(apart));
        if is_above && path.contains("..") || has_others && self.scanner.is_own(&resolved) {
            if is_used && !path.contains(char::is_whitespace) {
                self.unknown(path, place);
            }
        } else if path.contains('/') || self.scanner.apart().any(|name| name == path) {
            self.scanner.mention(resolved, At { file: self.file, line: place.span().start().line });
        }
    }

    fn unknown(&mut self, path: &str, place: &Expr) {
        let line = place.span().start().line;
        let path = path.strip_prefix("./").unwrap_or(path);
        self.scanner.unresolved(self.file, line, format!("the files read in `{path}` are not known"));
    }

    /// Evaluates `path.pop()`, `path.push("...")` and `path.set_file_name("...")` on a known variable.
    fn changed_in_place(&mut self, call: &ExprMethodCall) -> bool {
        let Expr::Path(receiver) = &*call.receiver else { return false };
        let Some(name) = receiver.path.get_ident().map(ToString::to_string) else { return false };
        let Some(Some(Value::Path(old))) = self.values.variable(&name).cloned() else { return false };
        let argument = call.args.first().map(|argument| self.values.value(argument));
        let new = match (call.method.to_string().as_str(), argument) {
            ("pop", None) => Some(format!("{old}/..")),
            ("push", Some(Some(Value::Path(below)))) => Some(format!("{old}/{below}")),
            ("set_file_name", Some(Some(Value::Path(below)))) => Some(format!("{old}/../{below}")),
            ("push" | "set_file_name", Some(_)) => None,
            _ => return false,
        };
        if let Some(block) = self.values.variables.iter_mut().rev().find(|block| block.contains_key(&name)) {
            block.insert(name, new.clone().map(Value::Path));
        }
        match new {
            Some(new) => self.found(&new, &call.receiver, false),
            // The appended part is not known.
            None => self.found(&old, &call.receiver, true),
        }
        true
    }
}

/// Whether a chain of method calls begins with `Command::new("git")`.
fn runs_git(call: &ExprMethodCall) -> bool {
    match &*call.receiver {
        Expr::MethodCall(inner) => runs_git(inner),
        Expr::Call(new) => {
            let is_new = matches!(&*new.func, Expr::Path(function)
                if function.path.segments.iter().rev().map(|segment| segment.ident.to_string()).take(2).eq(["new", "Command"]));
            let is_git = |argument: &Expr| {
                matches!(argument, Expr::Lit(literal)
                if matches!(&literal.lit, Lit::Str(program) if program.value() == "git"))
            };
            is_new && new.args.first().is_some_and(is_git)
        }
        _ => false,
    }
}
