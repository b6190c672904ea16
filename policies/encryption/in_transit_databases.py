"""Controls of connections to databases, caches and brokers."""

import re
from collections.abc import Mapping

from policies.encryption.in_transit_family import Rows, chosen, moved, old_versions
from policies.engine.control import Finding, Findings, NotApplicableError, Severity
from policies.engine.resources import Resource

__all__ = ["IN_TRANSIT_DATABASES"]


def _replication_group(resource: Resource) -> Findings:
    if resource.has("globalReplicationGroupId") and not resource.has("transitEncryptionEnabled"):
        raise NotApplicableError("a member of a global datastore is encrypted as its primary is")
    if not resource.flag("transitEncryptionEnabled"):
        yield Finding("transitEncryptionEnabled", "true")
    elif resource.text("transitEncryptionMode", "required").lower() != "required":
        yield Finding("transitEncryptionMode", "required")


def _cache(resource: Resource) -> Findings:
    if resource.has("replicationGroupId"):
        raise NotApplicableError("a member of a replication group is encrypted as the group is")
    if resource.flag("transitEncryptionEnabled"):
        return
    if resource.text("engine", "memcached").lower() == "memcached":
        yield Finding("transitEncryptionEnabled", "true")
    else:
        yield Finding("engine", "a ReplicationGroup with transitEncryptionEnabled: a cluster of its own speaks TLS with Memcached only")


def _caches(resource: Resource) -> Findings:
    if resource.type == "aws:elasticache/cluster:Cluster":
        yield from _cache(resource)
    else:
        yield from _replication_group(resource)


def _memory_database(resource: Resource) -> Findings:
    if not resource.flag("tlsEnabled", default=True):
        yield Finding("tlsEnabled", "true")


def _api_cache(resource: Resource) -> Findings:
    if not resource.flag("transitEncryptionEnabled"):
        yield Finding("transitEncryptionEnabled", "true")


def _brokers(resource: Resource) -> Findings:
    if resource.text("encryptionInfo.encryptionInTransit.clientBroker", "TLS").upper() != "TLS":
        yield Finding("encryptionInfo.encryptionInTransit.clientBroker", "TLS")
    if not resource.flag("encryptionInfo.encryptionInTransit.inCluster", default=True):
        yield Finding("encryptionInfo.encryptionInTransit.inCluster", "true")


def _proxy(resource: Resource) -> Findings:
    if not resource.flag("requireTls"):
        yield Finding("requireTls", "true")


_ON = ("1", "on", "true", "yes")
_FORCING: Mapping[str, tuple[str, ...]] = {
    "rds.force_ssl": ("1", "on", "true"),
    "require_secure_transport": _ON,
    "require_ssl": _ON,
    "neptune_enforce_ssl": _ON,
    "tls": ("enabled", "tls1.2+", "tls1.3+", "fips-140-3"),
    "db2comm": ("ssl",),
}
# From which version of a family the parameter refuses plain connections unless it is changed; None: from none, 0: from all.
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraPostgreSQL.Security.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mysql-ssl-connections.require-ssl.html
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/AuroraMySQL.Compare-v3-v84.html
# https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/mariadb-ssl-connections.html
# https://docs.aws.amazon.com/redshift/latest/mgmt/connecting-ssl-support.html
_FAMILIES: tuple[tuple[str, str, float | None], ...] = (
    ("aurora-postgresql", "rds.force_ssl", 17),
    ("postgres", "rds.force_ssl", 15),
    ("sqlserver", "rds.force_ssl", None),
    ("aurora-mysql", "require_secure_transport", 8.4),
    ("mysql", "require_secure_transport", 9),
    ("mariadb", "require_secure_transport", 11.8),
    ("redshift", "require_ssl", 2),
    ("docdb", "tls", 0),
    ("neptune", "neptune_enforce_ssl", 0),
    ("db2", "db2comm", None),
)
_OF_CLUSTERS = ("aurora-", "docdb", "neptune")


def _forcing_parameter(family: str) -> str:
    """Name of the parameter that refuses plain connections; empty where a family has none."""
    return next((parameter for prefix, parameter, _ in _FAMILIES if family.lower().startswith(prefix)), "")


def _forced_by_default(family: str) -> bool:
    """Whether a family such as `postgres16` refuses plain connections unless told otherwise."""
    version = re.search(r"\d+(\.\d+)?", family.lower().replace("db2", "db"))
    for prefix, _, first in _FAMILIES:
        if family.lower().startswith(prefix):
            return first is not None and (first == 0 or (version is not None and _number(version.group()) >= _number(str(first))))
    return False


def _number(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)


