//! `cratewright cache push`: pushes the crates that a cache lacks.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::{io, thread};

use cratewright_sources::diagnostic::Diagnostic;

use crate::args::cache::Push;
use crate::cache::roots::{self, Root};
use crate::cache::store;
use crate::cache::{count, each_once, local};
use crate::cargo;
use crate::exit;
use crate::nix;
use crate::report::Report;

/// Number of paths that are pushed at once, small enough to show progress and to fit into a command line.
const BATCH: usize = 50;

/// Messages of Nix when a store rejects a path for its signature, in old and new versions.
const UNSIGNED: [&str; 2] = ["lacks a valid signature", "lacks a signature by a trusted key"];

pub(super) fn run(command: &Push, report: &Report) -> Result<u8, Diagnostic> {
    if command.command.is_none() {
        local::check_target(&command.to)?;
    }
    let to = destination(command)?;
    let file = roots::file(&command.crates)?;
    let mut roots = roots::crates(&command.crates, &file, command.tests)?;
    if command.toolchain {
        roots.extend(roots::toolchain(&roots)?);
    }
    let wanted = roots::paths(&roots);
    let there = match local::is_new(&command.to) {
        true => BTreeSet::new(),
        false => store::found(std::slice::from_ref(&command.to), &wanted)?,
    };
    let missing: BTreeSet<&str> = wanted.difference(&there).copied().collect();
    let built = store::built(&missing)?;
    let paths: Vec<&str> = missing.intersection(&built).copied().collect();
    for (ix, batch) in paths.chunks(BATCH).enumerate() {
        report.progress().so_far("Pushing", format_args!("{} of {}", ix * BATCH, paths.len()));
        push(command, &to, batch)?;
        report.detail("Pushed", format_args!("{} of {}", ix * BATCH + batch.len(), paths.len()));
    }
    report.progress().clear();
    sign(command, &there.iter().copied().collect::<Vec<_>>())?;
    let already = if there.is_empty() { String::new() } else { format!(", which had {} already", there.len()) };
    let pushed = if paths.is_empty() { "nothing".to_owned() } else { count(paths.len(), "path") };
    report.status("Pushed", format_args!("{pushed} to {}{already}", command.to));
    Ok(not_built(command, &roots, &missing, &built, report))
}

/// Reports crates that could not be pushed because they are not built.
fn not_built(command: &Push, roots: &[Root], missing: &BTreeSet<&str>, built: &BTreeSet<&str>, report: &Report) -> u8 {
    let is_lacking = |path: &String| missing.contains(path.as_str()) && !built.contains(path.as_str());
    let lacking = roots.iter().filter(|root| root.outputs.values().any(is_lacking));
    let names: Vec<String> = lacking.map(Root::display).collect();
    if names.is_empty() {
        return exit::SUCCESS;
    }
    let are = if names.len() == 1 { "is" } else { "are" };
    report.finding(
        "not built",
        format_args!("{} {are} neither in the cache nor in the local store", count(names.len(), "derivation")),
        &each_once(names),
        &format!(
            "build all of them with `{}`, then push again",
            command.crates.nix_build(roots::attribute(command.tests))
        ),
    );
    exit::STALE
}

/// The URL to push to. For a binary cache it contains the key, so that Nix signs what it writes.
fn destination(command: &Push) -> Result<String, Diagnostic> {
    let Some(key) = &command.key else { return Ok(command.to.clone()) };
    check_key(key)?;
    let key = key.canonicalize().map_err(|error| Diagnostic::io("read", key, &error))?;
    if !is_binary_cache(&command.to) {
        return Ok(command.to.clone());
    }
    let and = if command.to.contains('?') { '&' } else { '?' };
    Ok(format!("{}{and}secret-key={}", command.to, encoded(&key)?))
}

/// Fails unless a file has a secret key as `nix-store --generate-binary-cache-key` writes it: a name and, in base64, 64
/// bytes, which are a seed and the public key of 32 bytes each.
fn check_key(file: &Path) -> Result<(), Diagnostic> {
    let text = fs::read_to_string(file).map_err(|error| Diagnostic::io("read", file, &error))?;
    let digits = match text.trim_end().split_once(':') {
        Some((name, key)) if !name.is_empty() => key.trim_end_matches('='),
        _ => "",
    };
    let is_base64 = digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte));
    let says = match digits.len() {
        86 if is_base64 => return Ok(()),
        43 if is_base64 => "a public key; the secret key of the pair is needed",
        _ => "not a secret key of Nix",
    };
    Err(Diagnostic::new("invalid-key", format!("`{}` is {says}", file.display()))
        .help("make a pair with `nix-store --generate-binary-cache-key NAME SECRET-FILE PUBLIC-FILE`"))
}

