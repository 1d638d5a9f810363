//! When a source file of a package is compiled, by the declarations of modules that lead to it.

use std::collections::BTreeSet;

use cargo_platform::CfgExpr;
use proc_macro2::TokenStream;

use super::{Scanner, children_of, condition, files_of, is_too_deep, items, tokens};
use crate::path::WsPath;

impl Scanner<'_> {
    /// When a module is compiled, by its own declaration and by those of modules above.
    pub(super) fn declared(&self, file: &WsPath) -> CfgExpr {
        let module = children_of(file);
        let mut directory = module.parent();
        // The root of a crate is no module.
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
            // A module with a body has no file.
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
            // Another module beside it may have it by a `#[path]`.
            let beside = self.files.names(&file.parent()).into_iter().map(|(name, _)| file.parent().child(&name));
            let beside = beside.filter(|beside| beside != file && beside.ends_with(".rs"));
            declarations = beside.filter_map(|beside| self.declares(&beside, &[], file)).collect();
        }
        if declarations.is_empty() { CfgExpr::True } else { CfgExpr::Any(declarations) }
    }

    fn declares(&self, source: &WsPath, modules: &[&str], file: &WsPath) -> Option<CfgExpr> {
        let text = self.files.text(source).ok()??;
        // Nearly all of them need not be parsed to tell.
        let may_have = |word: &str| text.contains(word);
        if !(modules.last().is_some_and(|module| may_have(module)) || may_have(file.name())) {
            return None;
        }
        let text = tokens::without_shebang(text.trim_start_matches('\u{feff}'));
        let tokens: TokenStream = text.parse().ok()?;
        if is_too_deep(tokens.clone()) { None } else { items::declares(tokens, modules, file.name()) }
    }
}
