"""The places that tests look at: production's two regions, and a small environment."""

from settings.signals import Place

GIB = 1024**3
ACTIVE = Place("prod", "us-east-1", "monitoring-us-east-1.mastertrade.example", True, True, 32 * GIB, 2000, 1, 15, 400)
STANDBY = Place("prod", "us-west-2", "monitoring-us-west-2.mastertrade.example", False, True, 32 * GIB, 2000, 1, 15, 400)
SMALL = Place(
    "dev", "us-east-1", "monitoring-us-east-1.mastertrade.example", True, False, 8 * GIB, 2000, 15, 60, 20, database_has_proxy=False
)
PLACES = {"active": ACTIVE, "standby": STANDBY, "small": SMALL}
