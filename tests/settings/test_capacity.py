"""The promise, translated: figures worked out by hand, and settings that cannot carry it refused with a way out."""

import copy
from collections import Counter
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mastertrade.capacity_page import CAPACITY_PAGE, COMMAND, render_capacity
from settings.capacity import Need, least_pods, needs, peak_orders_per_second, surviving
from settings.defaults import merged
from settings.traffic import Service
from tests.settings.stacks import ROOT, STACKS, load, load_changed, problems, problems_of, stated


def need(changes: dict[str, Any], what: str) -> Need:
    """The only need whose name begins like this; without the rules, which would refuse it."""
    (found,) = [each for each in needs(load_changed(changes)) if each.what.startswith(what)]
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_of_this_repository_carries_its_promise(stack: str) -> None:
    assert [each for each in needs(load(stated(stack), stack)) if not each.is_met] == []


def test_page_about_capacity_is_up_to_date() -> None:
    assert (ROOT / CAPACITY_PAGE).read_text(encoding="utf-8") == render_capacity(ROOT), f"run: {COMMAND}"


def test_production_promises_what_the_platform_promises() -> None:
    promise = load(stated()).capacity
    assert promise.survives_zone_loss
    assert (promise.requests_per_second, promise.concurrent_traders, promise.orders_per_day) == (1000, 1000, 1_000_000)
    assert (promise.market_data_gb_per_day, promise.storage_growth_gb_per_month) == (10, 100)


def test_a_million_orders_are_163_in_the_busiest_second() -> None:
    # from 08:00 to 01:00 there are 17 hours, 61,200 seconds: 16.34 orders a second, ten times that at the peak
    assert peak_orders_per_second(load(stated())) == pytest.approx(163.4, abs=0.01)


def test_production_needs_these_pods() -> None:
    assert least_pods(load(stated())) == {
        Service.API_GATEWAY: 5,  # 1,000 requests a second, 200 on a core, pods of one core
        Service.MARKET_DATA: 2,  # 1,000 streams are two cores, 1.63 MB a second at the peak 0.82: pods of two cores
        Service.STRATEGY: 2,  # 81.7 proposals a second, 12 from a worker: 6.8 workers, four in a pod
        Service.RISK_MANAGER: 2,  # 327 checks a second, 400 on a core: 0.82 cores, pods of half a core
        Service.ORDER_EXECUTOR: 1,  # 163 orders a second, 250 on a core
    }


def test_what_production_asks_of_its_stores() -> None:
    # 163.4 orders with 8 statements, and a fifth of 1,000 requests
    assert need({}, "statements").wanted == pytest.approx(1507.2, abs=0.1)
    assert need({}, "statements").given == 4 * 1500
    assert need({}, "messages").wanted == pytest.approx(817, abs=0.1)
    assert need({}, "messages").given == 2 * 1000
    # 2 GB of orders and 1 GB of market data stay of a day
    assert need({}, "growth").wanted == 90


def test_a_worker_without_a_core_of_its_own_does_no_work() -> None:
    halved = load_changed({"services": {"strategy": {"cpu_millicores": 2000, "min_replicas": 6}}})
    assert least_pods(halved)[Service.STRATEGY] == 4


def test_a_core_without_a_worker_does_no_work_either() -> None:
    halved = load_changed({"services": {"strategy": {"workers": 2, "min_replicas": 6}}})
    assert least_pods(halved)[Service.STRATEGY] == 4


@given(st.integers(1, 60), st.integers(1, 6))
def test_surviving_pods_are_those_outside_of_the_fullest_zone(replicas: int, zones: int) -> None:
    dealt = Counter(pod % zones for pod in range(replicas))
    assert surviving(replicas, zones) == replicas - max(dealt.values())


def test_one_executor_cannot_be_helped_by_another() -> None:
    """What one core cannot carry asks for more cores, since there is one pod."""
    orders = {"capacity": {"orders_per_day": 4_000_000, "storage_growth_gb_per_month": 1000}}
    (problem,) = [each for each in problems_of(orders) if each.key.startswith("services.order-executor")]
    # four times 163.4 orders a second, 250 on a core
    assert (problem.key, problem.example) == ("services.order-executor.cpu_millicores", "cpu_millicores: 2700")
    assert "2 cores" in problem.found


