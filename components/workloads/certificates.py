"""Certificates between services: one for each, renewed by cert-manager in the place where it is mounted.

A pod starts with thirty days left at least, and its node ends after fifteen (`components/nodes.py`): nobody has to notice that
a certificate was renewed.
"""

from collections.abc import Sequence

import pulumi

from components.add_ons import ISSUER
from components.workloads.objects import ClusterContext, metadata
from settings.traffic import Peer

_LIFE, _RENEWAL = "960h", "720h"  # forty days, renewed thirty days before


def certificate_secret(party: Peer) -> str:
    """The Secret with `tls.crt`, `tls.key` and `ca.crt`, which cert-manager keeps up to date."""
    return f"{party}-tls"


def create_certificate(
    cluster: ClusterContext, party: Peer, namespace: str, hosts: Sequence[str], *, parent: pulumi.Resource, after: Sequence[pulumi.Resource]
) -> pulumi.Resource:
    """A certificate for a party's hosts, as server and as client."""
    return cluster.custom(
        f"{party}-certificate",
        "cert-manager.io/v1",
        "Certificate",
        metadata(f"{party}-tls", namespace, party),
        {
            "secretName": certificate_secret(party),
            "commonName": party,
            "dnsNames": list(hosts),
            "duration": _LIFE,
            "renewBefore": _RENEWAL,
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "usages": ["digital signature", "server auth", "client auth"],
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": ISSUER},
        },
        options=cluster.child(parent, after),
    )


def service_hosts(name: str, namespace: str) -> list[str]:
    """Names under which a Kubernetes service is called."""
    return [name, f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.svc.cluster.local"]
