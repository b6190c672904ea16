"""How a stack's network is wired: which rules a group has, which table and list stand before a subnet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from mastertrade.values import UNKNOWN, Secret
from policies.engine.addresses import Network, covers_world, networks
from policies.engine.blocks import Block, UnknownValueError, UnreadableError
from policies.engine.resources import Resource, Stack
from policies.exposure.rules import AclRule, Rule, acl_rule, rule

__all__ = ["ACLS", "GROUPS", "SUBNETS", "InternetRoute", "Named", "NotDeclaredError", "Wiring", "named", "rule_with_lists", "wiring"]

GROUPS = ("aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
SUBNETS = ("aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet")
ACLS = ("aws:ec2/networkAcl:NetworkAcl", "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl")
_TABLES = ("aws:ec2/routeTable:RouteTable", "aws:ec2/defaultRouteTable:DefaultRouteTable")
_GATEWAYS = (
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/vpnGateway:VpnGateway",
    "aws:ec2/carrierGateway:CarrierGateway",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
)
_OTHER_GATEWAYS = ("vgw-", "vpce-", "eigw-", "cagw-")
_NETWORKS = ("aws:ec2/vpc:Vpc", "aws:ec2/defaultVpc:DefaultVpc")
_LISTS = ("aws:ec2/managedPrefixList:ManagedPrefixList",)
_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
_INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


class NotDeclaredError(Exception):
    """What decides is no part of the stack. The text says what."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a property names."""

    resources: tuple[Resource, ...]
    foreign: tuple[str, ...]
    """Names of what the stack does not declare."""


@dataclass(frozen=True, slots=True)
class InternetRoute:
    """A route through which the internet reaches a subnet."""

    where: str


