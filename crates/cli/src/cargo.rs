//! Runs cargo and rustc, and explains why a program cannot be run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use cratewright_resolver::Platform;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::alternatives;
use cratewright_workspace::CargoConfig;

use crate::flags::rustflags;
use crate::options::LoadOptions;
use crate::progress::Progress;
use crate::rustc::{self, Rustc};
use crate::systems::near_targets;

/// Whether a run of cargo may change `Cargo.lock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// `Cargo.lock` must be up to date.
    Locked,
    /// Cargo may update `Cargo.lock`.
    MayUpdate,
}

/// The output of `cargo metadata --all-features`, and whether it has updated Cargo.lock, which happens only if the file
/// is out of date and `locked` is not set. `home` is used as `CARGO_HOME` instead of the user's.
///
/// # Errors
/// When cargo is missing or fails, with a separate code for each cause that can be recognized.
pub(crate) fn metadata(
    manifest: &Path,
    root: &Path,
    options: &LoadOptions,
    home: Option<&Path>,
) -> Result<(String, bool), Diagnostic> {
    // The lock file is nearly always up to date; `--locked` at first keeps cargo from creating one unasked.
    let output = run_metadata(manifest, root, options, home, Lock::Locked)?;
    if output.status.success() {
        return Ok((text(output), false));
    }
    let refusal = refusal(manifest, options, &output);
    if !root.join("Cargo.lock").exists() {
        return Err(Diagnostic::no_lock_file());
    }
    if !stderr(&output).contains("--locked") {
        return Err(refusal);
    }
    if options.locked {
        return Err(Diagnostic::new("lock-out-of-date", "`Cargo.lock` does not match the manifests")
            .at("Cargo.lock")
            .help("bring it up to date with `cargo update --workspace`, or with `cratewright generate`"));
    }
    let output = run_metadata(manifest, root, options, home, Lock::MayUpdate)?;
    if output.status.success() { Ok((text(output), true)) } else { Err(self::refusal(manifest, options, &output)) }
}

fn run_metadata(
    manifest: &Path,
    root: &Path,
    options: &LoadOptions,
    home: Option<&Path>,
    lock: Lock,
) -> Result<Output, Diagnostic> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--all-features", "--color", "never"]);
    at(&mut command, manifest, root);
    if options.offline {
        command.arg("--offline");
    }
    if lock == Lock::Locked {
        command.arg("--locked");
    }
    if let Some(directory) = target_dir_in_cache(root) {
        command.env("CARGO_TARGET_DIR", directory);
    }
    if let Some(home) = home {
        command.env("CARGO_HOME", home);
    }
    output_of(command, options.progress)
}

/// A directory where cargo caches the answers of rustc if the workspace has no `target`; otherwise it would ask each
/// time. Nothing that is read from the output of cargo depends on this directory.
fn target_dir_in_cache(root: &Path) -> Option<PathBuf> {
    let is_named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    if is_named || root.join("target").exists() {
        return None;
    }
    let directory = rustc::cache(root)?.join("cargo");
    fs::create_dir_all(&directory).ok()?;
    Some(directory)
}

