"""Descriptors of other packages: found, used, and blamed by name."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from installed import SPARKLE, install
from tamis.descriptors import descriptor, list_descriptors, plugins
from tamis.descriptors.catalog import Entry, entries
from tamis.descriptors.registry import DESCRIPTORS
from tamis.errors import InvalidParameterError, PluginError, UnknownNameError


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """Return a function that installs a package into this process."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)

    def call(*args, **kwargs):
        install(tmp_path, *args, **kwargs)
        plugins.announced.cache_clear()

    plugins.announced.cache_clear()
    yield call
    plugins.announced.cache_clear()
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.fixture
def sparkle(installs):
    installs("sparkling", {"sparkle": "sparkling:Sparkle"}, {"sparkling": SPARKLE})


def test_without_packages_the_table_is_all():
    assert list_descriptors() == list(DESCRIPTORS)


def test_it_is_listed_after_ours_and_not_imported(sparkle):
    assert list_descriptors() == [*DESCRIPTORS, "sparkle"]
    assert "sparkling" not in sys.modules


def test_it_is_built_and_described_as_ours(sparkle):
    built = descriptor("sparkle(gain=0.5)")
    assert built.spec == 'sparkle(gain=0.5,label="a b",size=128)'
    assert descriptor(built.spec) == built
    assert pickle.loads(pickle.dumps(built)) == built
    image = np.full((9, 9, 3), (10, 20, 30), np.uint8)
    np.testing.assert_array_equal(built.describe([image]), [[5, 10, 15]])


def test_its_mistakes_are_answered_as_for_ours(sparkle):
    with pytest.raises(UnknownNameError, match="Did you mean sparkle"):
        descriptor("sparcle")
    with pytest.raises(InvalidParameterError, match="a key among: gain, label, size"):
        descriptor("sparkle(shine=1)")
    with pytest.raises(InvalidParameterError, match="size must be"):
        descriptor("sparkle(size=0)")


def test_its_entry_says_the_package(sparkle):
    entry = Entry.of(descriptor("sparkle"))
    assert (entry.package, entry.dim) == ("sparkling 1.2", 3)
    assert entry.captures == "the brightest pixel"
    assert entry.text == "Brightest value of each channel.\n\nTimes `gain`."
    told = {p.name: (p.default, p.kind, p.text) for p in entry.parameters}
    assert told == {
        "gain": ("1.0", "float", "What each is multiplied by."),
        "label": ('"a b"', "str", "Anything, on two lines."),
        "size": ("128", "", ""),
    }


def test_our_entries_tell_all_arguments():
    listed, failures = entries()
    assert [entry.name for entry in listed] == list(DESCRIPTORS)
    assert failures == {}
    for entry in listed:
        assert entry.package == "tamis"
        assert entry.text
        assert "Parameters" not in entry.text
        for parameter in entry.parameters:
            assert parameter.kind
            assert parameter.default is not None
            assert f"{parameter.name}=" in entry.spec


def test_a_name_that_tamis_has_is_refused_naming_both(installs):
    installs("sparkling", {"edge": "sparkling:Sparkle"}, {"sparkling": SPARKLE})
    with pytest.raises(PluginError, match=r"edge is claimed by tamis itself and by sparkling 1\.2"):
        descriptor("edge")
    assert list_descriptors() == list(DESCRIPTORS)
    assert descriptor("color").name == "color"


def test_a_name_that_two_packages_have_is_refused_naming_both(installs):
    installs("sparkling", {"sparkle": "sparkling:Sparkle"}, {"sparkling": SPARKLE})
    installs("dazzling", {"sparkle": "dazzling:Sparkle"}, {"dazzling": SPARKLE}, version="3")
    assert list_descriptors() == [*DESCRIPTORS, "sparkle"]
    with pytest.raises(PluginError) as caught:
        descriptor("sparkle")
    assert "sparkling 1.2 (sparkling:Sparkle)" in str(caught.value)
    assert "dazzling 3 (dazzling:Sparkle)" in str(caught.value)


BROKEN = {
    "module missing": ("gone:Sparkle", "", "No module named 'gone'"),
    "class missing": ("dull:Sparkle", "", "no attribute 'Sparkle'"),
    "no class": ("dull", "", "derives from tamis.descriptors.Descriptor"),
    "another class": ("dull:Sparkle", "class Sparkle: pass", "derives from"),
    "fails to import": ("dull:Sparkle", "1 / 0", "ZeroDivisionError: division by zero"),
    "does not parse": ("dull:Sparkle", "def", "SyntaxError"),
    "needs a library": ("dull:Sparkle", "import absent", "No module named 'absent'"),
    "another name": (
        "dull:Sparkle",
        SPARKLE.replace('"sparkle"\n', '"spark"\n'),
        "its name is 'spark'",
    ),
    "abstract": ("dull:Sparkle", SPARKLE.replace("def dim", "def length"), "does not define dim"),
    "no dataclass": (
        "dull:Sparkle",
        "from tamis.descriptors import Descriptor\n"
        "class Sparkle(Descriptor):\n"
        "    name = 'sparkle'; dim = 3; spec = 'sparkle'; describe = None\n",
        "it is no dataclass",
    ),
    "cannot be built": (
        "dull:Sparkle",
        SPARKLE + "    def __post_init__(self): raise KeyError('weights')\n",
        "KeyError: 'weights'",
    ),
    "place unreadable": ("not a place!", "", "cannot be used"),
}


@pytest.mark.parametrize(("place", "module", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_one_is_blamed_when_it_is_used_and_only_then(installs, place, module, reason):
    installs("dull-package", {"sparkle": place}, {"dull": module})
    assert list_descriptors() == [*DESCRIPTORS, "sparkle"]
    assert descriptor("color").name == "color"
    with pytest.raises(PluginError) as caught:
        descriptor("sparkle")
    assert "descriptor sparkle of dull-package 1.2" in str(caught.value)
    assert reason in str(caught.value)
    assert "Update or uninstall dull-package" in str(caught.value)
    listed, failures = entries()
    assert [entry.name for entry in listed] == list(DESCRIPTORS)
    assert failures == {"sparkle": str(caught.value)}


def test_one_that_fails_late_does_not_stop_the_listing(installs):
    text = SPARKLE.replace("return 3", "raise OSError('no weights')")
    installs("dull", {"sparkle": "dull:Sparkle"}, {"dull": text})
    listed, failures = entries()
    assert len(listed) == len(DESCRIPTORS)
    assert "OSError: no weights" in failures["sparkle"]


def test_packages_are_looked_up_only_when_asked_for():
    code = (
        "import importlib.metadata as m\n"
        "m.entry_points = lambda **k: print('looked up') or []\n"
        "import tamis.descriptors; print('imported'); tamis.descriptors.list_descriptors()\n"
        "tamis.descriptors.list_descriptors()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:-1] == ["imported", "looked up"]
