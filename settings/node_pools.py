"""The pools of nodes: what each is for, and which instances it may be made of."""

from dataclasses import dataclass
from enum import StrEnum


class NodePool(StrEnum):
    """Nodes of one kind. Pods name the pool that they run on."""

    GENERAL = "general"
    MARKET_DATA = "market-data"
    ORDER_EXECUTION = "order-execution"


@dataclass(frozen=True)
class NodePoolSpec:
    """What Karpenter may choose from, as it names it; and whether the pool is closed to pods that do not ask for it."""

    purpose: str
    categories: tuple[str, ...]
    cores: tuple[str, ...]
    """Cores of one node."""
    dedicated: bool = False
    undisturbed: bool = False
    """Nodes leave outside of trading hours only, unless they fail."""


POOL_LABEL = "karpenter.sh/nodepool"
"""By which pods choose their pool."""
DEDICATED_TAINT = "mastertrade.io/dedicated"
"""On nodes of dedicated pools; only pods that name the pool tolerate it."""

NEWER_THAN_GENERATION = "6"
"""Instances of generation 7 on, whose hardware encrypts traffic between them (EC2 user guide, "Encryption in transit")."""

NODE_POOLS: dict[NodePool, NodePoolSpec] = {
    NodePool.GENERAL: NodePoolSpec("Everything that names no other pool", ("m", "c", "r"), ("2", "4", "8")),
    NodePool.MARKET_DATA: NodePoolSpec(
        "Streams and their bursts, which would slow down their neighbours", ("c", "m"), ("4", "8"), dedicated=True
    ),
    NodePool.ORDER_EXECUTION: NodePoolSpec(
        "The order executor, which no neighbour may slow down and no saving may move",
        ("m", "c"),
        ("2", "4"),
        dedicated=True,
        undisturbed=True,
    ),
}
