"""What every settings model shares: frozen, and an unknown key is an error."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A group of settings. Instances never change; a key that no model knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, validate_default=True, regex_engine="python-re")
