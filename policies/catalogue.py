"""Every pack, and the types about which none has anything to say."""

from pathlib import Path

from policies.encryption import PACK as ENCRYPTION
from policies.engine.control import Pack
from policies.exposure import PACK as EXPOSURE
from policies.resilience import PACK as RESILIENCE
from policies.workloads import PACK as WORKLOADS

__all__ = ["FRAMEWORKS", "PACKS", "nothing_to_judge"]

PACKS: tuple[Pack, ...] = (ENCRYPTION, EXPOSURE, RESILIENCE, WORKLOADS)
FRAMEWORKS = Path(__file__).resolve().parent / "frameworks"
_NOTHING_TO_JUDGE = Path(__file__).resolve().parent / "nothing_to_judge.yaml"


def nothing_to_judge() -> dict[str, str]:
    """Canonical types that our stacks declare and that no control judges, with the reason for each."""
    import yaml  # noqa: PLC0415 - packs that are asked do not need it

    return dict(sorted(yaml.safe_load(_NOTHING_TO_JUDGE.read_text(encoding="utf-8")).items()))
