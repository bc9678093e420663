"""Servers that are staged inside this process."""

from collections.abc import Iterator

import pytest

from include.names import INDEXER_GROUP
from tests.unit.staged.elasticsearch import StagedElasticsearch
from tests.unit.staged.mock_kafka import MockKafka


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    made = MockKafka(INDEXER_GROUP)
    yield made
    made.close()


@pytest.fixture
def search() -> Iterator[StagedElasticsearch]:
    with StagedElasticsearch() as server:
        yield server
