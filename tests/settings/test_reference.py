"""The settings reference says what the models say: nothing missing, nothing stale."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mastertrade.reference import render_settings_reference, write
from settings import reading
from settings.defaults import merged
from settings.model import Environment
from settings.windows import Day
from tests.settings.stacks import ROOT, load, problems, stated

PAGE = "docs/settings.md"


def cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


ROWS = {cells(line)[0].strip("`"): cells(line) for line in render_settings_reference().splitlines() if line.startswith("| `")}


def keys(value: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    if not isinstance(value, dict):
        yield ".".join(path)
        return
    for key, below in value.items():
        yield from keys(below, (*path, "REGION" if path == ("regions",) else key))


def test_reference_is_up_to_date_with_the_models() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render_settings_reference(), "run: python -m mastertrade reference settings"


def test_reference_has_a_row_for_every_setting() -> None:
    groups = {
        "database.proxy",
        "backup.restore_test",
        "observability.logs.warm",
    }  # they may be null, so they have a row beside those of their keys
    unset = {f"observability.alerts.quiet_hours.{key}" for key in ("days", "begins", "ends")} | {"observability.thresholds"}
    assert ROWS.keys() == set(keys(load(stated()).model_dump(mode="json", by_alias=True))) | groups | unset


def test_every_row_says_what_its_setting_means() -> None:
    assert [key for key, row in ROWS.items() if not row[5]] == []


@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if row[6]])
def test_every_example_is_accepted_where_it_stands(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "RULES", {})
    *groups, _ = key.replace("REGION", "us-east-1").split(".")
    change = yaml.safe_load(ROWS[key][6].strip("`"))
    for group in reversed(groups):
        change = {group: change}
    assert problems(merged(stated(), change)) == ()


@pytest.mark.parametrize(("environment", "column"), [(Environment.DEV, 2), (Environment.STAGING, 3), (Environment.PROD, 4)])
def test_every_default_is_the_value_that_a_stack_gets(environment: Environment, column: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below a group that is null, what it gets once the group is stated."""
    monkeypatch.setattr(reading, "RULES", {})
    groups = {"observability": {"alerts": {"quiet_hours": {}}}, "backup": {"restore_test": {"day": "sunday", "time": "12:00"}}}
    least = {key: value for key, value in stated(environment).items() if key != "operators"}
    operators = {key: stated(environment)["operators"][key] for key in ("cidrs", "administrators")}
    settings = load(least | {"operators": operators}, environment).model_dump(mode="json", by_alias=True)
    with_groups = load(least | {"operators": operators} | groups, environment).model_dump(mode="json", by_alias=True)
    for key, row in ROWS.items():
        default = re.fullmatch(r"`(.*)`", row[column])
        if default:
            *group, name = key.split(".")
            holder = value_at(settings, group) or value_at(with_groups, group)
            assert yaml.safe_load(default[1]) == holder[name], key


def value_at(settings: dict[str, Any], path: list[str]) -> Any:
    return functools.reduce(lambda value, part: value[part], path, settings)


@pytest.mark.parametrize(("key", "default"), [("days", list(Day)), ("begins", "22:00"), ("ends", "06:00")])
def test_defaults_of_quiet_hours_are_told_although_there_are_none_by_default(key: str, default: object) -> None:
    row = ROWS[f"observability.alerts.quiet_hours.{key}"]
    assert [yaml.safe_load(cell.strip("`")) for cell in row[2:5]] == [default] * 3


@pytest.mark.parametrize("environment", Environment)
def test_what_must_be_stated_is_exactly_what_is_missed(environment: Environment) -> None:
    column = {Environment.DEV: 2, Environment.STAGING: 3, Environment.PROD: 4}[environment]
    required = {key for key, row in ROWS.items() if row[column] == "must be stated"}
    missed = {problem.key for problem in problems({"environment": environment, "regions": {"us-east-1": {"zones": []}}})}
    missed = {key.replace("us-east-1", "REGION") for key in missed} - {"regions.REGION.zones"}
    assert required == missed | {"environment"}


def test_reference_is_written_into_the_project_whole(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / PAGE).write_text("stale", encoding="utf-8")
    assert write(tmp_path) == [tmp_path / PAGE]
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == render_settings_reference()
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["settings.md"]


def test_a_reference_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)

    def fail(*_: object) -> Path:
        raise OSError("disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk is full"):
        write(tmp_path)
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["settings.md"]
