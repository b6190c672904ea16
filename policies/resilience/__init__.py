"""What is lost can be restored, and the loss of a zone stops nothing."""

from policies.engine.control import Pack
from policies.engine.waivers import waiver_control
from policies.resilience.availability import AVAILABILITY
from policies.resilience.backups import BACKUPS
from policies.resilience.deletion import DELETION

PACK = Pack(
    name="resilience",
    version="1.0.0",
    description="What is lost can be restored, and the loss of a zone stops nothing",
    controls=(*BACKUPS, *AVAILABILITY, *DELETION, waiver_control("res")),
)