class Wiring:
    """A stack's network. What is looked up often is sorted once."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_type: dict[str, dict[str, list[Resource]]] = {}
        self._routes: dict[str, InternetRoute | None] = {}

    def find(self, types: Iterable[str], text: str, near: Resource) -> tuple[Resource, ...]:
        """Resources of some types that a text names, those of the same region where a name stands in several."""
        found = [each for type_ in types for each in self._identities(type_).get(text, ())]
        if len(found) > 1:
            region = near.region()
            found = [each for each in found if each.region() == region] or found
        return tuple(found)

    def _of_type(self, *types: str) -> Iterator[Resource]:
        return iter(self._stack.of_type(*types))

    def _identities(self, type_: str) -> Mapping[str, list[Resource]]:
        known = self._by_type.get(type_)
        if known is None:
            known = self._by_type[type_] = {}
            for resource in self._of_type(type_):
                for text in {*resource.identities(), *_own_names(resource)}:
                    known.setdefault(text, []).append(resource)
        return known

    def _owned(self, types: Sequence[str], path: str, owners: Sequence[str]) -> dict[str, list[Resource]]:
        """Resources by the URN of what their property names."""
        found: dict[str, list[Resource]] = {}
        for resource in self._of_type(*types):
            try:
                for owner in named(resource, resource, path, *owners).resources:
                    found.setdefault(owner.urn, []).append(resource)
            except UnreadableError:
                # it belongs to something that cannot be told: it is judged by itself
                continue
        return found

    @cached_property
    def _rules(self) -> dict[str, list[Resource]]:
        return self._owned((_RULE, _INGRESS_RULE), "securityGroupId", GROUPS)

    @cached_property
    def _acl_rules(self) -> dict[str, list[Resource]]:
        return self._owned(("aws:ec2/networkAclRule:NetworkAclRule",), "networkAclId", ACLS)

    @cached_property
    def _acls(self) -> dict[str, list[Resource]]:
        return self._owned(ACLS, "subnetIds", SUBNETS)

    @cached_property
    def _acl_associations(self) -> dict[str, list[Resource]]:
        return self._owned(("aws:ec2/networkAclAssociation:NetworkAclAssociation",), "subnetId", SUBNETS)

    @cached_property
    def _associations(self) -> dict[str, list[Resource]]:
        return self._owned(("aws:ec2/routeTableAssociation:RouteTableAssociation",), "subnetId", SUBNETS)

    @cached_property
    def _separate_routes(self) -> dict[str, list[Resource]]:
        return self._owned(("aws:ec2/route:Route",), "routeTableId", _TABLES)

    @cached_property
    def _main_associations(self) -> dict[str, list[Resource]]:
        return self._owned(("aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation",), "vpcId", _NETWORKS)

    @cached_property
    def blocks_the_internet(self) -> bool:
        """Whether the account shuts its internet gateways for what comes in, without exception."""
        return any(
            each.text("internetGatewayBlockMode", "off").lower() != "off"
            for each in self._of_type("aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions")
        ) and not any(self._of_type("aws:ec2/vpcBlockPublicAccessExclusion:VpcBlockPublicAccessExclusion"))

    def group_rules(self, group: Resource) -> list[Rule]:
        """All rules that let into a group, its own and separate ones."""
        found = [rule_with_lists(group, each) for each in group.blocks("ingress")]
        for each in self._rules.get(group.urn, ()):
            if each.type == _INGRESS_RULE or each.text("type").lower() != "egress":
                found.append(rule_with_lists(each, each))
        return found

    def siblings(self, acl_rule_resource: Resource) -> list[AclRule]:
        """All rules of the list that a separate rule belongs to; alone it is the only one."""
        try:
            lists = named(acl_rule_resource, acl_rule_resource, "networkAclId", *ACLS).resources
        except UnreadableError:
            lists = ()
        if lists:
            return self.acl_rules(lists[0])
        identity = acl_rule_resource.text("networkAclId") if acl_rule_resource.is_known("networkAclId") else ""
        others = [
            each
            for each in self._of_type(acl_rule_resource.type)
            if each.is_known("networkAclId") and identity and each.text("networkAclId") == identity
        ]
        rules = [acl_rule(each, str(each)) for each in others or [acl_rule_resource] if not each.flag("egress")]
        return sorted(rules, key=lambda each: each.number)

    def acl_rules(self, acl: Resource) -> list[AclRule]:
        """All rules of a network ACL for what comes in, by their numbers."""
        found = [acl_rule(each, f"{acl} {each.at('')}") for each in acl.blocks("ingress")]
        found += [acl_rule(each, str(each)) for each in self._acl_rules.get(acl.urn, ()) if not each.flag("egress")]
        return sorted(found, key=lambda each: each.number)

    def acl(self, subnet: Resource) -> Resource | None:
        """The network ACL of a subnet: its own, or its VPC's default where that is declared. None: AWS's default, which lets all in."""
        for each in self._acls.get(subnet.urn, ()):
            return each
        for each in self._acl_associations.get(subnet.urn, ()):
            joined = named(each, each, "networkAclId", *ACLS).resources
            if not joined:
                raise NotDeclaredError("the network ACL of its subnets is not declared in this stack")
            return joined[0]
        vpc = self._vpc(subnet)
        if vpc is None:
            raise NotDeclaredError("the network ACL of its subnets is not declared in this stack")
        for each in self._of_type("aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"):
            if vpc.urn in each.property_dependencies.get("defaultNetworkAclId", ()):
                return each
        return None

    def internet_route(self, subnet: Resource) -> InternetRoute | None:
        """The route by which the internet reaches a subnet. Raises `NotDeclaredError` where its table is none of the stack's."""
        if subnet.urn not in self._routes:
            self._routes[subnet.urn] = self._internet_route(subnet)
        return self._routes[subnet.urn]

    def _internet_route(self, subnet: Resource) -> InternetRoute | None:
        tables, vpc, missing = self._tables(subnet)
        for table in tables:
            for route in table.blocks("routes"):
                if _leads_to_the_internet(table, route):
                    return InternetRoute(f"{table} {route.at('')}")
        separate = [*(each for table in tables for each in self._separate_routes.get(table.urn, ())), *self._routes_of_main_table(vpc)]
        for route in separate:
            if _leads_to_the_internet(route, route):
                return InternetRoute(str(route))
        if missing:
            raise NotDeclaredError(missing)
        return None

    def _routes_of_main_table(self, vpc: Resource | None) -> Iterator[Resource]:
        """Separate routes in the main table of a VPC, which nothing else declares."""
        for each in self._of_type("aws:ec2/route:Route") if vpc else ():
            if vpc and vpc.urn in each.property_dependencies.get("routeTableId", ()):
                yield each

    def _tables(self, subnet: Resource) -> tuple[tuple[Resource, ...], Resource | None, str]:
        """Route tables of a subnet, the VPC where it is its main table, and why that may not be all."""
        associations = self._associations.get(subnet.urn, ())
        if associations:
            tables = [named(each, each, "routeTableId", *_TABLES) for each in associations]
            missing = "the route table of its subnets is not declared in this stack" if any(each.foreign for each in tables) else ""
            return tuple(table for each in tables for table in each.resources), None, missing
        vpc = self._vpc(subnet)
        if vpc is None:
            return (), None, "the VPC of its subnets is not declared in this stack"
        main = [
            *(
                table
                for each in self._main_associations.get(vpc.urn, ())
                for table in named(each, each, "routeTableId", *_TABLES).resources
            ),
            *(each for each in self._of_type(_TABLES[1]) if vpc.urn in each.property_dependencies.get("defaultRouteTableId", ())),
        ]
        # the main table of a VPC that the stack makes leads nowhere but into the VPC, until something adds a route
        missing = "the main route table of the default VPC is not declared in this stack" if vpc.type == _NETWORKS[1] and not main else ""
        return tuple(main), vpc, missing

    def _vpc(self, subnet: Resource) -> Resource | None:
        if subnet.type == SUBNETS[1]:
            return next(self._of_type(_NETWORKS[1]), None)
        found = named(subnet, subnet, "vpcId", *_NETWORKS).resources
        return found[0] if found else None


