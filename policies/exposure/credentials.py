"""Controls of credentials: none in plain, and none of instances for whoever asks."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from mastertrade.values import UNKNOWN, Secret
from policies.engine.blocks import Block
from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource
from policies.engine.telling import is_reference
from policies.exposure.telling import leaves

__all__ = ["CREDENTIALS", "HOLDERS"]

# Properties that hold a credential, by the provider's names; whatever else bears such a name holds an ARN or a setting.
_PROPERTIES = frozenset(
    {
        "accessKey",
        "accessToken",
        "accountPassword",
        "adDomainJoinPassword",
        "adminPassword",
        "adminPasswordWo",
        "adminUserPassword",
        "adminUserPasswordWo",
        "apiKey",
        "apiKeyWo",
        "apiSecretKey",
        "apiToken",
        "asmPassword",
        "authKey",
        "authPassword",
        "authToken",
        "authTokenWo",
        "authorizationApiKeyValue",
        "basicAuthCredentials",
        "bgpAuthKey",
        "certificatePrivateKey",
        "clientSecret",
        "clientSecretWo",
        "client_secret",
        "private_key",
        "crossRealmTrustPrincipalPassword",
        "customAuthenticationCredentials",
        "domainSigningPrivateKey",
        "fsxAdminPassword",
        "hecToken",
        "hostKey",
        "hostKeyBody",
        "hostKeyBodyWo",
        "hsmPartitionPassword",
        "jwtToken",
        "kdcAdminPassword",
        "kerberosKeytab",
        "kerberosKeytabBase64",
        "keyMaterialBase64",
        "keyPassphrase",
        "keyStorePassword",
        "masterPassword",
        "masterPasswordWo",
        "masterUserPassword",
        "oauthToken",
        "password",
        "passwordWo",
        "passwords",
        "passwordsWo",
        "plaintext",
        "plaintextWo",
        "platformCredential",
        "privateKey",
        "privateKeyWo",
        "rawSecretAccessKey",
        "refreshToken",
        "saslPassword",
        "secretBinary",
        "secretKey",
        "secretString",
        "secretStringWo",
        "secretToken",
        "serviceAccountPassword",
        "sharedSecret",
        "smbGuestPassword",
        "smtpPassword",
        "smtpPasswordWo",
        "sslClientKeyPassword",
        "svmAdminPassword",
        "temporaryPassword",
        "token",
        "tokenKey",
        "trustPassword",
        "tunnel1PresharedKey",
        "tunnel2PresharedKey",
        "userManagedClientApplicationClientSecret",
    }
)
_RDS = ("aws:rds/instance:Instance",)
_CLUSTERS = ("aws:rds/cluster:Cluster", "aws:docdb/cluster:Cluster", "aws:redshift/cluster:Cluster", "aws:neptune/cluster:Cluster")
HOLDERS = (
    "aws:acm/certificate:Certificate",
    "aws:amplify/app:App",
    "aws:amplify/branch:Branch",
    "aws:apigateway/domainName:DomainName",
    "aws:appfabric/appAuthorization:AppAuthorization",
    "aws:appflow/connectorProfile:ConnectorProfile",
    "aws:appstream/directoryConfig:DirectoryConfig",
    "aws:bedrock/agentcoreApiKeyCredentialProvider:AgentcoreApiKeyCredentialProvider",
    "aws:bedrock/agentcoreOauth2CredentialProvider:AgentcoreOauth2CredentialProvider",
    "aws:chime/voiceConnectorTerminationCredentials:VoiceConnectorTerminationCredentials",
    "aws:cloudwatch/eventConnection:EventConnection",
    "aws:codebuild/sourceCredential:SourceCredential",
    "aws:codepipeline/webhook:Webhook",
    "aws:cognito/identityProvider:IdentityProvider",
    "aws:cognito/user:User",
    "aws:connect/user:User",
    "aws:datasync/locationAzureBlob:LocationAzureBlob",
    "aws:datasync/locationFsxOntapFileSystem:LocationFsxOntapFileSystem",
    "aws:datasync/locationFsxWindows:LocationFsxWindows",
    "aws:datasync/locationHdfs:LocationHdfs",
    "aws:datasync/locationObjectStorage:LocationObjectStorage",
    "aws:datasync/locationSmb:LocationSmb",
    "aws:directconnect/bgpPeer:BgpPeer",
    "aws:directconnect/hostedPrivateVirtualInterface:HostedPrivateVirtualInterface",
    "aws:directconnect/hostedPublicVirtualInterface:HostedPublicVirtualInterface",
    "aws:directconnect/hostedTransitVirtualInterface:HostedTransitVirtualInterface",
    "aws:directconnect/privateVirtualInterface:PrivateVirtualInterface",
    "aws:directconnect/publicVirtualInterface:PublicVirtualInterface",
    "aws:directconnect/transitVirtualInterface:TransitVirtualInterface",
    "aws:directoryservice/directory:Directory",
    "aws:directoryservice/radiusSettings:RadiusSettings",
    "aws:directoryservice/trust:Trust",
    "aws:dms/endpoint:Endpoint",
    "aws:docdb/elasticCluster:ElasticCluster",
    "aws:ec2/vpnConnection:VpnConnection",
    "aws:elasticache/replicationGroup:ReplicationGroup",
    "aws:elasticache/user:User",
    "aws:elasticsearch/domain:Domain",
    "aws:emr/cluster:Cluster",
    "aws:fsx/ontapFileSystem:OntapFileSystem",
    "aws:fsx/ontapStorageVirtualMachine:OntapStorageVirtualMachine",
    "aws:fsx/windowsFileSystem:WindowsFileSystem",
    "aws:glue/connection:Connection",
    "aws:glue/job:Job",
    "aws:iam/serverCertificate:ServerCertificate",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "aws:kms/ciphertext:Ciphertext",
    "aws:kms/customKeyStore:CustomKeyStore",
    "aws:kms/externalKey:ExternalKey",
    "aws:kms/replicaExternalKey:ReplicaExternalKey",
    "aws:lb/listener:Listener",
    "aws:lb/listenerRule:ListenerRule",
    "aws:lightsail/database:Database",
    "aws:mailmanager/ingressPoint:IngressPoint",
    "aws:memorydb/user:User",
    "aws:mq/broker:Broker",
    "aws:odb/autonomousDatabase:AutonomousDatabase",
    "aws:opensearch/domain:Domain",
    "aws:pinpoint/admChannel:AdmChannel",
    "aws:pinpoint/apnsChannel:ApnsChannel",
    "aws:pinpoint/apnsSandboxChannel:ApnsSandboxChannel",
    "aws:pinpoint/apnsVoipChannel:ApnsVoipChannel",
    "aws:pinpoint/apnsVoipSandboxChannel:ApnsVoipSandboxChannel",
    "aws:pinpoint/baiduChannel:BaiduChannel",
    "aws:pinpoint/gcmChannel:GcmChannel",
    "aws:quicksight/dataSource:DataSource",
    "aws:redshift/hsmConfiguration:HsmConfiguration",
    "aws:redshiftserverless/namespace:Namespace",
    "aws:sagemaker/workforce:Workforce",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:securitylake/subscriberNotification:SubscriberNotification",
    "aws:sesv2/emailIdentity:EmailIdentity",
    "aws:sns/platformApplication:PlatformApplication",
    "aws:storagegateway/fileSystemAssociation:FileSystemAssociation",
    "aws:storagegateway/gateway:Gateway",
    "aws:timestreaminfluxdb/dbCluster:DbCluster",
    "aws:timestreaminfluxdb/dbInstance:DbInstance",
    "aws:transfer/certificate:Certificate",
    "aws:transfer/hostKey:HostKey",
    "aws:transfer/server:Server",
    "aws:verifiedaccess/trustProvider:TrustProvider",
    "aws:workmail/user:User",
)


# Where a credential goes by a name that says nothing
_BY_TYPE = {
    "aws:apigateway/apiKey:ApiKey": frozenset({"value"}),
    "aws:s3/objectCopy:ObjectCopy": frozenset({"customerKey", "sourceCustomerKey"}),
}

# What makes a value hands it over as a secret, or by the name of one
_MAKERS = ("random:", "tls:", "aws:secretsmanager/", "aws:ssm/", "vault:")


def _plain(resource: Resource) -> Findings:
    made = False
    for path, name, value in _held(resource.raw(), "", _BY_TYPE.get(resource.type, _PROPERTIES)):
        if value is UNKNOWN:
            made = True
            continue
        for leaf in leaves(value, path, name):
            # a short password is one, too
            if not leaf.text.strip() or (is_reference(leaf.text) and leaf.text.startswith(("arn:", "{{", "${"))):
                continue
            if any(each.type.startswith(_MAKERS) for each in resource.stack.depended_on(resource, path)):
                continue
            yield Finding(path, "a value that Pulumi keeps secret", found="a credential in plain")
            break
    if made:
        raise NotApplicableError("the value is made by a deployment, and stands in no text of the program")


def _held(value: Any, path: str, names: frozenset[str]) -> Iterator[tuple[str, str, Any]]:
    """Properties that hold credentials, at any depth."""
    if isinstance(value, Mapping):
        for name, each in cast("Mapping[str, Any]", value).items():
            below = f"{path}.{name}" if path else str(name)
            if name == "apiKey" and isinstance(each, Mapping) and "value" in each:
                yield f"{below}.value", str(name), each["value"]
            if name in names and not isinstance(each, Mapping | Secret) and each is not None:
                yield below, str(name), each
            else:
                yield from _held(each, below, names)
    elif isinstance(value, list):
        for number, each in enumerate(cast("list[Any]", value)):
            yield from _held(each, f"{path}[{number}]", names)


_METADATA = {
    **dict.fromkeys(
        (
            "aws:ec2/instance:Instance",
            "aws:ec2/launchConfiguration:LaunchConfiguration",
            "aws:ec2/launchTemplate:LaunchTemplate",
            "aws:ec2/spotInstanceRequest:SpotInstanceRequest",
        ),
        "metadataOptions",
    ),
    "aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration": "instanceMetadataOptions",
    "aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults": "",
}


def _asks_sessions(resource: Block, place: str) -> bool:
    options = resource.block(place) if place else resource
    return options.text("httpEndpoint", "enabled") == "disabled" or options.text("httpTokens") == "required"


def _metadata(resource: Resource) -> Findings:
    place = _METADATA[resource.type]
    path = f"{place}.httpTokens" if place else "httpTokens"
    if _asks_sessions(resource, place):
        return
    if place == "metadataOptions" and not resource.has(path):
        defaults = resource.stack.of_type("aws:ec2/instanceMetadataDefaults:InstanceMetadataDefaults")
        templates = resource.stack.depended_on(resource, "launchTemplate") if resource.has("launchTemplate") else ()
        if any(_asks_sessions(each, "") for each in defaults) or any(
            _asks_sessions(each, place) for each in templates if each.type == "aws:ec2/launchTemplate:LaunchTemplate"
        ):
            return
    yield Finding(path, "required")


def _notebook(resource: Resource) -> Findings:
    if resource.text("instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion", "1") != "2":
        yield Finding("instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion", "2")


_control = Family(
    Severity.CRITICAL, "A credential that can be read is used by whoever reads it: in a state, a console, a log, a backup."
).control


_SECRETS = "https://www.pulumi.com/docs/iac/concepts/secrets/"
CREDENTIALS = (
    _control(
        "exp-rds-password",
        "Passwords of databases are kept secret",
        _RDS,
        _plain,
        _SECRETS,
        "Let RDS manage the password (manageMasterUserPassword), or mark the value secret.",
    ),
    _control(
        "exp-cluster-password",
        "Passwords of database clusters are kept secret",
        _CLUSTERS,
        _plain,
        _SECRETS,
        "Let the service manage the password (manageMasterUserPassword), or mark the value secret.",
    ),
    _control(
        "exp-plain-properties",
        "Passwords, tokens and keys of resources are kept secret",
        (*HOLDERS, *_BY_TYPE),
        _plain,
        _SECRETS,
        "Mark the value secret; better, name a secret where the resource takes one.",
    ),
    _control(
        "exp-ec2-metadata",
        "Instances give credentials to sessions only",
        tuple(_METADATA),
        _metadata,
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html",
        "Set metadataOptions.httpTokens to required.",
    ),
    _control(
        "exp-sagemaker-metadata",
        "Notebooks give credentials to sessions only",
        ("aws:sagemaker/notebookInstance:NotebookInstance",),
        _notebook,
        "https://docs.aws.amazon.com/sagemaker/latest/dg/nbi-imds.html",
        "Set minimumInstanceMetadataServiceVersion to 2.",
        severity=Severity.HIGH,
    ),
)
