"""Run by Pulumi's engine, from this folder."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.engine.server import serve
from policies.workloads import PACK

serve(PACK)
