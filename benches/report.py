"""Renders tables of cold builds as Markdown."""

import collections
import re

import codegen
import nix
from schedule import by_chain, by_name, critical_path, makespan

CORES = [2, 4, 16, 64]
# Threads in which rustc generates the code of one crate: a single one, and one per codegen unit of these profiles.
THREADS = [1, 16]
DISTURBED = 1.1
CARGO = "cargo"
# The builders in benches/builder.
EXPERIMENTS = ("own", "own, pipelining")


def give(head, empty, results, runs, write):
    """Prints all tables, or writes them to the documents between their marks."""
    everything = {name for found in results.values() for name in found}
    texts = {
        ("benchmarks.md", "empty crates"): f"{head}\n{empty}",
        ("benchmarks.md", "cold builds"): measured(results, runs, everything - set(EXPERIMENTS)),
        ("own-builder.md", "cold builds"): f"{head}\n{measured(results, runs, everything)}",
        ("own-builder.md", "more cores"): simulated(results),
        ("own-builder.md", "longest chains"): chains(results),
    }
    for (document, mark), text in texts.items():
        if write:
            replace(nix.ROOT / "docs/src" / document, mark, text)
        else:
            print(f"\n## {document}, {mark}\n\n{text}")


def replace(file, mark, text):
    begin, end = f"<!-- begin {mark}: just bench-builds -->\n", f"<!-- end {mark} -->"
    before, found, rest = file.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{file} has no place for {mark}, between `{begin.strip()}` and `{end}`:\n{text}")
    file.write_text(f"{before}{begin}{text.strip()}\n{end}{after}")


def measured(results, runs, names):
    columns = ["workspace", "profile", "built by", "derivations", "elapsed, s", "processor time, s", "ratio of processor times"]
    rows = []
    for (workspace, profile), found in results.items():
        for name, of in found.items():
            if name in names:
                cargo = found[CARGO]
                rows.append([workspace, profile, name, counted(name, of["alone"])])
                rows[-1] += [f"{of['wall']:.1f}", f"{of['processor']:.1f}"]
                rows[-1] += [
                    f"{of['processor'] / cargo['processor']:.2f}",
                    f"{critical_path(of['alone'].tasks)[0]:.1f}",
                ]
    of_runs = "one run" if runs == 1 else f"median of {runs} runs in turns"
    return f"{warning(results)}Two jobs, {of_runs}:\n\n{table([*columns, 'critical path, s'], rows)}"


def counted(name, alone):
    if name != CARGO:
        return str(len(alone.tasks))
    return f"{sum(not task.endswith(' metadata') for task in alone.tasks)} units"


def simulated(results):
    columns = ["workspace", "profile", "built by", "two jobs, measured", *(f"{cores} cores" for cores in CORES)]
    rows, errors = [], collections.defaultdict(list)
    for (workspace, profile), found in results.items():
        code = codegen.seconds_of(found[EXPERIMENTS[1]]["alone"].tasks)
        for name, of in found.items():
            tasks, serial = of["alone"].tasks, of["alone"].own / len(of["alone"].tasks)
            if name == CARGO:
                priority, serial = by_chain(tasks), 0
            else:
                tasks = codegen.tell_apart(tasks, code)
                priority = by_name(tasks)
            taken = [[makespan(tasks, cores, priority, serial, count) for count in THREADS] for cores in CORES]
            for count, seconds in zip(THREADS, taken[0], strict=True):
                errors[count].append(100 * (seconds / of["wall"] - 1))
            rows.append([workspace, profile, name, f"{of['wall']:.1f}"])
            rows[-1] += [" / ".join(f"{seconds:.1f}" for seconds in pair) for pair in taken]
    checks = [f"{min(off):+.0f} % to {max(off):+.0f} % off with {count}" for count, off in errors.items()]
    check = f"Compared with the measured times, simulated builds on two cores are {' and '.join(checks)}."
    return (
        f"{warning(results)}Seconds, with {' / '.join(map(str, THREADS))} threads:\n\n{table(columns, rows)}\n{check}\n"
    )


def chains(results):
    """Lists the most expensive tasks of the longest chains."""
    lines = []
    for (workspace, profile), found in results.items():
        for name in (*EXPERIMENTS, CARGO):
            tasks = found[name]["alone"].tasks
            total, chain = critical_path(tasks)
            heavy = sorted(chain, key=lambda task: -tasks[task].seconds)[:4]
            listed = ", ".join(f"{plain(task)} {tasks[task].seconds:.1f}" for task in heavy)
            lines.append(f"- {workspace}, {profile}, {name}: {total:.1f} s, {len(chain)} long; {listed}")
    return "\n".join(lines)


def plain(task):
    """Returns the name of a task without store path and number."""
    return re.sub(r"^rust_(.*?)(\.drv .*)?$", r"\1", re.sub(r" \d+( metadata)?$", r"\1", task))


def disturbance(alone):
    """Returns the ratio of elapsed to processor time on one core. Well above 1, the machine was not idle."""
    return sum(task.seconds for task in alone.tasks.values()) / alone.processor


def warning(results):
    worst = max(disturbance(of["alone"]) for found in results.values() for of in found.values())
    if worst <= DISTURBED:
        return ""
    return f"**The machine was not idle: up to {worst:.1f} s elapsed per second of processor time. Run it again.**\n\n"


def table(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
