"""Controls of logs, secrets, records and migrations at rest."""

import json
from typing import Any, cast

import yaml

from policies.encryption.at_rest_forms import CUSTOMER_KEY, At, found_in, stored, told_by
from policies.encryption.at_rest_objects import written_to_bucket
from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.keys import customer_key
from policies.engine.resources import Resource
from policies.engine.telling import is_reference, is_telling

__all__ = ["OPERATIONS"]


def _parameter(resource: Resource) -> Findings:
    if resource.text("type").lower() == "securestring":
        yield from customer_key(resource, "keyId")
    elif resource.has("keyId") or resource.has("valueWo") or resource.is_secret("value") or _is_called_secret(resource):
        yield Finding("type", "SecureString")
    elif _is_generated(resource):
        # what nobody keeps secret may stand in plain
        yield Finding("type", "SecureString")
    else:
        raise NotApplicableError("its value is no secret")


def _is_called_secret(resource: Resource) -> bool:
    """Whether its name is that of a credential, and its value does not merely name one."""
    name = resource.text("name").rpartition("/")[2] if resource.is_known("name") else ""
    return is_telling(name) and not any(
        resource.has(path) and resource.is_known(path) and is_reference(resource.text(path)) for path in ("value", "insecureValue")
    )


def _is_generated(resource: Resource) -> bool:
    return resource.has("value") and any(
        each.type.startswith(("random:index/randomPassword:", "tls:index/privateKey:"))
        for each in resource.stack.depended_on(resource, "value")
    )


def _sessions(resource: Resource) -> Findings:
    """Preferences of Session Manager.

    https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html
    """
    if resource.text("documentType").lower() != "session":
        raise NotApplicableError("it starts no session")
    session = _document(resource)
    inputs = session.block("inputs")
    if not inputs.present and session.text("sessionType", "Standard_Stream").lower() != "standard_stream":
        raise NotApplicableError("only shells have preferences")
    if inputs.has("s3BucketName") and not inputs.flag("s3EncryptionEnabled", default=True):
        yield found_in(resource, inputs, "s3EncryptionEnabled", "true")
    if inputs.has("cloudWatchLogGroupName") and not inputs.flag("cloudWatchEncryptionEnabled", default=True):
        yield found_in(resource, inputs, "cloudWatchEncryptionEnabled", "true")
    yield from customer_key(resource, "kmsKeyId", within=inputs)


def _document(resource: Resource) -> Block:
    text = resource.text("content")
    try:
        parsed: Any = yaml.safe_load(text) if resource.text("documentFormat", "JSON").upper() == "YAML" else json.loads(text)
    except (ValueError, yaml.YAMLError):
        raise MisshapenError("content", "a document") from None
    if not isinstance(parsed, dict):
        raise MisshapenError("content", "a document")
    return Block(cast("dict[str, Any]", parsed), "content")


def _endpoint(resource: Resource) -> Findings:
    judged = False
    for target in resource.blocks("redshiftSettings"):
        if target.text("encryptionMode").upper() == "SSE_KMS" or target.has("serverSideEncryptionKmsKeyId"):
            judged = True
            yield from customer_key(resource, "serverSideEncryptionKmsKeyId", within=target)
    if resource.has("kmsKeyArn") or resource.has("password"):
        judged = True
        yield from customer_key(resource, "kmsKeyArn")
    if not judged:
        raise NotApplicableError("it keeps no password")


def _files(resource: Resource) -> Findings:
    if resource.text("endpointType").lower() == "source":
        raise NotApplicableError("it only reads")
    if resource.text("encryptionMode").upper() != "SSE_KMS":
        yield Finding("encryptionMode", "SSE_KMS")
    else:
        yield from customer_key(resource, "serverSideEncryptionKmsKeyId")
    if resource.has("kmsKeyArn"):
        yield from customer_key(resource, "kmsKeyArn")


def _canary(resource: Resource) -> Findings:
    encryption = resource.block("artifactConfig.s3Encryption")
    if encryption.text("encryptionMode").upper() != "SSE_KMS":
        yield found_in(resource, encryption, "encryptionMode", f"SSE_KMS, with {CUSTOMER_KEY}")
    else:
        yield from customer_key(resource, "kmsKeyArn", within=encryption)
    if resource.has("kmsKeyArn"):
        yield from customer_key(resource, "kmsKeyArn")


