"""EC2 networking: VPC, subnets, gateways, routes, ACLs, security groups, endpoints, flow logs."""

from ipaddress import IPv4Address

from mastertrade.offline.cloud.declaration import Declaration, Simulation, made_of
from mastertrade.values import Properties

__all__ = ["SIMULATIONS"]

_FIRST_ADDRESS = int(IPv4Address("198.18.0.0"))
"""RFC 2544's range for tests: well-formed, belongs to nobody, large enough that addresses seldom collide."""
_ADDRESSES = 2**17


def _vpc(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "vpc")
    return id_, {
        "arn": declaration.arn(f"vpc/{id_}", "ec2"),
        "ownerId": declaration.account,
        "defaultNetworkAclId": _default_of(id_, "acl"),
        "defaultRouteTableId": _default_of(id_, "rtb"),
        "defaultSecurityGroupId": _default_of(id_, "sg"),
        "mainRouteTableId": _default_of(id_, "rtb"),
        "dhcpOptionsId": f"dopt-{made_of(declaration.region, declaration.account)[:17]}",
        "instanceTenancy": declaration.text("instanceTenancy", "default"),
        "enableDnsSupport": declaration.stated("enableDnsSupport", True),
        "ipv6AssociationId": "",
    }


def _subnet(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "subnet")
    zone, zone_id = declaration.text("availabilityZone"), declaration.text("availabilityZoneId")
    zone = zone or f"{declaration.region}{_zone_letter(zone_id or 'az1')}"
    return id_, {
        "arn": declaration.arn(f"subnet/{id_}", "ec2"),
        "ownerId": declaration.account,
        "availabilityZone": zone,
        "availabilityZoneId": zone_id or f"{declaration.short_region}-az{ord(zone[-1]) - ord('a') + 1}",
        "ipv6CidrBlockAssociationId": "",
        "privateDnsHostnameTypeOnLaunch": declaration.text("privateDnsHostnameTypeOnLaunch", "ip-name"),
    }


def _internet_gateway(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "igw")
    return id_, {"arn": declaration.arn(f"internet-gateway/{id_}", "ec2"), "ownerId": declaration.account}


def _eip(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "eipalloc")
    address = _public_address(id_)
    host = address.replace(".", "-")
    zone = "compute-1" if declaration.region == "us-east-1" else f"{declaration.region}.compute"
    return id_, {
        "arn": declaration.arn(f"elastic-ip/{id_}", "ec2"),
        "allocationId": id_,
        "publicIp": address,
        "publicDns": f"ec2-{host}.{zone}.amazonaws.com",
        "domain": "vpc",
        "associationId": "",
        "privateIp": "",
        "privateDns": "",
        "ptrRecord": "",
        "carrierIp": "",
        "customerOwnedIp": "",
        "publicIpv4Pool": declaration.text("publicIpv4Pool", "amazon"),
        "networkBorderGroup": declaration.text("networkBorderGroup", declaration.region),
    }


def _nat_gateway(declaration: Declaration) -> tuple[str, Properties]:
    allocation = declaration.text("allocationId")
    number = int(declaration.hexadecimal(4), 16)
    return _id(declaration, "nat"), {
        "publicIp": _public_address(allocation) if allocation else "",
        "privateIp": declaration.text("privateIp", f"10.0.{number % 256}.{number // 256 % 250 + 4}"),
        "associationId": _id(declaration, "eipassoc") if allocation else "",
        "networkInterfaceId": _id(declaration, "eni"),
        "autoProvisionZones": "",
        "autoScalingIps": "",
        "regionalNatGatewayAutoMode": "",
        "routeTableId": "",
        "availabilityMode": declaration.text("availabilityMode", "zonal"),
    }


def _route_table(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "rtb")
    return id_, {"arn": declaration.arn(f"route-table/{id_}", "ec2"), "ownerId": declaration.account}


def _route(declaration: Declaration) -> tuple[str, Properties]:
    table = declaration.text("routeTableId", "rtb")
    return f"r-{table}{declaration.digits(10)}", {"origin": "CreateRoute", "state": "active", "instanceId": "", "instanceOwnerId": ""}


def _network_acl(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "acl")
    return id_, {"arn": declaration.arn(f"network-acl/{id_}", "ec2"), "ownerId": declaration.account}


def _network_acl_rule(declaration: Declaration) -> tuple[str, Properties]:
    return f"nacl-{declaration.digits(10)}", {}


def _security_group(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "sg")
    return id_, {
        "arn": declaration.arn(f"security-group/{id_}", "ec2"),
        "ownerId": declaration.account,
        "name": declaration.physical_name(),
        "description": declaration.text("description", "Managed by Pulumi"),
    }


def _security_group_rule(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "sgr")
    return id_, {"arn": declaration.arn(f"security-group-rule/{id_}", "ec2"), "securityGroupRuleId": id_}


