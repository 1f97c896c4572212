"""A browser for the tests of pages: an installed Chromium, driven by playwright; without either, they skip."""

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ALONE = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A browser that only shows pages."""


@pytest.fixture(scope="session")
def browser():
    """Chromium, started once; it downloads nothing."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser is installed; looked for {', '.join(NAMES)}")
    with driver.sync_playwright() as playwright:
        # In containers Chromium runs as root, where its sandbox does not start; the pages are our own.
        chromium = playwright.chromium.launch(executable_path=program, args=[*ALONE, "--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, tmp_path):
    """Shows the text of a page; keyword arguments are those of a browser context."""
    contexts = []

    def open_(html, **options):
        path = tmp_path / f"page-{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("dialog", lambda dialog: page.complaints.append(f"dialog {dialog.message}"))
        page.goto(path.as_uri())
        return page

    yield open_
    for context in contexts:
        context.close()
