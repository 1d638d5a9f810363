//! Errors of this crate.

/// What cannot be said in a `Cargo.nix`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// nixpkgs' builder hands binaries an `.rlib` of their package, which a proc-macro does not have.
    #[error("proc-macro package `{package}` has binaries, which nixpkgs' builder cannot link to the macro")]
    ProcMacroBins {
        /// Name and version.
        package: String,
    },
    /// A program of the package would refer to the output that holds the library, which refers to that of the program.
    #[error(
        "package `{package}` has binaries beside a library that is a `dylib` alone, which one derivation cannot hold"
    )]
    DylibBins {
        /// Name and version.
        package: String,
    },
    /// nixpkgs' builder compiles all targets of a package with one edition.
    #[error("targets of package `{package}` have different editions: {editions}")]
    Editions {
        /// Name and version.
        package: String,
        /// `target: edition` of each.
        editions: String,
    },
    /// nixpkgs' builder compiles a binary under its name with `_` for `-`.
    #[error("binaries `{first}` and `{second}` of package `{package}` are one name to nixpkgs' builder")]
    BinNames {
        /// Name and version.
        package: String,
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

impl RenderError {
    /// Stable kebab-case code of the variant.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ProcMacroBins { .. } => "proc-macro-bins",
            Self::DylibBins { .. } => "dylib-bins",
            Self::Editions { .. } => "different-editions",
            Self::BinNames { .. } => "colliding-binaries",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::ProcMacroBins { .. } => "move the binaries to a package of their own",
            Self::DylibBins { .. } => "move the binaries to a package of their own, or add \"rlib\" to `crate-type`",
            Self::Editions { .. } => "give all targets the edition of the package",
            Self::BinNames { .. } => "rename one of them",
        }
    }
}
