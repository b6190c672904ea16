"""Data at rest is encrypted under keys of the customer, data in transit by TLS."""

from policies.encryption.at_rest import AT_REST
from policies.encryption.in_transit import IN_TRANSIT
from policies.encryption.in_transit_balancers import IN_TRANSIT_BALANCERS
from policies.encryption.in_transit_calls import IN_TRANSIT_CALLS
from policies.encryption.in_transit_clients import IN_TRANSIT_CLIENTS
from policies.encryption.in_transit_databases import IN_TRANSIT_DATABASES
from policies.encryption.in_transit_kubernetes import IN_TRANSIT_KUBERNETES
from policies.encryption.in_transit_networks import IN_TRANSIT_NETWORKS
from policies.encryption.in_transit_storage import IN_TRANSIT_STORAGE
from policies.encryption.keys import KEYS
from policies.engine.control import Pack
from policies.engine.waivers import waiver_control

PACK = Pack(
    name="encryption",
    version="1.0.0",
    description="Data at rest is encrypted under keys of the customer, data in transit by TLS",
    controls=(
        *AT_REST,
        *IN_TRANSIT,
        *IN_TRANSIT_BALANCERS,
        *IN_TRANSIT_DATABASES,
        *IN_TRANSIT_CLIENTS,
        *IN_TRANSIT_STORAGE,
        *IN_TRANSIT_CALLS,
        *IN_TRANSIT_NETWORKS,
        *IN_TRANSIT_KUBERNETES,
        *KEYS,
        waiver_control("enc"),
    ),
)
