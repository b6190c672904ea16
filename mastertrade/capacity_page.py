"""`docs/capacity.md`: what the stacks promise to carry, by which assumptions, and how much of it their settings give."""

from collections.abc import Iterator
from pathlib import Path

from mastertrade.offline import read_configuration, stacks_of
from settings.capacity import Assumption, Need, needs
from settings.model import PlatformSettings
from settings.reading import load

CAPACITY_PAGE = Path("docs") / "capacity.md"
COMMAND = "python -m mastertrade reference capacity"

_INTRODUCTION = f"""\
<!-- Generated from settings/capacity.py and the stack files by `{COMMAND}`. Changes here are lost. -->

# Capacity

What each stack promises to carry is its `capacity` settings. One table of assumptions translates it into pods, nodes and limits of the
stores; settings that give less than is needed are refused, with the key that gives more. Whoever measures better figures changes the
table in `settings/capacity.py`.

Pods are those that are left when the zone with the most of them is lost, where `capacity.survives_zone_loss` is true. A pool of nodes
has to hold the most pods of every service that names it.

## Assumptions

| Figure | Counts | Because |
|---|---|---|
"""


def render_capacity(root: Path) -> str:
    """The page for the stacks of the project at `root`. Raises `SettingsError` where one of them does not load."""
    assumptions = "".join(f"| {each.figure} | {each.unit} | {each.reason} |\n" for each in Assumption)
    stacks = "".join(_stack(stack, load(read_configuration(root, stack), project="mastertrade", stack=stack)) for stack in stacks_of(root))
    return f"{_INTRODUCTION}{assumptions}{stacks}"


def _stack(stack: str, settings: PlatformSettings) -> str:
    promise = settings.capacity
    told = (
        f"{promise.requests_per_second:,} requests a second, {promise.concurrent_traders:,} traders, {promise.orders_per_day:,} orders and "
        f"{promise.market_data_gb_per_day:,} GB of market data a day, {promise.storage_growth_gb_per_month:,} GB of growth a month"
    )
    return f"\n## {stack}\n\n{told}.\n\n| What | Needed | Given | Setting |\n|---|---|---|---|\n{''.join(_rows(needs(settings)))}"


def _rows(found: tuple[Need, ...]) -> Iterator[str]:
    for need in found:
        yield f"| {need.what} | {_figure(need.wanted)} {need.unit} | {_figure(need.given)} | `{need.key}` |\n"


def _figure(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
