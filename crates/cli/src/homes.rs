//! Cargo homes of links, so that several cargos can run at once.
//!
//! Cargo holds the lock of its package cache exclusively nearly as long as it resolves. With one home, only one graph
//! could be made at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::progress::Progress;

/// A `CARGO_HOME` for each thread of rayon's pool, with links to everything in the user's except for locks and
/// configuration.
///
/// Cargo may only run there while it holds a [`Locked`]: a cargo in the user's home truncates and writes files of the
/// index in place, and a cargo without network access that reads such a file removes it from the index
/// (`Summaries::parse` and `CacheManager` in `src/cargo/sources/registry/index`).
#[derive(Debug)]
pub(crate) struct Homes {
    /// The directory with the homes.
    directory: PathBuf,
    /// The lock file of the user's package cache.
    lock: PathBuf,
    progress: Progress,
}

/// The home of a thread. Cargos in the user's home wait until it is dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    /// The value for `CARGO_HOME`.
    pub home: PathBuf,
    _lock: File,
}

impl Homes {
    /// Makes the homes in `directory` for cargo runs on the workspace in `root`.
    ///
    /// Returns `None` if cargo's home cannot be replaced: paths in a configuration file there are relative to it, so
    /// such a home cannot move, unless cargo finds the file above the workspace anyway. A home without links or locks
    /// cannot be replaced either.
    pub(crate) fn make(directory: &Path, root: &Path, progress: Progress) -> Option<Self> {
        let home = match std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
            Some(home) => root.join(home),
            None => std::env::home_dir()?.join(".cargo"),
        };
        let has_configuration = CONFIGURATION.iter().any(|file| home.join(file).exists());
        let is_found = home.ends_with(".cargo") && home.parent().is_some_and(|above| root.starts_with(above));
        let homes = Homes { directory: directory.to_owned(), lock: home.join(PACKAGE_CACHE_LOCK), progress };
        let can_lock = || homes.open().and_then(|file| file.try_lock_shared().or_else(unless_held)).is_ok();
        let can_move = (!has_configuration || is_found) && can_lock() && homes.link_all(&home).is_ok();
        can_move.then_some(homes)
    }

    fn link_all(&self, home: &Path) -> io::Result<()> {
        for thread in 0..rayon::current_num_threads() {
            let own = self.of(thread);
            fs::create_dir(&own)?;
            for entry in fs::read_dir(home)? {
                let entry = entry?;
                let name = entry.file_name();
                if !name.to_string_lossy().starts_with('.') && !CONFIGURATION.iter().any(|file| name == *file) {
                    link(&entry.path(), &own.join(name))?;
                }
            }
        }
        Ok(())
    }

    fn of(&self, thread: usize) -> PathBuf {
        self.directory.join(format!("home-{thread}"))
    }

    fn open(&self) -> io::Result<File> {
        // A home that cannot be written may still have a lock.
        let create = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&self.lock);
        create.or_else(|_| File::open(&self.lock))
    }

    /// The home of this thread, once no cargo writes to the user's. `None` outside of rayon's pool.
    ///
    /// The lock is for one run of cargo: threads of the pool may wait for cargos in the user's home as well.
    pub(crate) fn lock(&self) -> Option<Locked> {
        let home = self.of(rayon::current_thread_index()?);
        let lock = self.open().ok()?;
        match lock.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                self.progress.wait("Blocking", "waiting for file lock on package cache");
                lock.lock_shared().ok()?;
            }
            Err(TryLockError::Error(_)) => return None,
        }
        Some(Locked { home, _lock: lock })
    }
}

/// Cargo's lock for downloads and for files of the index, in its home.
const PACKAGE_CACHE_LOCK: &str = ".package-cache";

/// Names of configuration files in cargo's home.
const CONFIGURATION: [&str; 2] = ["config", "config.toml"];

/// A lock that another process holds shows that the file system has locks.
fn unless_held(error: TryLockError) -> io::Result<()> {
    match error {
        TryLockError::WouldBlock => Ok(()),
        TryLockError::Error(error) => Err(error),
    }
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
