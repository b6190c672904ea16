"""What the log store is told: how indices look and how long they live, who may do what, and what operators find prepared."""

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from components.observability.logs.contract import INDEX_PREFIX, WRITTEN_DAYS, Field, Level, LogSource
from settings.pod_traffic import NAMESPACES
from settings.traffic import Party, Service

Document: TypeAlias = dict[str, Any]

INDICES = f"{INDEX_PREFIX}*"
SHIPPER_ROLE = "log-shipper"
READER_ROLE = "log-reader"
DASHBOARDS_ROLES = ("opensearch_dashboards_user", "kibana_user")
"""The store's own: may use OpenSearch Dashboards, and sees no other index by it. Amazon's guide knows the first name ("Fine-grained access
control", "Creating roles"), OpenSearch's security plugin the second."""

_NAME = "logs"
_LONGEST_KEYWORD = 1024
# A field of its own for each of ours, and one for everything else: what pods write adds none
_MOST_FIELDS = 100

_KEYWORD: Document = {"type": "keyword", "ignore_above": _LONGEST_KEYWORD}
_PROPERTIES: dict[Field, Document] = {
    **dict.fromkeys(Field, _KEYWORD),
    Field.TIMESTAMP: {"type": "date"},
    Field.MESSAGE: {"type": "text"},
    Field.LENGTH: {"type": "integer"},
    Field.TRUNCATED: {"type": "boolean"},
    # One field whatever is in it, looked up as fields.NAME (OpenSearch documentation, "Flat object"; known since 2.7)
    Field.FIELDS: {"type": "flat_object"},
    Field.CLIENT_IP: {"type": "ip"},
    Field.STATUS: {"type": "integer"},
    Field.DURATION_MS: {"type": "float"},
}


def store_documents(
    *, shipper_role_arn: str, reader_role_arn: str, copies: int, shards: int, hot_days: int, warm: bool, retention_days: int
) -> Document:
    """What the set-up of the store writes, as plain data.

    `copies` of each shard beside the first; `hot_days` until an index is read only, `warm` whether it then moves to UltraWarm,
    `retention_days` until it is deleted, each counted from the index's first line. The master's own mappings, `all_access` and
    `security_manager`, are not among it: the service makes them for the identity that the domain names (Amazon OpenSearch Service
    developer guide, "Modifying the master user"), and a mapping that is written replaces all that it had. Raises `ValueError`.
    """
    if hot_days < WRITTEN_DAYS:
        raise ValueError(f"hot_days: found {hot_days}; allowed: {WRITTEN_DAYS} at least, yesterday's index is still written to")
    if retention_days <= hot_days:
        raise ValueError(f"retention_days: found {retention_days}; allowed: more than hot_days, which is {hot_days}")
    return {
        "policies": {_NAME: _policy(hot_days, retention_days, warm=warm)},
        "index_templates": {_NAME: _index_template(shards, copies)},
        "roles": _ROLES,
        "role_mappings": {
            SHIPPER_ROLE: _mapping(shipper_role_arn, "The function that brings logs here"),
            READER_ROLE: _mapping(reader_role_arn, "Operators, through log search"),
        },
        "mappings_of_any": [{"roles": list(DASHBOARDS_ROLES), "mapping": _mapping(reader_role_arn, "Operators, through log search")}],
        "audit": _AUDIT,
    }


def prepared_searches() -> Document:
    """What operators find prepared in OpenSearch Dashboards, for the same set-up: by itself, since no log waits for it."""
    return {"saved_objects": [_INDEX_PATTERN, *(search.saved_object() for search in SEARCHES)]}


# OpenSearch documentation, "Audit logs": published logs stay empty until the plugin is told to write them. What is searched
# for and what is brought may hold what nobody should read twice
_AUDIT: Document = {
    "enabled": True,
    "audit": {
        "enable_rest": True,
        "enable_transport": False,
        "disabled_rest_categories": ["AUTHENTICATED", "GRANTED_PRIVILEGES"],
        "resolve_bulk_requests": False,
        "log_request_body": False,
        "exclude_sensitive_headers": True,
    },
}


