#!/usr/bin/env python3
"""Writes a workspace of 1,000 packages, 10 of them members, for the benchmarks: benches/synthetic.py DIRECTORY

Every package depends on a few earlier ones, some of them for one platform, for a build script or through a feature.
Every member reaches nearly all packages. The files are the same in each run."""

import pathlib
import random
import subprocess
import sys

PACKAGES = 990
MEMBERS = 10
random.seed(1)
root = pathlib.Path(sys.argv[1])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def package(name, tables, features=""):
    lines = "".join(f"\n[{table}]\n" + "".join(rows) for table, rows in tables.items() if rows)
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2024"\n{features}{lines}'


write(
    root / "Cargo.toml",
    '[workspace]\nresolver = "3"\nmembers = ["members/*"]\nexclude = ["packages"]\n',
)
for ix in range(PACKAGES):
    tables = {"dependencies": [], "build-dependencies": [], "target.'cfg(unix)'.dependencies": []}
    values = []
    for to in sorted(random.sample(range(max(0, ix - 40), ix), min(ix, 4))):
        row = f'p{to} = {{ path = "../p{to}", features = ["f{to % 3}"]'
        choice = random.random()
        if choice < 0.6:
            tables["dependencies"].append(row + " }\n")
        elif choice < 0.75:
            tables["dependencies"].append(row + ", optional = true }\n")
            values.append(f'"dep:p{to}"')
        elif choice < 0.9:
            tables["target.'cfg(unix)'.dependencies"].append(row + " }\n")
        elif ix % 5 == 0:
            tables["build-dependencies"].append(row + " }\n")
    features = f'\n[features]\ndefault = ["f0"]\nf0 = [{", ".join(values)}]\nf1 = ["f0"]\nf2 = []\n'
    if ix % 40 == 39:
        features = "\n[lib]\nproc-macro = true\n" + features
    directory = root / "packages" / f"p{ix}"
    write(directory / "Cargo.toml", package(f"p{ix}", tables, features))
    write(directory / "src/lib.rs", "")
    if ix % 5 == 0:
        write(directory / "build.rs", "fn main() {}\n")
for ix in range(MEMBERS):
    rows = [f'p{to} = {{ path = "../../packages/p{to}" }}\n' for to in range(PACKAGES - 1 - ix, 0, -7)]
    dev = [f'p{ix} = {{ path = "../../packages/p{ix}", features = ["f2"] }}\n']
    directory = root / "members" / f"m{ix}"
    write(directory / "Cargo.toml", package(f"m{ix}", {"dependencies": rows, "dev-dependencies": dev}))
    write(directory / "src/main.rs", "fn main() {}\n")
subprocess.run(["cargo", "generate-lockfile", "--offline", "--quiet"], cwd=root, check=True)
