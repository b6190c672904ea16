"""The policies of the role that deploys a stack: enough for what is declared, and no more than AWS lets us say."""

import fnmatch
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mastertrade.deployment.command import policies_of, write_permissions
from mastertrade.deployment.statements import LONGEST_POLICY, Statement, characters, policy_documents
from mastertrade.deployment.table import Table, Verb, table
from policies.engine.control import State
from policies.engine.judging import judge
from policies.engine.resources import Resource, Stack
from policies.exposure import PACK
from tests.declared import ROOT, declare, document
from tests.offline.programs import project

STACKS = ("dev", "staging", "prod")
OF_A_ROLE = 10
READING = ("Describe", "Get", "List")
CREATING = ("Create", "RequestCertificate")
# Changes that AWS binds to no resource: each is a reviewer's to accept
UNBOUND = {
    "backup-storage:MountCapsule",
    "elasticloadbalancing:SetWebAcl",
    "logs:DeleteLogDelivery",
    "logs:DeleteResourcePolicy",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
}


def several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def statements(stack: str, *, read_only: bool = False) -> list[dict[str, Any]]:
    return [each for policy in policies_of(declare(stack).evaluation, read_only=read_only) for each in policy.document["Statement"]]


def allowed(stated: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for each in stated:
        for action in several(each["Action"]):
            for resource in several(each["Resource"]):
                yield action, resource, each.get("Condition", {})


@pytest.mark.parametrize("stack", STACKS)
def test_every_declared_type_has_an_entry(stack: str) -> None:
    declared = {each.type for each in declare(stack).resources if each.custom and not table().is_elsewhere(each.type)}
    assert declared - set(table().types) == set()


def test_no_entry_is_for_a_type_that_no_stack_declares() -> None:
    declared = {each.type for stack in STACKS for each in declare(stack).resources}
    assert set(table().types) - declared == set()


HOME = """
import pulumi
import pulumi_aws as aws
home = aws.Provider("home", region="us-east-1"{arguments})
there = pulumi.ResourceOptions(provider=home)
"""
KNOWN = ', allowed_account_ids=["210987654321"], default_tags={"tags": {"Project": "demo", "Stack": "dev"}}'
UNKNOWN_TYPE = """
aws.sns.Topic("known", opts=there)
aws.kinesis.Stream("orders", opts=there)
aws.kinesis.Stream("trades", opts=there)
aws.efs.FileSystem("files", opts=there)
"""


def test_types_without_an_entry_are_named_all_at_once_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path / "project", UNKNOWN_TYPE, preamble=HOME.format(arguments=KNOWN))
    assert write_permissions(root, "dev", read_only=False, out=tmp_path / "out") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert [line.split(":Stream")[0].split(":FileSystem")[0] for line in told.err.splitlines()] == [
        "aws:efs/fileSystem",
        "aws:kinesis/stream",
    ]
    assert "'orders', __main__.py:8" in told.err
    assert not (tmp_path / "out").exists()


def test_a_stack_that_does_not_say_what_is_its_own_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path / "project", 'aws.sns.Topic("known", opts=there)', preamble=HOME.format(arguments=""))
    assert write_permissions(root, "dev", read_only=False, out=None) == 1
    told = capsys.readouterr().err
    assert "allowed_account_ids: found none; allowed: one account" in told
    assert "default tag Project is missing" in told
    assert "default tag Stack is missing" in told


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("stack", STACKS)
def test_policies_stay_within_what_iam_takes(stack: str, read_only: bool) -> None:
    policies = policies_of(declare(stack).evaluation, read_only=read_only)
    assert max(each.characters for each in policies) <= LONGEST_POLICY
    assert len(policies) <= OF_A_ROLE
    sids = [each["Sid"] for policy in policies for each in policy.document["Statement"]]
    assert len(sids) == len(set(sids))
    assert all(each.isalnum() for each in sids)


@pytest.mark.parametrize(("label", "read_only"), [("Policies to deploy", False), ("Policies to preview with refresh", True)])
def test_the_page_says_how_many_policies_there_are(label: str, read_only: bool) -> None:
    page = (ROOT / "docs" / "deployment-role.md").read_text(encoding="utf-8")
    (line,) = [each for each in page.splitlines() if each.startswith(f"| {label} |")]
    assert [int(each) for each in line.strip("|").split("|")[1:]] == [
        len(policies_of(declare(stack).evaluation, read_only=read_only)) for stack in STACKS
    ]


