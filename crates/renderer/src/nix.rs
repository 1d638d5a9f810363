//! A tree of the Nix expressions that `Cargo.nix` needs, and its printer.
//!
//! The layout is made for reviewing diffs: each attribute has its own line, and lists fill lines to the maximum width.
//! The same tree always gives the same text.

use std::borrow::Cow;

/// Maximum width of a line in columns.
const WIDTH: usize = 120;

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Nix {
    /// A string, unescaped.
    Text(String),
    /// Nix code on one line: a name, `true`, `./..`.
    Word(Cow<'static, str>),
    /// An attribute of a named set: `units."libc@0.2.1"`.
    Select(&'static str, String),
    /// A list.
    List(Vec<Nix>),
    /// An attribute set, in this order.
    Set(Vec<Binding>),
    /// A function applied to arguments.
    Apply(Vec<Nix>),
    /// Concatenation: `a ++ b`.
    Concat(Vec<Nix>),
    /// A function: its formals as written, and its body.
    Function(Cow<'static, str>, Box<Nix>),
    /// The expression `let ... in ...`.
    Let(Vec<Binding>, Box<Nix>),
    /// Lines of code that are printed as they are.
    Code(Cow<'static, str>),
    /// A multi-line string, unescaped.
    Lines(Vec<String>),
}

/// A binding of an attribute set or of `let`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Binding {
    /// A comment of one line, printed after an empty line.
    pub(crate) comment: Option<&'static str>,
    /// Name, unquoted; `None` for code that is printed as it is.
    pub(crate) name: Option<String>,
    /// The value.
    pub(crate) value: Nix,
}

impl Binding {
    pub(crate) fn new(name: impl Into<String>, value: Nix) -> Self {
        Binding { comment: None, name: Some(name.into()), value }
    }

    /// Lines of code with their final indentation.
    pub(crate) fn lines(code: String) -> Self {
        Binding { comment: None, name: None, value: Nix::Code(code.into()) }
    }
}

impl Nix {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Nix::Text(text.into())
    }

    pub(crate) fn word(word: impl Into<Cow<'static, str>>) -> Self {
        Nix::Word(word.into())
    }

    pub(crate) fn texts(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Nix::List(texts.into_iter().map(|text| Nix::text(text.as_ref())).collect())
    }

    /// A function applied to one argument.
    pub(crate) fn call(function: impl Into<Cow<'static, str>>, argument: Nix) -> Self {
        Nix::Apply(vec![Nix::Word(function.into()), argument])
    }

    /// The expression as the text of a file.
    pub(crate) fn print(&self) -> String {
        let mut printer = Printer { text: String::new() };
        printer.print(self, 0);
        printer.text.push('\n');
        printer.text
    }

    /// The expression on one line, if possible. Only in lists, sets are printed on one line.
    fn flat(&self, in_list: bool) -> Option<String> {
        match self {
            Nix::Text(text) => Some(string(text)),
            Nix::Word(word) => Some(word.to_string()),
            Nix::Select(of, name) => Some(format!("{of}.{}", attribute(name))),
            Nix::List(items) if items.is_empty() => Some("[ ]".to_owned()),
            Nix::List(items) => {
                let items: Option<Vec<String>> = items.iter().map(|item| item.flat_item()).collect();
                Some(format!("[ {} ]", items?.join(" ")))
            }
            Nix::Set(bindings) if bindings.is_empty() => Some("{ }".to_owned()),
            Nix::Set(bindings) if in_list && bindings.iter().all(|one| one.comment.is_none()) => {
                let bindings: Option<Vec<String>> = bindings.iter().map(Binding::flat).collect();
                Some(format!("{{ {} }}", bindings?.join(" ")))
            }
            Nix::Apply(parts) => {
                let parts: Option<Vec<String>> = parts.iter().map(|part| part.flat(in_list)).collect();
                Some(parts?.join(" "))
            }
            Nix::Concat(parts) => {
                let parts: Option<Vec<String>> = parts.iter().map(|part| part.flat(in_list)).collect();
                Some(parts?.join(" ++ "))
            }
            Nix::Set(_) | Nix::Function(..) | Nix::Let(..) | Nix::Code(_) | Nix::Lines(_) => None,
        }
    }

    /// The expression as a list element, in parentheses if needed.
    fn flat_item(&self) -> Option<String> {
        let text = self.flat(true)?;
        Some(if matches!(self, Nix::Apply(_) | Nix::Concat(_)) { format!("({text})") } else { text })
    }
}

impl Binding {
    fn flat(&self) -> Option<String> {
        Some(format!("{} = {};", attribute(self.name.as_deref()?), self.value.flat(true)?))
    }
}

struct Printer {
    text: String,
}

impl Printer {
    fn column(&self) -> usize {
        self.text.chars().rev().take_while(|&c| c != '\n').count()
    }

    fn line(&mut self, indentation: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indentation));
    }

    fn print(&mut self, nix: &Nix, indentation: usize) {
        // Leaves room for the semicolon.
        let room = WIDTH.saturating_sub(self.column() + 1);
        if let Some(flat) = nix.flat(false).filter(|flat| flat.chars().count() <= room) {
            self.text.push_str(&flat);
            return;
        }
        match nix {
            Nix::Text(_) | Nix::Word(_) | Nix::Select(..) => self.text.push_str(&nix.flat(false).unwrap_or_default()),
            Nix::List(items) => self.list(items, indentation),
            Nix::Set(bindings) => {
                self.text.push('{');
                self.bindings(bindings, indentation + 2);
                self.line(indentation);
                self.text.push('}');
            }
            Nix::Apply(parts) => self.separated(parts, indentation, |printer| printer.text.push(' ')),
            Nix::Concat(parts) => self.separated(parts, indentation, |printer| {
                printer.line(indentation);
                printer.text.push_str("++ ");
            }),
            Nix::Function(arguments, body) => {
                self.code(arguments, indentation);
                match **body {
                    Nix::Set(_) => self.text.push(' '),
                    _ => self.line(indentation),
                }
                self.print(body, indentation);
            }
            Nix::Let(bindings, body) => {
                self.text.push_str("let");
                self.bindings(bindings, indentation + 2);
                self.line(indentation);
                self.text.push_str("in");
                self.line(indentation);
                self.print(body, indentation);
            }
            Nix::Code(code) => self.code(code, indentation),
            Nix::Lines(lines) => {
                self.text.push_str("''");
                for line in lines {
                    self.line(indentation + 2);
                    self.text.push_str(&escape_line(line));
                }
                self.line(indentation);
                self.text.push_str("''");
            }
        }
    }

    fn separated(&mut self, parts: &[Nix], indentation: usize, separate: impl Fn(&mut Self)) {
        for (ix, part) in parts.iter().enumerate() {
            if ix > 0 {
                separate(self);
            }
            self.print(part, indentation);
        }
    }

    /// Fills lines with elements, but gives each set its own line.
    fn list(&mut self, items: &[Nix], indentation: usize) {
        self.text.push('[');
        let has_sets = items.iter().any(|item| matches!(item, Nix::Set(_)));
        let mut is_first = true;
        for item in items {
            let flat = item.flat_item();
            let fits = flat.as_ref().is_some_and(|flat| self.column() + 1 + flat.chars().count() <= WIDTH);
            if is_first || !fits {
                self.line(indentation + 2);
            } else {
                self.text.push(' ');
            }
            // A multi-line element is followed by a new line.
            is_first = has_sets || flat.is_none();
            match flat {
                Some(flat) => self.text.push_str(&flat),
                None => self.print(item, indentation + 2),
            }
        }
        self.line(indentation);
        self.text.push(']');
    }

    fn bindings(&mut self, bindings: &[Binding], indentation: usize) {
        for (ix, Binding { comment, name, value }) in bindings.iter().enumerate() {
            if let Some(comment) = comment {
                if ix > 0 {
                    self.text.push('\n');
                }
                self.line(indentation);
                self.text.push_str("# ");
                self.text.push_str(comment);
            }
            if let Some(name) = name {
                self.line(indentation);
                self.text.push_str(&attribute(name));
                self.text.push_str(" = ");
                self.print(value, indentation);
                self.text.push(';');
            } else {
                self.line(0);
                self.print(value, 0);
            }
        }
    }

    fn code(&mut self, code: &str, indentation: usize) {
        for (ix, line) in code.trim_end().lines().enumerate() {
            match (ix, line) {
                (0, line) => self.text.push_str(line),
                (_, "") => self.text.push('\n'),
                (_, line) => {
                    self.line(indentation);
                    self.text.push_str(line);
                }
            }
        }
    }
}

