"""Nothing is reachable, readable or usable by strangers."""

from policies.engine.control import Pack
from policies.engine.waivers import waiver_control
from policies.exposure.credentials import CREDENTIALS
from policies.exposure.network import NETWORK
from policies.exposure.permissions import PERMISSIONS

PACK = Pack(
    name="exposure",
    version="1.0.0",
    description="Nothing is reachable, readable or usable by strangers",
    controls=(*NETWORK, *PERMISSIONS, *CREDENTIALS, waiver_control("exp")),
)