_FIREWALL = At("keyId", within="encryptionConfiguration", kind="type", kinds=("CUSTOMER_KMS",))
_ACCESS = At("kmsKeyArn", within="sseSpecification", switch="customerManagedKeyEnabled")

OPERATIONS = (
    stored(
        "enc-logs-group",
        "Log groups are",
        {
            # Amazon MQ and some other services create groups of their own; those that are declared can all have a key
            "aws:cloudwatch/logGroup:LogGroup": At("kmsKeyId"),
            "aws:cloudwatch/logAnomalyDetector:LogAnomalyDetector": At("kmsKeyId"),
        },
        "AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html",
        "Set kmsKeyId; the key's policy has to admit the regional logs service.",
    ),
    stored(
        "enc-cloudtrail-logs",
        "Trails are",
        {"aws:cloudtrail/trail:Trail": At("kmsKeyId"), "aws:cloudtrail/eventDataStore:EventDataStore": At("kmsKeyId")},
        "awscloudtrail/latest/userguide/encrypting-cloudtrail-log-files-with-aws-kms.html",
        "Set kmsKeyId.",
    ),
    stored(
        "enc-prometheus-workspace",
        "Metrics workspaces are",
        {"aws:amp/workspace:Workspace": At("kmsKeyArn")},
        "prometheus/latest/userguide/encryption-at-rest-Amazon-Service-Prometheus.html",
        "Set kmsKeyArn. Changing it replaces the workspace.",
    ),
    stored(
        "enc-grafana-workspace",
        "Workspaces of dashboards are",
        {"aws:grafana/workspace:Workspace": At("kmsKeyId")},
        "grafana/latest/APIReference/API_CreateWorkspace.html",
        "Set kmsKeyId.",
    ),
    stored(
        "enc-xray-traces",
        "Traces are",
        {"aws:xray/encryptionConfig:EncryptionConfig": At("keyId", kind="type", kinds=("KMS",))},
        "xray/latest/devguide/xray-console-encryption.html",
        "Set type KMS and keyId.",
    ),
    stored(
        "enc-synthetics-artifacts",
        "What canaries record is",
        {"aws:synthetics/canary:Canary": _canary},
        "AmazonCloudWatch/latest/monitoring/CloudWatch_Synthetics_artifact_encryption.html",
        "Set artifactConfig.s3Encryption with SSE_KMS and kmsKeyArn.",
    ),
    stored(
        "enc-audit-records",
        "Findings and records of audits are",
        {
            "aws:cfg/deliveryChannel:DeliveryChannel": written_to_bucket("s3KmsKeyArn", "s3BucketName"),
            "aws:ssm/resourceDataSync:ResourceDataSync": written_to_bucket("s3Destination.kmsKeyArn", "s3Destination.bucketName"),
            "aws:guardduty/publishingDestination:PublishingDestination": At("kmsKeyArn"),
            "aws:macie2/classificationExportConfiguration:ClassificationExportConfiguration": At("kmsKeyArn", within="s3Destination"),
            "aws:auditmanager/accountRegistration:AccountRegistration": At("kmsKey"),
            "aws:ssmincidents/replicationSet:ReplicationSet": told_by(
                At("kmsKeyArn", within="regions", needed=False), At("kmsKeyArn", within="region", needed=False)
            ),
            "aws:devopsguru/serviceIntegration:ServiceIntegration": told_by(
                At("kmsKeyId", within="kmsServerSideEncryption", needed=False, kind="type", kinds=("CUSTOMER_MANAGED_KEY",))
            ),
            "aws:securityhub/connectorV2:ConnectorV2": At("kmsKeyArn"),
        },
        "config/latest/developerguide/s3-kms-key-policy.html",
        "Name the key: s3KmsKeyArn, kmsKeyArn or kmsKey.",
    ),
    stored(
        "enc-firewall-rules",
        "Rules of firewalls and access are",
        {
            "aws:networkfirewall/firewall:Firewall": _FIREWALL,
            "aws:networkfirewall/firewallPolicy:FirewallPolicy": _FIREWALL,
            "aws:networkfirewall/ruleGroup:RuleGroup": _FIREWALL,
            "aws:networkfirewall/tlsInspectionConfiguration:TlsInspectionConfiguration": At(
                "keyId", within="encryptionConfigurations", kind="type", kinds=("CUSTOMER_KMS",)
            ),
            "aws:verifiedaccess/endpoint:Endpoint": _ACCESS,
            "aws:verifiedaccess/trustProvider:TrustProvider": _ACCESS,
            "aws:verifiedaccess/group:Group": At("kmsKeyArn", within="sseConfiguration", switch="customerManagedKeyEnabled"),
        },
        "network-firewall/latest/developerguide/kms-encryption-at-rest.html",
        "Name the key: CUSTOMER_KMS and keyId, or customerManagedKeyEnabled and kmsKeyArn.",
    ),
    stored(
        "enc-secretsmanager-secret",
        "Secrets are",
        {
            "aws:secretsmanager/secret:Secret": told_by(At("kmsKeyId"), At("kmsKeyId", within="replicas", needed=False)),
        },
        "secretsmanager/latest/userguide/security-encryption.html",
        "Set kmsKeyId, and of each replica the kmsKeyId of its region.",
    ),
    stored(
        "enc-ssm-parameter",
        "Secret parameters are",
        {"aws:ssm/parameter:Parameter": _parameter},
        "systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html",
        "Set type SecureString and keyId.",
    ),
    stored(
        "enc-ssm-session",
        "Sessions on machines and their logs are",
        {"aws:ssm/document:Document": _sessions},
        "systems-manager/latest/userguide/session-preferences-enable-encryption.html",
        "Set inputs.kmsKeyId, and leave s3EncryptionEnabled and cloudWatchEncryptionEnabled at true.",
    ),
    stored(
        "enc-dms-instance",
        "Replication instances are",
        {
            "aws:dms/replicationInstance:ReplicationInstance": At("kmsKeyArn"),
            "aws:dms/replicationConfig:ReplicationConfig": At("kmsKeyId", within="computeConfig"),
            "aws:dms/instanceProfile:InstanceProfile": At("kmsKeyArn"),
        },
        "dms/latest/userguide/CHAP_Security.html",
        "Set kmsKeyArn, of a serverless replication computeConfig.kmsKeyId. Changing it replaces the instance.",
    ),
    stored(
        "enc-dms-endpoint",
        "What endpoints of migrations keep is",
        {"aws:dms/endpoint:Endpoint": _endpoint, "aws:dms/s3Endpoint:S3Endpoint": _files},
        "dms/latest/userguide/CHAP_Security.html",
        "Set kmsKeyArn; of endpoints on S3 encryptionMode SSE_KMS and serverSideEncryptionKmsKeyId.",
    ),
    stored(
        "enc-workspaces-web",
        "Settings of browsers that are lent out are",
        {
            f"aws:workspacesweb/{name[0].lower()}{name[1:]}:{name}": At("customerManagedKey")
            for name in ("Portal", "BrowserSettings", "DataProtectionSettings", "IpAccessSettings", "UserSettings", "SessionLogger")
        },
        "workspaces-web/latest/APIReference/API_CreatePortal.html",
        "Set customerManagedKey. Changing it replaces the settings.",
    ),
    stored(
        "enc-agent-space",
        "What agents for operations know is",
        {
            "aws:agentregistry/registry:Registry": At("kmsKeyArn", within="encryptionConfiguration"),
            "aws:devopsagent/agentSpace:AgentSpace": At("kmsKeyArn"),
            "aws:resiliencehub/v2Policy:V2Policy": At("kmsKeyId"),
            "aws:resiliencehub/v2Service:V2Service": At("kmsKeyId"),
            "aws:resiliencehub/v2System:V2System": At("kmsKeyId"),
        },
        "kms/latest/developerguide/overview.html",
        "Name the key: kmsKeyArn or kmsKeyId.",
    ),
)
