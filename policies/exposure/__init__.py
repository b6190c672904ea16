"""Nothing is reachable, readable or usable by strangers."""

from policies.engine.control import Pack
from policies.engine.waivers import waiver_control
from policies.exposure.callers import CALLERS
from policies.exposure.credentials import CREDENTIALS
from policies.exposure.credentials_in_clusters import CLUSTERS
from policies.exposure.credentials_in_text import TEXTS
from policies.exposure.endpoints import ENDPOINTS
from policies.exposure.entrances import ENTRANCES
from policies.exposure.network import NETWORK
from policies.exposure.permissions import PERMISSIONS
from policies.exposure.permissions_identity import IDENTITIES
from policies.exposure.permissions_storage import STORAGE
from policies.exposure.permissions_trust import TRUST
from policies.exposure.permissions_users import USERS
from policies.exposure.reachability import REACHABILITY
from policies.exposure.sharing import SHARING

PACK = Pack(
    name="exposure",
    version="1.0.0",
    description="Nothing is reachable, readable or usable by strangers",
    controls=(
        *NETWORK,
        *ENDPOINTS,
        *ENTRANCES,
        *REACHABILITY,
        *SHARING,
        *CALLERS,
        *PERMISSIONS,
        *STORAGE,
        *IDENTITIES,
        *USERS,
        *TRUST,
        *CREDENTIALS,
        *TEXTS,
        *CLUSTERS,
        waiver_control("exp"),
    ),
)