_ROLES: Document = {
    SHIPPER_ROLE: {
        "description": "Adds lines to the indices of logs; reads, changes and deletes none",
        "cluster_permissions": ["indices:data/write/bulk"],
        "index_permissions": [
            {"index_patterns": [INDICES], "allowed_actions": ["create_index", "indices:data/write/index", "indices:data/write/bulk*"]}
        ],
        "tenant_permissions": [],
    },
    READER_ROLE: {
        "description": "Reads logs, keeps searches and dashboards where everyone finds them",
        "cluster_permissions": ["cluster_composite_ops_ro"],
        "index_permissions": [{"index_patterns": [INDICES], "allowed_actions": ["read"]}],
        "tenant_permissions": [{"tenant_patterns": ["global_tenant"], "allowed_actions": ["kibana_all_write"]}],
    },
}


def _mapping(role_arn: str, description: str) -> Document:
    """An IAM role becomes a backend role (developer guide, "Mapping roles to users")."""
    return {"description": description, "backend_roles": [role_arn], "hosts": [], "users": []}


def _index_template(shards: int, copies: int) -> Document:
    return {
        "index_patterns": [INDICES],
        "priority": 100,
        "template": {
            "settings": {
                "index": {
                    "number_of_shards": shards,
                    "number_of_replicas": copies,
                    "codec": "best_compression",
                    "refresh_interval": "10s",
                    # off unless stated (OpenSearch documentation, "Slow logs"); a slow line is told without what it says
                    "search.slowlog.threshold.query.warn": "5s",
                    "search.slowlog.threshold.fetch.warn": "2s",
                    "indexing.slowlog.threshold.index.warn": "5s",
                    "indexing.slowlog.source": "false",
                    "mapping.total_fields.limit": _MOST_FIELDS,
                    # a status that is no number is no reason to lose the line
                    "mapping.ignore_malformed": True,
                    "query.default_field": [Field.MESSAGE.value],
                }
            },
            # what has no mapping is kept with the document, and adds none
            "mappings": {"dynamic": False, "properties": {field.value: mapping for field, mapping in _PROPERTIES.items()}},
        },
    }


def _policy(hot_days: int, retention_days: int, *, warm: bool) -> Document:
    """OpenSearch documentation, "Index State Management", "Policies"; `warm_migration` is Amazon's (developer guide, same title)."""
    return {
        "policy": {
            "description": f"Read only after {hot_days} days, deleted after {retention_days}",
            "default_state": "hot",
            "ism_template": [{"index_patterns": [INDICES], "priority": 100}],
            "states": [
                {"name": "hot", "actions": [], "transitions": [_after(hot_days, "warm")]},
                {
                    "name": "warm",
                    "actions": _TO_ULTRAWARM if warm else _STAY,
                    "transitions": [_after(retention_days, "deleted")],
                },
                {"name": "deleted", "actions": [_action({"delete": {}}, timeout="1h", delay="10m")], "transitions": []},
            ],
        }
    }


def _after(days: int, state: str) -> Document:
    return {"state_name": state, "conditions": {"min_index_age": f"{days}d"}}


def _action(action: Document, *, timeout: str, delay: str) -> Document:
    return {"timeout": timeout, "retry": {"count": 5, "backoff": "exponential", "delay": delay}, **action}


# A migration merges segments by itself and leaves the index read only; the guide's own sample gives it a day and five attempts
_TO_ULTRAWARM = [_action({"warm_migration": {}}, timeout="24h", delay="1h")]
_STAY = [
    _action({"read_only": {}}, timeout="1h", delay="10m"),
    _action({"force_merge": {"max_num_segments": 1}}, timeout="24h", delay="1h"),
]


_INDEX_PATTERN: Document = {
    "type": "index-pattern",
    "id": _NAME,
    "attributes": {"title": INDICES, "timeFieldName": Field.TIMESTAMP.value},
    "references": [],
    "migrationVersion": {"index-pattern": "7.6.0"},  # the form above, as OpenSearch Dashboards exports it
}


@dataclass(frozen=True)
class Search:
    """A search that operators find prepared: `query` is in the language of Dashboards (DQL)."""

    id: str
    title: str
    description: str
    query: str
    columns: tuple[Field, ...]
    oldest_first: bool = False

    def saved_object(self) -> Document:
        """As OpenSearch Dashboards imports it."""
        index = "kibanaSavedObjectMeta.searchSourceJSON.index"
        source = {
            "query": {"query": self.query, "language": "kuery"},
            "filter": [],
            "highlightAll": True,
            "version": True,
            "indexRefName": index,
        }
        return {
            "type": "search",
            "id": self.id,
            "attributes": {
                "title": self.title,
                "description": self.description,
                "columns": [column.value for column in self.columns],
                "sort": [[Field.TIMESTAMP.value, "asc" if self.oldest_first else "desc"]],
                "hits": 0,
                "version": 1,
                "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
            },
            "references": [{"type": "index-pattern", "id": _NAME, "name": index}],
            "migrationVersion": {"search": "7.9.3"},  # likewise
        }


