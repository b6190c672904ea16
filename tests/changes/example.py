"""The change that the documents show the digest of, and the pages made from it.

.venv/bin/python -m tests.changes.example    writes docs/digest-example.md and docs/images/digest.png
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt

from tests.declared import ROOT
from tests.evidence.chromium import chromium

PAGE = ROOT / "docs" / "digest-example.md"
PICTURE = ROOT / "docs" / "images" / "digest.png"

_EDITS = {
    "Pulumi.prod.yaml": (
        ("    api_cidrs: [203.0.113.0/24]", "    api_cidrs: [203.0.113.0/24, 198.51.100.0/22]"),
        (
            "  mastertrade:cluster:\n",
            "  mastertrade:database:\n    retention_days: 7\n    instance_class: db.r8g.2xlarge\n  mastertrade:cluster:\n",
        ),
    ),
    "components/database.py": (("deletion_protection=self._context.protect", "deletion_protection=False"),),
    "settings/traffic.py": (
        (
            '    Flow(Party.INTERNET, Party.LOAD_BALANCER, HTTP, "answered with a redirect to TLS, nothing else"),\n',
            '    Flow(Party.INTERNET, Party.LOAD_BALANCER, HTTP, "answered with a redirect to TLS, nothing else"),\n'
            '    Flow(Party.INTERNET, Party.LOAD_BALANCER, SERVICE_TLS, "partners, past the redirect"),\n',
        ),
    ),
}
"""What somebody proposes: a larger database that is kept for less time and may be deleted, and two more ways in."""

_WIDTH = 980
# How hosting services set a comment
_STYLE = """
body { margin: 0; padding: 16px; background: #fff; color: #1f2328; font: 14px/1.5 system-ui, "DejaVu Sans", sans-serif }
article { border: 1px solid #d1d9e0; border-radius: 6px; padding: 8px 16px 0 }
h2, h3 { margin: 16px 0 8px; line-height: 1.25 } h3 { font-size: 16px }
h2 { font-size: 20px; border-bottom: 1px solid #d1d9e0; padding-bottom: 6px }
code { background: #818b981f; border-radius: 6px; padding: 2px 5px; font: 12px "DejaVu Sans Mono", monospace }
table { border-collapse: collapse; margin: 8px 0 } th, td { border: 1px solid #d1d9e0; padding: 4px 12px }
ul { padding-left: 24px; margin: 0 0 12px } li { margin: 3px 0 } li ul { margin: 0 } summary { margin: 8px 0 }
"""


def git(folder: Path, *words: str) -> str:
    """What git prints, run as nobody in particular."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@mastertrade.example", "-c", "commit.gpgsign=false")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def clone(folder: Path) -> None:
    """The working tree, as the one commit of a repository of its own."""
    listed = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all of it")


def change(folder: Path) -> None:
    """Makes the edits in a clone."""
    for name, edits in _EDITS.items():
        text = (folder / name).read_text(encoding="utf-8")
        for before, after in edits:
            if text.count(before) != 1:
                raise LookupError(f"{name} has {text.count(before)} of: {before}")
            text = text.replace(before, after)
        (folder / name).write_text(text, encoding="utf-8")


def comment(folder: Path) -> str:
    """What the program itself tells of them."""
    clone(folder)
    change(folder)
    command = [sys.executable, "-m", "mastertrade", "digest", "--base", "main", "-s", "prod", "--format", "markdown"]
    environment = os.environ | {"PYTHONPATH": "", "PYTHONWARNINGS": "ignore"}
    return subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=300).stdout


def picture(markdown: str, folder: Path) -> bytes:
    """The comment as a hosting service shows it."""
    article = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    page = folder / "comment.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><article>{article}</article>', encoding="utf-8")
    with chromium(folder) as browser:
        browser.emulate(width=_WIDTH, height=100)
        browser.open(page.as_uri())
        browser.emulate(width=_WIDTH, height=browser.js("Math.ceil(document.documentElement.getBoundingClientRect().height)"))
        return browser.screenshot()


def main() -> None:
    """Writes both pages."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "clone").mkdir()
        markdown = comment(Path(name) / "clone")
        PAGE.write_text(markdown, encoding="utf-8")
        PICTURE.write_bytes(picture(markdown, Path(name)))


if __name__ == "__main__":
    main()
