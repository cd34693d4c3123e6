"""The training itself. This module imports torch.

All that chance decides in an epoch is drawn from streams that begin anew with it, keyed
by the seed and the epoch. So a run that is resumed at the beginning of an epoch goes on
exactly as one that never stopped.
"""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from tamis.classifiers.network.checkpoint import Checkpoint, Record
from tamis.classifiers.network.loader import Batch, Loader
from tamis.classifiers.network.recipe import Recipe
from tamis.errors import TrainingError

_EVALUATED: Final = 64  # pictures at a time where nothing is learned
_BETAS: Final = (0.9, 0.999)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training run is.

    Attributes
    ----------
    epoch, epochs : int
        The epoch under way, from 1, and how many there are at most.
    batch, batches : int
        Of this epoch.
    loss, accuracy : float
        Of this epoch so far, on the training pictures as they were shown.
    record : dict or None
        At the end of an epoch: its row of the history.
    seconds_left : float or None
        Until the last epoch, if all take as long; None before anything is known.
    """

    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    accuracy: float
    record: Record | None
    seconds_left: float | None


class Trainer:
    """One run.

    Parameters
    ----------
    network : Sequential
        As `tamis.classifiers.network.registry.build` makes it. It is trained in place.
    recipe : Recipe
    training, validation : Loader
        Without validation the last epoch counts as the best.
    class_weight : Tensor of shape (n_classes,), float32, optional
        What an error on each class weighs.
    seed : int
    device : str
    bfloat16 : bool
        Whether layers compute in it where that is safe, when they learn.
    checkpoint : Checkpoint, optional
    progress : callable, optional
        Told a `Progress` after every batch.

    Attributes
    ----------
    history : list of dict
    best_epoch : int
    """

    def __init__(
        self,
        network: nn.Sequential,
        recipe: Recipe,
        training: Loader,
        validation: Loader | None,
        *,
        class_weight: Tensor | None = None,
        seed: int = 0,
        device: str = "cpu",
        bfloat16: bool = False,
        checkpoint: Checkpoint | None = None,
        progress: Callable[[Progress], object] | None = None,
    ) -> None:
        self.network = network.to(device)
        # What is measured and kept: the running average of the weights, or the weights.
        self.answering = copy.deepcopy(self.network).eval() if recipe.ema else self.network
        self.recipe = recipe
        self.training = training
        self.validation = validation
        self.class_weight = None if class_weight is None else class_weight.to(device)
        self.seed = seed
        self.device = device
        self.bfloat16 = bfloat16
        self.checkpoint = checkpoint
        self.progress = progress
        self.optimizer = _optimizer(self.network, recipe, device)
        self.history: list[Record] = []
        self.best_epoch = 0
        self._best: dict[str, Tensor] = {}

    def run(self) -> None:
        """Train to the end, or until it gets no better; then take the best weights."""
        self._resume()
        while len(self.history) < self.recipe.epochs and not self._is_stale():
            record = self._epoch(len(self.history))
            self.history.append(record)
            if self._is_best(record):
                self.best_epoch = record["epoch"]
                self._best = _copy(self.answering)
            if self.checkpoint is not None:
                self.checkpoint.save(self._state(), self.history)
            self._tell(record["epoch"], len(self.training), record, record)
        self.network.load_state_dict(self._best)
        self.network.eval()
        if self.checkpoint is not None:
            self.checkpoint.close()

    def _epoch(self, number: int) -> Record:
        start = time.perf_counter()
        torch.manual_seed(_stream(self.seed, number))
        self.network.train()
        self._freeze(number < self.recipe.frozen)
        total = right = weights = 0.0
        batches = len(self.training)
        for i, batch in enumerate(self.training.epoch(number)):
            step = number * batches + i
            factor = learning_rate_factor(self.recipe, step / batches)
            for group in self.optimizer.param_groups:
                group["lr"] = self.recipe.lr * group["scale"] * factor
            loss, n_right = self._learn(batch, step)
            n = len(batch.targets)
            total, right, weights = total + loss * n, right + n_right, weights + n
            if not math.isfinite(total):
                raise TrainingError(
                    f"the loss is no longer a number in epoch {number + 1}. Take a smaller "
                    f"learning rate than {self.recipe.lr:g}."
                )
            if i + 1 < batches:
                self._tell(
                    number + 1, i + 1, {"loss": total / weights, "accuracy": right / weights}, None
                )
        self._freeze(False)
        val_loss, val_accuracy = self._validate()
        return {
            "epoch": number + 1,
            "loss": total / weights,
            "accuracy": right / weights,
            "val_loss": val_loss,
            "val_accuracy": val_accuracy,
            "lr": self.recipe.lr * factor,
            "seconds": time.perf_counter() - start,
        }

    def _learn(self, batch: Batch, step: int) -> tuple[float, int]:
        """Learn from one batch; return its mean loss and how many were right."""
        pictures = torch.from_numpy(batch.pictures).to(self.device)
        targets = torch.from_numpy(batch.targets).to(self.device)
        kind = torch.device(self.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.bfloat16):
            logits = self.network(pictures)
        logits = logits.float()
        loss = self._loss(logits, targets)
        if batch.partners is not None:
            other = self._loss(logits, torch.from_numpy(batch.partners).to(self.device))
            loss = batch.share * loss + (1 - batch.share) * other
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.recipe.ema:
            self._average(step)
        return loss.item(), int((logits.detach().argmax(1) == targets).sum())

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        return functional.cross_entropy(
            logits, targets, weight=self.class_weight, label_smoothing=self.recipe.label_smoothing
        )

    @torch.no_grad()
    def _average(self, step: int) -> None:
        # A young average would otherwise remember the weights that it began with.
        decay = min(self.recipe.ema, (1 + step) / (10 + step))
        kept, new = self.answering.state_dict(), self.network.state_dict()
        for name, value in kept.items():
            if value.is_floating_point():
                value.lerp_(new[name], 1 - decay)
            else:
                value.copy_(new[name])

    @torch.no_grad()
    def _validate(self) -> tuple[float | None, float | None]:
        if self.validation is None:
            return None, None
        self.answering.eval()
        total = right = 0.0
        for batch in self.validation.plain(_EVALUATED):
            logits = self.answering(torch.from_numpy(batch.pictures).to(self.device))
            targets = torch.from_numpy(batch.targets).to(self.device)
            total += functional.cross_entropy(logits, targets, reduction="sum").item()
            right += int((logits.argmax(1) == targets).sum())
        n = len(self.validation.rows)
        return total / n, right / n

    def _freeze(self, frozen: bool) -> None:
        """Hold all but the last layer, or let go."""
        for part in list(self.network)[:-1]:
            part.requires_grad_(not frozen)
            if frozen:  # or batch normalisation would still follow the pictures
                part.eval()

    def _is_best(self, record: Record) -> bool:
        if record["val_accuracy"] is None or not self.best_epoch:
            return True
        best = self.history[self.best_epoch - 1]
        return (record["val_accuracy"], -record["val_loss"]) > (
            best["val_accuracy"],
            -best["val_loss"],
        )

    def _is_stale(self) -> bool:
        waited = len(self.history) - self.best_epoch
        return 0 < self.recipe.patience <= waited

    def _state(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "answering": self.answering.state_dict() if self.recipe.ema else {},
            "optimizer": self.optimizer.state_dict(),
            "best": self._best,
            "best_epoch": self.best_epoch,
            "history": self.history,
        }

    def _resume(self) -> None:
        state = None if self.checkpoint is None else self.checkpoint.load()
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        if self.recipe.ema:
            self.answering.load_state_dict(state["answering"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._best, self.best_epoch = state["best"], state["best_epoch"]
        self.history = state["history"]

    def _tell(self, epoch: int, batch: int, figures: Record, record: Record | None) -> None:
        if self.progress is None:
            return
        seconds = [row["seconds"] for row in self.history]
        ahead = self.recipe.epochs - epoch + 1 - batch / len(self.training)
        self.progress(
            Progress(
                epoch=epoch,
                epochs=self.recipe.epochs,
                batch=batch,
                batches=len(self.training),
                loss=figures["loss"],
                accuracy=figures["accuracy"],
                record=record,
                seconds_left=ahead * sum(seconds) / len(seconds) if seconds else None,
            )
        )


def learning_rate_factor(recipe: Recipe, epochs: float) -> float:
    """Compute what the learning rate is multiplied by.

    Parameters
    ----------
    recipe : Recipe
    epochs : float
        That have passed.

    Returns
    -------
    float
        In (0, 1].

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm
       Restarts", ICLR 2017. https://doi.org/10.48550/arXiv.1608.03983
    """
    if recipe.schedule == "constant":
        return 1.0
    warmup = min(recipe.warmup, recipe.epochs / 2)
    if epochs < warmup:
        return (epochs + 0.01) / (warmup + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (epochs - warmup) / (recipe.epochs - warmup)))


def _optimizer(network: nn.Sequential, recipe: Recipe, device: str) -> torch.optim.Optimizer:
    """Adam, or with weight decay AdamW, in one kernel for all weights."""
    groups = []
    *body, head = network
    for scale, parts in ((recipe.backbone_lr, body), (1.0, [head])):
        weights = [weight for part in parts for weight in part.parameters()]
        for decay, chosen in (
            (recipe.weight_decay, [weight for weight in weights if weight.ndim > 1]),
            (0.0, [weight for weight in weights if weight.ndim <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "scale": scale})
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=_BETAS, fused=True)


def _stream(seed: int, epoch: int) -> int:
    """Give torch's generator a state of its own for each seed and epoch."""
    import numpy as np

    return int(np.random.SeedSequence([seed, epoch, 2]).generate_state(1, np.uint64)[0] >> 1)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
