"""Controls of what AWS's services call, deliver to and receive from."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from policies.encryption.in_transit_family import Rows, chosen, moved
from policies.engine.blocks import Block, MisshapenError
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_CALLS"]

# Addresses that services call, or send people to. A number after a list's name stands for each of its blocks.
_ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "aws:amplify/app:App": ("repository", "customRules.*.target"),
    "aws:apigateway/integration:Integration": ("uri",),
    "aws:apigatewayv2/integration:Integration": ("integrationUri",),
    "aws:apigatewayv2/authorizer:Authorizer": ("jwtConfiguration.issuer",),
    "aws:appflow/connectorProfile:ConnectorProfile": tuple(
        f"connectorProfileConfig.connectorProfileProperties.{each}"
        for each in (
            "datadog.instanceUrl",
            "dynatrace.instanceUrl",
            "inforNexus.instanceUrl",
            "marketo.instanceUrl",
            "salesforce.instanceUrl",
            "sapoData.applicationHostUrl",
            "serviceNow.instanceUrl",
            "slack.instanceUrl",
            "veeva.instanceUrl",
            "zendesk.instanceUrl",
        )
    ),
    "aws:appsync/dataSource:DataSource": ("httpConfig.endpoint",),
    "aws:appsync/graphQLApi:GraphQLApi": ("openidConnectConfig.issuer",),
    "aws:bedrock/agentcoreGateway:AgentcoreGateway": ("authorizerConfiguration.customJwtAuthorizer.discoveryUrl",),
    "aws:cloudformation/stack:Stack": ("templateUrl", "policyUrl"),
    "aws:cloudformation/stackSet:StackSet": ("templateUrl",),
    "aws:cloudwatch/eventApiDestination:EventApiDestination": ("invocationEndpoint",),
    "aws:cloudwatch/eventConnection:EventConnection": ("authParameters.oauth.authorizationEndpoint",),
    "aws:codeconnections/host:Host": ("providerEndpoint",),
    "aws:codestarconnections/host:Host": ("providerEndpoint",),
    "aws:codebuild/project:Project": ("source.location", "secondarySources.*.location"),
    "aws:cognito/identityProvider:IdentityProvider": (
        "providerDetails.oidc_issuer",
        "providerDetails.token_url",
        "providerDetails.MetadataURL",
    ),
    "aws:cognito/userPoolClient:UserPoolClient": ("callbackUrls.*", "logoutUrls.*", "defaultRedirectUri"),
    "aws:eks/identityProviderConfig:IdentityProviderConfig": ("oidc.issuerUrl",),
    "aws:emr/studio:Studio": ("idpAuthUrl",),
    "aws:grafana/workspaceSamlConfiguration:WorkspaceSamlConfiguration": ("idpMetadataUrl",),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ("url",),
    "aws:iot/topicRule:TopicRule": ("https.*.url", "https.*.confirmationUrl"),
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ("httpEndpointConfiguration.url", "splunkConfiguration.hecEndpoint"),
    "aws:kms/customKeyStore:CustomKeyStore": ("xksProxyUriEndpoint",),
    "aws:pinpoint/app:App": ("campaignHook.webUrl",),
    "aws:sagemaker/workforce:Workforce": ("oidcConfig.tokenEndpoint", "oidcConfig.jwksUri", "oidcConfig.issuer"),
    "aws:securitylake/subscriberNotification:SubscriberNotification": ("configuration.httpsNotificationConfiguration.endpoint",),
    "aws:sns/topicSubscription:TopicSubscription": ("endpoint",),
    "aws:ssoadmin/trustedTokenIssuer:TrustedTokenIssuer": ("trustedTokenIssuerConfiguration.oidcJwtConfiguration.issuerUrl",),
    "aws:transfer/connector:Connector": ("url",),
    "aws:verifiedaccess/trustProvider:TrustProvider": (
        "oidcOptions.issuer",
        "oidcOptions.authorizationEndpoint",
        "oidcOptions.tokenEndpoint",
        "oidcOptions.userInfoEndpoint",
    ),
}
_OWN_MACHINE = ("http://localhost", "http://127.0.0.1", "http://[::1]")


def _addresses(resource: Resource) -> Iterator[tuple[str, str]]:
    for stated in _ADDRESSES[resource.type]:
        several, _, rest = stated.partition(".*")
        if not rest and several == stated:
            yield stated, resource.text(stated)
        elif not rest:
            yield from ((several, each) for each in resource.texts(several))
        else:
            for number, block in enumerate(resource.blocks(several)):
                yield f"{several}.{number}{rest}", block.text(rest.removeprefix("."))


# Types that call by other protocols, too: the property that says which, and what it says of HTTP.
_BY_HTTP: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "aws:apigateway/integration:Integration": ("type", ("http", "http_proxy")),
    "aws:apigatewayv2/integration:Integration": ("integrationType", ("http", "http_proxy")),
    "aws:sns/topicSubscription:TopicSubscription": ("protocol", ("http", "https")),
}


def _called(resource: Resource) -> Findings:
    if resource.type in _BY_HTTP:
        path, http = _BY_HTTP[resource.type]
        if resource.text(path).lower() not in http:
            raise NotApplicableError("it is no call by HTTP")
    for path, address in _addresses(resource):
        if address.lower().startswith("http://") and not address.lower().startswith(_OWN_MACHINE):
            # not the address itself: it may carry a credential
            yield Finding(path, "an address that begins with https://", found="an address that begins with http://")
    if resource.type.startswith("aws:sns/") and resource.text("protocol").lower() == "http":
        yield Finding("protocol", "https")


def _unchecked(resource: Resource) -> Findings:
    for path in _UNCHECKED[resource.type]:
        several, _, rest = path.partition(".*.")
        if rest:
            for number, block in enumerate(resource.blocks(several)):
                if block.flag(rest):
                    yield Finding(f"{several}.{number}.{rest}", "false")
        elif resource.flag(path):
            yield Finding(path, "false")


_UNCHECKED: Mapping[str, tuple[str, ...]] = {
    "aws:apigateway/integration:Integration": ("tlsConfig.insecureSkipVerification",),
    "aws:codebuild/project:Project": ("source.insecureSsl", "secondarySources.*.insecureSsl"),
    "kubernetes:apiregistration.k8s.io:APIService": ("spec.insecureSkipTLSVerify",),
}


def _private_integration(resource: Resource) -> Findings:
    if resource.text("connectionType").upper() != "VPC_LINK":
        raise NotApplicableError("it calls an address of the internet or a function")
    # APIs of web sockets integrate an address, which says itself whether it is TLS
    if resource.is_known("integrationUri") and resource.text("integrationUri").lower().startswith("https://"):
        return
    if not resource.has("tlsConfig.serverNameToVerify"):
        yield Finding(
            "tlsConfig.serverNameToVerify", "the name in the certificate of the load balancer: without it, API Gateway speaks HTTP"
        )


_MAIL: Rows = {
    "aws:ses/configurationSet:ConfigurationSet": (("deliveryOptions.tlsPolicy", ("require",), "Optional"),),
    "aws:sesv2/configurationSet:ConfigurationSet": (("deliveryOptions.tlsPolicy", ("require",), "OPTIONAL"),),
    "aws:ses/receiptRule:ReceiptRule": (("tlsPolicy", ("require",), "Optional"),),
    "aws:mailmanager/ingressPoint:IngressPoint": (("tlsPolicy", ("required", "fips"), "REQUIRED"),),
}


def _mail(resource: Resource) -> Findings:
    yield from chosen(_MAIL, upper=not resource.type.startswith("aws:ses/"))(resource)
    # links that are rewritten to count clicks
    if (
        resource.type == "aws:sesv2/configurationSet:ConfigurationSet"
        and resource.text("trackingOptions.httpsPolicy").upper() == "OPTIONAL"
    ):
        yield Finding("trackingOptions.httpsPolicy", "REQUIRE")


def _partner(resource: Resource) -> Findings:
    """Messages of AS2 are encrypted and signed themselves, beside the connection."""
    for path, weak, wanted in (
        ("encryptionAlgorithm", ("NONE", "DES_EDE3_CBC"), "AES256_CBC"),
        ("signingAlgorithm", ("NONE", "SHA1"), "SHA256"),
    ):
        if resource.text(f"as2Config.{path}").upper() in weak:
            yield Finding(f"as2Config.{path}", wanted)


def _transfers(resource: Resource) -> Findings:
    if resource.type == "aws:transfer/connector:Connector":
        yield from _partner(resource)
        return
    protocols = [each.upper() for each in resource.texts("protocols")] or ["SFTP"]
    if "FTP" in protocols:
        yield Finding("protocols", "SFTP, FTPS or AS2")
    # the provider's default: https://docs.aws.amazon.com/transfer/latest/userguide/security-policies.html
    policy = resource.text("securityPolicyName", "TransferSecurityPolicy-2018-11")
    if policy == "TransferSecurityPolicy-2018-11" and {"SFTP", "FTPS"} & set(protocols):
        yield Finding("securityPolicyName", "TransferSecurityPolicy-2024-01 or later: that of 2018, the default, takes SHA-1")


def _voice(resource: Resource) -> Findings:
    if not resource.flag("requireEncryption"):
        yield Finding("requireEncryption", "true")


_TRAFFIC = "enableInterContainerTrafficEncryption"
_JOBS: Mapping[str, tuple[str, str]] = {
    "aws:sagemaker/trainingJob:TrainingJob": ("", _TRAFFIC),
    "aws:sagemaker/dataQualityJobDefinition:DataQualityJobDefinition": ("", f"networkConfig.{_TRAFFIC}"),
    "aws:sagemaker/monitoringSchedule:MonitoringSchedule": (
        "monitoringScheduleConfig.monitoringJobDefinition",
        f"networkConfig.{_TRAFFIC}",
    ),
    "aws:sagemaker/hyperParameterTuningJob:HyperParameterTuningJob": ("trainingJobDefinition", _TRAFFIC),
}
"""Of each type: the block that describes a job, and the switch in it."""


def _jobs(resource: Resource) -> Findings:
    described, switch = _JOBS[resource.type]
    jobs = [(described, resource.block(described) if described else resource)]
    jobs += [(f"trainingJobDefinitions.{number}", each) for number, each in enumerate(resource.blocks("trainingJobDefinitions"))]
    for path, job in jobs:
        # one instance alone has nobody to talk to
        if job.present and job.text("resourceConfig.instanceCount") != "1" and not job.flag(switch):
            yield Finding(f"{path}.{switch}" if path else switch, "true")


def _json(resource: Resource, path: str) -> dict[str, Any]:
    """A document in JSON, as a text or as a mapping."""
    stated: Any = resource.value(path)
    if isinstance(stated, str):
        try:
            stated = json.loads(stated)
        except (ValueError, RecursionError):
            raise MisshapenError(path, "JSON") from None
    if not isinstance(stated, dict):
        raise MisshapenError(path, "JSON")
    return cast("dict[str, Any]", stated)


def _hadoop(resource: Resource) -> Findings:
    stated = _json(resource, "configuration")
    if not Block(stated, "configuration").flag("EncryptionConfiguration.EnableInTransitEncryption"):
        yield Finding("configuration", "EnableInTransitEncryption true, with certificates", found="no EnableInTransitEncryption")


IN_TRANSIT_CALLS = (
    moved(
        "enc-calls-https",
        "Services call and deliver to addresses of HTTPS",
        tuple(_ADDRESSES),
        _called,
        "wellarchitected/latest/security-pillar/sec_protect_data_transit_encrypt.html",
        "Name an address that begins with https://.",
    ),
    moved(
        "enc-calls-verified",
        "Certificates of what is called are verified",
        tuple(_UNCHECKED),
        _unchecked,
        "wellarchitected/latest/security-pillar/sec_protect_data_transit_authentication.html",
        "Leave verification on, and make the authority of the certificate known instead.",
    ),
    moved(
        "enc-apigateway-private-integration",
        "APIs speak TLS to what they integrate within the VPC",
        ("aws:apigatewayv2/integration:Integration",),
        _private_integration,
        "apigateway/latest/developerguide/http-api-develop-integrations-private.html",
        "Set tlsConfig.serverNameToVerify, and integrate an HTTPS listener.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-ses-transit",
        "Mail travels by TLS only",
        tuple(_MAIL),
        _mail,
        "ses/latest/dg/security-protocols.html",
        "Set tlsPolicy to require TLS. Mail to or from servers without it is then refused.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-transfer-protocols",
        "Files are transferred by encrypted protocols and current ciphers",
        ("aws:transfer/server:Server", "aws:transfer/connector:Connector"),
        _transfers,
        "transfer/latest/userguide/security-policies.html",
        "Take FTP from the protocols and set a current securityPolicyName.",
    ),
    moved(
        "enc-chime-voice",
        "Calls are encrypted",
        ("aws:chime/voiceConnector:VoiceConnector",),
        _voice,
        "chime-sdk/latest/ag/voice-connectors.html",
        "Set requireEncryption.",
    ),
    moved(
        "enc-sagemaker-containers",
        "Containers of training and monitoring jobs speak TLS to one another",
        tuple(_JOBS),
        _jobs,
        "sagemaker/latest/dg/train-encrypt.html",
        "Set enableInterContainerTrafficEncryption. Distributed training takes longer.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-emr-transit",
        "Nodes of EMR speak TLS to one another",
        ("aws:emr/securityConfiguration:SecurityConfiguration",),
        _hadoop,
        "emr/latest/ManagementGuide/emr-data-encryption-options.html",
        "Set EnableInTransitEncryption with InTransitEncryptionConfiguration.",
        severity=Severity.MEDIUM,
    ),
)