fn text(output: Output) -> String {
    // It is nearly always UTF-8, so it is not copied.
    String::from_utf8(output.stdout).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn refusal(manifest: &Path, options: &LoadOptions, output: &Output) -> Diagnostic {
    let text = stderr(output);
    let says = text.trim().trim_start_matches("error: ").to_owned();
    if options.offline && text.contains("--offline") {
        return Diagnostic::new("not-in-cache", "cargo's cache lacks a package, and cargo runs without network access")
            .at(manifest.display().to_string())
            .note("cargo says", says)
            .help("run `cargo fetch` once with network access");
    }
    Diagnostic::new("cargo-refused", "cargo cannot read the workspace")
        .at(manifest.display().to_string())
        .note("cargo says", says)
        .help("fix the error that cargo reports; `cargo check` must work before `cratewright generate` can")
}

/// Why there is no cfg table for a platform.
#[derive(Debug, Clone)]
pub(crate) struct NoPlatform {
    pub(crate) cause: Cause,
    pub(crate) diagnostic: Diagnostic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Rustc cannot be run.
    NoRustc,
    /// Rustc refuses the flags of cargo's configuration.
    Flags,
    /// Rustc does not know the platform.
    Unknown,
}

/// The cfg table of a platform, from `rustc --print cfg` run in the workspace, so that its toolchain file applies.
///
/// # Errors
/// When rustc is missing or does not know the target.
pub(crate) fn platform(
    rustc: &Rustc,
    triple: &str,
    directory: &Path,
    config: &CargoConfig,
    progress: Progress,
) -> Result<Platform, NoPlatform> {
    let platform = platform_with(rustc, triple, directory, &[], progress)?;
    // The flags may change the cfgs that select them, so rustc is asked again, as cargo does.
    match rustflags(config, &platform) {
        flags if flags.is_empty() => Ok(platform),
        flags => platform_with(rustc, triple, directory, &flags, progress).map_err(|missing| NoPlatform {
            diagnostic: if missing.cause == Cause::Flags {
                missing.diagnostic.at(config.file())
            } else {
                missing.diagnostic
            },
            ..missing
        }),
    }
}

fn platform_with(
    rustc: &Rustc,
    triple: &str,
    directory: &Path,
    rustflags: &[String],
    progress: Progress,
) -> Result<Platform, NoPlatform> {
    let missing = |cause| move |diagnostic| NoPlatform { cause, diagnostic };
    if let Some(cfg) = rustc.cfg(triple, rustflags)
        && let Ok(platform) = Platform::parse(triple, &cfg)
    {
        return Ok(platform);
    }
    let mut command = rustc.command(directory);
    command.args(["--print", "cfg", "--target", triple]).args(rustflags);
    // rustup may have to install the toolchain first.
    let output = output_of(command, progress).map_err(missing(Cause::NoRustc))?;
    if !output.status.success() {
        let says = stderr(&output);
        let says = says.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        if !rustflags.is_empty() {
            let message = format!("rustc refuses the `rustflags` for `{triple}`: {}", rustflags.join(" "));
            return Err(missing(Cause::Flags)(
                Diagnostic::new("invalid-cargo-config", message)
                    .note("rustc says", says)
                    .help("correct `rustflags`; `cargo check` refuses them as well"),
            ));
        }
        let mut list = rustc.command(directory);
        list.args(["--print", "target-list"]);
        let known = output_of(list, progress).map(text).unwrap_or_default();
        let pick = "pick one of `rustc --print target-list`, or a Nix system such as x86_64-linux";
        let help = match &near_targets(triple, known.lines())[..] {
            _ if triple.contains(',') => "repeat `--target` for each of them".to_owned(),
            [] => pick.to_owned(),
            near => format!("did you mean {}? otherwise {pick}", alternatives(near)),
        };
        return Err(missing(Cause::Unknown)(
            Diagnostic::new("unknown-target", format!("rustc does not know the target `{triple}`"))
                .note("rustc says", says)
                .help(help),
        ));
    }
    let cfg = text(output);
    let platform = Platform::parse(triple, &cfg).map_err(missing(Cause::Unknown))?;
    rustc.remember(triple, rustflags, &cfg);
    Ok(platform)
}

/// The triple of the platform that rustc itself runs on.
///
/// # Errors
/// When rustc is missing or does not print its host.
pub(crate) fn host(directory: &Path) -> Result<String, Diagnostic> {
    let mut command = Rustc::of(directory).command(directory);
    command.arg("-vV");
    let output = output(command)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| {
        Diagnostic::new("program-failed", "`rustc -vV` does not print its host platform")
            .note("rustc says", stderr(&output))
            .help("name the platform with `--target`")
    })
}

/// The cargo to run: cargo sets `CARGO` for programs that it runs.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Passes the manifest, and sets the working directory to the workspace root: cargo looks for `.cargo/config.toml` and
/// rustup for `rust-toolchain.toml` from there upwards, so the result does not depend on the user's current directory.
pub(crate) fn at(command: &mut Command, manifest: &Path, root: &Path) {
    command.arg("--manifest-path").arg(manifest).current_dir(root);
}

/// Runs a program without showing its output.
pub(crate) fn output(command: Command) -> Result<Output, Diagnostic> {
    output_of(command, Progress::default())
}

/// Runs a program and shows its progress. The returned standard error lacks the lines that were shown.
pub(crate) fn output_of(mut command: Command, progress: Progress) -> Result<Output, Diagnostic> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = if progress.is_shown() { shown(&mut command, progress) } else { command.output() };
    output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => not_found(&program),
        _ => Diagnostic::new("program-failed", format!("`{program}` could not be run: {error}"))
            .help(format!("check that `{program}` is an executable you may run")),
    })
}

fn not_found(program: &str) -> Diagnostic {
    let is_named_by = |variable: &&str| std::env::var_os(variable).is_some_and(|value| value == *program);
    let help = if let Some(variable) = ["CARGO", "RUSTC"].into_iter().find(is_named_by) {
        format!("correct the variable `{variable}`, or unset it")
    } else {
        let what = match program {
            "git" => "git",
            nix if nix.starts_with("nix") => "Nix",
            _ => "Rust",
        };
        format!("install {what}, or put the directory of `{program}` on PATH")
    };
    Diagnostic::new("program-not-found", format!("`{program}` was not found")).help(help)
}

fn shown(command: &mut Command, progress: Progress) -> io::Result<Output> {
    progress.ask_for_bar(command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let stderr = child.stderr.take().expect("it was asked for");
    let (output, stderr) = thread::scope(|scope| {
        let stderr = scope.spawn(|| progress.follow(stderr));
        (child.wait_with_output(), stderr.join().expect("reading lines does not panic"))
    });
    output.map(|output| Output { stderr, ..output })
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
