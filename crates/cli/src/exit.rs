//! Exit codes, the same for all commands.

/// Fresh, or written.
pub const SUCCESS: u8 = 0;
/// Stale, or not matching.
pub const STALE: u8 = 1;
/// Wrong usage, or an input that cannot be used.
pub const ERROR: u8 = 2;
