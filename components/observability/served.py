"""How pods of monitoring are reached by the load balancer: a certificate, a service, a binding to their target group."""

from collections.abc import Sequence

import pulumi
from pulumi_kubernetes import core

from components.workloads.certificates import create_certificate, service_hosts
from components.workloads.objects import ClusterContext, metadata
from settings.pod_traffic import MONITORING, NAME_LABEL
from settings.routes import TargetGroupSpec


def serve(
    cluster: ClusterContext,
    target: TargetGroupSpec,
    target_group_arn: pulumi.Input[str],
    *,
    certificates: pulumi.Resource,
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> list[pulumi.Resource]:
    """What the pods of a target group come after. `after`: namespace, policies, nodes."""
    party = target.service
    certificate = create_certificate(
        cluster, party, MONITORING, service_hosts(party, MONITORING), parent=parent, after=[certificates, *after]
    )
    stated = metadata(party, MONITORING, party)
    stated["annotations"] = {"pulumi.com/skipAwait": "true"}  # its pods come after it
    service = core.v1.Service(
        cluster.logical(party),
        metadata=stated,
        spec={
            "selector": {NAME_LABEL: party},
            "ports": [{"name": "https", "port": target.port, "target_port": target.port, "protocol": "TCP"}],
        },
        opts=cluster.child(parent, after),
    )
    binding = cluster.custom(
        f"target-{target.name}",
        "eks.amazonaws.com/v1",
        "TargetGroupBinding",
        metadata(target.name, MONITORING, party),
        {
            "serviceRef": {"name": party, "port": target.port},
            "targetGroupARN": target_group_arn,
            "targetType": "ip",
        },
        options=cluster.child(parent, [*after, service]),
    )
    return [certificate, binding]