def wiring(resource: Resource) -> Wiring:
    """The wiring of the resource's stack. Raises `AloneError`."""
    return resource.stack.once(Wiring)


def named(source: Resource, block: Block, path: str, *types: str) -> Named:
    """What a property of a resource or of one of its blocks names, among the stack's resources of some types.

    What is not known yet is known by what the property depends on. Raises `UnknownValueError` where that does not tell either.
    """
    stack, known = source.stack, wiring(source)
    found: dict[str, Resource] = {}
    foreign: list[str] = []
    is_unknown = False
    for text in _texts(block, path):
        if text is None:
            is_unknown = True
            continue
        resources = known.find(types, text, source)
        if not resources:
            foreign.append(text)
        found.update({each.urn: each for each in resources})
    top = block.at(path).split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]
    # of several blocks each depends on something of its own
    if is_unknown or (foreign and (block is source or len(source.blocks(top)) == 1)):
        behind = {each.urn: each for each in stack.depended_on(source, top) if each.type in types}
        if is_unknown and not behind:
            raise UnknownValueError(block.at(path))
        # a name that the stack's resources do not say of themselves is that of what the property depends on
        unnamed = [urn for urn in behind if urn not in found]
        foreign = foreign[len(unnamed) :]
        found.update({urn: behind[urn] for urn in unnamed})
    return Named(tuple(found.values()), tuple(foreign))


def _in_prefix_lists(source: Resource, block: Block, path: str) -> list[Network]:
    """Addresses of the prefix lists that a rule names; those of AWS and of other accounts are named ranges."""
    if not block.has(path):
        return []
    found: list[Network] = []
    for each in named(source, block, path, *_LISTS).resources:
        separate = source.stack.companions(each, "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry", by="prefixListId")
        for entry in (*each.blocks("entries"), *separate):
            found += networks(entry.texts("cidr"), entry.at("cidr"))
    return found


def rule_with_lists(source: Resource, block: Block) -> Rule:
    """A rule of a security group, with the addresses of the prefix lists that it names."""
    stated = rule(block)
    lists = [network for path in ("prefixListIds", "prefixListId") for network in _in_prefix_lists(source, block, path)]
    return Rule(stated.ports, (*stated.ranges, *lists), str(source) if block is source else f"{source} {block.at('')}")


def _leads_to_the_internet(source: Resource, route: Block) -> bool:
    paths = ("cidrBlock", "ipv6CidrBlock", "destinationCidrBlock", "destinationIpv6CidrBlock")
    if not route.has("gatewayId"):
        return False
    text = route.text("gatewayId") if route.is_known("gatewayId") else ""
    if text == "local" or text.startswith(_OTHER_GATEWAYS):
        return False
    if not text.startswith("igw-"):
        gateways = named(source, route, "gatewayId", *_GATEWAYS).resources
        if not any(each.type == _GATEWAYS[0] for each in gateways):
            return False
    ranges = [network for path in paths for network in networks(route.texts(path), route.at(path))]
    return covers_world([*ranges, *_in_prefix_lists(source, route, "destinationPrefixListId")])


def _texts(block: Block, path: str) -> Iterator[str | None]:
    """Texts of a property; None for each that is not known."""
    try:
        value: Any = block.value(path)
    except UnknownValueError:
        yield None
        return
    for each in cast("list[Any]", value) if isinstance(value, list) else [value]:
        plain: Any = each
        while isinstance(plain, Secret):
            plain = plain.value
        if plain is UNKNOWN:
            yield None
        elif plain is not None and str(plain).strip():
            yield str(plain).strip()


def _own_names(resource: Resource) -> Iterator[str]:
    """Names that the engine does not count among a resource's identities."""
    for values in (resource.raw(), resource.outputs):
        name = values.get("replicationSubnetGroupId")
        if isinstance(name, str):
            yield name
