#!/usr/bin/env python3
"""Compares Cratewright with crate2nix 0.15.0 on published workspaces: size of Cargo.nix, cost of evaluating all
members, and processor time of generating. Prints the tables of docs/src/benchmarks.md.

    benches/peers.py [WORKSPACE...]

Needs git, Nix and crate2nix. Cargo fetches git repositories with the git program, so that `url.<base>.insteadOf` in
git's configuration applies."""

import datetime
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

from in_turns import METADATA, generate, medians

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = ROOT / "target/peers"
CRATEWRIGHT = ROOT / "target/release/cratewright"
RUNS = 15

# Each workspace is a repository on GitHub with a commit, or a program without members on crates.io with a version.
WORKSPACES = {
    "nu 0.106.0": ("nu", "0.106.0"),
    "helix": ("helix-editor/helix", "079a789e8cb08ead67f19e1971a1b7438b37354b"),
    "cargo": ("rust-lang/cargo", "af373f761aa4e42b093c2e453078fd73c8ce54dd"),
    "lemmy": ("LemmyNet/lemmy", "439734dd638a2c06a2f907beab7dcf4646e88f86"),
    "nushell": ("nushell/nushell", "0df4ca222cc713e79b6b1684ad8ccaec584ce4ac"),
    "ruff": ("astral-sh/ruff", "fca5c7cf2cd2f8338f18b9485f936b8e9f07bd0b"),
    "uv": ("astral-sh/uv", "26a9dd4b2125bc271b47855e1fa0c49af3365db5"),
    "wasmtime": ("bytecodealliance/wasmtime", "e6b33de5139d915a48127fc78b790e2d306cf896"),
}

# The files that are written to the root of each workspace.
OURS, LIBRARY, THEIRS = "Cargo.nix", "cratewright.nix", "crate2nix.nix"
INSTALL = {
    "cargo": "https://rustup.rs",
    "git": "https://git-scm.com",
    "nix-instantiate": "https://nixos.org/download",
    "crate2nix": "cargo install crate2nix --version 0.15.0 --locked",
}


class Failed(Exception):
    """One workspace cannot be measured."""


def run(*command, cwd=ROOT, **variables):
    done = subprocess.run(command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"`{' '.join(map(str, command))}` failed:\n{done.stderr.strip()}")
    return done


def fetch(name):
    """Fetches a workspace and its dependencies, and returns its directory."""
    source, version = WORKSPACES[name]
    if "/" not in source:
        return pathlib.Path(run("dev/fetch-application", source, version, PEERS).stdout.strip())
    directory = PEERS / name
    directory.mkdir(parents=True, exist_ok=True)
    run("git", "init", "--quiet", cwd=directory)
    if (directory / ".git/HEAD").read_text().strip() != version:
        url = f"https://github.com/{source}"
        run("git", "fetch", "--quiet", "--depth", "1", url, version, cwd=directory)
        run("git", "checkout", "--quiet", "--force", "--detach", version, cwd=directory)
    run("cargo", "fetch", "--locked", cwd=directory)
    return directory


def evaluate(file, attribute, *arguments):
    """Returns an attribute of evaluate.nix for a file, and the counters of Nix."""
    command = ["nix-instantiate", "--eval", "--strict", "--json", ROOT / "benches/evaluate.nix", "-A", attribute]
    done = run(*command, "--arg", "cargoNix", file, *arguments, NIX_SHOW_STATS="1")
    # Warnings may come before the counters.
    return json.loads(done.stdout), json.loads(re.search(r"^\{.*", done.stderr, re.DOTALL | re.MULTILINE)[0])


def describe(file, members):
    entries, _ = evaluate(file, "entries")
    _, counters = evaluate(file, "evaluated", "--arg", "members", f"[ {' '.join(map(json.dumps, members))} ]")
    text = file.read_bytes()
    return {
        "entries": entries,
        "bytes": len(text),
        "lines": text.count(b"\n"),
        "calls": counters["nrFunctionCalls"],
        "thunks": counters["nrThunks"],
    }


