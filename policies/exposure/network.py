"""Controls of firewalls: security groups, network ACLs, lists of addresses."""

from policies.engine.addresses import Ports, covers_world, networks
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.exposure.rules import WEB, AclRule, Rule, acl_rule, first_allowing, open_to_world, rule
from policies.exposure.wiring import ACLS, rule_with_lists, wiring

__all__ = ["NETWORK"]

_ADMINISTRATION = (22, 3389)
_FIRST_EPHEMERAL, _LAST_EPHEMERAL = 1024, 60999
_CATCH_ALL = 60000
_INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
_WANTED = "named address ranges; the world on 80 and 443 only"


def _group(resource: Resource) -> Findings:
    named_lists = any(each.has("prefixListIds") for each in resource.blocks("ingress"))
    rules = [rule_with_lists(resource, each) if named_lists else rule(each) for each in resource.blocks("ingress")]
    for ports in open_to_world(rules, *WEB):
        yield Finding("ingress", _WANTED, found=f"{ports} open to the world")


def _separate_rule(resource: Resource) -> Findings:
    if resource.text("type").lower() == "egress":
        raise NotApplicableError("it lets out, not in")
    lists = resource.has("prefixListIds") or resource.has("prefixListId")
    for ports in open_to_world([rule_with_lists(resource, resource) if lists else rule(resource)], *WEB):
        paths = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6", "prefixListIds", "prefixListId")
        yield Finding(next(each for each in paths if resource.has(each)), _WANTED, found=f"{ports} open to the world")


def _default_group(resource: Resource) -> Findings:
    for path in ("ingress", "egress"):
        if resource.blocks(path):
            yield Finding(path, "no rule: whatever names no group lands here")


def _network_acl(resource: Resource) -> Findings:
    if resource.type in ACLS:
        rules = sorted((acl_rule(each, each.at("")) for each in resource.blocks("ingress")), key=lambda each: each.number)
        for each in rules:
            yield from _open_entry(each, rules, each.where)
    elif not resource.flag("egress"):
        own = acl_rule(resource)
        if list(_open_entry(own, [own], "")):
            # a rule with a lower number may keep out what this one lets in
            before = [each for each in wiring(resource).siblings(resource) if each.number < own.number]
            yield from _open_entry(own, [*before, own], "cidrBlock" if resource.has("cidrBlock") else "ipv6CidrBlock")


def _open_entry(entry: AclRule, rules: list[AclRule], path: str) -> Findings:
    ports = entry.ports
    # answers come back to ephemeral ports, those of NAT gateways from 1024 on: a list without state has to let them in
    ephemeral = ports.carries_connections and ports.first >= _FIRST_EPHEMERAL and ports.last >= _LAST_EPHEMERAL
    if not entry.allows or ephemeral or ports.within(*WEB) or not covers_world(entry.ranges):
        return
    rules = [each for each in rules if not each.allows or each is entry]
    if not ports.carries_connections:
        open_ports = [ports] if first_allowing(rules, ports) else []
    elif ports.last - ports.first >= _CATCH_ALL:
        open_ports = [port for each in _ADMINISTRATION if first_allowing(rules, port := Ports("tcp", each, each))]
    else:
        open_ports = [ports] if _not_web(ports, rules) else []
    if open_ports:
        shown = ports if ports.last - ports.first >= _CATCH_ALL else open_ports[0]
        yield Finding(path, "the world on 80, 443 and ephemeral ports only", found=f"{shown} open to the world")


def _not_web(ports: Ports, rules: list[AclRule]) -> bool:
    pieces = [(ports.first, 79), (81, 442), (444, ports.last)]
    inside = [(max(first, ports.first), min(last, ports.last)) for first, last in pieces]
    return any(first <= last and first_allowing(rules, Ports(ports.protocol, first, last)) is not None for first, last in inside)


