"""`compare` from Python: what is compared, what is left out, what comes back."""

import json
import os

import pytest

from pictures import write_kinds
from tamis.dataset import Dataset
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, TableError
from tamis.evaluation.comparison import compare, draw_most, to_choose_on

BY = "color(bins=4),edge,colorlayout"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare") / "photos"
    write_kinds(folder, 8)
    return folder


def test_a_folder_is_compared_in_one_call(photos):
    result = compare(photos, BY, fuse=(2, 2), jobs=1)
    assert len(result.candidates) == 6 and result.n_images == 24 and result.depth == 10
    assert result.winner == result.candidates[0].spec
    assert descriptor(result.winner).spec == result.winner
    found = json.loads(json.dumps(result.to_dict()))
    assert found["winner"] == result.winner
    assert found["signature"]["tamis"] and not found["failures"]
    alone = {one.spec for one in result.candidates if len(one.parts) == 1}
    assert alone == {descriptor(spec).spec for spec in BY.split(",")}


def test_stages_are_announced_and_ended(photos):
    seen = []

    class Stage:
        def __init__(self, name, total):
            self.name, self.total, self.done = name, total, 0

        def __enter__(self):
            return lambda n: setattr(self, "done", self.done + n)

        def __exit__(self, *_):
            seen.append((self.name, self.total, self.done))

    compare(photos, "edge,colorlayout", folds=2, jobs=1, stages=Stage)
    assert seen == [("pictures", 24, 24), ("combinations", 2 * 3 + 2, 2 * 3 + 2)]


def test_the_test_part_stays_unseen_unless_it_is_named(photos, tmp_path):
    for part in ("train", "test"):
        os.makedirs(tmp_path / part)
    for kind in sorted(os.listdir(photos)):
        for number, file in enumerate(sorted(os.listdir(photos / kind))):
            place = tmp_path / ("test" if number < 2 else "train") / kind
            os.makedirs(place, exist_ok=True)
            os.link(photos / kind / file, place / file)
    opened = Dataset.open(tmp_path, role="examples")
    known = to_choose_on(opened)
    assert len(opened) == 24 and set(known.table.splits) == {"train"}
    assert any("leaving the part test" in remark for remark in known.remarks)
    assert len(to_choose_on(opened, parts="train,test")) == 24
    assert compare(tmp_path, "edge", jobs=1).n_images == len(known) == 18
    assert compare(tmp_path, "edge", parts=["test"], jobs=1).n_images == 6


def test_a_draw_is_said_and_repeats(photos):
    known = to_choose_on(Dataset.open(photos, role="examples"))
    assert draw_most(known, 24) is known
    first, second = (draw_most(known, 15, seed=1) for _ in range(2))
    assert first.table.paths == second.table.paths and len(first) == 15
    assert "15 of 24 pictures" in first.remarks[-1]


@pytest.mark.parametrize(
    ("by", "options", "message"),
    [
        ("edge,edge+gist@learned", {}, "learns from the classes"),
        ("edge,edge>pca2", {"fuse": (2, 2)}, "cannot be fused"),
        ("edge", {"distance": "l7"}, "l7"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_any_work(photos, by, options, message):
    with pytest.raises(InvalidParameterError, match=message):
        compare(photos, by, stages=None, **options)


def test_one_class_is_refused(photos):
    only = sorted(os.listdir(photos))[0]
    with pytest.raises(TableError, match="two classes"):
        compare(Dataset.open(photos, classes=[only]), "edge", stages=None)
