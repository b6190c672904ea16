"""The command line, `python -m mastertrade`."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TextIO, cast

import click

__all__ = ["cli", "main"]

FINE, PROGRAM_ERROR, BAD_SETTINGS = 0, 1, 2

Action = Callable[[], int]
"""What a command has decided to do; yields the exit code."""

_EXIT_CODES = """
\b
Exit codes:
  0  fine
  1  the program failed, declares what the engine would refuse, or violates a mandatory policy
  2  wrong settings or wrong usage
"""
_ALL_EXIT_CODES = """
\b
Exit codes (each command's --help tells more):
  0  fine
  1  the program failed, declares what the engine would refuse, or, in preview, violates a mandatory policy
  2  wrong settings or wrong usage
  3  audit: a mandatory control fails or cannot tell; audit verify: files are changed, missing or extra;
     digest: a change is of a class that --fail-on names
"""
_AUDIT_EXIT_CODES = """
\b
Exit codes:
  0  compliant
  1  the program failed, or declares what the engine would refuse
  2  wrong settings, packs, waivers or usage
  3  a mandatory control fails, or cannot tell
"""
_VERIFY_EXIT_CODES = """
\b
Exit codes:
  0  every file is as it was written
  2  wrong usage, or a folder without evidence
  3  files are changed, missing or extra
"""
_DIGEST_EXIT_CODES = """
\b
Exit codes:
  0  told
  1  the program fails on one of the sides, or the preview that is read failed: what changes cannot be told, or not all of it
  2  wrong settings, files or usage
  3  a change is of a class that --fail-on names
"""
_DANGERS = ("data-loss", "exposure", "outage", "identity", "cost", "other", "harmless")


def main() -> NoReturn:
    """Runs the command line and ends the process."""
    # closed by whoever called us: what would be said there is said to nobody
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    code = _run()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or PROGRAM_ERROR
    # Taking the interpreter and every loaded module apart would cost as much as loading them.
    os._exit(code)


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _run() -> int:
    try:
        # A command only decides what to do. It is done from here: the SDK records the whole call stack with every resource.
        decided: object = cli.main(prog_name="python -m mastertrade", standalone_mode=False)
        return cast("Action", decided)() if callable(decided) else FINE
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        return PROGRAM_ERROR
    except click.ClickException as error:
        error.show()
        return BAD_SETTINGS
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        return PROGRAM_ERROR
    except BrokenPipeError:
        # Whoever read our output has closed it, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PROGRAM_ERROR
    except OSError as error:
        with contextlib.suppress(OSError):
            click.echo(f"Cannot go on: {error.strerror or error}.", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return PROGRAM_ERROR


class _Project(click.ParamType[Path]):
    """The folder of a Pulumi project: the one named, or the nearest above it."""

    name = "folder"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        start = Path(str(value)).resolve()
        for folder in (start, *start.parents):
            if (folder / "Pulumi.yaml").is_file():
                return folder
        self.fail(f"no Pulumi.yaml in '{start}' or above it", param, ctx)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}, epilog=_ALL_EXIT_CODES)
@click.option(
    "--cwd", "-C", "root", type=_Project(), default=".", metavar="FOLDER", help="Project to work on. Default: the nearest above here."
)
@click.pass_context
def cli(context: click.Context, root: Path) -> None:
    """Works on the infrastructure of masterTrade without an AWS account, credentials or the Pulumi CLI.

    What changes the cloud is Pulumi's: `pulumi up -s prod`.
    """
    context.obj = root


# What several commands take
_MODE = click.option(
    "--mode", type=click.Choice(["simulated", "first"]), default="simulated", show_default=True, help="What the program may know."
)
_EVIDENCE = click.option(
    "--out",
    type=click.Path(file_okay=False, resolve_path=True, path_type=Path),
    metavar="FOLDER",
    help="Write evidence to FOLDER/STACK: the whole of it, or nothing.",
)
_PACKS = click.option(
    "--policy-pack",
    "packs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path),
    metavar="FOLDER",
    help="Policy pack in Python to run, instead of the project's own; may be given again.",
)


@cli.command(epilog=_EXIT_CODES)
@click.option("--stack", "-s", default="prod", show_default=True, metavar="NAME", help="Stack to preview.")
@click.option("--all-stacks", is_flag=True, help="Preview every stack that has a Pulumi.NAME.yaml.")
@_MODE
@click.option("--full", is_flag=True, help="One line for each resource instead of counts.")
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of a tree.")
@_PACKS
@click.option("--no-policy-packs", is_flag=True, help="Only what the stack declares.")
@_EVIDENCE
@click.pass_obj
@click.pass_context
def preview(
    context: click.Context,
    root: Path,
    /,
    *,
    stack: str,
    all_stacks: bool,
    mode: str,
    full: bool,
    as_json: bool,
    packs: tuple[Path, ...],
    no_policy_packs: bool,
    out: Path | None,
) -> Action:
    """Shows what a stack declares and what policy packs say of it, offline.

    Runs the unchanged program in Pulumi's own language host, against an engine and a cloud that are simulated in this
    process, and checks what the real engine would check: names used twice, missing, unknown and misshapen properties,
    resources without a provider, references to nothing, outputs that wait for one another. Policy packs are those of the
    project (policies/*), each in the process that the engine would start.

    \b
    Modes:
      simulated  as after a deployment: every output has a value, made up but well-formed
      first      as before the first deployment: IDs and computed outputs are unknown

    \b
    Examples:
      python -m mastertrade preview                       production
      python -m mastertrade preview -s dev --full         every resource of development
      python -m mastertrade preview --all-stacks          what CI asks
      python -m mastertrade preview --mode first          nothing may need a value that does not exist yet
      python -m mastertrade preview --json | jq '.resources | length'
      python -m mastertrade preview --policy-pack ../packs/company   what a pack of any origin says of production
      python -m mastertrade preview --out evidence        and evidence of it, as `audit --out` writes it

    \b
    The JSON document of a stack:
      format        1
      project, stack, mode
      error         text or null
      regions       names
      outputs       name to value
      diagnostics   list of severity, message, urn
      resources     list of urn, type, name, custom, id, parent, provider, region, inputs, outputs, dependencies,
                    propertyDependencies, protect, ignoreChanges, deletedWith, additionalSecretOutputs, aliases,
                    retainOnDelete, deleteBeforeReplace, customTimeouts, external, source (file:line or null)
      policyPacks   list of name, version, policies, and violations: list of policy, enforcement,
                    message, urn, severity
    With --all-stacks: format, and stacks, the list of these. Secrets read "[secret]", unknown values "[unknown]".
    Keys may be added, never changed.
    """  # noqa: D301 - click reads the backspace character
    stacks = _stacks(context, stack, all_stacks=all_stacks)
    if packs and no_policy_packs:
        raise click.UsageError("--no-policy-packs runs none: name packs with --policy-pack, or none, not both.")
    if out and no_policy_packs:
        raise click.UsageError("--out writes what policy packs say: leave one of --out and --no-policy-packs away.")

    def action() -> int:
        from mastertrade.preview import preview_stacks
        from mastertrade.stacks import own_packs

        asked = () if no_policy_packs else packs or own_packs(root)
        return preview_stacks(root, stacks, mode, full=full, as_json=as_json, packs=asked, out=out, own=not packs)

    return action


def _stacks(context: click.Context, stack: str, *, all_stacks: bool) -> tuple[str, ...] | None:
    if all_stacks and context.get_parameter_source("stack") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("--all-stacks means every stack: name one with --stack, or all of them, not both.")
    return None if all_stacks else (stack,)


@cli.group(epilog=_AUDIT_EXIT_CODES, invoke_without_command=True, subcommand_metavar="[verify FOLDER]")
@click.option("--stack", "-s", default="prod", show_default=True, metavar="NAME", help="Stack to audit.")
@click.option("--all-stacks", is_flag=True, help="Audit every stack that has a Pulumi.NAME.yaml.")
@_MODE
@click.option("--json", "as_json", is_flag=True, help="A JSON document instead of a list.")
@_PACKS
@_EVIDENCE
@click.option(
    "--from-pulumi",
    "source",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    metavar="FILE",
    help="Read what the Pulumi CLI wrote, from --event-log or `preview --json`, instead of evaluating the program; - reads standard input.",
)
@click.option(
    "--since",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE",
    help="Earlier evidence.json with which the page compares; may be given again.",
)
@click.pass_obj
@click.pass_context
def audit(
    context: click.Context,
    root: Path,
    /,
    *,
    stack: str,
    all_stacks: bool,
    mode: str,
    as_json: bool,
    packs: tuple[Path, ...],
    out: Path | None,
    source: Path | None,
    since: tuple[Path, ...],
) -> Action | None:
    """Tells what every control says of every resource, offline. `audit verify` tells whether evidence is as it was written.

    \b
    States:
      pass            what is declared is as the control wants it
      fail            it is not; the message names property, found, wanted and the fix
      unknown         it cannot be told from what is declared; under a mandatory control as bad as a failure
      not applicable  there is nothing to judge about this resource, with the reason
      waived          it fails or is unknown, and policies/waivers.yaml accepts that until a date

    \b
    Examples:
      python -m mastertrade audit                          production
      python -m mastertrade audit --all-stacks --out evidence
      python -m mastertrade audit verify evidence
      python -m mastertrade audit --out evidence --since 2026-10/prod/evidence.json
      python -m mastertrade audit --json | jq '.audits[].verdicts[] | select(.state == "fail")'

    With --out, FOLDER/STACK/index.html is a page for auditors: open it with a browser. With --since it tells what
    changed since earlier evidence, and from which of its commits on each verdict has been as it is.

    \b
    Of a real run (what its file does not tell, the evidence says under `limits`):
      PULUMI_DEBUG_COMMANDS=1 pulumi preview -s prod --policy-pack policies/encryption --event-log events.json
      python -m mastertrade audit --from-pulumi events.json --out evidence
      pulumi preview -s prod --json --show-sames > preview.json       the packs are asked about what it declares
      python -m mastertrade audit --from-pulumi preview.json

    \b
    The JSON document: format, and audits, a list of what evidence.json of a stack holds
    (its schema: mastertrade/evidence/evidence.schema.json):
      project, stack, mode, tool (name, version), commit (id, date, clean), limits, compliant
      counts        state to number: states of all, and of each of packs, controls, regions, frameworks
      packs         list of name, version, description
      controls      list of pack, id, title, severity, enforcement, rationale, remediation, references, types,
                    requirements (framework to list)
      frameworks    list of id, title, version, source, requirements (id, name, controls, not_covered)
      verdicts      list of control, urn, type, name, region, source, state, severity, enforcement, message,
                    findings (property, found, wanted),
                    waiver (resource, owner, reason, ticket, accepted, expires; or null)
      unjudged      declared types that no control is about, to their numbers of resources
      coverage      the same with reasons: list of type, resources, reason
    Keys may be added, never changed.
    """  # noqa: D301 - click reads the backspace character
    given = [
        each.opts[0]
        for each in context.command.params
        if each.name and context.get_parameter_source(each.name) is click.core.ParameterSource.COMMANDLINE
    ]
    if context.invoked_subcommand:
        if given:
            raise click.UsageError(f"{', '.join(given)}: `audit {context.invoked_subcommand}` takes a folder and nothing else.")
        return None
    if source and (barred := [each for each in given if each in ("--all-stacks", "--mode")]):
        raise click.UsageError(f"{', '.join(barred)}: --from-pulumi takes stack and mode from its file.")
    stacks = _stacks(context, stack, all_stacks=all_stacks)
    if since and out is None:
        raise click.UsageError("--since is for the page that --out writes: name a folder with --out.")

    def action() -> int:
        if source:
            from mastertrade.pulumi_audit import audit_from_pulumi

            of_stack = stack if "--stack" in given else ""
            return audit_from_pulumi(root, source, of_stack, as_json=as_json, packs=packs, out=out, since=since)
        from mastertrade.audit import audit_stacks

        return audit_stacks(root, stacks, mode, as_json=as_json, packs=packs, out=out, since=since)

    return action


@audit.command("verify", epilog=_VERIFY_EXIT_CODES)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def audit_verify(folder: Path) -> Action:
    """Tells whether the files of FOLDER, evidence of one stack or of several, are those that were written.

    Names every file that is changed, missing or extra, and the SHA-256 of each manifest: whoever has kept that elsewhere
    knows that nobody has exchanged files and manifest together.
    """

    def action() -> int:
        from mastertrade.verification import verify_evidence

        return verify_evidence(folder)

    return action


@cli.command(epilog=_DIGEST_EXIT_CODES)
@click.option("--base", metavar="REF", help="Compare with the program at a branch, tag or commit of git.")
@click.option(
    "--from-stack-export",
    "export",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE",
    help="Compare with what is deployed: the output of `pulumi stack export`.",
)
@click.option(
    "--from-preview",
    "preview",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE",
    help="Read what Pulumi would change: the output of `pulumi preview --json`.",
)
@click.option("--stack", "-s", "stacks", multiple=True, metavar="NAME", help="Stack to compare; may be given again. Default: every stack.")
@click.option(
    "--format", "form", type=click.Choice(["terminal", "markdown", "json"]), default="terminal", show_default=True, help="How it is told."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, resolve_path=True, path_type=Path),
    metavar="FILE",
    help="Write to FILE, the whole of it or nothing, instead of standard output.",
)
@click.option("--fail-on", metavar="CLASS[,CLASS]", help="Exit with 3 if a change is of one of these classes.")
@click.pass_obj
def digest(
    root: Path,
    /,
    *,
    base: str | None,
    export: Path | None,
    preview: Path | None,
    stacks: tuple[str, ...],
    form: str,
    out: Path | None,
    fail_on: str | None,
) -> Action:
    """Tells what changes, the most dangerous first: between two versions, or against what is deployed.

    \b
    Classes, from the worst down:
      data-loss  something is deleted or replaced that holds data; retention, protection, a final snapshot end
      exposure   wider rules, public access, weaker TLS, other keys, secrets in plain
      outage     something in use is replaced or deleted; less capacity, fewer zones
      identity   permissions that somebody gains
      cost       larger machines, more of them, new things that are paid by the hour
      other      what no rule knows
      harmless   tags and descriptions

    \b
    Examples:
      python -m mastertrade digest --base main                                 this branch, every stack
      python -m mastertrade digest --base main --format markdown --out comment.md
      python -m mastertrade digest --base v1.4 -s prod --fail-on data-loss,exposure
      pulumi stack export -s prod --file state.json && python -m mastertrade digest --from-stack-export state.json
      pulumi preview -s prod --json > preview.json; python -m mastertrade digest --from-preview preview.json

    \b
    The JSON document:
      format, before, after, notes
      dangers    class to number of changes that it is the worst of: each is counted once
      furtherDangers  class to number of changes that have it beside a worse one
      stacks     list of project, stack, error, notes, counts (created and so on to number),
                 changes: list of danger, operation, uncertain, refused, cause, urn, oldUrn, type, name,
                   region, source, reasons (danger, text, found), notes, differences (path, before, after, replaces, follows)
                 policies: list of control, title, severity, enforcement, urn, type, name, region,
                   before, after, message
    Secrets read "[secret]". Keys may be added, never changed.
    """  # noqa: D301 - click reads the backspace character
    if sum(each is not None for each in (base, export, preview)) != 1:
        raise click.UsageError("Compare with one of --base REF, --from-stack-export FILE, --from-preview FILE. Example: --base main")
    if stacks and base is None:
        raise click.UsageError("--stack goes with --base: a file is of the stack that it names.")
    classes = tuple(each.strip() for each in (fail_on or "").split(",") if each.strip())
    unknown = [each for each in classes if each not in _DANGERS]
    if unknown:
        raise click.UsageError(f"--fail-on: found {', '.join(unknown)}; allowed: {', '.join(_DANGERS)}. Example: data-loss,exposure")

    def action() -> int:
        from mastertrade.changes.digest import run_digest

        return run_digest(root, base=base, export=export, preview=preview, stacks=stacks, form=form, out=out, fail_on=classes)

    return action


@cli.command(epilog=_EXIT_CODES)
@click.option("--stack", "-s", default="prod", show_default=True, metavar="NAME", help="Stack whose objects are written.")
@click.option("--region", metavar="NAME", help="Region of the cluster. Needed where a stack has several.")
@click.pass_obj
def manifests(root: Path, /, *, stack: str, region: str | None) -> Action:
    """Writes the Kubernetes objects of a cluster as YAML, offline.

    For review and for tools that read manifests. What AWS names at creation, endpoints and ARNs, is made up but
    well-formed; secrets are not shown.

    \b
    Examples:
      python -m mastertrade manifests -s dev                              the only cluster of development
      python -m mastertrade manifests -s prod --region us-west-2          one of production's
      python -m mastertrade manifests -s dev | kubectl apply --dry-run=server -f -
    """  # noqa: D301 - click reads the backspace character

    def action() -> int:
        from mastertrade.manifests import write_manifests

        return write_manifests(root, stack, region)

    return action


@cli.command(epilog=_EXIT_CODES)
@click.option("--stack", "-s", default="prod", show_default=True, metavar="NAME", help="Stack that is deployed.")
@click.option("--read-only", is_flag=True, help="What a preview that refreshes needs, instead of what a deployment needs.")
@click.option(
    "--out",
    type=click.Path(resolve_path=True, path_type=Path),
    metavar="FOLDER",
    help="Folder to write, one file for each policy, instead of printing them. Written whole or not at all.",
)
@click.pass_obj
def permissions(root: Path, /, *, stack: str, read_only: bool, out: Path | None) -> Action:
    """Derives the IAM policies of the role that deploys a stack, offline.

    From the types and names of what the stack declares: the actions that Pulumi needs to create, read, change, tag and delete
    them, on the stack's own resources as far as AWS can tell them, in its regions; and each role may be passed to the service
    that it is declared for, and to no other.

    \b
    Examples:
      python -m mastertrade permissions                                production
      python -m mastertrade permissions -s dev --out policies-dev      one file for each policy, for `aws iam create-policy`
      python -m mastertrade permissions --read-only | jq '.policies | length'

    \b
    The JSON document: format, project, stack, readOnly, and policies, a list of name, characters, document.
    Keys may be added, never changed.
    """  # noqa: D301 - click reads the backspace character

    def action() -> int:
        from mastertrade.deployment.command import write_permissions

        return write_permissions(root, stack, read_only=read_only, out=out)

    return action


@cli.command(hidden=True)
@click.option("--stack", "-s", default="prod")
@click.pass_obj
def modules(root: Path, stack: str) -> Action:
    """Prints the modules that are loaded after a stack's program has run, for the benchmark."""

    def action() -> int:
        from mastertrade.preview import loaded_modules

        return loaded_modules(root, stack)

    return action


@cli.group()
def reference() -> None:
    """Writes the pages of docs/ that are generated."""


@reference.command("settings")
@click.pass_obj
def reference_settings(root: Path) -> Action:
    """Writes docs/settings.md: every setting, from the models that check them."""

    def action() -> int:
        from mastertrade.reference import write

        for page in write(root):
            click.echo(page.relative_to(root) if page.is_absolute() else page)
        return FINE

    return action


@reference.command("capacity")
@click.pass_obj
def reference_capacity(root: Path) -> Action:
    """Writes docs/capacity.md: what each stack promises to carry, by which assumptions, and what its settings give."""

    def action() -> int:
        from mastertrade.capacity_page import CAPACITY_PAGE, render_capacity
        from mastertrade.reference import write_page
        from settings.problems import SettingsError

        try:
            write_page(root / CAPACITY_PAGE, render_capacity(root))
        except SettingsError as error:
            click.echo(str(error), err=True)
            return BAD_SETTINGS
        click.echo(CAPACITY_PAGE)
        return FINE

    return action


@reference.command("controls")
@click.pass_obj
def reference_controls(root: Path) -> Action:
    """Writes docs/controls.md: every control, the requirements that it serves, and what no control is about."""

    def action() -> int:
        from mastertrade.controls_page import CONTROLS_PAGE, render_controls
        from mastertrade.reference import write_page

        write_page(root / CONTROLS_PAGE, render_controls())
        click.echo(CONTROLS_PAGE)
        return FINE

    return action
