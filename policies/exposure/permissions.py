"""Controls of policies of resources: who may use what."""

import re

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.documents import Condition, Statement, document
from policies.engine.resources import Resource

__all__ = ["PERMISSIONS"]

_POLICY = "policy"
_RESOURCE_POLICIES = {
    "aws:acmpca/policy:Policy": _POLICY,
    "aws:amp/resourcePolicy:ResourcePolicy": "policyDocument",
    "aws:apigateway/restApi:RestApi": _POLICY,
    "aws:apigateway/restApiPolicy:RestApiPolicy": _POLICY,
    "aws:backup/vaultPolicy:VaultPolicy": _POLICY,
    "aws:bedrock/agentcoreResourcePolicy:AgentcoreResourcePolicy": _POLICY,
    "aws:cloudsearch/domainServiceAccessPolicy:DomainServiceAccessPolicy": "accessPolicy",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": _POLICY,
    "aws:cloudwatch/logDeliveryDestinationPolicy:LogDeliveryDestinationPolicy": "deliveryDestinationPolicy",
    "aws:cloudwatch/logDestinationPolicy:LogDestinationPolicy": "accessPolicy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
    "aws:codeartifact/domainPermissions:DomainPermissions": "policyDocument",
    "aws:codeartifact/domainPermissionsPolicy:DomainPermissionsPolicy": "policyDocument",
    "aws:codeartifact/repositoryPermissionsPolicy:RepositoryPermissionsPolicy": "policyDocument",
    "aws:codebuild/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:dsql/clusterPolicy:ClusterPolicy": _POLICY,
    "aws:dynamodb/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:ecr/registryPolicy:RegistryPolicy": _POLICY,
    "aws:ecr/repositoryCreationTemplate:RepositoryCreationTemplate": "repositoryPolicy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": _POLICY,
    "aws:ecrpublic/repositoryPolicy:RepositoryPolicy": _POLICY,
    "aws:efs/fileSystemPolicy:FileSystemPolicy": _POLICY,
    "aws:elasticsearch/domain:Domain": "accessPolicies",
    "aws:elasticsearch/domainPolicy:DomainPolicy": "accessPolicies",
    "aws:glacier/vault:Vault": "accessPolicy",
    "aws:glacier/vaultLock:VaultLock": _POLICY,
    "aws:glue/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:kinesis/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:kms/externalKey:ExternalKey": _POLICY,
    "aws:kms/key:Key": _POLICY,
    "aws:kms/keyPolicy:KeyPolicy": _POLICY,
    "aws:kms/replicaExternalKey:ReplicaExternalKey": _POLICY,
    "aws:kms/replicaKey:ReplicaKey": _POLICY,
    "aws:lambda/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:mediastore/containerPolicy:ContainerPolicy": _POLICY,
    "aws:msk/clusterPolicy:ClusterPolicy": _POLICY,
    "aws:networkfirewall/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:oam/sinkPolicy:SinkPolicy": _POLICY,
    "aws:opensearch/domain:Domain": "accessPolicies",
    "aws:opensearch/domainPolicy:DomainPolicy": "accessPolicies",
    "aws:opensearchingest/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:organizations/resourcePolicy:ResourcePolicy": "content",
    "aws:pinpoint/smsvoicev2ResourcePolicy:Smsvoicev2ResourcePolicy": _POLICY,
    "aws:redshift/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:redshiftserverless/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:s3/accessPoint:AccessPoint": _POLICY,
    "aws:s3/bucket:Bucket": _POLICY,
    "aws:s3/bucketPolicy:BucketPolicy": _POLICY,
    "aws:s3/filesFileSystemPolicy:FilesFileSystemPolicy": _POLICY,
    "aws:s3/vectorsVectorBucketPolicy:VectorsVectorBucketPolicy": _POLICY,
    "aws:s3control/accessGrantsInstanceResourcePolicy:AccessGrantsInstanceResourcePolicy": _POLICY,
    "aws:s3control/accessPointPolicy:AccessPointPolicy": _POLICY,
    "aws:s3control/bucketPolicy:BucketPolicy": _POLICY,
    "aws:s3control/multiRegionAccessPointPolicy:MultiRegionAccessPointPolicy": "details.policy",
    "aws:s3control/objectLambdaAccessPointPolicy:ObjectLambdaAccessPointPolicy": _POLICY,
    "aws:s3tables/tableBucketPolicy:TableBucketPolicy": "resourcePolicy",
    "aws:s3tables/tablePolicy:TablePolicy": "resourcePolicy",
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": "resourcePolicy",
    "aws:schemas/registryPolicy:RegistryPolicy": _POLICY,
    "aws:secretsmanager/secret:Secret": _POLICY,
    "aws:secretsmanager/secretPolicy:SecretPolicy": _POLICY,
    "aws:ses/identityPolicy:IdentityPolicy": _POLICY,
    "aws:sesv2/emailIdentityPolicy:EmailIdentityPolicy": _POLICY,
    "aws:sns/topic:Topic": _POLICY,
    "aws:sns/topicPolicy:TopicPolicy": _POLICY,
    "aws:sqs/queue:Queue": _POLICY,
    "aws:sqs/queuePolicy:QueuePolicy": _POLICY,
    "aws:vpclattice/authPolicy:AuthPolicy": _POLICY,
    "aws:vpclattice/resourcePolicy:ResourcePolicy": _POLICY,
    "aws:xray/resourcePolicy:ResourcePolicy": "policyDocument",
}


