//! The git repository of a workspace: its revisions, their files, and what has changed since.
//!
//! All answers come from the git program. Nothing in the repository is written: no index, worktree or reference.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::digest::sha256;
use cratewright_sources::path::WsPath;

use crate::cargo;
use crate::paths::{lexical, relative};

/// A repository with a working tree.
#[derive(Debug)]
pub(crate) struct Repository {
    /// The top directory of the working tree.
    top: PathBuf,
    /// The canonical workspace root.
    root: PathBuf,
}

/// A commit.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    /// The full hash.
    pub(crate) commit: String,
    /// The revision as the user gave it, or how it was chosen.
    pub(crate) shown: String,
}

/// File ids by path relative to the workspace root.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listing(pub(crate) BTreeMap<WsPath, FileId>);

/// Mode, and an id of the content.
pub(crate) type FileId = (String, String);

/// Candidates for the default branch, if the repository does not have `origin/HEAD`.
const DEFAULT_BRANCHES: [&str; 4] = ["origin/main", "origin/master", "main", "master"];

/// Help for a workspace that has no earlier state.
pub(crate) const PLANNED: &str =
    "ask about a planned change with `cratewright impact`: `--bump CRATE`, `--edit PATH` or `--feature MEMBER/FEATURE`";

impl Repository {
    /// The repository of the workspace root.
    pub(crate) fn of(root: &Path) -> Result<Self, Diagnostic> {
        let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
        let mut git = git(&root);
        git.args(["rev-parse", "--show-toplevel"]);
        let output = cargo::output(git)?;
        if !output.status.success() {
            let message = "the workspace is not in a git repository, so there is nothing to compare it with";
            return Err(Diagnostic::new("no-repository", message)
                .at(root.display().to_string())
                .note("git says", cargo::stderr(&output))
                .help(PLANNED));
        }
        let top = PathBuf::from(OsStr::from_bytes(trimmed(&output.stdout)));
        let top = top.canonicalize().map_err(|error| Diagnostic::io("find", &top, &error))?;
        Ok(Repository { top, root })
    }

    /// The commit of a revision, by default the commit where HEAD left the default branch.
    pub(crate) fn revision(&self, asked: Option<&str>) -> Result<Revision, Diagnostic> {
        let Some(asked) = asked else { return self.merge_base() };
        let commit = self.commit(asked).ok_or_else(|| {
            // The listing is empty in a repository without a commit.
            match run(git(&self.top).args(["rev-list", "--all", "--max-count=1"])).is_ok_and(|found| found.is_empty()) {
                true => self.no_commit(),
                false => self.with_depth(
                    Diagnostic::new("unknown-revision", format!("there is no revision `{asked}`"))
                        .at(self.top.display().to_string())
                        .help("use a branch of `git branch --all`, a tag of `git tag` or a commit of `git log`"),
                ),
            }
        })?;
        Ok(Revision { commit, shown: asked.to_owned() })
    }

    /// `HEAD` is a branch without a commit.
    fn no_commit(&self) -> Diagnostic {
        Diagnostic::new("no-commit", "the current branch has no commit yet, so there is nothing to compare with")
            .at(self.top.display().to_string())
            .help(format!("run `git add --all` and `git commit`, or {PLANNED}"))
    }

