//! When a source file of a package is compiled, by the declarations of modules that lead to it.

use std::collections::BTreeSet;

use cargo_platform::CfgExpr;
use proc_macro2::TokenStream;

use super::{Scanner, condition, is_too_deep, items, tokens};
use crate::tree::{parent, within};

impl Scanner<'_> {
    /// When a module is compiled, by its own declaration and by those of modules above.
    pub(super) fn declared(&self, file: &str) -> CfgExpr {
        let (name, mut directory) = match file.strip_suffix("/mod.rs") {
            Some(module) => (module.rsplit('/').next().unwrap_or(module), parent(module)),
            None => (file.rsplit('/').next().unwrap_or(file).trim_end_matches(".rs"), parent(file)),
        };
        // The root of a crate is no module.
        if name == "lib" || name == "main" || !self.is_own(directory) {
            return CfgExpr::True;
        }
        let mut modules = vec![name];
        let above = loop {
            let above = ["mod.rs", "lib.rs", "main.rs"].map(|name| within(directory, name)).into_iter();
            let roots = self.package.roots.iter().filter(|root| parent(root) == directory).cloned();
            let above = above.chain([format!("{directory}.rs")]).chain(roots);
            let above: BTreeSet<String> = above.filter(|above| above != file).collect();
            if above.iter().any(|above| self.tree.is_file(above)) {
                break above;
            }
            // A module with a body has no file.
            if !directory.contains('/') || !self.is_own(parent(directory)) {
                return CfgExpr::True;
            }
            modules.insert(0, directory.rsplit('/').next().unwrap_or(directory));
            directory = parent(directory);
        };
        let declarations = above
            .iter()
            .filter_map(|above| Some(condition::both(self.declares(above, &modules, file)?, self.declared(above))));
        let mut declarations: Vec<CfgExpr> = declarations.collect();
        if declarations.is_empty() {
            // Another module beside it may have it by a `#[path]`.
            let beside = self.tree.entries(parent(file)).into_iter().map(|(name, _)| within(parent(file), &name));
            let beside = beside.filter(|beside| beside != file && beside.ends_with(".rs"));
            declarations = beside.filter_map(|beside| self.declares(&beside, &[], file)).collect();
        }
        if declarations.is_empty() { CfgExpr::True } else { CfgExpr::Any(declarations) }
    }

    fn declares(&self, source: &str, modules: &[&str], file: &str) -> Option<CfgExpr> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let text = self.tree.read(source).ok()??;
        // Nearly all of them need not be parsed to tell.
        let may_have = |word: &str| text.contains(word);
        if !(modules.last().is_some_and(|module| may_have(module)) || may_have(name)) {
            return None;
        }
        let text = tokens::without_shebang(text.trim_start_matches('\u{feff}'));
        let tokens: TokenStream = text.parse().ok()?;
        if is_too_deep(tokens.clone()) { None } else { items::declares(tokens, modules, name) }
    }
}
