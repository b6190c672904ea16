"""Controls of what is shared: snapshots, images, documents, objects, and the blocks that keep them from becoming public."""

from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["SHARING"]

_EVERYBODY = "all"


def _snapshot(resource: Resource) -> Findings:
    if any(each.lower() == _EVERYBODY for each in resource.texts("sharedAccounts")):
        yield Finding("sharedAccounts", "the IDs of accounts", found="everybody")


def _image(resource: Resource) -> Findings:
    if resource.type == "aws:ec2/amiLaunchPermission:AmiLaunchPermission":
        if resource.text("group").lower() == _EVERYBODY:
            yield Finding("group", "accountId, organizationArn or organizationalUnitArn", found="everybody")
        return
    path = "amiDistributionConfiguration.launchPermission.userGroups"
    for number, each in enumerate(resource.blocks("distributions")):
        if any(group.lower() == _EVERYBODY for group in each.texts(path)):
            yield Finding(f"distributions.{number}.{path}", "accounts or organizations", found="everybody")


_SHARING_SETTING = "/ssm/documents/console/public-sharing-permission"


def _ssm_document(resource: Resource) -> Findings:
    if resource.type == "aws:ssm/serviceSetting:ServiceSetting":
        if not resource.text("settingId").endswith(_SHARING_SETTING):
            raise NotApplicableError("it is another setting")
        if resource.text("settingValue").lower() != "disable":
            yield Finding("settingValue", "Disable")
        return
    for name in ("account_ids", "accountIds"):
        path = f"permissions.{name}"
        if any(each.strip().lower() == _EVERYBODY for text in resource.texts(path) for each in text.split(",")):
            yield Finding(path, "the IDs of accounts", found="everybody")


_STATES = {
    "aws:ebs/snapshotBlockPublicAccess:SnapshotBlockPublicAccess": ("block-all-sharing", "block-new-sharing"),
    "aws:ec2/imageBlockPublicAccess:ImageBlockPublicAccess": ("block-new-sharing",),
}


def _sharing_block(resource: Resource) -> Findings:
    good = _STATES[resource.type]
    if resource.text("state", "unblocked").lower() not in good:
        yield Finding("state", good[0])


_LOGGING = "aws:s3/bucketLogging:BucketLogging"
_ACLS = {
    "aws:s3/bucketObject:BucketObject": "acl",
    "aws:s3/bucketObjectv2:BucketObjectv2": "acl",
    "aws:s3/objectCopy:ObjectCopy": "acl",
    "aws:storagegateway/nfsFileShare:NfsFileShare": "objectAcl",
    "aws:storagegateway/smbFileShare:SmbFileShare": "objectAcl",
    _LOGGING: "",
}
_STRANGERS = ("/AllUsers", "/AuthenticatedUsers")


def _object_acl(resource: Resource) -> Findings:
    if resource.type == _LOGGING:
        for number, grant in enumerate(resource.blocks("targetGrants")):
            if grant.text("grantee.uri").endswith(_STRANGERS):
                yield Finding(f"targetGrants.{number}.grantee.uri", "grants to named accounts")
        return
    path = _ACLS[resource.type]
    if resource.text(path).lower().startswith(("public-", "authenticated-read", "aws-exec-read")):
        yield Finding(path, "private")
    for number, grant in enumerate(resource.blocks("grants")):
        if grant.text("uri").endswith(_STRANGERS):
            yield Finding(f"grants.{number}.uri", "grants to named accounts")


def _external_shares(resource: Resource) -> Findings:
    if resource.flag("allowExternalPrincipals"):
        yield Finding("allowExternalPrincipals", "false")


def _layer(resource: Resource) -> Findings:
    if resource.text("principal") == "*" and not resource.has("organizationId"):
        yield Finding("principal", "the ID of an account, or * together with organizationId")


def _builds(resource: Resource) -> Findings:
    if resource.text("projectVisibility", "PRIVATE").upper() == "PUBLIC_READ":
        yield Finding("projectVisibility", "PRIVATE")


def _transit(resource: Resource) -> Findings:
    if resource.text("autoAcceptSharedAttachments", "disable").lower() == "enable":
        yield Finding("autoAcceptSharedAttachments", "disable")


_ENDPOINT_SERVICE = "aws:ec2/vpcEndpointService:VpcEndpointService"


