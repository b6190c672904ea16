"""What watches the platform: metrics and alerts in every region, dashboards, and who hears when watching itself ends."""

import base64
import io
import json
import re
import subprocess
import zipfile
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.observability.canaries import script_archive
from mastertrade.offline import Mode
from settings.signals import HEARTBEAT, SIGNALS
from settings.traffic import FLOWS, Party, Service
from tests.declared import Declared, configuration, declare, document
from tests.pod_network_model import pod_templates

REGIONS = ("us-east-1", "us-west-2")
PARTNERS = dict(zip(REGIONS, reversed(REGIONS), strict=True))
STACKS = [("prod", "us-east-1"), ("prod", "us-west-2"), ("staging", "us-west-2"), ("dev", "us-east-1")]
each_region = pytest.mark.parametrize(("stack", "region"), STACKS)

WORKSPACE, CHANNEL = "T0123ABCDEF", "C0123ABCDEF"


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def topic(declared: Declared, region: str, name: str) -> str:
    return declared.one("aws:sns/topic:Topic", region, f"{region}-{name}").outputs["arn"]


def alertmanager(declared: Declared, region: str) -> dict[str, Any]:
    definition = yaml.safe_load(declared.one("AlertManagerDefinition", region).inputs["definition"])
    return yaml.safe_load(definition["alertmanager_config"])


def receivers(declared: Declared, region: str) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in alertmanager(declared, region)["receivers"]}


def jobs(declared: Declared, region: str) -> dict[str, dict[str, Any]]:
    stated = yaml.safe_load(declared.one("Scraper", region).inputs["scrapeConfiguration"])
    return {each["job_name"]: each for each in stated["scrape_configs"]}


def grafana(declared: Declared, region: str) -> dict[str, Any]:
    (template,) = [
        each for _, each in pod_templates(declared, region) if each["metadata"]["labels"]["app.kubernetes.io/name"] == "monitoring"
    ]
    return template["spec"]


def files(declared: Declared, region: str, name: str) -> dict[str, str]:
    (found,) = [
        each.inputs["data"]
        for each in declared.of("kubernetes:core/v1:ConfigMap", region)
        if re.fullmatch(rf"{name}-[0-9a-f]{{8}}", each.inputs["metadata"]["name"])
    ]
    return found


# --- metrics


@each_region
def test_each_region_keeps_its_own_metrics_under_its_own_key(stack: str, region: str) -> None:
    declared = declare(stack)
    workspace = declared.one("aws:amp/workspace:Workspace", region)
    assert workspace.inputs["kmsKeyArn"] == declared.one("aws:kms/key:Key", region, f"{region}-key-metrics").outputs["arn"]
    kept = declared.one("WorkspaceConfiguration", region).inputs
    assert kept["workspaceId"] == workspace.id
    assert 1 <= kept["retentionPeriodInDays"] <= 1095


