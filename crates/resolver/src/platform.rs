//! Platforms and the pairs of them that a workspace is resolved for.

use std::str::FromStr;

use cargo_platform::Cfg;
use cratewright_sources::diagnostic::Diagnostic;

/// A platform: its triple and what `rustc --print cfg --target <triple>` prints for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Target triple.
    pub triple: String,
    /// The cfg table.
    pub cfgs: Vec<Cfg>,
}

impl Platform {
    /// Parses the output of `rustc --print cfg`.
    ///
    /// # Errors
    /// When a line is no cfg.
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

    /// Whether a `[target.<platform>]` table applies.
    pub fn matches(&self, platform: &cargo_platform::Platform) -> bool {
        platform.matches(&self.triple, &self.cfgs)
    }
}

/// The platform that compiles and the one the result runs on; indices into a list of [`Platform`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Runs the compiler, build scripts and proc-macros (nixpkgs: `buildPlatform`).
    pub host: usize,
    /// Runs the result (nixpkgs: `hostPlatform`).
    pub target: usize,
}

impl Pair {
    /// A native pair.
    pub fn native(platform: usize) -> Self {
        Pair { host: platform, target: platform }
    }

    /// Whether the result runs elsewhere than the compiler.
    pub fn is_cross(self) -> bool {
        self.host != self.target
    }
}
