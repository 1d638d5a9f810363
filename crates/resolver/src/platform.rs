//! Platforms and pairs of platforms.

use std::str::FromStr;

use cargo_platform::Cfg;
use cratewright_sources::diagnostic::Diagnostic;

/// A platform with the output of `rustc --print cfg --target <triple>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// The target triple.
    pub triple: String,
    /// The cfg table.
    pub cfgs: Vec<Cfg>,
}

impl Platform {
    /// Parses the output of `rustc --print cfg`.
    ///
    /// # Errors
    /// If a line is not a cfg.
    pub fn parse(triple: &str, print_cfg: &str) -> Result<Self, Diagnostic> {
        let cfgs = print_cfg
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                Cfg::from_str(line).map_err(|error| {
                    let message = format!("`rustc --print cfg --target {triple}` printed `{line}`, which is not a cfg");
                    Diagnostic::new("invalid-cfg", message).caused_by(error)
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Platform { triple: triple.to_owned(), cfgs })
    }

    /// Whether a table `[target.<platform>]` applies.
    pub fn matches(&self, platform: &cargo_platform::Platform) -> bool {
        platform.matches(&self.triple, &self.cfgs)
    }
}

/// Two platforms, as indices into a list of [`Platform`]s: one compiles, the other runs the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// The platform that runs the compiler, build scripts and proc-macros (nixpkgs: `buildPlatform`).
    pub host: usize,
    /// The platform that runs the result (nixpkgs: `hostPlatform`).
    pub target: usize,
}

impl Pair {
    /// The pair of a native build.
    pub fn native(platform: usize) -> Self {
        Pair { host: platform, target: platform }
    }

    /// Whether the result runs on another platform than the compiler.
    pub fn is_cross(self) -> bool {
        self.host != self.target
    }
}