def measure(name):
    directory = fetch(name)
    ours, library, theirs = (directory / file for file in (OURS, LIBRARY, THEIRS))
    # Files of an earlier run must not count as sources of the workspace.
    for file in (ours, library, theirs):
        file.unlink(missing_ok=True)
    commands = [METADATA, generate(CRATEWRIGHT, OURS), ["crate2nix", "generate", "--output", THEIRS]]
    commands.append([CRATEWRIGHT, "check", "--quiet", "--output", OURS])
    for command in commands:
        run(*command, cwd=directory)
    # Our file leaves out members of which nothing is built by default.
    of_ours, of_theirs = (set(evaluate(file, "members")[0]) for file in (ours, theirs))
    members = sorted(of_ours & of_theirs)
    return {
        "members": members,
        "left out": sorted(of_ours ^ of_theirs),
        "packages": (directory / "Cargo.lock").read_text().count("\n[[package]]\n"),
        "ours": describe(ours, members),
        "theirs": describe(theirs, members),
        "library": library.read_bytes() if library.exists() else None,
        "processor": [processor for _, processor in medians(commands, directory, RUNS)],
    }


def table(columns, rows):
    print(f"\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(cell if isinstance(cell, str) else f'{cell:,}' for cell in row)} |")


def pair(result, key):
    return result["ours"][key], result["theirs"][key]


def ratio(ours, theirs, digits=2):
    return f"{ours / theirs:.{digits}f}"


def machine():
    names = re.findall(r"^model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(names)} cores of {names[0]}, {memory:.0f} GiB of memory"


def report(arguments, results):
    versions = [run(*command).stdout.strip() for command in (["cargo", "-V"], ["nix-instantiate", "--version"])]
    versions += [run("crate2nix", "--version").stdout.strip(), run(CRATEWRIGHT, "--version").stdout.strip()]
    print(f"{datetime.date.today()}, {machine()}; {', '.join(versions)}. Made by")
    print(f"\n```console\n$ {shlex.join(['benches/peers.py', *arguments])}\n```")
    for library in {result["library"] for result in results.values()} - {None}:
        lines = library.count(b"\n")
        print(f"\n`{LIBRARY}`, next to `{OURS}`: {len(library):,} bytes, {lines:,} lines.")
    for name, result in results.items():
        if result["left out"]:
            print(f"\n{name} without members that only one of the files has: {', '.join(result['left out'])}.")
    columns = ["workspace", "members", "packages in `Cargo.lock`"]
    for what in ("entries", "bytes"):
        columns += [f"{what}, Cratewright", "crate2nix"]
    table(
        [*columns, "ratio of bytes", "lines, Cratewright", "crate2nix"],
        (
            [name, len(result["members"]), result["packages"], *pair(result, "entries"), *pair(result, "bytes")]
            + [ratio(*pair(result, "bytes")), *pair(result, "lines")]
            for name, result in results.items()
        ),
    )
    print("\nEvaluation of all members' graphs, `buildRustCrate` a stub:")
    columns = ["workspace"]
    for what in ("function calls", "thunks"):
        columns += [f"{what}, Cratewright", "crate2nix", "ratio"]
    table(
        columns,
        (
            [name, *(c for key in ("calls", "thunks") for c in (*pair(result, key), ratio(*pair(result, key), 3)))]
            for name, result in results.items()
        ),
    )
    print(f"\nProcessor time, milliseconds, median of {RUNS} runs in turns:")
    columns = ["workspace", "`cargo metadata`", "`cratewright generate`", "ratio", "`crate2nix generate`", "ratio"]
    table(
        [*columns, "`cratewright check`"],
        (
            [name, f"{cargo * 1000:.0f}", f"{ours * 1000:.0f}", ratio(ours, cargo)]
            + [f"{theirs * 1000:.0f}", ratio(theirs, cargo), f"{check * 1000:.0f}"]
            for name, (cargo, ours, theirs, check) in ((name, result["processor"]) for name, result in results.items())
        ),
    )


def main(arguments):
    unknown = [name for name in arguments if name not in WORKSPACES]
    if unknown:
        sys.exit(f"there is no {', '.join(unknown)}; the workspaces are {', '.join(WORKSPACES)}")
    missing = [f"{program} is missing: {how}" for program, how in INSTALL.items() if not shutil.which(program)]
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 2
    os.environ["CARGO_NET_GIT_FETCH_WITH_CLI"] = "true"
    if shutil.which("rustup"):
        # Use the same cargo for all workspaces, even if they have a toolchain file.
        os.environ["RUSTUP_TOOLCHAIN"] = run("rustup", "show", "active-toolchain").stdout.split()[0]
    subprocess.run(["cargo", "build", "--quiet", "--release", "--locked"], cwd=ROOT, check=True)
    results, failed = {}, False
    for name in arguments or WORKSPACES:
        print(f"{name} ...", file=sys.stderr)
        try:
            results[name] = measure(name)
        except (Failed, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
    if results:
        report(arguments, results)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
