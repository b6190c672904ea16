"""What the log store is told."""

import json
from typing import Any

import pytest

from components.observability.log_documents import SEARCHES, prepared_searches, store_documents
from components.observability.logs.contract import Field

SHIPPER = "arn:aws:iam::123456789012:role/shipper"
READER = "arn:aws:iam::123456789012:role/reader"


def documents(**changed: Any) -> dict[str, Any]:
    stated = {
        "shipper_role_arn": SHIPPER,
        "reader_role_arn": READER,
        "copies": 2,
        "shards": 3,
        "hot_days": 7,
        "warm": True,
        "retention_days": 90,
    }
    return store_documents(**{**stated, **changed})


def states(**changed: Any) -> dict[str, Any]:
    policy = documents(**changed)["policies"]["logs"]["policy"]
    return {state["name"]: state for state in policy["states"]}


def actions(state: dict[str, Any]) -> list[str]:
    return [next(key for key in action if key not in {"timeout", "retry"}) for action in state["actions"]]


def walk(state: str, all_states: dict[str, Any]) -> dict[str, str]:
    """The age at which an index comes into each state."""
    ages, current = {}, all_states[state]
    while current["transitions"]:
        (step,) = current["transitions"]
        ages[step["state_name"]] = step["conditions"]["min_index_age"]
        current = all_states[step["state_name"]]
    return ages


def test_an_index_is_warm_after_the_hot_days_and_deleted_after_its_retention() -> None:
    assert walk("hot", states(hot_days=7, retention_days=90)) == {"warm": "7d", "deleted": "90d"}
    assert actions(states()["deleted"]) == ["delete"]


def test_every_index_of_logs_has_the_policy_from_the_start() -> None:
    policy = documents()["policies"]["logs"]["policy"]
    assert policy["default_state"] == "hot"
    assert policy["ism_template"] == [{"index_patterns": ["logs-*"], "priority": 100}]


def test_old_indices_move_to_ultrawarm_only_where_there_is_some() -> None:
    assert actions(states(warm=True)["warm"]) == ["warm_migration"]
    assert actions(states(warm=False)["warm"]) == ["read_only", "force_merge"]


def test_an_action_that_fails_is_tried_again() -> None:
    for warm in (True, False):
        for state in states(warm=warm).values():
            assert all(action["retry"]["count"] > 1 for action in state["actions"])


@pytest.mark.parametrize(("changed", "named"), [({"hot_days": 1}, "hot_days: found 1"), ({"retention_days": 7}, "retention_days: found 7")])
def test_days_that_would_lose_lines_are_refused(changed: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        documents(**changed)


def test_shards_and_copies_are_those_of_the_domain() -> None:
    settings = documents(shards=6, copies=1)["index_templates"]["logs"]["template"]["settings"]["index"]
    assert (settings["number_of_shards"], settings["number_of_replicas"]) == (6, 1)


def test_what_pods_write_adds_no_mapping() -> None:
    mappings = documents()["index_templates"]["logs"]["template"]["mappings"]
    assert mappings["dynamic"] is False
    assert set(mappings["properties"]) == {field.value for field in Field}
    assert all("properties" not in mapping for mapping in mappings["properties"].values())
    assert mappings["properties"]["fields"] == {"type": "flat_object"}


def test_the_shipper_only_adds_lines() -> None:
    told = documents()
    role = told["roles"]["log-shipper"]
    assert told["role_mappings"]["log-shipper"]["backend_roles"] == [SHIPPER]
    granted = [*role["cluster_permissions"], *(action for each in role["index_permissions"] for action in each["allowed_actions"])]
    assert not [action for action in granted if any(word in action for word in ("read", "delete", "update", "crud", "manage", "all"))]
    assert [each["index_patterns"] for each in role["index_permissions"]] == [["logs-*"]]


def test_operators_read_logs_and_nothing_else() -> None:
    told = documents()
    held = [name for name, mapping in told["role_mappings"].items() if READER in mapping["backend_roles"]]
    assert held == ["log-reader"]
    (dashboards,) = told["mappings_of_any"]
    assert (dashboards["roles"], dashboards["mapping"]["backend_roles"]) == (["opensearch_dashboards_user", "kibana_user"], [READER])
    role = told["roles"]["log-reader"]
    assert role["index_permissions"] == [{"index_patterns": ["logs-*"], "allowed_actions": ["read"]}]
    assert role["cluster_permissions"] == ["cluster_composite_ops_ro"]


def test_the_masters_mappings_are_left_to_the_domain() -> None:
    assert not {"all_access", "security_manager"} & {*documents()["role_mappings"], *documents()["roles"]}


def test_arns_are_carried_as_they_are() -> None:
    token = "not an ARN but what stands for one"
    assert json.dumps(documents(shipper_role_arn=token)).count(token) == 1


def test_the_same_settings_are_the_same_documents() -> None:
    assert json.dumps(documents()) == json.dumps(documents())


def test_saved_objects_have_ids_of_their_own_and_refer_to_the_index_pattern() -> None:
    pattern, *searches = prepared_searches()["saved_objects"]
    assert (pattern["type"], pattern["attributes"]["title"], pattern["attributes"]["timeFieldName"]) == (
        "index-pattern",
        "logs-*",
        "@timestamp",
    )
    assert len({each["id"] for each in [pattern, *searches]}) == len(searches) + 1
    for search in searches:
        (reference,) = search["references"]
        source = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert (reference["type"], reference["id"]) == ("index-pattern", pattern["id"])
        assert source["indexRefName"] == reference["name"]


def test_columns_are_fields_that_the_store_knows() -> None:
    known = documents()["index_templates"]["logs"]["template"]["mappings"]["properties"]
    for search in prepared_searches()["saved_objects"][1:]:
        assert search["attributes"]["columns"]
        assert set(search["attributes"]["columns"]) <= set(known)
        assert search["attributes"]["sort"] in ([["@timestamp", "asc"]], [["@timestamp", "desc"]])


@pytest.mark.parametrize("search", SEARCHES, ids=[search.id for search in SEARCHES])
def test_searches_ask_for_fields_that_the_store_knows(search: Any) -> None:
    named = fields_of(search.query)
    assert named
    assert named <= {field.value for field in Field}


def fields_of(query: str) -> set[str]:
    words = query.replace("(", " ").replace(")", " ").replace("\\:", "").split()
    compared = {words[number - 1] for number, word in enumerate(words) if word in {">=", "<="}}
    return {word.split(":")[0] for word in words if ":" in word} | compared
