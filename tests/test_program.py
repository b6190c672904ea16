"""The program itself, however it is hosted."""

import json
import runpy

import pulumi
import pytest
from pulumi.runtime import config

from mastertrade.offline import evaluate
from settings import SettingsError
from tests.declared import PROJECT, ROOT, configuration


def test_mistakes_read_the_same_under_the_command_line_and_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = configuration("prod", database={"retention_days": 45}, domian="x")
    with pytest.raises(SettingsError) as offline:
        evaluate(ROOT, "prod", configuration=stated)

    # Pulumi's command line hands configuration over in the environment
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(stated))
    token = config.CONFIG.set({})
    monkeypatch.setattr(pulumi, "get_project", lambda: PROJECT)
    monkeypatch.setattr(pulumi, "get_stack", lambda: "prod")
    try:
        with pytest.raises(pulumi.RunError) as hosted:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
    finally:
        config.CONFIG.reset(token)

    assert str(hosted.value) == str(offline.value)
    assert "database.retention_days" in str(hosted.value)
    assert "did you mean 'domain'" in str(hosted.value)
