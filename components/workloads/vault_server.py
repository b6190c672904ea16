"""Vault's members: a StatefulSet with integrated storage over the zones, unsealed by KMS."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, core, policy, rbac

from components.nodes import STORAGE_CLASS
from components.workloads.certificates import certificate_secret, create_certificate, service_hosts
from components.workloads.contract import TLS_FOLDER
from components.workloads.objects import CONTAINER_SECURITY, POD_SECURITY, ClusterContext, labels, metadata
from components.workloads.pods import HOST_LABEL, ZONE_LABEL
from components.workloads.scripts import config_map
from settings.capacity import VAULT_POD
from settings.model import VaultSettings
from settings.node_pools import POOL_LABEL, NodePool
from settings.pod_traffic import NAME_LABEL, VAULT
from settings.traffic import VAULT_API, VAULT_CLUSTER, Party

MEMBERS = "vault-internal"
"""Headless service: a name for each member, ready or not."""
_DATA_FOLDER, _CONFIGURATION_FOLDER = "/vault/data", "/vault/config"
_CONFIGURATION = f"""\
ui = false
# Integrated storage maps its file into memory, and locking that would count it twice (Vault documentation, "disable_mlock")
disable_mlock = true

listener "tcp" {{
  address         = "0.0.0.0:{VAULT_API}"
  cluster_address = "0.0.0.0:{VAULT_CLUSTER}"
  tls_cert_file   = "{TLS_FOLDER}/tls.crt"
  tls_key_file    = "{TLS_FOLDER}/tls.key"
  tls_min_version = "tls12"

  # counts and states, no secret: read without a token, which would have to be kept somewhere
  telemetry {{
    unauthenticated_metrics_access = true
  }}
}}

# Kept for the next readings of Prometheus; names of hosts are labels that it sets itself
telemetry {{
  prometheus_retention_time = "5m"
  disable_hostname          = true
}}

# The key and its region are in the environment
seal "awskms" {{}}

