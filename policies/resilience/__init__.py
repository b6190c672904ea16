"""What is lost can be restored, and the loss of a zone stops nothing."""

from policies.engine.control import Pack
from policies.engine.waivers import waiver_control
from policies.resilience.availability import AVAILABILITY
from policies.resilience.backups import BACKUPS
from policies.resilience.buckets import BUCKETS
from policies.resilience.deletion import DELETION
from policies.resilience.logs import LOGS
from policies.resilience.machines import MACHINES
from policies.resilience.vaults import VAULTS
from policies.resilience.windows import WINDOWS
from policies.resilience.zones import ZONES

PACK = Pack(
    name="resilience",
    version="1.0.0",
    description="What is lost can be restored, and the loss of a zone stops nothing",
    controls=(*BACKUPS, *VAULTS, *BUCKETS, *WINDOWS, *AVAILABILITY, *ZONES, *DELETION, *MACHINES, *LOGS, waiver_control("res")),
)
