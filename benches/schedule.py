"""What a build would take on more cores than the machine has: list scheduling of measured tasks."""

import dataclasses
import graphlib
import heapq


@dataclasses.dataclass(frozen=True)
class Task:
    """Something that takes so many seconds on one core, once all that it needs is done. The last of them, `code`, may be
    shared by several threads."""

    seconds: float
    needs: tuple[str, ...] = ()
    code: float = 0.0


def order(tasks):
    """Names, each after what it needs."""
    return list(graphlib.TopologicalSorter({name: task.needs for name, task in tasks.items()}).static_order())


def critical_path(tasks):
    """The longest chain, in seconds, and the names in it."""
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
    """Priorities close to cargo's: what the longest chain waits for comes first."""
    found = {name: task.seconds for name, task in tasks.items()}
    for name in reversed(order(tasks)):
        for need in tasks[name].needs:
            found[need] = max(found[need], tasks[need].seconds + found[name])
    return found


def makespan(tasks, cores, priority, serial=0.0, threads=1):
    """Seconds until all is done with as many jobs as cores: a job that is free takes, of what can run, the task with the
    highest priority. Threads get equal shares of the cores. So many seconds at the end of each task are work that is done
    for one task after the other: Nix is one process, which looks through each output and registers it."""
    waiting = {name: len(set(task.needs)) for name, task in tasks.items()}
    dependents = {name: [] for name in tasks}
    for name, task in tasks.items():
        for need in set(task.needs):
            dependents[need].append(name)
    ready = [(-priority[name], name) for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    # What is left of each task, on one thread and on several; then the times at which tasks are registered.
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
        raise ValueError("tasks need each other")
    return now


def by_name(tasks):
    """Priorities of Nix, which starts derivations in the order of their names."""
    return {name: -ix for ix, name in enumerate(sorted(tasks))}
