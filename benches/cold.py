"""Cold builds of a workspace's root package by Nix and by cargo: nothing is built before, and everything is
downloaded."""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess
import time

import cargo_units
import nix
from schedule import Task

# Type of the activity in Nix's log for the build of a derivation.
BUILD = 105


@dataclasses.dataclass
class Build:
    """Elapsed and processor time of a build in seconds. `own` is the processor time of the top process alone. `tasks`
    are derivations or units by name."""

    wall: float
    processor: float
    own: float
    tasks: dict[str, Task]


class Derivations:
    """The derivations of a build of the root package. A salt makes them unique, so that none of their outputs is in the
    store, while all of their other inputs are."""

    def __init__(self, builder, directory, profile, salt):
        arguments = f'profile = "{profile}"; crateOverrides."*" = _: {{ BENCH_SALT = "{salt}"; }};'
        (self.top,) = nix.instantiate(nix.cargo_nix(builder, directory, "rootCrate.build", arguments))
        shown = nix.show(self.top, recursive=True)
        self.crates = {path: crate for path, crate in shown.items() if "BENCH_SALT" in crate["env"]}
        # Nix starts derivations in the order of their names.
        self.names = {path: f"{path[44:]} {path}" for path in self.crates}
        self.needs = {
            self.names[path]: tuple(self.names[need] for need in crate["inputDrvs"] if need in self.crates)
            for path, crate in self.crates.items()
        }
        others = {
            f"{path}!{','.join(outputs)}"
            for crate in self.crates.values()
            for path, outputs in crate["inputDrvs"].items()
            if path not in self.crates
        }
        nix.realise(sorted(others))

    def build(self, jobs, core=None):
        options = ["--max-jobs", str(jobs), "--cores", "1", "--log-format", "internal-json", "-v"]
        command = ["nix-store", *nix.options(), "--realise", *options, self.top]
        started, ended, running, lines = {}, {}, {}, []

        def read(line, now):
            lines.append(line)
            message = json.loads(line[5:]) if line.startswith(b"@nix {") else {}
            if message.get("action") == "start" and message["type"] == BUILD:
                name = self.names[message["fields"][0]]
                running[message["id"]] = name
                started[name] = now
            elif message.get("action") == "stop" and message["id"] in running:
                ended[running.pop(message["id"])] = now

        wall, processor, own = timed(command, read, lines, core, env=nix.environment())
        if set(ended) != set(self.needs):
            raise SystemExit(f"{len(self.needs) - len(ended)} derivations of {self.top} had been built already")
        tasks = {name: Task(ended[name] - started[name], needs) for name, needs in self.needs.items()}
        return Build(wall, processor, own, tasks)

    def outputs(self):
        return [output["path"] for crate in self.crates.values() for output in crate["outputs"].values()]

    def main_output(self):
        return pathlib.Path(self.crates[self.top]["outputs"]["out"]["path"])

    def delete(self):
        nix.output(["nix-store", "--delete", *nix.options(), *self.outputs(), *self.crates])


def timed(command, read, lines, core, **arguments):
    """Runs a command. Returns elapsed time, processor time with all child processes, and processor time of the command
    itself, in seconds. `read` is called with each line of standard error and its time."""
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **arguments)
    for line in process.stderr:
        read(line, time.perf_counter())
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        text = b"".join(lines[-50:]).decode(errors="replace")
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{text}")
    return wall, usage.ru_utime + usage.ru_stime, own


def cargo_build(directory, profile, jobs, core=None):
    """Runs a cold build by cargo. Returns its measurements and the target directory."""
    target = directory / "target-bench" / profile
    shutil.rmtree(target, ignore_errors=True)
    flags = ["--offline", "--locked", *(["--release"] if profile == "release" else [])]
    lines = []
    env = nix.environment() | {"CARGO_TARGET_DIR": str(target), "CARGO_INCREMENTAL": "0"}
    # Build scripts that read the commit from git must not find this repository.
    env["GIT_CEILING_DIRECTORIES"] = str(directory.parent)
    wall, processor, own = timed(
        ["cargo", "build", "--timings", "--jobs", str(jobs), *flags],
        lambda line, _: lines.append(line),
        lines,
        core,
        cwd=directory,
        env=env,
    )
    graph = nix.output(
        ["cargo", "build", "--unit-graph", "-Z", "unstable-options", *flags],
        cwd=directory,
        env=env | {"RUSTC_BOOTSTRAP": "1"},
    )
    report = (target / "cargo-timings/cargo-timing.html").read_text()
    return Build(wall, processor, own, cargo_units.tasks(report, json.loads(graph)["units"])), target
