"""Controls of what connects to databases and brokers: migrations, connectors, reports."""

import re
from collections.abc import Iterator

from policies.encryption.in_transit_family import Rows, chosen, moved
from policies.engine.blocks import Block
from policies.engine.control import Finding, Findings, NotApplicableError
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_CLIENTS"]

_OWN_SETTINGS = ("s3", "dynamodb", "kinesis", "neptune", "redshift", "redshift-serverless", "timestream")
_MODES = ("require", "verify-ca", "verify-full")


def _migration_endpoint(resource: Resource) -> Findings:
    engine = resource.text("engineName").lower()
    if engine in _OWN_SETTINGS:
        raise NotApplicableError("it is reached through AWS's API, or always by TLS")
    if engine in ("opensearch", "elasticsearch"):
        if resource.text("elasticsearchSettings.endpointUri").lower().startswith("http://"):
            yield Finding("elasticsearchSettings.endpointUri", "https://…")
    elif engine == "kafka":
        if resource.text("kafkaSettings.securityProtocol", "plaintext").lower() not in ("ssl-encryption", "ssl-authentication", "sasl-ssl"):
            yield Finding("kafkaSettings.securityProtocol", "sasl-ssl or ssl-encryption")
    elif engine == "redis":
        if resource.text("redisSettings.sslSecurityProtocol", "ssl-encryption").lower() != "ssl-encryption":
            yield Finding("redisSettings.sslSecurityProtocol", "ssl-encryption")
    elif resource.text("sslMode", "none").lower() not in _MODES:
        yield Finding("sslMode", "verify-full")


def _provider_settings(resource: Resource) -> Iterator[tuple[str, Block]]:
    settings = resource.block("settings")
    for name in settings.names():
        # Redshift is reached by TLS always
        if name != "redshiftSettings" and (block := settings.block(name)).present:
            yield f"settings.{name}", block


def _migration(resource: Resource) -> Findings:
    if resource.type == "aws:dms/endpoint:Endpoint":
        yield from _migration_endpoint(resource)
        return
    for path, settings in _provider_settings(resource):
        # what is read from a bucket connects to no server
        if not settings.has("s3Path") and settings.text("sslMode", "none").lower() not in _MODES:
            yield Finding(f"{path}.sslMode", "verify-full or verify-ca")


_CONNECTORS: Rows = {"aws:mskconnect/connector:Connector": (("kafkaClusterEncryptionInTransit.encryptionType", ("tls",), "PLAINTEXT"),)}


def _source(resource: Resource) -> Findings:
    if resource.flag("sslProperties.disableSsl"):
        yield Finding("sslProperties.disableSsl", "false")


# Kinds of connections of Glue that reach a database, and what says that they use TLS.
_CONNECTION_SWITCHES = {"JDBC": "JDBC_ENFORCE_SSL", "MONGODB": "JDBC_ENFORCE_SSL", "KAFKA": "KAFKA_SSL_ENABLED"}
_TLS_IN_ADDRESS = re.compile(
    r"[?;&](ssl|usessl|requiressl|encrypt)=true|sslmode=(require|verify)|[?;&]sslmode=verify|jdbc:oracle:.*tcps", re.I
)


def _connection(resource: Resource) -> Findings:
    kind = resource.text("connectionType", "JDBC").upper()
    switch = _CONNECTION_SWITCHES.get(kind)
    if switch is None:
        raise NotApplicableError(f"connections of the type {kind} reach no database by a protocol of its own")
    properties = resource.block("connectionProperties")
    # Kafka's is true unless it is changed, JDBC's is false
    if properties.flag(switch, default=kind == "KAFKA"):
        return
    if not _TLS_IN_ADDRESS.search(properties.text("JDBC_CONNECTION_URL")):
        yield Finding(f"connectionProperties.{switch}", "true")


IN_TRANSIT_CLIENTS = (
    moved(
        "enc-mskconnect-transit",
        "Connectors reach Kafka by TLS",
        ("aws:mskconnect/connector:Connector",),
        chosen(_CONNECTORS, upper=True),
        "msk/latest/developerguide/msk-connect-connectors.html",
        "Set kafkaClusterEncryptionInTransit.encryptionType to TLS. Changing it replaces the connector.",
    ),
    moved(
        "enc-dms-endpoint-transit",
        "Migration endpoints use TLS",
        ("aws:dms/endpoint:Endpoint", "aws:dms/dataProvider:DataProvider"),
        _migration,
        "dms/latest/userguide/CHAP_Security.SSL.html",
        "Set sslMode to verify-full with the certificate's ARN, or the engine's own setting.",
    ),
    moved(
        "enc-quicksight-source",
        "Sources of QuickSight are reached by TLS",
        ("aws:quicksight/dataSource:DataSource",),
        _source,
        "quicksight/latest/user/configuring-vpc-connection.html",
        "Leave sslProperties.disableSsl at false.",
    ),
    moved(
        "enc-glue-connection",
        "Connections of Glue use TLS",
        ("aws:glue/connection:Connection",),
        _connection,
        "glue/latest/dg/connection-properties.html",
        'Set JDBC_ENFORCE_SSL to "true" in connectionProperties.',
    ),
)
