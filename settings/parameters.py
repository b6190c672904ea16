"""What the servers are told: engine parameters and access rules, as tables.

Parameters that stand at AWS's default are left out: the service does not report them back, and every preview would show them.
"""

from dataclasses import dataclass
from typing import Literal

from settings.model import DatabaseSettings


@dataclass(frozen=True)
class DatabaseParameter:
    """One parameter of an Aurora cluster parameter group.

    `apply` is when a change takes effect: static parameters wait for a restart. `community` says whether a PostgreSQL
    without AWS's additions knows the parameter.
    """

    name: str
    value: str
    apply: Literal["immediate", "pending-reboot"]
    why: str
    community: bool = True


DATABASE_PARAMETERS: tuple[DatabaseParameter, ...] = (
    DatabaseParameter("rds.force_ssl", "1", "pending-reboot", "refuse connections without TLS", community=False),
    DatabaseParameter(
        "shared_preload_libraries", "pg_stat_statements,pgaudit", "pending-reboot", "query statistics and audit", community=False
    ),
    DatabaseParameter(
        "pgaudit.log", "ddl,role", "pending-reboot", "audit changes of schema and rights; passwords stay out of it", community=False
    ),
    DatabaseParameter("log_parameter_max_length", "0", "immediate", "no bound value, which may be personal or secret, reaches a log"),
    DatabaseParameter("log_connections", "1", "immediate", "who connected, and when"),
    DatabaseParameter("log_disconnections", "1", "immediate", "for how long"),
    DatabaseParameter("log_lock_waits", "1", "immediate", "waits longer than a second"),
    DatabaseParameter("log_temp_files", "10240", "immediate", "sorts that spill more than 10 MiB (kB)"),
    DatabaseParameter(
        "idle_in_transaction_session_timeout", "60000", "immediate", "a forgotten transaction holds locks for a minute at most (ms)"
    ),
    DatabaseParameter("statement_timeout", "60000", "immediate", "no statement of a service runs longer than a minute (ms)"),
)
"""Whatever the environment."""


def database_parameters(settings: DatabaseSettings) -> tuple[DatabaseParameter, ...]:
    """All parameters of the database, in every region alike: regions swap roles."""
    slow = DatabaseParameter("log_min_duration_statement", str(settings.slow_query_milliseconds), "immediate", "slow statements (ms)")
    limit = settings.data_loss.block_commits_after_seconds
    if limit is None:
        return (*DATABASE_PARAMETERS, slow)
    rpo = DatabaseParameter("rds.global_db_rpo", str(limit), "immediate", "no commit while every standby lags further (s)", community=False)
    return (*DATABASE_PARAMETERS, slow, rpo)


@dataclass(frozen=True)
class ValkeyParameter:
    """One parameter of an ElastiCache parameter group. `community`: whether a server without AWS's additions knows it."""

    name: str
    value: str
    why: str
    community: bool = True


CACHE_PARAMETERS: tuple[ValkeyParameter, ...] = (
    ValkeyParameter("cluster-enabled", "yes", "shards"),
    ValkeyParameter("maxmemory-policy", "allkeys-lru", "the least recently used key gives way"),
    ValkeyParameter("timeout", "900", "a forgotten connection is closed after a quarter of an hour (s)"),
)

SESSIONS_PARAMETERS: tuple[ValkeyParameter, ...] = (
    ValkeyParameter("cluster-enabled", "yes", "shards; durable writes need cluster mode"),
    ValkeyParameter("maxmemory-policy", "noeviction", "evicting a session would sign its trader out"),
    ValkeyParameter("timeout", "900", "a forgotten connection is closed after a quarter of an hour (s)"),
)

_CLIENT = "resetchannels -@all +@read +@write +@connection +@transaction -@admin -@dangerous +cluster|nodes +cluster|shards +cluster|slots"
CACHE_ACCESS = f"on ~* {_CLIENT}"
"""Services in the cache: data commands, no administration."""
SESSIONS_ACCESS = f"on ~session:* {_CLIENT}"
"""The API gateway in the session store: keys under `session:` only."""
OPERATOR_ACCESS = (
    "on resetchannels -@all +@connection -@admin -@dangerous +ping +info +dbsize +memory|stats +slowlog|get +slowlog|len "
    "+client|list +client|info +cluster|info +cluster|nodes +cluster|shards +cluster|slots"
)
"""Operators: health and statistics, no key."""
