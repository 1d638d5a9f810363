#!/usr/bin/env python3
"""Measures the evaluation check of workspaces with many members: benches/members.py CRATEWRIGHT DIRECTORY [MEMBERS...]

Each member inherits version and edition, and depends on up to three others by `[workspace.dependencies]`; every third
member has a test. The workspaces are written to DIRECTORY, and nothing is fetched."""

import pathlib
import statistics
import subprocess
import sys
import time

program, directory = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
repository = pathlib.Path(__file__).resolve().parent.parent
options = ["--option", "build-users-group", "", "--option", "substituters", ""]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def workspace(root, count):
    name = "m{:04}".format
    shared = "".join(f'{name(ix)} = {{ path = "crates/{name(ix)}" }}\n' for ix in range(count))
    inherited = '[workspace.package]\nversion = "0.1.0"\nedition = "2024"\n'
    head = '[workspace]\nresolver = "3"\nmembers = ["crates/*"]\n\n'
    write(root / "Cargo.toml", f"{head}{inherited}\n[workspace.dependencies]\n{shared}")
    for ix in range(count):
        member = root / "crates" / name(ix)
        others = sorted({ix // 2, ix // 3, ix - 1} - {ix, -1})
        dependencies = "".join(f"{name(other)}.workspace = true\n" for other in others)
        package = f'[package]\nname = "{name(ix)}"\nversion.workspace = true\nedition.workspace = true\n'
        write(member / "Cargo.toml", f"{package}\n[dependencies]\n{dependencies}")
        write(member / "src/lib.rs", "")
        if ix % 3 == 0:
            write(member / "tests/it.rs", "")


def median(command, **arguments):
    def run():
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, **arguments)
        return time.perf_counter() - start

    return statistics.median(run() for _ in range(5))


for count in map(int, sys.argv[3:] or ["200", "800"]):
    root = directory / str(count)
    workspace(root, count)
    subprocess.run(["cargo", "generate-lockfile", "--quiet", "--offline"], cwd=root, check=True)
    subprocess.run([program, "generate", "--quiet", "--offline", "--force"], cwd=root, check=True)
    expression = f"""
      let pkgs = import {repository}/fixtures/nixpkgs {{ }};
      in builtins.attrNames (import {repository}/nix-lib/cargo-nix.nix {{ inherit pkgs; root = {root}; }})"""
    evaluated = median(["nix-instantiate", *options, "--eval", "--strict", "--expr", expression])
    checked = median([program, "check"], cwd=root)
    print(f"{count} members: evaluation check {evaluated:.2f} s, `check` {1000 * checked:.0f} ms")
