//! `cfg` conditions, evaluated as far as they are known without building.

use cargo_platform::{Cfg, CfgExpr};
use proc_macro2::TokenStream;

/// Names that are false in every build of a package.
const NOT_BUILT: [&str; 5] = ["test", "doctest", "doc", "docsrs", "miri"];

/// Parses the contents of `cfg(...)`. An unsupported condition, such as `version("1.90")`, counts as true.
pub(super) fn parse(tokens: &TokenStream) -> CfgExpr {
    tokens.to_string().parse().unwrap_or(CfgExpr::True)
}

/// Conjunction of two conditions.
pub(super) fn both(one: CfgExpr, other: CfgExpr) -> CfgExpr {
    match (one, other) {
        (CfgExpr::True, one) | (one, CfgExpr::True) => one,
        (one, other) => CfgExpr::All(vec![one, other]),
    }
}

/// Whether the condition may hold in a build for some platform.
pub(super) fn is_built(condition: &CfgExpr) -> bool {
    truth(condition, None) != Some(false)
}

/// Whether the condition may hold in a build for the platform with this cfg table.
pub(super) fn is_built_on(condition: &CfgExpr, platform: &[Cfg]) -> bool {
    truth(condition, Some(platform)) != Some(false)
}

/// Three-valued evaluation: features and cfgs set by build scripts or flags are unknown.
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

/// Whether the platform alone decides. A single function may enable a `target_feature`.
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
    fn unknown_conditions_may_hold() {
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
