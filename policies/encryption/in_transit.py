"""Controls of what clients connect to: distributions, APIs, search domains."""

from collections.abc import Iterator

from policies.encryption.in_transit_family import chosen, moved, old_versions
from policies.engine.blocks import Block
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT"]

_HTTPS_ONLY = ("redirect-to-https", "https-only")


def _behaviours(resource: Resource) -> Iterator[tuple[str, Block]]:
    yield "defaultCacheBehavior", resource.block("defaultCacheBehavior")
    for several in ("orderedCacheBehaviors", "cacheBehaviors"):
        for number, each in enumerate(resource.blocks(several)):
            yield f"{several}.{number}", each


def _viewers(resource: Resource) -> Findings:
    for path, behaviour in _behaviours(resource):
        if behaviour.text("viewerProtocolPolicy").lower() not in _HTTPS_ONLY:
            yield Finding(f"{path}.viewerProtocolPolicy", "redirect-to-https or https-only")
    if resource.flag("viewerCertificate.cloudfrontDefaultCertificate") or not resource.text(
        "viewerCertificate.minimumProtocolVersion"
    ).startswith(("TLSv1.2_2", "TLSv1.3_2")):
        yield Finding("viewerCertificate.minimumProtocolVersion", "TLSv1.2_2021 with a certificate of your own")


def _origins(resource: Resource) -> Findings:
    if resource.type == "aws:cloudfront/vpcOrigin:VpcOrigin":
        yield from _origin("vpcOriginEndpointConfig", resource.block("vpcOriginEndpointConfig"), viewers_use_https=True)
        return
    viewers_use_https = all(each.text("viewerProtocolPolicy").lower() in _HTTPS_ONLY for _, each in _behaviours(resource))
    for number, origin in enumerate(resource.blocks("origins")):
        for several in ("customOriginConfig", "customOriginConfigs"):
            for config in origin.blocks(several):
                found = list(_origin(f"origins.{number}.{several}", config, viewers_use_https=viewers_use_https))
                # websites of S3 have no HTTPS
                if found and ".s3-website" not in origin.text("domainName"):
                    yield from found


def _origin(path: str, config: Block, *, viewers_use_https: bool) -> Findings:
    policy = config.text("originProtocolPolicy").lower()
    if policy == "http-only" or (policy == "match-viewer" and not viewers_use_https):
        yield Finding(f"{path}.originProtocolPolicy", "https-only")
        return
    versions = "originSslProtocols"
    if isinstance(config.value(versions), dict):
        versions = "originSslProtocols.items"
    if config.has(versions) and (old := old_versions(config.texts(versions))):
        yield Finding(f"{path}.originSslProtocols", "TLSv1.2", found=", ".join(old))


_LONGEST_MEMORY_SECONDS = 31536000
"""A year, as browsers' preload lists ask for."""


def _headers(resource: Resource) -> Findings:
    security = resource.block("securityHeadersConfig")
    if not security.present:
        raise NotApplicableError("it sets no security headers")
    path = "securityHeadersConfig.strictTransportSecurity"
    if not security.has("strictTransportSecurity"):
        yield Finding(path, f"accessControlMaxAgeSec {_LONGEST_MEMORY_SECONDS}")
    elif (security.number("strictTransportSecurity.accessControlMaxAgeSec", 0) or 0) < _LONGEST_MEMORY_SECONDS:
        yield Finding(f"{path}.accessControlMaxAgeSec", f"{_LONGEST_MEMORY_SECONDS}")


_API_POLICIES = {
    "aws:apigateway/domainName:DomainName": "securityPolicy",
    "aws:apigateway/restApi:RestApi": "securityPolicy",
    "aws:apigatewayv2/domainName:DomainName": "domainNameConfiguration.securityPolicy",
}


def _api(resource: Resource) -> Findings:
    path = _API_POLICIES[resource.type]
    policy = resource.text(path)
    if not policy and resource.type == "aws:apigateway/restApi:RestApi":
        raise NotApplicableError("it keeps the policy of AWS's own domain")
    if policy != "TLS_1_2" and not policy.startswith(("SecurityPolicy_TLS12", "SecurityPolicy_TLS13")):
        yield Finding(path, "TLS_1_2")


