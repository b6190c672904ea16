"""Between pods, and from pods to addresses, exactly the rows of `settings/traffic.py` get through."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from settings.network_plan import Segment
from settings.pod_traffic import ADD_ON_NAMESPACES, OWN_NAMESPACES
from settings.traffic import BOUNDARY_SEGMENTS, FLOWS, PARTY_BOUNDARIES, PODS, Party, Peer
from tests.declared import Declared, declare
from tests.pod_network_model import Pod, PodNetworkModel, pod_templates

STACKS = [("prod", "us-east-1"), ("prod", "us-west-2"), ("staging", "us-east-1"), ("dev", "us-east-1")]
each_cluster = pytest.mark.parametrize(("stack", "region"), STACKS)

PROBES = {21, 22, 53, 80, 179, 2379, 3306, 6443, 8080, 9090, 9443, 10255, 15672, 27017}
PORTS = {flow.port for flow in FLOWS} | PROBES
INTERNET = IPv4Address("198.51.100.7")
DNS, API_SERVER, IDENTITY_AGENT, NODE_METADATA = (
    IPv4Address(each) for each in ("172.20.0.10", "172.20.0.1", "169.254.170.23", "169.254.169.254")
)


def segment_address(declared: Declared, region: str, segment: Segment) -> IPv4Address:
    """Some address of a segment, the way AWS hands them out: not the first four of a subnet."""
    subnet = next(each for each in declared.of("Subnet", region) if each.inputs["tags"]["mastertrade:segment"] == segment)
    return IPv4Network(subnet.inputs["cidrBlock"])[77]


def pods(declared: Declared, region: str) -> dict[Peer, list[Pod]]:
    """Declared pods by party; the add-ons' own pods, whose labels we do not know, as strangers in their namespaces."""
    address = segment_address(declared, region, Segment.APPLICATION)
    found: dict[Peer, list[Pod]] = {}
    for namespace, template in pod_templates(declared, region):
        pod = Pod(namespace, frozenset(template["metadata"]["labels"].items()), address)
        party = next(each for each in PODS if each == pod.name)
        found.setdefault(party, []).append(pod)
    found[Party.CLUSTER_SERVICES] = [Pod(namespace, frozenset({("k", "v")}), address) for namespace in ADD_ON_NAMESPACES]
    return found


@each_cluster
def test_every_service_has_pods_under_a_name_of_the_table(stack: str, region: str) -> None:
    assert set(PODS) == pods(declare(stack), region).keys()


@each_cluster
def test_between_pods_exactly_the_rows_of_the_table_get_through(stack: str, region: str) -> None:
    declared = declare(stack)
    network, present = PodNetworkModel(declared, region), pods(declared, region)
    possible = {
        (source, target, port)
        for source, sources in present.items()
        for target, targets in present.items()
        for port in PORTS
        if any(network.reaches(one, other, port) for one in sources for other in targets)
    }
    assert possible == {(flow.source, flow.target, flow.port) for flow in FLOWS if {flow.source, flow.target} <= present.keys()}


@each_cluster
def test_every_pod_of_a_party_has_what_the_table_gives_it(stack: str, region: str) -> None:
    """A party may have several kinds of pods: none of them is left out."""
    declared = declare(stack)
    network, present = PodNetworkModel(declared, region), pods(declared, region)
    for flow in FLOWS:
        for source in present.get(flow.source, ()):
            for target in present.get(flow.target, ()):
                assert network.reaches(source, target, flow.port), f"{source} -> {target}:{flow.port}"


@each_cluster
def test_pods_reach_no_segment_but_by_the_table(stack: str, region: str) -> None:
    declared = declare(stack)
    network = PodNetworkModel(declared, region)
    has_all_endpoints = stack != "dev"
    for party, present in pods(declared, region).items():
        rows = {(_segment(flow.target), flow.port) for flow in FLOWS if flow.source is party and flow.target not in PODS}
        if not has_all_endpoints and any(flow.source is party and flow.target is Party.ENDPOINTS for flow in FLOWS):
            rows.add((None, 443))  # APIs without an endpoint here are reached by their public addresses
        for pod in present:
            possible = {
                (segment, port)
                for segment in (None, *Segment)
                for port in PORTS
                if network.reaches(pod, segment_address(declared, region, segment) if segment else INTERNET, port)
            }
            assert possible == rows, party


