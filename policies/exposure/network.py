"""Controls of what can be reached."""

from collections.abc import Callable, Iterator

from policies.engine.addresses import Network, Ports, covers_world, networks
from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["NETWORK"]

_WEB = (80, 443)
_ADMINISTRATION = (22, 3389)
_FIRST_EPHEMERAL, _LAST_EPHEMERAL = 1024, 60999
_INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def _open_ports(rules: list[tuple[Ports, list[Network]]]) -> Iterator[Ports]:
    """Ports that rules open to the world, each rule together with all that open the same ports."""
    for ports, _ in rules:
        if not ports.within(*_WEB) and covers_world(
            each
            for other, ranges in rules
            if other.first <= ports.first and other.last >= ports.last and other.protocol in ("all", ports.protocol)
            for each in ranges
        ):
            yield ports


def _rule(block: Block, *paths: str, protocol: str = "protocol") -> tuple[Ports, list[Network]]:
    ranges = [network for path in paths for network in networks(block.texts(path), block.at(path))]
    return Ports(block.text(protocol, "-1"), block.number("fromPort"), block.number("toPort")), ranges


_WANTED = "named address ranges; the world on 80 and 443 only"


def _group(resource: Resource) -> Findings:
    rules = [_rule(each, "cidrBlocks", "ipv6CidrBlocks") for each in resource.blocks("ingress")]
    for ports in _open_ports(rules):
        yield Finding("ingress", _WANTED, found=f"{ports} open to the world")


def _group_rule(resource: Resource) -> Findings:
    if resource.text("type").lower() == "egress":
        raise NotApplicableError("it lets out, not in")
    for ports in _open_ports([_rule(resource, "cidrBlocks", "ipv6CidrBlocks")]):
        yield Finding("cidrBlocks", _WANTED, found=f"{ports} open to the world")


def _ingress_rule(resource: Resource) -> Findings:
    rule = _rule(resource, "cidrIpv4", "cidrIpv6", protocol="ipProtocol")
    if covers_world(rule[1]) and not rule[0].within(*_WEB):
        yield Finding("cidrIpv4" if resource.has("cidrIpv4") else "cidrIpv6", _WANTED, found=f"{rule[0]} open to the world")


def _default_group(resource: Resource) -> Findings:
    for path in ("ingress", "egress"):
        if resource.blocks(path):
            yield Finding(path, "no rule: whatever names no group lands here")


def _network_acl(resource: Resource) -> Findings:
    rules = (
        resource.blocks("ingress")
        if resource.type != "aws:ec2/networkAclRule:NetworkAclRule"
        else ()
        if resource.flag("egress")
        else (resource,)
    )
    for rule in rules:
        action = rule.text("action") or rule.text("ruleAction")
        ports, ranges = _rule(rule, "cidrBlock", "ipv6CidrBlock")
        # answers come back to ephemeral ports, those of NAT gateways from 1024 on: a list without state has to let them in
        if ports.first >= _FIRST_EPHEMERAL and ports.last >= _LAST_EPHEMERAL:
            continue
        if action.lower() == "allow" and covers_world(ranges) and any(ports.admits(each) for each in _ADMINISTRATION):
            yield Finding("ingress", "no way in from the world to ports 22 and 3389", found=f"{ports} open to the world")


def _not(path: str, *, default: bool = False, wanted: str = "false") -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if resource.flag(path, default=default):
            yield Finding(path, wanted)

    return judge


def _kafka(resource: Resource) -> Findings:
    path = "brokerNodeGroupInfo.connectivityInfo.publicAccess.type"
    if resource.text(path, "DISABLED").upper() != "DISABLED":
        yield Finding(path, "DISABLED")


def _control_plane(resource: Resource) -> Findings:
    if resource.flag("vpcConfig.endpointPublicAccess", default=True):
        ranges = resource.texts("vpcConfig.publicAccessCidrs") or ("0.0.0.0/0",)
        if covers_world(networks(ranges, "vpcConfig.publicAccessCidrs")):
            yield Finding(
                "vpcConfig.endpointPublicAccess", "false, or publicAccessCidrs with named ranges", found="an endpoint open to the world"
            )


def _template(resource: Resource) -> Findings:
    for number, interface in enumerate(resource.blocks("networkInterfaces")):
        if interface.flag("associatePublicIpAddress"):
            yield Finding(f"networkInterfaces.{number}.associatePublicIpAddress", "false")


def _search_domain(resource: Resource) -> Findings:
    if not resource.has("vpcOptions.subnetIds"):
        yield Finding("vpcOptions", "subnets of a VPC")


def _notebook(resource: Resource) -> Findings:
    if resource.text("directInternetAccess", "Enabled") != "Disabled":
        yield Finding("directInternetAccess", "Disabled")


