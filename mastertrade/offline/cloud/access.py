"""Identity, keys, secrets and certificates: IAM, KMS, Secrets Manager, ACM, Cognito, WAF."""

from mastertrade.offline.cloud.declaration import Declaration, Simulation, made_of
from mastertrade.values import Properties, Secret

__all__ = ["SIMULATIONS"]


def _key(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"mrk-{declaration.hexadecimal(32)}" if declaration.stated("multiRegion") else declaration.uuid()
    return id_, {
        "arn": declaration.arn(f"key/{id_}"),
        "keyId": id_,
        "multiRegion": bool(declaration.stated("multiRegion", False)),
        "keyUsage": declaration.text("keyUsage", "ENCRYPT_DECRYPT"),
        "customerMasterKeySpec": declaration.text("customerMasterKeySpec", "SYMMETRIC_DEFAULT"),
        "isEnabled": declaration.stated("isEnabled", True),
    }


def _replica_key(declaration: Declaration) -> tuple[str, Properties]:
    # A replica has the key ID of its primary, in a region of its own.
    id_ = declaration.text("primaryKeyArn").rsplit("/", 1)[-1] or f"mrk-{declaration.hexadecimal(32)}"
    return id_, {
        "arn": declaration.arn(f"key/{id_}"),
        "keyId": id_,
        "keyRotationEnabled": True,
        "keySpec": "SYMMETRIC_DEFAULT",
        "keyUsage": "ENCRYPT_DECRYPT",
    }


def _alias(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.text("name") or f"alias/{declaration.name}-{declaration.hexadecimal(7)}"
    target = declaration.text("targetKeyId")
    return name, {
        "name": name,
        "arn": declaration.arn(name),
        "targetKeyArn": target if target.startswith("arn:") else declaration.arn(f"key/{target}"),
    }


def _secret(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    # Secrets Manager puts a hyphen and six characters behind the name; policies must allow for them.
    arn = declaration.arn(f"secret:{name}-{made_of(name, declaration.account)[:6]}")
    return arn, {"arn": arn, "name": name}


def _secret_version(declaration: Declaration) -> tuple[str, Properties]:
    secret, version = declaration.text("secretId"), declaration.uuid()
    return f"{secret}|{version}", {
        "arn": secret,
        "secretArn": secret,
        "versionId": version,
        "versionStages": ["AWSCURRENT"],
        "hasSecretStringWo": "secretStringWo" in declaration.inputs,
    }


def _of_secret(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("secretArn") or declaration.text("secretId"), {}


def _secret_rotation(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("secretId"), {"rotationEnabled": True}


def _role(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {
        "name": name,
        "arn": declaration.arn(f"role{declaration.text('path', '/')}{name}", is_global=True),
        "uniqueId": f"AROA{declaration.letters(17, upper=True)}",
        "path": declaration.text("path", "/"),
        "maxSessionDuration": declaration.stated("maxSessionDuration", 3600),
        "createDate": "2025-01-01T00:00:00Z",
    }


def _policy(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    arn = declaration.arn(f"policy{declaration.text('path', '/')}{name}", is_global=True)
    return arn, {"name": name, "arn": arn, "policyId": f"ANPA{declaration.letters(17, upper=True)}", "attachmentCount": 0}


def _role_policy(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return f"{declaration.text('role')}:{name}", {"name": name}


def _role_policy_attachment(declaration: Declaration) -> tuple[str, Properties]:
    return f"{declaration.text('role')}/{declaration.text('policyArn')}", {}


def _instance_profile(declaration: Declaration) -> tuple[str, Properties]:
    name = declaration.physical_name()
    return name, {
        "name": name,
        "arn": declaration.arn(f"instance-profile{declaration.text('path', '/')}{name}", is_global=True),
        "uniqueId": f"AIPA{declaration.letters(17, upper=True)}",
    }


def _oidc_provider(declaration: Declaration) -> tuple[str, Properties]:
    host = declaration.text("url").removeprefix("https://")
    arn = declaration.arn(f"oidc-provider/{host}", is_global=True)
    return arn, {"arn": arn, "thumbprintLists": [declaration.hexadecimal(40)]}


def _certificate(declaration: Declaration) -> tuple[str, Properties]:
    arn = declaration.arn(f"certificate/{declaration.uuid()}")
    domain = declaration.text("domainName")
    alternatives = declaration.texts("subjectAlternativeNames")
    # ACM asks for one record a name; a wildcard shares the record of the name below it.
    names = dict.fromkeys(name for name in [domain, *alternatives] if name)
    return arn, {
        "arn": arn,
        "status": "PENDING_VALIDATION",
        "type": "AMAZON_ISSUED",
        "keyAlgorithm": declaration.text("keyAlgorithm", "RSA_2048"),
        "subjectAlternativeNames": list(names),
        "validationMethod": declaration.text("validationMethod", "NONE"),
        "validationEmails": [],
        "renewalEligibility": "INELIGIBLE",
        "renewalSummaries": [],
        "notBefore": "",
        "notAfter": "",
        "domainValidationOptions": [_validation(name, declaration.account) for name in names],
    }


def _validation(name: str, account: str) -> Properties:
    base = name.removeprefix("*.")
    return {
        "domainName": name,
        "resourceRecordName": f"_{made_of(base, account)[:32]}.{base}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": f"_{made_of(base, 'value')[:32]}.{made_of(base, 'zone')[:10]}.acm-validations.aws.",
    }


def _certificate_validation(declaration: Declaration) -> tuple[str, Properties]:
    return "2025-01-01 00:00:00 +0000 UTC", {}


def _web_acl(declaration: Declaration) -> tuple[str, Properties]:
    id_, name = declaration.uuid(), declaration.physical_name()
    scope = "global" if declaration.text("scope") == "CLOUDFRONT" else "regional"
    rules = declaration.stated("rules", [])
    return id_, {
        "name": name,
        "arn": declaration.arn(f"{scope}/webacl/{name}/{id_}"),
        # Managed groups have their own, rules of the program's about two units each.
        "capacity": sum(_capacity(rule) for rule in rules),
        "lockToken": declaration.uuid("lock"),
        "applicationIntegrationUrl": "",
    }


def _capacity(rule: Properties) -> int:
    managed_group = 200
    return managed_group if "managedRuleGroupStatement" in (rule.get("statement") or {}) else 2


def _ip_set(declaration: Declaration) -> tuple[str, Properties]:
    id_, name = declaration.uuid(), declaration.physical_name()
    return id_, {"name": name, "arn": declaration.arn(f"regional/ipset/{name}/{id_}"), "lockToken": declaration.uuid("lock")}


def _web_acl_association(declaration: Declaration) -> tuple[str, Properties]:
    return f"{declaration.text('webAclArn')},{declaration.text('resourceArn')}", {}


def _of_resource(declaration: Declaration) -> tuple[str, Properties]:
    return declaration.text("resourceArn"), {}


def _user_pool(declaration: Declaration) -> tuple[str, Properties]:
    id_ = f"{declaration.region}_{declaration.letters(9)}"
    return id_, {
        "name": declaration.physical_name(),
        "arn": declaration.arn(f"userpool/{id_}", "cognito-idp"),
        "endpoint": f"cognito-idp.{declaration.region}.amazonaws.com/{id_}",
        "creationDate": "2025-01-01T00:00:00Z",
        "lastModifiedDate": "2025-01-01T00:00:00Z",
        "customDomain": "",
        "domain": "",
    }


def _user_pool_client(declaration: Declaration) -> tuple[str, Properties]:
    id_ = declaration.letters(26)
    # The client exists without a secret, too; the real provider marks it as one in any case.
    return id_, {"clientSecret": Secret(declaration.letters(51, "secret") if declaration.stated("generateSecret") else "")}


def _user_pool_domain(declaration: Declaration) -> tuple[str, Properties]:
    distribution = f"d{declaration.letters(13)}.cloudfront.net"
    return declaration.text("domain"), {
        "awsAccountId": declaration.account,
        "cloudfrontDistribution": distribution,
        "cloudfrontDistributionArn": distribution,
        "cloudfrontDistributionZoneId": "Z2FDTNDATAQYW2",  # CloudFront's own zone, the same for everyone
        "s3Bucket": f"aws-cognito-prod-{declaration.region}-assets",
        "version": "20250101000000",
    }


SIMULATIONS: dict[str, Simulation] = {
    "aws:kms/key:Key": _key,
    "aws:kms/replicaKey:ReplicaKey": _replica_key,
    "aws:kms/alias:Alias": _alias,
    "aws:secretsmanager/secret:Secret": _secret,
    "aws:secretsmanager/secretVersion:SecretVersion": _secret_version,
    "aws:secretsmanager/secretPolicy:SecretPolicy": _of_secret,
    "aws:secretsmanager/secretRotation:SecretRotation": _secret_rotation,
    "aws:iam/role:Role": _role,
    "aws:iam/policy:Policy": _policy,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": _role_policy_attachment,
    "aws:iam/instanceProfile:InstanceProfile": _instance_profile,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _oidc_provider,
    "aws:acm/certificate:Certificate": _certificate,
    "aws:acm/certificateValidation:CertificateValidation": _certificate_validation,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
    "aws:wafv2/ipSet:IpSet": _ip_set,
    "aws:wafv2/webAclAssociation:WebAclAssociation": _web_acl_association,
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": _of_resource,
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": _user_pool_client,
    "aws:cognito/userPoolDomain:UserPoolDomain": _user_pool_domain,
}
