"""What is done to Vault without a person: initialisation, once, and snapshots, regularly. The scripts are in `vault/`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_kubernetes import batch, core, meta

from components.workloads.certificates import certificate_secret
from components.workloads.contract import TLS_FOLDER, VAULT_FOLDER
from components.workloads.objects import CONTAINER_SECURITY, POD_SECURITY, ClusterContext, labels, metadata
from components.workloads.scripts import config_map, files_in, named_after_content
from components.workloads.vault_server import member_host
from settings.model import VaultSettings
from settings.node_pools import POOL_LABEL, NodePool
from settings.pod_traffic import VAULT
from settings.traffic import VAULT_API, Party

_FOLDER = Path(__file__).with_name("vault")
_SCRIPTS_FOLDER, _SHARED_FOLDER = "/scripts", "/run/shared"
_INITIALISATION_SECONDS = 3600  # nodes have to start and volumes to be made first
_ATTEMPTS = 20


@dataclass(frozen=True)
class VaultOperationsArgs:
    """What the operations are given. `after`: namespace, policies, role, and Vault's own objects."""

    cluster: ClusterContext
    settings: VaultSettings
    vault_image: str
    aws_cli_image: str
    recovery_secret: pulumi.Input[str]
    snapshot_bucket: pulumi.Input[str]
    after: Sequence[pulumi.Resource]


