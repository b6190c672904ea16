"""Dashboards say the same as the alerts. Prometheus reads their queries."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.observability.dashboards import DATA_SOURCE, TITLES, dashboards, runbook_dashboards
from components.observability.exporters import metrics
from components.observability.rules import rule_groups
from settings.signals import RECORDINGS, SIGNALS, Dashboard, Direction, Limits, signals_of
from tests.observability.grafana_schema import problems
from tests.observability.places import ACTIVE, PLACES, STANDBY
from tests.observability.promql import asked, grouped_by
from tests.real.servers import ask, program

PAGES: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in dashboards(ACTIVE).items()}
PANELS = [(name, panel) for name, page in PAGES.items() for panel in page["panels"]]
QUERIES = {f"{name} {panel['title']}": target["expr"] for name, panel in PANELS for target in panel["targets"]}
RECORDED = {each.record for each in RECORDINGS} | {each.record for signal in SIGNALS for each in (signal, *signal.recordings)}

each_query = pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)


def panel_of(record: str, pages: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The panel that draws a signal."""
    (panel,) = [each for page in pages.values() for each in page["panels"] if each["targets"][0]["expr"] == record]
    return panel


def test_there_is_a_dashboard_of_every_kind_at_a_stable_address() -> None:
    assert PAGES.keys() == {f"{each}.json" for each in Dashboard}
    for each in Dashboard:
        page = PAGES[f"{each}.json"]
        assert (page["uid"], page["title"]) == (each, TITLES[each])
        assert len(page["uid"]) <= 40  # Grafana takes no longer one
        assert page["panels"], each


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_every_dashboard_is_what_grafanas_schema_describes(place: Any) -> None:
    for name, text in {**dashboards(place), **runbook_dashboards()}.items():
        assert problems(json.loads(text)) == [], name


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"titel": "x"}, "dashboard.titel: Dashboard has no such field"),
        ({"tags": "mastertrade"}, "dashboard.tags: 'mastertrade' is no list"),
        ({"links": {}}, "dashboard.links: {} is no list"),
        ({"editable": "false"}, "dashboard.editable: 'false' is no bool"),
        ({"graphTooltip": 3}, "dashboard.graphTooltip: 3 is no DashboardCursorSync"),
        ({"panels": [{"title": "x"}]}, "dashboard: no Dashboard can be read from it (KeyError('type'))"),
        ({"panels[0].type": "timeserie"}, "dashboard.panels[0].options: of no kind that Grafana knows"),
        ({"panels[0].gridPos.w": "8"}, "dashboard.panels[0].gridPos.w: '8' is no int"),
        ({"panels[0].gridPos.width": 8}, "dashboard.panels[0].gridPos.width: GridPos has no such field"),
        ({"panels[0].targets[0].expression": "up"}, "dashboard.panels[0].targets[0].expression: Dataquery has no such field"),
        ({"panels[0].targets[0].expr": None}, "dashboard.panels[0].targets[0].expr: None is no str"),
        ({"panels[0].datasource.type": "promotheus"}, "dashboard.panels[0].targets[0]: of no kind that Grafana knows"),
        ({"panels[0].options.legend.placement": "left"}, "dashboard.panels[0].options.legend.placement: 'left' is no LegendPlacement"),
        ({"panels[0].options.legend": {}}, "dashboard.panels[0].options.legend.displayMode: VizLegendOptions needs it"),
        (
            {"panels[0].fieldConfig.defaults.custom.lineWidht": 1},
            "dashboard.panels[0].fieldConfig.defaults.custom.lineWidht: GraphFieldConfig has no",
        ),
        (
            {"panels[0].fieldConfig.defaults.thresholds.mode": "relative"},
            "dashboard.panels[0].fieldConfig.defaults.thresholds.mode: 'relative'",
        ),
        ({"panels[0].links[0].url": 7}, "dashboard.panels[0].links[0].url: 7 is no str"),
    ],
    ids=str,
)
def test_misspelt_missing_and_ill_typed_fields_of_a_dashboard_are_found(change: dict[str, Any], problem: str) -> None:
    page = json.loads(json.dumps(PAGES["api.json"]))
    ((path, value),) = change.items()
    *outer, last = re.findall(r"\w+", path)
    target = page
    for key in outer:
        target = target[int(key) if key.isdigit() else key]
    target[last] = value
    found = problems(page)
    assert any(each.startswith(problem) for each in found), found


