//! Errors about packages.

use std::collections::{HashMap, VecDeque};

use cargo_metadata::{PackageId, Resolve};
use cratewright_sources::diagnostic::Diagnostic;

/// The error for a manifest key that requires an unstable cargo and changes the build.
pub(crate) fn unsupported_key(package: &str, key: &str) -> Diagnostic {
    Diagnostic::new("unsupported-key", format!("package `{package}` uses `{key}`, which is not supported"))
        .help("remove the key; it requires an unstable cargo, and nixpkgs' builder has no equivalent")
}

/// The shortest chain of packages, as `name version`, from a member to `to`.
pub(crate) fn path_to(resolve: &Resolve, members: &[PackageId], to: &str) -> Vec<String> {
    let nodes: HashMap<&str, _> = resolve.nodes.iter().map(|node| (node.id.repr.as_str(), node)).collect();
    let mut came_from: HashMap<&str, Option<&str>> =
        members.iter().map(|member| (member.repr.as_str(), None)).collect();
    let mut queue: VecDeque<&str> = members.iter().map(|member| member.repr.as_str()).collect();
    while let Some(id) = queue.pop_front() {
        if id == to {
            let mut path = vec![display_id(id)];
            let mut at = id;
            while let Some(Some(parent)) = came_from.get(at) {
                path.push(display_id(parent));
                at = parent;
            }
            path.reverse();
            return path;
        }
        for dependency in nodes.get(id).into_iter().flat_map(|node| &node.dependencies) {
            came_from.entry(&dependency.repr).or_insert_with(|| {
                queue.push_back(&dependency.repr);
                Some(id)
            });
        }
    }
    Vec::new()
}

/// `name version` of a package id. The rest of the id may contain paths of this machine.
pub(crate) fn display_id(id: &str) -> String {
    let (url, fragment) = id.rsplit_once('#').unwrap_or(("", id));
    // The URL of a git repository may end in `?branch=...`.
    let url = url.split_once('?').map_or(url, |(url, _)| url);
    match fragment.split_once('@') {
        Some((name, version)) => format!("{name} {version}"),
        None => format!("{} {fragment}", url.rsplit('/').next().unwrap_or(url)),
    }
}