def findings(stated: Any) -> list[str]:
    """What the exposure pack says of a policy."""
    resource = Resource(urn="urn", type_="aws:iam/policy:Policy", name="deploy", properties={"policy": json.dumps(stated)})
    Stack([resource])
    judging = [each for each in PACK.controls if "aws:iam/policy:Policy" in each.types]
    assert len(judging) >= 3
    verdicts = [judge(each, resource, {}) for each in judging]
    return [each.message() for each in verdicts if each.state not in (State.PASS, State.NOT_APPLICABLE)]


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("stack", STACKS)
def test_the_exposure_pack_has_no_finding(stack: str, read_only: bool) -> None:
    for policy in policies_of(declare(stack).evaluation, read_only=read_only):
        assert findings(policy.document) == []


def test_the_exposure_pack_would_find_a_wide_policy() -> None:
    assert findings({"Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]})
    assert findings({"Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/*"}]})


@pytest.mark.parametrize("stack", STACKS)
def test_on_every_resource_there_is_only_what_aws_binds_to_none_and_only_in_our_regions(stack: str) -> None:
    regions = {each.region for each in declare(stack).of("pulumi:providers:aws")}
    for action, resource, condition in allowed(statements(stack)):
        assert "*" not in action
        if resource != "*":
            continue
        service, name = action.split(":")
        assert name.startswith((*READING, *CREATING)) or action in UNBOUND or "ec2:LaunchTemplate" in condition["ArnLike"]
        if not table().services[service].is_global:
            assert set(several(condition["StringEquals"]["aws:RequestedRegion"])) == regions


def test_every_service_but_the_global_ones_is_bound_to_our_regions() -> None:
    unbound = {
        action.split(":")[0]
        for action, _, condition in allowed(statements("prod"))
        if "aws:RequestedRegion" not in condition.get("StringEquals", {})
    }
    assert unbound == {"arc-region-switch", "iam", "route53", "route53-recovery-control-config"}


def test_what_is_destroyed_by_its_id_bears_the_tags_of_the_stack() -> None:
    for action in ("ec2:DeleteVpc", "ec2:ReleaseAddress", "kms:ScheduleKeyDeletion", "rds:DeleteDBProxy", "cognito-idp:DeleteUserPool"):
        conditions = [condition["StringEquals"] for each, _, condition in allowed(statements("staging")) if each == action]
        assert [(each["aws:ResourceTag/Project"], each["aws:ResourceTag/Stack"]) for each in conditions] == [("mastertrade", "staging")]


@pytest.mark.parametrize("stack", STACKS)
def test_roles_are_passed_to_the_services_that_they_trust(stack: str) -> None:
    trusted = {
        role.outputs["arn"]: {
            service
            for each in document(role.inputs["assumeRolePolicy"])["Statement"]
            for service in several(each["Principal"].get("Service", []))
        }
        for role in declare(stack).of("aws:iam/role:Role")
    }
    # CloudWatch takes the role of a canary, and hands it on to the function that it makes
    for canary in declare(stack).of("aws:synthetics/canary:Canary"):
        trusted[canary.inputs["executionRoleArn"]].add("synthetics.amazonaws.com")
    passed: dict[str, set[str]] = {}
    for action, arn, condition in allowed(statements(stack)):
        if action == "iam:PassRole":
            passed.setdefault(arn, set()).add(condition["StringEquals"]["iam:PassedToService"])
    assert {arn: services for arn, services in passed.items() if services != trusted.get(arn)} == {}
    # the cluster itself hands nodes their role; nobody passes it
    unpassed = {arn.rpartition("/")[2] for arn, services in trusted.items() if services} - {arn.rpartition("/")[2] for arn in passed}
    assert unpassed == {
        f"mastertrade-{stack}-nodes-{region}" for region in {each.region for each in declare(stack).of("aws:eks/cluster:Cluster")}
    }


def test_only_declared_policies_can_be_attached() -> None:
    declared = {each.inputs["policyArn"] for each in declare("prod").of("RolePolicyAttachment")}
    (condition,) = [each for action, _, each in allowed(statements("prod")) if action == "iam:AttachRolePolicy"]
    assert set(condition["ArnEquals"]["iam:PolicyARN"]) == declared