class VaultOperations:
    """A Job that initialises Vault and a CronJob that takes its snapshots, as children of the component that they are given."""

    def __init__(self, args: VaultOperationsArgs, parent: pulumi.Resource) -> None:
        self._args = args
        self._cluster = args.cluster
        self._parent = parent
        self._files = files_in(_FOLDER, ".sh", ".hcl")

        account = core.v1.ServiceAccount(
            self._logical(), metadata=self._metadata(), automount_service_account_token=False, opts=self._child()
        )
        scripts = config_map(
            self._cluster,
            Party.VAULT_OPERATIONS,
            name="vault-scripts",
            namespace=VAULT,
            party=Party.VAULT_OPERATIONS,
            files=self._files,
            parent=parent,
            after=args.after,
        )
        self._scripts = scripts.metadata.name
        self._initialise(account)
        self._take_snapshots(account)

    def _logical(self, *parts: str) -> str:
        return self._cluster.logical(Party.VAULT_OPERATIONS, *parts)

    def _metadata(self, name: str = Party.VAULT_OPERATIONS) -> meta.v1.ObjectMetaArgsDict:
        return metadata(name, VAULT, Party.VAULT_OPERATIONS)

    def _child(self, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        return self._cluster.child(self._parent, [*self._args.after, *after])

    def _initialise(self, account: pulumi.Resource) -> None:
        """Four steps in one pod, which share memory: broken off, the step that broke begins again."""
        stated = self._metadata(named_after_content("vault-initialisation", self._files))
        # Vault's members may wait long for their nodes: what became of it, `kubectl get jobs -n vault` says
        stated["annotations"] = {"pulumi.com/skipAwait": "true"}
        batch.v1.Job(
            self._logical("initialisation"),
            metadata=stated,
            spec={
                "backoff_limit": _ATTEMPTS,
                "active_deadline_seconds": _INITIALISATION_SECONDS,
                "template": self._template(
                    restart="OnFailure",
                    shared={"medium": "Memory", "size_limit": "16Mi"},  # keys in plain touch no disk
                    before=[self._aws("prove"), self._vault("initialise"), self._aws("keep")],
                    last=self._vault("configure"),
                ),
            },
            opts=self._child(account),
        )

    def _take_snapshots(self, account: pulumi.Resource) -> None:
        minutes = self._args.settings.snapshot_interval_minutes
        batch.v1.CronJob(
            self._logical("snapshots"),
            metadata=self._metadata("vault-snapshots"),
            spec={
                "schedule": "0 * * * *" if minutes == 60 else f"*/{minutes} * * * *",  # noqa: PLR2004 - minutes of an hour
                "concurrency_policy": "Forbid",
                "starting_deadline_seconds": 120,
                "successful_jobs_history_limit": 1,
                "failed_jobs_history_limit": 3,
                "job_template": {
                    "spec": {
                        "backoff_limit": 1,
                        "active_deadline_seconds": 240,
                        "template": self._template(
                            restart="Never", shared={"size_limit": "2Gi"}, before=[self._vault("snapshot")], last=self._aws("upload")
                        ),
                    }
                },
            },
            opts=self._child(account),
        )

    def _template(
        self,
        *,
        restart: str,
        shared: core.v1.EmptyDirVolumeSourceArgsDict,
        before: Sequence[core.v1.ContainerArgsDict],
        last: core.v1.ContainerArgsDict,
    ) -> core.v1.PodTemplateSpecArgsDict:
        token: core.v1.VolumeProjectionArgsDict = {
            "service_account_token": {"audience": "vault", "expiration_seconds": 600, "path": "token"}
        }
        return {
            "metadata": {"labels": labels(Party.VAULT_OPERATIONS)},
            "spec": {
                "service_account_name": Party.VAULT_OPERATIONS,
                "automount_service_account_token": False,
                "enable_service_links": False,
                "restart_policy": restart,
                "security_context": POD_SECURITY,
                "node_selector": {POOL_LABEL: NodePool.GENERAL},
                "init_containers": before,
                "containers": [last],
                "volumes": [
                    {"name": "scripts", "config_map": {"name": self._scripts}},
                    {"name": "shared", "empty_dir": shared},
                    {"name": "scratch", "empty_dir": {"size_limit": "64Mi"}},
                    # the authority's certificate and nothing else of the secret
                    {
                        "name": "tls",
                        "secret": {
                            "secret_name": certificate_secret(Party.VAULT),
                            "default_mode": 0o440,
                            "items": [{"key": "ca.crt", "path": "ca.crt"}],
                        },
                    },
                    {"name": "token", "projected": {"sources": [token]}},
                ],
            },
        }

    def _vault(self, script: str) -> core.v1.ContainerArgsDict:
        # members forward to their leader; until there is one, the first member is asked
        host = member_host(0) if script == "initialise" else f"{Party.VAULT}.{VAULT}.svc"
        environment: dict[str, pulumi.Input[str]] = {
            "VAULT_ADDR": f"https://{host}:{VAULT_API}",
            "VAULT_CACERT": f"{TLS_FOLDER}/ca.crt",
            "POLICIES": _SCRIPTS_FOLDER,
        }
        if script == "initialise":
            members = [f"https://{member_host(number)}:{VAULT_API}" for number in range(self._args.settings.replicas)]
            environment["MEMBERS"] = " ".join(members)
        return self._container(script, self._args.vault_image, environment)

    def _aws(self, script: str) -> core.v1.ContainerArgsDict:
        environment: dict[str, pulumi.Input[str]] = {
            "AWS_REGION": self._cluster.region.region,
            "RECOVERY_SECRET": self._args.recovery_secret,
            "SNAPSHOT_BUCKET": self._args.snapshot_bucket,
        }
        return self._container(script, self._args.aws_cli_image, environment)

    def _container(self, script: str, image: str, environment: dict[str, pulumi.Input[str]]) -> core.v1.ContainerArgsDict:
        size = {"cpu": "200m", "memory": "512Mi"}
        told = {**environment, "SHARED": _SHARED_FOLDER, "HOME": "/tmp"}  # noqa: S108 - the container's own
        mounts: list[core.v1.VolumeMountArgsDict] = [
            {"name": name, "mount_path": folder, "read_only": True}
            for name, folder in (("scripts", _SCRIPTS_FOLDER), ("tls", TLS_FOLDER), ("token", VAULT_FOLDER))
        ]
        return {
            "name": script,
            "image": image,
            "command": ["sh", f"{_SCRIPTS_FOLDER}/{script}.sh"],
            "env": [{"name": name, "value": value} for name, value in told.items()],
            "resources": {"requests": size, "limits": size},
            "security_context": CONTAINER_SECURITY,
            "volume_mounts": [
                *mounts,
                {"name": "shared", "mount_path": _SHARED_FOLDER},
                {"name": "scratch", "mount_path": "/tmp"},  # noqa: S108 - the container's own
            ],
        }
