"""What the documents promise is what the program declares."""

import re

import pytest
import yaml

from tests.declared import ROOT, declare

README = (ROOT / "README.md").read_text()
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
LINK = re.compile(r"\[[^\]]+\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


def row(label: str) -> list[str]:
    """The cells of a row of the table of environments: dev, staging, prod."""
    (line,) = [line for line in README.splitlines() if line.startswith(f"| {label} |")]
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


STACKS = ("dev", "staging", "prod")


def test_table_of_environments_counts_what_is_declared() -> None:
    for stack, stated in zip(STACKS, row("Resources declared"), strict=True):
        resources = [each for each in declare(stack).resources if each.custom and not each.type.startswith("pulumi:providers:")]
        assert int(stated) == len(resources)


@pytest.mark.parametrize(
    ("label", "kind", "size"),
    [
        ("Database, primary region", "ClusterInstance", "instanceClass"),
        ("Broker, each region", "Broker", "hostInstanceType"),
    ],
)
def test_table_of_environments_names_the_sizes(label: str, kind: str, size: str) -> None:
    for stack, stated in zip(STACKS, row(label), strict=True):
        members = declare(stack).of(kind, "us-east-1")
        (declared_size,) = {member.inputs[size] for member in members}
        if declared_size == "db.serverless":
            assert "serverless" in stated
        else:
            assert declared_size in stated
            nodes = 3 if members[0].inputs.get("deploymentMode") == "CLUSTER_MULTI_AZ" else len(members)
            assert stated.startswith(f"{nodes} × ")


@pytest.mark.parametrize(("label", "purpose"), [("Cache, each region", "cache"), ("Sessions, each region", "sessions")])
def test_table_of_environments_counts_cache_nodes(label: str, purpose: str) -> None:
    for stack, stated in zip(STACKS, row(label), strict=True):
        cluster = declare(stack).one("ReplicationGroup", "us-east-1", name=f"us-east-1-{purpose}").inputs
        nodes = cluster["numNodeGroups"] * (1 + cluster["replicasPerNodeGroup"])
        assert stated == f"{nodes} × {cluster['nodeType']}"


def test_every_link_between_documents_leads_somewhere() -> None:
    documents = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")]
    assert len(documents) > 10
    for document in documents:
        for target in LINK.findall(re.sub(r"`[^`]*`", "", document.read_text())):
            assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} links to {target}"


def test_architecture_names_files_that_exist() -> None:
    named = re.findall(r"`((?:components|settings|tests|mastertrade)/[\w/.]+)`", (ROOT / "docs/architecture.md").read_text())
    assert named
    for path in named:
        assert (ROOT / path).exists(), path


def test_runbooks_name_outputs_of_the_program_and_files_of_the_repository() -> None:
    for page in RUNBOOKS:
        text = page.read_text()
        for output in re.findall(r"pulumi stack output (\w+)", text):
            assert output in declare("prod").evaluation.outputs, f"{page.name}: {output}"
        for file in re.findall(r"`((?:components|settings|docs)/[^`]+\.\w+)`", text):
            assert (ROOT / file).exists(), f"{page.name}: {file}"


def test_runbooks_name_workloads_that_exist() -> None:
    """A command that is copied at three in the morning finds what it names."""
    kinds = {"StatefulSet": "statefulset", "Deployment": "deployment", "CronJob": "cronjob"}
    declared = {
        (each.inputs["metadata"]["namespace"], kind, each.inputs["metadata"]["name"])
        for suffix, kind in kinds.items()
        for each in declare("prod").of(suffix, "us-east-1")
    }
    for page in RUNBOOKS:
        for namespace, kind, name in re.findall(r"-n (\w+) [^`\n]*?(statefulset|deployment|cronjob)/([a-z-]+)", page.read_text()):
            assert (namespace, kind, name) in declared, f"{page.name}: {kind}/{name} in {namespace}"


def test_contract_names_every_metric_that_services_are_asked_for() -> None:
    table = (ROOT / "components" / "observability" / "exporters.yaml").read_text()
    asked = {name for name in yaml.safe_load(table)["trading-services"]["metrics"] if name != "up"}
    contract = (ROOT / "docs" / "service-contract.md").read_text().split("## What it tells about itself")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", contract, re.MULTILINE)) == asked
