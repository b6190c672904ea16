"""The public entry: TLS, redirect, operators' hosts, WebSockets, rate, and what moves between regions."""

from collections.abc import Set
from typing import Any

import pytest

from tests.declared import Declared, declare, document, with_regions

REGIONS = ("us-east-1", "us-west-2")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def rules(declared: Declared, region: str) -> dict[str, dict[str, Any]]:
    """Listener rules of a region by target."""
    return {rule.name.removeprefix(f"{region}-route-"): rule.inputs for rule in declared.of("ListenerRule", region)}


def test_plain_http_is_answered_with_a_redirect_only(prod: Declared) -> None:
    for region in REGIONS:
        (http,) = [each.inputs for each in prod.of("aws:lb/listener:Listener", region) if each.inputs["port"] == 80]
        (action,) = http["defaultActions"]
        assert action["redirect"] == {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}
        attached = {rule["listenerArn"] for rule in rules(prod, region).values()}
        assert len(attached) == 1
        assert prod.with_id(attached.pop()).inputs["port"] == 443


def test_tls_is_at_least_1_2(prod: Declared) -> None:
    for listener in prod.of("aws:lb/listener:Listener"):
        if listener.inputs["protocol"] == "HTTPS":
            assert listener.inputs["sslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-Res")


def test_hosts_that_no_rule_names_get_nothing(prod: Declared) -> None:
    for listener in prod.of("aws:lb/listener:Listener"):
        if listener.inputs["protocol"] == "HTTPS":
            assert listener.inputs["defaultActions"][0]["fixedResponse"]["statusCode"] == "404"


