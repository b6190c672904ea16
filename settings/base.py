"""What settings models share: frozen, and an unknown key is an error."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LogRetentionDays = Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]
"""What CloudWatch Logs keeps (API reference, PutRetentionPolicy)."""

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s,;]{1,64}@[^@\s,;]+\.[^@\s,;]{2,}$", examples=["oncall@mastertrade.example"])]


class Model(BaseModel):
    """A group of settings. Instances never change; a key that no model knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, validate_default=True, regex_engine="python-re")
