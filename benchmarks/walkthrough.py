"""Every command of `bifocal-training` on real input, with what it prints: `docs/walkthrough-*.md` are made by this.

python -m benchmarks.walkthrough demo                  (the demo set, which it draws itself; minutes)
python -m benchmarks.walkthrough openmoji --data DIR   (DIR holds openmoji's manifest.csv; half an hour)

With `--folder DIR` it works there and keeps what each command printed, and goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 120
# What is printed every ten seconds where there is no terminal; a bar in its place stands there otherwise.
PROGRESS = re.compile(r"\d+/\d+, \d+ s left")


@dataclass(frozen=True)
class Step:
    """One command and why one would give it.

    Args:
        why: a sentence or two above it.
        command: as typed into a shell, in an empty folder but for what the steps before made.
        stable: it prints the same every time, but for numbers; so a test can compare it.
        status: its exit code.
    """

    why: str
    command: str
    stable: bool = False
    status: int = 0


@dataclass(frozen=True)
class Walk:
    """Commands on one data set.

    Args:
        title: of the page.
        introduction: below the title.
        steps: in the order in which they are run.
    """

    title: str
    introduction: str
    steps: Sequence[Step]


DEMO_COLUMNS = "--image image --text caption --tags tags --label label --split split"
OPENMOJI_COLUMNS = "--image image --text annotation --label label --group group_key --split suggested_split"
WALKS = {
    "demo": Walk(
        "Every training command on the demo set",
        "The demo set is an invented second-hand shop: the picture shows what a thing is, the words say in what state, "
        "and the label joins both.",
        [
            Step("Draw the set.", "bifocal-training demo-data demo", stable=True),
            Step(
                "Guess what the columns are. The recipe says why beside each key.",
                "bifocal-training init demo/manifest.csv --out demo.yaml && cat demo.yaml",
                stable=True,
            ),
            Step(
                "Read every row and every picture before anyone waits for an epoch.",
                "bifocal-training check demo.yaml",
                stable=True,
            ),
            Step(
                "Train, test once, publish; and each modality alone, to see what merging gives.",
                f"bifocal-training fit demo/manifest.csv {DEMO_COLUMNS} --name demo --epochs 15 --alone",
            ),
            Step(
                "Measure what was published, as it is served, with intervals, and for each value of a column.",
                "bifocal-training evaluate runs/demo-2* --slice label",
            ),
            Step("See what the model is made of.", "bifocal-training inspect runs/demo-2*"),
            Step(
                "Does merging help? Half of the merges, a short budget.",
                f"bifocal-training compare demo/manifest.csv {DEMO_COLUMNS} --name demo --epochs 8 "
                "--merges concatenate,multiply,gated",
            ),
            Step(
                "Half a year later: new rows, the weights of the first run, and a gate. The version before stays.",
                "bifocal-training demo-data newer --seed 8 --rows 900 && "
                "bifocal-training fit --from runs/demo-2* newer/manifest.csv --epochs 3 --gate",
            ),
            Step("What differs between the two?", "bifocal-training runs runs/demo-2*"),
            Step("All runs.", "bifocal-training runs"),
            Step(
                "One file with figures, mistakes and advice. `fit` has written it already.",
                "bifocal-training report $(ls -d runs/demo-2* | head -1)",
                stable=True,
            ),
        ],
    ),
    "openmoji": Walk(
        "Every training command on real data",
        "2,353 drawings of [OpenMoji](https://openmoji.org), the open-source emoji and icon project (CC BY-SA 4.0), "
        "each with its name, in 11 groups. The set is not part of the project.",
        [
            Step(
                "Guess what the columns are.",
                "bifocal-training init openmoji/manifest.csv --out guess.yaml && cat guess.yaml",
                stable=True,
            ),
            Step(
                "Read every row and every picture.",
                f"bifocal-training check openmoji/manifest.csv {OPENMOJI_COLUMNS}",
                stable=True,
            ),
            Step(
                "The default model, from nothing but the columns; three seeds, the best by validation published.",
                f"bifocal-training fit openmoji/manifest.csv {OPENMOJI_COLUMNS} --name openmoji --seeds 3 --alone",
            ),
            Step(
                "Measure what was published, also by sub-group.",
                "bifocal-training evaluate runs/openmoji-2* --slice subgroup",
            ),
            Step(
                "Does merging help? Some of the merges; without --merges it is all of them.",
                f"bifocal-training compare openmoji/manifest.csv {OPENMOJI_COLUMNS} --name openmoji "
                "--merges concatenate,multiply,gated",
            ),
            Step("All runs.", "bifocal-training runs"),
            Step(
                "One file with figures, mistakes and advice.", "bifocal-training report runs/openmoji-2*", stable=True
            ),
        ],
    ),
}


def run(step: Step, folder: Path) -> str:
    """Runs a step; what it printed.

    Raises:
        RuntimeError: if its exit code is another one than it should be.
    """
    commands = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(WIDTH),
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(  # noqa: S603  (our own commands)
        ["bash", "-c", step.command],  # noqa: S607
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != step.status:
        raise RuntimeError(f"{step.command}: exit code {done.returncode}; expected {step.status}:\n{done.stdout}")
    lines = (line.rstrip() for line in done.stdout.replace(f"{folder}/", "").strip("\n").splitlines())
    return "\n".join(line for line in lines if not PROGRESS.search(line))


def page(walk: Walk, name: str, outputs: Iterable[str]) -> str:
    """The steps of a walk with what they printed, as Markdown."""
    parts = [
        f"# {walk.title}\n\n{walk.introduction} Made by `python -m benchmarks.walkthrough {name}`; times are "
        "those of the machine it ran on, and the lines that say every ten seconds how far it is are left out.\n"
    ]
    for step, output in zip(walk.steps, outputs, strict=True):
        parts.append(f"{step.why}\n\n```console\n$ {step.command}\n{output}\n```\n")
    return "\n".join(parts)


def printed(text: str) -> dict[str, str]:
    """From such a page, what each command printed."""
    return dict(re.findall(r"^```console\n\$ (.*)\n((?s:.*?))\n```$", text, re.MULTILINE))


def masked(output: str) -> list[str]:
    """The lines of an output without what differs from machine to machine: numbers, widths, how far something was."""
    return [re.sub(r"[\s─━]+", " ", re.sub(r"\d+([.,:]\d+)*", "0", line)).strip() for line in output.splitlines()]


def _outputs(walk: Walk, folder: Path) -> Iterator[str]:
    kept_file = folder / ".printed.json"
    kept: dict[str, str] = json.loads(kept_file.read_text(encoding="utf-8")) if kept_file.is_file() else {}
    for step in walk.steps:
        print(f"$ {step.command}", flush=True)
        if step.command not in kept:
            kept[step.command] = run(step, folder)
            kept_file.write_text(json.dumps(kept), encoding="utf-8")
        print(kept[step.command], flush=True)
        yield kept[step.command]


def main() -> None:
    """Makes one page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=WALKS)
    parser.add_argument("--data", type=Path, help="folder of the data set, for openmoji")
    parser.add_argument("--folder", type=Path, help="where to work; a folder that is deleted in the end if not given")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="walkthrough-")))
        folder.mkdir(parents=True, exist_ok=True)
        if given.name != "demo" and not (folder / given.name).is_dir():
            if given.data is None:
                parser.error("--data DIR: say where the set is")
            (folder / given.name).symlink_to(given.data.absolute())
        walk = WALKS[given.name]
        text = page(walk, given.name, _outputs(walk, folder))
    (DOCS / f"walkthrough-{given.name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