@each_cluster
def test_pods_are_reached_from_no_segment_but_by_the_table(stack: str, region: str) -> None:
    declared = declare(stack)
    network = PodNetworkModel(declared, region)
    for party, present in pods(declared, region).items():
        rows = {(_segment(flow.source), flow.port) for flow in FLOWS if flow.target is party and flow.source not in PODS}
        for pod in present:
            possible = {
                (segment, port)
                for segment in (None, *Segment)
                for port in PORTS
                if network.reaches(segment_address(declared, region, segment) if segment else INTERNET, pod, port)
            }
            assert possible == rows, party


@each_cluster
def test_every_pod_can_look_up_names_and_ask_for_its_role(stack: str, region: str) -> None:
    declared = declare(stack)
    network = PodNetworkModel(declared, region)
    for present in pods(declared, region).values():
        for pod in present:
            assert network.reaches(pod, DNS, 53, "UDP")
            assert network.reaches(pod, DNS, 53, "TCP")
            assert network.reaches(pod, IDENTITY_AGENT, 80)


@each_cluster
def test_no_pod_reaches_the_metadata_of_its_node(stack: str, region: str) -> None:
    declared = declare(stack)
    network = PodNetworkModel(declared, region)
    for present in pods(declared, region).values():
        assert not [pod for pod in present for port in PORTS if network.reaches(pod, NODE_METADATA, port)]


@each_cluster
def test_the_api_server_answers_those_whom_the_table_names(stack: str, region: str) -> None:
    declared = declare(stack)
    network = PodNetworkModel(declared, region)
    callers = {party for party, present in pods(declared, region).items() if all(network.reaches(pod, API_SERVER, 443) for pod in present)}
    assert callers == {Party.VAULT, Party.CLUSTER_SERVICES}


@each_cluster
def test_nodes_shut_off_a_pod_that_no_policy_admits(stack: str, region: str) -> None:
    declared = declare(stack)
    assert declared.one("NodeClass", region).inputs["spec"]["networkPolicy"] == "DefaultDeny"
    settings = next(
        each for each in declared.of("kubernetes:core/v1:ConfigMap", region) if each.inputs["metadata"]["name"] == "amazon-vpc-cni"
    )
    assert settings.inputs["data"] == {"enable-network-policy-controller": "true"}


@each_cluster
def test_each_namespace_of_ours_denies_everything_on_nodes_of_any_kind(stack: str, region: str) -> None:
    denying = {
        each.inputs["metadata"]["namespace"]: each.inputs["spec"]
        for each in declare(stack).of("NetworkPolicy", region)
        if each.inputs["metadata"]["name"] == "deny"
    }
    assert denying == {namespace: {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} for namespace in OWN_NAMESPACES}


@each_cluster
def test_a_stranger_in_a_namespace_of_ours_reaches_nobody(stack: str, region: str) -> None:
    declared = declare(stack)
    network = PodNetworkModel(declared, region)
    address = segment_address(declared, region, Segment.APPLICATION)
    for namespace in OWN_NAMESPACES:
        stranger = Pod(namespace, frozenset({("app.kubernetes.io/name", "stranger")}), address)
        others = [pod for present in pods(declared, region).values() for pod in present]
        assert not [pod for pod in others for port in PORTS if network.reaches(stranger, pod, port) or network.reaches(pod, stranger, port)]
        assert not [port for port in PORTS if network.reaches(stranger, INTERNET, port) or network.reaches(stranger, DNS, port)]


def _segment(party: Peer) -> Segment | None:
    return None if party is Party.INTERNET else BOUNDARY_SEGMENTS[PARTY_BOUNDARIES[party]]
