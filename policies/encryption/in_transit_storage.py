"""Controls of how stored data is reached: buckets, file systems and what mounts them."""

import fnmatch
import json
import re
from collections.abc import Iterator
from typing import Any, cast

from policies.encryption.in_transit_family import Rows, chosen, moved
from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.documents import Condition, Document, Statement, allows_action, document
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_STORAGE"]

_SECURE = "aws:securetransport"
_EQUALS = ("bool", "stringequals", "stringequalsignorecase", "stringlike")


def _is_plain(condition: Condition) -> bool:
    """Whether requests without TLS, and no others that matter, meet a condition.

    A request without TLS has no `s3:TlsVersion`: a comparison with that meets it only where it says so.
    """
    values = [each.lower() for each in condition.values]
    if condition.key == _SECURE:
        return condition.operator in _EQUALS and values == ["false"]
    if condition.key == "s3:tlsversion":
        if condition.operator == "null":
            return values == ["true"]
        return condition.operator == "numericlessthan" and condition.can_be_skipped
    return False


def _spares_services(condition: Condition) -> bool:
    """Whether a condition only leaves AWS's own services out, which speak TLS always."""
    return (
        condition.operator == "bool"
        and condition.key in ("aws:principalisawsservice", "aws:viaawsservice")
        and condition.values == ("false",)
    )


def _refuses_plain(statement: Statement) -> bool:
    """Whether a denying statement meets everybody who comes without TLS."""
    conditions = [each for each in statement.conditions if not _spares_services(each)]
    return statement.names_everybody and not statement.not_principals and len(conditions) == 1 and _is_plain(conditions[0])


_UNKNOWN = "?unknown?"
_OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
_BUCKETS = ("s3:ListBucket",)


def _covers(statement: Statement, bucket: str, *, objects: bool) -> bool:
    """Whether a statement's resources are the bucket, or all of its objects. Without the bucket's name, any name may be it."""
    if statement.not_resources:
        return False
    for stated in statement.resources:
        if stated in (_UNKNOWN, "*"):
            return True
        name = stated.rpartition(":::")[2]
        if bucket and ":::" in stated:
            if fnmatch.fnmatchcase(f"{bucket}/a/key" if objects else bucket, name.replace("[", "[[]")):
                return True
        elif re.fullmatch(r"[^/]*(/\*|\*)" if objects else r"[^/]+", name):
            return True
    return False


def _refuses_http(found: Document, bucket: str) -> bool:
    """Whether everybody is denied to list, read, write and delete without TLS."""
    refusing = [each for each in found.denying() if _refuses_plain(each)]
    return all(
        any(allows_action(statement, action) and _covers(statement, bucket, objects=objects) for statement in refusing)
        for actions, objects in ((_OBJECTS, True), (_BUCKETS, False))
        for action in actions
    )


def _bucket(resource: Resource) -> Findings:
    policies = [(resource, "policy")] if resource.has("policy") else []
    policies += [(each, "policy") for each in resource.stack.companions(resource, "aws:s3/bucketPolicy:BucketPolicy", by="bucket")]
    name = resource.text("bucket") if resource.is_known("bucket") else ""
    for owner, path in policies:
        found = document(owner, path)
        if found is not None and _refuses_http(found, name):
            return
    wanted = "a statement that denies s3:* to everybody where aws:SecureTransport is false, on the bucket and on its objects"
    yield Finding("policy", wanted, found="a bucket policy without it" if policies else "no bucket policy")


def _file_system_policy(resource: Resource) -> Findings:
    found = document(resource, "policy")
    if found is None:
        return
    denies = any(_refuses_plain(each) and allows_action(each, "elasticfilesystem:ClientMount") for each in found.denying())
    allowing = list(found.allowing())
    only_by_tls = bool(allowing) and all(
        any(
            each.key == _SECURE and each.operator in _EQUALS and each.values == ("true",) and not each.can_be_skipped
            for each in statement.conditions
        )
        for statement in allowing
    )
    if not denies and not only_by_tls:
        yield Finding(
            "policy", "a statement that denies everybody everything where aws:SecureTransport is false", found="no such statement"
        )


def _mounts(resource: Resource) -> Findings:
    for path, mount in _file_systems(resource):
        if mount.text("transitEncryption", "DISABLED").upper() != "ENABLED":
            yield Finding(
                path, "transitEncryption ENABLED", found=mount.text("transitEncryption") or "no transitEncryption: it is off by default"
            )


def _file_systems(resource: Resource) -> Iterator[tuple[str, Block]]:
    """Mounts of EFS in a definition of tasks or jobs; those of jobs stand in JSON texts."""
    if resource.type == "aws:ecs/taskDefinition:TaskDefinition":
        for number, volume in enumerate(resource.blocks("volumes")):
            if volume.has("efsVolumeConfiguration"):
                yield f"volumes.{number}.efsVolumeConfiguration", volume.block("efsVolumeConfiguration")
        return
    for path in ("containerProperties", "ecsProperties", "nodeProperties"):
        for mount in _found(_json(resource, path), "efsvolumeconfiguration"):
            yield path, Block({"transitEncryption": mount.get("transitEncryption", mount.get("TransitEncryption"))}, path)


