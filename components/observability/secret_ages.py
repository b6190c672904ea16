"""How old secrets are: a CronJob that tells CloudWatch, from where Prometheus has it like everything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_kubernetes import batch, core

from components.policy_document import Statement
from components.secrets import secret_name
from components.workloads.identity import pod_identity
from components.workloads.objects import CONTAINER_SECURITY, POD_SECURITY, ClusterContext, labels, metadata
from components.workloads.scripts import config_map
from settings.capacity import SECRET_AGES_POD
from settings.node_pools import POOL_LABEL, NodePool
from settings.pod_traffic import MONITORING
from settings.traffic import Party

NAMESPACE = "MasterTrade/Secrets"
_SCRIPT = Path(__file__).with_name("secret_ages.sh")
_FOLDER = "/scripts"
_HOURLY = "20 * * * *"
_DEADLINE_SECONDS = 600


@dataclass(frozen=True)
class SecretAgesArgs:
    """What it is given. `after`: namespace, policies, nodes."""

    cluster: ClusterContext
    image: str
    after: Sequence[pulumi.Resource]


class SecretAges(pulumi.ComponentResource):
    """Sees names and dates of secrets, never a value."""

    def __init__(self, name: str, args: SecretAgesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:observability:SecretAges", name, None, opts)
        self._args = args
        self._cluster = args.cluster
        account = core.v1.ServiceAccount(
            self._logical(),
            metadata=metadata(Party.SECRET_AGES, MONITORING, Party.SECRET_AGES),
            automount_service_account_token=False,
            opts=self._after(),
        )
        identity = pod_identity(self._cluster, MONITORING, Party.SECRET_AGES, self._rights(), self)
        self._create_job(self._create_script(), [account, identity])
        self.register_outputs({})

    def _logical(self, *parts: str) -> str:
        return self._cluster.logical(Party.SECRET_AGES, *parts)

    def _after(self, *more: pulumi.Resource) -> pulumi.ResourceOptions:
        return self._cluster.child(self, [*self._args.after, *more])

    @property
    def _prefix(self) -> str:
        return f"{secret_name(self._cluster.region.names)}/"

    def _rights(self) -> list[Statement]:
        return [
            Statement(sid="ListSecrets", actions=["secretsmanager:ListSecrets"], resources=["*"]),
            Statement(
                sid="ReadDates",
                actions=["secretsmanager:ListSecretVersionIds"],
                resources=[self._cluster.region.arn("secretsmanager", f"secret:{self._prefix}*")],
            ),
            Statement(
                sid="TellAges",
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            ),
        ]

    def _create_script(self) -> core.v1.ConfigMap:
        return config_map(
            self._cluster,
            Party.SECRET_AGES,
            name=Party.SECRET_AGES,
            namespace=MONITORING,
            party=Party.SECRET_AGES,
            files={_SCRIPT.name: _SCRIPT.read_text(encoding="utf-8")},
            parent=self,
            after=self._args.after,
        )

    def _create_job(self, script: core.v1.ConfigMap, after: Sequence[pulumi.Resource]) -> None:
        batch.v1.CronJob(
            self._logical(),
            metadata=metadata(Party.SECRET_AGES, MONITORING, Party.SECRET_AGES),
            spec={
                "schedule": _HOURLY,
                "concurrency_policy": "Forbid",
                "starting_deadline_seconds": 600,
                "successful_jobs_history_limit": 1,
                "failed_jobs_history_limit": 1,
                "job_template": {
                    "spec": {
                        "backoff_limit": 1,
                        "active_deadline_seconds": _DEADLINE_SECONDS,
                        "template": {"metadata": {"labels": labels(Party.SECRET_AGES)}, "spec": self._pod(script)},
                    }
                },
            },
            opts=self._after(*after),
        )

    def _pod(self, script: core.v1.ConfigMap) -> core.v1.PodSpecArgsDict:
        size = {"cpu": f"{SECRET_AGES_POD.millicores}m", "memory": f"{SECRET_AGES_POD.memory_mib}Mi", "ephemeral-storage": "1Gi"}
        told = {
            "AWS_REGION": self._cluster.region.region,
            "PREFIX": self._prefix,
            "NAMESPACE": NAMESPACE,
            "HOME": "/tmp",  # noqa: S108 - the container's own
        }
        return {
            "service_account_name": Party.SECRET_AGES,
            "automount_service_account_token": False,
            "enable_service_links": False,
            "restart_policy": "Never",
            "security_context": POD_SECURITY,
            "node_selector": {POOL_LABEL: NodePool.GENERAL},
            "containers": [
                {
                    "name": Party.SECRET_AGES,
                    "image": self._args.image,
                    "command": ["sh", f"{_FOLDER}/{_SCRIPT.name}"],
                    "env": [{"name": name, "value": value} for name, value in told.items()],
                    "resources": {"requests": size, "limits": size},
                    "security_context": CONTAINER_SECURITY,
                    "volume_mounts": [
                        {"name": "script", "mount_path": _FOLDER, "read_only": True},
                        {"name": "scratch", "mount_path": "/tmp"},  # noqa: S108 - the container's own
                    ],
                }
            ],
            "volumes": [
                {"name": "script", "config_map": {"name": script.metadata.name}},
                {"name": "scratch", "empty_dir": {"size_limit": "64Mi"}},
            ],
        }
