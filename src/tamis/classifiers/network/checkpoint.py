"""Where a training run is, on disk: resumed after any kill, or not there at all."""

import contextlib
import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tamis.errors import DestinationError, TrainingError, printable
from tamis.files.atomic import write_whole
from tamis.files.faults import cannot_write

FORMAT: Final = 1
MARKER: Final = ".tamis-training"
"""Lies in every folder of a training run; without it a folder is somebody else's."""

_STATE: Final = "checkpoint.pt"
_HISTORY: Final = "history.csv"
_BOARD: Final = "tensorboard"
_SAYS: Final = b"A training run of tamis, which goes on by the same command.\n"
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
        Made if it is not there, and marked as tamis's own; see `check_folder`.
    key : str
        What run this is: its settings, classes and pictures. Another run's checkpoint is
        refused.

    Raises
    ------
    DestinationError
        The folder holds something else, or cannot be written to.
    """

    def __init__(self, folder: str | os.PathLike[str], key: str) -> None:
        self.folder = Path(folder)
        self.key = key
        self._board: Any = None
        check_folder(self.folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        with write_whole(self.folder / MARKER) as file:
            file.write(_SAYS)

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

        file = self.folder / _STATE
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
        self._write(_STATE, buffer.getbuffer())
        self._write(_HISTORY, history_csv(history).encode())
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
            self._board = SummaryWriter(self.folder / _BOARD, purge_step=record["epoch"])
        for name in FIELDS[1:]:
            if record[name] is not None:
                self._board.add_scalar(name, record[name], record["epoch"])
        self._board.flush()


def check_folder(folder: str | os.PathLike[str] | None) -> None:
    """Refuse a folder that holds something else than a training run of tamis.

    None, one that is not there yet, an empty one, and one with the marker of a run are
    accepted.

    Raises
    ------
    DestinationError
        It is refused.
    """
    if folder is None:
        return
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(folder, error) from error
    if names and MARKER not in names:
        raise DestinationError(
            f"{printable(os.fspath(folder))} is needed for the training while it is unfinished, "
            "and holds something else: it is left alone. Choose another name for the model, or "
            "move that folder away."
        )


def remove_run(folder: str | os.PathLike[str]) -> None:
    """Remove a training run that is finished: what tamis wrote, and nothing else.

    A folder without the marker, and whatever else lies in one, is left alone.
    """
    top = Path(folder)
    if not (top / MARKER).is_file():
        return
    with contextlib.suppress(OSError):
        for file in (top / _BOARD).glob("events.out.tfevents.*"):
            file.unlink()
        (top / _BOARD).rmdir()
    with contextlib.suppress(OSError):
        for name in (_STATE, _HISTORY):
            (top / name).unlink(missing_ok=True)
        if os.listdir(top) == [MARKER]:
            (top / MARKER).unlink()
            top.rmdir()


def history_csv(history: Sequence[Record]) -> str:
    """Write a history as CSV, a row per epoch."""
    text = io.StringIO()
    rows = csv.DictWriter(text, FIELDS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(history)
    return text.getvalue()
