"""The connection budget: every pod can fill its pools at once, or the settings are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settings.catalog import CacheNode, DatabaseInstance, max_connections
from settings.defaults import merged
from settings.problems import Problem
from settings.rules import database_connections_available
from settings.traffic import Service
from tests.settings.stacks import LARGE_POOLS, SMALL_PROMISE, load_changed, problems_of


def wanting(connections: int) -> dict[str, Any]:
    """Five services whose pools add up to this many connections, spread as evenly as whole pools allow."""
    pods, rest = divmod(connections - 5, 100)  # every service has one pod with one connection at least
    assert pods + 2 <= 200
    services: dict[str, dict[str, int]] = {name: {"min_replicas": 1, "max_replicas": 1, "database_connections": 1} for name in Service}
    if pods:
        services["strategy"] = {"min_replicas": 1, "max_replicas": pods, "database_connections": 100}
        rest += 1
    if rest:
        services["api-gateway"]["max_replicas"] = 1 + rest
    return services


def budget_problems(changes: dict[str, Any]) -> list[Problem]:
    return [
        problem
        for problem in problems_of(merged(LARGE_POOLS, changes))
        if problem.key == "services" and "database connections" in problem.found
    ]


def available(database: dict[str, Any]) -> int:
    return database_connections_available(load_changed(SMALL_PROMISE | {"database": database, "services": wanting(5)}))


@given(st.integers(5, 19_000))
def test_the_services_of_these_tests_want_what_they_should(connections: int) -> None:
    assert sum(each["max_replicas"] * each["database_connections"] for each in wanting(connections).values()) == connections


@pytest.mark.parametrize(
    "database",
    [
        {"instance_class": "db.r8g.large"},
        {"instance_class": "db.r8g.4xlarge"},
        {"instance_class": "db.r8g.large", "proxy": {"max_connections_percent": 50}},
        {"instance_class": "db.r8g.large", "proxy": None},
        {"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 16}},
    ],
    ids=["large", "capped", "half through the proxy", "without proxy", "serverless"],
)
def test_a_budget_fits_up_to_its_last_connection_and_no_further(database: dict[str, Any]) -> None:
    last = available(database)
    assert not budget_problems({"database": database, "services": wanting(last)})
    (problem,) = budget_problems({"database": database, "services": wanting(last + 1)})
    assert f"= {last + 1}" in problem.found
    assert problem.allowed.startswith(f"{last} with ")


def test_a_refused_budget_names_every_service_with_its_share_and_the_size_that_is_too_small() -> None:
    (problem,) = budget_problems({"database": {"instance_class": "db.r8g.large"}, "services": {"strategy": {"max_replicas": 150}}})
    assert "strategy 150 × 20" in problem.found
    assert all(service in problem.found for service in Service)
    assert "db.r8g.large" in problem.allowed


@given(st.integers(10, 95))
def test_services_share_what_the_proxy_may_hold_and_operators_keep_the_rest(percent: int) -> None:
    instance = DatabaseInstance.R8G_XLARGE
    share = available({"instance_class": instance, "proxy": {"max_connections_percent": percent}})
    assert share <= max_connections(instance.memory_gib) * percent / 100 < share + 1


def test_without_a_proxy_a_tenth_is_kept_for_operators() -> None:
    instance = DatabaseInstance.R8G_LARGE
    assert available({"instance_class": instance, "proxy": None}) == max_connections(instance.memory_gib) * 9 // 10


def test_a_larger_class_never_has_fewer_connections() -> None:
    sizes = sorted(DatabaseInstance, key=lambda instance: instance.memory_gib)
    connections = [max_connections(instance.memory_gib) for instance in sizes]
    assert connections == sorted(connections)


def test_no_instance_has_more_connections_than_aurora_gives_by_default() -> None:
    assert max_connections(4096) == 5000


def test_the_largest_capacity_decides_the_connections_of_a_serverless_database() -> None:
    small = available({"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 8}})
    assert available({"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 16}}) == pytest.approx(2 * small, abs=2)


@pytest.mark.parametrize("least", [0, 0.5])
def test_a_serverless_database_that_can_nearly_stop_has_two_thousand_connections_at_most(least: float) -> None:
    database = {"form": "serverless", "serverless": {"min_acu": least, "max_acu": 256}, "proxy": None}
    settings = load_changed({"database": database}, stack="dev")
    assert database_connections_available(settings) == 1800  # nine tenths


def test_a_serverless_database_that_never_rests_has_more() -> None:
    database = {"form": "serverless", "serverless": {"min_acu": 1, "max_acu": 256}, "proxy": None}
    assert database_connections_available(load_changed({"database": database}, stack="dev")) == 4500


def test_the_class_of_instances_does_not_matter_to_a_serverless_database() -> None:
    serverless = {"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 16}}
    assert available(serverless | {"instance_class": "db.r8g.large"}) == available(serverless | {"instance_class": "db.r8g.4xlarge"})


def test_cache_clients_fit_up_to_the_last_and_no_further() -> None:
    def clients(of_strategy: int) -> list[Problem]:
        one_each: dict[str, dict[str, int]] = {name: {"min_replicas": 1, "max_replicas": 1, "cache_clients": 1} for name in Service}
        services = one_each | {
            "strategy": {"max_replicas": 65, "cache_clients": of_strategy},
            "api-gateway": {"min_replicas": 1, "max_replicas": 1, "cache_clients": 62},
        }
        return [problem for problem in problems_of({"services": services}) if "cache clients" in problem.found]

    assert CacheNode.R7G_LARGE.most_clients == 65 * 999 + 62 + 3
    assert not clients(999)
    (problem,) = clients(1000)
    assert "65000 on cache.r7g.large" in problem.allowed
