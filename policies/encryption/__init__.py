"""Data at rest is encrypted under keys of the customer, data in transit by TLS."""

from policies.encryption.at_rest import AT_REST
from policies.encryption.in_transit import IN_TRANSIT
from policies.encryption.keys import KEYS
from policies.engine.control import Pack
from policies.engine.waivers import waiver_control

PACK = Pack(
    name="encryption",
    version="1.0.0",
    description="Data at rest is encrypted under keys of the customer, data in transit by TLS",
    controls=(*AT_REST, *IN_TRANSIT, *KEYS, waiver_control("enc")),
)
