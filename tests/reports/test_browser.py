"""What people see: the page and the Allure 3 report of a run with violations, in headless Chromium."""

import functools
import http.server
import itertools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reports.page import render_page
from reports.stored_run import StoredRun

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install '.[test]'")

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
ALLURE = os.environ.get("ALLURE") or shutil.which("allure")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None or DRIVER is None, reason="chromium and chromedriver are not installed"),
]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW = (1400, 1000), (500, 900)


ATTACHED = {
    "proof": "//*[contains(text(), 'CXL-01 (MUST, Core) is violated')]",
    "what led to it (picture)": "//img[contains(@src, 'blob') or contains(@src, 'svg')]",
    "predicted and seen, step by step": "//td[text()='the list of active orders of a']",
    "replay command": "//*[starts-with(normalize-space(text()), 'cancel-conformance replay')]",
}
"""The attachments of a failure in Allure, and what each shows when it is open."""


class Browser:
    """A headless Chromium with a few verbs."""

    def __init__(self, profile: Path) -> None:
        """Start it with an empty profile of its own."""
        options = selenium.ChromeOptions()
        options.binary_location = BROWSER
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = selenium.Chrome(options=options, service=selenium.ChromeService(DRIVER))
        self.driver.implicitly_wait(10)

    def show(self, address: str, size: tuple[int, int] = WIDE, *, dark: bool = False) -> None:
        """Open an address in a window of this size, by a reader who prefers dark or light."""
        # the headless window has a frame of its own and a least width: the emulated screen has neither
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False},
        )
        scheme = "dark" if dark else "light"
        wishes = (("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce"))
        features = [{"name": name, "value": value} for name, value in wishes]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        # what was opened and closed before is remembered by the page, and by Allure in the browser's storage
        self.driver.get("about:blank")
        if address.startswith("http"):
            origin = "/".join(address.split("/")[:3])
            self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        self.driver.get(address)

    def find(self, xpath: str) -> "WebElement":
        """The first element of an XPath; waits for it."""
        found: WebElement = self.driver.find_element("xpath", xpath)
        return found

    def click(self, xpath: str) -> None:
        """Click the first element of an XPath, wherever it is scrolled to."""
        self.driver.execute_script("arguments[0].click()", self.find(xpath))

    def opened(self, xpath: str, content: str) -> "WebElement":
        """What an attachment shows; its title is clicked again where the first click came while the page was drawn."""
        self.driver.implicitly_wait(2)
        try:
            for _ in range(5):
                self.click(xpath)
                found: list[WebElement] = self.driver.find_elements("xpath", content)
                if found:
                    return found[0]
        finally:
            self.driver.implicitly_wait(10)
        raise AssertionError(f"{xpath} was clicked five times and never showed {content}")

    def brightness(self, element: "WebElement", name: str) -> float:
        """How bright a colour of an element is, from 0 to 255."""
        value = element.value_of_css_property(name)
        parts = [float(part) for part in value[value.index("(") + 1 : -1].split(",")[:3]]
        return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests of this file."""
    started = Browser(tmp_path_factory.mktemp("chromium"))
    yield started
    started.driver.quit()


@pytest.fixture(scope="module")
def page(stored: StoredRun) -> str:
    """The address of the page of the faulty run."""
    path = stored.directory / "index.html"
    path.write_text(render_page(stored.directory), encoding="utf-8")
    return path.as_uri()


def test_a_violation_is_reached_from_its_requirement(browser: Browser, page: str) -> None:
    """The requirement is found by its id; its link leads to proof, picture and replay command, all in sight."""
    browser.show(page)
    field = browser.find("//input[@id='filter']")
    field.send_keys("CXL-01")
    shown = [e for e in browser.driver.find_elements("css selector", ".requirement") if e.is_displayed()]
    assert [e.get_attribute("id") for e in shown] == ["CXL-01"]
    browser.click("//*[@id='CXL-01']//a[contains(@href, '#evidence-CXL-01-1')]")
    finding = browser.find("//*[@id='evidence-CXL-01-1']")
    assert "is violated" in finding.find_element("css selector", ".proof").text
    assert finding.find_element("css selector", "svg").size["height"] > 200
    assert "cancel-conformance replay" in finding.find_element("css selector", ".command").text
    top = browser.driver.execute_script("return arguments[0].getBoundingClientRect().top", finding)
    assert -50 < top < 300


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_page_is_readable(browser: Browser, page: str, size: tuple[int, int], dark: bool) -> None:
    """In light and dark text stands out from its ground, pictures too; nothing makes the page scroll sideways."""
    browser.show(page, size, dark=dark)
    body = browser.find("//body")
    ground, ink = browser.brightness(body, "background-color"), browser.brightness(body, "color")
    assert (ground < 60 < 180 < ink) if dark else (ink < 60 < 200 < ground)
    paper = browser.find("//*[@id='overview']//*[name()='rect'][contains(@class, 'cc-paper')]")
    word = browser.find("//*[@id='overview']//*[name()='text']")
    assert abs(browser.brightness(paper, "fill") - browser.brightness(word, "fill")) > 150
    wide, visible = browser.driver.execute_script(
        "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= visible


def test_the_page_asks_for_nothing(browser: Browser, page: str) -> None:
    """The browser requests no other resource, and its console stays empty."""
    browser.driver.get_log("browser")
    browser.show(page)
    assert browser.driver.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.driver.get_log("browser") == []


def test_the_page_is_structured_for_every_reader(browser: Browser, page: str) -> None:
    """Headings go down one level at a time, every picture has a name, every control too, and the language is said."""
    browser.show(page)
    levels = browser.driver.execute_script(
        "return [...document.querySelectorAll('h1,h2,h3,h4')].map(e => Number(e.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    unnamed = browser.driver.execute_script(
        "return [...document.querySelectorAll('svg')].filter(e => !e.querySelector('title')?.textContent).length"
        " + [...document.querySelectorAll('input')].filter(e => !e.labels.length).length"
        " + [...document.querySelectorAll('button')].filter(e => !e.textContent).length"
    )
    assert unnamed == 0
    assert browser.driver.execute_script("return document.documentElement.lang") == "en"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is that of the method overridden
        """Say nothing."""


@pytest.fixture(scope="module")
def allure_report(stored: StoredRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the Allure 3 report of the faulty run."""
    version = "" if ALLURE is None else _said(ALLURE, "--version")
    if ALLURE is None or not version.startswith("3."):
        pytest.skip("Allure 3 is not installed (npm install -g allure, or its path in the variable ALLURE)")
    work = tmp_path_factory.mktemp("allure")
    shutil.copytree(stored.directory, work / "run")
    subprocess.run([ALLURE, "generate", "-o", str(work / "report")], cwd=work / "run", check=True, capture_output=True)
    handler = functools.partial(Quiet, directory=str(work / "report"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


def _said(command: str, *arguments: str) -> str:
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_allure_shows_the_failure(browser: Browser, allure_report: str, size: tuple[int, int]) -> None:
    """The requirement is found by its id; its page shows the proof, the picture, the table and the replay command."""
    browser.show(allure_report, size)
    browser.find("//input").send_keys("CXL-01")
    browser.click("//*[contains(text(), 'CXL-01')]")
    assert "Nonconformity" in browser.find("//*[contains(text(), 'predicted: CANCELED')]").text
    for name, content in ATTACHED.items():
        assert browser.opened(f"//*[text()='{name}']", content).size["height"] > 10, name


def test_allure_counts_what_was_not_exercised(browser: Browser, allure_report: str) -> None:
    """Skipped requirements are counted as such, and say why."""
    browser.show(allure_report)
    browser.find("//input").send_keys("RCE-01")
    browser.click("//*[contains(text(), 'RCE-01')]")
    reason = browser.find("//*[contains(text(), 'Not exercised: the profile allows one request in flight')]")
    assert reason.is_displayed()
