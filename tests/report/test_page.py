import re
import shutil
import subprocess
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from tamis.classifiers.predictions import Predictions
from tamis.errors import Failure, InvalidParameterError
from tamis.evaluation.classification import Evaluation, evaluate
from tamis.features.index import Matches
from tamis.images import Decoders
from tamis.report import render
from tamis.report.confusion import Cell, Matrix, shorten
from tamis.report.page import _below, _root

_VOID = frozenset(
    "area base br col embed hr img input link meta source track wbr rect path circle".split()
)


class _Page(HTMLParser):
    """Checks that tags are balanced and ids unique; collects text and attributes."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.pieces = [], [], [], []
        self.attributes = []
        self.feed(html)
        self.close()
        assert self.open == []
        assert len(self.ids) == len(set(self.ids))
        self.text = re.sub(r"\s+", " ", " ".join(self.pieces))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in _VOID
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.pieces.append(data)

    def of(self, tag):
        return [attributes for name, attributes in self.attributes if name == tag]


def picture(path: Path, shade: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((60, 80, 3), shade % 256, np.uint8)
    pixels[20:40, 20:60] = (200, 30, (40 * shade) % 256)
    path.write_bytes(simplejpeg.encode_jpeg(pixels))
    return str(path)


def predictions(folder: Path, names, probabilities, *, classes=("ant", "bee"), failures=(), k=2):
    paths = [picture(folder / "test" / name, 7 * i) for i, name in enumerate(names)]
    train = [picture(folder / "train" / c / "0.jpg", 90 + 40 * i) for i, c in enumerate(classes)]
    n = len(paths)
    return Predictions(
        paths=tuple(paths),
        classes=tuple(classes),
        probabilities=np.array(probabilities, np.float64).reshape(n, len(classes)),
        neighbours=Matches(
            np.arange(n * k, dtype=np.intp).reshape(n, k) % len(train),
            0.25 + np.arange(n * k).reshape(n, k) / 8,
        ),
        train_paths=tuple(train),
        train_labels=tuple(classes),
        failures=tuple(failures),
        settings={"descriptor": "color(bins=12)", "distance": "l1", "k": k},
    )


@pytest.fixture
def sorted_(tmp_path):
    shares = [(1, 0), (0.9, 0.1), (0.2, 0.8), (0.45, 0.55), (0, 1), (0.3, 0.7)]
    return predictions(tmp_path, [f"{i}.jpg" for i in range(6)], shares)


@pytest.fixture
def truth(sorted_):
    # 0 and 2 are right; 1, 3, 4, 5 are wrong with confidence .9, .55, 1, .7.
    return dict(
        zip(sorted_.paths, ["ant", "bee", "bee", "ant", "ant", "ant"], strict=True),
    )


@pytest.fixture
def evaluated(sorted_, truth):
    return evaluate(sorted_, truth)


def section(html, name):
    return html.split(f'<section id="{name}"')[1].split("</section>")[0]


def test_evaluation_page_is_complete(sorted_, evaluated, truth):
    html = render(sorted_, evaluated, truth=truth, title="Insects")
    page = _Page(html)
    assert html.startswith("<!DOCTYPE html>\n<html lang=")
    assert {"header", "nav", "main", "footer", "svg", "h1", "table"} <= set(page.tags)
    low, high = (f"{100 * end:.1f}" for end in evaluated.accuracy_ci)
    assert f"33.3 % ({low} to {high})" in page.text
    assert "6 pictures of 2 classes, 2 answered right, 4 wrong." in page.text
    assert "All 4 wrong answers, surest first." in page.text
    assert "ant was called bee 3 times (75.0 % of its pictures)" in page.text
    assert "color(bins=12)" in page.text
    targets = {link["href"].removeprefix("#") for link in page.of("a")}
    assert targets <= set(page.ids)
    assert all("scope" in th for th in page.of("th"))
    assert all(img["alt"] for img in page.of("img"))
    html.encode("utf-8")


def test_sorting_page_says_nothing_of_accuracy(sorted_):
    page = _Page(render(sorted_, title="Insects"))
    assert "6 pictures sorted into 2 classes." in page.text
    for word in ("ccuracy", "recall", "wrong", "True class", "95 %"):
        assert word not in page.text
    assert "svg" not in page.tags
    # ant: 0, 1; bee: the rest.
    assert re.search(r"ant 2 pictures 33.3 %.*bee 4 pictures 66.7 %", page.text)


@pytest.mark.parametrize("known", [False, True])
def test_loads_nothing_and_runs_nothing(sorted_, evaluated, truth, known):
    html = render(
        sorted_, evaluated if known else None, truth=truth if known else None, title="Insects"
    )
    page = _Page(html)
    assert "http:" not in html and "https:" not in html and "@import" not in html
    assert "url(" not in html
    assert not {"script", "link", "iframe", "object", "form", "base"} & set(page.tags)
    for tag, attributes in page.attributes:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            if name in attributes:
                assert attributes[name].startswith(("data:image/jpeg;base64,", "#")), tag


def test_names_of_other_people_are_escaped(tmp_path):
    evil = ("<script>alert(1)</script>", "\"' onerror=x & {{ 7 * 7 }}", "bell\x07\u202e\udce9")
    name = 'a<img src=x onerror="y">\udcff.jpg'
    given = predictions(tmp_path, [name], [(0.5, 0.3, 0.2)], classes=[c[:9] for c in evil])
    given = Predictions(
        **{f: getattr(given, f) for f in Predictions.__slots__}
        | {"classes": evil, "train_labels": evil, "settings": {"<k>": "</dd><script>\udce9"}}
    )
    known = {given.paths[0]: evil[2]}
    failure = Failure("/x/<b>\udcfe.jpg", "<i>is broken</i>\n")
    for html in (
        render(given, title="<T>\udc80", train_failures=[failure]),
        render(given, evaluate(given, known), truth=known, title="<T>\udc80"),
    ):
        page = _Page(html)
        html.encode("utf-8")
        assert "script" not in page.tags
        assert "alert(1)</script>" not in html
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7 * 7 }}" in page.text
        assert r"bell\x07\u202e\xe9" in page.text
        assert r"\xff.jpg" in page.text
        assert "<T>\\x80" in page.text
        assert all("onerror" not in img for img in page.of("img"))
        assert all(img["src"].startswith("data:") for img in page.of("img"))
    assert (
        r"<b>\xfe.jpg : <i>is broken</i>\n"
        in _Page(render(given, title="T", train_failures=[failure])).text
    )


def test_wrong_answers_come_surest_first(sorted_, evaluated, truth):
    html = render(sorted_, evaluated, truth=truth, title="T")
    names = re.findall(r'<p class="path">(.*?)</p>', section(html, "wrong"))
    assert names == ["4.jpg", "1.jpg", "5.jpg", "3.jpg"]
    names = re.findall(r'<p class="path">(.*?)</p>', section(html, "unsure"))
    assert names[:4] == ["3.jpg", "5.jpg", "2.jpg", "1.jpg"]


def test_answers_show_their_neighbours(sorted_):
    shown = section(render(sorted_, title="T", most=1), "unsure")
    page = _Page(shown.split("</h2>")[1])
    assert "The 1 least certain of 6" in page.text
    assert "Answer bee Confidence 55.0 % Runner-up ant 45.0 %" in page.text
    assert "ant 1.00 bee 1.12" in page.text
    assert len(page.of("img")) == 3


def test_lists_are_cut_and_say_so(sorted_, evaluated, truth):
    html = render(sorted_, evaluated, truth=truth, title="T", most=3)
    assert "The 3 surest of 4 wrong answers" in html
    assert "The 3 least certain of 6" in html
    assert section(html, "wrong").count('class="answer"') == 3


def test_confidence_table_counts(sorted_, evaluated, truth):
    html = render(sorted_, evaluated, truth=truth, title="T")
    page = _Page(section(html, "trust").split("</h2>")[1])
    # Confidences 1, .9, .8, .55, 1, .7, of which the first and third are right.
    for said in (
        "100 % 2 33.3 % 50.0 %",
        "at least 90 % 3 50.0 % 33.3 %",
        "at least 80 % 4 66.7 % 50.0 %",
        "at least 70 % 5 83.3 % 40.0 %",
        "at least 60 % 5",
        "at least 50 % 6",
        "any 6 100.0 % 33.3 % (9.7 to 70.0)",
    ):
        assert said in page.text


def test_pictures_that_are_gone_have_a_frame(sorted_, evaluated, truth):
    for path in (*sorted_.paths[1:], sorted_.train_paths[0]):
        Path(path).unlink()
    Path(sorted_.paths[1]).write_bytes(b"no picture")
    html = render(sorted_, evaluated, truth=truth, title="T")
    page = _Page(html)
    assert "cannot be read any more" in page.text
    assert {img["alt"] for img in page.of("img")} == {"0.jpg", "bee/0.jpg"}
    assert "1.jpg, which cannot be read any more" in html


def test_one_thumbnail_is_made_once(sorted_, monkeypatch):
    read = []

    real = Decoders.read

    def count(self, paths, *words, **options):
        read.extend(paths)
        return real(self, paths, *words, **options)

    monkeypatch.setattr(Decoders, "read", count)
    render(sorted_, title="T")
    assert sorted(read) == sorted({*sorted_.paths, *sorted_.train_paths})


def test_failures_and_ignored_files_are_listed(tmp_path):
    given = predictions(
        tmp_path,
        ["0.jpg"],
        [(1, 0)],
        failures=[Failure(str(tmp_path / "test" / "bad.jpg"), "is empty (0 bytes)")],
    )
    html = render(
        given,
        title="T",
        train_failures=[Failure("/far/x.png", "is missing")] * 600,
        ignored=["a.txt", "b.txt"],
    )
    page = _Page(html)
    assert "1 picture could not be read bad.jpg : is empty (0 bytes)" in page.text
    assert "600 examples could not be read" in page.text
    assert page.text.count("/far/x.png : is missing") == 500
    assert "and 100 more" in page.text
    assert "2 files were left out" in page.text


def test_nothing_could_be_read(tmp_path):
    page = _Page(render(predictions(tmp_path, [], []), title="T"))
    assert "No picture could be sorted." in page.text


def test_one_class_has_no_matrix(tmp_path):
    given = predictions(tmp_path, ["0.jpg", "1.jpg"], [(1,), (1,)], classes=["ant"], k=1)
    known = dict.fromkeys(given.paths, "ant")
    page = _Page(render(given, evaluate(given, known), truth=known, title="T"))
    assert "confusions" not in page.ids
    assert "Runner-up" not in page.text
    assert "No answer was wrong." in page.text


def test_what_is_zero_by_zero_is_a_dash(tmp_path):
    given = predictions(
        tmp_path, ["0.jpg"], [(1, 0, 0)], classes=["ant", "accuracy", "macro avg"], k=1
    )
    known = {given.paths[0]: "unheard of"}
    html = render(given, evaluate(given, known), truth=known, title="T")
    page = _Page(section(html, "classes").split("</h2>")[1])
    assert "ant 0.0 % – 0.0 % 0" in page.text
    assert "accuracy – – – 0" in page.text
    assert "unheard of – 0.0 % 0.0 % 1" in page.text


def test_same_page_every_time(sorted_, evaluated, truth):
    pages = {render(sorted_, evaluated, truth=truth, title="T", jobs=jobs) for jobs in (1, 2, 3, 3)}
    assert len(pages) == 1


@pytest.mark.parametrize("n", [2, 6, 24, 80, 200])
def test_matrix_fits(n):
    random = np.random.default_rng(n)
    confusion = random.integers(0, 3, (n, n)) + np.diag(random.integers(0, 90, n))
    classes = tuple(f"class number {i} of {n} {'w' * (i % 40)}" for i in range(n))
    drawn = Matrix.of(Evaluation(classes, confusion, 0.5, (0, 1), {}, {}))
    assert len(drawn.classes) == min(n, 90)
    assert drawn.width < 1300
    assert sum(cell.count for cell in drawn.cells) <= confusion.sum()
    assert bool(drawn.count_font) == (n <= 24)
    assert all(cell.share <= 1 and 0 < cell.opacity <= 1 for cell in drawn.cells)


def test_matrix_of_many_classes_draws_the_most_confused():
    confusion = np.diag(np.full(100, 5))
    confusion[99, 0] = confusion[98, 97] = 3
    classes = tuple(f"{i:02}" for i in range(100))
    drawn = Matrix.of(Evaluation(classes, confusion, 0.9, (0, 1), {}, {}))
    assert {"00", "97", "98", "99"} <= set(drawn.classes)
    assert list(drawn.classes) == sorted(drawn.classes)


@pytest.mark.parametrize(
    ("text", "columns", "short"),
    [
        ("obj_train", 9, "obj_train"),
        ("obj_trains", 9, "obj_trai…"),
        ("写真写真写真", 7, "写真写…"),
        ("e\u0301" * 9, 5, "e\u0301" * 4 + "…"),
        ("\udce9", 4, r"\xe9"),
    ],
)
def test_labels_are_shortened(text, columns, short):
    assert shorten(text, columns) == short


def test_paths_are_shown_below_their_folder():
    root = _root(["/a/b/c/1.jpg", "/a/b/2.jpg"])
    assert root == "/a/b"
    assert _below("/a/b/c/1.jpg", root) == "c/1.jpg"
    assert _root(["1.jpg", "/a/2.jpg"]) == "" == _root([])
    assert _below("/a/2.jpg", "") == "/a/2.jpg"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"most": 0}, "most must be at least 1. Got 0."),
        ({"jobs": 0}, "jobs must be at least 1. Got 0."),
        ({"truth": {}}, "evaluation and truth go together"),
    ],
)
def test_wrong_arguments(sorted_, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        render(sorted_, title="T", **options)


def test_evaluation_of_other_predictions(sorted_, evaluated, truth, tmp_path):
    other = predictions(tmp_path / "other", ["a.jpg"], [(1, 0)])
    with pytest.raises(InvalidParameterError, match="do not belong together"):
        render(other, evaluated, truth=truth, title="T")
    with pytest.raises(InvalidParameterError, match="is not in it"):
        render(sorted_, evaluated, truth={}, title="T")


def _colours(css, start):
    block = css[css.index(start) :]
    pairs = re.findall(r"--([\w-]+): (#\w{6});", block[: block.index("}")])
    return {name: np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for name, c in pairs}


def _contrast(one, other):
    def luminance(colour):
        c = np.asarray(colour) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return linear @ (0.2126, 0.7152, 0.0722)

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [":root {", "prefers-color-scheme: dark"])
def test_text_has_contrast(scheme):
    """WCAG AA, 4.5 to 1, also on every shade of the confusion matrix."""
    css = files("tamis.report").joinpath("templates/report.css").read_text("utf-8")
    colour = _colours(css, scheme)
    for name in ("ink", "quiet", "accent", "wrong"):
        assert _contrast(colour[name], colour["paper"]) >= 4.5
    assert _contrast(colour["quiet"], colour["well"]) >= 4.5
    for fill in ("accent", "wrong"):
        for share in (0, 0.1, 0.2, 0.3, 0.4, 0.499, 0.5, 0.6, 0.8, 1):
            opacity = Cell(0, 0, 1, share).opacity
            shade = opacity * colour[fill] + (1 - opacity) * colour["well"]
            text = colour["on-shade" if share >= 0.5 else "off-shade"]
            assert _contrast(text, shade) >= 4.5, (fill, share)


@pytest.mark.browser
def test_browser_renders_it(sorted_, evaluated, truth, tmp_path):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("chromium is not installed")
    file = tmp_path / "report.html"
    file.write_text(render(sorted_, evaluated, truth=truth, title="Insects"), "utf-8")
    shot = tmp_path / "report.png"
    subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=600,900"),
            *(f"--screenshot={shot}", file.as_uri()),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert shot.stat().st_size > 10_000


def test_an_interval_near_100_percent_is_seen_and_no_suffix_breaks():
    from tamis.report.templating import environment

    parts = environment().get_template("parts.html.j2")
    drawn = str(parts.make_module().range(0.998, (0.997, 0.9999)))
    assert "left:min(99.7%, 100% - 14px)" in drawn
    assert "left:clamp(1.5px, 99.8%, 100% - 1.5px)" in drawn
    shown = environment().from_string("{{ path | breakable }}").render(path="a<b/IMG_0053.jpg")
    assert shown == 'a&lt;b/<wbr>IMG_<span class="tail">0053.jpg</span>'