def _service(resource: Resource) -> Findings:
    kind = resource.text("spec.type", "ClusterIP")
    if kind == "NodePort":
        yield Finding("spec.type", "ClusterIP")
    if kind != "LoadBalancer":
        return
    notes = resource.pairs("metadata.annotations")
    prefix = "service.beta.kubernetes.io/aws-load-balancer-"
    if notes.get(f"{prefix}scheme") == "internal" or str(notes.get(f"{prefix}internal", "")).lower() in ("true", "0.0.0.0/0"):
        return
    if covers_world(networks(resource.texts("spec.loadBalancerSourceRanges") or ("0.0.0.0/0",), "spec.loadBalancerSourceRanges")):
        yield Finding(
            "spec.type", f"the annotation {prefix}scheme: internal, or loadBalancerSourceRanges", found="a load balancer open to the world"
        )


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
        _group_rule,
        _GROUPS,
        "Name the ranges or groups that may connect.",
    ),
    _control(
        "exp-sg-ingress-rule-world",
        "Inbound rules open nothing but 80 and 443 to the world",
        (_INGRESS_RULE,),
        _ingress_rule,
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
        "Network ACLs keep the world from ports of administration",
        ("aws:ec2/networkAcl:NetworkAcl", "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl", "aws:ec2/networkAclRule:NetworkAclRule"),
        _network_acl,
        "vpc/latest/userguide/vpc-network-acls.html",
        "Allow 80, 443 and the ephemeral ports from the world, no others.",
    ),
    _control(
        "exp-database-public",
        "Databases, migrations and brokers have no public address",
        (
            "aws:rds/instance:Instance",
            "aws:rds/clusterInstance:ClusterInstance",
            "aws:neptune/clusterInstance:ClusterInstance",
            "aws:redshift/cluster:Cluster",
            "aws:redshiftserverless/workgroup:Workgroup",
            "aws:dms/replicationInstance:ReplicationInstance",
            "aws:mq/broker:Broker",
        ),
        _not("publiclyAccessible"),
        "AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html",
        "Set publiclyAccessible to false.",
    ),
    _control(
        "exp-msk-public",
        "Kafka has no public address",
        ("aws:msk/cluster:Cluster",),
        _kafka,
        "msk/latest/developerguide/public-access.html",
        "Leave publicAccess at DISABLED.",
    ),
    _control(
        "exp-eks-endpoint",
        "Control planes are not open to the world",
        ("aws:eks/cluster:Cluster",),
        _control_plane,
        "eks/latest/userguide/cluster-endpoint.html",
        "Set endpointPublicAccess to false, or name publicAccessCidrs.",
    ),
    _control(
        "exp-ec2-public-address",
        "Instances have no public address",
        ("aws:ec2/instance:Instance", "aws:ec2/launchConfiguration:LaunchConfiguration"),
        _not("associatePublicIpAddress"),
        "AWSEC2/latest/UserGuide/using-instance-addressing.html",
        "Set associatePublicIpAddress to false.",
    ),
    _control(
        "exp-ec2-template-public-address",
        "Launch templates give no public address",
        ("aws:ec2/launchTemplate:LaunchTemplate",),
        _template,
        "AWSEC2/latest/UserGuide/using-instance-addressing.html",
        "Set associatePublicIpAddress to false in each network interface.",
    ),
    _control(
        "exp-subnet-public-address",
        "Subnets give no public address by themselves",
        ("aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet"),
        _not("mapPublicIpOnLaunch"),
        "vpc/latest/userguide/subnet-public-ip.html",
        "Set mapPublicIpOnLaunch to false.",
    ),
    _control(
        "exp-ecs-public-address",
        "Tasks have no public address",
        ("aws:ecs/service:Service",),
        _not("networkConfiguration.assignPublicIp"),
        "AmazonECS/latest/developerguide/fargate-task-networking.html",
        "Set assignPublicIp to false.",
    ),
    _control(
        "exp-opensearch-vpc",
        "Search domains stand in a VPC",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search_domain,
        "opensearch-service/latest/developerguide/vpc.html",
        "Set vpcOptions. Changing it replaces the domain.",
    ),
    _control(
        "exp-sagemaker-internet",
        "Notebooks have no way to the internet of their own",
        ("aws:sagemaker/notebookInstance:NotebookInstance",),
        _notebook,
        "sagemaker/latest/dg/appendix-notebook-and-internet-access.html",
        "Set directInternetAccess to Disabled, and subnetId.",
    ),
    _control(
        "exp-k8s-service",
        "Services of Kubernetes are not open to the world",
        ("kubernetes:core:Service",),
        _service,
        "https://kubernetes.io/docs/concepts/services-networking/service/",
        "Use ClusterIP behind the load balancer that the platform has, or an internal one.",
    ),
)
