"""Controls of who may use stores of data, beside their policies."""

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["STORAGE"]

_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _bucket_block(resource: Resource) -> Findings:
    blocks = resource.stack.companions(resource, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", by="bucket")
    blocks = (*blocks, *resource.stack.of_type("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"))
    if not any(all(each.flag(name) for name in _BLOCKS) for each in blocks):
        yield Finding("", "a BucketPublicAccessBlock with all four settings true", found="an incomplete one" if blocks else "none")


# Where the four settings stand, and what holds for one that is absent
_BLOCK_SETTINGS = {
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("", False),
    "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock": ("", False),
    "aws:s3/accessPoint:AccessPoint": ("publicAccessBlockConfiguration.", True),
    "aws:s3control/multiRegionAccessPoint:MultiRegionAccessPoint": ("details.publicAccessBlock.", True),
}


def _block_settings(resource: Resource) -> Findings:
    place, default = _BLOCK_SETTINGS[resource.type]
    found = [Finding(f"{place}{name}", "true") for name in _BLOCKS if not resource.flag(f"{place}{name}", default=default)]
    if found and resource.type == "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock":
        stack = resource.stack
        if any(stack.refers(resource, "bucket", each) for each in stack.of_type("aws:s3/bucket:Bucket")):
            raise NotApplicableError("its bucket is judged")
        accounts = stack.of_type("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock")
        if any(all(each.flag(name) for name in _BLOCKS) for each in accounts):
            raise NotApplicableError("the account's block is whole")
    yield from found


_PUBLIC_ACLS = ("public-", "authenticated-read", "aws-exec-read")


def _acl(resource: Resource) -> Findings:
    if resource.text("acl").startswith(_PUBLIC_ACLS):
        yield Finding("acl", "private")
    for path in ("grants", "accessControlPolicy.grants"):
        for grant in resource.blocks(path) if path == "grants" or resource.has("accessControlPolicy") else ():
            if (grant.text("uri") or grant.text("grantee.uri")).endswith(("/AllUsers", "/AuthenticatedUsers")):
                yield Finding(path, "grants to named accounts", found="a grant to everybody")


def _ownership(resource: Resource) -> Findings:
    if resource.text("rule.objectOwnership") == "ObjectWriter":
        yield Finding("rule.objectOwnership", "BucketOwnerEnforced")


_EVERY_PRINCIPAL = "IAM_ALLOWED_PRINCIPALS"


def _lake(resource: Resource) -> Findings:
    if resource.text("principal") == _EVERY_PRINCIPAL:
        yield Finding("principal", "a named principal")
    for path in ("createDatabaseDefaultPermissions", "createTableDefaultPermissions"):
        for grant in resource.blocks(path):
            if grant.text("principal") == _EVERY_PRINCIPAL:
                yield Finding(path, "no permission by default", found=f"permissions of {_EVERY_PRINCIPAL}")


_control = Family(
    Severity.CRITICAL, "Permissions are the perimeter of a cloud: one that is too wide is used by whoever gets in anywhere."
).control


STORAGE = (
    _control(
        "exp-s3-access-block",
        "Buckets cannot be made public",
        ("aws:s3/bucket:Bucket",),
        _bucket_block,
        "AmazonS3/latest/userguide/access-control-block-public-access.html",
        "Declare a BucketPublicAccessBlock with all four settings.",
    ),
    _control(
        "exp-s3-access-block-settings",
        "Blocks of public access are whole",
        tuple(_BLOCK_SETTINGS),
        _block_settings,
        "AmazonS3/latest/userguide/access-control-block-public-access.html",
        "Set blockPublicAcls, blockPublicPolicy, ignorePublicAcls and restrictPublicBuckets to true.",
    ),
    _control(
        "exp-s3-acl",
        "Lists of access to buckets name nobody unknown",
        ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl"),
        _acl,
        "AmazonS3/latest/userguide/acl-overview.html",
        "Remove the list: policies decide.",
    ),
    _control(
        "exp-s3-ownership",
        "Objects belong to the owner of their bucket",
        ("aws:s3/bucketOwnershipControls:BucketOwnershipControls",),
        _ownership,
        "AmazonS3/latest/userguide/about-object-ownership.html",
        "Set objectOwnership to BucketOwnerEnforced.",
        severity=Severity.MEDIUM,
    ),
    _control(
        "exp-lake-everybody",
        "Data lakes give nothing to every principal",
        ("aws:lakeformation/permissions:Permissions", "aws:lakeformation/dataLakeSettings:DataLakeSettings"),
        _lake,
        "lake-formation/latest/dg/change-settings.html",
        "Grant to named principals.",
        severity=Severity.HIGH,
    ),
)
