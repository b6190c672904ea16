"""Runs the unchanged program of a project in the SDK's own language host, against a monitor and an engine of ours."""

# The SDK's settings are properties made by an untyped decorator.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportAttributeAccessIssue=false

import asyncio
import contextlib
import contextvars
import runpy
import sys
from collections.abc import Callable, Coroutine, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.runtime import settings as sdk
from pulumi.runtime.proto import engine_pb2_grpc, resource_pb2_grpc

from mastertrade.offline.configuration import merged_configuration, read_project
from mastertrade.offline.engine import Engine, EngineClient
from mastertrade.offline.evaluation import Evaluation, Mode, ProgramError, Resource, in_tree_order
from mastertrade.offline.failures import Failures
from mastertrade.offline.loop import StalledError, new_loop
from mastertrade.offline.monitor import Monitor, Run
from mastertrade.offline.waiting import waiting_resources

__all__ = ["evaluate"]

_ORGANIZATION = "organization"
"""What the CLI calls the only organization of a backend that knows none."""
_SERVER_THREADS = 4
_PATIENCE = 100
"""How often what is pending is told to end; each time it may begin something to clean up."""
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
        failures = contextvars.copy_context().run(_run, run, project.main, address, monitor)
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


def _run(run: Run, main: Path, address: str, monitor: Monitor) -> Failures:
    """Runs the program to its end; returns what went wrong."""
    failures = Failures()
    with grpc.insecure_channel(address, options=_CHANNEL) as channel:
        _configure(run, channel)
        loop = new_loop(lambda: monitor.calls_back or sdk.SETTINGS.callbacks is not None)
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(_hosted(main, failures))
        except StalledError:
            failures.add("\n  ".join(["the program waits for itself and can never finish:", *waiting_resources(loop)]))
        except SystemExit as error:
            if error.code not in (None, 0):
                failures.add(f"the program ended itself with exit code {error.code}")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it is, it is the program's
            failures.add(error)
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


def _hosted(main: Path, failures: Failures) -> Coroutine[Any, Any, None]:
    async def program() -> None:
        runpy.run_path(str(main), run_name="__main__")

    async def settled_program() -> None:
        try:
            # In a task of its own: the SDK records the whole call stack with every resource, and this one is shorter.
            await asyncio.create_task(program())
        finally:
            await _settled(failures)

    return pulumi.runtime.run_in_stack(settled_program)


async def _settled(failures: Failures) -> None:
    """Waits for everything that the program has begun, and collects what fails.

    The SDK's own way to wait looks at every pending output each time one is done. After this it finds nothing pending.
    """
    while begun := _taken() or (await asyncio.sleep(0)) or _taken():
        await _all_done(begun, failures)
    sdk.SETTINGS.rpc_manager.clear()


def _taken() -> "list[asyncio.Future[Any]]":
    """What is pending, taken from the SDK's own lists."""
    manager, settings = sdk.SETTINGS.rpc_manager, sdk.SETTINGS
    with settings.lock:
        begun = [*manager.rpcs, *settings.outputs]
        settings.outputs.clear()
        manager.rpcs.clear()
    return begun


async def _all_done(begun: "list[asyncio.Future[Any]]", failures: Failures) -> None:
    """Waits for all. Failures are noted as they happen, before whoever awaits them in the program."""
    everything = asyncio.get_running_loop().create_future()
    pending = len(begun)

    def note(done: "asyncio.Future[Any]") -> None:
        nonlocal pending
        error = None if done.cancelled() else done.exception()
        if error is not None:
            failures.add(error)
        pending -= 1
        if not pending and not everything.done():
            everything.set_result(None)

    for future in begun:
        future.add_done_callback(note)
    await everything


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what a failed run leaves behind: collected later, it would go on in the middle of the next run."""
    for _ in range(_PATIENCE):
        pending = asyncio.all_tasks(loop)
        if not pending:
            break
        for task in pending:
            task.cancel()
        with contextlib.suppress(StalledError, RuntimeError):
            loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def _evaluation(run: Run, monitor: Monitor, engine: Engine, failures: Failures) -> Evaluation:
    settings_error = failures.settings_error()
    if settings_error is not None:
        raise settings_error
    refusals = [refusal.message for refusal in sorted(set(monitor.refusals))]
    evaluation = Evaluation(
        project=run.project,
        stack=run.stack,
        mode=run.mode,
        resources=in_tree_order(monitor.resources),
        outputs=monitor.outputs,
        diagnostics=tuple(sorted(engine.diagnostics, key=lambda each: (each.urn, each.severity, each.message))),
        error="\n".join([*refusals, *failures.texts(run.root, refusals)]) or None,
    )
    if evaluation.error:
        raise ProgramError(evaluation.error, evaluation)
    return evaluation


@contextlib.contextmanager
def _modules_of(root: Path) -> Generator[None]:
    """Forgets the modules that a program imports from its folder: the next one may have others of the same names.

    Those of the project that this package belongs to stay, for they are shared with whoever runs the program.
    """
    before = set(sys.modules)
    try:
        yield
    finally:
        if not Path(__file__).is_relative_to(root):
            for name in set(sys.modules) - before:
                file = getattr(sys.modules[name], "__file__", None)
                if file and Path(file).is_relative_to(root):
                    del sys.modules[name]
