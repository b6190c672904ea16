"""Controls of who may do what."""

from collections.abc import Iterator

from policies.engine.control import Family, Finding, Findings, Severity
from policies.engine.documents import Document, Statement, allows_action, document, grants_to_everybody, parse
from policies.engine.resources import Resource

__all__ = ["PERMISSIONS"]


_RESOURCE_POLICIES = {
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:s3/bucket:Bucket": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sns/topic:Topic": "policy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
    "aws:sqs/queue:Queue": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
    "aws:secretsmanager/secret:Secret": "policy",
    "aws:kms/keyPolicy:KeyPolicy": "policy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:efs/fileSystemPolicy:FileSystemPolicy": "policy",
    "aws:backup/vaultPolicy:VaultPolicy": "policy",
    "aws:opensearch/domainPolicy:DomainPolicy": "accessPolicies",
    "aws:cloudwatch/eventBusPolicy:EventBusPolicy": "policy",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "policyDocument",
    "aws:dynamodb/resourcePolicy:ResourcePolicy": "policy",
    "aws:kinesis/resourcePolicy:ResourcePolicy": "policy",
    "aws:glacier/vault:Vault": "accessPolicy",
    "aws:codeartifact/domainPermissionsPolicy:DomainPermissionsPolicy": "policyDocument",
    "aws:apigateway/restApiPolicy:RestApiPolicy": "policy",
    "aws:s3control/bucketPolicy:BucketPolicy": "policy",
}
_TYPES = tuple(_RESOURCE_POLICIES)


def _resource_policy(resource: Resource) -> Findings:
    path = _RESOURCE_POLICIES[resource.type]
    for found in grants_to_everybody(resource, path):
        yield Finding(path, "named principals, or a condition that names them", found=found)


_IDENTITY_TYPES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/role:Role",
)


def _documents(resource: Resource) -> Iterator[tuple[str, Document]]:
    if resource.type == "aws:iam/role:Role":
        for number, inline in enumerate(resource.blocks("inlinePolicies")):
            if inline.has("policy"):
                yield f"inlinePolicies.{number}.policy", parse(inline.value("policy"), f"inlinePolicies[{number}].policy")
    elif (stated := document(resource, "policy")) is not None:
        yield "policy", stated


def _is_everything(statement: Statement) -> bool:
    return bool(statement.not_resources) or any(not each.strip("*") or each.startswith("arn:*") for each in statement.resources)


def _wildcards(resource: Resource) -> Findings:
    for path, stated in _documents(resource):
        for number, statement in enumerate(stated.allowing()):
            wide = [each for each in statement.actions if not each.strip("*") or each.rpartition(":")[2].strip("*") == ""]
            if statement.not_actions:
                wide = [f"everything but {', '.join(statement.not_actions)}"]
            if wide and _is_everything(statement) and not statement.conditions:
                yield Finding(
                    path,
                    "the actions that are needed, or the resources they are needed on",
                    found=f"allowing statement {number} grants {', '.join(wide)} on every resource",
                )


# Ways from few permissions to all of them, when they hold for every resource.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html and the published research that names these actions
_ESCALATIONS = (
    "iam:CreatePolicyVersion",
    "iam:SetDefaultPolicyVersion",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:AttachUserPolicy",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:PutUserPolicy",
    "iam:PutGroupPolicy",
    "iam:PutRolePolicy",
    "iam:AddUserToGroup",
    "iam:UpdateAssumeRolePolicy",
    "iam:PassRole",
    "sts:AssumeRole",
)


def _escalation(resource: Resource) -> Findings:
    for path, stated in _documents(resource):
        for number, statement in enumerate(stated.allowing()):
            ways = [each for each in _ESCALATIONS if allows_action(statement, each)]
            if ways and _is_everything(statement) and not statement.conditions:
                yield Finding(
                    path,
                    "the roles or users that are meant, or a condition",
                    found=f"allowing statement {number} grants {', '.join(ways[:3])} on every resource",
                )


_ADMINISTRATORS = ("policy/AdministratorAccess", "policy/IAMFullAccess", "policy/PowerUserAccess")


def _attached(resource: Resource) -> Findings:
    path = "managedPolicyArns" if resource.type == "aws:iam/role:Role" else "policyArn"
    for arn in resource.texts(path):
        if arn.endswith(_ADMINISTRATORS):
            yield Finding(path, "a policy with the permissions that are needed", found=arn.rpartition("/")[2])


