"""A new trading service costs its rows in `settings/traffic.py` and one entry in `settings/defaults.py`, nothing else."""

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from tests.declared import ROOT, declare

PARTS = ("settings", "components", "mastertrade", "__main__.py", "Pulumi.yaml", "Pulumi.dev.yaml")
EDITS = {
    "settings/traffic.py": {
        '    ORDER_EXECUTOR = "order-executor"\n': '    ORDER_EXECUTOR = "order-executor"\n    PORTFOLIO = "portfolio"\n',
        "FLOWS: tuple[Flow, ...] = (\n": "FLOWS: tuple[Flow, ...] = (\n"
        '    Flow(Service.API_GATEWAY, Service.PORTFOLIO, SERVICE_TLS, "positions and their value"),\n'
        '    Flow(Service.PORTFOLIO, Service.MARKET_DATA, SERVICE_TLS, "prices"),\n',
    },
    "settings/defaults.py": {'    "services": {\n': '    "services": {\n        "portfolio": _POD | {"max_replicas": 4},\n'},
}


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What development declares with a sixth service."""
    root = tmp_path_factory.mktemp("six") / "project"
    root.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, root / part)
    for name, edits in EDITS.items():
        path = root / name
        text = path.read_text(encoding="utf-8")
        for old, new in edits.items():
            assert text.count(old) >= 1, f"{name}: {old}"
            text = text.replace(old, new, 1)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mastertrade", "preview", "-s", "dev", "--no-policy-packs", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["resources"]


def named(resources: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["type"], each["name"]) for each in resources}


def test_the_new_service_gets_what_every_service_has(resources: list[dict[str, Any]]) -> None:
    declared = declare("dev").resources
    of_another = {(each.type, each.name.replace("strategy", "portfolio")) for each in declared if "strategy" in each.name}
    assert of_another <= named(resources)


def test_nothing_else_appears(resources: list[dict[str, Any]]) -> None:
    before = {(each.type, each.name) for each in declare("dev").resources}
    assert before <= named(resources)
    assert all("portfolio" in name for _, name in named(resources) - before)


def test_the_new_service_is_reached_by_its_rows(resources: list[dict[str, Any]]) -> None:
    (policy,) = [each["inputs"]["spec"] for each in resources if each["name"] == "us-east-1-trading-portfolio"]
    entrance, metrics = policy["ingress"]
    assert [each["ports"][0]["port"] for each in (entrance, metrics)] == [8443, 9464]
    assert entrance["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "api-gateway"}
    told = {
        variable["name"]: variable.get("value")
        for each in resources
        if each["name"] == "us-east-1-portfolio" and each["type"] == "kubernetes:apps/v1:Deployment"
        for variable in each["inputs"]["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    assert told["MARKET_DATA_URL"] == "https://market-data.trading.svc:8443"
    assert "STRATEGY_URL" not in told
    assert told["DATABASE_USER"] == "portfolio"
