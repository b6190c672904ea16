"""Logs in one place: a store behind roles alone, everything that is written brought to it, and nobody let in before it is ready."""

import json
import re
from typing import Any

import pytest

from components.observability.logs.contract import LogSource
from components.observability.logs.packaged import SET_UP, SHIPPER
from settings.traffic import HTTPS, Party
from tests.declared import Declared, configuration, declare, document

STACKS = [("prod", "us-east-1"), ("prod", "us-west-2"), ("staging", "us-west-2"), ("dev", "us-east-1")]
each_region = pytest.mark.parametrize(("stack", "region"), STACKS)

DOMAIN, FUNCTION = "aws:opensearch/domain:Domain", "aws:lambda/function:Function"
FILTER = "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter"
# would write a line for each line that they are brought
LEFT_OUT = re.compile(r"^/aws/(lambda|opensearch)/|/flow-log$")


def domain(declared: Declared, region: str) -> dict[str, Any]:
    return declared.one(DOMAIN, region).inputs


def function(declared: Declared, region: str, name: str) -> Any:
    return declared.one(FUNCTION, region, f"{region}-{name}")


def rights(declared: Declared, region: str, name: str) -> dict[str, list[str]]:
    policy = declared.one("aws:iam/rolePolicy:RolePolicy", name=f"{region}-{name}").inputs["policy"]
    return {action: each["Resource"] for each in document(policy)["Statement"] for action in each["Action"]}


def set_up(declared: Declared, region: str, name: str = "log-store") -> Any:
    return declared.one("aws:lambda/invocation:Invocation", region, f"{region}-{name}")


def told(declared: Declared, region: str) -> dict[str, Any]:
    return json.loads(set_up(declared, region).inputs["input"])


def account_of(stack: str) -> str:
    return configuration(stack)["mastertrade:accountId"]


# --- the store


@each_region
def test_the_store_is_encrypted_at_rest_and_on_every_way(stack: str, region: str) -> None:
    declared = declare(stack)
    store = domain(declared, region)
    key = declared.one("aws:kms/key:Key", region, f"{region}-key-log-store")
    assert store["encryptAtRest"] == {"enabled": True, "kmsKeyId": key.outputs["arn"]}
    assert store["nodeToNodeEncryption"] == {"enabled": True}
    assert store["domainEndpointOptions"] == {"enforceHttps": True, "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"}


@each_region
def test_roles_open_the_store_and_no_password_does(stack: str, region: str) -> None:
    declared = declare(stack)
    security = domain(declared, region)["advancedSecurityOptions"]
    assert (security["enabled"], security["internalUserDatabaseEnabled"], security["anonymousAuthEnabled"]) == (True, False, False)
    master = declared.one("aws:iam/role:Role", name=f"{region}-log-set-up")
    assert security["masterUserOptions"] == {"masterUserArn": master.outputs["arn"]}
    (statement,) = document(domain(declared, region)["accessPolicies"])["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{account_of(stack)}:root"}


@each_region
def test_the_store_stands_in_the_data_segment_behind_a_group_of_its_own(stack: str, region: str) -> None:
    declared = declare(stack)
    place = domain(declared, region)["vpcOptions"]
    names = {declared.with_id(subnet).name for subnet in place["subnetIds"]}
    assert all(name.startswith(f"{region}-data-") for name in names)
    assert len(names) == (1 if stack == "dev" else 3)
    (group,) = place["securityGroupIds"]
    assert declared.with_id(group).name == f"{region}-log-store"
    rules = [each.inputs for each in declared.of("SecurityGroupIngressRule", region) if each.inputs["securityGroupId"] == group]
    sources = {declared.with_id(each["referencedSecurityGroupId"]).name for each in rules}
    assert (sources, {each["fromPort"] for each in rules}) == ({f"{region}-log-functions", f"{region}-nodes"}, {HTTPS})


def test_production_loses_a_zone_without_losing_a_line() -> None:
    nodes = domain(declare("prod"), "us-east-1")["clusterConfig"]
    assert nodes["zoneAwarenessConfig"] == {"availabilityZoneCount": 3}
    assert (nodes["multiAzWithStandbyEnabled"], nodes["dedicatedMasterCount"]) == (True, 3)
    # the rules of Multi-AZ with Standby: copies and nodes in multiples of three
    assert nodes["instanceCount"] % 3 == nodes["warmCount"] % 3 == 0
    index = told(declare("prod"), "us-east-1")["index_templates"]["logs"]["template"]["settings"]["index"]
    assert index["number_of_replicas"] == 2


