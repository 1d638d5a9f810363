#!/usr/bin/env python3
"""Counts the cost of building an empty crate besides rustc: programs started, processes forked, and instructions. These
counts do not depend on the load of the machine.

    benches/empty_crate.py [--nixpkgs CHECKOUT [--host-tools]] [--profile PROFILE] [--programs] [CASE...]

Needs strace, valgrind and a C compiler. Prints a table; `--programs` adds the programs that are started in each
phase."""

import argparse
import collections
import shutil
import sys

import empty_registry
import nix
import processes


def measure(builder, directory, case, profile):
    expression = nix.cargo_nix(
        builder, directory, f'internal.units."{case}@{empty_registry.VERSION}"', f'profile = "{profile}";'
    )
    run = processes.Run(nix.instantiate(expression)[0])
    started = processes.starts(run)
    return {
        "started": started,
        "programs": sum(what is not None for _, what in started),
        "forks": sum(what is None for _, what in started),
        "instructions": processes.instructions(run),
        "seconds": processes.processor_time(run),
    }


def rows(builder, found):
    for case, counts in found.items():
        total, rustc = sum(counts["instructions"].values()), counts["instructions"]["rustc"]
        yield [
            builder.name,
            empty_registry.CASES[case],
            str(counts["programs"]),
            str(counts["forks"]),
            f"{total / 1e6:.1f}",
            f"{rustc / 1e6:.1f}",
            f"{(total - rustc) / 1e6:.1f}",
            f"{counts['seconds'] * 1000:.0f}",
        ]


COLUMNS = ["builder", "crate", "programs started", "processes forked", "million instructions", "of them rustc's"]
COLUMNS += ["others'", "processor time, ms"]


def measure_all(builders, cases, profile):
    """Measures each case with each builder."""
    directory = nix.WORK / "empty"
    shutil.rmtree(directory, ignore_errors=True)
    empty_registry.write(directory)
    return [(builder, {case: measure(builder, directory, case, profile) for case in cases}) for builder in builders]


def table(results):
    lines = [COLUMNS, ["---"] * len(COLUMNS), *(row for builder, found in results for row in rows(builder, found))]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def print_programs(builder, found):
    for case, counts in found.items():
        print(f"\n{builder.name}, {empty_registry.CASES[case]}:\n")
        phases = collections.defaultdict(collections.Counter)
        for phase, what in counts["started"]:
            phases[phase][what or "(fork)"] += 1
        for phase, programs in phases.items():
            listed = ", ".join(f"{name} {count}" for name, count in programs.most_common())
            print(f"- {phase}: {listed}")
        listed = ", ".join(f"{name} {count / 1e6:.1f}" for name, count in counts["instructions"].most_common(12))
        print(f"- million instructions: {listed}")


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(empty_registry.CASES))
    parser.add_argument("--nixpkgs", metavar="CHECKOUT")
    parser.add_argument("--host-tools", action="store_true")
    parser.add_argument("--profile", default="release")
    parser.add_argument("--programs", action="store_true")
    chosen = parser.parse_args(arguments)
    unknown = [case for case in chosen.cases if case not in empty_registry.CASES]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; the cases are {', '.join(empty_registry.CASES)}")
    missing = [program for program in ("cc", "nix-store", "strace", "valgrind") if not shutil.which(program)]
    if missing:
        parser.error(f"missing: {', '.join(missing)}")
    nix.build_cratewright()
    builders = [nix.STAND_IN]
    if chosen.nixpkgs:
        builders.append(nix.real_nixpkgs(chosen.nixpkgs, chosen.host_tools))
    builders.append(nix.own_builder(nix.STAND_IN))
    results = measure_all(builders, chosen.cases or empty_registry.CASES, chosen.profile)
    print(table(results), end="")
    if chosen.programs:
        for builder, found in results:
            print_programs(builder, found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