def test_prometheus_reads_every_query(tmp_path: Path) -> None:
    promtool = program("promtool", package="prometheus")
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(QUERIES.values())]
    (tmp_path / "queries.yaml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    answer = ask([promtool, "check", "rules", tmp_path / "queries.yaml"])
    assert answer.returncode == 0, answer.stdout + answer.stderr


@each_query
def test_every_metric_of_a_dashboard_exists_with_the_labels_it_is_asked_by(query: str) -> None:
    found = [each for each in asked(query) if each.name not in RECORDED and each.name != "ALERTS"]
    for each in found:
        assert each.name in metrics(), f"{each.name}: nobody emits it (components/observability/exporters.yaml)"
        assert each.labels <= metrics()[each.name].labels
    if found:
        assert grouped_by(query) <= {label for each in found for label in metrics()[each.name].labels}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_every_signal_is_drawn_once_on_the_dashboard_that_its_alert_names(place: Any) -> None:
    pages = {name: json.loads(text) for name, text in dashboards(place).items()}
    for signal in signals_of(place):
        panel = panel_of(signal.record, pages)
        assert panel in pages[f"{signal.system.dashboard}.json"]["panels"]
        (link,) = panel["links"]
        assert (link["title"], link["url"], link["targetBlank"]) == ("Runbook", f"/d/runbook-{signal.page}", True)


def test_threshold_lines_are_where_the_alerts_are() -> None:
    changes = {"node-disk": Limits(warning=70, critical=90), "cache-hit-rate": Limits(warning=60)}
    pages = {name: json.loads(text) for name, text in dashboards(ACTIVE, changes).items()}
    rules = [rule for text in rule_groups(ACTIVE, changes).values() for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    for signal in signals_of(ACTIVE):
        alarmed = sorted(float(rule["expr"].split()[-1]) for rule in rules if rule.get("alert") == signal.alert)
        lines = [step["value"] for step in panel_of(signal.record, pages)["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert lines == [None, *alarmed], signal.name


def test_colours_are_green_on_the_good_side_and_red_on_the_worst() -> None:
    for signal in signals_of(STANDBY):
        pages = {name: json.loads(text) for name, text in dashboards(STANDBY).items()}
        colours = [step["color"] for step in panel_of(signal.record, pages)["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        good, bad = (colours[-1], colours[0]) if signal.direction is Direction.BELOW else (colours[0], colours[-1])
        assert good == "green"
        assert bad == ("red" if signal.critical else "orange")


def test_panels_have_identifiers_of_their_own_and_do_not_overlap() -> None:
    for name, page in PAGES.items():
        identifiers = [panel["id"] for panel in page["panels"]]
        assert len(set(identifiers)) == len(identifiers), name
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in page["panels"]]
        assert len(set(places)) == len(places), name


def test_new_panel_renumbers_no_other() -> None:
    """Links and screenshots name panels by their identifier."""
    before = {panel["title"]: panel["id"] for panel in PAGES["recovery-objectives.json"]["panels"]}
    after = {panel["title"]: panel["id"] for panel in json.loads(dashboards(PLACES["small"])["recovery-objectives.json"])["panels"]}
    assert after.keys() < before.keys()
    assert after.items() <= before.items()


def test_every_query_asks_the_regions_own_prometheus() -> None:
    for name, panel in PANELS:
        assert {panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])} == {DATA_SOURCE}, name


def test_every_runbook_can_be_read_in_grafana() -> None:
    pages = {name: json.loads(text) for name, text in runbook_dashboards().items()}
    assert {page["uid"] for page in pages.values()} == {
        f"runbook-{page}" for page in {signal.page for signal in SIGNALS} | {"heartbeat-missed"}
    }
    for page in pages.values():
        (panel,) = page["panels"]
        assert "## Symptom" in panel["options"]["content"]
        assert ".md)" not in panel["options"]["content"], f"{page['uid']}: a link that leads nowhere in Grafana"


def test_all_dashboards_fit_into_config_maps() -> None:
    """Kubernetes takes a mebibyte each."""
    for pages in (dashboards(ACTIVE), runbook_dashboards()):
        assert sum(len(text.encode()) for text in pages.values()) < 1024**2