/// A Nix string literal that evaluates to `text`.
///
/// All strings in `Cargo.nix` are made by this function. NUL is dropped: neither Nix strings nor environment variables
/// can contain it, and cargo rejects a manifest with one.
pub fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '$' if chars.peek() == Some(&'{') => literal.push_str("\\$"),
            '\0' => {}
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// Escapes `''` and `${` in an indented string.
fn escape_line(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['\'', '$']) {
        text.push_str(&rest[..at]);
        let (escaped, length) = match &rest[at..] {
            special if special.starts_with("''") => ("'''", 2),
            // An unescaped quote would form `'''` with the escape sequence that follows.
            special if special.starts_with("'${") => ("${\"'\"}", 1),
            special if special.starts_with("${") => ("''${", 2),
            special => (&special[..1], 1),
        };
        text.push_str(escaped);
        rest = &rest[at + length..];
    }
    text + rest
}

/// An attribute name, quoted if necessary.
pub(crate) fn attribute(name: &str) -> String {
    let mut chars = name.chars();
    let bare = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name);
    if bare { name.to_owned() } else { string(name) }
}

const KEYWORDS: [&str; 10] = ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, literal: &str) {
        assert_eq!(string(text), literal);
    }

    #[test]
    fn strings_are_escaped() {
        check("plain", r#""plain""#);
        check(r#"say "hi""#, r#""say \"hi\"""#);
        check(r"back\slash", r#""back\\slash""#);
        check("${pwd} $HOME $$ {}", r#""\${pwd} $HOME $$ {}""#);
        check("$${pwd}", r#""$\${pwd}""#);
        check("two\nlines\r\ttab", r#""two\nlines\r\ttab""#);
        check("'' ''${", r#""'' ''\${""#);
    }

    #[test]
    fn attribute_names_are_quoted_if_necessary() {
        assert_eq!(attribute("libc"), "libc");
        assert_eq!(attribute("license-file"), "license-file");
        assert_eq!(attribute("libc@1.0.0"), r#""libc@1.0.0""#);
        assert_eq!(attribute("or"), r#""or""#);
        assert_eq!(attribute("7z"), r#""7z""#);
    }

    #[test]
    fn attributes_have_own_lines_and_lists_fill_lines() {
        let many = (0..40).map(|ix| Nix::Select("units", format!("crate-{ix}@1.0.0"))).collect();
        let bin = Nix::Set(vec![Binding::new("name", Nix::text("a")), Binding::new("path", Nix::text("b"))]);
        let entry = Nix::call(
            "registry",
            Nix::Set(vec![
                Binding::new("features", Nix::texts(["default", "std"])),
                Binding::new("crateBin", Nix::List(vec![bin])),
                Binding::new("empty", Nix::Set(Vec::new())),
                Binding::new("dependencies", Nix::Concat(vec![Nix::List(many), Nix::call("linux", Nix::texts(["x"]))])),
            ]),
        );
        let file =
            Nix::Let(vec![Binding { comment: Some("One."), ..Binding::new("a@1", entry) }], Box::new(Nix::word("a")));
        let text = file.print();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let start = "let\n  # One.\n  \"a@1\" = registry {\n    features = [ \"default\" \"std\" ];\n    \
                     crateBin = [ { name = \"a\"; path = \"b\"; } ];\n    empty = { };\n    dependencies = [\n      \
                     units.\"crate-0@1.0.0\" units.\"crate-1@1.0.0\"";
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with("\n    ]\n    ++ linux [ \"x\" ];\n  };\nin\na\n"), "{text}");
    }
}
