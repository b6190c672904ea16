"""Everything that runs on the cluster of a region, in the order in which it comes up."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import get_args

import pulumi

from components.add_ons import AddOns, AddOnsArgs
from components.cluster import Cluster
from components.context import RegionContext
from components.nodes import Nodes, NodesArgs
from components.secrets import Readers
from components.snapshots import SnapshotBucket
from components.workloads.log_collection import LogCollection, LogCollectionArgs
from components.workloads.namespaces import Namespaces, NamespacesArgs
from components.workloads.objects import ClusterContext
from components.workloads.trading_service import SharedStores, TradingService, TradingServiceArgs
from components.workloads.vault import Vault, VaultArgs
from settings.model import EndpointService, PlatformSettings
from settings.pod_traffic import TRADING, VAULT
from settings.traffic import SINGLE_ACTIVE, Service


@dataclass(frozen=True)
class WorkloadsArgs:
    """What the workloads are given."""

    context: RegionContext
    settings: PlatformSettings
    cluster: Cluster
    vpc_cidr: IPv4Network
    subnet_ids: Sequence[pulumi.Input[str]]
    node_security_group_id: pulumi.Input[str]
    volumes_key_arn: pulumi.Input[str]
    logs_key_arn: pulumi.Input[str]
    vault_key_arn: pulumi.Input[str]
    readers: Readers
    snapshots: SnapshotBucket
    stores: SharedStores


class Workloads(pulumi.ComponentResource):
    """Nodes, namespaces with their policies, add-ons, Vault and the trading services."""

    add_ons: AddOns
    log_collection: LogCollection

    def __init__(self, name: str, args: WorkloadsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:workloads:Workloads", name, None, opts)
        self._args = args
        self._context = args.context
        self._settings = args.settings
        self._cluster = ClusterContext(args.context, args.cluster.resource)

        self._nodes = self._create_nodes()
        self._namespaces = self._create_namespaces()
        self.log_collection = self._create_log_collection()
        self.add_ons = self._create_add_ons()
        self.vault = self._create_vault()
        for service in args.settings.services:
            if service not in SINGLE_ACTIVE:
                self._create_service(service, after=[])
        self.register_outputs({})

    def ready(self, namespace: str) -> list[pulumi.Resource]:
        """What other pods of a namespace wait for: it exists, its policies are there, and nodes can be started."""
        return [*self._namespaces.ready(namespace), *self._nodes.pools]

    def create_single_active(self, service: Service, after: Sequence[pulumi.Resource]) -> TradingService:
        """A service that is active in one region, once what is in `after`, the same in other regions, has come to rest."""
        return self._create_service(service, after)

    def _child(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self)

    def _create_nodes(self) -> Nodes:
        args = self._args
        return Nodes(
            self._context.logical("nodes"),
            NodesArgs(
                cluster=self._cluster,
                settings=self._settings.cluster,
                trading_hours=self._settings.trading_hours,
                node_role_name=args.cluster.node_role_name,
                subnet_ids=args.subnet_ids,
                security_group_id=args.node_security_group_id,
                volumes_key_arn=args.volumes_key_arn,
            ),
            self._child(),
        )

    def _create_namespaces(self) -> Namespaces:
        endpoints = set(self._settings.network.interface_endpoints)
        return Namespaces(
            self._context.logical("namespaces"),
            NamespacesArgs(
                cluster=self._cluster,
                kubernetes_version=self._settings.cluster.version,
                vpc_cidr=self._args.vpc_cidr,
                apis_inside=endpoints == set(get_args(EndpointService)),
            ),
            self._child(),
        )

    def _create_log_collection(self) -> LogCollection:
        return LogCollection(
            self._context.logical("log-collection"),
            LogCollectionArgs(self._cluster, self._settings.observability.logs.collected_days, self._args.logs_key_arn),
            self._child(),
        )

    def _create_add_ons(self) -> AddOns:
        return AddOns(
            self._context.logical("add-ons"),
            AddOnsArgs(
                cluster=self._cluster,
                versions=self._settings.cluster.add_ons,
                collection=self.log_collection,
                after=[*self._nodes.pools, *self._namespaces.add_on_policies],
            ),
            self._child(),
        )

    def _create_vault(self) -> Vault:
        return Vault(
            self._context.logical("vault"),
            VaultArgs(
                cluster=self._cluster,
                settings=self._settings.vault,
                images=self._settings.images,
                key_arn=self._args.vault_key_arn,
                secrets_key_arn=self._args.stores.secrets_key_arn,
                recovery_window_days=self._settings.secrets.recovery_window_days,
                readers=self._args.readers,
                snapshots=self._args.snapshots,
                certificates=self.add_ons.certificates,
                after=[*self._namespaces.ready(VAULT), *self._nodes.pools, self._nodes.storage_class],
            ),
            self._child(),
        )

    def _create_service(self, service: Service, after: Sequence[pulumi.Resource]) -> TradingService:
        return TradingService(
            self._context.logical(service),
            TradingServiceArgs(
                cluster=self._cluster,
                settings=self._settings,
                service=service,
                stores=self._args.stores,
                certificates=self.add_ons.certificates,
                mounted_secrets=self.add_ons.mounted_secrets,
                after=[*self._namespaces.ready(TRADING), *after],
            ),
            self._child(),
        )