def _knows_caller(condition: Condition) -> bool:
    """A service network of VPC Lattice is reached from attached networks only; there it is enough that the caller signs.

    https://docs.aws.amazon.com/vpc-lattice/latest/ug/auth-policies.html
    """
    return (
        condition.key == "aws:principaltype"
        and condition.operator.startswith("stringnotequals")
        and [each.lower() for each in condition.values] == ["anonymous"]
    )


def _resource_policy(resource: Resource) -> Findings:
    path = _RESOURCE_POLICIES[resource.type]
    stated = document(resource, path)
    for number, statement in stated.public() if stated else ():
        if resource.type == "aws:vpclattice/authPolicy:AuthPolicy" and any(_knows_caller(each) for each in statement.conditions):
            continue
        found = f"statement {number} allows everybody {statement.allowed_actions()}"
        yield Finding(path, "named principals, or a condition that names them", found=found)


# Services that act on the word of any customer of theirs, and whose guides have a condition on the source.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
_DEPUTIES = {
    "aws:s3/bucketPolicy:BucketPolicy": ("cloudfront", "ses", "sns"),
    "aws:s3/bucket:Bucket": ("cloudfront", "ses", "sns"),
    "aws:sns/topicPolicy:TopicPolicy": ("s3", "ses"),
    "aws:sns/topic:Topic": ("s3", "ses"),
    "aws:sqs/queuePolicy:QueuePolicy": ("s3", "sns", "events"),
    "aws:sqs/queue:Queue": ("s3", "sns", "events"),
}


def _deputies(resource: Resource) -> Findings:
    path = _RESOURCE_POLICIES[resource.type]
    for number, statement in enumerate(document(resource, path) or ()):
        services = [each.split(".")[0].lower() for each in statement.principals.get("service", ())]
        deputies = [each for each in services if each in _DEPUTIES[resource.type]]
        if statement.allows and deputies and not statement.is_bound:
            yield Finding(
                path,
                "a condition on aws:SourceArn or aws:SourceAccount",
                found=f"statement {number} allows {', '.join(deputies)} on behalf of everybody",
            )


