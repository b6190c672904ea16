"""The functions as Lambda takes them: their files under the paths that they have here, so that they import one another as here."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent
_PACKAGE = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class FunctionCode:
    """The module with the handler, and the modules that it needs."""

    module: str
    needs: tuple[str, ...]

    @property
    def handler(self) -> str:
        """As Lambda finds it."""
        return f"{_PACKAGE}.{self.module}.handler"

    def files(self) -> dict[str, str]:
        """Text of each file by its path in the archive."""
        folder = _PACKAGE.replace(".", "/")
        names = [f"{module}.py" for module in (self.module, *self.needs)]
        return {f"{folder}/{name}": (_FOLDER / name).read_text(encoding="utf-8") for name in names}

    def digest(self) -> str:
        """Other code has another."""
        return hashlib.sha256(json.dumps(self.files(), sort_keys=True).encode()).hexdigest()


SHIPPER = FunctionCode("shipper", ("contract", "opensearch", "redaction"))
SET_UP = FunctionCode("store_setup", ("contract", "opensearch"))
