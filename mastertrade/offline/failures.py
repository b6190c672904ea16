"""What goes wrong in a program, and how it is told: a user error by its message, anything else by the program's own lines."""

import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import pulumi

from settings.problems import SettingsError

__all__ = ["Failures"]

_OURS = Path(__file__).parent


class Failures:
    """The failures of one run, each once."""

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._errors: dict[int, tuple[BaseException, TracebackType | None]] = {}

    def add(self, failure: BaseException | str) -> None:
        """Adds a failure. Each who awaits a failed output overwrites its traceback: the first is kept."""
        if isinstance(failure, str):
            self._texts.add(failure)
        else:
            self._errors.setdefault(id(failure), (failure, failure.__traceback__))

    def settings_error(self) -> SettingsError | None:
        """The settings' mistakes behind the failures: the program ends with a user error that they caused."""
        for error, _ in self._errors.values():
            for each in (error, *_causes(error)):
                if isinstance(each, SettingsError):
                    return each
        return None

    def texts(self, root: Path, reported: Sequence[str]) -> list[str]:
        """What to tell, sorted. A refusal that is reported already comes back as an exception of the request."""
        told: set[int] = set()
        texts = set(self._texts)
        for error, first in self._errors.values():
            # An output that fails takes all that is made of it along.
            causes = {id(cause) for cause in _causes(error)}
            if causes & self._errors.keys() or causes & told or any(refusal in str(error) for refusal in reported):
                continue
            told |= causes
            texts.add(_text(error.with_traceback(first), root))
        return sorted(texts)


def _causes(error: BaseException) -> Iterator[BaseException]:
    while error.__cause__ is not None:
        error = error.__cause__
        yield error


def _text(error: BaseException, root: Path) -> str:
    if isinstance(error, pulumi.RunError):
        return str(error)
    report = traceback.TracebackException.from_exception(error, compact=True)
    links = [report]
    for link in links:
        frames = [_relative(frame, root) for frame in link.stack if _is_of_program(frame.filename, root)]
        link.stack = traceback.StackSummary.from_list(frames)
        links += [following for following in (link.__cause__, link.__context__) if following is not None]
    return "".join(report.format()).rstrip()


def _relative(frame: traceback.FrameSummary, root: Path) -> traceback.FrameSummary:
    file = str(Path(frame.filename).relative_to(root))
    return traceback.FrameSummary(file, frame.lineno, frame.name, lookup_line=False, line=frame.line)


def _is_of_program(filename: str, root: Path) -> bool:
    path = Path(filename)
    return path.is_relative_to(root) and not path.is_relative_to(_OURS) and "site-packages" not in path.parts
