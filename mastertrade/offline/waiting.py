"""Which resources a program that cannot finish still waits for, read from its own tasks."""

import asyncio
from collections.abc import Iterator
from types import CoroutineType
from typing import Any, cast

__all__ = ["waiting_resources"]


def waiting_resources(loop: asyncio.AbstractEventLoop | None = None) -> list[str]:
    """One line for each registration that has begun and not ended, with the property that it waits for. Sorted."""
    lines: set[str] = set()
    for task in asyncio.all_tasks(loop):
        if task.done():
            continue
        names: dict[str, Any] = {}
        for frame in _frames(task.get_coro()):
            names |= {key: frame[key] for key in ("ty", "name", "property_key") if frame.get(key)}
        if "ty" in names and "name" in names:
            waits = (
                f" waits for what becomes its property '{names['property_key']}'"
                if "property_key" in names
                else " waits for another resource"
            )
            lines.add(f"{names['ty']} '{names['name']}'{waits}")
    return sorted(lines) or ["an output that nothing will ever set"]


def _frames(awaited: object) -> Iterator[dict[str, Any]]:
    """Local variables of a coroutine and of those that it awaits, outermost first."""
    while isinstance(awaited, CoroutineType):
        coroutine = cast("CoroutineType[Any, Any, Any]", awaited)
        if coroutine.cr_frame is not None:
            yield coroutine.cr_frame.f_locals
        awaited = coroutine.cr_await
