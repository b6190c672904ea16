"""The promise, translated: figures worked out by hand, and settings that cannot carry it refused with a way out."""

import copy
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mastertrade.capacity_page import CAPACITY_PAGE, COMMAND, render_capacity
from settings import reading
from settings.capacity import Need, least_pods, needs, peak_orders_per_second, surviving
from settings.defaults import merged
from settings.traffic import Service
from tests.settings.stacks import LARGE_POOLS, ROOT, STACKS, load, load_changed, problems, problems_of, stated

Changes = dict[str, Any]


def need(changes: Changes, what: str) -> Need:
    """The only need whose name begins like this."""
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


GROWS: Changes = {"capacity": {"storage_growth_gb_per_month": 1000}}
"""Room for all that the systems under test let through."""


@dataclass(frozen=True)
class Most:
    """The most of a promise that a system carries, worked out by hand; the system's key; and what else has to be large enough."""

    promise: str
    most: int
    key: str
    beside: Changes = field(default_factory=dict)


EDGES = {
    # eight pods in three zones leave five, each with one core and 200 requests a second
    "gateway": Most("requests_per_second", 1000, "services.api-gateway.min_replicas"),
    # two pods of two cores are four; market data takes 10 GB / 61,200 s * 10 / 2,000 kB = 0.817 of them, 3.183 carry 500 streams each
    "market data": Most("concurrent_traders", 1591, "services.market-data.min_replicas"),
    # two of the four cores are left by 1,000 streams: 4,000 kB a second, 400 on the mean, 24.48 GB in 61,200 seconds
    "exchanges": Most("market_data_gb_per_day", 24, "services.market-data.min_replicas", GROWS),
    # two pods of four workers propose 96 orders a second, half of 192: 19.2 on the mean, in 61,200 seconds
    "strategies": Most("orders_per_day", 1_175_040, "services.strategy.min_replicas", GROWS),
    # two pods of half a core check 400 times, 200 orders a second: 20 on the mean
    "risk": Most("orders_per_day", 1_224_000, "services.risk-manager.min_replicas", GROWS),
    # two cores send 500 orders a second: 50 on the mean
    "executor": Most("orders_per_day", 3_060_000, "services.order-executor.cpu_millicores", GROWS),
    # two cores pass 2,000 messages, five of an order: 400 orders a second, 40 on the mean
    "broker": Most("orders_per_day", 2_448_000, "broker.instance", GROWS),
    # four cores answer 6,000 statements, 200 are of requests, eight of an order: 725 orders a second, 72.5 on the mean
    "writer": Most("orders_per_day", 4_437_000, "database.instance_class", GROWS),
    # 100 GB in 30 days are 3.333 a day, one of market data: 2.333 GB with 2,000 bytes each
    "growth": Most("orders_per_day", 1_166_666, "capacity.storage_growth_gb_per_month"),
    # 128 TiB are 140,737 GB, for sixty months
    "volume": Most("storage_growth_gb_per_month", 2345, "capacity.storage_growth_gb_per_month"),
}


