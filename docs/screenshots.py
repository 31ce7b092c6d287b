"""Take the README's pictures of site/, light and dark: `make screenshots`.

They are of the first machine in site/ that has several frameworks, by the system's Chromium, in few
colours so that the files stay small.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Page

ROOT = Path(__file__).parents[1]
PICTURES = Path(__file__).parent / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COLOURS = 192


def first_page(page: Page) -> bytes:
    """Return the top of a machine's first page: what it says in one screen."""
    return page.screenshot()


def figure(page: Page) -> bytes:
    """Return the first figure with its finding, on the page that compares the frameworks."""
    heading = page.locator(".finding h3").first.bounding_box()
    drawn = page.locator("figure.plot").first.bounding_box()
    if heading is None or drawn is None:
        raise SystemExit("There is no figure on the page.")
    clip: FloatRect = {
        "x": drawn["x"] - 20,
        "y": heading["y"] - 12,
        "width": drawn["width"] + 40,
        "height": drawn["y"] + drawn["height"] - heading["y"] + 24,
    }
    return page.screenshot(clip=clip, full_page=True)


def main() -> None:
    """Take every picture in both themes."""
    homes = sorted(path.parent for path in (ROOT / "site" / "machines").glob("*/frameworks.html"))
    if not homes:
        raise SystemExit("site/ has no machine with several frameworks: render it first.")
    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    PICTURES.mkdir(exist_ok=True)
    views = {"first-page": ("index.html", first_page), "frameworks": ("frameworks.html", figure)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for theme in ("light", "dark"):
            page = browser.new_page(
                viewport={"width": 900, "height": 620},
                color_scheme=theme,
                device_scale_factor=1.5,
            )
            for name, (path, take) in views.items():
                page.goto((homes[0] / path).as_uri())
                picture = Image.open(io.BytesIO(take(page))).convert("RGB").quantize(COLOURS)
                picture.save(PICTURES / f"{name}-{theme}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
