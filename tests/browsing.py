"""The page in Chromium."""

import contextlib
import importlib
import os
import shutil

import pytest

from reviewing import TOKEN


def needed(module):
    """Import what a test in a browser needs, or skip the test; CI fails instead."""
    try:
        return importlib.import_module(module)
    except ImportError:
        absent(f"needs {module.partition('.')[0]}")


def absent(reason):
    """Skip a test, or fail it where a browser is required."""
    if os.environ.get("TAMIS_TEST_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@contextlib.contextmanager
def opened(client, *, width=1200, height=800, touch=False, dark=False):
    """Open the page in a browser; gives it, and what went wrong in its scripts."""
    playwright = needed("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        absent("chromium is not installed")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch,
            color_scheme="dark" if dark else "light",
        )  # fmt: skip
        page = context.new_page()
        page.set_default_timeout(120_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"http://{client.host}/?token={TOKEN}")
        page.wait_for_selector(".tile")
        yield page, wrong
        browser.close()


def told(page, text):
    """Wait until the page says something."""
    page.locator("footer", has_text=text).wait_for()
