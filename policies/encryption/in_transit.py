"""Controls of data in transit."""

from collections.abc import Callable

from policies.engine.control import Family, Finding, Findings, NotApplicableError, Severity
from policies.engine.documents import Condition, Document, document
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT"]


def _on(path: str, wanted: str = "true") -> Callable[[Resource], Findings]:
    def judge(resource: Resource) -> Findings:
        if not resource.flag(path):
            yield Finding(path, wanted)

    return judge


# Policies whose name looks modern and that still take TLS 1.0 or 1.1 are not here: ELBSecurityPolicy-TLS13-1-0 and 1-1.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
_TLS_1_2 = ("ELBSecurityPolicy-TLS13-1-2", "ELBSecurityPolicy-TLS13-1-3", "ELBSecurityPolicy-TLS-1-2", "ELBSecurityPolicy-FS-1-2")


def _listener(resource: Resource) -> Findings:
    protocol = resource.text("protocol").upper()
    if protocol in ("TCP", "UDP", "TCP_UDP", "GENEVE", "QUIC", "TCP_QUIC"):
        raise NotApplicableError("it forwards packets: TLS ends behind it")
    if protocol in ("HTTPS", "TLS"):
        if not resource.text("sslPolicy").startswith(_TLS_1_2):
            yield Finding(
                "sslPolicy",
                "a policy of TLS 1.2 or later, such as ELBSecurityPolicy-TLS13-1-2-Res-2021-06 (AWS's default is of 2016 and takes TLS 1.0)",
            )
        return
    actions = resource.blocks("defaultActions")
    if not actions or not all(
        each.text("type").lower() == "redirect" and each.text("redirect.protocol", "#{protocol}").upper() == "HTTPS" for each in actions
    ):
        yield Finding("protocol", "HTTPS, or a redirect to HTTPS")


def _target_group(resource: Resource) -> Findings:
    if resource.text("targetType") == "lambda":
        raise NotApplicableError("a function is called by AWS's API")
    if resource.text("protocol").upper() == "HTTP":
        yield Finding("protocol", "HTTPS")


def _cache(resource: Resource) -> Findings:
    if not resource.flag("transitEncryptionEnabled"):
        yield Finding("transitEncryptionEnabled", "true")
    elif resource.text("transitEncryptionMode", "required").lower() != "required":
        yield Finding("transitEncryptionMode", "required")


def _memory_database(resource: Resource) -> Findings:
    if not resource.flag("tlsEnabled", default=True):
        yield Finding("tlsEnabled", "true")


def _stream(resource: Resource) -> Findings:
    if resource.text("encryptionInfo.encryptionInTransit.clientBroker", "TLS").upper() != "TLS":
        yield Finding("encryptionInfo.encryptionInTransit.clientBroker", "TLS")
    if not resource.flag("encryptionInfo.encryptionInTransit.inCluster", default=True):
        yield Finding("encryptionInfo.encryptionInTransit.inCluster", "true")


def _search_domain(resource: Resource) -> Findings:
    if not resource.flag("domainEndpointOptions.enforceHttps", default=resource.type.startswith("aws:opensearch")):
        yield Finding("domainEndpointOptions.enforceHttps", "true")
    if not resource.text("domainEndpointOptions.tlsSecurityPolicy").startswith(("Policy-Min-TLS-1-2", "Policy-Min-TLS-1-3")):
        yield Finding("domainEndpointOptions.tlsSecurityPolicy", "Policy-Min-TLS-1-2-PFS-2023-10")
    if not resource.flag("nodeToNodeEncryption.enabled"):
        yield Finding("nodeToNodeEncryption.enabled", "true")


def _refuses_plain_http(found: Document | None) -> bool:
    """Whether everybody is denied everything without TLS."""
    return found is not None and any(
        statement.names_everybody
        and any(each in ("*", "s3:*") for each in statement.actions)
        and len(statement.conditions) == 1
        and _is_plain(statement.conditions[0])
        for statement in found.denying()
    )


def _is_plain(condition: Condition) -> bool:
    return condition.key == "aws:securetransport" and condition.operator == "bool" and condition.values == ("false",)