@pytest.mark.parametrize(
    ("promise", "keys"),
    [
        ({"requests_per_second": 2000}, {"services.api-gateway.min_replicas"}),
        ({"concurrent_traders": 3000}, {"services.market-data.min_replicas"}),
        ({"market_data_gb_per_day": 60}, {"services.market-data.min_replicas", "capacity.storage_growth_gb_per_month"}),
        (
            {"orders_per_day": 2_000_000, "storage_growth_gb_per_month": 200},
            {"services.strategy.min_replicas", "services.risk-manager.min_replicas"},
        ),
        ({"orders_per_day": 3_000_000, "storage_growth_gb_per_month": 300}, {"broker.instance"}),
        (
            {"orders_per_day": 5_000_000, "storage_growth_gb_per_month": 400},
            {"database.instance_class", "services.order-executor.cpu_millicores"},
        ),
        ({"storage_growth_gb_per_month": 80}, {"capacity.storage_growth_gb_per_month"}),
        ({"storage_growth_gb_per_month": 3000}, {"capacity.storage_growth_gb_per_month"}),
    ],
    ids=["requests", "traders", "market data", "orders", "more orders", "many orders", "too little growth", "more than a volume holds"],
)
def test_a_promise_that_overloads_a_system_is_refused_there(promise: dict[str, Any], keys: set[str]) -> None:
    assert keys <= {problem.key for problem in problems_of({"capacity": promise})}


@pytest.mark.parametrize("stack", ["prod", "staging"])
def test_whoever_follows_the_examples_ends_with_settings_that_are_accepted(stack: str) -> None:
    """Twice the promise, then each example put where its message says, until nothing is refused."""
    values = merged(stated(stack), {"capacity": {"requests_per_second": 2000, "concurrent_traders": 4000, "orders_per_day": 2_000_000}})
    for _ in range(10):
        found = problems(values, stack)
        if not found:
            return
        for problem in found:
            values = with_example(values, problem.key, problem.example)
    pytest.fail(f"still refused: {problems(values, stack)}")


def with_example(values: dict[str, Any], key: str, example: str) -> dict[str, Any]:
    """The example in the place of the key; where it is for another key of the same group, there."""
    *groups, _ = key.split(".")
    change: Any = yaml.safe_load(example)
    for group in reversed(groups):
        change = {group: change}
    return merged(copy.deepcopy(values), change)


def test_every_mistake_of_a_careless_release_is_named_at_once() -> None:
    changes = {
        "services": {
            "api-gatway": {"min_replicas": 3},
            "strategy": {"workers": 0, "cpu_millicores": "500m"},
            "market-data": {"image": "mastertrade/market-data:latest", "memory_mib": -1},
            "risk-manager": {"node_pool": "fast"},
        },
        "cluster": {"node_pools": {"gpu": {"max_cores": 8}}, "api_cidrs": ["0.0.0.0/0"], "version": "1.20"},
    }
    found = {problem.key: problem for problem in problems_of(changes)}
    assert found.keys() == {
        "services.api-gatway",
        "services.strategy.workers",
        "services.strategy.cpu_millicores",
        "services.market-data.memory_mib",
        "services.risk-manager.node_pool",
        "cluster.node_pools.gpu",
        "cluster.api_cidrs.0",
        "cluster.version",
    }
    assert "did you mean 'api-gateway'" in found["services.api-gatway"].found
    assert "1 to 64" in found["services.strategy.workers"].allowed
    assert "500m" in found["services.strategy.cpu_millicores"].found
    assert "general, market-data, order-execution" in found["services.risk-manager.node_pool"].allowed
    assert all(problem.example for problem in found.values())


def test_tags_and_budgets_are_refused_once_the_rest_is_right() -> None:
    changes = {
        "services": {"market-data": {"image": "mastertrade/market-data:latest"}, "strategy": {"max_replicas": 150}},
        "images": {"vault": "hashicorp/vault"},
    }
    assert {problem.key for problem in problems_of(changes)} == {
        "services.market-data.image",
        "images.vault",
        "services",
        "cluster.node_pools.general.max_cores",
        "cluster.node_pools.general.max_memory_gib",
    }
