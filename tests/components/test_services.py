"""The trading services: what their pods may do, what they are told, and that they survive what happens to nodes and zones."""

import json
import math
from collections import Counter
from typing import Any

import pytest

from mastertrade.offline import Resource, Secret
from settings.capacity import least_pods
from settings.credentials import BROKER_READERS, credentials
from settings.reading import load
from settings.routes import ROUTES
from settings.traffic import FLOWS, Party, Service
from tests.declared import Declared, configuration, declare, document
from tests.pod_network_model import TEMPLATES, pod_templates

REGIONS = ("us-east-1", "us-west-2")
CERTIFICATE = "kubernetes:cert-manager.io/v1:Certificate"
STACKS = [("prod", "us-east-1"), ("prod", "us-west-2"), ("staging", "us-west-2"), ("dev", "us-east-1")]
each_cluster = pytest.mark.parametrize(("stack", "region"), STACKS)
each_service = pytest.mark.parametrize("service", Service)


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare("prod")


def workload(declared: Declared, region: str, service: str) -> Resource:
    """The Deployment or StatefulSet of a service."""
    (found,) = [
        each
        for each in declared.resources
        if each.region == region
        and each.type in TEMPLATES
        and each.inputs["metadata"] | {"namespace": "trading", "name": service} == each.inputs["metadata"]
    ]
    return found


def pod_spec(declared: Declared, region: str, service: str) -> dict[str, Any]:
    return workload(declared, region, service).inputs["spec"]["template"]["spec"]