_GRAVE = f"{Field.LEVEL}:({Level.ERROR} or {Level.CRITICAL})"
_TRADING = f"{Field.NAMESPACE}:{NAMESPACES[Service.ORDER_EXECUTOR]}"
_CHANGES = f"{Field.VERB}:(create or update or patch or delete or deletecollection)"
# who is of the cluster itself: kubelets, controllers, EKS
_PEOPLE = rf"not {Field.USER}:system\:* and not {Field.USER}:eks\:*"
_STORES = f"{Field.SOURCE}:({LogSource.DATABASE} or {LogSource.CACHE} or {LogSource.SESSIONS})"
_AT_LOG_SEARCH = f"{Field.CONTAINER}:{Party.LOGS} and ({Field.PATH}:/_dashboards/app/* or {Field.STATUS} >= 400)"
_AT_VAULT = f"{Field.NAMESPACE}:{NAMESPACES[Party.VAULT]} and ({Field.PATH}:auth/* or {Field.ERROR}:*)"

SEARCHES: tuple[Search, ...] = (
    Search(
        "trading-errors",
        "Errors of trading services",
        "What the five services call an error, or worse.",
        f"{_TRADING} and {_GRAVE}",
        (Field.CONTAINER, Field.LEVEL, Field.MESSAGE, Field.ORDER_ID, Field.POD),
    ),
    Search(
        "order-way",
        "An order's way",
        'All services, oldest first. For one order: replace the asterisk by its ID, as in order_id:"8f14e45f".',
        f"{_TRADING} and {Field.ORDER_ID}:*",
        (Field.ORDER_ID, Field.CONTAINER, Field.LEVEL, Field.MESSAGE, Field.TRACE_ID),
        oldest_first=True,
    ),
    Search(
        "slow-queries",
        "Slow queries",
        "Statements and commands that took longer than database, cache or sessions are told to tolerate.",
        f"{_STORES} and {Field.DURATION_MS}:*",
        (Field.SOURCE, Field.DURATION_MS, Field.MESSAGE, Field.LOG_STREAM),
    ),
    Search(
        "refused-by-firewall",
        "Refused by the firewall",
        "Requests that did not get past the firewall, and the rule that refused them.",
        f"{Field.SOURCE}:{LogSource.FIREWALL} and {Field.ACTION}:(BLOCK or CAPTCHA or CHALLENGE)",
        (Field.CLIENT_IP, Field.COUNTRY, Field.RULE, Field.METHOD, Field.PATH, Field.ACTION),
    ),
    Search(
        "kubernetes-changes",
        "Who changed what in Kubernetes",
        "Changes by people and by deployments, from the audit log; not those of the cluster itself.",
        f"{Field.SOURCE}:{LogSource.CONTROL_PLANE} and {_CHANGES} and {_PEOPLE}",
        (Field.USER, Field.VERB, Field.RESOURCE, Field.NAMESPACE, Field.OBJECT, Field.STATUS, Field.CLIENT_IP),
    ),
    Search(
        "sign-ins",
        "Sign-ins and refusals: log search, Vault",
        "Who opened log search or signed in to Vault, and what was refused to whom.",
        f"({_AT_LOG_SEARCH}) or ({_AT_VAULT})",
        (Field.CONTAINER, Field.USER, Field.CLIENT_IP, Field.PATH, Field.STATUS, Field.ERROR),
    ),
    Search(
        "lease-changes",
        "Who may execute orders: changes of the lease",
        "What the order executor says of its lease, and what the database refused for want of one.",
        f"{Field.MESSAGE}:lease and ({Field.CONTAINER}:{Service.ORDER_EXECUTOR} or {Field.SOURCE}:{LogSource.DATABASE})",
        (Field.SOURCE, Field.POD, Field.LEVEL, Field.MESSAGE),
    ),
)
