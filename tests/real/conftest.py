"""Servers that several test modules ask."""

from collections.abc import Iterator

import pytest

from tests.real.kubernetes import KubernetesAPI, kubernetes


@pytest.fixture(scope="module")
def kubernetes_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesAPI]:
    """A running server, which ends with the module: idle it would cost more than a second start.

    What a test creates in it stays; names are to be its own.
    """
    with kubernetes(tmp_path_factory.mktemp("kubernetes")) as api:
        yield api
