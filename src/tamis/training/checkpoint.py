"""Where a training run is, on disk: resumed after any kill, or not there at all."""

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tamis.errors import TrainingError, printable
from tamis.files.atomic import write_whole

FORMAT: Final = 1
FIELDS: Final = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds")

Record = dict[str, Any]
"""One epoch of a history, by `FIELDS`; what is not known is None."""


class Checkpoint:
    """The folder of one training run.

    It holds ``checkpoint.pt``, with all that the run needs to go on as if it had never
    stopped, ``history.csv``, and, if TensorBoard is installed, its events. Each file is
    whole at any moment: it is written beside its place and renamed.

    Parameters
    ----------
    folder : str or os.PathLike
        Made if it is not there.
    key : str
        What run this is: its settings, classes and pictures. Another run's checkpoint is
        refused.
    """

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self.folder = Path(folder)
        self.key = key
        self._board: Any = None
        self.folder.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Any] | None:
        """Read where the run was.

        Returns
        -------
        dict or None
            What `save` was given; None if there is nothing.

        Raises
        ------
        TrainingError
            The checkpoint is damaged or belongs to another run.
        """
        import torch

        file = self.folder / "checkpoint.pt"
        if not file.exists():
            return None
        shown = printable(os.fspath(file))
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
            form, key = state["format"], state["key"]
        except Exception as error:  # whatever a damaged file makes a reader raise
            raise TrainingError(
                f"{shown} cannot be read ({type(error).__name__}). Delete it to begin again."
            ) from error
        if form != FORMAT or key != self.key:
            raise TrainingError(
                f"{shown} belongs to a run with other settings, pictures or classes. Name another "
                "folder, or delete it to begin again."
            )
        return dict(state)

    def save(self, state: dict[str, Any], history: Sequence[Record]) -> None:
        """Write where the run is, and its history."""
        import torch

        buffer = io.BytesIO()
        torch.save({"format": FORMAT, "key": self.key, **state}, buffer)
        self._write("checkpoint.pt", buffer.getbuffer())
        self._write("history.csv", history_csv(history).encode())
        self._show(history[-1])

    def close(self) -> None:
        """Finish the events of TensorBoard."""
        if self._board is not None:
            self._board.close()
            self._board = None

    def _write(self, name: str, data: bytes | memoryview) -> None:
        with write_whole(self.folder / name) as file:
            file.write(data)

    def _show(self, record: Record) -> None:
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                return
            self._board = SummaryWriter(self.folder / "tensorboard", purge_step=record["epoch"])
        for name in FIELDS[1:]:
            if record[name] is not None:
                self._board.add_scalar(name, record[name], record["epoch"])
        self._board.flush()


def history_csv(history: Sequence[Record]) -> str:
    """Write a history as CSV, a row per epoch."""
    text = io.StringIO()
    rows = csv.DictWriter(text, FIELDS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(history)
    return text.getvalue()
