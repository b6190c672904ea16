"""What the processes of a test run share: results that several of them need, made once."""

import contextlib
import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

_FOLDER = "MASTERTRADE_TESTS_SHARED"
"""Names the folder to the processes that begin later."""
_Made = TypeVar("_Made")


@contextlib.contextmanager
def sharing() -> Generator[None]:
    """Lets the processes that begin in this block share."""
    with tempfile.TemporaryDirectory(prefix="mastertrade-tests-") as folder:
        os.environ[_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[_FOLDER]


def shared(key: str, make: Callable[[], _Made]) -> _Made:
    """What another process has made for this key, or else what `make` does. Two that ask at once both make it."""
    folder = os.environ.get(_FOLDER)
    if folder is None:
        return make()
    file = Path(folder) / hashlib.sha256(key.encode()).hexdigest()
    if file.exists():
        return pickle.loads(file.read_bytes())
    made = make()
    # whole or not at all
    own = file.with_suffix(f".{os.getpid()}")
    own.write_bytes(pickle.dumps(made))
    own.replace(file)
    return made
