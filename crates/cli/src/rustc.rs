//! The compiler that prints the cfgs of a platform.
//!
//! Rustup's `rustc` looks up the real compiler on each run, which doubles the time of each call. So the real one is
//! looked up once, and its output is cached by cargo's rule for `target/.rustc_info.json` (`rustc_fingerprint` in its
//! `src/cargo/util/rustc.rs`): by path and file metadata. Only output of a compiler with its library next to it is
//! cached, as a script may run a different compiler each time, and only output that does not depend on files, variables
//! or the machine.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cratewright_sources::digest::sha256;
use serde::{Deserialize, Serialize};

use crate::disk::Stamp;

/// A compiler, and what was found out about it.
#[derive(Debug)]
pub(crate) struct Rustc {
    program: OsString,
    /// The cargo of the same toolchain, if rustup manages it.
    cargo: Option<PathBuf>,
    memory: Option<Memory>,
}

/// Cached output of a compiler.
#[derive(Debug)]
struct Memory {
    file: PathBuf,
    known: RefCell<Known>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    /// The identity of the compiler.
    compiler: String,
    /// Output by triple and flags, which are joined by line breaks.
    cfgs: BTreeMap<String, String>,
}

/// Variables that change the cfgs of a platform.
const VARIABLES: [&str; 2] = ["RUSTC_BOOTSTRAP", "RUST_TARGET_PATH"];

impl Rustc {
    /// The compiler that cargo runs in a directory.
    pub(crate) fn of(directory: &Path) -> Self {
        let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let Some(found) = resolve(&program) else { return Rustc { program, cargo: None, memory: None } };
        let is_proxy = is_proxy(&found);
        let found = if is_proxy { compiler_of_proxy(&found, directory) } else { Some(found) };
        let cargo = found.as_deref().filter(|_| is_proxy).map(|rustc| beside(rustc, "cargo"));
        let cargo = cargo.filter(|cargo| is_program(cargo));
        let memory = found.as_deref().and_then(|rustc| Memory::of(rustc, directory));
        Rustc { program: found.map_or(program, PathBuf::into_os_string), cargo, memory }
    }

    /// The program to run.
    pub(crate) fn program(&self) -> &OsStr {
        &self.program
    }

    /// The cargo of the same toolchain, if rustup manages it.
    pub(crate) fn cargo(&self) -> Option<&Path> {
        self.cargo.as_deref()
    }

    /// A command that runs the compiler in a directory.
    pub(crate) fn command(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(directory);
        command
    }

    /// The cached output for a platform with these flags.
    pub(crate) fn cfg(&self, triple: &str, flags: &[String]) -> Option<String> {
        self.memory.as_ref()?.known.borrow().cfgs.get(&question(triple, flags)?).cloned()
    }

    /// Caches the output for a platform, if it can be cached.
    pub(crate) fn remember(&self, triple: &str, flags: &[String], cfg: &str) {
        let (Some(memory), Some(question)) = (&self.memory, question(triple, flags)) else { return };
        memory.known.borrow_mut().cfgs.insert(question, cfg.to_owned());
        // The cache only saves time, so failures are ignored.
        let _ = memory.write();
    }
}

/// The cache key, if the output depends only on the compiler: not on a file, on the machine, or on unstable options.
fn question(triple: &str, flags: &[String]) -> Option<String> {
    let is_file = triple.contains(['/', '\\']) || triple.ends_with(".json");
    let depends = |flag: &String| {
        flag.starts_with(['@', 'Z'])
            || flag.starts_with("-Z")
            || ["native", ".json"].iter().any(|part| flag.contains(part))
    };
    (!is_file && !flags.iter().any(depends)).then(|| [&[triple.to_owned()], flags].concat().join("\n"))
}

impl Memory {
    fn of(rustc: &Path, workspace: &Path) -> Option<Self> {
        if VARIABLES.iter().any(|variable| std::env::var_os(variable).is_some()) {
            return None;
        }
        let rustc = rustc.canonicalize().ok()?;
        let compiler = identity(&rustc)?;
        let name = format!("rustc-{}.json", &sha256(rustc.to_str()?.as_bytes())[..16]);
        let file = cache(workspace)?.join(name);
        let known = fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Known>(&bytes).ok());
        let known = known.filter(|known| known.compiler == compiler);
        let known = RefCell::new(known.unwrap_or_else(|| Known { compiler, ..Known::default() }));
        Some(Memory { file, known })
    }

    /// Writes the cache atomically, as other processes may read it.
    fn write(&self) -> std::io::Result<()> {
        let directory = self.file.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(directory)?;
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(&serde_json::to_vec(&*self.known.borrow())?)?;
        file.persist(&self.file)?;
        Ok(())
    }
}

/// The cache directory, which is never in a workspace.
pub(crate) fn cache(workspace: &Path) -> Option<PathBuf> {
    let given = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let base = match given {
        Some(base) => base,
        None if cfg!(windows) => PathBuf::from(std::env::var_os("LOCALAPPDATA")?),
        None if cfg!(target_os = "macos") => std::env::home_dir()?.join("Library/Caches"),
        None => std::env::home_dir()?.join(".cache"),
    };
    let cache = base.join("cratewright");
    (base.is_absolute() && !cache.starts_with(workspace)).then_some(cache)
}