    fn commit(&self, revision: &str) -> Option<String> {
        // A revision that starts with a dash must not be taken for an option.
        let text = run(git(&self.top)
            .args(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{revision}^{{commit}}")));
        text.ok().map(|text| String::from_utf8_lossy(trimmed(&text)).into_owned())
    }

    fn merge_base(&self) -> Result<Revision, Diagnostic> {
        let Some(current) = self.commit("HEAD") else { return Err(self.no_commit()) };
        let head = run(git(&self.top).args(["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"])).ok();
        let head = head.map(|text| String::from_utf8_lossy(trimmed(&text)).into_owned());
        let candidates = head.into_iter().chain(DEFAULT_BRANCHES.map(str::to_owned));
        let Some(branch) = candidates.into_iter().find(|branch| self.commit(branch).is_some()) else {
            let message = format!(
                "the default branch is not known: none of `origin/HEAD`, `{}` exists",
                DEFAULT_BRANCHES.join("`, `")
            );
            return Err(self.with_depth(
                Diagnostic::new("no-default-branch", message).at(self.top.display().to_string()).help(
                    "choose a revision with `--since REV`, such as `--since HEAD~1` or the name of your default branch",
                ),
            ));
        };
        let base = run(git(&self.top).args(["merge-base", "HEAD", &branch])).map_err(|says| {
            self.with_depth(
                Diagnostic::new("no-merge-base", format!("`HEAD` and `{branch}` have no commit in common"))
                    .at(self.top.display().to_string())
                    .note("git says", says)
                    .help("choose a revision with `--since REV`"),
            )
        })?;
        let commit = String::from_utf8_lossy(trimmed(&base)).into_owned();
        let short = commit.get(..9).unwrap_or(&commit);
        let shown = match commit == current {
            true => format!("{short}, the commit of HEAD"),
            false => format!("{short}, where HEAD left {branch}"),
        };
        Ok(Revision { commit, shown })
    }

    /// Adds help if the clone is shallow, where git does not find older commits.
    fn with_depth(&self, diagnostic: Diagnostic) -> Diagnostic {
        let shallow = run(git(&self.top).args(["rev-parse", "--is-shallow-repository"]));
        match shallow.is_ok_and(|text| trimmed(&text) == b"true") {
            true => diagnostic
                .help("this clone is shallow: run `git fetch --unshallow`, or check out with `fetch-depth: 0`"),
            false => diagnostic,
        }
    }

    /// The workspace root in a directory that a commit is exported to.
    pub(crate) fn root_in(&self, directory: &Path) -> PathBuf {
        directory.join("tree").join(self.root.strip_prefix(&self.top).unwrap_or(Path::new("")))
    }

    /// The path of the working tree that matches a given path of the workspace root, which may contain links.
    pub(crate) fn top_seen_from(&self, root: &Path) -> PathBuf {
        let below = self.root.strip_prefix(&self.top).map_or(0, |below| below.components().count());
        let seen = root.ancestors().nth(below).filter(|seen| seen.canonicalize().is_ok_and(|real| real == self.top));
        seen.map_or_else(|| self.top.clone(), Path::to_owned)
    }

    /// Whether a directory, relative to the workspace root, is in the working tree.
    pub(crate) fn holds(&self, directory: &str) -> bool {
        lexical(&self.root, directory).starts_with(&self.top)
    }

    /// Writes all files of a commit to an empty directory.
    pub(crate) fn export(&self, revision: &Revision, directory: &Path) -> Result<(), Diagnostic> {
        let index = directory.join("index");
        let tree = directory.join("tree");
        fs::create_dir_all(&tree).map_err(|error| Diagnostic::io("write", &tree, &error))?;
        let failed = |says: String| {
            Diagnostic::new("git-failed", format!("git cannot read the files of {}", revision.shown))
                .at(self.top.display().to_string())
                .note("git says", says)
        };
        let mut prefix = tree.clone().into_os_string();
        prefix.push("/");
        run(git(&self.top).env("GIT_INDEX_FILE", &index).args(["read-tree", &revision.commit])).map_err(failed)?;
        let mut checkout = git(&self.top);
        checkout.env("GIT_INDEX_FILE", &index).env("GIT_LFS_SKIP_SMUDGE", "1");
        checkout.args(["checkout-index", "--all", "--force", "--quiet"]);
        checkout.arg([OsStr::new("--prefix="), &prefix].iter().copied().collect::<std::ffi::OsString>());
        run(&mut checkout).map_err(failed).map(drop)
    }

    /// The files of a commit, and those of the working tree: tracked files, and untracked ones that are not ignored.
    pub(crate) fn listings(&self, revision: &Revision) -> Result<[Listing; 2], Diagnostic> {
        let failed = |says: String| {
            Diagnostic::new("git-failed", format!("git cannot list the files of {}", revision.shown))
                .at(self.top.display().to_string())
                .note("git says", says)
        };
        let tree =
            run(git(&self.top).args(["ls-tree", "-r", "-z", "--full-tree", &revision.commit])).map_err(failed)?;
        // `<mode> <type> <object>\t<path>`
        let mut before = BTreeMap::new();
        for line in fields(&tree) {
            let Some((about, path)) = split(line, b'\t') else { continue };
            let about = String::from_utf8_lossy(about);
            let mut about = about.split(' ');
            let (mode, object) = (about.next().unwrap_or_default(), about.nth(1).unwrap_or_default());
            before.insert(self.seen(path), (mode.to_owned(), object.to_owned()));
        }
        let mut diff = git(&self.top);
        diff.args(["diff", "--raw", "-z", "--no-renames", "--no-ext-diff", "--no-abbrev", &revision.commit, "--"]);
        let diff = run(&mut diff).map_err(failed)?;
        let others = run(git(&self.top).args(["ls-files", "--others", "--exclude-standard", "-z"])).map_err(failed)?;
        let mut after = before.clone();
        let mut diff = fields(&diff);
        // `:<mode> <mode> <object> <object> <status>`, followed by the path
        while let (Some(about), Some(path)) = (diff.next(), diff.next()) {
            let about = String::from_utf8_lossy(about);
            let mode = about.split(' ').nth(1).unwrap_or_default().to_owned();
            match mode.trim_matches('0') {
                "" => after.remove(&self.seen(path)),
                _ => after.insert(self.seen(path), (mode, self.content(path))),
            };
        }
        for path in fields(&others) {
            let seen = self.seen(path);
            // A file that was only removed from the index may be unchanged.
            let known = before.get(&seen).and_then(|_| self.hashed(path));
            after.insert(seen, known.unwrap_or_else(|| ("new".to_owned(), self.content(path))));
        }
        Ok([before, after].map(Listing))
    }

    /// A path in the repository, relative to the workspace root.
    fn seen(&self, path: &[u8]) -> WsPath {
        relative(&self.root, &self.top.join(OsStr::from_bytes(path)))
    }

    /// The mode and object id that a file would have in a commit.
    fn hashed(&self, path: &[u8]) -> Option<FileId> {
        let path = OsStr::from_bytes(path);
        let about = fs::symlink_metadata(self.top.join(path)).ok().filter(Metadata::is_file)?;
        let object = run(git(&self.top).args(["hash-object", "--"]).arg(path)).ok()?;
        let mode = if about.permissions().mode() & 0o100 == 0 { "100644" } else { "100755" };
        Some((mode.to_owned(), String::from_utf8_lossy(trimmed(&object)).into_owned()))
    }

    fn content(&self, path: &[u8]) -> String {
        let path = self.top.join(OsStr::from_bytes(path));
        let link = fs::read_link(&path).map(|target| target.as_os_str().as_bytes().to_vec());
        let content = link.or_else(|_| fs::read(&path));
        content.map(|bytes| sha256(&bytes)).unwrap_or_default()
    }
}

/// The names that git lists, relative to the directory; empty if git fails.
pub(crate) fn listed(directory: &Path, arguments: &[&str], names: &[String]) -> BTreeSet<String> {
    let listed = run(git(directory).args(arguments).arg("--").args(names)).unwrap_or_default();
    fields(&listed).map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// The working tree that a directory is in.
pub(crate) fn top_of(directory: &Path) -> Option<&Path> {
    directory.ancestors().find(|directory| directory.join(".git").exists())
}

/// Paths that git does not track. Directories without tracked files are listed without their contents.
#[derive(Debug)]
pub(crate) struct Untracked {
    pub(crate) all: BTreeSet<PathBuf>,
    /// Those that git ignores; they may be below one of `all`.
    pub(crate) ignored: BTreeSet<PathBuf>,
}

/// The untracked files in a working tree; none if git fails.
pub(crate) fn untracked(top: &Path) -> Untracked {
    let listed = |options: &[&str]| {
        let listed = run(git(top).args(["ls-files", "--others", "--directory", "-z"]).args(options));
        let listed = listed.unwrap_or_default();
        fields(&listed).map(|name| top.join(OsStr::from_bytes(name.strip_suffix(b"/").unwrap_or(name)))).collect()
    };
    Untracked { all: listed(&["--no-empty-directory"]), ignored: listed(&["--ignored", "--exclude-standard"]) }
}

/// Whether a merge has left conflicts in a file, which have not been resolved.
pub(crate) fn is_unmerged(directory: &Path, name: &str) -> bool {
    !listed(directory, &["ls-files", "--unmerged", "-z"], &[name.to_owned()]).is_empty()
}

/// Whether git ignores an untracked file, which need not exist.
pub(crate) fn is_ignored(directory: &Path, name: &str) -> bool {
    run(git(directory).args(["check-ignore", "--quiet", "--", name])).is_ok()
}

fn git(directory: &Path) -> Command {
    let mut git = Command::new("git");
    // Without this, reading may refresh the index on disk.
    git.arg("-C").arg(directory).env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
    git
}

/// The output of git, or its error message.
fn run(command: &mut Command) -> Result<Vec<u8>, String> {
    let output = command.output().map_err(|error| format!("git cannot be run: {error}"))?;
    if output.status.success() { Ok(output.stdout) } else { Err(cargo::stderr(&output)) }
}

fn trimmed(text: &[u8]) -> &[u8] {
    text.trim_ascii_end()
}

fn fields(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == 0).filter(|field| !field.is_empty())
}

fn split(line: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let position = line.iter().position(|byte| *byte == at)?;
    Some((&line[..position], &line[position + 1..]))
}
