"""Log search at logs.: OpenSearch Dashboards, which the domain itself serves, behind pods that sign what they pass on."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import core

from components.observability.served import serve
from components.observability.signing_proxy import SigningProxy, arguments, bootstrap
from components.observability.watcher import Port, Watcher, WatcherArgs
from components.policy_document import Statement
from components.secrets import service_role_arn
from components.workloads.certificates import certificate_secret
from components.workloads.contract import TLS_FOLDER
from components.workloads.objects import ClusterContext
from components.workloads.scripts import config_map
from settings.capacity import LOG_SEARCH_POD
from settings.pod_traffic import MONITORING
from settings.routes import LOG_SEARCH
from settings.traffic import LOGS_TLS, Party

_FOLDER, _FILE = "/etc/log-search", "envoy.yaml"
# A load balancer goes on sending for a while to a pod that has been told to stop, and Envoy stops at once
_LEAVE_SECONDS = 30


@dataclass(frozen=True)
class LogSearchArgs:
    """What log search is given. `endpoint`: the host of the domain. `after`: namespace, policies, nodes."""

    cluster: ClusterContext
    image: str
    replicas: int
    endpoint: pulumi.Input[str]
    domain_arn: pulumi.Input[str]
    target_group_arn: pulumi.Input[str]
    certificates: pulumi.Resource
    after: Sequence[pulumi.Resource]


class LogSearch(pulumi.ComponentResource):
    """Envoy, which signs with the role of its pods. Operators have no rights in the domain but that role's.

    The load balancer has asked who it is, and network policies let nobody else in. What is behind OpenSearch Dashboards, the API
    of the domain, is not reached this way.
    """

    role_arn: str
    """The role that asks the domain: what it may there, a role mapping says."""

    def __init__(self, name: str, args: LogSearchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:LogSearch", name, None, opts)
        self._args = args
        self._cluster = args.cluster
        context = args.cluster.region
        self.role_arn = service_role_arn(context.names, context.account_id, Party.LOGS, context.region)
        served = serve(
            args.cluster,
            LOG_SEARCH,
            args.target_group_arn,
            certificates=args.certificates,
            after=args.after,
            parent=self,
        )
        self._run(self._configure(), served)
        self.register_outputs({})

    def _configure(self) -> core.v1.ConfigMap:
        region = str(self._cluster.region.region)
        configuration = pulumi.Output.from_input(self._args.endpoint).apply(
            lambda host: bootstrap(SigningProxy(LOGS_TLS, host, region, TLS_FOLDER, LOG_SEARCH_POD.memory_mib))
        )
        return config_map(
            self._cluster,
            Party.LOGS,
            name=LOG_SEARCH.name,
            namespace=MONITORING,
            party=Party.LOGS,
            files={_FILE: configuration},
            parent=self,
            after=self._args.after,
        )

    def _run(self, configuration: core.v1.ConfigMap, after: Sequence[pulumi.Resource]) -> None:
        args = self._args
        Watcher(
            WatcherArgs(
                cluster=self._cluster,
                party=Party.LOGS,
                image=args.image,
                replicas=args.replicas,
                size=LOG_SEARCH_POD,
                port=Port("https", LOGS_TLS, LOG_SEARCH.health_path, "HTTPS"),
                arguments=arguments(f"{_FOLDER}/{_FILE}"),
                rights=[self._rights()],
                folders={
                    _FOLDER: {"name": "configuration", "config_map": {"name": configuration.metadata.name}},
                    TLS_FOLDER: {"name": "tls", "secret": {"secret_name": certificate_secret(Party.LOGS), "default_mode": 0o440}},
                },
                leave_seconds=_LEAVE_SECONDS,
                after=[*args.after, *after],
            ),
            self,
        )

    def _rights(self) -> Statement:
        """To ask the domain at all. For what, OpenSearch's own roles say (OpenSearch Service, "Fine-grained access control")."""
        return Statement(
            sid="AskDomain",
            actions=[f"es:ESHttp{method}" for method in ("Delete", "Get", "Head", "Patch", "Post", "Put")],
            resources=[pulumi.Output.concat(self._args.domain_arn, "/*")],
        )
