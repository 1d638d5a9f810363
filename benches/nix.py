"""Nix for the benchmarks: package sets to build on, derivations of a Cargo.nix, and what is in a derivation."""

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
    """A package set and what is passed to Cargo.nix, both as text of Nix."""

    name: str
    pkgs: str
    arguments: str = ""


STAND_IN = Builder("stand-in", f"import {ROOT}/fixtures/nixpkgs {{ }}")


def real_nixpkgs(checkout, host_tools):
    """nixpkgs' own code, as `dev/real-nixpkgs` runs it."""
    tools = str(host_tools).lower()
    place = pathlib.Path(checkout).resolve()
    return Builder("nixpkgs' own", f"import {ROOT}/dev/nixpkgs {{ nixpkgs = {place}; hostTools = {tools}; }}")


def own_builder(below, pipelining=False):
    """The experiment in benches/builder, on the packages of another builder."""
    arguments = f"buildRustCrateForPkgs = import {ROOT}/benches/builder {{ pipelining = {str(pipelining).lower()}; }};"
    return Builder("own, pipelining" if pipelining else "own", below.pkgs, arguments)


@functools.cache
def options():
    """Nothing is downloaded, and root needs no other users."""
    found = ["--option", "substituters", "", "--option", "sandbox", "false"]
    if os.geteuid() == 0:
        found += ["--option", "build-users-group", ""]
    return found


@functools.cache
def environment():
    """What the stand-in asks for, and one toolchain for all, whatever a workspace asks for."""
    found = dict(os.environ)
    sysroot = output(["rustc", "--print", "sysroot"], ROOT)
    found.setdefault("CRATEWRIGHT_RUST_SYSROOT", sysroot)
    # Cargo's own build is compared: it must not reach rustc through a shim.
    found["PATH"] = f"{sysroot}/bin:{found['PATH']}"
    if shutil.which("rustup"):
        found["RUSTUP_TOOLCHAIN"] = pathlib.Path(sysroot).name
    return found


def output(command, cwd=None, env=None):
    """What a command prints, without the last line feed. Warnings are left out, unless it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{shlex.join(map(str, command))} failed:\n{done.stderr}")
    return done.stdout.strip()


def build_cratewright():
    output(["cargo", "build", "--quiet", "--release", "--locked"], ROOT)


def cargo_nix(builder, directory, selection, arguments=""):
    """An expression for a part of a Cargo.nix, such as `rootCrate.build`."""
    given = f"pkgs = {builder.pkgs}; {builder.arguments} {arguments}"
    return f"(import {directory}/Cargo.nix {{ {given} }}).{selection}"


def instantiate(expression):
    command = ["nix-instantiate", *options(), "--expr", expression]
    return [path.partition("!")[0] for path in output(command, env=environment()).split()]


def realise(paths, *extra):
    """Builds without a word, and gives the outputs."""
    return output(["nix-store", *options(), "--realise", *extra, *paths], env=environment()).split()


def show(*paths, recursive=False):
    """Derivations by their paths: their environment, outputs and inputs."""
    command = ["nix", *options(), "--extra-experimental-features", "nix-command", "show-derivation"]
    shown = json.loads(output([*command, *(["--recursive"] if recursive else []), *paths], env=environment()))
    # Newer versions have them a level below.
    return shown.get("derivations", shown)
