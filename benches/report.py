"""Tables of cold builds, as text of Markdown."""

import collections
import re

import codegen
import nix
from schedule import by_chain, by_name, critical_path, makespan

CORES = [2, 4, 16, 64]
# Of rustc, for making code of one crate: none but its own, and as many as it has units of code in these profiles.
THREADS = [1, 16]
DISTURBED = 1.1
CARGO = "cargo"
# Those of benches/builder.
EXPERIMENTS = ("own", "own, pipelining")


def give(head, empty, results, runs, write):
    """Prints all tables, or writes them between the marks of the documents that show them."""
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
    columns = ["workspace", "profile", "built by", "derivations", "elapsed, s", "processor time, s", "beside cargo's"]
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
    check = f"Beside what was measured, two cores are {' and '.join(checks)}."
    return (
        f"{warning(results)}Seconds, with {' / '.join(map(str, THREADS))} threads:\n\n{table(columns, rows)}\n{check}\n"
    )


def chains(results):
    """What the longest chains are made of."""
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
    """A name without store path and number."""
    return re.sub(r"^rust_(.*?)(\.drv .*)?$", r"\1", re.sub(r" \d+( metadata)?$", r"\1", task))


def disturbance(alone):
    """On one core, elapsed beside processor time: more than a little above 1 where the machine does other work."""
    return sum(task.seconds for task in alone.tasks.values()) / alone.processor


def warning(results):
    worst = max(disturbance(of["alone"]) for found in results.values() for of in found.values())
    if worst <= DISTURBED:
        return ""
    return f"**The machine did other work: up to {worst:.1f} s went by for one second of a core. Run it again.**\n\n"


def table(columns, rows):
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
