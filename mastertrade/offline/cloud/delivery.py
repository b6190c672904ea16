"""How requests arrive and move between regions: load balancers, DNS, ARC."""

from mastertrade.offline.cloud.declaration import Declaration, Simulation, made_of
from mastertrade.values import Properties

__all__ = ["SIMULATIONS"]

_ELB = "elasticloadbalancing"
_CLUSTER_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-2")
"""Where every ARC cluster has its five endpoints; AWS chooses them, not the customer."""


def _load_balancer(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    letter = {"network": "net", "gateway": "gwy"}.get(declaration.text("loadBalancerType"), "app")
    suffix = f"{letter}/{name}/{declaration.hexadecimal(16)}"
    arn = declaration.arn(f"loadbalancer/{suffix}", _ELB)
    internal = "internal-" if declaration.stated("internal") else ""
    host = f"{internal}{name}-{declaration.digits(10)}.{declaration.region}.elb.amazonaws.com"
    if letter == "net":
        host = f"{name}-{declaration.hexadecimal(16)}.elb.{declaration.region}.amazonaws.com"
    return arn, {
        "name": name,
        "arn": arn,
        "arnSuffix": suffix,
        "dnsName": host,
        "zoneId": f"Z{made_of(declaration.region, letter)[:13].upper()}",
        "vpcId": f"vpc-{made_of(''.join(sorted(declaration.texts('subnets'))), 'vpc')[:17]}",
        "ipAddressType": declaration.text("ipAddressType", "ipv4"),
    }


def _target_group(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    suffix = f"targetgroup/{name}/{declaration.hexadecimal(16)}"
    arn = declaration.arn(suffix, _ELB)
    return arn, {"name": name, "arn": arn, "arnSuffix": suffix, "loadBalancerArns": []}


def _listener(declaration: Declaration) -> tuple[str, Properties]:
    arn = f"{declaration.text('loadBalancerArn').replace(':loadbalancer/', ':listener/')}/{declaration.hexadecimal(16)}"
    return arn, {"arn": arn}


def _listener_rule(declaration: Declaration) -> tuple[str, Properties]:
    arn = f"{declaration.text('listenerArn').replace(':listener/', ':listener-rule/')}/{declaration.hexadecimal(16)}"
    return arn, {"arn": arn}


def _listener_certificate(declaration: Declaration) -> tuple[str, Properties]:
    return f"{declaration.text('listenerArn')}_{declaration.text('certificateArn')}", {}


def _record(declaration: Declaration) -> tuple[str, Properties]:
    zone, name, type_ = declaration.text("zoneId"), declaration.text("name"), declaration.text("type")
    identifier = declaration.text("setIdentifier")
    return "_".join(part for part in (zone, name, type_, identifier) if part), {"fqdn": name.rstrip(".")}


def _zone(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"Z{declaration.letters(20, upper=True)}"
    servers = [f"ns-{int(made_of(id_, str(index))[:3], 16) % 512 + index * 512}.awsdns-{index:02}.{top}" for index, top in enumerate(_TOPS)]
    return id_, {
        "zoneId": id_,
        "arn": f"arn:aws:route53:::hostedzone/{id_}",
        "nameServers": servers,
        "primaryNameServer": servers[0],
    }


_TOPS = ("com", "net", "org", "co.uk")


def _health_check(declaration: Declaration) -> tuple[str, Properties]:
    id_ = declaration.uuid()
    return id_, {"arn": f"arn:aws:route53:::healthcheck/{id_}"}


def _recovery_cluster(declaration: Declaration) -> tuple[str, Properties]:
    arn = declaration.arn(f"cluster/{declaration.uuid()}", "route53-recovery-control", is_global=True)
    return arn, {
        "arn": arn,
        "status": "DEPLOYED",
        "clusterEndpoints": [
            {
                "region": region,
                "endpoint": f"https://{declaration.hexadecimal(8, region)}.route53-recovery-cluster.{region}.amazonaws.com/v1",
            }
            for region in _CLUSTER_REGIONS
        ],
    }


def _control_panel(declaration: Declaration) -> tuple[str, Properties]:
    arn = declaration.arn(f"controlpanel/{declaration.hexadecimal(32)}", "route53-recovery-control", is_global=True)
    return arn, {"arn": arn, "status": "DEPLOYED", "defaultControlPanel": False, "routingControlCount": 0}


def _in_control_panel(kind: str) -> Simulation:
    def simulation(declaration: Declaration) -> tuple[str, Properties]:
        panel = declaration.text("controlPanelArn") or declaration.arn("controlpanel/default", "route53-recovery-control", is_global=True)
        arn = f"{panel}/{kind}/{declaration.hexadecimal(16)}"
        return arn, {"arn": arn, "status": "DEPLOYED"}

    return simulation


def _switch_plan(declaration: Declaration) -> tuple[str, Properties]:
    arn = declaration.arn(f"plan/{declaration.text('name')}:{declaration.hexadecimal(6)}", "arc-region-switch", is_global=True)
    return arn, {"arn": arn}


SIMULATIONS: dict[str, Simulation] = {
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/listenerRule:ListenerRule": _listener_rule,
    "aws:lb/listenerCertificate:ListenerCertificate": _listener_certificate,
    "aws:route53/record:Record": _record,
    "aws:route53/zone:Zone": _zone,
    "aws:route53/healthCheck:HealthCheck": _health_check,
    "aws:route53recoverycontrol/cluster:Cluster": _recovery_cluster,
    "aws:route53recoverycontrol/controlPanel:ControlPanel": _control_panel,
    "aws:route53recoverycontrol/routingControl:RoutingControl": _in_control_panel("routingcontrol"),
    "aws:route53recoverycontrol/safetyRule:SafetyRule": _in_control_panel("safetyrule"),
    "aws:arcregionswitch/plan:Plan": _switch_plan,
}