def _json(resource: Resource, path: str) -> Any:
    value = resource.value(path)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise MisshapenError(resource.at(path), "JSON") from None


def _found(value: Any, key: str) -> Iterator[dict[str, Any]]:
    """Every mapping that stands under a name, however deep."""
    pending: list[Any] = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, list):
            pending += cast("list[Any]", current)
        elif isinstance(current, dict):
            for name, each in cast("dict[str, Any]", current).items():
                if name.lower() == key and isinstance(each, dict):
                    yield cast("dict[str, Any]", each)
                pending.append(each)


def _volume(resource: Resource) -> Findings:
    csi = resource.block("spec.csi")
    if csi.text("driver") == "efs.csi.aws.com":
        # the driver mounts by TLS unless told otherwise
        if not csi.flag("volumeAttributes.encryptInTransit", default=True):
            yield Finding("spec.csi.volumeAttributes.encryptInTransit", '"true"')
    elif re.search(r"\.efs\..*amazonaws\.com", resource.text("spec.nfs.server")):
        yield Finding("spec.nfs.server", "the driver efs.csi.aws.com, which mounts by TLS")


_LOCATIONS: Rows = {
    "aws:datasync/efsLocation:EfsLocation": (("inTransitEncryption", ("tls1_2",), "NONE"),),
    "aws:datasync/locationObjectStorage:LocationObjectStorage": (("serverProtocol", ("https",), "HTTPS"),),
    "aws:datasync/locationHdfs:LocationHdfs": (
        ("qopConfiguration.rpcProtection", ("privacy",), "PRIVACY"),
        ("qopConfiguration.dataTransferProtection", ("privacy",), "PRIVACY"),
    ),
}


def _gateway(resource: Resource) -> Findings:
    if resource.text("gatewayType", "STORED").upper() not in ("FILE_S3", "FILE_FSX_SMB"):
        raise NotApplicableError("it serves no file shares by SMB")
    strategy = resource.text("smbSecurityStrategy")
    if strategy and not strategy.lower().startswith("mandatoryencryption"):
        yield Finding("smbSecurityStrategy", "MandatoryEncryption")


def _website(resource: Resource) -> Findings:
    if resource.text("redirectAllRequestsTo.protocol").lower() == "http":
        yield Finding("redirectAllRequestsTo.protocol", "https")
    for number, rule in enumerate(resource.blocks("routingRules")):
        if rule.text("redirect.protocol").lower() == "http":
            yield Finding(f"routingRules.{number}.redirect.protocol", "https")


IN_TRANSIT_STORAGE = (
    moved(
        "enc-s3-plain-http",
        "Buckets refuse plain HTTP",
        ("aws:s3/bucket:Bucket",),
        _bucket,
        "AmazonS3/latest/userguide/security-best-practices.html",
        "Add the statement to the bucket's policy.",
    ),
    moved(
        "enc-s3-website-redirect",
        "Websites redirect to HTTPS only",
        ("aws:s3/bucketWebsiteConfiguration:BucketWebsiteConfiguration",),
        _website,
        "AmazonS3/latest/userguide/how-to-page-redirect.html",
        "Set the protocol of redirects to https.",
        severity=Severity.LOW,
    ),
    moved(
        "enc-efs-policy-transit",
        "Policies of file systems refuse clients without TLS",
        ("aws:efs/fileSystemPolicy:FileSystemPolicy",),
        _file_system_policy,
        "efs/latest/ug/security_iam_resource-based-policy-examples.html",
        "Add the statement to the policy.",
    ),
    moved(
        "enc-efs-mount-transit",
        "File systems are mounted by TLS",
        ("aws:ecs/taskDefinition:TaskDefinition", "aws:batch/jobDefinition:JobDefinition"),
        _mounts,
        "AmazonECS/latest/developerguide/specify-efs-config.html",
        "Set transitEncryption of each EFS volume to ENABLED.",
    ),
    moved(
        "enc-k8s-efs-transit",
        "Pods mount file systems by TLS",
        ("kubernetes:core:PersistentVolume",),
        _volume,
        "eks/latest/userguide/efs-csi.html",
        "Use the driver efs.csi.aws.com and leave encryptInTransit at true.",
    ),
    moved(
        "enc-datasync-transit",
        "Locations of DataSync are reached by TLS",
        tuple(_LOCATIONS),
        chosen(_LOCATIONS, upper=True),
        "datasync/latest/userguide/encryption-in-transit.html",
        "Set inTransitEncryption to TLS1_2, serverProtocol to HTTPS, or both protections of HDFS to PRIVACY.",
    ),
    moved(
        "enc-storagegateway-smb",
        "File gateways ask clients for encryption",
        ("aws:storagegateway/gateway:Gateway",),
        _gateway,
        "filegateway/latest/files3/security-strategy.html",
        "Set smbSecurityStrategy to MandatoryEncryption.",
        severity=Severity.MEDIUM,
    ),
)
