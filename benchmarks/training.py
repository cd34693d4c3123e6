"""Speed and memory of training the network of the report.

Speed: images per second of tamis, of tamis in float32, and of the same network in Keras
on TensorFlow, which lives in an environment of its own (`--keras` names its
Python), each in a process of its own, in turn, several rounds; batch 16 and 64, without
augmentation and with shear, zoom and flip on both sides. Keras augments as its users do:
its layers, mapped over a tf.data pipeline that prepares batches ahead.

`--memory` trains one epoch on 900 and on 10,800 photos and prints the peak of each
process.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

SIZE, CLASSES, IMAGES = 120, 6, 640


def pictures(n: int) -> tuple[object, object]:
    """Make noise with a class: what is on a picture does not matter to the clock."""
    import numpy as np

    random = np.random.default_rng(0)
    return random.integers(0, 256, (n, SIZE, SIZE, 3), np.uint8), np.arange(n) % CLASSES


def run_tamis(batch: int, augment: bool, epochs: int, *, precision: str = "auto") -> list[float]:
    """Time the epochs of `NetworkClassifier`, loader and all."""
    from tamis.classifiers.network.classifier import NetworkClassifier

    X, y = pictures(IMAGES)
    network = NetworkClassifier(
        "report",
        epochs=epochs,
        batch_size=batch,
        augment="original" if augment else "none",
        precision=precision,
    )
    return [IMAGES / row["seconds"] for row in network.fit(X, y).history_]


def run_float32(batch: int, augment: bool, epochs: int) -> list[float]:
    """Time the same in float32, which is what Keras computes in."""
    return run_tamis(batch, augment, epochs, precision="float32")


def run_keras(batch: int, augment: bool, epochs: int) -> list[float]:
    """Time the epochs of the same network in Keras on TensorFlow."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import keras
    import tensorflow as tf
    from keras import layers

    X, y = pictures(IMAGES)
    body = []
    for width, padding in ((16, "same"), (32, "valid"), (64, "valid"), (128, "valid")):
        body += [layers.Conv2D(width, 5, padding=padding, activation="relu")]
        body += [layers.MaxPooling2D(2)]
    body += [layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.25)]
    body += [layers.Dense(CLASSES, activation="softmax")]
    network = keras.Sequential([keras.Input((SIZE, SIZE, 3)), layers.Rescaling(1 / 255), *body])
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    data = tf.data.Dataset.from_tensor_slices((X, y)).shuffle(IMAGES).batch(batch)
    if augment:
        changes = keras.Sequential(
            [layers.RandomShear(0.2, 0.2), layers.RandomZoom(0.2), layers.RandomFlip("horizontal")]
        )
        data = data.map(
            lambda pictures, classes: (changes(pictures, training=True), classes),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    data = data.prefetch(tf.data.AUTOTUNE)

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            speeds.append(IMAGES / (time.perf_counter() - self.start))

    speeds: list[float] = []
    network.fit(data, epochs=epochs, verbose=0, callbacks=[Clock()])
    return speeds


CASES = [(batch, augment) for augment in (False, True) for batch in (16, 64)]
SIDES = {"tamis": run_tamis, "tamis float32": run_float32, "keras": run_keras}


def cases_of(which: str | None) -> list[tuple[int, bool]]:
    """List the rows of the table: batch size, and whether pictures are augmented."""
    return [case for case in CASES if which is None or case[1] == (which == "augmented")]


def measured(python: str, side: str, epochs: int, case: str | None) -> list[list[float]]:
    """Run one side in a process of its own; the first epoch of each case warms up."""
    words = [python, __file__, "--one", side, "--epochs", str(epochs)]
    words += [] if case is None else ["--case", case]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return [speeds[1:] for speeds in json.loads(done.stdout.splitlines()[-1])]


def speed(keras: str | None, rounds: int, epochs: int, only: str | None) -> None:
    """Print images per second, and the ratio to Keras."""
    sides = {"tamis": sys.executable, "tamis float32": sys.executable}
    if keras is not None:
        sides["keras"] = keras
    cases = cases_of(only)
    found: list[dict[str, list[float]]] = [{side: [] for side in sides} for _ in cases]
    for _ in range(rounds):
        for side, python in sides.items():
            for case, speeds in zip(found, measured(python, side, epochs, only), strict=True):
                case[side] += speeds
    print("| batch | augmented | " + " | ".join(sides) + " | to keras |")
    print("|---|---|" + "---|" * (len(sides) + 1))
    for (batch, augment), case in zip(cases, found, strict=True):
        cells = [
            f"{statistics.median(v):.0f} ({min(v):.0f} to {max(v):.0f})" if v else ""
            for v in case.values()
        ]
        ratio = ""
        if keras is not None:
            middle = {side: statistics.median(speeds) for side, speeds in case.items()}
            ratio = f"{middle['tamis'] / middle['keras']:.2f}"
            ratio += f", {middle['tamis float32'] / middle['keras']:.2f}"
        print(f"| {batch} | {'yes' if augment else 'no'} | {' | '.join(cells)} | {ratio} |")


def train_once(n: int) -> None:
    """Train one epoch on n photos of CorelDB and print this process's peak, in MB."""
    from machine import SIX, coreldb
    from tamis.classifiers.network.classifier import NetworkClassifier
    from tamis.table import ImageTable

    table = ImageTable.from_folder(coreldb(), classes=SIX if n <= 900 else None)
    table = table.select(range(min(n, len(table))))
    NetworkClassifier("report", epochs=1).fit(table.paths, table.labels)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {len(table)} | {peak:.0f} | {len(table) * 3 * SIZE**2 / 2**20:.0f} |")


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", help="a Python that has tensorflow and keras")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=3, help="the first is not counted")
    parser.add_argument("--case", choices=("plain", "augmented"), help="only these rows")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--photos", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        cases = cases_of(options.case)
        print(json.dumps([SIDES[options.one](*case, options.epochs) for case in cases]))
    elif options.photos:
        train_once(options.photos)
    elif options.memory:
        print("| photos | peak MB | of pixels, MB |\n|---|---|---|", flush=True)
        for n in (900, 10800):
            subprocess.run([sys.executable, __file__, "--photos", str(n)], check=True)
    else:
        from machine import describe

        print(describe())
        python = options.keras and str(Path(options.keras).absolute())
        speed(python, options.rounds, options.epochs, options.case)


if __name__ == "__main__":
    main()