def _trust(resource: Resource) -> Findings:
    stated = document(resource, "assumeRolePolicy")
    for statement in stated.allowing() if stated else ():
        if statement.is_public:
            yield Finding("assumeRolePolicy", "named principals", found="a role that everybody may assume")
        for provider in statement.principals.get("federated", ()):
            if "oidc-provider/" in provider and not any(
                each.key.endswith(":sub")
                and not each.can_be_skipped
                and each.operator in ("stringequals", "stringlike")
                and all(_is_narrow(value) for value in each.values)
                for each in statement.conditions
            ):
                yield Finding(
                    "assumeRolePolicy",
                    "a condition on the subject (`…:sub`) that names a repository or a service account",
                    found=f"everybody whom {provider.rpartition('oidc-provider/')[2]} knows",
                )


def _is_narrow(subject: str) -> bool:
    parts = subject.split(":")
    return len(parts) > 1 and "*" not in parts[0] and bool(parts[1].strip("*/")) and not parts[1].startswith("*")


def _function_permission(resource: Resource) -> Findings:
    principal = resource.text("principal")
    bound = any(resource.has(each) for each in ("sourceArn", "sourceAccount", "principalOrgId"))
    if not bound and (principal == "*" or principal.endswith(".amazonaws.com")):
        yield Finding("sourceArn", "the ARN of what calls, or sourceAccount", found=f"nothing, for the principal {principal}")


def _function_url(resource: Resource) -> Findings:
    if resource.text("authorizationType").upper() != "AWS_IAM":
        yield Finding("authorizationType", "AWS_IAM")


_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def _bucket_block(resource: Resource) -> Findings:
    blocks = resource.stack.companions(resource, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", by="bucket")
    blocks = (*blocks, *resource.stack.of_type("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock"))
    if not any(all(each.flag(name) for name in _BLOCKS) for each in blocks):
        yield Finding("", "a BucketPublicAccessBlock with all four settings true", found="an incomplete one" if blocks else "none")


def _acl(resource: Resource) -> Findings:
    if resource.text("acl").startswith(("public-", "authenticated-read")):
        yield Finding("acl", "private")
    for path in ("grants", "accessControlPolicy.grants"):
        for grant in resource.blocks(path) if path == "grants" or resource.has("accessControlPolicy") else ():
            if (grant.text("uri") or grant.text("grantee.uri")).endswith(("/AllUsers", "/AuthenticatedUsers")):
                yield Finding(path, "grants to named accounts", found="a grant to everybody")


_control = Family(
    Severity.CRITICAL, "Permissions are the perimeter of a cloud: one that is too wide is used by whoever gets in anywhere."
).control


PERMISSIONS = (
    _control(
        "exp-policy-public",
        "Policies of resources admit nobody unknown",
        _TYPES,
        _resource_policy,
        "IAM/latest/UserGuide/reference_policies_elements_principal.html",
        "Name principals, or add a condition such as aws:PrincipalOrgID or aws:SourceArn.",
    ),
    _control(
        "exp-iam-wildcards",
        "Nobody may do everything to everything",
        _IDENTITY_TYPES,
        _wildcards,
        "IAM/latest/UserGuide/best-practices.html",
        "Name the actions and the resources.",
    ),
    _control(
        "exp-iam-escalation",
        "Nobody can give permissions to himself",
        _IDENTITY_TYPES,
        _escalation,
        "IAM/latest/UserGuide/best-practices.html",
        "Name the roles or users, or bind the action by a condition such as iam:PassedToService.",
    ),
    _control(
        "exp-iam-administrators",
        "Nobody is administrator by an AWS managed policy",
        (
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            "aws:iam/userPolicyAttachment:UserPolicyAttachment",
            "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
            "aws:iam/policyAttachment:PolicyAttachment",
            "aws:iam/role:Role",
        ),
        _attached,
        "IAM/latest/UserGuide/best-practices.html",
        "Attach a policy with the permissions that are needed.",
    ),
    _control(
        "exp-iam-trust",
        "Roles are assumed by known principals only",
        ("aws:iam/role:Role",),
        _trust,
        "IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html",
        "Name principals; for identity providers, a condition on the subject.",
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
        "exp-lambda-url",
        "Addresses of functions ask who calls",
        ("aws:lambda/functionUrl:FunctionUrl",),
        _function_url,
        "lambda/latest/dg/urls-auth.html",
        "Set authorizationType to AWS_IAM.",
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
        "exp-s3-acl",
        "Lists of access to buckets name nobody unknown",
        ("aws:s3/bucket:Bucket", "aws:s3/bucketAcl:BucketAcl"),
        _acl,
        "AmazonS3/latest/userguide/acl-overview.html",
        "Remove the list: policies decide.",
    ),
)
