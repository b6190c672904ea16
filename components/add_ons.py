"""EKS add-ons of a cluster, and the authority that signs certificates between its services."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.workloads.log_collection import LogCollection
from components.workloads.objects import ClusterContext
from settings.add_ons import AddOn

ISSUER = "services"
"""Signs the certificates of services: the cluster's own authority, whose key never leaves it."""
_AUTHORITY = "services-authority"
_AUTHORITY_LIFE, _AUTHORITY_RENEWAL = "43800h", "8760h"  # five years, renewed a year before


@dataclass(frozen=True)
class AddOnsArgs:
    """What the add-ons are given. `after`: the pools that their pods run on, and their network policies."""

    cluster: ClusterContext
    versions: Mapping[AddOn, str]
    collection: LogCollection
    after: Sequence[pulumi.Resource]


class AddOns(pulumi.ComponentResource):
    """Metrics for the autoscalers, certificates between services, secrets as files, logs of pods."""

    certificates: pulumi.Resource
    """What certificates wait for."""
    mounted_secrets: pulumi.Resource
    """What objects about mounted secrets wait for."""

    def __init__(self, name: str, args: AddOnsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("mastertrade:cluster:AddOns", name, None, opts)
        self._args = args
        self._cluster = args.cluster

        add_ons = {add_on: self._install(add_on) for add_on in AddOn}
        self.mounted_secrets = add_ons[AddOn.MOUNTED_SECRETS]
        self.certificates = self._create_authority(add_ons[AddOn.CERTIFICATES])
        self.register_outputs({})

    def _install(self, add_on: AddOn) -> aws.eks.Addon:
        return aws.eks.Addon(
            self._cluster.logical(add_on),
            cluster_name=self._cluster.cluster.name,
            addon_name=add_on,
            addon_version=self._args.versions[add_on],
            configuration_values=self._configuration(add_on),
            pod_identity_associations=self._args.collection.identities if add_on is AddOn.LOG_COLLECTION else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=self._args.after),
        )

    def _configuration(self, add_on: AddOn) -> str | None:
        if add_on is AddOn.LOG_COLLECTION:
            return self._args.collection.configuration
        return self._mounted_secrets() if add_on is AddOn.MOUNTED_SECRETS else None

    def _mounted_secrets(self) -> str:
        """The driver asks for its region here: the metadata service of a node does not answer pods. It runs on every node."""
        driver = {
            "enableSecretRotation": True,
            "rotationPollInterval": "3600s",
            # the tokens by which the provider becomes the pod whose secrets it reads
            "tokenRequests": [{"audience": "sts.amazonaws.com"}, {"audience": "pods.eks.amazonaws.com"}],
        }
        everywhere = [{"operator": "Exists"}]
        return json.dumps(
            {"awsRegion": self._cluster.region.region, "secrets-store-csi-driver": driver, "tolerations": everywhere}, sort_keys=True
        )

    def _create_authority(self, add_on: aws.eks.Addon) -> pulumi.Resource:
        """A certificate that signs itself, and the issuer that signs with it."""
        namespace, kind, version = AddOn.CERTIFICATES.namespace, "ClusterIssuer", "cert-manager.io/v1"
        itself = self._cluster.custom(
            "self-signed", version, kind, {"name": "self-signed"}, {"selfSigned": {}}, options=self._cluster.child(self, [add_on])
        )
        authority = self._cluster.custom(
            _AUTHORITY,
            version,
            "Certificate",
            {"name": _AUTHORITY, "namespace": namespace},
            {
                "isCA": True,
                "commonName": _AUTHORITY,
                "secretName": _AUTHORITY,
                "duration": _AUTHORITY_LIFE,
                "renewBefore": _AUTHORITY_RENEWAL,
                "privateKey": {"algorithm": "ECDSA", "size": 384, "rotationPolicy": "Never"},
                "issuerRef": {"group": "cert-manager.io", "kind": kind, "name": "self-signed"},
            },
            options=self._cluster.child(self, [itself]),
        )
        return self._cluster.custom(
            ISSUER, version, kind, {"name": ISSUER}, {"ca": {"secretName": _AUTHORITY}}, options=self._cluster.child(self, [authority])
        )