def _default_security_group(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _default_of(declaration.text("vpcId", declaration.urn), "sg")
    return id_, {
        "arn": declaration.arn(f"security-group/{id_}", "ec2"),
        "ownerId": declaration.account,
        "name": "default",
        "namePrefix": "",
        "description": "default VPC security group",
    }


def _default_network_acl(declaration: Declaration) -> tuple[str, Properties]:
    id_ = declaration.text("defaultNetworkAclId") or _id(declaration, "acl")
    return id_, {"arn": declaration.arn(f"network-acl/{id_}", "ec2"), "ownerId": declaration.account, "vpcId": ""}


def _default_route_table(declaration: Declaration) -> tuple[str, Properties]:
    id_ = declaration.text("defaultRouteTableId") or _id(declaration, "rtb")
    return id_, {"arn": declaration.arn(f"route-table/{id_}", "ec2"), "ownerId": declaration.account, "vpcId": ""}


def _vpc_endpoint(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "vpce")
    outputs: Properties = {
        "arn": declaration.arn(f"vpc-endpoint/{id_}", "ec2"),
        "ownerId": declaration.account,
        "state": "available",
        "requesterManaged": False,
        "cidrBlocks": [],
        "dnsEntries": [],
        "networkInterfaceIds": [],
        "prefixListId": "",
        "ipAddressType": declaration.text("ipAddressType", "ipv4"),
        "serviceRegion": declaration.text("serviceRegion", declaration.region),
    }
    if declaration.text("vpcEndpointType", "Gateway") == "Interface":
        service = declaration.text("serviceName").removeprefix(f"com.amazonaws.{declaration.region}.")
        suffix = f"{service}.{declaration.region}.vpce.amazonaws.com"
        zone = f"Z{declaration.letters(13, upper=True)}"
        outputs["dnsEntries"] = [
            {"dnsName": f"{id_}-{declaration.letters(8)}.{suffix}", "hostedZoneId": zone},
            {
                "dnsName": f"{service}.{declaration.region}.amazonaws.com",
                "hostedZoneId": f"Z0{declaration.letters(18, 'private', upper=True)}",
            },
        ]
        outputs["networkInterfaceIds"] = [f"eni-{made_of(id_, subnet)[:17]}" for subnet in declaration.texts("subnetIds")]
    else:
        outputs["prefixListId"] = f"pl-{made_of(declaration.region, declaration.text('serviceName'))[:8]}"
    return id_, outputs


def _flow_log(declaration: Declaration) -> tuple[str, Properties]:
    id_ = _id(declaration, "fl")
    return id_, {"arn": declaration.arn(f"vpc-flow-log/{id_}", "ec2")}


def _association(prefix: str) -> Simulation:
    return lambda declaration: (_id(declaration, prefix), {})


def _id(declaration: Declaration, prefix: str) -> str:
    return f"{prefix}-{declaration.hexadecimal(17, prefix)}"


def _default_of(vpc: str, prefix: str) -> str:
    """What a VPC is born with; the resources that adopt it find the same ID."""
    return f"{prefix}-{made_of(vpc, f'default {prefix}')[:17]}"


def _public_address(allocation: str) -> str:
    """The address of an allocation, the same seen from the address and from the gateway that uses it."""
    return str(IPv4Address(_FIRST_ADDRESS + int(made_of(allocation, "address"), 16) % _ADDRESSES))


def _zone_letter(zone_id: str) -> str:
    return chr(ord("a") + int(zone_id[-1]) - 1) if zone_id[-1:].isdigit() and zone_id[-1] != "0" else "a"


SIMULATIONS: dict[str, Simulation] = {
    "aws:ec2/vpc:Vpc": _vpc,
    "aws:ec2/subnet:Subnet": _subnet,
    "aws:ec2/internetGateway:InternetGateway": _internet_gateway,
    "aws:ec2/eip:Eip": _eip,
    "aws:ec2/natGateway:NatGateway": _nat_gateway,
    "aws:ec2/routeTable:RouteTable": _route_table,
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _association("rtbassoc"),
    "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation": _association("rtbassoc"),
    "aws:ec2/networkAcl:NetworkAcl": _network_acl,
    "aws:ec2/networkAclRule:NetworkAclRule": _network_acl_rule,
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": _association("aclassoc"),
    "aws:ec2/securityGroup:SecurityGroup": _security_group,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _security_group_rule,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _security_group_rule,
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": _default_security_group,
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": _default_network_acl,
    "aws:ec2/defaultRouteTable:DefaultRouteTable": _default_route_table,
    "aws:ec2/vpcEndpoint:VpcEndpoint": _vpc_endpoint,
    "aws:ec2/flowLog:FlowLog": _flow_log,
}