def _parameters(resource: Resource) -> Findings:
    family = resource.text("family").lower()
    name = _forcing_parameter(family)
    if not name:
        raise NotApplicableError(f"engines of the family '{family}' have no parameter that refuses plain connections")
    for parameter in resource.blocks("parameters"):
        if parameter.text("name").lower() == name:
            if parameter.text("value").lower() not in _FORCING[name]:
                yield Finding("parameters", f"{name} = {_FORCING[name][0]}", found=f"{name} = {parameter.text('value')}")
            return
    if resource.type == "aws:rds/parameterGroup:ParameterGroup" and family.startswith(_OF_CLUSTERS):
        raise NotApplicableError("the parameter is one of the cluster's group")
    if not _forced_by_default(family):
        yield Finding("parameters", f"{name} = {_FORCING[name][0]}", found=f"no {name}, whose default is off")


_GROUPS = {
    "aws:rds/instance:Instance": ("parameterGroupName", "aws:rds/parameterGroup:ParameterGroup"),
    "aws:rds/cluster:Cluster": ("dbClusterParameterGroupName", "aws:rds/clusterParameterGroup:ClusterParameterGroup"),
    "aws:redshift/cluster:Cluster": ("clusterParameterGroupName", "aws:redshift/parameterGroup:ParameterGroup"),
}


def _group(resource: Resource) -> Findings:
    path, type_ = _GROUPS[resource.type]
    if resource.has(path):
        if any(each.type == type_ for each in resource.stack.depended_on(resource, path)):
            raise NotApplicableError("its parameter group is judged itself")
        named = resource.text(path)
        if not named.lower().startswith("default."):
            raise NotApplicableError("its parameter group is judged itself, or declared elsewhere")
        family = named.lower().removeprefix("default.")
    else:
        family = _family_of(resource)
    parameter = _forcing_parameter(family)
    if not parameter:
        raise NotApplicableError("the engine has no parameter that refuses plain connections")
    if not _forced_by_default(family):
        yield Finding(
            path, f"a parameter group with {parameter} = {_FORCING[parameter][0]}", found=f"AWS's group for {family}, where it is off"
        )


def _family_of(resource: Resource) -> str:
    """Family of AWS's own group for a database that names none."""
    if resource.type.startswith("aws:redshift/"):
        # that of new clusters since January 2025
        return "redshift-2.0"
    engine, version = resource.text("engine").lower(), resource.text("engineVersion")
    if not version and not engine.startswith(("sqlserver", "db2")):
        raise NotApplicableError("AWS chooses the engine's version, and with it the parameter group")
    return f"{engine}-{version}"


def _workgroup(resource: Resource) -> Findings:
    # true unless it is changed: https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-security-connections.html
    for number, parameter in enumerate(resource.blocks("configParameters")):
        if parameter.text("parameterKey").lower() == "require_ssl" and not parameter.flag("parameterValue"):
            yield Finding(f"configParameters.{number}.parameterValue", "true")


def _forces_tls(resource: Resource) -> Findings:
    if resource.type == "aws:redshiftserverless/workgroup:Workgroup":
        yield from _workgroup(resource)
    else:
        yield from _parameters(resource)


# Parameters that let an engine take old versions of TLS, and what is old.
_OLD_TLS = {
    "tls_version": None,
    "ssl_min_protocol_version": None,
    "rds.tls10": ("enabled",),
    "rds.tls11": ("enabled",),
    "rds.rc4": ("enabled",),
    "rds.3des168": ("enabled",),
}


def _versions(resource: Resource) -> Findings:
    for parameter in resource.blocks("parameters"):
        name, value = parameter.text("name").lower(), parameter.text("value").lower()
        if name not in _OLD_TLS:
            continue
        wrong = _OLD_TLS[name]
        if value in wrong if wrong is not None else bool(old_versions(re.split(r"[,\s]+", value))):
            yield Finding("parameters", "TLS 1.2 or later alone", found=f"{name} = {value}")


def _options(resource: Resource) -> Findings:
    """Options of Oracle, which encrypts by its own means or by TLS."""
    for option in resource.blocks("options"):
        name = option.text("optionName").upper()
        settings = {each.text("name").upper(): each.text("value").upper() for each in option.blocks("optionSettings")}
        if name == "NATIVE_NETWORK_ENCRYPTION" and settings.get("SQLNET.ENCRYPTION_SERVER", "REQUESTED") != "REQUIRED":
            yield Finding(
                "options", "SQLNET.ENCRYPTION_SERVER = REQUIRED", found=settings.get("SQLNET.ENCRYPTION_SERVER", "the default, REQUESTED")
            )
        # 1.0 unless it is changed
        version = settings.get("SQLNET.SSL_VERSION", "1.0")
        if name == "SSL" and "1.0" in version.split(" OR "):
            yield Finding("options", "SQLNET.SSL_VERSION = 1.2", found=version)


