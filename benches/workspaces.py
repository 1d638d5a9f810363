"""Published programs that the benchmarks build. They need no native libraries of the machine."""

import dataclasses
import pathlib
import re
import subprocess

import nix


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A program on crates.io, and a command that shows that it works."""

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
    """Fetches a workspace and its dependencies, generates its Cargo.nix, and returns its directory."""
    fetched = nix.output(["dev/fetch-application", workspace.name, workspace.version, nix.WORK], cwd=nix.ROOT)
    directory = pathlib.Path(fetched.splitlines()[-1])
    manifest = directory / "Cargo.toml"
    # Remove profiles: with `lto` and similar settings, most of the time would be spent on them.
    manifest.write_text(re.sub(r"^\[profile\.[^\]]*\]\n(?:(?!\[).*\n)*", "", manifest.read_text(), flags=re.MULTILINE))
    nix.output([nix.CRATEWRIGHT, "generate", "--quiet", "--force"], cwd=directory)
    return directory


def printed(workspace, program, place):
    """Runs the program, and returns its version, its help, and the output of the command that tries it out."""
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
    # The paths of the programs differ.
    return done.stdout.replace(str(program.parent), "")
