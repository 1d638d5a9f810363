"""Cold builds of a workspace's root package, by Nix and by cargo: nothing of it is built, all of it is downloaded."""

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

# Of Nix's log: a derivation is being built.
BUILD = 105


@dataclasses.dataclass
class Build:
    """Seconds, and those of processor time, of which `own` are those of the program that started all others. `tasks` are
    derivations or units by name."""

    wall: float
    processor: float
    own: float
    tasks: dict[str, Task]


class Derivations:
    """What a build of the root package consists of. A salt makes these derivations another build's, so that none of them is
    in the store, and what they are made from is."""

    def __init__(self, builder, directory, profile, salt):
        arguments = f'profile = "{profile}"; crateOverrides."*" = _: {{ BENCH_SALT = "{salt}"; }};'
        (self.top,) = nix.instantiate(nix.cargo_nix(builder, directory, "rootCrate.build", arguments))
        shown = nix.show(self.top, recursive=True)
        self.crates = {path: crate for path, crate in shown.items() if "BENCH_SALT" in crate["env"]}
        # Nix starts them in the order of names.
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
            raise SystemExit(f"{len(self.needs) - len(ended)} derivations of {self.top} were there already")
        tasks = {name: Task(ended[name] - started[name], needs) for name, needs in self.needs.items()}
        return Build(wall, processor, own, tasks)

    def outputs(self):
        return [output["path"] for crate in self.crates.values() for output in crate["outputs"].values()]

    def main_output(self):
        return pathlib.Path(self.crates[self.top]["outputs"]["out"]["path"])

    def delete(self):
        nix.output(["nix-store", "--delete", *nix.options(), *self.outputs(), *self.crates])


def timed(command, read, lines, core, **arguments):
    """Seconds and processor seconds of a command and all that it starts, and of itself alone. Each line that it writes is read
    with the time."""
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
    """The same by cargo, and the directory that it built in."""
    target = directory / "target-bench" / profile
    shutil.rmtree(target, ignore_errors=True)
    flags = ["--offline", "--locked", *(["--release"] if profile == "release" else [])]
    lines = []
    env = nix.environment() | {"CARGO_TARGET_DIR": str(target), "CARGO_INCREMENTAL": "0"}
    # Build scripts that ask git for a commit are not to find that of this repository.
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
