"""Every alert has a page that says what to do, and every page an alert."""

import re

from settings.signals import SIGNALS
from tests.declared import ROOT


def test_every_alert_has_a_runbook_with_symptom_first_look_fix_and_escalation() -> None:
    pages = {signal.page for signal in SIGNALS} | {"heartbeat-missed"}
    for page in pages:
        text = (ROOT / "docs" / "runbooks" / f"{page}.md").read_text()
        headings = [line for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines() if line.startswith("#")]
        assert headings[0].startswith("# ")
        assert headings[1:] == ["## Symptom", "## First look", "## Fix", "## Escalation"], page


def test_every_runbook_belongs_to_an_alert_and_is_listed() -> None:
    folder = ROOT / "docs" / "runbooks"
    index = (folder / "README.md").read_text()
    pages = {page.stem for page in folder.glob("*.md")} - {"README"}
    assert pages == {signal.page for signal in SIGNALS} | {"heartbeat-missed"}
    for signal in SIGNALS:
        (row,) = [line for line in index.splitlines() if line.startswith(f"| `{signal.alert}` ")]
        assert f"({signal.page}.md)" in row
