#!/usr/bin/env python3
"""Compares `cargo metadata` and `cratewright generate` in a workspace by median times. They run in turns, so that a
change of the machine's speed affects both: benches/in_turns.py CRATEWRIGHT WORKSPACE [RUNS]"""

import os
import statistics
import subprocess
import sys
import time

METADATA = ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked", "--offline"]


def generate(cratewright, output):
    return [cratewright, "generate", "--quiet", "--offline", "--output", output]


def run(command, directory):
    """Runs a command. Returns elapsed time, and processor time with all child processes, in seconds."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return elapsed, usage.ru_utime + usage.ru_stime


def medians(commands, directory, runs):
    """Returns median elapsed and processor time of each command, in seconds. The first turn only warms the caches."""
    turns = [[run(command, directory) for command in commands] for _ in range(runs + 1)][1:]
    return [tuple(statistics.median(column) for column in zip(*times)) for times in zip(*turns)]


if __name__ == "__main__":
    program, workspace = sys.argv[1:3]
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    cargo, ours = medians([METADATA, generate(os.path.abspath(program), "in-turns.nix")], workspace, runs)
    for name, (elapsed, processor) in {"cargo metadata": cargo, "cratewright generate": ours}.items():
        print(f"{name}: median {elapsed * 1000:.0f} ms of {runs} runs, {processor * 1000:.0f} ms of processor time")
    print(f"ratio {ours[0] / cargo[0]:.2f}, of processor time {ours[1] / cargo[1]:.2f}")
