//! The text of a flake: a template of this repository, filled in for the workspace.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use cratewright_renderer::nix_string;

use crate::args::init::FlakeKind;

const PLAIN: &str = include_str!("../../templates/default/flake.nix");
const FLAKE_PARTS: &str = include_str!("../../templates/flake-parts/flake.nix");

/// The line of the templates with the workspace root.
const ROOT: &str = "root = ./.;";

/// Marks the lines for a toolchain file, which are commented out in the templates.
const TOOLCHAIN: &str = "rust-overlay";

/// The values that are filled into a template.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    /// URL of Cratewright.
    pub(super) url: Option<&'a str>,
    /// Directory of the workspace relative to the flake, or empty if it is the same.
    pub(super) directory: &'a str,
    /// Whether the workspace has a toolchain file.
    pub(super) has_toolchain: bool,
    /// Systems that `Cargo.nix` is for, if the workspace configures them.
    pub(super) systems: Vec<&'static str>,
}

/// The whole file; `None` for [`FlakeKind::None`].
pub(super) fn text(kind: FlakeKind, known: &Known<'_>) -> Option<String> {
    let template = match kind {
        FlakeKind::Plain => PLAIN,
        FlakeKind::FlakeParts => FLAKE_PARTS,
        FlakeKind::None => return None,
    };
    let mut text = String::new();
    let mut systems = Some(&known.systems).filter(|systems| !systems.is_empty());
    let keeps_systems = systems.is_none();
    for line in template.lines() {
        let code = line.trim_start();
        let indent = &line[..line.len() - code.len()];
        let commented = code.strip_prefix("# ").filter(|code| code.contains(TOOLCHAIN) && code.ends_with(';'));
        match commented {
            _ if !keeps_systems && is_system(code) => {
                for system in systems.take().into_iter().flatten() {
                    let _ = writeln!(text, "{indent}{}", nix_string(system));
                }
                continue;
            }
            Some(code) if known.has_toolchain => text.extend([indent, code]),
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    if let Some(url) = known.url {
        text = text.replace(&nix_string(&address()), &nix_string(url));
    }
    if !known.directory.is_empty() {
        let directory = nix_string(&format!("/{}", known.directory));
        text = text.replace(ROOT, &format!("root = ./. + {directory};"));
    }
    Some(text)
}

/// The lines for a toolchain file, without indentation.
pub(super) fn toolchain_lines(kind: FlakeKind) -> String {
    let text = text(kind, &Known { has_toolchain: true, ..Known::default() }).unwrap_or_default();
    text.lines().map(str::trim_start).filter(|line| line.contains(TOOLCHAIN)).map(|line| format!("{line}\n")).collect()
}

/// Where the templates take Cratewright from.
fn address() -> String {
    env!("CARGO_PKG_REPOSITORY").replace("https://github.com/", "github:")
}

/// Whether a line of a template is an element of the list of systems.
fn is_system(code: &str) -> bool {
    code.starts_with('"') && ["-linux\"", "-darwin\""].iter().any(|end| code.ends_with(end))
}

/// The URL of a flake in a directory. For a git repository it is a `git+file` URL, so that untracked files are not
/// copied.
pub(super) fn url_of(directory: &Path) -> String {
    let scheme = if directory.join(".git").exists() { "git+file://" } else { "path:" };
    let mut url = scheme.to_owned();
    for byte in directory.display().to_string().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// Whether a URL of a flake leads to this machine's disk.
pub(super) fn is_local(url: &str) -> bool {
    ["path:", "file:", "git+file:"].iter().any(|scheme| url.starts_with(scheme))
}

/// The clone of Cratewright that this program was built from, if it still exists.
pub(super) fn own_clone() -> Option<PathBuf> {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let is_there = ["flake.nix", "nix-lib/per-system.nix"].iter().all(|file| clone.join(file).is_file());
    is_there.then(|| clone.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_values_the_template_is_unchanged() {
        assert_eq!(text(FlakeKind::Plain, &Known::default()).as_deref(), Some(PLAIN));
        assert_eq!(text(FlakeKind::FlakeParts, &Known::default()).as_deref(), Some(FLAKE_PARTS));
        assert_eq!(text(FlakeKind::None, &Known::default()), None);
    }

    #[test]
    fn every_value_is_filled_into_each_template() {
        for kind in [FlakeKind::Plain, FlakeKind::FlakeParts] {
            let known = Known {
                url: Some("git+https://git.example/a\"b${c}"),
                directory: "crates/my app",
                has_toolchain: true,
                systems: vec!["riscv64-linux"],
            };
            let text = text(kind, &known).unwrap();
            assert!(text.contains(r#"cratewright.url = "git+https://git.example/a\"b\${c}";"#), "{text}");
            assert!(text.contains(r#"root = ./. + "/crates/my app";"#), "{text}");
            assert!(text.contains("[\n        \"riscv64-linux\"\n      ];"), "{text}");
            assert!(text.contains("\n  inputs.rust-overlay.url = \"github:oxalica/rust-overlay\";\n"), "{text}");
            assert_eq!(text.contains("rust-overlay = inputs.rust-overlay;"), kind == FlakeKind::Plain, "{text}");
            assert!(!text.contains("# inputs") && !text.contains("# rust-overlay"), "{text}");
            assert!(!text.contains("-linux\"\n        \"aarch64") && !text.contains(&address()), "{text}");
        }
    }

    #[test]
    fn directories_become_urls() {
        assert_eq!(url_of(Path::new("/no/such dir/ä")), "path:/no/such%20dir/%C3%A4");
    }
}
