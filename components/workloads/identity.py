"""What the pods of a service account may do in AWS."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cluster import cluster_arn
from components.policy_document import Statement, pod_trust, policy_document
from components.secrets import service_role_name
from components.workloads.objects import ClusterContext
from settings.traffic import Peer


def pod_identity(
    cluster: ClusterContext, namespace: str, party: Peer, rights: Sequence[Statement], parent: pulumi.Resource
) -> aws.eks.PodIdentityAssociation:
    """The role of the pods of a service account, with these rights and no others. The association waits for the rights."""
    context, child = cluster.region, pulumi.ResourceOptions(parent=parent)
    logical = cluster.logical(party, "service")
    role = aws.iam.Role(
        logical,
        name=service_role_name(context.names, party, context.region),
        assume_role_policy=pod_trust(cluster_arn(context), namespace, party),
        opts=child,
    )
    permitted = aws.iam.RolePolicy(logical, role=role.name, policy=policy_document(*rights), opts=child)
    return aws.eks.PodIdentityAssociation(
        cluster.logical(party),
        cluster_name=cluster.cluster.name,
        namespace=namespace,
        service_account=party,
        role_arn=role.arn,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[permitted]),
    )
