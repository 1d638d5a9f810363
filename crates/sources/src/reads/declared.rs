//! The condition under which a source file is compiled, from the module declarations that lead to it.

use std::collections::BTreeSet;
use std::rc::Rc;

use cargo_platform::CfgExpr;

use super::tokens::{Parsed, parsed};
use super::{Scanner, children_of, condition, files_of, items};
use crate::path::WsPath;

impl Scanner<'_> {
    /// The condition from the module's own declaration and those of its parent modules.
    pub(super) fn declared(&self, file: &WsPath) -> CfgExpr {
        let module = children_of(file);
        let mut directory = module.parent();
        // The root of a crate is not a module.
        let is_root = ["lib.rs", "main.rs"].contains(&file.name()) || self.package.roots.contains(file);
        if is_root || !self.is_own(&directory) {
            return CfgExpr::True;
        }
        let names: Vec<&str> = module.parts().collect();
        let mut modules = &names[names.len().saturating_sub(1)..];
        let above = loop {
            let above = ["lib.rs", "main.rs"].map(|name| directory.child(name)).into_iter();
            let roots = self.package.roots.iter().filter(|root| root.parent() == directory).cloned();
            let above = above.chain(files_of(&directory)).chain(roots);
            let above: BTreeSet<WsPath> = above.filter(|above| above != file).collect();
            if above.iter().any(|above| self.files.is_file(above)) {
                break above;
            }
            // A module with a body has no file of its own.
            directory = directory.parent();
            if directory.is_root() || !self.is_own(&directory) {
                return CfgExpr::True;
            }
            modules = &names[names.len() - modules.len() - 1..];
        };
        let declarations = above
            .iter()
            .filter_map(|above| Some(condition::both(self.declares(above, modules, file)?, self.declared(above))));
        let mut declarations: Vec<CfgExpr> = declarations.collect();
        if declarations.is_empty() {
            // A sibling module may declare it with `#[path]`.
            let beside = self.with_paths(&file.parent());
            let beside = beside.iter().filter(|(beside, text)| beside != file && text.contains(file.name()));
            declarations =
                beside.filter_map(|(beside, text)| self.declares_in(beside, text, &[], file.name())).collect();
        }
        if declarations.is_empty() { CfgExpr::True } else { CfgExpr::Any(declarations) }
    }

    fn declares(&self, source: &WsPath, modules: &[&str], file: &WsPath) -> Option<CfgExpr> {
        let text = self.files.text(source).ok()??;
        // A string search avoids parsing nearly all files.
        let may_have = |word: &str| text.contains(word);
        if !(modules.last().is_some_and(|module| may_have(module)) || may_have(file.name())) {
            return None;
        }
        self.declares_in(source, &text, modules, file.name())
    }

    fn declares_in(&self, source: &WsPath, text: &str, modules: &[&str], file: &str) -> Option<CfgExpr> {
        let parse = || match parsed(text) {
            Parsed::Tokens(tokens) => Some(tokens),
            Parsed::TooDeep | Parsed::NoRust => None,
        };
        let tokens = self.cache.parsed.borrow_mut().entry(source.clone()).or_insert_with(parse).clone();
        items::declares(tokens?, modules, file)
    }

    /// Sources in a directory that may have a `#[path]`, cached because some directories hold the sources of many
    /// programs.
    fn with_paths(&self, directory: &WsPath) -> Rc<[(WsPath, String)]> {
        let read = || {
            let names = self.files.names(directory).into_iter().filter(|(name, _)| name.ends_with(".rs"));
            let sources = names.map(|(name, _)| directory.child(&name));
            let texts = sources.filter_map(|source| Some((self.files.text(&source).ok()??, source)));
            texts.filter(|(text, _)| text.contains("path")).map(|(text, source)| (source, text)).collect()
        };
        self.cache.with_paths.borrow_mut().entry(directory.clone()).or_insert_with(read).clone()
    }
}
