"""Servers that several test modules ask: one Kubernetes API for a whole session."""

from collections.abc import Iterator

import pytest

from tests.real.kubernetes import KubernetesAPI, kubernetes


@pytest.fixture(scope="session")
def kubernetes_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesAPI]:
    """A running server. What a test creates in it stays; names are to be its own."""
    with kubernetes(tmp_path_factory.mktemp("kubernetes")) as api:
        yield api