# Each property lists who may come, under the path of its addresses within.
_LISTS = {
    "aws:workspaces/ipGroup:IpGroup": ("rules", "source"),
    "aws:workspacesweb/ipAccessSettings:IpAccessSettings": ("ipRules", "ipRange"),
    "aws:medialive/inputSecurityGroup:InputSecurityGroup": ("whitelistRules", "cidr"),
    "aws:storagegateway/nfsFileShare:NfsFileShare": ("clientLists", ""),
    "aws:sagemaker/workforce:Workforce": ("sourceIpConfig.cidrs", ""),
    "aws:quicksight/ipRestriction:IpRestriction": ("ipRestrictionRuleMap", ""),
}


def _list(resource: Resource) -> Findings:
    path, inner = _LISTS[resource.type]
    if resource.type == "aws:quicksight/ipRestriction:IpRestriction":
        if not resource.flag("enabled", default=True):
            yield Finding("enabled", "true")
        texts = tuple(resource.pairs(path))
    elif inner:
        texts = tuple(text for each in resource.blocks(path) for text in each.texts(inner))
    else:
        texts = resource.texts(path)
    if covers_world(networks(texts, path)):
        yield Finding(path, "named address ranges", found="the world")


def _lightsail(resource: Resource) -> Findings:
    rules: list[Rule] = []
    for each in resource.blocks("portInfos"):
        everybody = not any(each.has(path) for path in ("cidrs", "ipv6Cidrs", "cidrListAliases"))
        texts = ("0.0.0.0/0",) if everybody else (*each.texts("cidrs"), *each.texts("ipv6Cidrs"))
        ports = Ports(each.text("protocol", "-1"), each.number("fromPort"), each.number("toPort"))
        rules.append(Rule(ports, tuple(networks(texts, each.at("cidrs")))))
    for ports in open_to_world(rules, *WEB):
        yield Finding("portInfos", _WANTED, found=f"{ports} open to the world")


def _game_fleet(resource: Resource) -> Findings:
    rules = [
        Rule(
            Ports(each.text("protocol", "-1"), each.number("fromPort"), each.number("toPort")),
            tuple(networks(each.texts("ipRange"), each.at("ipRange"))),
        )
        for each in resource.blocks("ec2InboundPermissions")
    ]
    # players come from everywhere, administrators do not
    for ports in open_to_world(rules):
        if any(ports.admits(each) for each in _ADMINISTRATION):
            yield Finding("ec2InboundPermissions", "named address ranges for ports 22 and 3389", found=f"{ports} open to the world")


def _map_reduce(resource: Resource) -> Findings:
    if not resource.flag("blockPublicSecurityGroupRules"):
        yield Finding("blockPublicSecurityGroupRules", "true")
    for each in resource.blocks("permittedPublicSecurityGroupRuleRanges"):
        ports = Ports("tcp", each.number("minRange"), each.number("maxRange"))
        # AWS's own default leaves out port 22, which the groups' own rules are judged by
        if not ports.within(22, *WEB):
            yield Finding("permittedPublicSecurityGroupRuleRanges", "no ports but 22, 80 and 443", found=str(ports))


def _everywhere(resource: Resource) -> Findings:
    if resource.flag("authorizeAllGroups") and covers_world(networks(resource.texts("targetNetworkCidr"), "targetNetworkCidr")):
        yield Finding("targetNetworkCidr", "the networks that are meant, or accessGroupId", found="every address, for everybody")


def _vpc_block(resource: Resource) -> Findings:
    if resource.text("internetGatewayBlockMode", "off").lower() == "off":
        yield Finding("internetGatewayBlockMode", "block-ingress or block-bidirectional")


def _nodes(resource: Resource) -> Findings:
    if resource.has("remoteAccess.ec2SshKey") and not resource.has("remoteAccess.sourceSecurityGroupIds"):
        yield Finding("remoteAccess.sourceSecurityGroupIds", "groups that may connect", found="nothing, which opens port 22 to the world")


def _firewall(resource: Resource) -> Findings:
    for name in ("statelessDefaultActions", "statelessFragmentDefaultActions"):
        if any(each.lower() == "aws:pass" for each in resource.texts(f"firewallPolicy.{name}")):
            yield Finding(f"firewallPolicy.{name}", "aws:forward_to_sfe or aws:drop")


_control = Family(Severity.CRITICAL, "What the internet reaches is tried by everybody, from its first minute on.").control