# Keys by which the policy of an endpoint says whose resources are reached through it
_OWNERS = ("aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "s3:resourceaccount")


def _endpoint(resource: Resource) -> Findings:
    stated = document(resource, _POLICY)
    if stated is None:
        raise NotApplicableError("without a policy, those of callers and resources decide")
    for number, statement in stated.public():
        everything = not statement.resources or any(not each.strip("*") for each in statement.resources) or bool(statement.not_resources)
        wide = [each for each in statement.actions if each.rpartition(":")[2] == "*"] or list(statement.not_actions)
        if everything and wide and not any(each.key in _OWNERS for each in statement.conditions):
            yield Finding(_POLICY, "the actions, resources or callers that are meant", found=f"statement {number} allows everything")


_ACCOUNT_DIGITS = 12


def _names_source(arn: str) -> bool:
    """Whether an ARN names an account, or a resource of a service that names none, such as a bucket."""
    parts = arn.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004 - parts of an ARN
        return bool(arn.strip("*"))
    return (len(parts[4]) == _ACCOUNT_DIGITS and parts[4].isdigit()) or (not parts[4] and bool(parts[5].strip("*/")))


def _function_permission(resource: Resource) -> Findings:
    principal = resource.text("principal")
    # a source that is known only after the deployment is one in particular
    source = not resource.is_known("sourceArn") or (resource.has("sourceArn") and _names_source(resource.text("sourceArn")))
    if source and principal.startswith("s3.") and not resource.has("sourceAccount"):
        # the ARN of a bucket names no account: whoever takes the name has the function (Security Hub, Lambda.1), unless it is our own
        source = any(each.type == "aws:s3/bucket:Bucket" for each in resource.stack.depended_on(resource, "sourceArn"))
    bound = source or any(resource.has(each) for each in ("sourceAccount", "principalOrgId", "eventSourceToken"))
    if not bound and (principal == "*" or principal.endswith((".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"))):
        yield Finding("sourceArn", "the ARN of what calls, or sourceAccount", found=f"nothing in particular, for the principal {principal}")


def _signer(resource: Resource) -> Findings:
    if resource.text("principal") == "*":
        yield Finding("principal", "an account")


_CEDAR = {
    "aws:verifiedpermissions/policy:Policy": "definition.static.statement",
    "aws:bedrock/agentcorePolicy:AgentcorePolicy": "definition.cedar.statement",
    "aws:verifiedaccess/endpoint:Endpoint": "policyDocument",
    "aws:verifiedaccess/group:Group": "policyDocument",
}
_REMARK = re.compile(r"//[^\n]*")
_EVERYBODY = re.compile(r"permit\s*\(\s*principal\s*,\s*action\s*,\s*resource\s*\)\s*(when\s*\{\s*true\s*\}\s*)?;")


def _cedar(resource: Resource) -> Findings:
    path = _CEDAR[resource.type]
    if _EVERYBODY.search(_REMARK.sub("", resource.text(path))):
        yield Finding(path, "a principal, or a condition", found="everything for everybody")


def _function_url(resource: Resource) -> Findings:
    if resource.text("authorizationType").upper() != "AWS_IAM":
        yield Finding("authorizationType", "AWS_IAM")


def _bus(resource: Resource) -> Findings:
    if resource.text("principal") == "*" and not resource.has("condition"):
        yield Finding("principal", "an account, or a condition on the organization")


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


def _things(resource: Resource) -> Findings:
    stated = document(resource, _POLICY)
    for number, statement in enumerate(stated.allowing() if stated else ()):
        if _is_anything(statement) and not any(each.key.startswith("iot:") for each in statement.conditions):
            yield Finding(_POLICY, "the clients and topics that are meant", found=f"allowing statement {number} names none")


def _is_anything(statement: Statement) -> bool:
    """Messages on every topic, or as every client: a device may read and write what others send."""
    resources = [each for each in statement.resources if not each.strip("*") or not each.split(":", 5)[-1].partition("/")[2].strip("*#/")]
    return bool(resources) and (bool(statement.not_actions) or any(each.startswith(("iot:", "*")) for each in statement.actions))


_control = Family(
    Severity.CRITICAL, "Permissions are the perimeter of a cloud: one that is too wide is used by whoever gets in anywhere."
).control


PERMISSIONS = (
    _control(
        "exp-policy-public",
        "Policies of resources admit nobody unknown",
        tuple(_RESOURCE_POLICIES),
        _resource_policy,
        "IAM/latest/UserGuide/reference_policies_elements_principal.html",
        "Name principals, or add a condition such as aws:PrincipalOrgID or aws:SourceArn.",
    ),
    _control(
        "exp-policy-deputy",
        "Services act for known callers only",
        tuple(_DEPUTIES),
        _deputies,
        "IAM/latest/UserGuide/confused-deputy.html",
        "Add a condition on aws:SourceArn or aws:SourceAccount.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-policy-endpoint",
        "Endpoints in networks carry what is meant only",
        ("aws:ec2/vpcEndpoint:VpcEndpoint", "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy"),
        _endpoint,
        "vpc/latest/privatelink/vpc-endpoints-access.html",
        "Name actions and resources, or whose they are (aws:ResourceOrgID, aws:PrincipalOrgID).",
        severity=Severity.MEDIUM,
    ),
    _control(
        "exp-iot-policy",
        "Devices are who they are, and speak on their topics",
        ("aws:iot/policy:Policy",),
        _things,
        "iot/latest/developerguide/audit-chk-iot-policy-permissive.html",
        "Name clients and topics, with policy variables such as ${iot:Connection.Thing.ThingName}.",
        severity=Severity.HIGH,
    ),
    _control(
        "exp-lambda-permission",
        "Functions are called by known callers only",
        ("aws:lambda/permission:Permission",),
        _function_permission,
        "lambda/latest/dg/permissions-function-services.html",
        "Set sourceArn, or sourceAccount.",
    ),
    _control(
        "exp-signer-permission",
        "Profiles sign for known accounts only",
        ("aws:signer/signingProfilePermission:SigningProfilePermission",),
        _signer,
        "signer/latest/developerguide/signing-profile-cross-account.html",
        "Name an account.",
    ),
    _control(
        "exp-cedar",
        "Cedar policies permit something in particular",
        tuple(_CEDAR),
        _cedar,
        "verifiedpermissions/latest/userguide/policies.html",
        "Name principals, or say when.",
    ),
    _control(
        "exp-lambda-url",
        "Addresses of functions ask who calls",
        ("aws:lambda/functionUrl:FunctionUrl",),
        _function_url,
        "lambda/latest/dg/urls-auth.html",
        "Set authorizationType to AWS_IAM.",
    ),
    _control(
        "exp-events-permission",
        "Buses take events of known accounts only",
        ("aws:cloudwatch/eventPermission:EventPermission",),
        _bus,
        "eventbridge/latest/userguide/eb-event-bus-perms.html",
        "Name an account, or set a condition on aws:PrincipalOrgID.",
        severity=Severity.HIGH,
    ),
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
