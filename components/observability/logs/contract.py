"""What the program and its functions have to agree on. Needs nothing, so that both can read it."""

from enum import StrEnum

STORE_ENDPOINT = "STORE_ENDPOINT"
"""Variable: the store's host name."""
STORE_REGION = "STORE_REGION"
"""Variable: the store's region."""
LOG_SOURCES = "LOG_SOURCES"
"""Variable: JSON, names of log groups by `LogSource`."""

INDEX_PREFIX = "logs-"
"""Of each day's index, before its date: `logs-2026.11.26`."""
WRITTEN_DAYS = 2
"""Indices that are written to: today's and yesterday's. What is later than that is kept with today's."""


class LogSource(StrEnum):
    """Where a line comes from, as the store's field `source` says it."""

    PODS = "pods"
    CONTROL_PLANE = "control-plane"
    DATABASE = "database"
    CACHE = "cache"
    SESSIONS = "sessions"
    FIREWALL = "firewall"
    METRICS = "metrics"
    OTHER = "other"
    """A group that nobody named."""


class Field(StrEnum):
    """What a document of the store has. Each is mapped in the index template, and no other is looked up."""

    TIMESTAMP = "@timestamp"
    MESSAGE = "message"
    LENGTH = "length"
    """Characters that a message had, where it was cut."""
    TRUNCATED = "truncated"
    """Something was cut."""
    LOG_GROUP = "log_group"
    LOG_STREAM = "log_stream"
    SOURCE = "source"
    REGION = "region"
    LEVEL = "level"
    NAMESPACE = "namespace"
    POD = "pod"
    CONTAINER = "container"
    NODE = "node"
    FIELDS = "fields"
    """A message that is a JSON object, as such."""
    ORDER_ID = "order_id"
    TRACE_ID = "trace_id"
    USER = "user"
    CLIENT_IP = "client_ip"
    COUNTRY = "country"
    METHOD = "method"
    PATH = "path"
    STATUS = "status"
    DURATION_MS = "duration_ms"
    ACTION = "action"
    RULE = "rule"
    VERB = "verb"
    RESOURCE = "resource"
    OBJECT = "object"
    ERROR = "error"


class Level(StrEnum):
    """How grave a line is, whatever its writer calls it."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"