storage "raft" {{
  path = "{_DATA_FOLDER}"
{{joins}}}}
"""


def member_host(number: int) -> str:
    """`vault-0.vault-internal.vault.svc`."""
    return f"{Party.VAULT}-{number}.{MEMBERS}.{VAULT}.svc"


@dataclass(frozen=True)
class VaultServerArgs:
    """What the members are given. `after`: namespace, policies, and the role of their pods."""

    cluster: ClusterContext
    settings: VaultSettings
    image: str
    key_arn: pulumi.Input[str]
    certificates: pulumi.Resource
    after: Sequence[pulumi.Resource]


class VaultServer:
    """The objects of Vault itself, made as children of the component that they are given."""

    def __init__(self, args: VaultServerArgs, parent: pulumi.Resource) -> None:
        self._args = args
        self._cluster = args.cluster
        self._parent = parent

        account = self._create_account()
        certificate = self._create_certificate()
        configuration = self._create_configuration()
        self._create_services()
        self.workload = self._create_members([account, certificate], configuration)
        self._keep_available()

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return self._cluster.child(self._parent, [*self._args.after, *after])

    def _logical(self, *parts: str) -> str:
        return self._cluster.logical("vault", *parts)

    def _create_account(self) -> core.v1.ServiceAccount:
        """May ask the API server whose a token is: by that Vault knows who calls."""
        account = core.v1.ServiceAccount(self._logical(), metadata=metadata(Party.VAULT, VAULT), opts=self._child())
        rbac.v1.ClusterRoleBinding(
            self._logical("token-review"),
            metadata=metadata("vault-token-review", party=Party.VAULT),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
            subjects=[{"kind": "ServiceAccount", "name": Party.VAULT, "namespace": VAULT}],
            opts=self._child(account),
        )
        return account

    def _create_certificate(self) -> pulumi.Resource:
        members = [member_host(number) for number in range(self._args.settings.replicas)]
        return create_certificate(
            self._cluster,
            Party.VAULT,
            VAULT,
            [*service_hosts(Party.VAULT, VAULT), *members, "localhost"],
            parent=self._parent,
            after=[self._args.certificates, *self._args.after],
        )

    def _create_configuration(self) -> core.v1.ConfigMap:
        joins = "".join(
            "\n  retry_join {\n"
            f'    leader_api_addr       = "https://{member_host(number)}:{VAULT_API}"\n'
            f'    leader_tls_servername = "{member_host(number)}"\n'
            f'    leader_ca_cert_file   = "{TLS_FOLDER}/ca.crt"\n'
            "  }\n"
            for number in range(self._args.settings.replicas)
        )
        return config_map(
            self._cluster,
            "vault-configuration",
            name="vault-configuration",
            namespace=VAULT,
            party=Party.VAULT,
            files={"vault.hcl": _CONFIGURATION.replace("{joins}", joins)},
            parent=self._parent,
            after=self._args.after,
        )

    def _create_services(self) -> None:
        """One for callers, who get members that answer; one for members, who find each other before anyone answers."""
        ports: list[core.v1.ServicePortArgsDict] = [{"name": "https", "port": VAULT_API, "target_port": VAULT_API, "protocol": "TCP"}]
        stated = metadata(Party.VAULT, VAULT)
        stated["annotations"] = {"pulumi.com/skipAwait": "true"}  # nobody answers until Vault is initialised
        core.v1.Service(self._logical(), metadata=stated, spec={"selector": {NAME_LABEL: Party.VAULT}, "ports": ports}, opts=self._child())
        core.v1.Service(
            self._logical("members"),
            metadata=metadata(MEMBERS, VAULT, Party.VAULT),
            spec={
                "cluster_ip": "None",
                "publish_not_ready_addresses": True,
                "selector": {NAME_LABEL: Party.VAULT},
                "ports": [*ports, {"name": "cluster", "port": VAULT_CLUSTER, "target_port": VAULT_CLUSTER, "protocol": "TCP"}],
            },
            opts=self._child(),
        )

    def _create_members(self, after: Sequence[pulumi.Resource], configuration: core.v1.ConfigMap) -> apps.v1.StatefulSet:
        settings = self._args.settings
        stated = metadata(Party.VAULT, VAULT)
        # members become ready once they are initialised, which their running comes before
        stated["annotations"] = {"pulumi.com/skipAwait": "true"}
        return apps.v1.StatefulSet(
            self._logical(),
            metadata=stated,
            spec={
                "replicas": settings.replicas,
                "service_name": MEMBERS,
                "pod_management_policy": "Parallel",
                "selector": {"match_labels": {NAME_LABEL: Party.VAULT}},
                "update_strategy": {"type": "RollingUpdate"},
                "template": {"metadata": {"labels": labels(Party.VAULT)}, "spec": self._pod(configuration)},
                "volume_claim_templates": [
                    {
                        "metadata": {"name": "data"},
                        "spec": {
                            "access_modes": ["ReadWriteOnce"],
                            "storage_class_name": STORAGE_CLASS,
                            "resources": {"requests": {"storage": f"{settings.storage_gib}Gi"}},
                        },
                    }
                ],
                "persistent_volume_claim_retention_policy": {"when_deleted": "Retain", "when_scaled": "Retain"},
            },
            opts=pulumi.ResourceOptions.merge(self._child(*after), pulumi.ResourceOptions(protect=self._cluster.region.protect)),
        )

    def _pod(self, configuration: core.v1.ConfigMap) -> core.v1.PodSpecArgsDict:
        return {
            "service_account_name": Party.VAULT,
            "enable_service_links": False,
            "security_context": POD_SECURITY,
            "node_selector": {POOL_LABEL: NodePool.GENERAL},
            "topology_spread_constraints": [self._spread(ZONE_LABEL), self._spread(HOST_LABEL)],
            "termination_grace_period_seconds": 30,
            "containers": [self._container()],
            "volumes": [
                {"name": "configuration", "config_map": {"name": configuration.metadata.name}},
                {"name": "tls", "secret": {"secret_name": certificate_secret(Party.VAULT), "default_mode": 0o440}},
                {"name": "scratch", "empty_dir": {"size_limit": "64Mi"}},
            ],
        }

    def _spread(self, over: str) -> core.v1.TopologySpreadConstraintArgsDict:
        return {
            "topology_key": over,
            "max_skew": 1,
            "when_unsatisfiable": "DoNotSchedule",
            "label_selector": {"match_labels": {NAME_LABEL: Party.VAULT}},
        }

    def _container(self) -> core.v1.ContainerArgsDict:
        size = {"cpu": f"{VAULT_POD.millicores}m", "memory": f"{VAULT_POD.memory_mib}Mi"}
        return {
            "name": Party.VAULT,
            "image": self._args.image,
            # past the image's own script, which wants to be root
            "command": ["vault", "server", f"-config={_CONFIGURATION_FOLDER}"],
            "env": self._environment(),
            "ports": [{"name": "https", "container_port": VAULT_API}, {"name": "cluster", "container_port": VAULT_CLUSTER}],
            "resources": {"requests": size, "limits": size},
            "security_context": CONTAINER_SECURITY,
            "startup_probe": {"tcp_socket": {"port": "https"}, "period_seconds": 2, "failure_threshold": 60},
            "readiness_probe": {
                "http_get": {"path": "/v1/sys/health?standbyok=true", "port": "https", "scheme": "HTTPS"},
                "period_seconds": 5,
                "timeout_seconds": 3,
                "failure_threshold": 3,
            },
            # a member that is sealed or not initialised is not helped by a new start
            "liveness_probe": {
                "http_get": {"path": "/v1/sys/health?standbyok=true&uninitcode=204&sealedcode=204", "port": "https", "scheme": "HTTPS"},
                "period_seconds": 10,
                "timeout_seconds": 3,
                "failure_threshold": 6,
            },
            # until its leaving has reached the others, who then choose a leader
            "lifecycle": {"pre_stop": {"sleep": {"seconds": 5}}},
            "volume_mounts": [
                {"name": "data", "mount_path": _DATA_FOLDER},
                {"name": "configuration", "mount_path": _CONFIGURATION_FOLDER, "read_only": True},
                {"name": "tls", "mount_path": TLS_FOLDER, "read_only": True},
                {"name": "scratch", "mount_path": "/tmp"},  # noqa: S108 - the container's own
            ],
        }

    def _environment(self) -> list[core.v1.EnvVarArgsDict]:
        host = f"$(POD_NAME).{MEMBERS}.{VAULT}.svc"
        plain: dict[str, pulumi.Input[str]] = {
            "AWS_REGION": self._cluster.region.region,
            "VAULT_AWSKMS_SEAL_KEY_ID": self._args.key_arn,
            "VAULT_RAFT_NODE_ID": "$(POD_NAME)",
            "VAULT_API_ADDR": f"https://{host}:{VAULT_API}",
            "VAULT_CLUSTER_ADDR": f"https://{host}:{VAULT_CLUSTER}",
            "VAULT_ADDR": f"https://localhost:{VAULT_API}",
            "VAULT_CACERT": f"{TLS_FOLDER}/ca.crt",
            "HOME": "/tmp",  # noqa: S108 - the container's own
        }
        pod_name: core.v1.EnvVarArgsDict = {
            "name": "POD_NAME",
            "value_from": {"field_ref": {"api_version": "v1", "field_path": "metadata.name"}},
        }
        return [pod_name, *({"name": name, "value": value} for name, value in plain.items())]

    def _keep_available(self) -> None:
        """One member may be away; two of three make the majority."""
        policy.v1.PodDisruptionBudget(
            self._logical(),
            metadata=metadata(Party.VAULT, VAULT),
            spec={
                "selector": {"match_labels": {NAME_LABEL: Party.VAULT}},
                "max_unavailable": 1,
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
            },
            opts=self._child(),
        )
