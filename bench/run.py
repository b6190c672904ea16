"""Measures previews, audits and a digest in floors, and says whether it keeps its budget. `README.md` beside this file explains.

python bench/run.py [--runs 5] [--no-fail]
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
FIXED_FLOORS = 0.6
RESOURCES_PER_FLOOR = 600
"""The budget of a preview that declares N resources is 0.6 + N/600 floors."""
PACKS_FIXED_FLOORS = 1.0
PACKS_RESOURCES_PER_FLOOR = 350
"""The budget with every policy pack: 1.0 + N/350, and of a digest, which runs them on both of its sides."""
STEEPEST = 1.15
"""What a resource may cost in six regions, in what it costs in two."""
MORE_REGIONS = ("us-east-2", "eu-west-1", "eu-central-1", "ap-southeast-1")
"""Added to production's own, in this order."""

PLAIN = ("preview", "--no-policy-packs")

_IMPORT_ALL = "import importlib\nfor name in open({list!r}, encoding='utf-8').read().split():\n    importlib.import_module(name)\n"
_IMPORTABLE = """\
import importlib, sys
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except ImportError:
        continue
    print(name)
"""


class MeasurementError(Exception):
    """A command that is measured failed; its own words."""


@dataclass(frozen=True)
class Case:
    """A command in a project folder, and what it costs, in floors."""

    title: str
    folder: Path
    words: tuple[str, ...]
    """Of the command."""
    resources: int
    """That it evaluates, those of two versions both."""
    floors: list[float] = field(default_factory=list)

    @property
    def cost(self) -> float:
        """The median of all runs."""
        return statistics.median(self.floors)

    @property
    def budget(self) -> float:
        """What it may cost."""
        if "--no-policy-packs" in self.words:
            return FIXED_FLOORS + self.resources / RESOURCES_PER_FLOOR
        return PACKS_FIXED_FLOORS + self.resources / PACKS_RESOURCES_PER_FLOOR

    @property
    def keeps_budget(self) -> bool:
        """Whether it does."""
        return self.cost <= self.budget


def mastertrade(*words: str) -> list[str]:
    """The command line that is measured."""
    return [sys.executable, "-m", "mastertrade", *words]


