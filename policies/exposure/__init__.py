"""Nothing is reachable, readable or usable by strangers."""

from policies.engine.control import Pack
from policies.exposure.callers import CALLERS
from policies.exposure.credentials import CREDENTIALS
from policies.exposure.endpoints import ENDPOINTS
from policies.exposure.entrances import ENTRANCES
from policies.exposure.network import NETWORK
from policies.exposure.permissions import PERMISSIONS
from policies.exposure.reachability import REACHABILITY
from policies.exposure.sharing import SHARING

PACK = Pack(
    name="exposure",
    version="1.0.0",
    description="Nothing is reachable, readable or usable by strangers",
    controls=(*NETWORK, *ENDPOINTS, *ENTRANCES, *REACHABILITY, *SHARING, *CALLERS, *PERMISSIONS, *CREDENTIALS, waiver_control("exp")),
)
