"""Log search at logs.: pods that the load balancer reaches, that ask the domain in the name of their role, and are told no secret."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mastertrade.offline import UNKNOWN, Mode, evaluate
from settings.routes import LOG_SEARCH
from settings.traffic import LOGS_TLS
from tests.declared import Declared, document
from tests.offline.programs import project

PROGRAM = """
import pulumi_kubernetes as kubernetes

from components.context import RegionContext
from components.observability.log_search import LogSearch, LogSearchArgs
from components.workloads.objects import ClusterContext
from settings.catalog import Region
from settings.names import Names

cluster = aws.eks.Cluster(
    "cluster",
    role_arn="arn:aws:iam::210987654321:role/cluster",
    vpc_config={"subnet_ids": ["subnet-1", "subnet-2"]},
    opts=there,
)
objects = kubernetes.Provider("objects", kubeconfig=cluster.endpoint)
domain = aws.opensearch.Domain("domain", domain_name="logs", opts=there)
endpoint = pulumi.Output.concat("vpc-NAME-", domain.endpoint)
before = pulumi.ComponentResource("test:index:Before", "before")
search = LogSearch(
    "log-search",
    LogSearchArgs(
        cluster=ClusterContext(RegionContext(Names("mastertrade", "prod"), Region("us-east-1"), "210987654321", True, home), cluster),
        image="registry.example/envoyproxy/envoy:distroless-v1.40.0",
        replicas=2,
        endpoint=endpoint,
        domain_arn=domain.arn,
        target_group_arn="arn:aws:elasticloadbalancing:us-east-1:210987654321:targetgroup/log-search/1",
        certificates=before,
        after=[before],
    ),
    pulumi.ResourceOptions(providers=[home, objects]),
)
pulumi.export("role", search.role_arn)
pulumi.export("endpoint", endpoint)
"""


def declare(folder: Path, *, domain: str = "logs", mode: Mode = Mode.SIMULATED) -> Declared:
    return Declared(evaluate(project(folder, PROGRAM.replace("NAME", domain)), "dev", mode=mode))


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Declared:
    return declare(tmp_path_factory.mktemp("log-search") / "project")


def pod(declared: Declared) -> dict[str, Any]:
    return declared.one("Deployment").inputs["spec"]["template"]["spec"]


def container(declared: Declared) -> dict[str, Any]:
    (only,) = pod(declared)["containers"]
    return only


def configuration(declared: Declared) -> tuple[str, str]:
    """Name and content of the file that Envoy is started with."""
    stated = declared.one("ConfigMap").inputs
    return stated["metadata"]["name"], stated["data"]["envoy.yaml"]


def test_load_balancer_and_kubelet_ask_envoy_itself(declared: Declared) -> None:
    (port,) = container(declared)["ports"]
    assert port["containerPort"] == LOGS_TLS
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container(declared)[probe]["httpGet"] == {"path": LOG_SEARCH.health_path, "port": "https", "scheme": "HTTPS"}
    (listener,) = yaml.safe_load(configuration(declared)[1])["static_resources"]["listeners"]
    assert listener["address"]["socket_address"]["port_value"] == LOGS_TLS


def test_target_group_leads_to_the_service_and_it_to_the_pods(declared: Declared) -> None:
    binding, service = declared.one("TargetGroupBinding").inputs, declared.one("Service").inputs
    assert binding["spec"]["serviceRef"] == {"name": service["metadata"]["name"], "port": service["spec"]["ports"][0]["port"]}
    assert binding["metadata"]["namespace"] == service["metadata"]["namespace"] == "monitoring"
    assert declared.one("Deployment").inputs["metadata"]["namespace"] == "monitoring"
    labels = declared.one("Deployment").inputs["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def test_envoy_asks_the_domain_that_was_declared(declared: Declared) -> None:
    endpoint = declared.evaluation.outputs["endpoint"]
    (cluster,) = yaml.safe_load(configuration(declared)[1])["static_resources"]["clusters"]
    (asked,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert asked["endpoint"]["address"]["socket_address"] == {"address": endpoint, "port_value": 443}
    tls = cluster["transport_socket"]["typed_config"]
    (certified,) = tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert tls["sni"] == certified["matcher"]["exact"] == endpoint


def test_envoy_reads_the_files_that_are_mounted(declared: Declared) -> None:
    folders = {mount["mountPath"]: mount["name"] for mount in container(declared)["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod(declared)["volumes"]}
    arguments = container(declared)["args"]
    file = Path(arguments[arguments.index("--config-path") + 1])
    assert volumes[folders[str(file.parent)]]["configMap"]["name"] == configuration(declared)[0]
    assert file.name in declared.one("ConfigMap").inputs["data"]
    (chain,) = yaml.safe_load(configuration(declared)[1])["static_resources"]["listeners"][0]["filter_chains"]
    (certificate,) = chain["transport_socket"]["typed_config"]["common_tls_context"]["tls_certificates"]
    secret = declared.one("Certificate").inputs["spec"]["secretName"]
    for each in (certificate["certificate_chain"], certificate["private_key"]):
        assert volumes[folders[str(Path(each["filename"]).parent)]]["secret"]["secretName"] == secret


def test_another_domain_makes_another_pod(declared: Declared, tmp_path: Path) -> None:
    other = declare(tmp_path / "project", domain="others")
    assert configuration(other)[0] != configuration(declared)[0]


def test_a_domain_that_is_not_there_yet_is_no_obstacle(tmp_path: Path) -> None:
    first = declare(tmp_path / "project", mode=Mode.FIRST)
    assert configuration(first) == (UNKNOWN, UNKNOWN)
    assert first.evaluation.outputs["role"] == "arn:aws:iam::210987654321:role/mastertrade-prod-service-logs-us-east-1"


def test_pods_have_the_role_that_is_told_to_others_and_may_ask_this_domain_alone(declared: Declared) -> None:
    role = declared.one("aws:iam/role:Role")
    association = declared.one("PodIdentityAssociation").inputs
    assert declared.evaluation.outputs["role"] == association["roleArn"] == role.outputs["arn"]
    assert (association["namespace"], association["serviceAccount"]) == ("monitoring", pod(declared)["serviceAccountName"])
    (statement,) = document(declared.one("RolePolicy").inputs["policy"])["Statement"]
    domain = declared.one("aws:opensearch/domain:Domain").outputs["arn"]
    assert statement["Resource"] in (f"{domain}/*", [f"{domain}/*"])
    assert all(action.startswith("es:ESHttp") for action in statement["Action"])


def test_pods_run_as_nobody_and_write_nothing(declared: Declared) -> None:
    assert pod(declared)["securityContext"]["runAsNonRoot"]
    security = container(declared)["securityContext"]
    assert security["readOnlyRootFilesystem"]
    assert not security["allowPrivilegeEscalation"]
    assert "--disable-hot-restart" in container(declared)["args"]
    assert not pod(declared)["automountServiceAccountToken"]


def test_a_pod_that_stops_goes_on_while_it_is_still_sent_to(declared: Declared) -> None:
    leaving = container(declared)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert 0 < leaving < pod(declared)["terminationGracePeriodSeconds"]


def test_envoy_has_no_administration_interface_and_tells_nobody_figures(declared: Declared) -> None:
    stated = yaml.safe_load(configuration(declared)[1])
    assert len(stated["static_resources"]["listeners"]) == 1
    assert not {"admin", "stats_sinks", "dynamic_resources", "tracing"} & stated.keys()


def test_envoy_ends_requests_before_its_memory_ends(declared: Declared) -> None:
    manager = yaml.safe_load(configuration(declared)[1])["overload_manager"]
    heap = next(each["typed_config"] for each in manager["resource_monitors"] if each["name"] == "envoy.resource_monitors.fixed_heap")
    limit = int(container(declared)["resources"]["limits"]["memory"].removesuffix("Mi")) << 20
    assert limit / 2 < heap["max_heap_size_bytes"] < limit