@pytest.mark.parametrize("edge", EDGES.values(), ids=EDGES)
def test_a_system_carries_its_most_and_not_one_more(edge: Most) -> None:
    def refused(promised: int) -> bool:
        changes = merged(edge.beside, {"capacity": {edge.promise: promised}})
        return edge.key in {problem.key for problem in problems_of(changes)}

    assert not refused(edge.most)
    assert refused(edge.most + 1)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        # 12 gateways, 32 cores of strategies, 3 of risk, 1.5 of Vault, 1.05 of monitoring and 0.75 of log search are 50.3:
        # four fifths of 62.875
        ({"general": {"max_cores": 62}}, "cluster.node_pools.general.max_cores"),
        # 12, 64, 6, 1.5, 2.25 and 0.75 GiB are 86.5: four fifths of 108.125
        ({"general": {"max_memory_gib": 108}}, "cluster.node_pools.general.max_memory_gib"),
        # six pods with two cores and 4 GiB: four fifths of 15 and 30
        ({"market-data": {"max_cores": 14}}, "cluster.node_pools.market-data.max_cores"),
        ({"market-data": {"max_memory_gib": 29}}, "cluster.node_pools.market-data.max_memory_gib"),
        # one pod with two cores and 4 GiB: four fifths of 2.5 and 5
        ({"order-execution": {"max_cores": 2}}, "cluster.node_pools.order-execution.max_cores"),
        ({"order-execution": {"max_memory_gib": 4}}, "cluster.node_pools.order-execution.max_memory_gib"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_pool_holds_the_most_pods_and_not_with_one_core_or_gib_less(changes: Changes, key: str) -> None:
    (problem,) = problems_of({"cluster": {"node_pools": changes}})
    ((pool, stated_less),) = changes.items()
    ((setting, less),) = stated_less.items()
    assert (problem.key, problem.example) == (key, f"{setting}: {less + 1}")
    assert problems_of({"cluster": {"node_pools": {pool: {setting: less + 1}}}}) == ()


def test_pods_of_one_zone_carry_the_promise_where_a_zone_may_not_be_lost() -> None:
    lossy = {"capacity": {"survives_zone_loss": False}, "services": {"api-gateway": {"min_replicas": 5}}}
    assert problems_of(lossy) == ()
    assert {problem.key for problem in problems_of(lossy | {"capacity": {"survives_zone_loss": True}})} == {
        "services.api-gateway.min_replicas"
    }


def test_the_region_with_the_fewest_zones_decides() -> None:
    """Eight pods leave six where there are four zones, and five where there are three."""
    four = {"us-east-1": {"zones": ["use1-az1", "use1-az2", "use1-az4", "use1-az6"]}}
    for changes in ({}, {"regions": four}):
        assert need(changes, "pods of api-gateway").given == 5  # us-west-2 has three in both
    alone = stated() | {"regions": merged(four, {"us-east-1": {"role": "primary"}})}
    (gateway,) = [each for each in needs(load(alone)) if "api-gateway" in each.what]
    assert gateway.given == 6


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
            {"orders_per_day": 4_800_000, "storage_growth_gb_per_month": 400},
            {"database.instance_class", "services.order-executor.cpu_millicores"},
        ),
        ({"storage_growth_gb_per_month": 80}, {"capacity.storage_growth_gb_per_month"}),
        ({"storage_growth_gb_per_month": 3000}, {"capacity.storage_growth_gb_per_month"}),
    ],
    ids=["requests", "traders", "market data", "orders", "more orders", "many orders", "too little growth", "more than a volume holds"],
)
def test_a_promise_that_overloads_a_system_is_refused_there(promise: Changes, keys: set[str]) -> None:
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


