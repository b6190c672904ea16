"""Settings stand below everything: what is made of them is unknown to them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.declared import ROOT

ABOVE = {"components", "mastertrade", "policies", "pulumi", "pulumi_aws", "pulumi_kubernetes", "pulumi_random", "boto3"}
MODULES = sorted((ROOT / "settings").rglob("*.py"))


def packages_imported_by(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_settings_import_nothing_that_is_made_of_them(module: Path) -> None:
    assert not ABOVE & set(packages_imported_by(module))