_EXPIRED = ("rds-ca-2010", "rds-ca-2015", "rds-ca-2019")


def _authority(resource: Resource) -> Findings:
    path = "caCertificateIdentifier" if resource.type.startswith("aws:rds/cluster:") else "caCertIdentifier"
    if resource.text(path).lower() in _EXPIRED:
        yield Finding(path, "rds-ca-rsa2048-g1")


_DAX: Rows = {"aws:dax/cluster:Cluster": (("clusterEndpointEncryptionType", ("tls",), "NONE"),)}


IN_TRANSIT_DATABASES = (
    moved(
        "enc-elasticache-transit",
        "Caches refuse plain connections",
        ("aws:elasticache/replicationGroup:ReplicationGroup", "aws:elasticache/cluster:Cluster"),
        _caches,
        "AmazonElastiCache/latest/dg/in-transit-encryption.html",
        "Set transitEncryptionEnabled, with the mode required.",
    ),
    moved(
        "enc-memorydb-transit",
        "MemoryDB refuses plain connections",
        ("aws:memorydb/cluster:Cluster", "aws:memorydb/multiRegionCluster:MultiRegionCluster"),
        _memory_database,
        "memorydb/latest/devguide/in-transit-encryption.html",
        "Leave tlsEnabled at true. Changing it replaces the cluster.",
    ),
    moved(
        "enc-dax-transit",
        "DAX refuses plain connections",
        ("aws:dax/cluster:Cluster",),
        chosen(_DAX, upper=True),
        "amazondynamodb/latest/developerguide/DAXEncryptionInTransit.html",
        "Set clusterEndpointEncryptionType to TLS. Changing it replaces the cluster.",
    ),
    moved(
        "enc-appsync-cache-transit",
        "Caches of AppSync are reached by TLS",
        ("aws:appsync/apiCache:ApiCache",),
        _api_cache,
        "appsync/latest/devguide/enabling-caching.html",
        "Set transitEncryptionEnabled. Changing it replaces the cache.",
    ),
    moved(
        "enc-msk-transit",
        "Kafka refuses plain connections",
        ("aws:msk/cluster:Cluster",),
        _brokers,
        "msk/latest/developerguide/msk-encryption.html",
        "Set clientBroker to TLS and inCluster to true.",
    ),
    moved(
        "enc-rds-proxy-transit",
        "Database proxies require TLS",
        ("aws:rds/proxy:Proxy",),
        _proxy,
        "AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html",
        "Set requireTls.",
    ),
    moved(
        "enc-parameters-force-tls",
        "Databases refuse plain connections",
        (
            "aws:rds/parameterGroup:ParameterGroup",
            "aws:rds/clusterParameterGroup:ClusterParameterGroup",
            "aws:redshift/parameterGroup:ParameterGroup",
            "aws:redshiftserverless/workgroup:Workgroup",
            "aws:docdb/clusterParameterGroup:ClusterParameterGroup",
            "aws:neptune/clusterParameterGroup:ClusterParameterGroup",
        ),
        _forces_tls,
        "AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        "Set the engine's parameter that refuses connections without TLS.",
    ),
    moved(
        "enc-database-force-tls",
        "Databases use a parameter group that refuses plain connections",
        tuple(_GROUPS),
        _group,
        "AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        "Declare a parameter group that forces TLS and name it: AWS's own cannot be changed.",
    ),
    moved(
        "enc-parameters-tls-version",
        "Databases speak TLS 1.2 or later",
        ("aws:rds/parameterGroup:ParameterGroup", "aws:rds/clusterParameterGroup:ClusterParameterGroup"),
        _versions,
        "AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",
        "Take old versions and ciphers out of the engine's parameter.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-rds-oracle-options",
        "Options of Oracle require encrypted connections",
        ("aws:rds/optionGroup:OptionGroup",),
        _options,
        "AmazonRDS/latest/UserGuide/Oracle.Options.NNE.Options.html",
        "Set SQLNET.ENCRYPTION_SERVER to REQUIRED, and SQLNET.SSL_VERSION to 1.2.",
        severity=Severity.MEDIUM,
    ),
    moved(
        "enc-rds-authority",
        "Certificates of databases come from an authority that is valid",
        (
            "aws:rds/instance:Instance",
            "aws:rds/cluster:Cluster",
            "aws:rds/clusterInstance:ClusterInstance",
            "aws:docdb/clusterInstance:ClusterInstance",
        ),
        _authority,
        "AmazonRDS/latest/UserGuide/UsingWithRDS.SSL-certificate-rotation.html",
        "Name an authority such as rds-ca-rsa2048-g1: those of 2019 and earlier have expired.",
        severity=Severity.MEDIUM,
    ),
)