def test_operators_hosts_ask_for_sign_in_and_a_known_address(prod: Declared) -> None:
    for region in REGIONS:
        for target in ("dashboards", "log-search"):
            rule = rules(prod, region)[target]
            assert [action["type"] for action in sorted(rule["actions"], key=lambda each: each["order"])] == [
                "authenticate-cognito",
                "forward",
            ]
            assert any(condition.get("sourceIp", {}).get("values") == ["203.0.113.0/24"] for condition in rule["conditions"])
        pool = prod.one("UserPool", region).inputs
        assert pool["mfaConfiguration"] == "ON"
        assert pool["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is True


def test_websocket_path_is_looked_at_before_the_rest_of_the_api(prod: Declared) -> None:
    for region in REGIONS:
        streams, api = rules(prod, region)["streams"], rules(prod, region)["api"]
        assert streams["priority"] < api["priority"]
        paths = [path for condition in streams["conditions"] for path in condition.get("pathPattern", {}).get("values", [])]
        assert "/ws" in paths
        group = prod.with_id(streams["actions"][0]["targetGroupArn"]).inputs
        assert group["stickiness"]["enabled"] is True
        assert group["protocolVersion"] == "HTTP1"


def test_pods_are_reached_over_tls_and_dropped_after_three_failures(prod: Declared) -> None:
    for group in prod.of("TargetGroup"):
        assert group.inputs["protocol"] == group.inputs["healthCheck"]["protocol"] == "HTTPS"
        assert group.inputs["healthCheck"]["unhealthyThreshold"] == 3


def test_a_thousand_requests_a_minute_is_counted_per_minute(prod: Declared) -> None:
    for region in REGIONS:
        acl = prod.one("WebAcl", region)
        (limit,) = [rule["statement"]["rateBasedStatement"] for rule in acl.inputs["rules"] if "rateBasedStatement" in rule["statement"]]
        assert (limit["limit"], limit["evaluationWindowSec"]) == (1000, 60)
        assert (
            prod.one("WebAclAssociation", region).inputs["resourceArn"]
            == prod.one("aws:lb/loadBalancer:LoadBalancer", region).outputs["arn"]
        )


def test_firewall_logs_show_no_credentials(prod: Declared) -> None:
    for region in REGIONS:
        logging = prod.one("WebAclLoggingConfiguration", region).inputs
        hidden = {field["singleHeader"]["name"] for field in logging["redactedFields"]}
        assert {"authorization", "cookie"} <= hidden


def test_load_balancer_logs_go_where_they_may_be_delivered(prod: Declared) -> None:
    for region in REGIONS:
        balancer = prod.one("aws:lb/loadBalancer:LoadBalancer", region)
        policy = prod.one("BucketPolicy", region, f"{region}-entry-logs")
        allowed = str(document(policy.inputs["policy"])["Statement"][0]["Resource"])
        for log in ("accessLogs", "connectionLogs"):
            assert balancer.inputs[log]["enabled"] is True
            assert f"{balancer.inputs[log]['bucket']}/{balancer.inputs[log]['prefix']}/AWSLogs/" in allowed
        assert policy.urn in balancer.dependencies


def test_certificate_covers_every_host_that_is_served(prod: Declared) -> None:
    for region in REGIONS:
        certificate = prod.one("aws:acm/certificate:Certificate", region).inputs
        hosts = {
            host
            for rule in rules(prod, region).values()
            for condition in rule["conditions"]
            for host in condition.get("hostHeader", {}).get("values", [])
        }
        (wildcard,) = certificate["subjectAlternativeNames"]
        assert hosts
        for host in hosts:
            label, _, parent = host.partition(".")
            assert label
            assert parent == wildcard.removeprefix("*.")


def test_region_leaves_dns_within_two_minutes(prod: Declared) -> None:
    checks = [check.inputs for check in prod.of("HealthCheck") if check.inputs["type"] == "HTTPS"]
    assert len(checks) == 2
    for check in checks:
        assert check["requestInterval"] * check["failureThreshold"] + 60 <= 120


def answer(declared: Declared, name: str, *, healthy: Set[str], on: Set[str]) -> str:
    """The region whose load balancer a name leads to, by Route 53's rules for failover, weighted and alias records."""
    balancers = {each.outputs["dnsName"]: each.region for each in declared.of("aws:lb/loadBalancer:LoadBalancer")}
    checks = {
        check.id: (check.inputs["fqdn"].split(".")[0].removeprefix("api-") in healthy)
        if check.inputs["type"] == "HTTPS"
        else check.name.removeprefix("traffic-") in on
        for check in declared.of("HealthCheck")
    }

    def records(of: str) -> list[dict[str, Any]]:
        return [record.inputs for record in declared.of("Record") if record.inputs["name"] == of and record.inputs["type"] == "A"]

    def is_healthy(record: dict[str, Any]) -> bool:
        own = checks.get(record.get("healthCheckId"), True)
        (alias,) = record["aliases"]
        below = records(alias["name"]) if alias["evaluateTargetHealth"] else []
        return own and (not below or any(is_healthy(each) for each in below))

    def resolve(of: str) -> str:
        candidates = sorted(records(of), key=lambda each: str(each.get("failoverRoutingPolicies")))
        chosen = next((each for each in candidates if is_healthy(each)), candidates[0])
        target = chosen["aliases"][0]["name"]
        return balancers[target] if target in balancers else resolve(target)

    return resolve(name)


def test_names_follow_health_and_switches_over_three_regions() -> None:
    regions: tuple[str, ...] = ("us-east-1", "us-west-2", "eu-west-1")
    declared = declare("prod", with_regions(*regions))
    every = set(regions)
    for host in ("api", "monitoring", "logs"):
        name = f"{host}.mastertrade.example"
        assert answer(declared, name, healthy=every, on={"us-east-1"}) == "us-east-1"
        assert answer(declared, name, healthy=every, on={"us-west-2"}) == "us-west-2"
        assert answer(declared, name, healthy=every, on={"eu-west-1"}) == "eu-west-1"
        assert answer(declared, name, healthy=every - {"us-east-1"}, on=every) == "us-west-2"
        assert answer(declared, name, healthy={"eu-west-1"}, on=every) == "eu-west-1"


def test_with_every_switch_off_the_primary_region_answers(prod: Declared) -> None:
    assert answer(prod, "api.mastertrade.example", healthy=set(REGIONS), on=set()) == "us-east-1"


def test_hand_over_goes_approval_orders_database_orders_traffic_in_both_directions(prod: Declared) -> None:
    plan = prod.one("aws:arcregionswitch/plan:Plan", name="hand-over-us-west-2-plan").inputs
    assert {workflow["workflowTargetRegion"] for workflow in plan["workflows"]} == set(REGIONS)
    for workflow in plan["workflows"]:
        kinds = [step["executionBlockType"] for step in workflow["steps"]]
        assert kinds == ["ManualApproval", "ARCRoutingControl", "AuroraGlobalDatabase", "ARCRoutingControl", "ARCRoutingControl"]
    assert plan["recoveryTimeObjectiveMinutes"] == 15


def test_a_hand_over_never_leaves_orders_on_in_two_regions(prod: Declared) -> None:
    names = {control.outputs["arn"]: control.name for control in prod.of("RoutingControl")}
    plan = prod.one("aws:arcregionswitch/plan:Plan", name="hand-over-us-west-2-plan").inputs
    for taking_over in REGIONS:
        on = {region for region in REGIONS if region != taking_over}
        for step in plan["workflows"][0]["steps"]:
            for block in step.get("arcRoutingControlConfigs", []):
                (entry,) = [each for each in block["regionAndRoutingControls"] if each["region"] == taking_over]
                for control in entry["routingControls"]:
                    switch, _, region = names[control["routingControlArn"]].partition("-")
                    if switch == "orders":
                        on = on | {region} if control["state"] == "On" else on - {region}
            assert len(on) <= 1
        assert on == {taking_over}


def test_safety_rules_refuse_a_second_active_region(prod: Declared) -> None:
    controls = {control.outputs["arn"] for control in prod.of("RoutingControl")}
    rule_sets = [rule.inputs for rule in prod.of("SafetyRule")]
    assert {arn for rule in rule_sets for arn in rule["assertedControls"]} == controls
    for rule in rule_sets:
        assert rule["ruleConfig"] == {"type": "ATLEAST", "threshold": 2, "inverted": True}


def test_the_entry_faces_the_internet_from_every_zone(prod: Declared) -> None:
    for region in REGIONS:
        balancer = prod.one("aws:lb/loadBalancer:LoadBalancer", region).inputs
        subnets = [prod.with_id(subnet).inputs for subnet in balancer["subnets"]]
        assert balancer["internal"] is False
        assert {subnet["tags"]["mastertrade:segment"] for subnet in subnets} == {"public"}
        assert len({subnet["availabilityZoneId"] for subnet in subnets}) == 3


def test_dns_asks_each_region_what_the_load_balancer_asks_the_pods(prod: Declared) -> None:
    for check in prod.of("HealthCheck"):
        if check.inputs["type"] == "HTTPS":
            region = check.name.removeprefix("entry-")
            group = prod.with_id(rules(prod, region)["api"]["actions"][0]["targetGroupArn"]).inputs
            assert check.inputs["resourcePath"] == group["healthCheck"]["path"]
            assert check.inputs["enableSni"] is True, "the certificate is shown to who names a host"


def test_every_name_is_served_by_the_region_that_it_leads_to(prod: Declared) -> None:
    names = {record.inputs["name"] for record in prod.of("Record") if record.inputs["type"] == "A"}
    hosts = {name for name in names if name.startswith(("api", "monitoring", "logs"))}
    assert len(hosts) == 9
    for host in hosts:
        region = answer(prod, host, healthy=set(REGIONS), on={"us-west-2"})
        served = [
            each["values"]
            for rule in rules(prod, region).values()
            for each in (part.get("hostHeader", {}) for part in rule["conditions"])
            if each
        ]
        assert any(host in values for values in served)
        assert region == next((each for each in REGIONS if each in host), "us-west-2")


def test_load_balancer_reaches_every_target_on_its_port(prod: Declared) -> None:
    for region in REGIONS:
        (group,) = prod.one("aws:lb/loadBalancer:LoadBalancer", region).inputs["securityGroups"]
        open_ports = {
            rule.inputs["toPort"]
            for rule in prod.of("SecurityGroupEgressRule", region)
            if rule.inputs["securityGroupId"] == group and "referencedSecurityGroupId" in rule.inputs
        }
        assert {target.inputs["port"] for target in prod.of("TargetGroup", region)} == open_ports


def test_pods_are_asked_the_path_that_their_program_answers(prod: Declared) -> None:
    for region in REGIONS:
        paths = {
            target.name.removeprefix(f"{region}-target-"): target.inputs["healthCheck"]["path"] for target in prod.of("TargetGroup", region)
        }
        # Grafana's own; that of the services and of log search is the platform's convention
        assert paths == {"api": "/health", "streams": "/health", "dashboards": "/api/health", "log-search": "/health"}


def test_whoever_is_not_signed_in_is_sent_to_and_comes_back_to_the_host_that_they_asked_for(prod: Declared) -> None:
    for region in REGIONS:
        back = set(prod.one("UserPoolClient", region).inputs["callbackUrls"])
        for target in ("dashboards", "log-search"):
            rule = rules(prod, region)[target]
            (sign_in,) = [action["authenticateCognito"] for action in rule["actions"] if "authenticateCognito" in action]
            assert sign_in["onUnauthenticatedRequest"] == "authenticate"
            assert sign_in["userPoolArn"] == prod.one("UserPool", region).outputs["arn"]
            (hosts,) = [condition["hostHeader"]["values"] for condition in rule["conditions"] if "hostHeader" in condition]
            assert {f"https://{host}/oauth2/idpresponse" for host in hosts} <= back


def test_a_hand_over_moves_the_database_without_loss_unless_told_otherwise(prod: Declared) -> None:
    plan = prod.one("aws:arcregionswitch/plan:Plan", name="hand-over-us-west-2-plan").inputs
    for workflow in plan["workflows"]:
        (change,) = [config for step in workflow["steps"] for config in step.get("globalAuroraConfigs", [])]
        assert change["behavior"] == "switchoverOnly"
        assert change["ungracefuls"] == [{"ungraceful": "failover"}]
        assert set(change["databaseClusterArns"]) == {prod.one("aws:rds/cluster:Cluster", region).outputs["arn"] for region in REGIONS}


def test_a_hand_over_is_approved_in_a_role_that_cannot_run_it(prod: Declared) -> None:
    plan = prod.one("aws:arcregionswitch/plan:Plan", name="hand-over-us-west-2-plan").inputs
    for workflow in plan["workflows"]:
        (approval,) = [config for step in workflow["steps"] for config in step.get("executionApprovalConfigs", [])]
        assert approval["approvalRole"] == prod.one("Role", name="hand-over-us-west-2-approver").outputs["arn"] != plan["executionRole"]


def test_a_hand_over_stops_orders_before_the_database_moves_and_sends_traffic_last(prod: Declared) -> None:
    names = {control.outputs["arn"]: control.name for control in prod.of("RoutingControl")}
    plan = prod.one("aws:arcregionswitch/plan:Plan", name="hand-over-us-west-2-plan").inputs
    for workflow in plan["workflows"]:
        turned: list[tuple[str, set[str]]] = []
        for step in workflow["steps"]:
            if step["executionBlockType"] == "AuroraGlobalDatabase":
                turned.append(("database", set()))
            for block in step.get("arcRoutingControlConfigs", []):
                (entry,) = [each for each in block["regionAndRoutingControls"] if each["region"] == workflow["workflowTargetRegion"]]
                (switch,) = {names[each["routingControlArn"]].partition("-")[0] for each in entry["routingControls"]}
                turned.append((switch, {each["state"] for each in entry["routingControls"]}))
        assert turned == [("orders", {"Off"}), ("database", set()), ("orders", {"On", "Off"}), ("traffic", {"On", "Off"})]