def test_names_are_those_of_the_stack_and_cover_what_it_declares() -> None:
    """By the deleting actions: whatever cannot be deleted, was named otherwise than its pattern says."""
    patterns: dict[str, set[str]] = {}
    for action, resource, _ in allowed(statements("prod")):
        patterns.setdefault(action, set()).add(resource)
    missed: set[str] = set()
    judged = 0
    for resource in declare("prod").resources:
        arn = resource.outputs.get("arn")
        # made-up ARNs that are not of AWS's form, and rules, which are revoked on their group
        odd = ("aws:autoscaling/", "aws:vpc/")
        if not resource.type.startswith("aws:") or not isinstance(arn, str) or resource.type.startswith(odd):
            continue
        deleting = [f"{service}:{name}" for service, name in table().types[resource.type].actions((Verb.DELETE,))]
        of_service = [each for each in deleting if each.split(":")[0].startswith(arn.split(":")[2])]
        covering = [each for action in of_service for each in patterns[action]]
        judged += bool(covering)
        if covering and not any(fnmatch.fnmatchcase(arn, each) for each in covering):
            missed.add(f"{resource.type} {arn}")
    assert missed == set()
    assert judged > 200


def places(action: str, stack: str = "prod") -> set[str]:
    """Where a stack's policies allow an action."""
    return {resource for each, resource, _ in allowed(statements(stack)) if each == action}


def test_actions_that_aws_binds_to_no_resource_are_bound_to_none() -> None:
    """Named by an ARN, they would be denied (service authorization reference, CloudWatch Synthetics and Managed Service for Prometheus)."""
    assert places("synthetics:CreateCanary") == places("aps:CreateWorkspace") == {"*"}


def test_a_collector_is_made_of_our_clusters_and_workspaces() -> None:
    assert places("aps:CreateScraper") == {
        "arn:aws:aps:*:123456789012:workspace/*",
        "arn:aws:eks:*:123456789012:cluster/mastertrade-prod-*",
    }


def test_a_canary_is_made_from_its_script_and_the_runtime_of_aws() -> None:
    scripts = {each.outputs["arn"] for each in declare("prod").of("aws:s3/bucketObject:BucketObject")}
    assert len(scripts) == 2
    for action in ("s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"):
        assert places(action) == scripts, "and no report or snapshot is read"
    assert {each.split(":")[4] for each in places("lambda:GetLayerVersion")} == {"123456789012", "*"}
    ours = re.compile(r":function:(cwsyn-)?mastertrade-prod-|:layer:cwsyn-mastertrade-prod-")
    assert all(ours.search(each) for each in places("lambda:CreateFunction") | places("lambda:DeleteFunction"))


def test_another_stack_of_the_account_is_out_of_reach() -> None:
    for other in (
        "arn:aws:iam::123456789012:role/mastertrade-deploy",
        "arn:aws:iam::123456789012:role/mastertrade-staging-backup-us-east-1",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:mastertrade/staging/binance-api-key-a1b2c3",
        "arn:aws:rds:us-east-1:123456789012:cluster:mastertrade-staging-database-us-east-1",
        "arn:aws:s3:::mastertrade-staging-entry-logs-123456789012-us-east-1",
    ):
        reading = ("Describe", "List")
        assert [
            action
            for action, pattern, _ in allowed(statements("prod"))
            if pattern != "*" and fnmatch.fnmatchcase(other, pattern) and not action.split(":")[1].startswith(reading)
        ] == []


def test_keys_of_exchanges_cannot_be_read() -> None:
    key = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mastertrade/prod/binance-api-key-a1b2c3"
    password = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mastertrade/prod/database-password-a1b2c3"
    readable = [pattern for action, pattern, _ in allowed(statements("prod")) if action == "secretsmanager:GetSecretValue"]
    assert any(fnmatch.fnmatchcase(password, each) for each in readable)
    assert not any(fnmatch.fnmatchcase(key, each) for each in readable)


def test_records_are_changed_in_the_zone_of_the_settings_only() -> None:
    zones = [resource for action, resource, _ in allowed(statements("prod")) if action == "route53:ChangeResourceRecordSets"]
    assert zones == ["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"]