def _devices(resource: Resource) -> Findings:
    # the default is one of TLS 1.2: https://docs.aws.amazon.com/iot/latest/developerguide/transport-security.html
    if "_1_0_" in resource.text("tlsConfig.securityPolicy"):
        yield Finding("tlsConfig.securityPolicy", "IoTSecurityPolicy_TLS13_1_2_2022_10")


def _search_domain(resource: Resource) -> Findings:
    # the provider's default is true within the block, AWS's without it is false
    if not resource.flag("domainEndpointOptions.enforceHttps", default=resource.has("domainEndpointOptions")):
        yield Finding("domainEndpointOptions.enforceHttps", "true")
    if not resource.text("domainEndpointOptions.tlsSecurityPolicy").startswith(("Policy-Min-TLS-1-2", "Policy-Min-TLS-1-3")):
        yield Finding("domainEndpointOptions.tlsSecurityPolicy", "Policy-Min-TLS-1-2-PFS-2023-10")
    if not resource.flag("nodeToNodeEncryption.enabled"):
        yield Finding("nodeToNodeEncryption.enabled", "true")


def _small_search_domain(resource: Resource) -> Findings:
    if not resource.flag("endpointOptions.enforceHttps"):
        yield Finding("endpointOptions.enforceHttps", "true")
    if "TLS-1-0" in resource.text("endpointOptions.tlsSecurityPolicy"):
        yield Finding("endpointOptions.tlsSecurityPolicy", "Policy-Min-TLS-1-2-2019-07")


def _simple_distribution(resource: Resource) -> Findings:
    return chosen({resource.type: (("origin.protocolPolicy", ("https-only",), "http-only"),)})(resource)


IN_TRANSIT = (
    moved(
        "enc-cloudfront-viewers",
        "Distributions speak HTTPS with TLS 1.2 or later",
        ("aws:cloudfront/distribution:Distribution", "aws:cloudfront/multitenantDistribution:MultitenantDistribution"),
        _viewers,
        "AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html",
        "Redirect viewers to HTTPS and set minimumProtocolVersion.",
    ),
    moved(
        "enc-cloudfront-origins",
        "Distributions speak TLS 1.2 to their origins",
        (
            "aws:cloudfront/distribution:Distribution",
            "aws:cloudfront/multitenantDistribution:MultitenantDistribution",
            "aws:cloudfront/vpcOrigin:VpcOrigin",
        ),
        _origins,
        "AmazonCloudFront/latest/DeveloperGuide/using-https-cloudfront-to-custom-origin.html",
        "Set originProtocolPolicy to https-only and originSslProtocols to TLSv1.2.",
    ),
    moved(
        "enc-cloudfront-hsts",
        "Browsers remember for a year to use HTTPS",
        ("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",),
        _headers,
        "AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html",
        "Set strictTransportSecurity.",
        severity=Severity.LOW,
    ),
    moved(
        "enc-apigateway-domain",
        "API domains speak TLS 1.2 or later",
        tuple(_API_POLICIES),
        _api,
        "apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html",
        "Set securityPolicy to TLS_1_2.",
    ),
    moved(
        "enc-iot-domain",
        "Devices speak TLS 1.2 or later",
        ("aws:iot/domainConfiguration:DomainConfiguration",),
        _devices,
        "iot/latest/developerguide/iot-endpoints-tls-config.html",
        "Set tlsConfig.securityPolicy.",
    ),
    moved(
        "enc-opensearch-transit",
        "Search domains speak HTTPS only, also among their nodes",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search_domain,
        "opensearch-service/latest/developerguide/ntn.html",
        "Set domainEndpointOptions.enforceHttps and tlsSecurityPolicy, and nodeToNodeEncryption.",
    ),
    moved(
        "enc-cloudsearch-transit",
        "CloudSearch domains speak HTTPS only",
        ("aws:cloudsearch/domain:Domain",),
        _small_search_domain,
        "cloudsearch/latest/developerguide/configuring-domain-endpoint-options.html",
        "Set endpointOptions.enforceHttps and tlsSecurityPolicy.",
    ),
    moved(
        "enc-lightsail-distribution",
        "Distributions of Lightsail speak HTTPS to their origin",
        ("aws:lightsail/distribution:Distribution",),
        _simple_distribution,
        "lightsail/latest/userguide/amazon-lightsail-changing-distribution-origin-and-origin-protocol-policy.html",
        "Set origin.protocolPolicy to https-only.",
        severity=Severity.MEDIUM,
    ),
)
