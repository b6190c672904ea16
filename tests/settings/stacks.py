"""Configurations of this repository's stacks, changed for a test, as Pulumi would hand them to the program."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

import settings
from settings import PlatformSettings, SettingsError
from settings.defaults import merged
from settings.node_pools import NodePool
from settings.problems import Problem

ROOT = Path(__file__).parents[2]
PROJECT = "mastertrade"
STACKS = ("dev", "staging", "prod")


LARGE_POOLS: dict[str, Any] = {
    "cluster": {"node_pools": {pool: {"max_cores": 10_000, "max_memory_gib": 100_000} for pool in NodePool}},
}
"""Nodes for any number of pods."""

SMALL_PROMISE: dict[str, Any] = {
    "capacity": {
        "survives_zone_loss": False,
        "requests_per_second": 1,
        "concurrent_traders": 1,
        "orders_per_day": 1,
        "market_data_gb_per_day": 1,
        "storage_growth_gb_per_month": 100,
    }
}
"""What a single pod of each service carries."""


def stated(stack: str = "prod") -> dict[str, Any]:
    """What a stack file of this repository states, by key without the project's name."""
    content = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in content["config"].items()}


def configuration(values: Mapping[str, Any]) -> dict[str, str]:
    """Text stays text, everything else becomes JSON."""
    return {f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def load(values: Mapping[str, Any], stack: str = "prod") -> PlatformSettings:
    """The settings that these values make."""
    return settings.load(configuration(values), project=PROJECT, stack=stack)


def load_changed(changes: Mapping[str, Any], stack: str = "prod") -> PlatformSettings:
    """The settings of a stack with `changes` on top; mappings merge, everything else replaces."""
    return load(merged(stated(stack), changes), stack)


def problems(values: Mapping[str, Any], stack: str = "prod") -> tuple[Problem, ...]:
    """The mistakes in these values; none where they load."""
    try:
        load(values, stack)
    except SettingsError as error:
        return error.problems
    return ()


def problems_of(changes: Mapping[str, Any], stack: str = "prod") -> tuple[Problem, ...]:
    """The mistakes in a stack with `changes` on top."""
    return problems(merged(stated(stack), changes), stack)


def message(changes: Mapping[str, Any], stack: str = "prod") -> str:
    """The lines that a person would read, without the heading."""
    return "\n".join(problem.line(f"Pulumi.{stack}.yaml") for problem in problems_of(changes, stack))