def _endpoint_service(resource: Resource) -> Findings:
    """Everybody may ask for a connection only where somebody accepts it."""
    if resource.type == _ENDPOINT_SERVICE:
        if _accepts(resource, resource.texts("allowedPrincipals")):
            yield Finding("allowedPrincipals", "named principals, or acceptanceRequired true")
        return
    if resource.text("principalArn") != "*":
        return
    services = [each for each in resource.stack.of_type(_ENDPOINT_SERVICE) if resource.stack.refers(resource, "vpcEndpointServiceId", each)]
    if not services or any(_accepts(each, ("*",)) for each in services):
        yield Finding("principalArn", "a named principal")


def _accepts(service: Block, principals: tuple[str, ...]) -> bool:
    return "*" in principals and not service.flag("acceptanceRequired")


def _origins(resource: Resource) -> Findings:
    for number, each in enumerate(resource.blocks("origins")):
        # every origin but a bucket has a configuration of its own; a bucket's website has one, too
        if each.has("customOriginConfig") or each.has("vpcOriginConfig"):
            continue
        if not each.has("originAccessControlId") and not each.has("s3OriginConfig.originAccessIdentity"):
            yield Finding(f"origins.{number}", "originAccessControlId", found="a bucket that has to be public to be read")


_control = Family(
    Severity.CRITICAL, "What is shared with everybody is copied by strangers within hours, and no deletion brings the copies back."
).control

SHARING = (
    _control(
        "exp-snapshot-public",
        "Snapshots of databases are shared with nobody unknown",
        (
            "aws:rds/snapshot:Snapshot",
            "aws:rds/clusterSnapshot:ClusterSnapshot",
            "aws:rds/snapshotCopy:SnapshotCopy",
            "aws:rds/clusterSnapshotCopy:ClusterSnapshotCopy",
        ),
        _snapshot,
        "AmazonRDS/latest/UserGuide/USER_ShareSnapshot.html",
        "Name accounts in sharedAccounts.",
    ),
    _control(
        "exp-image-public",
        "Machine images are shared with nobody unknown",
        ("aws:ec2/amiLaunchPermission:AmiLaunchPermission", "aws:imagebuilder/distributionConfiguration:DistributionConfiguration"),
        _image,
        "AWSEC2/latest/UserGuide/sharingamis-intro.html",
        "Name accounts or organizations.",
    ),
    _control(
        "exp-ssm-document-public",
        "Documents of Systems Manager are shared with nobody unknown",
        ("aws:ssm/document:Document", "aws:ssm/serviceSetting:ServiceSetting"),
        _ssm_document,
        "systems-manager/latest/userguide/documents-ssm-sharing.html",
        "Name accounts, and disable public sharing for the account.",
    ),
    _control(
        "exp-ec2-sharing-block",
        "Snapshots and images cannot be made public",
        tuple(_STATES),
        _sharing_block,
        "ebs/latest/userguide/block-public-access-snapshots.html",
        "Set the state to block-all-sharing; for images to block-new-sharing.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-s3-object-acl",
        "Lists of access to objects name nobody unknown",
        tuple(_ACLS),
        _object_acl,
        "AmazonS3/latest/userguide/acl-overview.html",
        "Remove the list: policies decide.",
    ),
    _control(
        "exp-cloudfront-origin",
        "Buckets behind CloudFront are read by CloudFront alone",
        ("aws:cloudfront/distribution:Distribution",),
        _origins,
        "AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html",
        "Set originAccessControlId.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-ram-external",
        "Resources are shared within the organization only",
        ("aws:ram/resourceShare:ResourceShare",),
        _external_shares,
        "ram/latest/userguide/getting-started-sharing.html",
        "Set allowExternalPrincipals to false.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-lambda-layer",
        "Layers of functions are used by known accounts only",
        ("aws:lambda/layerVersionPermission:LayerVersionPermission",),
        _layer,
        "lambda/latest/dg/permissions-layer-cross-account.html",
        "Name an account, or set organizationId.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-codebuild-public",
        "Results of builds are not public",
        ("aws:codebuild/project:Project",),
        _builds,
        "codebuild/latest/userguide/public-builds.html",
        "Set projectVisibility to PRIVATE.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-transit-gateway-attachments",
        "Transit gateways accept no attachment by themselves",
        ("aws:ec2transitgateway/transitGateway:TransitGateway",),
        _transit,
        "vpc/latest/tgw/tgw-transit-gateways.html",
        "Set autoAcceptSharedAttachments to disable.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-endpoint-service",
        "Services over PrivateLink are used by known accounts only",
        (_ENDPOINT_SERVICE, "aws:ec2/vpcEndpointServiceAllowedPrinciple:VpcEndpointServiceAllowedPrinciple"),
        _endpoint_service,
        "vpc/latest/privatelink/configure-endpoint-service.html",
        "Name principals, or set acceptanceRequired to true.",
        severity=Severity.HIGH,
    ),
)
