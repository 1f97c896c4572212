"""Runs pytest on a small project inside a test, with the plugin and a fake check."""

import importlib
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The plugin is imported already, so it cannot be rewritten; outside of these tests nobody imports it early.
PLUGIN = [
    "-p",
    "pytest_circuitcheck",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "-p",
    "no:cacheprovider",
]
XDIST = ["-p", "xdist"]
WAYS = {"one process": XDIST, "two workers": [*XDIST, "-n", "2"], "no xdist": ["-p", "no:xdist"]}
# pytester forgets what an inner run imports; what is there before it starts is imported once for all.
for _module in ("reading", "report.junit", "report.markdown", "report.page", "report.writing"):
    importlib.import_module(f"circuitcheck.{_module}")
FAKE = "from fake_check import pytest_circuitcheck_check\n"


def prepare(pytester, monkeypatch, conftest=FAKE, **files):
    """A project with circuit files by name; subprocesses find the packages, and no CI is around."""
    monkeypatch.setenv("PYTHONPATH", ":".join(map(str, (ROOT, ROOT / "plugins", ROOT / "tests"))))
    for name in ("CI", "BUILD_NUMBER", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    # Other people's plugins cost seconds per inner run and are not what is tested.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "80")
    pytester.makeini("[pytest]\naddopts = --strict-markers\n")
    pytester.makeconftest(conftest)
    folder = pytester.mkdir("circuits")
    for name, text in files.items():
        (folder / f"{name}.circuit.yaml").write_text(text, encoding="utf-8")


def run(pytester, *arguments):
    """Run pytest in this process (xdist starts its own)."""
    return pytester.runpytest_inprocess(*PLUGIN, *arguments, no_reraise_ctrlc=True)


def page(result):
    """What pytest printed from the failures on, without times and run ids."""
    text = "\n".join(result.outlines)
    text = text[text.index("=== FAILURES") :].partition("\n")[2]
    text = re.sub(r"^\[gw\d\] .*\n", "", text, flags=re.MULTILINE)  # xdist's own line: which worker
    text = re.sub(r"=+ (.*) in \d+\.\d+s =+", r"\1", text)
    return re.sub(r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN", text).strip()


def measurements():
    """The lines of the fake's log."""
    log = Path("measured.log")
    return log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
