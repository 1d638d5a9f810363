"""Estimates how long rustc generates code for a crate, which it does in several threads. The estimate comes from builds
with pipelining, in which the metadata of a crate is one derivation and the whole crate another one."""

import collections
import dataclasses
import re

# Derivations of members have no prefix.
NAME = re.compile(r"(?:rust_)?(.+?)(-meta|-code|-script|-programs)?\.drv ")


def seconds_of(split):
    """Returns the seconds from metadata to the end by crate, as the mean of all builds of that crate."""
    times = collections.defaultdict(lambda: collections.defaultdict(list))
    for name, task in split.items():
        crate, part = NAME.match(name).groups()
        times[crate][part].append(task.seconds)
    return {
        crate: max(mean(parts["-code"]) - mean(parts["-meta"]), 0)
        for crate, parts in times.items()
        if parts["-code"] and parts["-meta"]
    }


def mean(values):
    return sum(values) / len(values)


def tell_apart(tasks, seconds):
    """Returns the tasks with their time for code generation, which is 0 for metadata, build scripts and programs."""
    found = {}
    for name, task in tasks.items():
        crate, part = NAME.match(name).groups()
        code = seconds.get(crate, 0) if part in (None, "-code") else 0
        found[name] = dataclasses.replace(task, code=min(code, task.seconds))
    return found
