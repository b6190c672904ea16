"""Valkey, or the Redis that it descends from, takes what the parameter groups and access rules of cache and sessions say."""

from collections.abc import Iterator

import pytest

from settings.parameters import (
    CACHE_ACCESS,
    CACHE_PARAMETERS,
    OPERATOR_ACCESS,
    SESSIONS_ACCESS,
    SESSIONS_PARAMETERS,
    ValkeyParameter,
)
from tests.real.servers import RefusedError
from tests.real.valkey import Valkey, valkey

STORES = {"cache": CACHE_PARAMETERS, "sessions": SESSIONS_PARAMETERS}
USERS = {"cache": CACHE_ACCESS, "sessions": SESSIONS_ACCESS, "operator": OPERATOR_ACCESS}
COMMUNITY = {name: [each for each in parameters if each.community] for name, parameters in STORES.items()}

each_parameter = pytest.mark.parametrize(
    ("store", "parameter"),
    [pytest.param(name, each, id=f"{name}-{each.name}") for name, parameters in COMMUNITY.items() for each in parameters],
    indirect=["store"],
)
each_user = pytest.mark.parametrize("user", USERS)


@pytest.fixture(scope="module")
def stores() -> Iterator[dict[str, Valkey]]:
    """Two servers, each told its own parameters, with every user of the platform."""
    cache, sessions = ({each.name: each.value for each in COMMUNITY[name]} for name in STORES)
    with valkey(cache) as first, valkey(sessions) as second:
        running = {"cache": first, "sessions": second}
        for server in running.values():
            for user, access in USERS.items():
                server.add_user(user, access)
        yield running


@pytest.fixture
def store(stores: dict[str, Valkey], request: pytest.FixtureRequest) -> Valkey:
    """The server that a test names, or else the cache."""
    return stores[getattr(request, "param", "cache")]


@each_parameter
def test_server_holds_the_declared_value(store: Valkey, parameter: ValkeyParameter) -> None:
    assert store.parameter(parameter.name) == parameter.value


def test_misspelt_parameter_keeps_the_server_from_starting() -> None:
    with pytest.raises(pytest.fail.Exception, match="Bad directive"), valkey({"maxmemory-polcy": "allkeys-lru"}):
        pass


def test_unknown_value_is_refused(store: Valkey) -> None:
    with pytest.raises(RefusedError, match="must be one of"):
        store.command("CONFIG", "SET", "maxmemory-policy", "least-recently-used")


def test_misspelt_access_rule_is_refused(store: Valkey) -> None:
    with pytest.raises(RefusedError, match="Error in ACL SETUSER modifier"):
        store.add_user("misspelt", CACHE_ACCESS.replace("+@read", "+@reads"))


@each_user
@pytest.mark.parametrize("command", ["FLUSHALL", "CONFIG GET maxmemory", "ACL LIST", "KEYS *", "SHUTDOWN", "DEBUG JMAP", "CLUSTER RESET"])
def test_no_user_may_administer_or_stall_the_server(store: Valkey, user: str, command: str) -> None:
    assert not store.may(user, *command.split())


@each_user
@pytest.mark.parametrize("command", ["PING", "CLUSTER SHARDS", "CLUSTER NODES"])
def test_every_user_finds_the_shards(store: Valkey, user: str, command: str) -> None:
    assert store.may(user, *command.split())


def test_services_read_and_write_the_cache(store: Valkey) -> None:
    assert store.may("cache", "SET", "quote:BTC", "1", "EX", "60")
    assert store.may("cache", "GET", "quote:BTC")


def test_gateway_reaches_session_keys_and_no_others(store: Valkey) -> None:
    assert store.may("sessions", "SET", "session:1", "trader", "EX", "60")
    assert not store.may("sessions", "GET", "quote:BTC")


def test_operators_see_health_and_no_data(store: Valkey) -> None:
    assert store.may("operator", "INFO")
    assert store.may("operator", "SLOWLOG", "GET")
    assert not store.may("operator", "GET", "session:1")
