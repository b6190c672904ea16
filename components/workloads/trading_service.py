"""A trading service: pods, the role that they have, and everything around them that keeps them running."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi_kubernetes import apps, autoscaling, core, meta, policy

from components.cache import Valkey
from components.context import RegionContext
from components.database import Database
from components.policy_document import Statement
from components.secrets import SecretsStore, secret_name
from components.workloads.certificates import create_certificate, service_hosts
from components.workloads.contract import Endpoints, environment, reaches
from components.workloads.identity import pod_identity
from components.workloads.objects import ClusterContext, image, metadata
from components.workloads.pods import PodSpec
from components.workloads.scripts import config_map
from settings.credentials import BROKER_READERS
from settings.model import PlatformSettings
from settings.pod_traffic import NAME_LABEL, NAMESPACES
from settings.routes import ROUTES, TargetGroupSpec
from settings.traffic import SERVICE_TLS, SINGLE_ACTIVE, Party, Service

_LEASE = Path(__file__).with_name("order_lease.sql")
_CALM_SECONDS = 300  # of less load before pods are taken away
_MOUNTED_SECRETS = "secrets-store.csi.x-k8s.io/v1"


@dataclass(frozen=True)
class SharedStores:
    """What the services of a region use together."""

    endpoints: Endpoints
    database: Database
    cache: Valkey
    sessions: Valkey
    secrets: SecretsStore
    secrets_key_arn: pulumi.Input[str]
    broker_credentials_arn: pulumi.Input[str]
    target_group_arns: dict[str, pulumi.Output[str]]


@dataclass(frozen=True)
class TradingServiceArgs:
    """What a service is given. `after`: what its pods need on the cluster, and for orders the executors of other regions."""

    cluster: ClusterContext
    settings: PlatformSettings
    service: Service
    stores: SharedStores
    certificates: pulumi.Resource
    mounted_secrets: pulumi.Resource
    after: Sequence[pulumi.Resource]


class TradingService(pulumi.ComponentResource):
    """One of the trading services in one region.

    Its pods are its Deployment's; of a service that is active once, the one pod of a StatefulSet in the active region, which
    is replaced only after it has ended for certain.
    """

    workload: pulumi.Resource
    """The Deployment or StatefulSet."""
    executes: bool
    """Whether pods of it run in this region."""

    def __init__(self, name: str, args: TradingServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:workloads:TradingService", name, None, opts)
        self._args = args
        self._cluster = args.cluster
        self._context: RegionContext = args.cluster.region
        self._service = args.service
        self._namespace = NAMESPACES[args.service]
        self._stated = args.settings.services[args.service]

        account = self._create_account()
        identity = self._create_identity()
        certificate = create_certificate(
            self._cluster,
            self._service,
            self._namespace,
            service_hosts(self._service, self._namespace),
            parent=self,
            after=[args.certificates, *args.after],
        )
        secrets = self._mount_secrets()
        service = self._create_service()
        bindings = self._bind_target_groups(service)
        lease = self._create_lease() if self._is_single else None
        self.executes = self._is_active
        self.workload = self._run([account, identity, certificate, secrets, *bindings, *args.after], lease)
        self._keep_available()
        self.register_outputs({})

    @property
    def _is_single(self) -> bool:
        return self._service in SINGLE_ACTIVE

    @property
    def _is_active(self) -> bool:
        return not self._is_single or self._context.region == self._args.settings.active_region

    def _metadata(self, name: str | None = None) -> meta.v1.ObjectMetaArgsDict:
        return metadata(name or self._service, self._namespace, self._service)

    def _after(self, *more: pulumi.Resource) -> pulumi.ResourceOptions:
        return self._cluster.child(self, [*self._args.after, *more])

    def _logical(self, *parts: str) -> str:
        return self._cluster.logical(self._service, *parts)

    def _create_account(self) -> core.v1.ServiceAccount:
        return core.v1.ServiceAccount(self._logical(), metadata=self._metadata(), automount_service_account_token=False, opts=self._after())

    def _create_identity(self) -> aws.eks.PodIdentityAssociation:
        """The role of the pods, with exactly what the tables say that the service uses."""
        return pod_identity(self._cluster, self._namespace, self._service, self._rights(), self)

    def _rights(self) -> list[Statement]:
        stores, region = self._args.stores, self._context.region
        secrets = [stores.secrets.arn_in(each.name, region) for each in stores.secrets.readable(self._service)]
        if self._service in BROKER_READERS:
            secrets.append(pulumi.Output.from_input(stores.broker_credentials_arn))
        caches = [*stores.cache.sign_in_arns, *(stores.sessions.sign_in_arns if reaches(self._service, Party.SESSIONS) else ())]
        rights = [Statement(sid="SignInToCaches", actions=["elasticache:Connect"], resources=caches)]
        if self._is_active:  # where orders are not executed, their executor has no way to exchanges or the database either
            users = stores.database.sign_in_arns(self._service, past_the_proxy=reaches(self._service, Party.DATABASE))
            rights += [
                Statement(sid="ReadSecrets", actions=["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], resources=secrets),
                Statement(
                    sid="DecryptSecrets",
                    actions=["kms:Decrypt"],
                    resources=[stores.secrets_key_arn],
                    conditions={"StringEquals": {"kms:ViaService": f"secretsmanager.{region}.amazonaws.com"}},
                ),
                Statement(sid="SignInToDatabase", actions=["rds-db:connect"], resources=users),
            ]
        if self._is_single and stores.endpoints.switch_arn is not None:
            rights.append(
                Statement(
                    sid="ReadSwitch",
                    actions=["route53-recovery-cluster:GetRoutingControlState"],
                    resources=[stores.endpoints.switch_arn],
                )
            )
        return rights

    def _mount_secrets(self) -> pulumi.Resource:
        """Each secret becomes a file of its name; the driver reads it with the pod's own role."""
        names, region = self._context.names, self._context.region
        files = {each.name: secret_name(names, each.name) for each in self._args.stores.secrets.readable(self._service)}
        if self._service in BROKER_READERS:
            files["broker-credentials"] = secret_name(names, region, "broker-credentials")
        objects = [{"objectName": stored, "objectType": "secretsmanager", "objectAlias": file} for file, stored in files.items()]
        return self._cluster.custom(
            f"{self._service}-secrets",
            _MOUNTED_SECRETS,
            "SecretProviderClass",
            self._metadata(),
            {"provider": "aws", "parameters": {"region": region, "usePodIdentity": "true", "objects": json.dumps(objects)}},
            options=self._after(self._args.mounted_secrets),
        )

    def _create_service(self) -> core.v1.Service:
        spec: core.v1.ServiceSpecArgsDict = {
            "selector": {NAME_LABEL: self._service},
            "ports": [{"name": "https", "port": SERVICE_TLS, "target_port": SERVICE_TLS, "protocol": "TCP"}],
        }
        if self._is_single:
            spec["cluster_ip"] = "None"  # one pod: its callers ask for its address and keep to it
        return core.v1.Service(self._logical(), metadata=self._not_awaited(), spec=spec, opts=self._after())

    def _not_awaited(self) -> meta.v1.ObjectMetaArgsDict:
        """Pods become ready once operators have put the vendors' keys and made the database users; a first deployment ends before."""
        stated = self._metadata()
        stated["annotations"] = {"pulumi.com/skipAwait": "true"}
        return stated

    def _bind_target_groups(self, service: core.v1.Service) -> list[pulumi.Resource]:
        """Before the pods: only then do those wait until the load balancer sends to them."""
        groups: dict[str, TargetGroupSpec] = {route.target.name: route.target for route in ROUTES if route.target.service is self._service}
        return [
            self._cluster.custom(
                f"target-{name}",
                "eks.amazonaws.com/v1",
                "TargetGroupBinding",
                self._metadata(name),
                {
                    "serviceRef": {"name": self._service, "port": SERVICE_TLS},
                    "targetGroupARN": self._args.stores.target_group_arns[name],
                    "targetType": "ip",
                },
                options=self._after(service),
            )
            for name in groups
        ]

    def _create_lease(self) -> core.v1.ConfigMap:
        """The statements by which an executor takes and proves its right to execute, named after their content."""
        return config_map(
            self._cluster,
            f"{self._service}-lease",
            name="order-lease",
            namespace=self._namespace,
            party=self._service,
            files={"lease.sql": _LEASE.read_text(encoding="utf-8")},
            parent=self,
            after=self._args.after,
        )

    def _run(self, after: Sequence[pulumi.Resource], lease: core.v1.ConfigMap | None) -> pulumi.Resource:
        args, settings = self._args, self._args.settings
        pods = PodSpec(
            service=self._service,
            settings=self._stated,
            image=image(settings.images.registry, self._stated.image, self._context),
            environment=environment(self._service, settings, self._context, args.stores.endpoints),
            drain_seconds=settings.load_balancer.drain_seconds if self._is_served else 0,
            lease_config_map=lease.metadata.name if lease else None,
        )
        selector: meta.v1.LabelSelectorArgsDict = {"match_labels": {NAME_LABEL: self._service}}
        options = self._cluster.child(self, after)
        if not self._is_single:
            return apps.v1.Deployment(
                self._logical(),
                metadata=self._not_awaited(),
                spec={
                    # the autoscaler sets the number of pods
                    "selector": selector,
                    "template": pods.template(),
                    # one by one, and never one more: the connection budget counts max_replicas
                    "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 0, "max_unavailable": 1}},
                    "min_ready_seconds": 10,
                    "revision_history_limit": 5,
                    "progress_deadline_seconds": 600,
                },
                opts=options,
            )
        return apps.v1.StatefulSet(
            self._logical(),
            # that orders have stopped here is waited for, before they start anywhere else
            metadata=self._not_awaited() if self._is_active else self._metadata(),
            spec={
                "replicas": 1 if self._is_active else 0,
                "service_name": self._service,
                # else a release that never becomes ready could not be taken back; one name is one pod all the same
                "pod_management_policy": "Parallel",
                "selector": selector,
                "template": pods.template(),
                "update_strategy": {"type": "RollingUpdate"},
                "min_ready_seconds": 10,
                "revision_history_limit": 5,
            },
            opts=options,
        )

    @property
    def _is_served(self) -> bool:
        return any(route.target.service is self._service for route in ROUTES)

    def _keep_available(self) -> None:
        """One pod leaves at a time when nodes are emptied; the number of pods follows the load."""
        policy.v1.PodDisruptionBudget(
            self._logical(),
            metadata=self._metadata(),
            spec={
                "selector": {"match_labels": {NAME_LABEL: self._service}},
                "max_unavailable": 1,
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._after(),
        )
        if self._is_single:
            return
        autoscaling.v2.HorizontalPodAutoscaler(
            self._logical(),
            metadata=self._metadata(),
            spec={
                "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": self._service},
                "min_replicas": self._stated.min_replicas,
                "max_replicas": self._stated.max_replicas,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {
                            "name": "cpu",
                            "target": {"type": "Utilization", "average_utilization": self._stated.scale_up_cpu_percent},
                        },
                    }
                ],
                "behavior": {"scale_down": {"stabilization_window_seconds": _CALM_SECONDS}},
            },
            opts=self._cluster.child(self, [self.workload]),
        )