def _bucket(resource: Resource) -> Findings:
    policies = [(resource, "policy")] if resource.has("policy") else []
    policies += [(each, "policy") for each in resource.stack.companions(resource, "aws:s3/bucketPolicy:BucketPolicy", by="bucket")]
    if not any(_refuses_plain_http(document(owner, path)) for owner, path in policies):
        found = "no bucket policy" if not policies else "a bucket policy without it"
        yield Finding("policy", "a statement that denies s3:* to everybody where aws:SecureTransport is false", found=found)


def _distribution(resource: Resource) -> Findings:
    behaviours = [("defaultCacheBehavior", resource.block("defaultCacheBehavior"))]
    behaviours += [(f"orderedCacheBehaviors.{number}", each) for number, each in enumerate(resource.blocks("orderedCacheBehaviors"))]
    for path, behaviour in behaviours:
        if behaviour.text("viewerProtocolPolicy") not in ("redirect-to-https", "https-only"):
            yield Finding(f"{path}.viewerProtocolPolicy", "redirect-to-https or https-only")
    if resource.flag("viewerCertificate.cloudfrontDefaultCertificate") or not resource.text(
        "viewerCertificate.minimumProtocolVersion"
    ).startswith(("TLSv1.2_2", "TLSv1.3_2")):
        yield Finding("viewerCertificate.minimumProtocolVersion", "TLSv1.2_2021 with a certificate of your own")


def _api_domain(resource: Resource) -> Findings:
    path = "securityPolicy" if resource.type.startswith("aws:apigateway/") else "domainNameConfiguration.securityPolicy"
    policy = resource.text(path)
    if policy != "TLS_1_2" and not policy.startswith(("SecurityPolicy_TLS12", "SecurityPolicy_TLS13")):
        yield Finding(path, "TLS_1_2")


_FORCING = {
    "rds.force_ssl": ("1",),
    "require_secure_transport": ("1", "on"),
    "require_ssl": ("1", "true"),
    "tls": ("enabled", "tls1.2+", "tls1.3+"),
}
_FAMILIES = (
    ("aurora-postgresql", "rds.force_ssl"),
    ("postgres", "rds.force_ssl"),
    ("sqlserver", "rds.force_ssl"),
    ("aurora-mysql", "require_secure_transport"),
    ("mysql", "require_secure_transport"),
    ("mariadb", "require_secure_transport"),
    ("redshift", "require_ssl"),
    ("docdb", "tls"),
)
_ON_BY_DEFAULT = 15
"""Family of PostgreSQL from which `rds.force_ssl` is 1 unless it is changed; before, it is 0."""


def _parameters(resource: Resource) -> Findings:
    family = resource.text("family").lower()
    name = next((parameter for prefix, parameter in _FAMILIES if family.startswith(prefix)), "")
    if not name:
        raise NotApplicableError(f"engines of the family '{family}' have no parameter that refuses plain connections")
    for parameter in resource.blocks("parameters"):
        if parameter.text("name").lower() == name:
            if parameter.text("value").lower() not in _FORCING[name]:
                yield Finding("parameters", f"{name} = {_FORCING[name][0]}", found=f"{name} = {parameter.text('value')}")
            return
    version = family.rpartition("postgresql" if "postgresql" in family else "postgres")[2]
    is_on = name == "tls" or (name == "rds.force_ssl" and version.isdigit() and int(version) >= _ON_BY_DEFAULT)
    if not is_on:
        yield Finding("parameters", f"{name} = {_FORCING[name][0]}", found=f"no {name}, whose default is off")


def _migration_endpoint(resource: Resource) -> Findings:
    if resource.text("engineName").lower() in ("s3", "dynamodb", "kinesis", "opensearch", "elasticsearch", "neptune", "redshift"):
        raise NotApplicableError("it is reached through AWS's API or has its own setting")
    if resource.text("sslMode", "none").lower() not in ("require", "verify-ca", "verify-full"):
        yield Finding("sslMode", "verify-full")


_moved = Family(Severity.HIGH, "What travels in plain is read and changed by whoever stands between, and credentials with it.").control