def test_a_region_with_fewer_zones_has_a_store_over_all_of_them() -> None:
    declared = declare("dev", configuration("dev", observability={"logs": {"zones": 3}}))
    store = domain(declared, "us-east-1")
    assert store["clusterConfig"]["zoneAwarenessConfig"] == {"availabilityZoneCount": 2}
    assert (store["clusterConfig"]["instanceCount"], len(store["vpcOptions"]["subnetIds"])) == (2, 2)
    assert told(declared, "us-east-1")["index_templates"]["logs"]["template"]["settings"]["index"]["number_of_replicas"] == 1


def test_dev_has_a_small_store_without_copies() -> None:
    store = domain(declare("dev"), "us-east-1")
    assert store["clusterConfig"]["instanceCount"] == 1
    assert not any(store["clusterConfig"][each] for each in ("zoneAwarenessEnabled", "dedicatedMasterEnabled", "warmEnabled"))
    assert "autoTuneOptions" not in store, "T3 instances have none"
    assert told(declare("dev"), "us-east-1")["index_templates"]["logs"]["template"]["settings"]["index"]["number_of_replicas"] == 0


# --- what is brought to it


@each_region
def test_every_log_group_is_brought_to_the_store_but_those_that_would_feed_themselves(stack: str, region: str) -> None:
    declared = declare(stack)
    groups = {each.inputs["name"] for each in declared.of("aws:cloudwatch/logGroup:LogGroup", region)}
    subscribed = [each.inputs["logGroup"] for each in declared.of(FILTER, region)]
    assert len(subscribed) == len(set(subscribed))
    assert groups - set(subscribed) == {each for each in groups if LEFT_OUT.search(each)}
    assert {each.inputs["filterPattern"] for each in declared.of(FILTER, region)} == {""}


@each_region
def test_the_shipper_knows_where_each_line_comes_from(stack: str, region: str) -> None:
    declared = declare(stack)
    shipper = function(declared, region, "log-shipper")
    sources = json.loads(shipper.inputs["environment"]["variables"]["LOG_SOURCES"])
    assert {name for names in sources.values() for name in names} == {each.inputs["logGroup"] for each in declared.of(FILTER, region)}
    assert set(sources) == set(LogSource) - {LogSource.OTHER}
    assert shipper.inputs["environment"]["variables"]["STORE_ENDPOINT"] == declared.one(DOMAIN, region).outputs["endpoint"]


@each_region
def test_logs_come_once_the_store_is_set_up_and_the_shipper_may_be_called(stack: str, region: str) -> None:
    declared = declare(stack)
    before = {set_up(declared, region).urn, declared.one("aws:lambda/permission:Permission", region).urn}
    for each in declared.of(FILTER, region):
        assert before <= set(each.dependencies)
        assert each.inputs["destinationArn"] == function(declared, region, "log-shipper").outputs["arn"]
    permission = declared.one("aws:lambda/permission:Permission", region).inputs
    account = account_of(stack)
    assert (permission["principal"], permission["sourceAccount"]) == ("logs.amazonaws.com", account)
    assert permission["sourceArn"] == f"arn:aws:logs:{region}:{account}:log-group:*:*"


@each_region
def test_functions_have_the_code_that_is_tested_and_the_rights_that_it_needs(stack: str, region: str) -> None:
    declared = declare(stack)
    arn = declared.one(DOMAIN, region).outputs["arn"]
    for name, code, methods in (("log-shipper", SHIPPER, {"Post"}), ("log-set-up", SET_UP, {"Get", "Post", "Put"})):
        stated = function(declared, region, name).inputs
        assert {path: file["text"] for path, file in stated["code"]["assets"].items()} == code.files()
        assert stated["handler"] == code.handler
        allowed = rights(declared, region, name)
        assert {action for action in allowed if action.startswith("es:")} == {f"es:ESHttp{method}" for method in methods}
        assert all(resources == [f"{arn}/*"] for action, resources in allowed.items() if action.startswith("es:"))
        assert stated["kmsKeyArn"] == declared.one("aws:kms/key:Key", region, f"{region}-key-log-store").outputs["arn"]
        subnets = {declared.with_id(each).name for each in stated["vpcConfig"]["subnetIds"]}
        assert all(each.startswith(f"{region}-application-") for each in subnets)


@each_region
def test_the_store_is_told_again_when_what_it_is_told_changes(stack: str, region: str) -> None:
    stated = set_up(declare(stack), region).inputs
    assert set(stated["triggers"]) == {"code", "store"}
    documents = json.loads(stated["input"])
    account = account_of(stack)
    roles = {name: mapping["backend_roles"] for name, mapping in documents["role_mappings"].items()}
    assert roles["log-shipper"] == [f"arn:aws:iam::{account}:role/mastertrade-{stack}-log-shipper-{region}"]
    assert roles["log-reader"] == [f"arn:aws:iam::{account}:role/mastertrade-{stack}-service-{Party.LOGS}-{region}"]


