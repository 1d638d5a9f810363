//! Conditions under which something is compiled, as far as they can be told without building.

use cargo_platform::{Cfg, CfgExpr};
use proc_macro2::TokenStream;

/// Names that hold in no build of a package.
const NOT_BUILT: [&str; 5] = ["test", "doctest", "doc", "docsrs", "miri"];

/// What is within the parentheses of `cfg(...)`. What cannot be told, such as `version("1.90")`, may hold.
pub(super) fn parse(tokens: &TokenStream) -> CfgExpr {
    tokens.to_string().parse().unwrap_or(CfgExpr::True)
}

/// Both of them.
pub(super) fn both(one: CfgExpr, other: CfgExpr) -> CfgExpr {
    match (one, other) {
        (CfgExpr::True, one) | (one, CfgExpr::True) => one,
        (one, other) => CfgExpr::All(vec![one, other]),
    }
}

/// Whether a build may meet it, on any platform.
pub(super) fn is_built(condition: &CfgExpr) -> bool {
    truth(condition, None) != Some(false)
}

/// Whether a build may meet it on the platform of this cfg table.
pub(super) fn is_built_on(condition: &CfgExpr, platform: &[Cfg]) -> bool {
    truth(condition, Some(platform)) != Some(false)
}

/// Features, and what build scripts and flags set, are not known.
fn truth(condition: &CfgExpr, platform: Option<&[Cfg]>) -> Option<bool> {
    let all = |parts: &[CfgExpr], decides: bool| {
        let mut whole = Some(!decides);
        for part in parts {
            match truth(part, platform) {
                Some(truth) if truth == decides => return Some(decides),
                Some(_) => {}
                None => whole = None,
            }
        }
        whole
    };
    match condition {
        CfgExpr::True => Some(true),
        CfgExpr::False => Some(false),
        CfgExpr::Not(inner) => truth(inner, platform).map(|holds| !holds),
        CfgExpr::All(parts) => all(parts, false),
        CfgExpr::Any(parts) => all(parts, true),
        CfgExpr::Value(Cfg::Name(name)) if NOT_BUILT.iter().any(|not_built| name == not_built) => Some(false),
        CfgExpr::Value(value) => platform.filter(|_| is_of_platform(value)).map(|cfgs| cfgs.contains(value)),
    }
}

/// Whether the platform alone decides. `target_feature` may be turned on for a single function.
fn is_of_platform(value: &Cfg) -> bool {
    match value {
        Cfg::Name(name) => name == "unix" || name == "windows",
        Cfg::KeyPair(key, _) => key.as_str().starts_with("target_") && key != "target_feature",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_may_hold() {
        let linux: Vec<Cfg> = ["unix", "target_os = \"linux\"", "target_arch = \"x86_64\""]
            .iter()
            .map(|cfg| cfg.parse().unwrap())
            .collect();
        for (condition, anywhere, on_linux) in [
            ("target_arch = \"wasm32\"", true, false),
            ("not(target_arch = \"wasm32\")", true, true),
            ("all(feature = \"a\", windows)", true, false),
            ("any(feature = \"a\", windows)", true, true),
            ("not(any(unix, feature = \"a\"))", true, false),
            ("all(test, unix)", false, false),
            ("any(test, doc)", false, false),
            ("not(test)", true, true),
            ("any()", false, false),
            ("own_cfg", true, true),
            ("target_feature = \"avx512f\"", true, true),
            ("version(\"1.90\")", true, true),
        ] {
            let parsed = parse(&condition.parse().unwrap());
            assert_eq!((is_built(&parsed), is_built_on(&parsed, &linux)), (anywhere, on_linux), "{condition}");
        }
    }
}