IN_TRANSIT = (
    _moved(
        "enc-lb-listener",
        "Listeners speak TLS 1.2 or later",
        ("aws:lb/listener:Listener",),
        _listener,
        "elasticloadbalancing/latest/application/describe-ssl-policies.html",
        "Set the protocol HTTPS and a current sslPolicy, or redirect.",
    ),
    _moved(
        "enc-lb-target-group",
        "Load balancers speak TLS to their targets",
        ("aws:lb/targetGroup:TargetGroup",),
        _target_group,
        "elasticloadbalancing/latest/application/load-balancer-target-groups.html",
        "Set the protocol HTTPS. Changing it replaces the target group.",
        severity=Severity.MEDIUM,
    ),
    _moved(
        "enc-elasticache-transit",
        "Caches refuse plain connections",
        ("aws:elasticache/replicationGroup:ReplicationGroup",),
        _cache,
        "AmazonElastiCache/latest/dg/in-transit-encryption.html",
        "Set transitEncryptionEnabled, with the mode required.",
    ),
    _moved(
        "enc-memorydb-transit",
        "MemoryDB refuses plain connections",
        ("aws:memorydb/cluster:Cluster",),
        _memory_database,
        "memorydb/latest/devguide/in-transit-encryption.html",
        "Leave tlsEnabled at true. Changing it replaces the cluster.",
    ),
    _moved(
        "enc-msk-transit",
        "Kafka refuses plain connections",
        ("aws:msk/cluster:Cluster",),
        _stream,
        "msk/latest/developerguide/msk-encryption.html",
        "Set clientBroker to TLS and inCluster to true.",
    ),
    _moved(
        "enc-opensearch-transit",
        "Search domains speak HTTPS only, also among their nodes",
        ("aws:opensearch/domain:Domain", "aws:elasticsearch/domain:Domain"),
        _search_domain,
        "opensearch-service/latest/developerguide/ntn.html",
        "Set domainEndpointOptions.enforceHttps and tlsSecurityPolicy, and nodeToNodeEncryption.",
    ),
    _moved(
        "enc-s3-plain-http",
        "Buckets refuse plain HTTP",
        ("aws:s3/bucket:Bucket",),
        _bucket,
        "AmazonS3/latest/userguide/security-best-practices.html",
        "Add the statement to the bucket's policy.",
    ),
    _moved(
        "enc-cloudfront-viewers",
        "Distributions speak HTTPS with TLS 1.2 or later",
        ("aws:cloudfront/distribution:Distribution",),
        _distribution,
        "AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-viewer-protocols-ciphers.html",
        "Redirect viewers to HTTPS and set minimumProtocolVersion.",
    ),
    _moved(
        "enc-apigateway-domain",
        "API domains speak TLS 1.2 or later",
        ("aws:apigateway/domainName:DomainName", "aws:apigatewayv2/domainName:DomainName"),
        _api_domain,
        "apigateway/latest/developerguide/apigateway-custom-domain-tls-version.html",
        "Set securityPolicy to TLS_1_2.",
    ),
    _moved(
        "enc-rds-proxy-transit",
        "Database proxies require TLS",
        ("aws:rds/proxy:Proxy",),
        _on("requireTls"),
        "AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html",
        "Set requireTls.",
    ),
    _moved(
        "enc-parameters-force-tls",
        "Databases refuse plain connections",
        (
            "aws:rds/parameterGroup:ParameterGroup",
            "aws:rds/clusterParameterGroup:ClusterParameterGroup",
            "aws:redshift/parameterGroup:ParameterGroup",
            "aws:docdb/clusterParameterGroup:ClusterParameterGroup",
        ),
        _parameters,
        "AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        "Set the engine's parameter that refuses connections without TLS.",
    ),
    _moved(
        "enc-dms-endpoint-transit",
        "Migration endpoints use TLS",
        ("aws:dms/endpoint:Endpoint",),
        _migration_endpoint,
        "dms/latest/userguide/CHAP_Security.SSL.html",
        "Set sslMode to verify-full with the certificate's ARN.",
    ),
)
