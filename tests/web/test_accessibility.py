"""Every view of the page by axe-core: nothing that keeps a person out."""

import pytest

from browsing import needed, opened
from reviewing import served

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_no_view_has_a_serious_finding(pictures, width, height, dark):
    look_at, found = needed("axe_playwright_python.sync_playwright").Axe().run, []
    first = min((pictures / "photos").glob("*.jpg"))
    (pictures / "photos/zz copy.jpg").write_bytes(first.read_bytes())
    with served(pictures / "photos", pictures / "examples") as client:
        client.wait()
        with opened(client, width=width, height=height, touch=width < 600, dark=dark) as (page, _):

            def look(view):
                for one in look_at(page).response["violations"]:
                    where = [node["target"] for node in one["nodes"][:3]]
                    if one["impact"] in ("serious", "critical"):
                        found.append(f"{view}: {one['id']} ({one['help']}) at {where}")

            def turn_to(name, wait):
                page.locator(".views button", has_text=name).click()
                page.locator(wait).first.wait_for()
                look(name)

            look("Review")
            for key, wait in (("z", ".large .shares"), ("?", "dialog"), ("/", "dialog input")):
                page.locator("#grid").focus() if key != "z" else None
                page.keyboard.press(key)
                page.locator(wait).first.wait_for()
                look(f"key {key}")
                page.keyboard.press("Escape")
                page.locator(wait).first.wait_for(state="detached")
            turn_to("Ask me", ".tile")
            turn_to("Suspects", ".title, .empty")
            turn_to("Search", "[aria-label='Words to search by']")
            page.locator(".views button", has_text="Review").click()
            page.locator("#grid").focus()
            page.keyboard.press("ArrowRight")  # the first cannot be read
            page.keyboard.press("=")
            page.locator(".title", has_text="Most like").wait_for()
            look("Search by a picture")
            turn_to("Duplicates", ".again")
            turn_to("Map", "canvas")
            turn_to("Report", ".panel")
            turn_to("Apply", ".panel")
    assert not found, "\n".join(found)