def run(command: Sequence[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a command to its end. Raises `MeasurementError` where it fails."""
    # A shell that keeps Python from storing what it compiles would have every run, the floor's too, compile anew
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise MeasurementError(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done


def cpu_seconds(command: Sequence[str], folder: Path) -> float:
    """User and system time of a command and of what it started."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def imported_modules() -> str:
    """Names of the modules that previewing production imports, a line each, in order; those that import by name."""
    every = run(mastertrade("modules", "-s", "prod"), ROOT).stdout.split()
    names = "\n".join(name for name in every if name != "__main__")
    return run([sys.executable, "-c", _IMPORTABLE], ROOT, given=names).stdout


def project_folder(parent: Path, name: str, replaced: dict[str, str]) -> Path:
    """The project by symbolic links, with some files of its top replaced by others."""
    folder = parent / name
    folder.mkdir()
    for entry in ROOT.iterdir():
        if entry.name not in replaced and entry.name != ".git":
            (folder / entry.name).symlink_to(entry)
    for file, text in replaced.items():
        (folder / file).write_text(text, encoding="utf-8")
    return folder


def production_in(regions: int) -> str:
    """Production's stack file with so many regions: its own first, the primary before the others."""
    stack: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text(encoding="utf-8"))
    configuration = stack["config"]
    own: dict[str, Any] = configuration["mastertrade:regions"]
    ordered = dict(sorted(own.items(), key=lambda each: each[1]["role"] != "primary")) | {
        name: {"role": "standby"} for name in MORE_REGIONS if name not in own
    }
    configuration["mastertrade:regions"] = dict(list(ordered.items())[:regions])
    configuration["mastertrade:activeRegion"] = next(iter(ordered))
    return yaml.safe_dump(stack, sort_keys=False)


def repository(folder: Path) -> Path:
    """The project as the one commit of a repository, and less retention in its working tree."""
    left_out = shutil.ignore_patterns(".git", ".venv", "evidence", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, folder, ignore=lambda name, names: left_out(name, names) if Path(name) == ROOT else {"__pycache__"})
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@mastertrade.example", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "all of it")):
        run(("git", *identity, *words), folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    file = folder / "Pulumi.prod.yaml"
    stack: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    stack["config"].setdefault("mastertrade:database", {})["retention_days"] = 7
    file.write_text(yaml.safe_dump(stack, sort_keys=False), encoding="utf-8")
    return folder


def case(title: str, folder: Path, stack: str = "prod", words: tuple[str, ...] = PLAIN) -> Case:
    """A case of one stack, run once: counts its resources and lets Python compile what it imports."""
    resources = json.loads(run(mastertrade(*PLAIN, "-s", stack, "--json"), folder).stdout)["resources"]
    if words != PLAIN:
        run(mastertrade(*words, "-s", stack), folder)
    return Case(title, folder, (*words, "-s", stack), len(resources))


def case_of_digest(title: str, folder: Path) -> Case:
    """A digest of all stacks, run once. The base brings as many resources as the working tree: nothing is added."""
    words = ("digest", "--base", "HEAD", "--format", "markdown")
    run(mastertrade(*words), folder)
    stacks = json.loads(run(mastertrade(*PLAIN, "--all-stacks", "--json"), folder).stdout)["stacks"]
    return Case(title, folder, words, 2 * sum(len(each["resources"]) for each in stacks))


def cases(parent: Path, modules: Path) -> list[Case]:
    """Everything that is measured, the cheapest first."""
    empty = _IMPORT_ALL.format(list=str(modules))
    evidence = str(parent / "evidence")
    production = {regions: project_folder(parent, f"prod-{regions}", {"Pulumi.prod.yaml": production_in(regions)}) for regions in (1, 2, 6)}
    return [
        case("imports, nothing declared", project_folder(parent, "nothing", {"__main__.py": empty})),
        case("dev", ROOT, "dev"),
        case("prod, one region", production[1]),
        case("prod, two regions", production[2]),
        case("prod, six regions", production[6]),
        case("prod, every pack, evidence", ROOT, "prod", ("preview", "--out", evidence)),
        case("prod, audit, evidence", ROOT, "prod", ("audit", "--out", evidence)),
        case_of_digest("digest of every stack", repository(parent / "repository")),
    ]


def measure(measured: Sequence[Case], floor: Callable[[], float], runs: int) -> float:
    """Runs every case `runs` times, each beside a floor of its own, so that a slow minute slows both.

    Returns the floor in seconds (median).
    """
    floors: list[float] = []
    turns = [each for _ in range(runs) for each in measured]
    for each in track(turns, description="Measuring", console=Console(stderr=True), transient=True):
        floors.append(floor())
        each.floors.append(cpu_seconds(mastertrade(*each.words), each.folder) / floors[-1])
    return statistics.median(floors)


def per_resource(each: Case, nothing: Case) -> float:
    """Cost of one resource: what the preview costs beyond its imports, over the number of resources."""
    return (each.cost - nothing.cost) / (each.resources - nothing.resources)


def table(measured: Sequence[Case]) -> Table:
    """The figures, one case a row."""
    shown = Table("What", title="CPU time, in floors", title_justify="left")
    for heading in ("Resources", "Floors", "Least", "Most", "Budget", ""):
        shown.add_column(heading, justify="right")
    for each in measured:
        figures = (each.cost, min(each.floors), max(each.floors), each.budget)
        shown.add_row(each.title, str(each.resources), *(f"{figure:.2f}" for figure in figures), verdict(each.keeps_budget))
    return shown


def verdict(kept: bool) -> str:
    """How a figure did."""
    return "ok" if kept else "[bold red]over[/]"


def main() -> int:
    """Measures, prints, and returns the exit code: 0 within the budget, 1 over it, 2 where a command failed."""
    parser = argparse.ArgumentParser(description="Measures previews, audits and a digest in floors.")
    parser.add_argument("--runs", type=int, default=5, help="runs of each case; the median counts (5)")
    parser.add_argument("--no-fail", action="store_true", help="exit with 0 over the budget, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mastertrade-bench-") as name:
        modules = Path(name) / "modules.txt"
        modules.write_text(imported_modules(), encoding="utf-8")
        floor = [sys.executable, "-c", _IMPORT_ALL.format(list=str(modules))]
        measured = cases(Path(name), modules)
        seconds = measure(measured, lambda: cpu_seconds(floor, ROOT), options.runs)
    return report(measured, seconds, options.runs) and not options.no_fail


def report(measured: Sequence[Case], seconds: float, runs: int) -> bool:
    """Prints the figures. Returns whether any of them is over its budget."""
    nothing, *stacks = measured
    two, six = stacks[2:4]
    steepness = per_resource(six, nothing) / per_resource(two, nothing)
    level = 0 < steepness <= STEEPEST
    console = Console()
    console.print(table(stacks))
    console.print(f"Floor: {seconds:.2f} s of CPU. Median of {runs} runs, each beside a floor of its own.")
    console.print(
        f"Budget: {FIXED_FLOORS} + resources / {RESOURCES_PER_FLOOR} floors, with packs {PACKS_FIXED_FLOORS} + resources / "
        f"{PACKS_RESOURCES_PER_FLOOR}. With nothing declared: {nothing.cost:.2f} floors."
    )
    console.print(f"A resource in six regions costs {steepness:.2f} of one in two; at most {STEEPEST}: {verdict(level)}")
    return not level or not all(each.keeps_budget for each in stacks)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MeasurementError as error:
        sys.exit(f"{error}")
