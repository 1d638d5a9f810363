//! Evaluation of a build script's expressions to paths, as far as they are known without running it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{BinOp, Expr, ExprMethodCall, Lit, Token};

/// The value of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A string or path, relative to the package's directory, which is `.`.
    Path(String),
    /// A path in the build's output directory.
    Output,
}

/// Longest string in bytes that may be a path.
const LONGEST: usize = 4096;

/// The known values at one place of a script.
pub(super) struct Values {
    pub(super) constants: HashMap<String, Expr>,
    /// Constants being evaluated and functions being called, to stop recursion.
    pub(super) open: RefCell<Vec<String>>,
    /// Variables by name for each open block; `None` for an unknown value.
    pub(super) variables: Vec<HashMap<String, Option<Value>>>,
    pub(super) fuel: Cell<usize>,
}

impl Values {
    pub(super) fn variable(&self, name: &str) -> Option<&Option<Value>> {
        self.variables.iter().rev().find_map(|block| block.get(name))
    }

    pub(super) fn value(&self, expression: &Expr) -> Option<Value> {
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

    /// The value of a variable or constant.
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

    /// Evaluates `format!` with `{}` and `{name}`. If an argument is not known, the result is the directory before it.
    pub(super) fn formatted(&self, arguments: &Punctuated<Expr, Token![,]>) -> Option<Value> {
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

/// The value of an environment variable.
fn variable(name: &Value) -> Option<Value> {
    match name {
        Value::Path(name) if name == "CARGO_MANIFEST_DIR" => Some(Value::Path(".".to_owned())),
        Value::Path(name) if name == "OUT_DIR" || name == "CARGO_TARGET_DIR" => Some(Value::Output),
        _ => None,
    }
}

/// Strips a leading instruction for cargo. A string with holes or wildcards is cut to the directory before the first.
fn plain(text: &str) -> String {
    let instruction = text.strip_prefix("cargo::").or_else(|| text.strip_prefix("cargo:"));
    let path = instruction.and_then(|rest| rest.split_once('=')).map_or(text, |(_, value)| value);
    let path = path.strip_prefix("native=").unwrap_or(path);
    match path.split_once(['{', '*']) {
        Some((before, _)) => before.rsplit_once('/').map_or(".", |(directory, _)| directory).to_owned(),
        None => path.to_owned(),
    }
}