@each_region
def test_no_log_waits_for_what_only_helps_to_search_it(stack: str, region: str) -> None:
    declared = declare(stack)
    searches = set_up(declared, region, "log-searches")
    assert json.loads(searches.inputs["input"]).keys() == {"saved_objects"}
    assert set_up(declared, region).urn in searches.dependencies
    assert not [each for each in declared.of(FILTER, region) if searches.urn in each.dependencies]


@each_region
def test_what_the_store_did_not_take_is_tried_again_for_two_weeks(stack: str, region: str) -> None:
    declared = declare(stack)
    queue = declared.one("aws:sqs/queue:Queue", region, f"{region}-log-shipper")
    shipper = function(declared, region, "log-shipper")
    assert queue.inputs["messageRetentionSeconds"] == 14 * 24 * 3600
    assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * shipper.inputs["timeout"]
    assert queue.inputs["kmsMasterKeyId"] == declared.one("aws:kms/key:Key", region, f"{region}-key-log-store").outputs["arn"]
    failed = declared.one("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig", region).inputs
    again = declared.one("aws:lambda/eventSourceMapping:EventSourceMapping", region).inputs
    assert failed["destinationConfig"] == {"onFailure": {"destination": queue.outputs["arn"]}}
    assert (again["eventSourceArn"], again["functionName"]) == (queue.outputs["arn"], shipper.outputs["arn"])
    allowed = rights(declared, region, "log-shipper")
    for action in ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
        assert allowed[action] == [queue.outputs["arn"]]


def test_retention_is_that_of_the_settings() -> None:
    changed = configuration("dev", observability={"logs": {"hot_days": 3, "retention_days": 45}})
    (policy,) = told(declare("dev", changed), "us-east-1")["policies"].values()
    ages = {state["name"]: [each["conditions"]["min_index_age"] for each in state["transitions"]] for state in policy["policy"]["states"]}
    assert ages == {"hot": ["3d"], "warm": ["45d"], "deleted": []}


# --- what pods write


@each_region
def test_logs_of_pods_are_encrypted_end_and_hide_what_looks_like_a_secret(stack: str, region: str) -> None:
    declared = declare(stack)
    group = declared.one("aws:cloudwatch/logGroup:LogGroup", region, f"{region}-pods")
    cluster = declared.one("aws:eks/cluster:Cluster", region).outputs["name"]
    assert group.inputs["name"] == f"/aws/containerinsights/{cluster}/application"
    assert group.inputs["kmsKeyId"] == declared.one("aws:kms/key:Key", region, f"{region}-key-logs").outputs["arn"]
    policy = declared.one("aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy", region)
    masking = json.loads(policy.inputs["policyDocument"])
    count, mask = masking["Statement"]
    assert set(count["Operation"]) == {"Audit"}
    assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}
    # the service takes a policy only whose two statements name the same
    assert count["DataIdentifier"] == mask["DataIdentifier"]
    own = {each["Name"]: re.compile(each["Regex"]) for each in masking["Configuration"]["CustomDataIdentifier"]}
    assert {each for each in mask["DataIdentifier"] if not each.startswith("arn:")} == own.keys()
    assert own["JsonWebToken"].search("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl accepted")
    assert own["VaultToken"].search("X-Vault-Token: hvs.CAESIJ")
    writing = declared.one("aws:iam/rolePolicy:RolePolicy", name=f"{region}-pods")
    assert policy.urn in writing.dependencies
    for resources in rights(declared, region, "pods").values():
        assert resources == [group.outputs["arn"], f"{group.outputs['arn']}:*"]


@each_region
def test_the_collector_reads_containers_and_counts_nothing(stack: str, region: str) -> None:
    declared = declare(stack)
    add_on = declared.one("aws:eks/addon:Addon", region, f"{region}-amazon-cloudwatch-observability").inputs
    (identity,) = add_on["podIdentityAssociations"]
    assert identity["serviceAccount"] == "cloudwatch-agent"
    trusted = document(declared.one("aws:iam/role:Role", name=f"{region}-pods").inputs["assumeRolePolicy"])["Statement"][0]
    assert trusted["Condition"]["StringEquals"]["aws:RequestTag/kubernetes-namespace"] == "amazon-cloudwatch"
    stated = json.loads(add_on["configurationValues"])
    assert "kubernetes" not in json.dumps(stated["agent"]), "Prometheus has the metrics"
    assert stated["containerLogs"]["enabled"] is True
    assert set(stated["containerLogs"]["fluentBit"]["config"]["extraFiles"].values()) == {""}
    assert stated["manager"]["applicationSignals"]["autoMonitor"]["monitorAllServices"] is False
