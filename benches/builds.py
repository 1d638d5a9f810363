#!/usr/bin/env python3
"""Measures cold builds of published programs by Nix and by cargo, in turns, and simulates them on more cores.

    benches/builds.py [--nixpkgs CHECKOUT [--host-tools]] [--profile PROFILE]... [--runs N] [--write] [WORKSPACE...]

First counts the cost of empty crates (see benches/empty_crate.py). Then builds with Nix on the stand-in, on nixpkgs'
own code if a checkout is given, with the experimental builder in benches/builder, with and without pipelining, and with
cargo. Everything is downloaded before the clock starts. Elapsed and processor time are for two jobs. Each build is then
repeated on one core, to measure the time of each derivation or unit without others. Prints the tables of
docs/src/benchmarks.md and docs/src/own-builder.md; `--write` writes them there. Needs an otherwise idle machine,
strace, valgrind and a C compiler."""

import argparse
import concurrent.futures
import datetime
import os
import pickle
import queue
import shlex
import shutil
import statistics
import sys
import time

import cold
import empty_crate
import empty_registry
import nix
import report
import workspaces
from peers import machine

JOBS = 2
MEASURED = nix.WORK / "measured.pickle"
CARGO = report.CARGO


class Subject:
    """A builder for one workspace and one profile; the builder is None for cargo."""

    def __init__(self, builder, workspace, directory, profile):
        self.builder, self.workspace, self.directory, self.profile = builder, workspace, directory, profile
        self.name = builder.name if builder else CARGO

    def build(self, jobs, core=None):
        """Runs one cold build. Returns its measurements and the output of the built program."""
        if self.builder is None:
            found, target = cold.cargo_build(self.directory, self.profile, jobs, core)
            programs = target / {"dev": "debug"}.get(self.profile, self.profile)
            return found, self.printed(programs)
        derivations = cold.Derivations(self.builder, self.directory, self.profile, f"{time.time_ns()} {self.name}")
        try:
            found = derivations.build(jobs, core)
            return found, self.printed(derivations.main_output() / "bin")
        finally:
            derivations.delete()

    def printed(self, programs):
        place = nix.WORK / "tried" / f"{self.name} {time.time_ns()}"
        return workspaces.printed(self.workspace, programs / self.workspace.program, place)


def measure(subjects, runs):
    """Measures the subjects in turns, by name. All programs must print the same."""
    turns, printed = [], {}
    for _ in range(runs):
        turn = {}
        for subject in subjects:
            turn[subject.name], printed[subject.name] = subject.build(JOBS)
            note(f"  {subject.name}: {turn[subject.name].wall:.1f} s")
        turns.append(turn)
    for name, text in printed.items():
        if text != printed[CARGO]:
            raise SystemExit(
                f"the output of the program built by {name} differs from cargo's:\n{text}\n{printed[CARGO]}"
            )
    return {
        subject.name: {
            "wall": statistics.median(turn[subject.name].wall for turn in turns),
            "processor": statistics.median(turn[subject.name].processor for turn in turns),
            "alone": alone,
        }
        for subject, alone in zip(subjects, on_one_core(subjects), strict=True)
    }


def on_one_core(subjects):
    """Builds all subjects with one core each, two at a time if there are two cores."""
    free = queue.SimpleQueue()
    cores = sorted(os.sched_getaffinity(0))[:JOBS]
    for core in cores:
        free.put(core)

    def build(subject):
        core = free.get()
        try:
            return subject.build(1, core)[0]
        finally:
            free.put(core)

    with concurrent.futures.ThreadPoolExecutor(len(cores)) as pool:
        found = list(pool.map(build, subjects))
    for subject, alone in zip(subjects, found, strict=True):
        worst = report.disturbance(alone)
        if worst > report.DISTURBED:
            note(f"  {subject.name}: the machine is not idle: {worst:.1f} s elapsed per second of processor time")
    return found


def note(text):
    print(text, file=sys.stderr, flush=True)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="WORKSPACE", help=", ".join(workspaces.WORKSPACES))
    parser.add_argument("--nixpkgs", metavar="CHECKOUT")
    parser.add_argument("--host-tools", action="store_true")
    parser.add_argument("--profile", action="append", dest="profiles")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--again", action="store_true", help="only print the tables of the last run")
    chosen = parser.parse_args(arguments)
    if chosen.again:
        return report.give(*pickle.loads(MEASURED.read_bytes()), chosen.write)
    unknown = [name for name in chosen.names if name not in workspaces.WORKSPACES]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; the workspaces are {', '.join(workspaces.WORKSPACES)}")
    nix.build_cratewright()
    shutil.rmtree(nix.WORK / "tried", ignore_errors=True)
    builders = [nix.STAND_IN]
    if chosen.nixpkgs:
        builders.append(nix.real_nixpkgs(chosen.nixpkgs, chosen.host_tools))
    builders += [nix.own_builder(nix.STAND_IN), nix.own_builder(nix.STAND_IN, pipelining=True), None]
    note("empty crates")
    empty = empty_crate.measure_all(builders[:-2], empty_registry.CASES, "release")
    results = {}
    try:
        for name in chosen.names or workspaces.WORKSPACES:
            workspace = workspaces.WORKSPACES[name]
            directory = workspaces.fetch(workspace)
            for profile in chosen.profiles or ["release", "dev"]:
                note(f"{name} {workspace.version}, {profile}")
                subjects = [Subject(builder, workspace, directory, profile) for builder in builders]
                results[f"{name} {workspace.version}", profile] = measure(subjects, chosen.runs)
    finally:
        # Keeps the results of earlier builds if a later one fails.
        measured = heading(arguments, chosen.nixpkgs), empty_crate.table(empty), results, chosen.runs
        MEASURED.write_bytes(pickle.dumps(measured))
    report.give(*measured, chosen.write)


def heading(arguments, checkout):
    versions = [nix.output(command) for command in (["cargo", "-V"], ["nix-store", "--version"])]
    # The path of the checkout means nothing on other machines.
    shown = ["CHECKOUT" if argument == checkout else argument for argument in arguments if argument != "--write"]
    made = f"{datetime.date.today()}, {machine()}; {', '.join(line.splitlines()[0] for line in versions)}. Made by"
    return f"{made}\n\n```console\n$ {shlex.join(['just', 'bench-builds', *shown])}\n```\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