def variables(declared: Declared, region: str, service: str) -> dict[str, Any]:
    (container,) = pod_spec(declared, region, service)["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def of_service(declared: Declared, kind: str, region: str, service: str) -> dict[str, Any]:
    (found,) = [each.inputs for each in declared.of(kind, region) if each.inputs["metadata"]["name"] == service]
    return found


def containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [*template["spec"]["containers"], *template["spec"].get("initContainers", ())]


@each_cluster
def test_every_pod_gives_up_every_right_that_it_can(stack: str, region: str) -> None:
    for _, template in pod_templates(declare(stack), region):
        spec = template["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] >= 10_000
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not [volume for volume in spec["volumes"] if "hostPath" in volume]
        for container in containers(template):
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@each_cluster
def test_every_container_says_what_it_needs_and_is_held_to_it(stack: str, region: str) -> None:
    for _, template in pod_templates(declare(stack), region):
        for container in containers(template):
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert {"cpu", "memory"} <= container["resources"]["limits"].keys()


@pytest.mark.parametrize("region", REGIONS)
def test_images_of_production_are_pinned_and_come_from_the_regions_own_registry(prod: Declared, region: str) -> None:
    for _, template in pod_templates(prod, region):
        for container in containers(template):
            registry, image = container["image"].split("/", 1)
            assert registry == f"123456789012.dkr.ecr.{region}.amazonaws.com"
            assert "@sha256:" in image


@each_cluster
@each_service
def test_a_service_is_asked_over_tls_whether_it_started_serves_and_lives(stack: str, region: str, service: Service) -> None:
    (container,) = pod_spec(declare(stack), region, service)["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["scheme"] == "HTTPS"
    paths = {probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    # a pod that waits for its stores is not helped by being started anew
    assert paths == {"startupProbe": "/health/live", "readinessProbe": "/health", "livenessProbe": "/health/live"}
    # three failures in a row, and recovery within the promised two minutes
    assert container["livenessProbe"]["failureThreshold"] == 3
    assert container["livenessProbe"]["failureThreshold"] * container["livenessProbe"]["periodSeconds"] < 120


@each_cluster
@each_service
def test_a_leaving_pod_stays_until_the_load_balancer_has_let_go(stack: str, region: str, service: Service) -> None:
    declared = declare(stack)
    spec = pod_spec(declared, region, service)
    (container,) = spec["containers"]
    waits = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drains = [
        group.inputs["deregistrationDelay"]
        for group in declared.of("TargetGroup", region)
        for route in ROUTES
        if route.target.service is service and group.name == f"{region}-target-{route.target.name}"
    ]
    assert waits >= max([0, *map(int, drains)])
    assert spec["terminationGracePeriodSeconds"] > waits


@each_cluster
@each_service
def test_a_pod_of_a_node_that_does_not_answer_is_given_up_in_time(stack: str, region: str, service: Service) -> None:
    """After 40 s a silent node counts as gone (kube-controller-manager), then these seconds, then a pod starts anew."""
    tolerations = pod_spec(declare(stack), region, service)["tolerations"]
    seconds = {each["key"]: each["tolerationSeconds"] for each in tolerations if each["effect"] == "NoExecute"}
    assert seconds.keys() == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
    assert all(40 + each < 120 for each in seconds.values())


@pytest.mark.parametrize(("stack", "region"), [each for each in STACKS if each[0] != "dev"])
def test_losing_any_zone_leaves_every_service_with_the_pods_that_it_needs(stack: str, region: str) -> None:
    """Pods are dealt to zones as the spread constraint demands; then the fullest zone is lost."""
    declared = declare(stack)
    settings = load(configuration(stack), project="mastertrade", stack=stack)
    zones = len(settings.regions[region].zones)  # pyright: ignore[reportArgumentType]
    for service, needed in least_pods(settings).items():
        if service is Service.ORDER_EXECUTOR:
            continue
        scaling = of_service(declared, "HorizontalPodAutoscaler", region, service)["spec"]
        (zonal,) = [
            each
            for each in pod_spec(declared, region, service)["topologySpreadConstraints"]
            if each["topologyKey"] == "topology.kubernetes.io/zone"
        ]
        assert (zonal["maxSkew"], zonal["whenUnsatisfiable"]) == (1, "DoNotSchedule")
        assert zonal["nodeTaintsPolicy"] == "Honor", "nodes that do not answer would keep pods from the other zones"
        assert zonal["matchLabelKeys"] == ["pod-template-hash"], "pods of the last roll-out would count as well"
        assert zonal["labelSelector"]["matchLabels"] == workload(declared, region, service).inputs["spec"]["selector"]["matchLabels"]
        dealt = Counter(pod % zones for pod in range(scaling["minReplicas"]))
        assert scaling["minReplicas"] - max(dealt.values()) >= needed, service


@each_cluster
@each_service
def test_emptying_nodes_takes_one_pod_at_a_time(stack: str, region: str, service: Service) -> None:
    declared = declare(stack)
    budget = of_service(declared, "PodDisruptionBudget", region, service)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == workload(declared, region, service).inputs["spec"]["selector"]


@each_cluster
def test_a_roll_out_never_runs_more_pods_than_the_connection_budget_counts(stack: str, region: str) -> None:
    declared = declare(stack)
    for service in set(Service) - {Service.ORDER_EXECUTOR}:
        stated = workload(declared, region, service)
        assert stated.inputs["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 0
        assert "replicas" not in stated.inputs["spec"], "the autoscaler's figure would be undone by every deployment"
        scaling = of_service(declared, "HorizontalPodAutoscaler", region, service)["spec"]
        assert scaling["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": service}
        assert scaling["minReplicas"] <= scaling["maxReplicas"]


@each_cluster
def test_the_executor_is_replaced_only_after_it_has_ended(stack: str, region: str) -> None:
    """A Deployment starts the next pod while an evicted one is still ending; a StatefulSet does not."""
    executor = workload(declare(stack), region, Service.ORDER_EXECUTOR)
    assert executor.type == "kubernetes:apps/v1:StatefulSet"
    assert executor.inputs["spec"]["replicas"] in (0, 1)
    assert executor.inputs["spec"]["podManagementPolicy"] == "Parallel", "a broken release could not be taken back"
    assert not [each for each in declare(stack).of("HorizontalPodAutoscaler", region) if "order-executor" in each.name]


def test_the_executor_asks_the_writer_of_its_region_and_its_own_switch(prod: Declared) -> None:
    for region in REGIONS:
        told = variables(prod, region, Service.ORDER_EXECUTOR)
        assert told["ORDER_LEASE_HOST"] == prod.one("aws:rds/cluster:Cluster", region).outputs["endpoint"]
        assert told["ORDER_SWITCH_ARN"] == prod.one("RoutingControl", name=f"orders-{region}").outputs["arn"]
        assert len(json.loads(told["ORDER_SWITCH_ENDPOINTS"])) == 5
        (lease,) = [
            each.inputs
            for each in prod.of("kubernetes:core/v1:ConfigMap", region)
            if each.inputs["metadata"]["name"].startswith("order-lease-")
        ]
        assert "take_order_lease" in lease["data"]["lease.sql"]
        (volume,) = [each for each in pod_spec(prod, region, Service.ORDER_EXECUTOR)["volumes"] if each["name"] == "order-lease"]
        assert volume["configMap"]["name"] == lease["metadata"]["name"]


def test_other_services_know_nothing_of_the_lease(prod: Declared) -> None:
    for service in set(Service) - {Service.ORDER_EXECUTOR}:
        assert not [
            name for name in variables(prod, "us-east-1", service) if name.startswith("ORDER_LEASE") or name.startswith("ORDER_SWITCH")
        ]


def test_a_stack_of_one_region_has_a_lease_and_no_switch() -> None:
    told = variables(declare("dev"), "us-east-1", Service.ORDER_EXECUTOR)
    assert "ORDER_LEASE_HOST" in told
    assert "ORDER_SWITCH_ARN" not in told


def test_production_trades_with_models_and_not_at_high_frequency(prod: Declared) -> None:
    for region in REGIONS:
        for service in Service:
            told = variables(prod, region, service)
            switches = {name: told[f"FEATURE_{name}"] for name in ("LIVE_TRADING", "ML_MODELS", "HIGH_FREQUENCY_TRADING")}
            assert switches == {"LIVE_TRADING": "on", "ML_MODELS": "on", "HIGH_FREQUENCY_TRADING": "off"}


@pytest.mark.parametrize("stack", ["dev", "staging"])
def test_no_other_environment_trades_with_money(stack: str) -> None:
    assert {variables(declare(stack), "us-east-1", service)["FEATURE_LIVE_TRADING"] for service in Service} == {"off"}


def test_strategies_run_four_workers(prod: Declared) -> None:
    assert variables(prod, "us-east-1", Service.STRATEGY)["WORKERS"] == "4"


@each_service
def test_a_pod_has_the_promised_connections(prod: Declared, service: Service) -> None:
    told = variables(prod, "us-east-1", service)
    assert (told["DATABASE_POOL_SIZE"], told["CACHE_CLIENTS"]) == ("20", "50")


@each_service
def test_a_service_writes_and_reads_through_the_proxy_and_verifies_whom_it_talks_to(prod: Declared, service: Service) -> None:
    for region in REGIONS:
        told = variables(prod, region, service)
        endpoints = {each.inputs["targetRole"]: each.outputs["endpoint"] for each in prod.of("ProxyEndpoint", region)}
        assert (told["DATABASE_HOST"], told["DATABASE_READER_HOST"]) == (endpoints["READ_WRITE"], endpoints["READ_ONLY"])
        assert told["DATABASE_SSLMODE"] == "verify-full"
        assert told["BROKER_URL"].startswith("amqps://")


def test_the_gateway_limits_what_the_firewall_limits_only_roughly(prod: Declared) -> None:
    told = variables(prod, "us-east-1", Service.API_GATEWAY)
    assert (told["RATE_LIMIT_PER_MINUTE"], told["RATE_LIMIT_BURST"]) == ("1000", "100")


@each_service
def test_a_service_knows_the_addresses_of_those_it_calls_and_no_others(prod: Declared, service: Service) -> None:
    told = variables(prod, "us-west-2", service)
    urls = {value for name, value in told.items() if name.endswith("_URL") and name != "BROKER_URL"}
    called = {flow.target for flow in FLOWS if flow.source is service and isinstance(flow.target, Service)}
    assert urls == {f"https://{each}.trading.svc:8443" for each in called}
    assert ("VAULT_ADDR" in told) == any(flow.source is service and flow.target is Party.VAULT for flow in FLOWS)
    assert ("SESSIONS_HOST" in told) == (service is Service.API_GATEWAY)


@each_cluster
@each_service
def test_a_certificate_covers_the_names_by_which_a_service_is_called(stack: str, region: str, service: Service) -> None:
    declared = declare(stack)
    names = of_service(declared, CERTIFICATE, region, f"{service}-tls")["spec"]["dnsNames"]
    assert f"{service}.trading.svc" in names
    (volume,) = [each for each in pod_spec(declared, region, service)["volumes"] if each["name"] == "tls"]
    assert volume["secret"]["secretName"] == of_service(declared, CERTIFICATE, region, f"{service}-tls")["spec"]["secretName"]


@each_cluster
def test_what_the_load_balancer_serves_is_registered_with_it(stack: str, region: str) -> None:
    declared = declare(stack)
    bound = {each.inputs["spec"]["targetGroupARN"]: each.inputs["spec"] for each in declared.of("TargetGroupBinding", region)}
    served = {route.target for route in ROUTES}
    assert {target.health_path for target in served if isinstance(target.service, Service)} == {"/health"}
    assert len(bound) == len(served)
    for target in served:
        group = declared.one("TargetGroup", region, name=f"{region}-target-{target.name}")
        spec = bound[group.outputs["arn"]]
        assert spec["serviceRef"] == {"name": target.service, "port": target.port}
        assert spec["targetType"] == group.inputs["targetType"] == "ip"
        assert group.inputs["tags"]["eks:eks-cluster-name"] == declared.one("aws:eks/cluster:Cluster", region).inputs["name"]


@each_cluster
def test_a_new_pod_counts_as_ready_once_the_load_balancer_sends_to_it(stack: str, region: str) -> None:
    """Else a roll-out goes on to the next pod while the load balancer still knows the last one only."""
    declared = declare(stack)
    labels = declared.one("Namespace", region, f"{region}-trading").inputs["metadata"]["labels"]
    assert labels["eks.amazonaws.com/pod-readiness-gate-inject"] == "enabled"
    bindings = {each.urn for each in declared.of("TargetGroupBinding", region)}
    for service in (Service.API_GATEWAY, Service.MARKET_DATA):
        assert bindings & set(workload(declared, region, service).dependencies), "a pod made before has no gate"


@each_cluster
def test_the_clusters_role_may_register_pods_in_our_target_groups_and_no_others(stack: str, region: str) -> None:
    declared = declare(stack)
    rights = document(declared.one("RolePolicy", name=f"{region}-cluster").inputs["policy"])["Statement"]
    (registering,) = [each for each in rights if "elasticloadbalancing:RegisterTargets" in each["Action"]]
    assert set(registering["Resource"]) == {each.outputs["arn"] for each in declared.of("TargetGroup", region)}


def rights(declared: Declared, region: str, service: str) -> dict[str, set[str]]:
    """Action to resources, of a service's role."""
    found: dict[str, set[str]] = {}
    for statement in document(declared.one("RolePolicy", name=f"{region}-{service}-service").inputs["policy"])["Statement"]:
        for action in statement["Action"]:
            found.setdefault(action, set()).update(statement["Resource"])
    return found


@pytest.mark.parametrize("region", REGIONS)
@each_service
def test_a_role_reads_the_secrets_of_its_service_and_no_others(prod: Declared, region: str, service: Service) -> None:
    if service is Service.ORDER_EXECUTOR and region != "us-east-1":
        assert "secretsmanager:GetSecretValue" not in rights(prod, region, service), "it could place orders past its lease"
        return
    readable = {each.name for each in credentials(("binance", "alpaca", "polygon"), pager=True) if service in each.readers}
    if service in BROKER_READERS:
        readable.add(f"{region}/broker-credentials")
    found = rights(prod, region, service)["secretsmanager:GetSecretValue"]
    assert {arn.rsplit(":secret:mastertrade/prod/", 1)[1][:-7] for arn in found} == readable
    assert {arn.split(":")[3] for arn in found} == {region}
    files = json.loads(of_service(prod, "SecretProviderClass", region, service)["spec"]["parameters"]["objects"])
    assert {each["objectName"].removeprefix("mastertrade/prod/") for each in files} == readable


@pytest.mark.parametrize("region", REGIONS)
@each_service
def test_a_role_signs_in_as_its_own_user_in_its_own_region(prod: Declared, region: str, service: Service) -> None:
    found = rights(prod, region, service)
    users = {arn.rsplit("/", 1)[1] for arn in found.get("rds-db:connect", ())}
    assert users <= {service.replace("-", "_")}
    caches = found["elasticache:Connect"]
    assert {arn.split(":")[3] for arn in (*found.get("rds-db:connect", ()), *caches)} <= {region}
    assert any("sessions" in arn for arn in caches) == (service is Service.API_GATEWAY)


def test_the_proxy_and_the_database_know_the_users_that_roles_sign_in_as(prod: Declared) -> None:
    proxy = prod.one("Proxy", "us-east-1").outputs["arn"].rsplit(":", 1)[1]
    cluster = prod.one("aws:rds/cluster:Cluster", "us-east-1").outputs["clusterResourceId"]
    assert rights(prod, "us-east-1", Service.STRATEGY)["rds-db:connect"] == {
        f"arn:aws:rds-db:us-east-1:123456789012:dbuser:{proxy}/strategy"
    }
    # its lease is a lock of a session, which a pool of sessions would not keep
    assert rights(prod, "us-east-1", Service.ORDER_EXECUTOR)["rds-db:connect"] == {
        f"arn:aws:rds-db:us-east-1:123456789012:dbuser:{place}/order_executor" for place in (proxy, cluster)
    }


def test_without_a_proxy_services_sign_in_at_the_database() -> None:
    dev = declare("dev")
    cluster = dev.one("aws:rds/cluster:Cluster").outputs["clusterResourceId"]
    (user,) = rights(dev, "us-east-1", Service.STRATEGY)["rds-db:connect"]
    assert user.endswith(f":dbuser:{cluster}/strategy")


@each_cluster
@each_service
def test_only_the_pods_of_a_service_have_its_role(stack: str, region: str, service: Service) -> None:
    declared = declare(stack)
    (association,) = [each.inputs for each in declared.of("PodIdentityAssociation", region) if each.inputs["serviceAccount"] == service]
    role = declared.one("Role", name=f"{region}-{service}-service")
    assert association["roleArn"] == role.outputs["arn"]
    assert association["namespace"] == "trading"
    (statement,) = document(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {
        "aws:RequestTag/eks-cluster-arn": declared.one("aws:eks/cluster:Cluster", region).outputs["arn"],
        "aws:RequestTag/kubernetes-namespace": "trading",
        "aws:RequestTag/kubernetes-service-account": service,
    }
    spec = pod_spec(declared, region, service)
    assert spec["serviceAccountName"] == service
    assert spec["automountServiceAccountToken"] is False


@each_cluster
def test_no_secret_stands_in_a_manifest(stack: str, region: str) -> None:
    declared = declare(stack)
    assert not [each for each in declared.resources if each.type == "kubernetes:core/v1:Secret"]
    secrets = {
        value.value
        for each in declared.resources
        for value in each.outputs.values()
        if isinstance(value, Secret) and isinstance(value.value, str) and len(value.value) > 10
    }
    assert secrets
    for each in declared.resources:
        if each.type.startswith("kubernetes:") and each.region == region:
            assert not _secrets_in(each.inputs), each.name
            text = json.dumps(each.inputs)
            assert not [secret for secret in secrets if secret in text], each.name


def _secrets_in(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_secrets_in(each) for each in value.values())
    if isinstance(value, list):
        return any(_secrets_in(each) for each in value)
    return isinstance(value, Secret)


@each_cluster
def test_pools_can_hold_the_pods_that_name_them(stack: str, region: str) -> None:
    declared = declare(stack)
    pools = {each.inputs["metadata"]["name"]: each.inputs["spec"] for each in declared.of("NodePool", region)}
    cores: Counter[str] = Counter()
    for service in Service:
        spec = pod_spec(declared, region, service)
        pool = spec["nodeSelector"]["karpenter.sh/nodepool"]
        replicas = 1
        if service is not Service.ORDER_EXECUTOR:
            replicas = of_service(declared, "HorizontalPodAutoscaler", region, service)["spec"]["maxReplicas"]
        cores[pool] += replicas * int(spec["containers"][0]["resources"]["requests"]["cpu"].removesuffix("m"))
        taints = {(taint["key"], taint["value"]) for taint in pools[pool]["template"]["spec"].get("taints", ())}
        assert taints <= {(each["key"], each.get("value")) for each in spec["tolerations"]}
        # the largest node of the pool has room for a pod beside what the node itself needs
        largest = max(
            int(size)
            for each in pools[pool]["template"]["spec"]["requirements"]
            if each["key"].endswith("instance-cpu")
            for size in each["values"]
        )
        assert int(spec["containers"][0]["resources"]["requests"]["cpu"].removesuffix("m")) <= largest * 1000 * 0.8
    for pool, millicores in cores.items():
        assert math.ceil(millicores / 1000) <= int(pools[pool]["limits"]["cpu"])
