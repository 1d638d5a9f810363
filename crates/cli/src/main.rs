//! The `cratewright` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    cratewright::main(std::env::args_os())
}
