"""Amazon EKS: clusters, who may enter them, and what EKS installs."""

import base64

from mastertrade.offline.cloud.declaration import Declaration, Simulation, made_of
from mastertrade.values import Properties

__all__ = ["SIMULATIONS"]


def _cluster(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    number = declaration.hexadecimal(32, "endpoint").upper()
    issuer = f"https://oidc.eks.{declaration.region}.amazonaws.com/id/{number}"
    certificate = f"-----BEGIN CERTIFICATE-----\n{declaration.letters(64, 'authority')}\n-----END CERTIFICATE-----\n"
    return name, {
        "arn": declaration.arn(f"cluster/{name}"),
        "endpoint": f"https://{number}.gr7.{declaration.region}.eks.amazonaws.com",
        "certificateAuthority": {"data": base64.b64encode(certificate.encode()).decode()},
        "identities": [{"oidcs": [{"issuer": issuer}]}],
        "platformVersion": "eks.1",
        "status": "ACTIVE",
        "createdAt": "2025-01-01T00:00:00Z",
    }


def _access_entry(declaration: Declaration) -> tuple[str, Properties]:
    cluster, principal = declaration.text("clusterName"), declaration.text("principalArn")
    # an entry's ARN names the kind, account and name of its principal
    kind, _, name = principal.rpartition(":")[2].partition("/")
    resource = f"access-entry/{cluster}/{kind}/{declaration.account}/{name}/{declaration.uuid()}"
    return f"{cluster}:{principal}", {"accessEntryArn": declaration.arn(resource)}


def _access_policy(declaration: Declaration) -> tuple[str, Properties]:
    parts = [declaration.text(name) for name in ("clusterName", "principalArn", "policyArn")]
    return "#".join(parts), {}


def _add_on(declaration: Declaration) -> tuple[str, Properties]:
    cluster, name = declaration.text("clusterName"), declaration.text("addonName")
    return f"{cluster}:{name}", {"arn": declaration.arn(f"addon/{cluster}/{name}/{declaration.uuid()}")}


def _pod_identity(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"a-{declaration.letters(17, 'association')}"
    return id_, {
        "associationId": id_,
        "associationArn": declaration.arn(f"podidentityassociation/{declaration.text('clusterName')}/{id_}"),
        "externalId": f"{declaration.region}/{declaration.account}/{made_of(declaration.urn, 'external')[:16]}",
    }


SIMULATIONS: dict[str, Simulation] = {
    "aws:eks/cluster:Cluster": _cluster,
    "aws:eks/accessEntry:AccessEntry": _access_entry,
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": _access_policy,
    "aws:eks/addon:Addon": _add_on,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _pod_identity,
}
