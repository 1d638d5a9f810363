"""How much of a crate's time rustc makes code, which it does by several threads, told from builds with pipelining: there a
crate's metadata is a derivation, and all of it is another one."""

import collections
import dataclasses
import re

# Members have names without a prefix, as our library gives them.
NAME = re.compile(r"(?:rust_)?(.+?)(-meta|-code|-script|-programs)?\.drv ")


def seconds_of(split):
    """By crate: seconds from its metadata to the end. Of several builds of a crate it is the mean."""
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
    """The tasks, each with what of it is making code. Metadata, build scripts and programs have no such part."""
    found = {}
    for name, task in tasks.items():
        crate, part = NAME.match(name).groups()
        code = seconds.get(crate, 0) if part in (None, "-code") else 0
        found[name] = dataclasses.replace(task, code=min(code, task.seconds))
    return found