@pytest.mark.parametrize("stack", STACKS)
def test_reading_is_part_of_deploying_and_changes_nothing(stack: str) -> None:
    reading = {(action, resource) for action, resource, _ in allowed(statements(stack, read_only=True))}
    assert reading <= {(action, resource) for action, resource, _ in allowed(statements(stack))}
    assert {action for action, _ in reading if not action.split(":")[1].startswith(READING)} == {"kms:Decrypt"}


def test_the_same_stack_gives_the_same_bytes() -> None:
    evaluation = declare("prod").evaluation
    once, again = (json.dumps([each.document for each in policies_of(evaluation, read_only=False)]) for _ in range(2))
    assert once == again


def test_a_statement_longer_than_a_policy_is_divided_and_nothing_is_lost() -> None:
    roles = tuple(f"arn:aws:iam::123456789012:role/mastertrade-prod-service-{number:04}" for number in range(300))
    documents = policy_documents([Statement("Pass", ("iam:PassRole",), roles, {"StringEquals": {"iam:PassedToService": ("a",)}})])
    assert len(documents) > 2
    assert max(characters(each) for each in documents) <= LONGEST_POLICY
    stated = [each for one in documents for each in one["Statement"]]
    assert sorted(resource for each in stated for resource in several(each["Resource"])) == sorted(roles)
    assert all(each["Condition"] == {"StringEquals": {"iam:PassedToService": "a"}} for each in stated)


def test_white_space_is_not_counted() -> None:
    assert characters({"Version": "2012-10-17", "Statement": []}) == len('{"Version":"2012-10-17","Statement":[]}')


def test_an_action_that_only_one_table_names_is_refused() -> None:
    known = table()
    type_, needs = next(iter(known.types.items()))
    with pytest.raises(ValueError, match=r"resources\.yaml does not name acm:RenewCertificate"):
        Table.model_validate(
            dict(known) | {"types": {**known.types, type_: needs.model_copy(update={"update": {"acm": ("RenewCertificate",)}})}}
        )
    without = {name: each for name, each in known.types.items() if name != "aws:mq/configuration:Configuration"}
    with pytest.raises(ValueError, match=r"actions\.yaml does not name .*mq:CreateConfiguration"):
        Table.model_validate(dict(known) | {"types": without})


TOPIC = 'aws.sns.Topic("alarms", name="demo-dev-alarms", opts=there)'


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return project(tmp_path / "project", TOPIC, preamble=HOME.format(arguments=KNOWN))


def test_a_folder_is_replaced_whole(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "policies"
    assert write_permissions(demo, "dev", read_only=True, out=out) == 0
    assert [each.name for each in out.iterdir()] == ["demo-dev-read-1.json"]
    assert write_permissions(demo, "dev", read_only=False, out=out) == 0
    assert [each.name for each in out.iterdir()] == ["demo-dev-deploy-1.json"]
    assert json.loads((out / "demo-dev-deploy-1.json").read_text())["Version"] == "2012-10-17"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["policies", "project"]


def test_a_folder_with_something_else_in_it_is_left_alone(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "policies"
    out.mkdir()
    (out / "notes.md").write_text("mine")
    assert write_permissions(demo, "dev", read_only=False, out=out) == 2
    assert "--out: found 'notes.md' in" in capsys.readouterr().err
    assert [each.name for each in out.iterdir()] == ["notes.md"]


def test_a_write_that_fails_leaves_what_was_there(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "policies"
    write_permissions(demo, "dev", read_only=True, out=out)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "fresh":
            raise OSError("no space left")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space"):
        write_permissions(demo, "dev", read_only=False, out=out)
    assert [each.name for each in out.iterdir()] == ["demo-dev-read-1.json"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["policies", "project"]


def test_the_command_prints_one_document_and_tells_how_many_policies() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mastertrade", "permissions", "-s", "dev"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    listed = json.loads(done.stdout)
    assert (listed["format"], listed["project"], listed["stack"], listed["readOnly"]) == (1, "mastertrade", "dev", False)
    assert [each["name"] for each in listed["policies"]] == [f"mastertrade-dev-deploy-{n}" for n in range(1, len(listed["policies"]) + 1)]
    assert f"{len(listed['policies'])} policies, the longest" in done.stderr
    assert "A role takes 10, on request 20." in done.stderr
    assert "[secret]" not in done.stdout