/// The file that is run for a program name.
fn resolve(program: &OsString) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    if path.components().count() > 1 {
        return None;
    }
    let name = format!("{}{}", program.to_str()?, std::env::consts::EXE_SUFFIX);
    let all = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&all).map(|directory| directory.join(&name)).find(|path| is_program(path))?;
    found.is_absolute().then_some(found)
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Whether a `rustc` is a proxy of rustup: the same file under another name.
fn is_proxy(rustc: &Path) -> bool {
    let length = |path: &Path| fs::metadata(path).ok().map(|found| found.len());
    length(rustc).is_some_and(|own| length(&beside(rustc, "rustup")) == Some(own))
}

/// The compiler that a proxy of rustup runs in a directory. `None` if rustup has to install it first, so that its
/// progress is shown later.
fn compiler_of_proxy(proxy: &Path, directory: &Path) -> Option<PathBuf> {
    let mut rustup = Command::new(beside(proxy, "rustup"));
    rustup.args(["which", "rustc"]).current_dir(directory).env("RUSTUP_AUTO_INSTALL", "0").stdin(Stdio::null());
    let output = rustup.output().ok().filter(|output| output.status.success())?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    path.is_absolute().then_some(path)
}

/// The identity of a compiler. `None` for a wrapper, which has no compiler library next to it.
fn identity(rustc: &Path) -> Option<String> {
    let libraries = rustc.parent()?.with_file_name(if cfg!(windows) { "bin" } else { "lib" });
    let is_driver =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().contains("rustc_driver"));
    let mut drivers: Vec<PathBuf> = fs::read_dir(libraries).ok()?.flatten().map(|entry| entry.path()).collect();
    drivers.retain(is_driver);
    drivers.sort();
    drivers.first()?;
    let files: Option<Vec<String>> = [rustc.to_owned()]
        .into_iter()
        .chain(drivers)
        .map(|file| Some(format!("{file:?} {:?}", Stamp::of(&file)?)))
        .collect();
    Some(files?.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a toolchain with a compiler and its library.
    fn toolchain(directory: &Path) -> PathBuf {
        for (file, text) in [("bin/rustc", "compiler"), ("lib/librustc_driver-1.so", "library")] {
            let path = directory.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        directory.join("bin/rustc")
    }

    #[test]
    fn a_compiler_with_changed_files_has_another_identity() {
        let scratch = tempfile::tempdir().unwrap();
        let rustc = toolchain(scratch.path());
        let before = identity(&rustc).unwrap();
        assert_eq!(identity(&rustc).as_ref(), Some(&before));
        let library = scratch.path().join("lib/librustc_driver-1.so");
        fs::rename(&library, library.with_extension("old")).unwrap();
        fs::write(&library, "library").unwrap();
        fs::remove_file(library.with_extension("old")).unwrap();
        let after = identity(&rustc).unwrap();
        assert_ne!(before, after);
        fs::write(&rustc, "Compiler 2").unwrap();
        assert_ne!(identity(&rustc).unwrap(), after);
    }

    #[test]
    fn output_of_a_wrapper_is_not_cached() {
        let scratch = tempfile::tempdir().unwrap();
        let script = scratch.path().join("bin/rustc");
        fs::create_dir_all(script.parent().unwrap()).unwrap();
        fs::write(&script, "#!/bin/sh\nexec other-rustc \"$@\"\n").unwrap();
        assert_eq!(identity(&script), None);
        fs::create_dir(scratch.path().join("lib")).unwrap();
        assert_eq!(identity(&script), None);
    }

    #[test]
    fn output_is_cached_for_one_compiler() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("new/rustc.json");
        let memory = |compiler: &str| {
            let known = fs::read(&file).ok().map(|bytes| serde_json::from_slice::<Known>(&bytes).unwrap());
            let compiler = compiler.to_owned();
            let known =
                known.filter(|known| known.compiler == compiler).unwrap_or(Known { compiler, ..Known::default() });
            Rustc {
                program: "rustc".into(),
                cargo: None,
                memory: Some(Memory { file: file.clone(), known: RefCell::new(known) }),
            }
        };
        let flags = |flags: &[&str]| flags.iter().map(|&flag| flag.to_owned()).collect::<Vec<_>>();
        let linux = "x86_64-unknown-linux-gnu";
        let first = memory("one");
        let cases = [
            (linux, vec![], true),
            (linux, flags(&["--cfg", "tokio_unstable"]), true),
            (linux, flags(&["-C", "target-cpu=native"]), false),
            (linux, flags(&["@flags"]), false),
            (linux, flags(&["-Zunstable"]), false),
            ("./own.json", vec![], false),
            ("dir/own", vec![], false),
        ];
        for (triple, flags, _) in &cases {
            assert_eq!(first.cfg(triple, flags), None);
            first.remember(triple, flags, &format!("unix\n{flags:?}"));
        }
        let (again, other) = (memory("one"), memory("two"));
        for (triple, flags, is_remembered) in &cases {
            let said = is_remembered.then(|| format!("unix\n{flags:?}"));
            assert_eq!((again.cfg(triple, flags), other.cfg(triple, flags)), (said, None), "{triple} {flags:?}");
        }
    }

    #[test]
    fn the_cache_is_never_in_a_workspace() {
        let Some(cache) = cache(Path::new("/no/such/workspace")) else { return };
        assert_eq!(super::cache(cache.parent().unwrap()), None);
    }
}