/// Whether a store is a binary cache, which keeps signatures in files.
fn is_binary_cache(store: &str) -> bool {
    ["file://", "http://", "https://", "s3://"].iter().any(|scheme| store.starts_with(scheme))
}

/// A path, percent-encoded for a URL.
fn encoded(path: &Path) -> Result<String, Diagnostic> {
    let Some(path) = path.to_str() else {
        return Err(Diagnostic::new("invalid-key-path", format!("the path `{}` is not valid UTF-8", path.display()))
            .help("rename the key file"));
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-~".contains(&byte);
    Ok(path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect())
}

fn push(command: &Push, to: &str, paths: &[&str]) -> Result<(), Diagnostic> {
    if let Some(shell) = &command.command {
        return done(shell, given(shell, paths));
    }
    if let Some(key) = command.key.as_ref().filter(|_| !is_binary_cache(&command.to)) {
        let mut sign = nix::command("store");
        sign.args(["sign", "--recursive", "--key-file"]).arg(key).args(paths);
        done("nix store sign", Ok(cargo::output(sign)?))?;
    }
    let mut copy = nix::command("copy");
    copy.args(["--to", to]).args(paths);
    done("nix copy", Ok(cargo::output(copy)?))
}

/// Signs paths that a binary cache had before: `nix copy` leaves them as they are, without a signature or with one of
/// another key. Nothing is written for a path that has the signature.
fn sign(command: &Push, paths: &[&str]) -> Result<(), Diagnostic> {
    let Some(key) = command.key.as_ref().filter(|_| is_binary_cache(&command.to)) else { return Ok(()) };
    for batch in paths.chunks(BATCH) {
        let mut sign = nix::command("store");
        sign.args(["sign", "--store", &command.to, "--key-file"]).arg(key).args(batch);
        done("nix store sign", Ok(cargo::output(sign)?))?;
    }
    Ok(())
}

/// Runs a shell command that gets store paths on standard input and in `OUT_PATHS`.
fn given(shell: &str, paths: &[&str]) -> io::Result<Output> {
    let mut command = Command::new("sh");
    command.args(["-c", shell]).env("OUT_PATHS", paths.join(" "));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("it was asked for");
    thread::scope(|scope| {
        // A command that uses OUT_PATHS may end without reading its input.
        scope.spawn(move || paths.iter().all(|path| writeln!(stdin, "{path}").is_ok()));
        child.wait_with_output()
    })
}

fn done(program: &str, output: io::Result<Output>) -> Result<(), Diagnostic> {
    let said = match output {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => match format!("{}{}", String::from_utf8_lossy(&output.stdout), cargo::stderr(&output)) {
            silent if silent.trim().is_empty() => output.status.to_string(),
            said => said,
        },
        Err(error) => error.to_string(),
    };
    let help = match UNSIGNED.iter().any(|message| said.contains(message)) {
        true => "sign the paths with `--key FILE`, with a key that the store trusts",
        false => {
            "check that you may write to the cache, then run `cratewright cache push` again: it continues from here"
        }
    };
    Err(Diagnostic::new("push-failed", format!("`{program}` failed; paths that were pushed before stay in the cache"))
        .note("it says", said)
        .help(help))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn only_secret_keys_are_accepted() {
        let scratch = tempfile::tempdir().unwrap();
        let says = |text: &str| {
            fs::write(scratch.path().join("key"), text).unwrap();
            check_key(&scratch.path().join("key")).map_err(|failure| (failure.code, failure.message))
        };
        let [public, secret] = [32, 64].map(|bytes: usize| {
            let digits = "Az+/".repeat(bytes)[..(bytes * 4).div_ceil(3)].to_owned();
            digits.clone() + &"=".repeat(digits.len().next_multiple_of(4) - digits.len())
        });
        assert_eq!(says(&format!("cache-1:{secret}\n")), Ok(()));
        assert!(says(&format!("cache-1:{public}")).unwrap_err().1.contains("is a public key"));
        for wrong in ["", "nonsense", "cache-1:", &secret, &format!(":{secret}"), &format!("cache-1:{secret} A")] {
            let (code, message) = says(wrong).unwrap_err();
            assert!(code == "invalid-key" && message.ends_with("is not a secret key of Nix"), "{wrong}: {message}");
        }
    }

    #[test]
    fn paths_are_percent_encoded() {
        assert_eq!(encoded(Path::new("/run/a key&b?#ü")).unwrap(), "/run/a%20key%26b%3F%23%C3%BC");
        let strange = Path::new(OsStr::from_bytes(b"/run/\xff"));
        assert_eq!(encoded(strange).unwrap_err().code, "invalid-key-path");
    }
}
