"""Runs the unchanged program of a project in the SDK's own language host, against a monitor and an engine of ours."""

# The SDK's settings are properties made by an untyped decorator.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportAttributeAccessIssue=false

import asyncio
import contextlib
import contextvars
import runpy
import sys
import traceback
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import grpc
import pulumi
from pulumi.runtime import settings as sdk
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from mastertrade.offline.configuration import merged_configuration, read_project
from mastertrade.offline.engine import Engine, EngineClient
from mastertrade.offline.evaluation import Evaluation, Mode, ProgramError, Resource, in_tree_order
from mastertrade.offline.loop import StalledError, new_loop
from mastertrade.offline.monitor import Monitor, Run
from mastertrade.offline.waiting import waiting_resources
from settings.problems import SettingsError

__all__ = ["evaluate"]

_ORGANIZATION = "organization"
"""What the CLI calls the only organization of a backend that knows none."""
_SERVER_THREADS = 4
_MESSAGE_LIMIT = 400 * 1024 * 1024
_CHANNEL = (("grpc.max_receive_message_length", _MESSAGE_LIMIT), ("grpc.max_send_message_length", _MESSAGE_LIMIT))


def evaluate(
    root: Path,
    stack: str,
    *,
    mode: Mode = Mode.SIMULATED,
    configuration: Mapping[str, str] | None = None,
    on_resource: Callable[[Resource], None] | None = None,
) -> Evaluation:
    """Runs a project's program for one stack and returns what it declares.

    `configuration` are full keys, such as `mastertrade:domain`, to texts; without it the project's files are read.
    `on_resource` is called for each resource as it is registered, from another thread.

    Raises `SettingsError` for mistakes in the settings, and `ProgramError` when the program fails or declares what the
    engine would refuse.
    """
    project = read_project(root.resolve())
    secret_keys: tuple[str, ...] = ()
    if configuration is None:
        configuration, secret_keys = merged_configuration(project, stack)
    run = Run(project.root, project.name, stack, _ORGANIZATION, mode, configuration, secret_keys)
    monitor, engine = Monitor(run, on_resource), Engine()
    with _served(monitor, engine) as address, contextlib.chdir(project.root), _modules_of(project.root):
        # A copy: the SDK keeps a run's settings in context variables, and the next run must not find them.
        failures = contextvars.copy_context().run(_run, run, project.main, address)
    return _evaluation(run, monitor, engine, failures)


@contextlib.contextmanager
def _served(monitor: Monitor, engine: Engine) -> Generator[str]:
    server = grpc.server(ThreadPoolExecutor(_SERVER_THREADS, thread_name_prefix="offline-server"), options=_CHANNEL)
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None)


def _run(run: Run, main: Path, address: str) -> "list[BaseException | str]":
    """Runs the program to its end; returns what went wrong."""
    failures: list[BaseException | str] = []
    with grpc.insecure_channel(address, options=_CHANNEL) as channel:
        _configure(run, channel)
        loop = new_loop(lambda: sdk.SETTINGS.callbacks is not None)
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(_hosted(main, failures))
        except StalledError:
            failures.append("the program waits for itself and can never finish:\n" + "\n".join(f"  {line}" for line in waiting_resources()))
        except SystemExit as error:
            if error.code not in (None, 0):
                failures.append(f"the program ended itself with exit code {error.code}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it is, it is the program's
            failures.insert(0, error)
        finally:
            asyncio.set_event_loop(None)
            _close(loop)
    return failures


def _configure(run: Run, channel: grpc.Channel) -> None:
    pulumi.runtime.set_all_config(dict(run.configuration), list(run.secret_keys))
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=run.project,
            stack=run.stack,
            monitor=resource_pb2_grpc.ResourceMonitorStub(channel),
            engine=EngineClient(channel),
            parallel=1,
            dry_run=run.mode is Mode.FIRST,
            organization=run.organization,
            root_directory=str(run.root),
        )
    )


def _hosted(main: Path, failures: "list[BaseException | str]") -> Coroutine[Any, Any, None]:
    async def program() -> None:
        try:
            runpy.run_path(str(main), run_name="__main__")
        finally:
            await _settled(failures)

    return pulumi.runtime.run_in_stack(program)


