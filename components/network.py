"""The network of a region: four segments over the zones, their ways out, ACLs, endpoints and flow logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

import pulumi
import pulumi_aws as aws

from components.context import RegionContext
from components.logs import log_group
from components.policy_document import Principal, Statement, policy_document, trust
from settings.model import NetworkSettings
from settings.names import NameRule
from settings.network_plan import Segment, segment_cidr, subnet_cidr
from settings.traffic import AclRule, Direction, acl_rules

ANYWHERE = "0.0.0.0/0"
TCP = "6"  # network ACLs count protocols

# Policies that narrow an endpoint to our account; the others also serve requests that carry no identity of ours, such as
# image layers from AWS's own buckets or a pod's first call for credentials.
_ACCOUNT_ONLY_ENDPOINTS = frozenset({"kms", "logs", "monitoring", "secretsmanager", "sns", "ssm", "ssmmessages"})


@dataclass(frozen=True)
class NetworkArgs:
    """What the network is given. `zones` are zone IDs, `vpc_cidr` a /16."""

    context: RegionContext
    settings: NetworkSettings
    zones: tuple[str, ...]
    vpc_cidr: IPv4Network
    logs_key_arn: pulumi.Input[str]


class Network(pulumi.ComponentResource):
    """A VPC in which nothing reaches a segment that `settings/traffic.py` gives it no row for."""

    vpc_id: pulumi.Output[str]
    isolated_security_group_id: pulumi.Output[str]
    """The VPC's default security group, emptied: who is behind it reaches nobody and is reached by nobody."""
    egress_addresses: list[pulumi.Output[str]]
    """Public addresses from which requests leave: for the allow-lists of exchanges."""

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:network:Network", name, None, opts)
        self._args = args
        self._context = args.context

        self._vpc = self._create_vpc()
        self.vpc_id = self._vpc.id
        self._empty_defaults()
        self._subnets = {segment: self._create_subnets(segment) for segment in Segment}
        self._create_acls()
        self.internet_gateway = self._create_internet_gateway()
        self._application_routes = self._create_routes(self.internet_gateway, self._create_nat_gateways(self.internet_gateway))
        self._create_flow_log()

        self.register_outputs({"vpcId": self.vpc_id, "egressAddresses": self.egress_addresses})

    def subnet_ids(self, segment: Segment) -> list[pulumi.Output[str]]:
        """IDs of a segment's subnets, one per zone, in the order of the settings."""
        return [subnet.id for subnet in self._subnets[segment].values()]

    def zone_names(self) -> dict[str, pulumi.Output[str]]:
        """What this account calls each zone: zone ID to `us-east-1a`."""
        return {zone: subnet.availability_zone for zone, subnet in self._subnets[Segment.DATA].items()}

    def create_endpoints(self, security_group_id: pulumi.Input[str]) -> None:
        """Endpoints of AWS APIs inside the application segment, behind their own security group."""
        context = self._context
        aws.ec2.VpcEndpoint(
            context.logical("endpoint", "s3"),
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{context.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=self._application_routes,
            tags={"Name": context.logical("s3")},
            opts=pulumi.ResourceOptions(parent=self),
        )
        own_account = policy_document(
            Statement(
                actions=["*"],
                resources=["*"],
                principal=Principal.everyone(),
                conditions={"StringEquals": {"aws:PrincipalAccount": context.account_id}},
            )
        )
        for service in self._args.settings.interface_endpoints:
            aws.ec2.VpcEndpoint(
                context.logical("endpoint", service.replace(".", "-")),
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{context.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=self.subnet_ids(Segment.APPLICATION),
                security_group_ids=[security_group_id],
                policy=own_account if service in _ACCOUNT_ONLY_ENDPOINTS else None,
                tags={"Name": context.logical(service)},
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _create_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            self._context.logical("vpc"),
            cidr_block=str(self._args.vpc_cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": self._context.logical("vpc")},
            opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect),
        )

    def _empty_defaults(self) -> None:
        """What a VPC comes with allows everything: taken over, so that whoever forgets to choose gets nothing."""
        child = pulumi.ResourceOptions(parent=self)
        group = aws.ec2.DefaultSecurityGroup(self._context.logical("default"), vpc_id=self.vpc_id, opts=child)
        self.isolated_security_group_id = group.id
        aws.ec2.DefaultRouteTable(
            self._context.logical("default"), default_route_table_id=self._vpc.default_route_table_id, routes=[], opts=child
        )
        aws.ec2.DefaultNetworkAcl(
            self._context.logical("default"),
            default_network_acl_id=self._vpc.default_network_acl_id,
            # a subnet passes through the default ACL before it gets its own
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["subnet_ids"]),
        )

    def _create_subnets(self, segment: Segment) -> Mapping[str, aws.ec2.Subnet]:
        # Kubernetes finds the subnets for its own load balancers by these tags
        roles = {Segment.PUBLIC: {"kubernetes.io/role/elb": "1"}, Segment.APPLICATION: {"kubernetes.io/role/internal-elb": "1"}}
        return {
            zone: aws.ec2.Subnet(
                self._context.logical(segment, zone),
                vpc_id=self.vpc_id,
                availability_zone_id=zone,
                cidr_block=str(subnet_cidr(self._args.vpc_cidr, segment, zone)),
                map_public_ip_on_launch=False,
                tags={"Name": self._context.logical(segment, zone), "mastertrade:segment": segment, **roles.get(segment, {})},
                opts=pulumi.ResourceOptions(parent=self),
            )
            for zone in self._args.zones
        }

    def _create_acls(self) -> None:
        for segment in Segment:
            rules = acl_rules(segment)
            aws.ec2.NetworkAcl(
                self._context.logical(segment),
                vpc_id=self.vpc_id,
                subnet_ids=self.subnet_ids(segment),
                ingress=self._acl_entries(rules, Direction.INGRESS),
                egress=self._acl_entries(rules, Direction.EGRESS),
                tags={"Name": self._context.logical(segment)},
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _acl_entries(self, rules: tuple[AclRule, ...], direction: Direction) -> list[aws.ec2.NetworkAclIngressArgsDict]:
        chosen = [rule for rule in rules if rule.direction is direction]
        return [
            {
                "rule_no": 100 + 10 * position,
                "action": "allow",
                "protocol": TCP,
                "from_port": rule.first_port,
                "to_port": rule.last_port,
                "cidr_block": str(segment_cidr(self._args.vpc_cidr, rule.peer)) if rule.peer else ANYWHERE,
            }
            for position, rule in enumerate(chosen)
        ]

    def _create_internet_gateway(self) -> aws.ec2.InternetGateway:
        return aws.ec2.InternetGateway(
            self._context.logical("internet"),
            vpc_id=self.vpc_id,
            tags={"Name": self._context.logical("internet")},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_nat_gateways(self, gateway: aws.ec2.InternetGateway) -> dict[str, aws.ec2.NatGateway]:
        """NAT gateways by zone. Addresses are our own and stay, since exchanges allow-list them."""
        zones = self._args.zones if self._args.settings.nat_gateways == "one_per_zone" else self._args.zones[:1]
        addresses = {
            zone: aws.ec2.Eip(
                self._context.logical("nat", zone),
                domain="vpc",
                tags={"Name": self._context.logical("nat", zone)},
                opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect, depends_on=[gateway]),
            )
            for zone in zones
        }
        self.egress_addresses = [address.public_ip for address in addresses.values()]
        return {
            zone: aws.ec2.NatGateway(
                self._context.logical("nat", zone),
                allocation_id=address.allocation_id,
                subnet_id=self._subnets[Segment.PUBLIC][zone].id,
                tags={"Name": self._context.logical("nat", zone)},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[gateway]),
            )
            for zone, address in addresses.items()
        }

    def _create_routes(self, gateway: aws.ec2.InternetGateway, nat_gateways: Mapping[str, aws.ec2.NatGateway]) -> list[pulumi.Output[str]]:
        """Public subnets lead to the internet gateway, application subnets to the NAT gateway of their zone, others nowhere.

        Returns the IDs of the application route tables.
        """
        public = self._route_table("public", [{"cidr_block": ANYWHERE, "gateway_id": gateway.id}])
        self._associate(public, Segment.PUBLIC, self._args.zones)
        for segment in (Segment.DATA, Segment.MANAGEMENT):
            self._associate(self._route_table(segment, []), segment, self._args.zones)
        tables: list[pulumi.Output[str]] = []
        for zone in self._args.zones:
            nat_gateway = nat_gateways.get(zone) or next(iter(nat_gateways.values()))
            table = self._route_table(f"application-{zone}", [{"cidr_block": ANYWHERE, "nat_gateway_id": nat_gateway.id}])
            self._associate(table, Segment.APPLICATION, (zone,))
            tables.append(table.id)
        return tables

    def _route_table(self, name: str, routes: list[aws.ec2.RouteTableRouteArgsDict]) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            self._context.logical(name),
            vpc_id=self.vpc_id,
            routes=routes,
            tags={"Name": self._context.logical(name)},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _associate(self, table: aws.ec2.RouteTable, segment: Segment, zones: tuple[str, ...]) -> None:
        for zone in zones:
            aws.ec2.RouteTableAssociation(
                self._context.logical(segment, zone),
                route_table_id=table.id,
                subnet_id=self._subnets[segment][zone].id,
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _create_flow_log(self) -> None:
        context = self._context
        group = log_group(
            context.logical("flow-log"),
            name=context.log_group_name("flow-log"),
            retention_days=self._args.settings.flow_log_retention_days,
            key_arn=self._args.logs_key_arn,
            parent=self,
        )
        role = aws.iam.Role(
            context.logical("flow-log"),
            name=context.name(NameRule.IAM_ROLE, "flow-log"),
            assume_role_policy=trust("vpc-flow-logs.amazonaws.com", on_behalf_of=context.account_id),
            opts=pulumi.ResourceOptions(parent=self),
        )
        write = aws.iam.RolePolicy(
            context.logical("flow-log"),
            role=role.name,
            policy=policy_document(
                Statement(
                    actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups", "logs:DescribeLogStreams"],
                    resources=[group.arn, pulumi.Output.format("{0}:*", group.arn)],
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.ec2.FlowLog(
            context.logical("flow-log"),
            vpc_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[write]),
        )
