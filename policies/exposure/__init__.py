"""Nothing is reachable, readable or usable by strangers."""

from policies.engine.control import Pack
from policies.exposure.credentials import CREDENTIALS
from policies.exposure.credentials_in_clusters import CLUSTERS
from policies.exposure.credentials_in_text import TEXTS
from policies.exposure.network import NETWORK
from policies.exposure.permissions import PERMISSIONS
from policies.exposure.permissions_identity import IDENTITIES
from policies.exposure.permissions_storage import STORAGE
from policies.exposure.permissions_trust import TRUST
from policies.exposure.permissions_users import USERS

PACK = Pack(
    name="exposure",
    version="1.0.0",
    description="Nothing is reachable, readable or usable by strangers",
    controls=(*NETWORK, *PERMISSIONS, *STORAGE, *IDENTITIES, *USERS, *TRUST, *CREDENTIALS, *TEXTS, *CLUSTERS),
)
