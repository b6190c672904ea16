"""PostgreSQL takes what the database's parameter group says, as far as it knows AWS's names."""

from collections.abc import Iterator

import pytest

from settings.defaults import DEFAULTS
from settings.model import DatabaseSettings, Environment
from settings.parameters import DatabaseParameter, database_parameters
from tests.real.postgresql import PostgreSQL, postgresql
from tests.real.servers import RefusedError

PARAMETERS = [
    parameter
    for parameter in database_parameters(DatabaseSettings.model_validate(DEFAULTS[Environment.PROD]["database"]))
    if parameter.community
]
each_parameter = pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)


@pytest.fixture(scope="module")
def database() -> Iterator[PostgreSQL]:
    with postgresql({parameter.name: parameter.value for parameter in PARAMETERS}) as server:
        yield server


@each_parameter
def test_server_holds_the_declared_value(database: PostgreSQL, parameter: DatabaseParameter) -> None:
    assert database.parameter(parameter.name).holds(parameter.value)


@each_parameter
def test_server_takes_the_declared_value_by_name(database: PostgreSQL, parameter: DatabaseParameter) -> None:
    database.set(parameter.name, parameter.value)


@each_parameter
def test_what_needs_a_restart_is_not_declared_immediate(database: PostgreSQL, parameter: DatabaseParameter) -> None:
    # RDS refuses `immediate` for a static parameter
    assert parameter.apply == "pending-reboot" or database.parameter(parameter.name).context != "postmaster"


def test_misspelt_parameter_is_refused(database: PostgreSQL) -> None:
    with pytest.raises(RefusedError, match="unrecognized configuration parameter"):
        database.set("log_conections", "1")


def test_value_out_of_range_is_refused(database: PostgreSQL) -> None:
    with pytest.raises(RefusedError, match="outside the valid range"):
        database.set("statement_timeout", "-1")


def test_parameter_that_was_not_declared_does_not_hold_the_value(database: PostgreSQL) -> None:
    assert not database.parameter("log_statement_stats").holds("1")