_GROUPS = "vpc/latest/userguide/security-group-rules.html"
NETWORK = (
    _control(
        "exp-sg-world",
        "Security groups open nothing but 80 and 443 to the world",
        ("aws:ec2/securityGroup:SecurityGroup",),
        _group,
        _GROUPS,
        "Name the ranges or groups that may connect.",
    ),
    _control(
        "exp-sg-rule-world",
        "Rules of security groups open nothing but 80 and 443 to the world",
        ("aws:ec2/securityGroupRule:SecurityGroupRule",),
        _separate_rule,
        _GROUPS,
        "Name the ranges or groups that may connect.",
    ),
    _control(
        "exp-sg-ingress-rule-world",
        "Inbound rules open nothing but 80 and 443 to the world",
        (_INGRESS_RULE,),
        _separate_rule,
        _GROUPS,
        "Name the ranges or groups that may connect.",
    ),
    _control(
        "exp-sg-default",
        "Default security groups admit nothing",
        ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",),
        _default_group,
        "vpc/latest/userguide/default-security-group.html",
        "Declare the group without rules.",
    ),
    _control(
        "exp-nacl-administration",
        "Network ACLs keep the world from ports of administration and of data",
        (*ACLS, "aws:ec2/networkAclRule:NetworkAclRule"),
        _network_acl,
        "vpc/latest/userguide/vpc-network-acls.html",
        "Allow 80, 443 and the ephemeral ports from the world, no others.",
    ),
    _control(
        "exp-address-lists",
        "Lists of who may come name addresses, not the world",
        tuple(_LISTS),
        _list,
        "workspaces/latest/adminguide/amazon-workspaces-ip-access-control-groups.html",
        "Name the address ranges of those who may come.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-lightsail-ports",
        "Lightsail opens nothing but 80 and 443 to the world",
        ("aws:lightsail/instancePublicPorts:InstancePublicPorts",),
        _lightsail,
        "lightsail/2016-11-28/api-reference/API_PortInfo.html",
        "Name cidrs; without them everybody may connect.",
    ),
    _control(
        "exp-gamelift-administration",
        "Fleets of game servers keep the world from ports of administration",
        ("aws:gamelift/fleet:Fleet",),
        _game_fleet,
        "gamelift/latest/apireference/API_IpPermission.html",
        "Name the address ranges of administrators.",
    ),
    _control(
        "exp-emr-public-block",
        "EMR refuses clusters whose groups are open to the world",
        ("aws:emr/blockPublicAccessConfiguration:BlockPublicAccessConfiguration",),
        _map_reduce,
        "emr/latest/ManagementGuide/emr-block-public-access.html",
        "Set blockPublicSecurityGroupRules to true.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-client-vpn",
        "Not everybody reaches every address over a client VPN",
        ("aws:ec2clientvpn/authorizationRule:AuthorizationRule",),
        _everywhere,
        "vpn/latest/clientvpn-admin/cvpn-working-rules.html",
        "Name the networks that everybody may reach, and the group of those who may reach more.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-vpc-public-block",
        "The account's block of internet gateways blocks",
        ("aws:ec2/vpcBlockPublicAccessOptions:VpcBlockPublicAccessOptions",),
        _vpc_block,
        "vpc/latest/userguide/security-vpc-bpa.html",
        "Set block-ingress or block-bidirectional, and exclude the subnets of load balancers.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-eks-node-ssh",
        "Nodes of clusters open SSH to named groups only",
        ("aws:eks/nodeGroup:NodeGroup",),
        _nodes,
        "eks/latest/APIReference/API_RemoteAccessConfig.html",
        "Remove remoteAccess and connect over Systems Manager, or set sourceSecurityGroupIds.",
    ),
    _control(
        "exp-network-firewall-default",
        "Network firewalls let nothing pass that no rule is for",
        ("aws:networkfirewall/firewallPolicy:FirewallPolicy",),
        _firewall,
        "securityhub/latest/userguide/networkfirewall-controls.html",
        "Forward to the stateful rules, or drop.",
        severity=Severity.HIGH,
    ),
)
