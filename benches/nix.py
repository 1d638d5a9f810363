"""Runs Nix for the benchmarks: package sets, derivations of a Cargo.nix, and the contents of derivations."""

import dataclasses
import functools
import json
import os
import pathlib
import shlex
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "target/bench-builds"
CRATEWRIGHT = ROOT / "target/release/cratewright"


@dataclasses.dataclass(frozen=True)
class Builder:
    """A package set and arguments of Cargo.nix, both as Nix code."""

    name: str
    pkgs: str
    arguments: str = ""


STAND_IN = Builder("stand-in", f"import {ROOT}/fixtures/nixpkgs {{ }}")


def real_nixpkgs(checkout, host_tools):
    """Returns a builder with nixpkgs' own code, as in `dev/real-nixpkgs`."""
    tools = str(host_tools).lower()
    place = pathlib.Path(checkout).resolve()
    return Builder("nixpkgs' own", f"import {ROOT}/dev/nixpkgs {{ nixpkgs = {place}; hostTools = {tools}; }}")


def own_builder(below, pipelining=False):
    """Returns the experimental builder in benches/builder, with the packages of another builder."""
    arguments = f"buildRustCrateForPkgs = import {ROOT}/benches/builder {{ pipelining = {str(pipelining).lower()}; }};"
    return Builder("own, pipelining" if pipelining else "own", below.pkgs, arguments)


@functools.cache
def options():
    """Returns options with which nothing is downloaded, and root needs no build users."""
    found = ["--option", "substituters", "", "--option", "sandbox", "false"]
    if os.geteuid() == 0:
        found += ["--option", "build-users-group", ""]
    return found


@functools.cache
def environment():
    """Returns the environment for the stand-in, with the same toolchain for all workspaces."""
    found = dict(os.environ)
    sysroot = output(["rustc", "--print", "sysroot"], ROOT)
    found.setdefault("CRATEWRIGHT_RUST_SYSROOT", sysroot)
    # Cargo must not run rustc through rustup's shim, as that takes time.
    found["PATH"] = f"{sysroot}/bin:{found['PATH']}"
    if shutil.which("rustup"):
        found["RUSTUP_TOOLCHAIN"] = pathlib.Path(sysroot).name
    return found


def output(command, cwd=None, env=None):
    """Returns the output of a command without white space at the ends. Its standard error is shown only if it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout.strip()


def build_cratewright():
    output(["cargo", "build", "--quiet", "--release", "--locked"], ROOT)


def cargo_nix(builder, directory, selection, arguments=""):
    """Returns an expression for an attribute of a Cargo.nix, such as `rootCrate.build`."""
    given = f"pkgs = {builder.pkgs}; {builder.arguments} {arguments}"
    return f"(import {directory}/Cargo.nix {{ {given} }}).{selection}"


def instantiate(expression):
    command = ["nix-instantiate", *options(), "--expr", expression]
    return [path.partition("!")[0] for path in output(command, env=environment()).split()]


def realise(paths, *extra):
    """Builds derivations, and returns their outputs."""
    return output(["nix-store", *options(), "--realise", *extra, *paths], env=environment()).split()


def show(*paths, recursive=False):
    """Returns the environment, outputs and inputs of derivations, by path."""
    command = ["nix", *options(), "--extra-experimental-features", "nix-command", "show-derivation"]
    shown = json.loads(output([*command, *(["--recursive"] if recursive else []), *paths], env=environment()))
    # Newer versions of Nix nest the derivations.
    return shown.get("derivations", shown)
