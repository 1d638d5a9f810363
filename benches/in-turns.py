#!/usr/bin/env python3
"""Median times of `cargo metadata` and `cratewright generate` in a workspace, run in turns so that a machine that gets
slower or faster does so for both: benches/in-turns.py CRATEWRIGHT WORKSPACE [RUNS]"""

import statistics
import subprocess
import sys
import time

cratewright, workspace = sys.argv[1:3]
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 60
commands = {
    "cargo metadata": ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked", "--offline"],
    "cratewright generate": [cratewright, "generate", "--quiet", "--offline", "--output", "in-turns.nix"],
}


def seconds(command):
    start = time.perf_counter()
    subprocess.run(command, cwd=workspace, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


times = {name: [] for name in commands}
for run in range(runs + 1):
    for name, command in commands.items():
        elapsed = seconds(command)
        # The first turn warms the caches.
        if run > 0:
            times[name].append(elapsed)
medians = {name: statistics.median(values) for name, values in times.items()}
for name, median in medians.items():
    print(f"{name}: median {median * 1000:.0f} ms of {runs} runs")
print(f"ratio {medians['cratewright generate'] / medians['cargo metadata']:.2f}")
