"""The page in Chromium."""

import contextlib
import shutil

import pytest

from reviewing import TOKEN


@contextlib.contextmanager
def opened(client, *, width=1200, height=800, touch=False, dark=False):
    """Open the page in a browser; gives it, and what went wrong in its scripts."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("chromium is not installed")
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
