"""Converts cargo's units to tasks, from its timing report and its unit graph."""

import json
import re

from schedule import Task

LINKED = {"bin", "cdylib", "custom-build", "dylib", "proc-macro", "staticlib"}


def tasks(report, graph):
    """Returns the tasks by name. A library is two tasks: units that compile against it can start once its metadata
    exists."""
    timed = json.loads(re.search(r"UNIT_DATA = (\[.*?\]);\n", report, re.DOTALL)[1])
    code, metadata, found = {}, {}, {}
    for unit in timed:
        ix = unit["i"]
        if unit["name"] not in graph[ix]["pkg_id"] or unit["features"] != graph[ix]["features"]:
            raise SystemExit(f"cargo's report has {unit['name']} for {graph[ix]['pkg_id']}: its format has changed")
        code[ix] = metadata[ix] = f"{unit['name']} {unit['version']}{unit['target']} {ix}"
        if unit["sections"]:
            metadata[ix] += " metadata"

    for unit in timed:
        ix = unit["i"]
        if is_linked(graph[ix]):
            needs = tuple(code[need] for need in below(graph, ix))
        else:
            needs = tuple(metadata[need] for need in direct(graph, ix))
        front = dict(unit["sections"] or []).get("frontend", {}).get("end")
        if front is None:
            found[code[ix]] = Task(unit["duration"], needs)
        else:
            found[metadata[ix]] = Task(front, needs)
            rest = max(unit["duration"] - front, 0)
            found[code[ix]] = Task(rest, (metadata[ix],), code=rest)
    return found


def is_linked(unit):
    return unit["mode"] == "build" and bool(LINKED & set(unit["target"]["crate_types"] + unit["target"]["kind"]))


def direct(graph, ix):
    return [dependency["index"] for dependency in graph[ix]["dependencies"]]


def below(graph, ix):
    """Returns the units that are linked into a unit, without those of procedural macros and build scripts."""
    found, left = [], direct(graph, ix)
    while left:
        need = left.pop()
        if need not in found:
            found.append(need)
            if not is_linked(graph[need]) and graph[need]["mode"] == "build":
                left += direct(graph, need)
    return found