async def _settled(failures: "list[BaseException | str]") -> None:
    """Waits for everything that the program has begun, and collects what fails.

    The SDK's own way to wait looks at every pending output each time one is done. After this it finds nothing pending.
    """
    manager = sdk.SETTINGS.rpc_manager
    while True:
        await asyncio.sleep(0)
        with sdk.SETTINGS.lock:
            begun = cast("list[asyncio.Future[Any]]", [*manager.rpcs, *sdk.SETTINGS.outputs])
            sdk.SETTINGS.outputs.clear()
            manager.rpcs.clear()
        if not begun:
            break
        await asyncio.wait(begun)
        failures += (error for future in begun if not future.cancelled() and (error := future.exception()))
    manager.clear()


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    with contextlib.suppress(StalledError, RuntimeError):
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def _evaluation(run: Run, monitor: Monitor, engine: Engine, failures: "list[BaseException | str]") -> Evaluation:
    for failure in failures:
        if isinstance(failure, BaseException) and isinstance(cause := _settings_error(failure), SettingsError):
            raise cause
    messages = [refusal.message for refusal in sorted(set(monitor.refusals))]
    messages += _failure_texts(failures, run.root, messages)
    evaluation = Evaluation(
        project=run.project,
        stack=run.stack,
        mode=run.mode,
        resources=in_tree_order(monitor.resources),
        outputs=dict(sorted(monitor.outputs.items())),
        diagnostics=tuple(sorted(engine.diagnostics, key=lambda each: (each.urn, each.severity, each.message))),
        error="\n".join(messages) or None,
    )
    if evaluation.error:
        raise ProgramError(evaluation.error, evaluation)
    return evaluation


def _settings_error(error: BaseException) -> SettingsError | None:
    """The settings' mistakes behind a program's failure: the program ends with a user error that they caused."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, SettingsError):
        cause = cause.__cause__
    return cause


def _failure_texts(failures: "Iterable[BaseException | str]", root: Path, reported: list[str]) -> list[str]:
    """Each failure once: an output that fails takes all that is made of it along."""
    texts: dict[str, None] = {}
    seen: set[int] = set()
    for failure in failures:
        if isinstance(failure, str):
            texts[failure] = None
            continue
        if id(failure) in seen or (failure.__cause__ is not None and id(failure.__cause__) in seen) or str(failure) in reported:
            continue
        seen |= {id(failure), id(failure.__cause__)}
        texts[_failure_text(failure, root)] = None
    return sorted(texts)


def _failure_text(error: BaseException, root: Path) -> str:
    """A user error's message, or the program's part of a traceback."""
    if isinstance(error, pulumi.RunError):
        return str(error)
    report = traceback.TracebackException.from_exception(error, compact=True)
    links: list[traceback.TracebackException] = [report]
    for link in links:
        link.stack = traceback.StackSummary.from_list(
            [_relative(frame, root) for frame in link.stack if _is_of_program(frame.filename, root)]
        )
        links += [next_ for next_ in (link.__cause__, link.__context__) if next_ is not None]
    return "".join(report.format()).rstrip()


def _relative(frame: traceback.FrameSummary, root: Path) -> traceback.FrameSummary:
    line = frame.line
    return traceback.FrameSummary(str(Path(frame.filename).relative_to(root)), frame.lineno, frame.name, lookup_line=False, line=line)


_OURS = Path(__file__).parent


def _is_of_program(filename: str, root: Path) -> bool:
    path = Path(filename)
    return path.is_relative_to(root) and not path.is_relative_to(_OURS) and "site-packages" not in path.parts


@contextlib.contextmanager
def _modules_of(root: Path) -> Generator[None]:
    """Forgets the modules that a program imports from its folder: the next one may have others of the same names.

    Those of the project that this package belongs to stay, for they are shared with whoever runs the program.
    """
    before = set(sys.modules)
    try:
        yield
    finally:
        if not _OURS.is_relative_to(root):
            for name in set(sys.modules) - before:
                file = getattr(sys.modules[name], "__file__", None)
                if file and Path(file).is_relative_to(root):
                    del sys.modules[name]
