"""The cluster of a region: Amazon EKS in Auto Mode, its access, and the way that Pulumi reaches it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.context import RegionContext
from components.logs import log_group
from components.policy_document import Principal, Statement, policy_document, trust
from components.roles import permitted_arn
from settings.model import ClusterSettings
from settings.names import NameRule
from settings.network_plan import SERVICE_CIDR

_CONTROL_PLANE_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")

# What Auto Mode does in our name (EKS user guide, "Cluster IAM role for Auto Mode")
_CLUSTER_POLICIES = (
    "AmazonEKSClusterPolicy",
    "AmazonEKSComputePolicy",
    "AmazonEKSBlockStoragePolicy",
    "AmazonEKSLoadBalancingPolicy",
    "AmazonEKSNetworkingPolicy",
)
# The same guide, "Node IAM role"
_NODE_POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")
_KEY_USE = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
    "kms:ListGrants",
)


def cluster_name(context: RegionContext) -> str:
    """Known before the cluster exists: target groups are tagged with it."""
    return context.name(NameRule.CLUSTER)


def cluster_arn(context: RegionContext) -> str:
    """The same, as an ARN."""
    return context.arn("eks", f"cluster/{cluster_name(context)}")


@dataclass(frozen=True)
class ClusterArgs:
    """What the cluster is given. `administrators` may hold patterns, which get no access here; `after`: the network
    that nodes need until the last of them is gone. `lost`: it does not answer.
    """

    context: RegionContext
    settings: ClusterSettings
    administrators: Sequence[str]
    subnet_ids: Sequence[pulumi.Input[str]]
    security_group_id: pulumi.Input[str]
    cluster_key_arn: pulumi.Input[str]
    volumes_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    target_group_arns: Sequence[pulumi.Input[str]]
    after: Sequence[pulumi.Resource]
    lost: bool


class Cluster(pulumi.ComponentResource):
    """Control plane, roles and access. Nodes and what runs on them are components of their own.

    Whoever creates the cluster has no hidden rights in it: access entries alone decide.
    """

    cluster_name: pulumi.Output[str]
    cluster_arn: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    node_role_name: pulumi.Output[str]
    log_group: aws.cloudwatch.LogGroup
    resource: aws.eks.Cluster
    """What Kubernetes objects are deleted with."""
    api: kubernetes.Provider
    """Usable once the deploying role has its access."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:cluster:Cluster", name, None, opts)
        self._args = args
        self._context = args.context
        self._cluster_name = cluster_name(args.context)

        self.log_group = self._create_log_group()
        cluster_role_arn = self._create_cluster_role()
        node_role = self._create_node_role()
        self.resource = self._create_cluster(cluster_role_arn, self.log_group)
        access = self._give_access(node_role)
        self.api = self._create_provider(access)

        self.cluster_name = self.resource.name
        self.cluster_arn = self.resource.arn
        self.endpoint = self.resource.endpoint
        self.node_role_name = node_role.name
        self.register_outputs({"clusterName": self.cluster_name, "clusterArn": self.cluster_arn, "endpoint": self.endpoint})

    def _logical(self, *parts: str) -> str:
        return self._context.logical("cluster", *parts)

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _create_log_group(self) -> aws.cloudwatch.LogGroup:
        """Ours, before EKS would make one of its own: without a key, and kept for ever."""
        return log_group(
            self._logical(),
            name=f"/aws/eks/{self._cluster_name}/cluster",
            retention_days=self._args.settings.log_retention_days,
            key_arn=self._args.logs_key_arn,
            parent=self,
        )

    def _create_cluster_role(self) -> pulumi.Output[str]:
        logical = self._logical()
        role = aws.iam.Role(
            logical,
            name=self._context.name(NameRule.IAM_ROLE, "cluster"),
            assume_role_policy=policy_document(
                Statement(
                    actions=["sts:AssumeRole", "sts:TagSession"],
                    principal=Principal.service("eks.amazonaws.com"),
                )
            ),
            opts=self._child(),
        )
        attachments = [self._attach(role, policy) for policy in _CLUSTER_POLICIES]
        own = aws.iam.RolePolicy(
            logical,
            role=role.name,
            policy=policy_document(
                Statement(
                    sid="EncryptSecretsAndDisks", actions=_KEY_USE, resources=[self._args.cluster_key_arn, self._args.volumes_key_arn]
                ),
                Statement(
                    sid="LendKeysToDisks",
                    actions=["kms:CreateGrant", "kms:RevokeGrant"],
                    resources=[self._args.cluster_key_arn, self._args.volumes_key_arn],
                    conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
                ),
                Statement(
                    sid="RegisterPods",
                    actions=["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
                    resources=self._args.target_group_arns,
                ),
            ),
            # in this order EKS can still clean up when all of it is deleted
            opts=pulumi.ResourceOptions(parent=self, depends_on=attachments),
        )
        return permitted_arn(role, own)

    def _create_node_role(self) -> aws.iam.Role:
        role = aws.iam.Role(
            self._logical("nodes"),
            name=self._context.name(NameRule.IAM_ROLE, "nodes"),
            assume_role_policy=trust("ec2.amazonaws.com"),
            opts=self._child(),
        )
        for policy in _NODE_POLICIES:
            self._attach(role, policy, "nodes")
        return role

    def _attach(self, role: aws.iam.Role, policy: str, *parts: str) -> aws.iam.RolePolicyAttachment:
        return aws.iam.RolePolicyAttachment(
            self._logical(*parts, policy), role=role.name, policy_arn=f"arn:aws:iam::aws:policy/{policy}", opts=self._child()
        )

    def _create_cluster(self, role_arn: pulumi.Input[str], logs: aws.cloudwatch.LogGroup) -> aws.eks.Cluster:
        args, settings = self._args, self._args.settings
        return aws.eks.Cluster(
            self._logical(),
            name=self._cluster_name,
            version=settings.version,
            role_arn=role_arn,
            # node pools are ours, with our key on their disks, so Auto Mode gets none of its own
            compute_config={"enabled": True, "node_pools": []},
            storage_config={"block_storage": {"enabled": True}},
            kubernetes_network_config={
                "elastic_load_balancing": {"enabled": True},
                "ip_family": "ipv4",
                "service_ipv4_cidr": str(SERVICE_CIDR),
            },
            bootstrap_self_managed_addons=False,
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            vpc_config=self._network(),
            encryption_config={"provider": {"key_arn": args.cluster_key_arn}, "resources": ["secrets"]},
            enabled_cluster_log_types=list(_CONTROL_PLANE_LOGS),
            upgrade_policy={"support_type": "STANDARD"},
            zonal_shift_config={"enabled": True},
            deletion_protection=self._context.protect,
            opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect, depends_on=[logs, *args.after]),
        )

    def _network(self) -> aws.eks.ClusterVpcConfigArgsDict:
        public = [str(cidr) for cidr in self._args.settings.api_cidrs]
        network: aws.eks.ClusterVpcConfigArgsDict = {
            "subnet_ids": self._args.subnet_ids,
            "security_group_ids": [self._args.security_group_id],
            "endpoint_private_access": True,
            "endpoint_public_access": bool(public),
        }
        if public:
            network["public_access_cidrs"] = public
        return network

    def _give_access(self, node_role: aws.iam.Role) -> list[pulumi.Resource]:
        """To the roles that administer the platform, by name, and to our nodes. Returns what the first deployment waits for."""
        access: list[pulumi.Resource] = []
        for principal in (arn for arn in self._args.administrators if "*" not in arn):
            name = principal.split(":role/", 1)[1].replace("/", "-")
            access.append(self._entry(name, principal, "STANDARD", "AmazonEKSClusterAdminPolicy"))
        access.append(self._entry("auto-nodes", node_role.arn, "EC2", "AmazonEKSAutoNodePolicy"))
        return access

    def _entry(self, name: str, principal: pulumi.Input[str], kind: str, policy: str) -> aws.eks.AccessPolicyAssociation:
        entry = aws.eks.AccessEntry(
            self._logical(name), cluster_name=self.resource.name, principal_arn=principal, type=kind, opts=self._child()
        )
        return aws.eks.AccessPolicyAssociation(
            self._logical(name),
            cluster_name=self.resource.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"arn:aws:eks::aws:cluster-access-policy/{policy}",
            access_scope={"type": "cluster"},
            opts=self._child(),
        )

    def _create_provider(self, access: Sequence[pulumi.Resource]) -> kubernetes.Provider:
        return kubernetes.Provider(
            self._context.logical("kubernetes"),
            kubeconfig=self._kubeconfig(),
            # by it the provider knows its cluster: a kubeconfig that changes replaces nothing
            cluster_identifier=cluster_arn(self._context),
            # a deployment that broke off has left objects that its state does not know
            upsert_existing_objects=True,
            skip_update_unreachable=self._args.lost,
            opts=pulumi.ResourceOptions(parent=self, depends_on=access),
        )

    def _kubeconfig(self) -> pulumi.Output[str]:
        """Holds no credential: `aws eks get-token` signs one for each call, as whoever deploys."""
        name = self._cluster_name
        return pulumi.Output.json_dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {
                        "name": name,
                        "cluster": {
                            "server": self.resource.endpoint,
                            "certificate-authority-data": self.resource.certificate_authority.data,
                        },
                    }
                ],
                "users": [
                    {
                        "name": name,
                        "user": {
                            "exec": {
                                "apiVersion": "client.authentication.k8s.io/v1beta1",
                                "command": "aws",
                                "args": ["eks", "get-token", "--cluster-name", name, "--region", self._context.region, "--output", "json"],
                                "interactiveMode": "Never",
                            }
                        },
                    }
                ],
                "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
                "current-context": name,
            }
        )
