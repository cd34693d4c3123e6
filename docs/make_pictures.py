"""Make the pictures of the documents: `python docs/make_pictures.py`, into docs/pictures/.

All are cut from photographs that come with scikit-image and are in the public domain or under
CC0, so that they may be shipped. `sees-NAME.jpg` holds, by each descriptor, the tiles that look
most like a query among the tiles of all *other* photographs: what they share with the query is
what the descriptor sees. `sorted.jpg` holds tiles as `tamis.sort` places them; `page.jpg`,
`large.jpg`, `map.jpg` and `phone.jpg` are views of `tamis serve` in Chromium; with `--page` only
they are made.
"""

import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import tamis
from tamis.cli.demo_photos import SOURCES

HERE = Path(__file__).parent / "pictures"
TILE = 96
NEAREST = 7
GAP = 6
LABELS = [label for label in SOURCES if label != "moon"]  # whose licence is not stated
VIEWS = (
    ("page", 1200, "light"), ("large", 1200, "dark"), ("map", 1200, "light"),
    ("phone", 360, "dark"),
)  # fmt: skip
QUERIES = {"cat": 9, "brick": 4, "coffee": 8, "rocket": 9}
DESCRIPTORS = [
    "color", "hsv", "moments", "colorlayout", "correlogram", "cedd", "fcth", "jcd", "lbp", "gabor",
    "haralick", "edge", "hog", "phog", "daisy", "gist", "vlad", "efficientnet-lite0",
]  # fmt: skip


def tiles(folder: Path) -> None:
    """Cut each photograph into tiles of a quarter of its short side, in a folder of its name."""
    for label in LABELS:
        pixels = getattr(data, SOURCES[label])()
        side = min(pixels.shape[:2]) // 4
        (folder / label).mkdir(parents=True)
        corners = [
            (y, x)
            for y in range(0, pixels.shape[0] - side + 1, side)
            for x in range(0, pixels.shape[1] - side + 1, side)
        ]
        for number, (y, x) in enumerate(corners):
            tile = Image.fromarray(pixels[y : y + side, x : x + side]).convert("RGB")
            tile.resize((TILE, TILE), Image.Resampling.LANCZOS).save(
                folder / label / f"{number:02}.png"
            )


def strip(paths: list[str], first_gap: int = GAP) -> np.ndarray:
    """Put tiles side by side on white, with a gap of its own after the first."""
    width = len(paths) * (TILE + GAP) - 2 * GAP + first_gap
    row = np.full((TILE, width, 3), 255, dtype=np.uint8)
    x = 0
    for number, path in enumerate(paths):
        row[:, x : x + TILE] = np.asarray(Image.open(path).convert("RGB"))
        x += TILE + (GAP if number else first_gap)
    return row


def what_descriptors_see(folder: Path) -> None:
    """Write a strip per query and descriptor."""
    for by in DESCRIPTORS:
        rows = []
        for label, number in QUERIES.items():
            query = folder / label / f"{number:02}.png"
            others = [name for name in LABELS if name != label]
            hits = tamis.search(folder, query, k=NEAREST, by=by, classes=others)
            rows += [strip([str(query), *(str(hit.path) for hit in hits)], 4 * GAP)]
            rows += [np.full((GAP, rows[0].shape[1], 3), 255, dtype=np.uint8)]
        Image.fromarray(np.concatenate(rows[:-1])).save(HERE / f"sees-{by}.jpg", quality=85)


def sorted_tiles(folder: Path) -> None:
    """Write how the tiles with odd numbers are sorted by the examples with even numbers."""
    table = tamis.open(folder).table
    examples = [p for p in table.paths if int(Path(p).stem) % 2 == 0]
    unknown = [p for p in table.paths if int(Path(p).stem) % 2]
    with tempfile.TemporaryDirectory() as place:
        learn = Path(place, "examples")
        for path in examples:
            copy = learn / Path(path).parent.name / Path(path).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(Path(path).read_bytes())
        model = tamis.train(learn, by="color", classifier="knn")
        answers = model.predict(unknown)
    rows = []
    for label in ("cat", "coffee", "galaxies", "grass", "rocket"):
        paths = [answer.path for answer in answers if answer.label == label]
        places = np.linspace(0, len(paths) - 1, NEAREST).round().astype(int)
        rows += [strip([paths[place] for place in places])]
        rows += [np.full((GAP, rows[0].shape[1], 3), 255, dtype=np.uint8)]
    Image.fromarray(np.concatenate(rows[:-1])).save(HERE / "sorted.jpg", quality=85)


def pages(folder: Path) -> None:
    """Write views of `tamis serve`: wide and light or dark, and as a telephone shows them."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as place:
        learn, photos = Path(place, "examples"), Path(place, "photos")
        photos.mkdir()
        for label in LABELS:
            (learn / label).mkdir(parents=True)
            for file in sorted((folder / label).iterdir()):
                number = int(file.stem)
                copy = photos / f"{label} {number}.png" if number % 4 else learn / label / file.name
                copy.write_bytes(file.read_bytes())
        serving = subprocess.Popen(
            [sys.executable, "-m", "tamis", "serve", photos, "--train", learn, "--no-browser"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert serving.stdout is not None
            address = next(line for line in serving.stdout if line.startswith("http")).strip()
            with sync_playwright() as run:
                browser = run.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                for name, width, scheme in VIEWS:
                    context = browser.new_context(
                        viewport={"width": width, "height": 720}, color_scheme=scheme
                    )
                    page = context.new_page()
                    page.goto(address)
                    page.locator(".tile .bar > span").first.wait_for(timeout=120_000)
                    page.wait_for_timeout(20_000 if name == "page" else 2_000)  # all is weighed
                    if name == "large":
                        page.locator("#t1").dblclick()
                        page.locator(".large .shares").wait_for()
                    elif name == "map":
                        page.locator(".views button", has_text="Map").click()
                        page.locator(".title", has_text="Like pictures").wait_for()
                        page.wait_for_timeout(5_000)
                    made = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
                    made.save(HERE / f"{name}.jpg", quality=80)
                browser.close()
        finally:
            serving.terminate()
            serving.wait()


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        tiles(Path(place))
        if "--page" not in sys.argv[1:]:
            what_descriptors_see(Path(place))
            sorted_tiles(Path(place))
        pages(Path(place))
