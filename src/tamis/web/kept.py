"""The model that a review learned last time, kept for the next start."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tamis.descriptors import Descriptor
from tamis.errors import ModelError, TamisError
from tamis.model import Model
from tamis.web.describing import Plan
from tamis.web.session import Session


@dataclass(frozen=True, slots=True, eq=False)
class KeptModel:
    """A model in the folder of a review, and what it has learned from.

    Attributes
    ----------
    session : Session
    plan : Plan
    known : mapping from int to ndarray of shape (dim,), float32
        Each example, by its row, with its vector.
    """

    session: Session
    plan: Plan
    known: Mapping[int, npt.NDArray[np.float32]]

    def open(self, descriptor: Descriptor) -> tuple[Model, dict[int, int]] | None:
        """Return the model and the corrections that it knows; None if it is of other examples."""
        try:
            about = json.loads((self.plan.folder / "learned.json").read_text("utf-8"))
            if about["key"] != self._key(descriptor.spec):
                return None
            model = Model.open(self.plan.folder / "learned.tamis")
            if model.digest != about["model"]:
                return None
            code = {name: i for i, name in enumerate(self.session.classes)}
            rows = self.session.catalog.row_of
            said = {
                rows[name]: code[label]
                for name, label in about["said"]
                if name in rows and label in code
            }
            return replace(model, descriptor=descriptor), said
        except (OSError, ValueError, KeyError, TypeError, ModelError):
            return None

    def save(self, model: Model, said: Mapping[int, int]) -> None:
        """Keep a model, if that can be done."""
        session = self.session
        names = [(session.catalog.key(row), session.classes[code]) for row, code in said.items()]
        with contextlib.suppress(TamisError, OSError, UnicodeError):
            digest = model.save(self.plan.folder / "learned.tamis")
            key = self._key(model.descriptor.spec)
            text = json.dumps({"key": key, "model": digest, "said": names})
            temporary = self.plan.folder / "learned.json.part"
            temporary.write_text(text, "utf-8")
            os.replace(temporary, self.plan.folder / "learned.json")

    def _key(self, spec: str) -> str:
        """Return a digest of all that the first model depends on."""
        known = hashlib.sha256(f"1 {spec} {self.plan.classifier}".encode())
        for row, vector in sorted(self.known.items()):
            label = self.session.classes[self.session.given[row]]
            known.update(label.encode("utf-8", "surrogateescape") + b"\0")
            known.update(np.ascontiguousarray(vector).tobytes())
        return known.hexdigest()
