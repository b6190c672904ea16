"""A model of a declared network: whether a TCP connection gets through groups, ACLs and routes, there and back.

It reads nothing but declared resources: who stands behind which security group is learned from the load balancer, database
and so on that name the group, not from our tables.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from settings.traffic import BOUNDARY_SEGMENTS, EPHEMERAL, Boundary
from tests.declared import Declared

WORLD = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True)
class Place:
    """Where a party stands: its security group and the subnets that its addresses come from."""

    group: str
    subnets: tuple[str, ...]


class NetworkModel:
    """One region's network."""

    def __init__(self, declared: Declared, region: str) -> None:
        self._declared = declared
        self._region = region
        self._subnets = {each.id: IPv4Network(each.inputs["cidrBlock"]) for each in declared.of("Subnet", region)}
        self._acls = {
            subnet: (acl.inputs.get("ingress", []), acl.inputs.get("egress", []))
            for acl in declared.of("aws:ec2/networkAcl:NetworkAcl", region)
            for subnet in acl.inputs["subnetIds"]
        }
        tables = {each.id: each.inputs.get("routes", []) for each in declared.of("RouteTable", region)}
        self._routes = {
            each.inputs["subnetId"]: tables[each.inputs["routeTableId"]] for each in declared.of("RouteTableAssociation", region)
        }
        self._ingress = [each.inputs for each in declared.of("SecurityGroupIngressRule", region)]
        self._egress = [each.inputs for each in declared.of("SecurityGroupEgressRule", region)]
        self._nat_subnets = {each.id: each.inputs["subnetId"] for each in declared.of("NatGateway", region)}
        self.places = {boundary: self._place(boundary) for boundary in Boundary}

    def ports(self) -> set[int]:
        """Every port at which some rule begins or ends, and its neighbours."""
        edges = {int(rule[end]) for rule in (*self._ingress, *self._egress) for end in ("fromPort", "toPort")}
        return {port + step for port in edges for step in (-1, 0, 1)}

    def reaches(self, source: Boundary | None, target: Boundary | None, port: int) -> bool:
        """Whether the source can open a connection; None is the internet. All zones have to agree."""
        if source is None and target is None:
            return False
        answers = {
            self._subnet_reaches(source, from_subnet, target, to_subnet, port)
            for from_subnet in (self.places[source].subnets if source else (None,))
            for to_subnet in (self.places[target].subnets if target else (None,))
        }
        assert len(answers) == 1, f"zones disagree on {source} -> {target}:{port}"
        return answers.pop()

    def _subnet_reaches(
        self, source: Boundary | None, from_subnet: str | None, target: Boundary | None, to_subnet: str | None, port: int
    ) -> bool:
        if not self._groups_allow(source, target, port):
            return False
        here = self._subnets[from_subnet] if from_subnet else WORLD
        there = self._subnets[to_subnet] if to_subnet else WORLD
        if from_subnet and to_subnet:
            return self._acls_allow(from_subnet, there, port, outwards=True) and self._acls_allow(to_subnet, here, port, outwards=False)
        if to_subnet:
            return self._gateway(to_subnet) == "internet" and self._acls_allow(to_subnet, WORLD, port, outwards=False)
        assert from_subnet
        gateway = self._gateway(from_subnet)
        if gateway == "internet":
            return self._acls_allow(from_subnet, WORLD, port, outwards=True)
        if gateway is None:
            return False
        return (
            self._acls_allow(from_subnet, WORLD, port, outwards=True)
            and self._acls_allow(gateway, here, port, outwards=False)
            and self._acls_allow(gateway, WORLD, port, outwards=True)
        )

    def _groups_allow(self, source: Boundary | None, target: Boundary | None, port: int) -> bool:
        leaves = source is None or self._rule_allows(self._egress, source, target, port)
        enters = target is None or self._rule_allows(self._ingress, target, source, port)
        return leaves and enters

    def _rule_allows(self, rules: list[dict[str, Any]], of: Boundary, peer: Boundary | None, port: int) -> bool:
        for rule in rules:
            if rule["securityGroupId"] != self.places[of].group or not int(rule["fromPort"]) <= port <= int(rule["toPort"]):
                continue
            if rule.get("cidrIpv4") == str(WORLD) or (peer and rule.get("referencedSecurityGroupId") == self.places[peer].group):
                return True
        return False

    def _acls_allow(self, subnet: str, peer: IPv4Network, port: int, *, outwards: bool) -> bool:
        """The connection one way and its answers the other."""
        ingress, egress = self._acls[subnet]
        there, back = (egress, ingress) if outwards else (ingress, egress)
        return _entries_allow(there, peer, port, port) and _entries_allow(back, peer, *EPHEMERAL)

    def _gateway(self, subnet: str) -> str | None:
        """`internet`, the subnet of the NAT gateway, or None: where the default route leads."""
        for route in self._routes[subnet]:
            if route["cidrBlock"] == str(WORLD):
                if "gatewayId" in route:
                    return "internet"
                nat_subnet = self._nat_subnets[route["natGatewayId"]]
                return nat_subnet if self._gateway(nat_subnet) == "internet" else None
        return None

    def _place(self, boundary: Boundary) -> Place:
        named = {
            Boundary.LOAD_BALANCER: ("aws:lb/loadBalancer:LoadBalancer", "securityGroups", "subnets"),
            Boundary.DATABASE_PROXY: ("Proxy", "vpcSecurityGroupIds", "vpcSubnetIds"),
            Boundary.BROKER: ("Broker", "securityGroups", "subnetIds"),
        }
        if boundary in named and self._declared.of(named[boundary][0], self._region):
            kind, groups, subnets = named[boundary]
            resource = self._declared.one(kind, self._region)
            return Place(resource.inputs[groups][0], tuple(resource.inputs[subnets]))
        if boundary is Boundary.DATABASE:
            cluster = self._declared.one("aws:rds/cluster:Cluster", self._region)
            return Place(
                cluster.inputs["vpcSecurityGroupIds"][0],
                self._group_subnets("aws:rds/subnetGroup:SubnetGroup", cluster.inputs["dbSubnetGroupName"]),
            )
        if boundary in (Boundary.CACHE, Boundary.SESSIONS):
            cluster = self._declared.one("ReplicationGroup", self._region, name=f"{self._region}-{boundary}")
            return Place(
                cluster.inputs["securityGroupIds"][0],
                self._group_subnets("aws:elasticache/subnetGroup:SubnetGroup", cluster.inputs["subnetGroupName"]),
            )
        if boundary is Boundary.ENDPOINTS:
            endpoint = next(
                each for each in self._declared.of("VpcEndpoint", self._region) if each.inputs["vpcEndpointType"] == "Interface"
            )
            return Place(endpoint.inputs["securityGroupIds"][0], tuple(endpoint.inputs["subnetIds"]))
        if boundary in (Boundary.NODES, Boundary.CONTROL_PLANE):
            return self._cluster_place(boundary)
        # nobody stands there: operators' hosts while they are off, a proxy that is not wanted
        group = next(each for each in self._declared.of("SecurityGroup", self._region) if each.name == f"{self._region}-{boundary}")
        segment = BOUNDARY_SEGMENTS[boundary]
        return Place(
            group.id,
            tuple(each.id for each in self._declared.of("Subnet", self._region) if each.inputs["tags"]["mastertrade:segment"] == segment),
        )

    def _cluster_place(self, boundary: Boundary) -> Place:
        if boundary is Boundary.NODES:
            node_class = self._declared.one("NodeClass", self._region).inputs["spec"]
            (group,) = node_class["securityGroupSelectorTerms"]
            return Place(group["id"], tuple(subnet["id"] for subnet in node_class["subnetSelectorTerms"]))
        network = self._declared.one("aws:eks/cluster:Cluster", self._region).inputs["vpcConfig"]
        return Place(network["securityGroupIds"][0], tuple(network["subnetIds"]))

    def _group_subnets(self, kind: str, name: str) -> tuple[str, ...]:
        group = next(each for each in self._declared.of(kind, self._region) if each.inputs["name"] == name)
        return tuple(group.inputs["subnetIds"])


def _entries_allow(entries: list[dict[str, Any]], peer: IPv4Network, first: int, last: int) -> bool:
    """Whether one entry lets the whole range through; entries of an ACL are looked at by number, and ours all allow."""
    assert all(entry["action"] == "allow" for entry in entries)
    return any(
        entry["protocol"] in ("6", "-1", "tcp")
        and peer.subnet_of(IPv4Network(entry["cidrBlock"]))
        and int(entry["fromPort"]) <= first
        and last <= int(entry["toPort"])
        for entry in entries
    )