@each_region
def test_every_signal_of_a_region_is_a_rule_in_its_workspace(stack: str, region: str) -> None:
    declared = declare(stack)
    alerts = {
        rule["alert"]
        for namespace in declared.of("RuleGroupNamespace", region)
        for group in yaml.safe_load(namespace.inputs["data"])["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert HEARTBEAT in alerts
    everywhere = {signal.alert for signal in SIGNALS if signal.where == "everywhere"}
    assert everywhere <= alerts


def test_a_changed_threshold_reaches_its_rule() -> None:
    declared = declare("prod", configuration("prod", observability={"thresholds": {"node-memory": {"warning": 70}}}))
    rules = yaml.safe_load(declared.one("RuleGroupNamespace", "us-east-1", "us-east-1-rules-cluster").inputs["data"])
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"] if rule.get("alert") == "NodeMemory"]
    assert expressions == ["signal:node_memory > 70", "signal:node_memory > 95"]


@each_region
def test_the_collector_reads_every_job_that_rules_know(stack: str, region: str) -> None:
    assert set(jobs(declare(stack), region)) == {
        "trading-services",
        "vault",
        "cloudwatch",
        "kube-state-metrics",
        "cert-manager",
        "kubelet",
        "cadvisor",
    }


def test_the_collector_asks_services_over_tls_where_the_load_balancer_sends_nobody(prod: Declared) -> None:
    job = jobs(prod, "us-east-1")["trading-services"]
    assert job["scheme"] == "https"
    for _, template in pod_templates(prod, "us-east-1"):
        name = template["metadata"]["labels"]["app.kubernetes.io/name"]
        if name not in set(Service):
            continue
        ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
        assert ports["metrics"] != ports["https"]
        told = {each["name"]: each.get("value") for each in template["spec"]["containers"][0]["env"]}
        assert told["METRICS_PORT"] == str(ports["metrics"])
    reached = {flow.target for flow in FLOWS if flow.source is Party.LOAD_BALANCER and flow.port == 9464}
    assert not reached


def test_the_collector_has_a_group_of_its_own_in_the_clusters_subnets(prod: Declared) -> None:
    for region in REGIONS:
        source = prod.one("Scraper", region).inputs["source"]["eks"]
        cluster = prod.one("aws:eks/cluster:Cluster", region)
        assert source["clusterArn"] == cluster.outputs["arn"]
        assert source["subnetIds"] == cluster.inputs["vpcConfig"]["subnetIds"]
        assert source["securityGroupIds"] == [prod.one("SecurityGroup", region, f"{region}-metrics-collector").id]


def test_nobody_gives_the_collector_access_that_it_takes_itself(prod: Declared) -> None:
    """EKS refuses entries for roles of AWS's own; the service makes its entry."""
    assert not [each for each in prod.of("AccessEntry") if "aws-service-role" in str(each.inputs["principalArn"])]


def test_vault_tells_its_state_without_a_token(prod: Declared) -> None:
    (configured,) = files(prod, "us-east-1", "vault-configuration").values()
    assert "unauthenticated_metrics_access = true" in configured
    assert "prometheus_retention_time" in configured
    assert jobs(prod, "us-east-1")["vault"]["metrics_path"] == "/v1/sys/metrics"


def test_the_exporter_needs_no_knowledge_of_types_but_for_the_names_of_health_checks(prod: Declared) -> None:
    for region in REGIONS:
        asked = yaml.safe_load(files(prod, region, "cloud-metrics")["metrics.yaml"])
        assert [each["type"] for each in asked["discovery"]["jobs"]] == ["AWS/Route53"]
        (health,) = asked["discovery"]["jobs"]
        tags = prod.one("HealthCheck", name=f"entry-{region}").outputs["tagsAll"]
        assert {each["key"] for each in health["searchTags"]} <= tags.keys()
        assert {"AWS/RDS", "AWS/ElastiCache", "AWS/AmazonMQ", "AWS/Backup", "CloudWatchSynthetics", "MasterTrade/Secrets"} <= {
            each["namespace"] for each in asked["customNamespace"]
        }


STUB = """#!/bin/sh
case "$2" in
  list-secrets) printf 'mastertrade/prod/a\tmastertrade/prod/b\tmastertrade/prod/empty\n' ;;
  list-secret-version-ids)
    case "$4" in
      */a) date -u -d '3 days ago 1 hour ago' +%FT%T+00:00 ;;
      */b) date -u -d '100 days ago 1 hour ago' +%FT%T+00:00 ;;
      *) echo None ;;
    esac ;;
  put-metric-data) echo "$@" ;;
esac
"""


def test_ages_of_secrets_are_told_in_days_and_a_secret_without_a_value_has_none(prod: Declared, tmp_path: Path) -> None:
    (script,) = files(prod, "us-east-1", "secret-ages").values()
    stub = tmp_path / "aws"
    stub.write_text(STUB)
    stub.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PREFIX": "mastertrade/prod/", "NAMESPACE": "MasterTrade/Secrets"}
    told = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [re.search(r"--value (\d+) --dimensions SecretName=(\S+)", line).groups() for line in told] == [  # pyright: ignore[reportOptionalMemberAccess]
        ("3", "mastertrade/prod/a"),
        ("100", "mastertrade/prod/b"),
    ]


def test_a_list_of_secrets_that_fails_is_a_job_that_fails(prod: Declared, tmp_path: Path) -> None:
    (script,) = files(prod, "us-east-1", "secret-ages").values()
    stub = tmp_path / "aws"
    stub.write_text("#!/bin/sh\nexit 254\n")
    stub.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "PREFIX": "mastertrade/prod/", "NAMESPACE": "MasterTrade/Secrets"}
    assert subprocess.run(["sh", "-c", script], env=environment, capture_output=True, check=False).returncode != 0


# --- alerts


@each_region
def test_every_receiver_has_a_way_to_people(stack: str, region: str) -> None:
    declared = declare(stack)
    known = {each.outputs["arn"] for each in declared.of("aws:sns/topic:Topic", region)}
    for receiver in receivers(declared, region).values():
        sent = {each["topic_arn"] for each in receiver.get("sns_configs", ())}
        assert sent or receiver.get("pagerduty_configs"), receiver["name"]
        assert sent <= known


def test_critical_alerts_call_whoever_is_on_duty_and_warnings_do_not(prod: Declared) -> None:
    for region in REGIONS:
        for name, receiver in receivers(prod, region).items():
            assert bool(receiver.get("pagerduty_configs")) == name.endswith("critical"), name


def test_the_pagers_key_is_a_secret_without_a_value_that_only_prometheus_reads(prod: Declared) -> None:
    for region in REGIONS:
        (call,) = receivers(prod, region)["platform-critical"]["pagerduty_configs"]
        key = call["routing_key"]["aws_secrets_manager"]
        assert f":secretsmanager:{region}:" in key["secret_arn"]
        assert key["secret_key"] == "routing_key"
    secret = prod.one("aws:secretsmanager/secret:Secret", name="us-east-1-pagerduty-integration-key")
    assert not [each for each in prod.of("SecretVersion") if each.inputs["secretId"] == secret.id]
    policy = prod.one("SecretPolicy", name="us-east-1-pagerduty-integration-key").inputs["policy"]
    (admitted,) = [each for each in document(policy)["Statement"] if each["Effect"] == "Allow"]
    assert admitted["Principal"] == {"Service": "aps.amazonaws.com"}
    assert admitted["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_an_environment_without_a_pager_has_no_key_for_it() -> None:
    for stack in ("dev", "staging"):
        assert not [each for each in declare(stack).resources if "pagerduty" in each.name]


def test_critical_alarms_of_aws_call_as_well_and_its_warnings_do_not() -> None:
    pager = "mastertrade@example.pagerduty.com"
    declared = declare("prod", configuration("prod", observability={"alerts": {"pager_email": pager}}))
    for region in REGIONS:
        called = [each.inputs["topic"] for each in declared.of("TopicSubscription", region) if each.inputs["endpoint"] == pager]
        assert called == [topic(declared, region, "alarms-critical")]


def test_with_slack_every_region_speaks_in_the_channel_and_nobody_there_may_change_anything() -> None:
    declared = declare("prod", configuration("prod", observability={"alerts": {"slack": f"{WORKSPACE}/{CHANNEL}"}}))
    channel = declared.one("SlackChannelConfiguration").inputs
    assert (channel["slackTeamId"], channel["slackChannelId"]) == (WORKSPACE, CHANNEL)
    assert set(channel["snsTopicArns"]) == {
        topic(declared, region, name) for region in REGIONS for name in ("alarms-warning", "alarms-critical", "alerts-chat")
    }
    assert channel["guardrailPolicyArns"] == ["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"]
    for region in REGIONS:
        sent = {each["topic_arn"] for each in receivers(declared, region)["platform-warning"]["sns_configs"]}
        assert topic(declared, region, "alerts-chat") in sent


def test_warnings_of_a_system_wait_while_it_is_maintained_and_all_wait_in_quiet_hours() -> None:
    quiet = {"days": ["saturday"], "begins": "22:00", "ends": "06:00"}
    declared = declare("prod", configuration("prod", observability={"alerts": {"quiet_hours": quiet}}))
    stated = {each["name"]: each["time_intervals"] for each in alertmanager(declared, "us-east-1")["mute_time_intervals"]}
    assert {"maintenance-database", "maintenance-cache", "maintenance-sessions", "maintenance-broker", "quiet-hours"} == stated.keys()
    assert stated["quiet-hours"] == [
        {"weekdays": ["saturday"], "times": [{"start_time": "22:00", "end_time": "24:00"}]},
        {"weekdays": ["sunday"], "times": [{"start_time": "00:00", "end_time": "06:00"}]},
    ]


# --- the dead man's switch


def test_silence_of_a_region_is_an_alarm_in_the_other(prod: Declared) -> None:
    for heard, listener in PARTNERS.items():
        sends = receivers(prod, heard)["heartbeat"]["sns_configs"]
        assert [each["topic_arn"] for each in sends] == [topic(prod, heard, "heartbeat")]
        subscription = prod.one("TopicSubscription", heard, f"{heard}-heartbeat-queue")
        queue = prod.one("aws:sqs/queue:Queue", listener, f"{listener}-heartbeat-{heard}")
        assert (subscription.inputs["topic"], subscription.inputs["protocol"]) == (topic(prod, heard, "heartbeat"), "sqs")
        assert subscription.inputs["endpoint"] == queue.outputs["arn"]
        alarm = prod.one("MetricAlarm", listener, f"{listener}-heartbeat-{heard}").inputs
        assert (alarm["namespace"], alarm["metricName"], alarm["dimensions"]) == (
            "AWS/SQS",
            "NumberOfMessagesSent",
            {"QueueName": queue.inputs["name"]},
        )
        assert (alarm["comparisonOperator"], alarm["threshold"], alarm["treatMissingData"]) == ("LessThanThreshold", 1, "breaching")
        assert alarm["alarmActions"] == [topic(prod, listener, "alarms-critical")]
        assert alarm["period"] * alarm["evaluationPeriods"] <= 300


def test_the_queue_takes_messages_of_that_topic_only_and_its_key_lets_sns_use_it(prod: Declared) -> None:
    for heard, listener in PARTNERS.items():
        queue = prod.one("aws:sqs/queue:Queue", listener, f"{listener}-heartbeat-{heard}")
        policy = document(prod.one("QueuePolicy", listener).inputs["policy"])
        (admitted,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
        assert admitted["Principal"] == {"Service": "sns.amazonaws.com"}
        assert admitted["Condition"]["ArnEquals"] == {"aws:SourceArn": topic(prod, heard, "heartbeat")}
        key = prod.one("aws:kms/key:Key", listener, f"{listener}-key-notifications")
        assert queue.inputs["kmsMasterKeyId"] == key.outputs["arn"]
        users = [each["Principal"].get("Service") for each in document(key.inputs["policy"])["Statement"]]
        assert {"sns.amazonaws.com", "aps.amazonaws.com"} <= set(users)


def test_of_three_regions_each_is_heard_and_visited_by_another() -> None:
    roles = {"us-east-1": {"role": "primary"}, "us-west-2": {"role": "standby"}, "eu-west-1": {"role": "standby"}}
    declared = declare("prod", configuration("prod", regions=roles))
    for region in roles:
        listeners = [each.region for each in declared.of("aws:sqs/queue:Queue") if each.name.endswith(f"-heartbeat-{region}")]
        visitors = [each.region for each in declared.of("aws:synthetics/canary:Canary") if each.name.endswith(f"-api-{region}")]
        assert len(listeners) == len(visitors) == 1
        assert region not in (*listeners, *visitors)


# --- dashboards


@each_region
def test_dashboards_ask_the_metrics_of_their_region_with_the_role_of_their_pods(stack: str, region: str) -> None:
    declared = declare(stack)
    (container,) = grafana(declared, region)["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["PROMETHEUS_URL"] == declared.one("aws:amp/workspace:Workspace", region).outputs["prometheusEndpoint"]
    provisioned = files(declared, region, "provisioning")
    (source, _) = yaml.safe_load(provisioned["sources.yaml"])["datasources"]
    assert source["jsonData"]["sigV4Auth"] is True
    assert source["jsonData"]["sigV4Region"] == region
    rights = document(declared.one("RolePolicy", region, f"{region}-monitoring-service").inputs["policy"])["Statement"]
    assert rights[0]["Resource"] == [declared.one("aws:amp/workspace:Workspace", region).outputs["arn"]]


@each_region
def test_nobody_but_the_load_balancer_says_who_somebody_is(stack: str, region: str) -> None:
    declared = declare(stack)
    (container,) = grafana(declared, region)["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told["GF_AUTH_PROXY_ENABLED"] == "true"
    assert (told["GF_AUTH_BASIC_ENABLED"], told["GF_AUTH_DISABLE_LOGIN_FORM"]) == ("false", "true")
    trusted = ip_network(told["GF_AUTH_PROXY_WHITELIST"])
    public = [each for each in declared.of("Subnet", region) if each.inputs["tags"]["mastertrade:segment"] == "public"]
    others = [each for each in declared.of("Subnet", region) if each.inputs["tags"]["mastertrade:segment"] != "public"]
    assert all(ip_network(each.inputs["cidrBlock"]).subnet_of(trusted) for each in public)  # pyright: ignore[reportArgumentType]
    assert not [each for each in others if ip_network(each.inputs["cidrBlock"]).overlaps(trusted)]


@each_region
def test_dashboards_of_every_system_are_files_that_fit_their_objects(stack: str, region: str) -> None:
    declared = declare(stack)
    shown = files(declared, region, "dashboards")
    assert "platform-overview.json" in shown
    assert all(json.loads(text)["panels"] for text in shown.values())
    for each in declared.of("kubernetes:core/v1:ConfigMap", region):
        assert sum(map(len, each.inputs["data"].values())) < 1_000_000, "etcd takes 1 MiB"


@each_region
def test_dashboards_answer_over_tls_behind_their_target_group(stack: str, region: str) -> None:
    declared = declare(stack)
    (container,) = grafana(declared, region)["containers"]
    assert {container[probe]["httpGet"]["scheme"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {"HTTPS"}
    group = declared.one("TargetGroup", region, f"{region}-target-dashboards")
    binding = declared.one("TargetGroupBinding", region, f"{region}-target-dashboards")
    assert binding.inputs["spec"]["targetGroupARN"] == group.outputs["arn"]


# --- canaries


def test_each_region_visits_the_api_and_its_partner(prod: Declared) -> None:
    for region, partner in PARTNERS.items():
        hosts = {each.inputs["runConfig"]["environmentVariables"]["HOST"] for each in prod.of("aws:synthetics/canary:Canary", region)}
        assert hosts == {"api.mastertrade.example", f"api-{partner}.mastertrade.example"}


@each_region
def test_three_failures_in_a_row_or_no_visits_raise_the_alarm(stack: str, region: str) -> None:
    declared = declare(stack)
    canaries = declared.of("aws:synthetics/canary:Canary", region)
    assert canaries
    for canary in canaries:
        alarm = declared.one("MetricAlarm", region, canary.name).inputs
        assert alarm["dimensions"] == {"CanaryName": canary.inputs["name"]}
        assert (alarm["evaluationPeriods"], alarm["datapointsToAlarm"], alarm["treatMissingData"]) == (3, 3, "breaching")
        count, unit = re.fullmatch(r"rate\((\d+) (minutes?)\)", canary.inputs["schedule"]["expression"]).groups()  # pyright: ignore[reportOptionalMemberAccess]
        assert (count == "1") == (unit == "minute"), "EventBridge tells singular and plural apart"
        assert alarm["period"] == 60 * int(count)
        assert alarm["alarmActions"] == [topic(declared, region, "alarms-critical")]


def test_production_hears_of_an_outage_in_three_minutes(prod: Declared) -> None:
    for canary in prod.of("aws:synthetics/canary:Canary"):
        assert canary.inputs["schedule"]["expression"] == "rate(1 minute)"


def test_the_script_of_canaries_outlives_their_reports(prod: Declared) -> None:
    for region in REGIONS:
        (rule,) = prod.one("BucketLifecycleConfiguration", region, f"{region}-canaries").inputs["rules"]
        script = prod.one("BucketObject", region)
        assert not script.inputs["key"].startswith(rule["filter"]["prefix"])
        for canary in prod.of("aws:synthetics/canary:Canary", region):
            assert canary.inputs["artifactS3Location"].split("/", 3)[3].startswith(rule["filter"]["prefix"])
            assert canary.inputs["s3Version"] == script.outputs["versionId"]


def test_the_same_script_makes_the_same_archive_where_synthetics_looks_for_it() -> None:
    assert script_archive() == script_archive()
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(script_archive()))) as archive:
        assert archive.namelist() == ["python/probe.py"]


def test_nothing_of_it_needs_a_value_that_does_not_exist_yet() -> None:
    for stack in ("dev", "prod"):
        first = {each.urn for each in declare(stack, mode=Mode.FIRST).resources if "observability" in each.urn}
        assert first == {each.urn for each in declare(stack).resources if "observability" in each.urn}
