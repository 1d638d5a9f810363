"""Simulates a build on more cores than the machine has, by list scheduling of measured tasks."""

import dataclasses
import graphlib
import heapq


@dataclasses.dataclass(frozen=True)
class Task:
    """A task that takes `seconds` on one core once all of its `needs` are done. In the last `code` seconds of these, it
    can use several threads."""

    seconds: float
    needs: tuple[str, ...] = ()
    code: float = 0.0


def order(tasks):
    """Returns the names of tasks so that each comes after its needs."""
    return list(graphlib.TopologicalSorter({name: task.needs for name, task in tasks.items()}).static_order())


def critical_path(tasks):
    """Returns the length of the longest chain in seconds, and the names in it."""
    longest, through = {}, {}
    for name in order(tasks):
        below = max(tasks[name].needs, key=longest.__getitem__, default=None)
        through[name] = below
        longest[name] = tasks[name].seconds + (longest[below] if below is not None else 0)
    last = max(longest, key=longest.__getitem__)
    chain, current = [], last
    while current is not None:
        chain.append(current)
        current = through[current]
    return longest[last], chain[::-1]


def by_chain(tasks):
    """Returns priorities similar to cargo's: a task with a longer chain of dependents comes first."""
    found = {name: task.seconds for name, task in tasks.items()}
    for name in reversed(order(tasks)):
        for need in tasks[name].needs:
            found[need] = max(found[need], tasks[need].seconds + found[name])
    return found


def makespan(tasks, cores, priority, serial=0.0, threads=1):
    """Returns the seconds until all tasks are done, with as many jobs as cores. A free job takes the ready task with
    the highest priority, and threads share the cores equally. The last `serial` seconds of each task run for one task
    at a time: Nix is a single process that scans and registers outputs."""
    waiting = {name: len(set(task.needs)) for name, task in tasks.items()}
    dependents = {name: [] for name in tasks}
    for name, task in tasks.items():
        for need in set(task.needs):
            dependents[need].append(name)
    ready = [(-priority[name], name) for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    # `running` has the remaining seconds of each task, on one thread and on several; `registered` the end times of
    # tasks.
    running, registered, now, done = {}, [], 0.0, 0
    while ready or running or registered:
        while ready and len(running) + len(registered) < cores:
            _, name = heapq.heappop(ready)
            task = tasks[name]
            running[name] = [max(task.seconds - task.code - serial, 0.0), task.code]
        threads_of = {name: 1 if alone > 0 else threads for name, (alone, _) in running.items()}
        share = min(1.0, cores / max(1, sum(threads_of.values())))
        ends = [(left[0] or left[1]) / (share * threads_of[name]) for name, left in running.items()]
        step = min([*ends, *(time - now for time, _ in registered[:1])])
        now += step
        for name, left in list(running.items()):
            part = 0 if left[0] > 0 else 1
            left[part] -= step * share * threads_of[name]
            if left[part] < 1e-9:
                left[part] = 0.0
            if left == [0.0, 0.0]:
                del running[name]
                begin = max(now, registered[-1][0] if registered else now)
                registered.append((begin + serial, name))
        while registered and registered[0][0] <= now + 1e-9:
            done += 1
            for dependent in dependents[registered.pop(0)[1]]:
                waiting[dependent] -= 1
                if waiting[dependent] == 0:
                    heapq.heappush(ready, (-priority[dependent], dependent))
    if done != len(tasks):
        raise ValueError("the tasks have a dependency cycle")
    return now


def by_name(tasks):
    """Returns Nix's priorities: it starts derivations in the order of their names."""
    return {name: -ix for ix, name in enumerate(sorted(tasks))}
