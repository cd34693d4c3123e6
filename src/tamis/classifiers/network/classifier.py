"""A network as a classifier of scikit-learn."""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from tamis.classifiers.identity import IdentityClassifier
from tamis.classifiers.network.augment import Augmentation, augmentation
from tamis.classifiers.network.checkpoint import Checkpoint, Record, check_folder
from tamis.classifiers.network.identity import run_key
from tamis.classifiers.network.loader import Loader
from tamis.classifiers.network.machine import freed_memory_kept, takes_bfloat16, threads
from tamis.classifiers.network.pixel_cache import (
    Pictures,
    PixelCache,
    as_pictures,
    picture_at,
    read_all,
    targets_of,
)
from tamis.classifiers.network.recipe import Recipe
from tamis.classifiers.network.registry import build, network
from tamis.classifiers.network.served import NetworkView
from tamis.classifiers.network.settings import check_choices, recipe_for
from tamis.classifiers.network.targets import check_all_there, codes_of, weight_of
from tamis.errors import Failure, ImageReadError, InvalidParameterError, TrainingError
from tamis.features import available_processors

if TYPE_CHECKING:
    from torch import nn

_PREDICTED: Final = 64  # pictures at a time
_SAMPLES: Final = 16  # pictures that are kept to check an export with


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A network trained on pictures.

    Parameters
    ----------
    net : str
        One of `tamis.classifiers.network.registry.NETWORKS`.
    epochs : int, optional
        Times that every picture is seen. This and the following ones that are None are
        as the network's entry says (`tamis.classifiers.network.registry.Recipe`).
    batch_size : int
        Pictures that are learned from at a time.
    size : int, optional
        Height and width at which pictures are looked at, in pixels.
    augment : str, dict or Augmentation
        ``"default"`` for that of the network; else a name, settings or an object, as
        `tamis.classifiers.network.augment.augmentation` takes them.
    lr : float, optional
        Highest learning rate.
    class_weight : "balanced", dict or None
        What an error on a class weighs, as in scikit-learn.
    sampling : "balanced" or None
        Show every class equally often.
    patience : int, optional
        Epochs without a better validation after which training stops; 0 never stops.
    seed : int
        Of all that chance decides. The same seed on the same machine with as many
        threads gives the same network.
    n_jobs : int, optional
        Threads that compute; as many as there are processors by default.
    cache_dir : str, optional
        Where the decoded pictures are kept during training (``3 * size**2`` bytes
        each); the temporary folder by default, or the one that holds `checkpoint_dir`.
    checkpoint_dir : str, optional
        Where the run can be resumed from, by the same call, after any interruption; also
        receives ``history.csv``. See `tamis.classifiers.network.checkpoint.Checkpoint`.
    device : str, optional
        A device of torch: a GPU if there is one by default.
    precision : str
        Of the arithmetic of learning: ``"float32"``; ``"bfloat16"``, where weights stay
        float32; ``"auto"`` takes bfloat16 where the processor computes in it, and is
        about 1.6 times as fast, otherwise float32. Answers are always in float32.
    progress : callable, optional
        Told a `tamis.classifiers.network.trainer.Progress` after every batch.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted.
    history_ : list of dict
        Per epoch: epoch, loss, accuracy, val_loss, val_accuracy, lr, seconds. Loss and
        accuracy are those on the pictures as they were shown, augmented; those of the
        validation are None without one, and of the pictures as they are, not mirrored.
    best_epoch_ : int
        The epoch, from 1, whose weights are kept: of the highest accuracy on the
        validation pictures, among those of the lowest loss; without them the last.
    failures_ : tuple of Failure
        The files, of training and validation, that could not be read and were left out.
    module_ : torch.nn.Module
    preprocessing_ : dict
        What prediction needs to see the same pixels; ready for JSON.

    Examples
    --------
    >>> table = tamis.ImageTable.from_folder("examples")
    >>> network = tamis.NetworkClassifier("small", size=32, epochs=1, batch_size=8)
    >>> network.fit(table.paths, table.labels).predict_proba(table.paths[:2]).shape
    (2, 3)
    """

    classes_: npt.NDArray[Any]
    history_: list[Record]
    best_epoch_: int
    failures_: tuple[Failure, ...]
    preprocessing_: dict[str, Any]
    module_: "nn.Module"

    def __init__(
        self,
        net: str = "small",
        *,
        epochs: int | None = None,
        batch_size: int = 16,
        size: int | None = None,
        augment: str | dict[str, Any] | Augmentation = "default",
        lr: float | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
        sampling: str | None = None,
        patience: int | None = None,
        seed: int = 0,
        n_jobs: int | None = None,
        cache_dir: str | None = None,
        checkpoint_dir: str | None = None,
        device: str | None = None,
        precision: str = "auto",
        progress: Callable[[Any], object] | None = None,
    ) -> None:
        self.net = net
        self.epochs = epochs
        self.batch_size = batch_size
        self.size = size
        self.augment = augment
        self.lr = lr
        self.class_weight = class_weight
        self.sampling = sampling
        self.patience = patience
        self.seed = seed
        self.n_jobs = n_jobs
        self.cache_dir = cache_dir
        self.checkpoint_dir = checkpoint_dir
        self.device = device
        self.precision = precision
        self.progress = progress

    def fit(
        self,
        X: Pictures,
        y: npt.ArrayLike,
        *,
        validation: tuple[Pictures, npt.ArrayLike] | None = None,
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X : sequence of paths, or ndarray of shape (n, H, W, 3), uint8
        y : array-like of shape (n,)
            The class of each picture.
        validation : (X, y), optional
            Pictures that are not learned from; they say which epoch is the best.

        Raises
        ------
        InvalidParameterError
            A parameter is out of its range, or pictures and classes do not match.
        TrainingError
            No picture of a class could be read; the loss is no longer a number; the
            checkpoint belongs to another run.
        DestinationError
            `checkpoint_dir` holds something else, or there is no room for the pictures.
        MissingExtraError
            torch is not installed.
        """
        recipe = self._recipe()
        size = network(self.net).size if self.size is None else self.size
        targets = targets_of(X, y, "training")
        self.classes_, codes = np.unique(targets, return_inverse=True)
        if len(self.classes_) < 2:
            raise InvalidParameterError(
                f"training needs at least two classes. Got {len(self.classes_)}."
            )
        check_folder(self.checkpoint_dir)
        cache, rows, failures = self._read(X, size)
        with cache:
            check_all_there(self.classes_, codes := codes[rows])
            if validation is None:
                self.failures_ = failures
                self._train(recipe, size, cache, rows, codes, None)
            else:
                known = codes_of(self.classes_, targets_of(*validation, "validation"))
                seen, seen_rows, more = self._read(validation[0], size)
                self.failures_ = failures + more
                with seen:
                    if not len(seen_rows):
                        raise TrainingError("no validation picture can be read.")
                    part = Loader(
                        seen, seen_rows, known[seen_rows], batch_size=self.batch_size,
                        augment=augmentation("none"), seed=self.seed,
                    )  # fmt: skip
                    self._train(recipe, size, cache, rows, codes, part)
        return self

    def predict_proba(self, X: Pictures) -> npt.NDArray[np.float32]:
        """Say how likely each class is.

        Parameters
        ----------
        X : sequence of paths, or ndarray of shape (n, H, W, 3), uint8

        Returns
        -------
        ndarray of shape (n, n_classes), float32
            In the order of `classes_`. The row of a file that cannot be read is NaN.
        """
        from tamis.classifiers.network.export import probabilities

        check_is_fitted(self)
        X = as_pictures(X)
        size, served, device = self.preprocessing_["size"], self._served(), self._device()
        answers = np.full((len(X), len(self.classes_)), np.nan, np.float32)
        served.to(device)
        with threads(self._jobs()):
            for start in range(0, len(X), _PREDICTED):
                good, pictures = [], []
                for row in range(start, min(start + _PREDICTED, len(X))):
                    try:
                        pictures.append(picture_at(X, row, size))
                    except ImageReadError:
                        continue
                    good.append(row)
                if good:
                    answers[good] = probabilities(served, np.stack(pictures), device)
        return answers

    def predict(self, X: Pictures) -> npt.NDArray[Any]:
        """Say the likeliest class of each picture.

        Raises
        ------
        ImageReadError
            A file cannot be read: there is no class to say. `predict_proba` goes on.
        """
        X = as_pictures(X)
        answers = self.predict_proba(X)
        for row in map(int, np.flatnonzero(np.isnan(answers[:, 0]))):
            picture_at(X, row, 1)
            raise ImageReadError(str(X[row]), "could not be read a moment ago")
        return self.classes_[answers.argmax(axis=1)]

    def export_onnx(self) -> bytes:
        """Write the network as an ONNX graph, checked against torch on training pictures.

        Returns
        -------
        bytes
            As `tamis.classifiers.network.export.to_onnx` says: (n, size, size, 3) uint8 pictures to
            probabilities, normalisation and softmax inside.
        """
        from tamis.classifiers.network.export import to_onnx

        check_is_fitted(self)
        return to_onnx(self._served(), self._samples)

    def served(self) -> tuple[NetworkView, IdentityClassifier]:
        """Return what a model holds: a descriptor that gives probabilities, and the identity."""
        size, classes = int(self.preprocessing_["size"]), self.classes_.tolist()
        view = NetworkView(
            net=self.net, graph=self.export_onnx(), size=size, n_classes=len(classes)
        )
        return view, IdentityClassifier.from_arrays({"classes": classes}, {})

    @property
    def settings(self) -> dict[str, str | int]:
        """What the answers depend on, for a signature."""
        return {
            "net": self.net,
            "size": int(self.preprocessing_["size"]),
            "epochs": len(self.history_),
            "best_epoch": self.best_epoch_,
            "batch_size": self.batch_size,
            "class_weight": str(self.class_weight or "none"),
            "seed": self.seed,
        }

    @property
    def history(self) -> list[dict[str, Any]]:
        """`history_` in plain types."""
        return [dict(record) for record in self.history_]

    def _train(
        self,
        recipe: Recipe,
        size: int,
        cache: PixelCache,
        rows: npt.NDArray[np.intp],
        codes: npt.NDArray[np.int64],
        validation: Loader | None,
    ) -> None:
        import torch

        from tamis.classifiers.network.trainer import Trainer

        how = augmentation(recipe.augment if self.augment == "default" else self.augment)
        training = Loader(
            cache,
            rows,
            codes,
            batch_size=self.batch_size,
            augment=how,
            seed=self.seed,
            balanced=self.sampling == "balanced",
        )
        checkpoint = None
        if self.checkpoint_dir is not None:
            settings = {
                "net": self.net,
                "size": size,
                "batch_size": self.batch_size,
                "seed": int(self.seed),
                "sampling": self.sampling,
                "bfloat16": takes_bfloat16(self.precision, self._device()),
                "class_weight": repr(self.class_weight),
                "recipe": asdict(recipe),
                "augment": asdict(how),
                "classes": [str(label) for label in self.classes_],
            }
            key = run_key(settings, filter(None, (training, validation)))
            checkpoint = Checkpoint(self.checkpoint_dir, key)
        with torch.random.fork_rng(), threads(self._jobs()), freed_memory_kept():
            torch.manual_seed(self.seed)
            module = build(self.net, len(self.classes_), size=size)
            trainer = Trainer(
                module,
                recipe,
                training,
                validation,
                class_weight=weight_of(self.class_weight, self.classes_, codes),
                seed=self.seed,
                device=self._device(),
                bfloat16=takes_bfloat16(self.precision, self._device()),
                checkpoint=checkpoint,
                progress=self.progress,
            )
            trainer.run()
        self.module_ = module.cpu()
        self.history_ = trainer.history
        self.best_epoch_ = trainer.best_epoch
        entry = network(self.net)
        self.preprocessing_ = {
            "size": size,
            "fit": "stretch",
            "channels": "RGB",
            "layout": "NHWC",
            "dtype": "uint8",
            "mean": list(entry.mean),
            "std": list(entry.std),
            "normalized_inside": True,
            "flips_averaged_inside": recipe.flips,
        }
        self._samples = cache.pixels[rows[np.linspace(0, len(rows) - 1, _SAMPLES).astype(int)]]

    def _recipe(self) -> Recipe:
        """Take the network's recipe with what was asked for instead."""
        check_choices(self.sampling, self.precision)
        return recipe_for(
            network(self.net).recipe,
            {"epochs": self.epochs, "lr": self.lr, "patience": self.patience},
            {"batch_size": self.batch_size, "n_jobs": self._jobs(), "seed": self.seed},
        )

    def _read(
        self, X: Pictures, size: int
    ) -> tuple[PixelCache, npt.NDArray[np.intp], tuple[Failure, ...]]:
        beside = self.checkpoint_dir and os.path.dirname(os.path.abspath(self.checkpoint_dir))
        return read_all(X, size, folder=self.cache_dir, spare=beside, jobs=self.n_jobs)

    def _served(self) -> Any:
        from tamis.classifiers.network.architectures.layers import Served

        return Served(self.module_, self.preprocessing_["flips_averaged_inside"]).eval()

    def _device(self) -> str:
        import torch

        return self.device or ("cuda" if torch.cuda.is_available() else "cpu")

    def _jobs(self) -> int:
        return available_processors() if self.n_jobs is None else self.n_jobs
