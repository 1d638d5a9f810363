"""A workspace of crates in which there is nothing to compile, in a registry of its own: what building them takes is
overhead."""

import hashlib
import io
import json
import subprocess
import tarfile

from nix import CRATEWRIGHT, environment

VERSION = "1.0.0"
LEAVES = [f"leaf-{ix}" for ix in range(8)]
# Each with what it stands for.
CASES = {
    "leaf-0": "an empty library",
    "dependent": "one that depends on eight others",
    "scripted": "one with a build script",
}
DEPENDENCIES = {"dependent": LEAVES}
FILES = {"scripted": {"build.rs": 'fn main() {\n    println!("cargo::rerun-if-changed=build.rs");\n}\n'}}


def write(directory):
    """The workspace in a directory that is not there yet, with its Cargo.nix."""
    registry = directory / "registry"
    (registry / "index/le/af").mkdir(parents=True)
    names = [*LEAVES, *(name for name in CASES if name not in LEAVES)]
    for name in names:
        publish(registry, name)
    rows = "".join(f'{name} = "={VERSION}"\n' for name in names)
    (directory / "Cargo.toml").write_text(manifest("empty-bench", rows) + "\n[workspace]\n")
    (directory / "src").mkdir()
    (directory / "src/lib.rs").touch()
    (directory / ".cargo").mkdir()
    (directory / ".cargo/config.toml").write_text(
        '[source.crates-io]\nreplace-with = "here"\n[source.here]\nlocal-registry = "registry"\n'
    )
    for command in (["cargo", "generate-lockfile", "--quiet", "--offline"], [CRATEWRIGHT, "generate", "--quiet"]):
        subprocess.run(command, cwd=directory, env=environment(), check=True)


def manifest(name, dependencies):
    package = f'[package]\nname = "{name}"\nversion = "{VERSION}"\nedition = "2021"\ndescription = "nothing"\n'
    return f'{package}license = "MIT"\n\n[dependencies]\n{dependencies}'


def publish(registry, name):
    dependencies = DEPENDENCIES.get(name, [])
    files = {
        "Cargo.toml": manifest(name, "".join(f'{other} = "={VERSION}"\n' for other in dependencies)),
        "src/lib.rs": "",
        **FILES.get(name, {}),
    }
    packed = registry / f"{name}-{VERSION}.crate"
    with tarfile.open(packed, "w:gz") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(f"{name}-{VERSION}/{path}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    described = {
        "name": name,
        "vers": VERSION,
        "cksum": hashlib.sha256(packed.read_bytes()).hexdigest(),
        "deps": [
            {"name": other, "req": f"={VERSION}", "features": [], "optional": False, "default_features": True}
            | {"target": None, "kind": "normal"}
            for other in dependencies
        ],
        "features": {},
        "yanked": False,
    }
    index = registry / "index" / name[:2] / name[2:4] / name
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(json.dumps(described) + "\n")
