"""What answering costs beyond describing: from 800 examples to 10,000 answers by the default.

    python benchmarks/whole_cost.py

The vectors of all 10,800 photos of CorelDB are computed alone; then a model is trained on 10
examples of each class, its learners chosen and calibrated, and answers for the 10,000 others, its
vectors computed anew. Seconds of processor of the whole process, both in one run.
"""

import time

import numpy as np

import tamis
from answers import draw
from machine import coreldb, describe
from tamis.descriptors.registry import TAUGHT
from tamis.features import extract_several
from tamis.table import ImageTable


def main() -> None:
    """Print both times and their ratio."""
    print(describe())
    table = ImageTable.from_folder(coreldb())
    codes = np.unique(np.array(table.labels), return_inverse=True)[1]
    known, rest = (table.select(rows) for rows in draw(codes, 10, 0))
    leaves = tamis.descriptor(TAUGHT).leaves
    extract_several(table.select(range(20)), leaves)  # loads the networks, compiles
    start, wall = time.process_time(), time.perf_counter()
    extract_several(table, leaves)
    alone, alone_wall = time.process_time() - start, time.perf_counter() - wall
    print(f"vectors alone: {alone:.1f} s of processor, {alone_wall:.1f} s", flush=True)
    start, wall = time.process_time(), time.perf_counter()
    model = tamis.train(known)
    taught = time.process_time() - start
    answers = model.predict(rest)
    whole, whole_wall = time.process_time() - start, time.perf_counter() - wall
    truth = dict(zip(rest.paths, rest.labels, strict=True))
    right = np.mean([one.label == truth[one.path] for one in answers])
    print(
        f"from examples to answers: {whole:.1f} s of processor ({taught:.1f} to train), "
        f"{whole_wall:.1f} s, accuracy {right:.4f}; ratio {whole / alone:.3f} of processor, "
        f"{whole_wall / alone_wall:.3f} of time"
    )


if __name__ == "__main__":
    main()
