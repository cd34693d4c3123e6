"""The page in Chromium, by keyboard and by touch."""

import pytest

from browsing import opened, told
from reviewing import served

pytestmark = pytest.mark.browser


@pytest.fixture
def client(pictures):
    photos = pictures / "photos"
    first = sorted(photos.glob("*.jpg"))[5]
    (photos / "zz copy.jpg").write_bytes(first.read_bytes())
    with served(photos, pictures / "examples") as one:
        one.wait()
        yield one


def test_the_keyboard_gives_classes_and_takes_them_back(client):
    with opened(client) as (page, wrong):
        page.keyboard.press("2")
        told(page, "Saved")
        assert page.locator("#t0.seen").count() == 1
        assert client.get("/state")["corrected"] == 1
        page.keyboard.press("u")
        page.wait_for_selector("#t0:not(.seen)")
        page.keyboard.press("Shift+ArrowRight")
        assert page.locator(".tile.marked").count() == 2
        page.keyboard.press("Enter")
        page.locator(".tile.seen").nth(1).wait_for()
        page.keyboard.press("z")
        page.wait_for_selector(".large .shares")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        page.wait_for_selector("dialog")
        assert not wrong


def test_search_narrows_and_its_tiles_take_classes(client):
    with opened(client) as (page, wrong):
        page.keyboard.press("=")  # the least certain is a picture that cannot be read
        told(page, "cannot be read")
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("=")
        page.locator(".title", has_text="Most like").wait_for()
        before = page.locator("main .tile").count()
        page.select_option("[aria-label='Class of the results']", "sky")
        page.locator(f"#t{before - 1}").wait_for(state="detached")
        page.locator("#grid").focus()
        page.keyboard.press("1")
        page.wait_for_selector(".tile.seen")
        page.fill("[aria-label='Words to search by']", "a castle")
        page.keyboard.press("Enter")  # the vectors of the test are no network's
        page.wait_for_selector("footer .bad")
        assert "--by auto" in page.locator("footer .bad").inner_text()
        page.keyboard.press("Escape")
        page.wait_for_selector("nav button[aria-pressed='true']")
        assert not wrong


def test_duplicates_are_grouped_kept_and_told_apart(client):
    with opened(client) as (page, wrong):
        page.click(".views >> text=Duplicates")
        page.wait_for_selector(".again >> text=copy")
        groups = page.locator(".again >> text=keep").count()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("*")
        told(page, "Kept")
        page.keyboard.press("!")
        told(page, "not asked")
        assert page.locator(".again >> text=keep").count() < groups
        page.click(".views >> text=Apply")
        page.wait_for_selector("text=Unsure pictures")
        assert not wrong


def test_a_lasso_on_the_map_marks_pictures(client):
    with opened(client) as (page, wrong):
        page.click(".views >> text=Map")
        page.locator(".title", has_text="Like pictures").wait_for()
        box = page.locator("canvas").bounding_box()
        left, top = box["x"] + 5, box["y"] + 5
        right, low = box["x"] + box["width"] - 5, box["y"] + box["height"] - 5
        page.keyboard.down("Shift")
        page.mouse.move(left, top)
        page.mouse.down()
        for x, y in ((right, top), (right, low), (left, low)):
            page.mouse.move(x, y, steps=3)
        page.mouse.up()
        page.keyboard.up("Shift")
        told(page, "26 marked")  # all but the one that cannot be read
        page.keyboard.press("2")
        told(page, "26 pictures: sky. Saved")
        page.click("[aria-label=Nearer]")
        assert not wrong
    assert client.get("/state")["corrected"] == 26


def test_a_telephone_has_buttons_in_place_of_keys(client):
    with opened(client, width=360, height=740, touch=True) as (page, wrong):
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.tap("#t1")
        page.tap("footer >> text=Accept")
        page.wait_for_selector("#t1.seen")
        page.tap("footer >> text=Undo")
        page.wait_for_selector("#t1:not(.seen)")
        page.tap("footer >> text=Class …")
        page.wait_for_selector("dialog input")
        assert not wrong
