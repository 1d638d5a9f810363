"""Published programs that are built by the benchmarks, without native libraries of the machine."""

import dataclasses
import pathlib
import re
import subprocess

import nix


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A program of crates.io, and a run of it that shows that it works."""

    name: str
    version: str
    program: str
    try_out: str


WORKSPACES = {
    workspace.name: workspace
    for workspace in (
        Workspace("sd", "1.0.0", "sd", "echo hello world | $program 'w(\\w+)' 'W$1'"),
        Workspace("xh", "0.23.0", "xh", "$program --ignore-stdin --offline --print=HB POST example.com a=b c:=3 X-Header:d"),
        Workspace(
            "jj-cli",
            "0.35.0",
            "jj",
            "$program git init --quiet r && cd r && echo a >f && $program --quiet commit -m first && "
            "$program log --no-graph -T 'description ++ diff.summary()' && $program file list -r @-",
        ),
    )
}


def fetch(workspace):
    """Its directory, with all crates in cargo's cache and a Cargo.nix."""
    fetched = nix.output(["dev/fetch-application", workspace.name, workspace.version, nix.WORK], cwd=nix.ROOT)
    directory = pathlib.Path(fetched.splitlines()[-1])
    manifest = directory / "Cargo.toml"
    # All are built with the profiles that cargo has by itself: `lto` and the like would be most of the work.
    manifest.write_text(re.sub(r"^\[profile\.[^\]]*\]\n(?:(?!\[).*\n)*", "", manifest.read_text(), flags=re.MULTILINE))
    nix.output([nix.CRATEWRIGHT, "generate", "--quiet", "--force"], cwd=directory)
    return directory


def printed(workspace, program, place):
    """What the program prints of itself and on being tried out."""
    place.mkdir(parents=True)
    script = f"$program --version && $program --help && {workspace.try_out}"
    env = nix.environment() | {"program": str(program), "HOME": str(place), "NO_COLOR": "1"}
    env |= {f"JJ_{name}": "bench" for name in ("USER", "EMAIL", "OP_USERNAME", "OP_HOSTNAME")}
    env |= {
        "JJ_TIMESTAMP": "2001-01-01T00:00:00Z",
        "JJ_OP_TIMESTAMP": "2001-01-01T00:00:00Z",
        "JJ_RANDOMNESS_SEED": "1",
    }
    done = subprocess.run(["bash", "-ec", script], cwd=place, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{program} does not run:\n{done.stderr}")
    # Where it lies is its own.
    return done.stdout.replace(str(program.parent), "")