PROMISES = st.fixed_dictionaries(
    {},
    optional={
        "survives_zone_loss": st.booleans(),
        "requests_per_second": st.integers(1, 100_000),
        "concurrent_traders": st.integers(1, 1_000_000),
        "orders_per_day": st.integers(1, 1_000_000_000),
        "market_data_gb_per_day": st.integers(1, 100_000),
        "storage_growth_gb_per_month": st.integers(1, 100_000),
    },
)
SIZES = st.fixed_dictionaries(
    {
        "services": st.fixed_dictionaries(
            {},
            optional={
                service.value: st.fixed_dictionaries(
                    {},
                    optional={
                        "min_replicas": st.integers(2, 200),
                        "max_replicas": st.integers(2, 200),
                        "cpu_millicores": st.integers(1000, 16_000),
                        "memory_mib": st.integers(64, 131_072),
                    },
                )
                for service in Service
                if service is not Service.ORDER_EXECUTOR
            },
        ),
        "database": st.sampled_from(
            [
                {},
                {"instance_class": "db.r6g.4xlarge"},
                {"instance_class": "db.t4g.large"},
                {"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 8}},
                {"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 256}},
            ]
        ),
        "broker": st.sampled_from([{}, {"instance": "mq.m7g.medium"}, {"instance": "mq.m7g.xlarge"}]),
    }
)


@given(PROMISES, SIZES)
@example({"orders_per_day": 1_000_000_000, "market_data_gb_per_day": 100_000, "requests_per_second": 100_000}, {})
@example({"orders_per_day": 1_000_000_000}, {"database": {"form": "serverless", "serverless": {"min_acu": 8, "max_acu": 8}}})
@example({"orders_per_day": 4_900_000}, {"broker": {"instance": "mq.m7g.xlarge"}})
@example({"storage_growth_gb_per_month": 100_000, "market_data_gb_per_day": 700}, {})
def test_the_example_of_every_unmet_need_meets_it(promise: Changes, sizes: Changes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "RULES", {})  # else nothing would load that is refused
        values = merged(stated(), merged(sizes, {"capacity": promise}))
        for unmet in needs(load(values)):
            if not unmet.is_met:
                (after,) = [each for each in needs(load(with_example(values, unmet.key, unmet.example))) if each.what == unmet.what]
                assert after.is_met, unmet


@pytest.mark.parametrize(
    ("promise", "what", "example_"),
    [
        # more than 200 pods; what the present ones carry is worked out above
        ({"requests_per_second": 50_000}, "pods of api-gateway", "capacity: {requests_per_second: 1000}"),
        ({"concurrent_traders": 1_000_000}, "pods of market-data", "capacity: {market_data_gb_per_day: 10, concurrent_traders: 1591}"),
        # 3.27 cores, and the largest node of the pool has 3.2 for a pod
        ({"orders_per_day": 5_000_000}, "cores of the one pod", "capacity: {orders_per_day: 3060000}"),
        # 26,344 statements, and the 16 cores of the largest class answer 24,000
        ({"orders_per_day": 20_000_000}, "statements", "capacity: {requests_per_second: 1000, orders_per_day: 4437000}"),
    ],
    ids=["requests", "traders", "orders", "statements"],
)
def test_where_nothing_larger_can_be_had_the_heaviest_promise_gives_way(promise: Changes, what: str, example_: str) -> None:
    problem = next(each for each in problems_of({"capacity": promise}) if each.found.startswith(what))
    assert (problem.key, problem.example) == ("capacity", example_)


@given(st.fixed_dictionaries({"requests_per_second": st.integers(1, 12_000), "orders_per_day": st.integers(1, 20_000_000)}))
def test_examples_lead_to_settings_that_are_accepted(promise: Changes) -> None:
    values = merged(stated(), merged(LARGE_POOLS, {"capacity": promise, "database": {"instance_class": "db.r8g.4xlarge"}}))
    for service in Service:  # connections have a budget of their own
        values = merged(values, {"services": {service: {"database_connections": 1}}})
    for _ in range(10):
        found = problems(values)
        for problem in found:
            values = with_example(values, problem.key, problem.example)
        if not found:
            return
    pytest.fail(f"still refused: {problems(values)}")


@given(st.integers(1000, 4_000_000))
@example(2_448_001)  # one more than the broker passes
def test_needed_and_given_never_look_alike(orders: int) -> None:
    for problem in problems_of({"capacity": {"orders_per_day": orders}}):
        figures = [re.search(r"([\d,.]+) [a-zGB]", text) for text in (problem.found.rsplit(": ", 1)[1], problem.allowed)]
        assert figures[0]
        assert figures[1]
        assert figures[0][1] != figures[1][1]


def test_large_figures_are_written_out() -> None:
    (problem,) = problems_of({"capacity": {"storage_growth_gb_per_month": 30_000}})
    assert "5 years of growth are 1,800,000 GB" in problem.found
    assert "2345 a month at most" in problem.allowed


def with_example(values: Changes, key: str, example: str) -> Changes:
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
            "api-gateway": {"max_replicas": 30, "database_connections": 100},
            "strategy": {"workers": 0, "cpu_millicores": "500m"},
            "market-data": {"image": "mastertrade/market-data:latest", "memory_mib": -1},
            "risk-manager": {"node_pool": "fast", "min_replicas": 7},
        },
        "images": {"vault": "hashicorp/vault"},
        "cluster": {"node_pools": {"gpu": {"max_cores": 8}}, "api_cidrs": ["0.0.0.0/0"], "version": "1.20"},
        "vault": {"replicas": 2},
    }
    said = {
        "services.api-gatway": ("did you mean 'api-gateway'?", "api-gateway, market-data, order-executor", "api-gateway: {image: "),
        # 30 pods with 100, and 6 of market data, 8 strategies, 6 of risk and the executor with 20 each
        "services": ("api-gateway 30 × 100 + market-data 6 × 20", "= 3420", "db.r8g.xlarge", "instance_class: db.r8g.2xlarge"),
        "services.strategy.workers": ("found 0", "from 1 to 64", "workers: 4"),
        "services.strategy.cpu_millicores": ("found '500m'", "a whole number from 50 to 16000", "thousandths", "cpu_millicores: 1000"),
        "services.market-data.image": ("'mastertrade/market-data:latest' has no digest", "image: mastertrade/market-data@sha256:"),
        "services.market-data.memory_mib": ("found -1", "from 64 to 131072", "in MiB", "memory_mib: 2048"),
        "services.risk-manager.node_pool": ("found 'fast'", "general, market-data, order-execution", "node_pool: general"),
        "services.risk-manager.max_replicas": ("6 is less than min_replicas 7", "max_replicas: 7"),
        "images.vault": ("'hashicorp/vault' has no digest", "vault: hashicorp/vault@sha256:"),
        "cluster.node_pools.gpu": ("no setting of this name", "general, market-data, order-execution", "general: {capacity: on_demand}"),
        "cluster.api_cidrs.0": ("found '0.0.0.0/0'", "/8 or smaller", "203.0.113.0/24"),
        "cluster.version": ("found '1.20'", '"1.35", "1.36"', 'version: "1.35"'),
        "vault.replicas": ("found 2", "1, 3, 5", "replicas: 3"),
    }
    found = problems_of(changes)
    assert Counter(problem.key for problem in found) == Counter(said.keys())
    silent = [(problem.key, word) for problem in found for word in said[problem.key] if word not in problem.line("file")]
    assert silent == []


def test_a_mistaken_setting_of_one_service_hides_no_mistake_of_another() -> None:
    keys = {problem.key for problem in problems_of({"services": {"strategy": {"workers": 0}, "risk-manager": {"max_replicas": 2}}})}
    assert keys == {"services.strategy.workers", "services.risk-manager.max_replicas"}
