"""A headless browser for the tests of pages, driven by Playwright: Chromium from PATH, or the one that CHROMIUM names.

With INSTALL_CHROMIUM=1, root installs it by apt. That is outside of this folder, so only CI asks for it.
"""

import functools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")

# No sandbox: the pages are our own, and as root Chromium has none. The rest keeps it from calling anybody.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

PHONE = {"width": 390, "height": 844}


@functools.cache
def executable() -> str | None:
    """The browser's path; None where there is none."""
    return _found() or (_found() if _installed() else None)


def _found() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def _installed() -> bool:
    if os.environ.get("INSTALL_CHROMIUM") != "1" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return all(
        subprocess.run(step, env=environment, capture_output=True, check=False).returncode == 0 for step in steps
    )


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = executable()
    if path is None:
        pytest.skip("no Chromium on PATH: set CHROMIUM to the path of one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page of a browser that knows nothing yet. A script's error that nobody caught fails the test."""
    context = await browser.new_context()
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []
