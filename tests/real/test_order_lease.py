"""The right to execute orders, on a real PostgreSQL: one holder at a time, and a stale one is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.postgresql import PostgreSQL, Session, postgresql

STATEMENTS = Path(__file__).parents[2] / "components" / "workloads" / "order_lease.sql"
ORDERS = "CREATE TABLE IF NOT EXISTS orders (id bigserial, token bigint)"


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    with postgresql({}) as server:
        server.run_file(STATEMENTS)
        server.query(ORDERS)
        yield server


def take(session: Session, holder: str) -> int | None:
    (token,) = session.query(f"SELECT order_execution.take_order_lease('{holder}')")
    return int(token) if token else None


def write_order(session: Session, token: int) -> list[str]:
    session.query("BEGIN")
    answer = session.query(f"SELECT order_execution.assert_order_lease({token})")
    session.query(f"INSERT INTO orders (token) VALUES ({token})")
    session.query("COMMIT")
    return [line for line in answer if "ERROR" in line]


def orders_of(database: PostgreSQL, token: int) -> int:
    return int(database.query(f"SELECT count(*) FROM orders WHERE token = {token}")[0][0])


def take_when_free(session: Session, holder: str) -> int:
    """The server notices a vanished client a moment later; it is asked until then."""
    while (token := take(session, holder)) is None:
        session.query("SELECT pg_sleep(0.01)")
    return token


def test_two_executors_never_hold_the_lease_together(database: PostgreSQL) -> None:
    with database.session() as first, database.session() as second:
        assert take(first, "us-east-1/order-executor-0") is not None
        assert take(second, "us-east-1/order-executor-1") is None


def test_an_executor_that_vanishes_frees_the_lease(database: PostgreSQL) -> None:
    with database.session() as first, database.session() as second:
        token = take_when_free(first, "first")
        first.vanish()
        assert take_when_free(second, "second") > token


def test_every_lease_has_a_higher_token_than_all_before(database: PostgreSQL) -> None:
    tokens: list[int] = []
    for number in range(5):
        with database.session() as session:
            tokens.append(take_when_free(session, f"holder {number}"))
    assert tokens == sorted(set(tokens))


def test_holder_writes_orders(database: PostgreSQL) -> None:
    with database.session() as session:
        token = take_when_free(session, "holder")
        assert not write_order(session, token)
        assert orders_of(database, token) == 1


def test_stale_executor_is_refused_and_leaves_no_order(database: PostgreSQL) -> None:
    """It lost its session without noticing, and goes on over another connection."""
    with database.session() as stale, database.session() as successor, database.session() as other_connection:
        old = take_when_free(stale, "stale")
        stale.vanish()
        new = take_when_free(successor, "successor")
        (refusal,) = write_order(other_connection, old)
        assert f"order lease {old} is over: {new} holds the right to execute" in refusal
        assert orders_of(database, old) == 0


def test_no_new_lease_begins_between_the_question_and_the_write(database: PostgreSQL) -> None:
    with database.session() as holder, database.session() as writer, database.session() as successor:
        token = take_when_free(holder, "holder")
        writer.query("BEGIN")
        assert not [line for line in writer.query(f"SELECT order_execution.assert_order_lease({token})") if "ERROR" in line]
        holder.vanish()
        successor.query("SET lock_timeout = '200ms'")
        answer: list[str] = [""]
        while answer == [""]:
            answer = successor.query("SELECT order_execution.take_order_lease('successor')")
        assert "lock timeout" in " ".join(answer)
        writer.query(f"INSERT INTO orders (token) VALUES ({token})")
        writer.query("COMMIT")
        successor.query("SELECT pg_advisory_unlock_all()")
        assert take_when_free(successor, "successor") > token


def test_statements_can_be_run_again_without_touching_the_lease(database: PostgreSQL) -> None:
    with database.session() as session:
        token = take_when_free(session, "holder")
        database.run_file(STATEMENTS)
        assert not write_order(session, token)


def test_a_lease_ends_within_its_time_when_its_holder_falls_silent(database: PostgreSQL) -> None:
    with database.session() as session:
        take_when_free(session, "holder")
        probes = [int(session.query(f"SHOW tcp_keepalives_{each}")[0]) for each in ("idle", "interval", "count")]
    idle, interval, count = probes
    assert idle + interval * count < 10, "ORDER_LEASE_SECONDS"


def test_where_the_cluster_does_not_write_nobody_takes_the_lease(database: PostgreSQL) -> None:
    with database.session() as session:
        session.query("SET default_transaction_read_only = on")
        answer = session.query("SELECT order_execution.take_order_lease('standby region')")
        assert "read-only transaction" in " ".join(answer)
