"""Counts the processes and instructions of a derivation's builder, which runs outside Nix with its outputs in a
temporary directory. These counts do not depend on the load of the machine."""

import collections
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile

from nix import ROOT, realise, show

SYSTEM_CALLS = "trace=execve,clone,clone3,fork,vfork,write"
TIMED = re.compile(r"(\d+\.\d+) (\w+)\((.*)\)\s+= (-?\d+)", re.DOTALL)
PHASE = re.compile(r"Running phase: (\w+)")


class Run:
    """A derivation that can be built repeatedly, as all of its inputs are in the store."""

    def __init__(self, derivation):
        self.shown = show(derivation)[derivation]
        inputs = self.shown["inputDrvs"]
        realise([f"{path}!{','.join(outputs)}" for path, outputs in inputs.items()])

    def go(self, *prefix, **variables):
        """Runs the builder under a command such as strace, and returns its resource usage."""
        with tempfile.TemporaryDirectory(prefix="bench-") as directory:
            place = pathlib.Path(directory)
            build = place / "build"
            build.mkdir()
            env = {
                "HOME": "/homeless-shelter",
                "NIX_BUILD_CORES": "1",
                "NIX_BUILD_TOP": str(build),
                "NIX_LOG_FD": "2",
                "NIX_STORE": "/nix/store",
                "PATH": "/path-not-set",
                "TMPDIR": str(build),
                **self.shown["env"],
            }
            command = [self.shown["builder"], *self.shown["args"]]
            # Redirect the outputs to the temporary directory.
            for output in self.shown["outputs"].values():
                path = output["path"]
                env = {name: value.replace(path, f"{place}/{path[11:]}") for name, value in env.items()}
                command = [word.replace(path, f"{place}/{path[11:]}") for word in command]
            log = place / "log"
            with log.open("wb") as sink:
                process = subprocess.Popen(
                    [*prefix, *command], cwd=build, env=env | variables, stdout=sink, stderr=sink
                )
                _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise SystemExit(f"{shlex.join(command)} failed:\n{log.read_text(errors='replace')}")
            return usage


def processor_time(run, runs=10):
    """Returns the minimum processor time of several runs in seconds, as other work on the machine only adds to it."""
    return min(usage.ru_utime + usage.ru_stime for usage in (run.go() for _ in range(runs)))


def starts(run):
    """Returns a pair `(phase, what)` for each started program and each forked process. `what` is the name of the
    program, or None for a fork."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        traced = ["-ff", "-qq", "-ttt", "-s", "80", "-e", SYSTEM_CALLS, "-e", "signal=none"]
        run.go(shutil.which("strace"), *traced, "-o", f"{directory}/trace")
        calls = sorted(
            (float(match[1]), *match.groups()[1:])
            for file in pathlib.Path(directory).iterdir()
            for match in map(TIMED.match, file.read_text(errors="replace").splitlines())
            if match and not match[4].startswith("-")
        )
    found, phase = [], "start"
    for _, call, arguments, _ in calls:
        if call == "write":
            named = PHASE.search(arguments)
            phase = named[1] if named else phase
        elif call == "execve":
            found.append((phase, name_of(arguments.split('"')[1])))
        elif "CLONE_THREAD" not in arguments:
            found.append((phase, None))
    return found


def name_of(program):
    """Returns the name of a program. A wrapper that the build has created is marked, as it has the name of what it
    wraps."""
    is_made = program.startswith(tempfile.gettempdir())
    return os.path.basename(program) + (" (of the build)" if is_made else "")


def instructions(run):
    """Returns the number of instructions in user space by program. Forks of a shell count for the shell."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = pathlib.Path(directory)
        library = place / "counted.so"
        source = ROOT / "benches/counted.c"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, source], check=True)
        counts = place / "counts"
        counts.mkdir()
        valgrind = ["-q", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={counts}/%p"]
        run.go(shutil.which("valgrind"), *valgrind, COUNTED=str(counts), LD_PRELOAD=str(library))
        found = collections.Counter()
        for file in counts.iterdir():
            text = file.read_text(errors="replace")
            program = re.search(r"^cmd: +(\S+)", text, re.MULTILINE)[1]
            found[name_of(program)] += int(re.search(r"^summary: (\d+)", text, re.MULTILINE)[1])
        return found
