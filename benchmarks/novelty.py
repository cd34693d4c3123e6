"""How well pictures of no class are found by `--unlike-any`, and at which rate of false alarms.

CorelDB: of 80 classes 20 are left out, chosen anew for each draw; of the others some photos are
examples. Asked are the other photos of the known classes, those of the 20, and made pictures: text,
noise, windows of programs. Thresholds rest on the examples alone.

    python benchmarks/novelty.py --keep FOLDER --by efficientnet-lite0+efficientnet-lite1+hsv+lbp \
        --examples 10 --draws 10
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from sklearn.metrics import roc_auc_score

from answers import draw, vectors, views
from machine import coreldb, describe
from tamis.classifiers.automatic import AutoClassifier
from tamis.descriptors import descriptor
from tamis.table import ImageTable

RATES = (0.01, 0.05, 0.1)
KINDS = ("text", "noise", "window")


def made(seed: int) -> np.ndarray:
    """Draw a page of text, noise, or a window of a program, in turn."""
    random = np.random.RandomState(seed)
    height, width = (80, 120) if random.rand() < 0.7 else (300, 400)
    if seed % 3 == 1:
        return random.randint(0, 256, (height, width, 3)).astype(np.uint8)
    image = np.full((height, width, 3), random.randint(200, 256), np.uint8)
    if seed % 3 == 0:
        for y in range(14, height, 16):
            letters = (chr(random.randint(97, 123)) for _ in range(width // 8))
            line = "".join(c if random.rand() < 0.85 else " " for c in letters)
            cv2.putText(image, line, (4, y), cv2.FONT_HERSHEY_SIMPLEX, 0.4, 0, 1, cv2.LINE_AA)
        return image
    color = tuple(map(int, random.randint(0, 200, 3)))
    cv2.rectangle(image, (0, 0), (width, height // 8), color, -1)
    for _ in range(random.randint(3, 9)):
        x, y = random.randint(0, width - 20), random.randint(height // 8, height - 10)
        end = (x + random.randint(15, 60), y + random.randint(6, 20))
        color = tuple(map(int, random.randint(0, 256, 3)))
        cv2.rectangle(image, (x, y), end, color, -1 if random.rand() < 0.5 else 1)
        words = "File Edit View"[: random.randint(3, 14)]
        cv2.putText(image, words, (x, y + 8), cv2.FONT_HERSHEY_SIMPLEX, 0.3, 20, 1, cv2.LINE_AA)
    return image


def main() -> None:
    """Print a line per draw, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--by", default="efficientnet-lite0+efficientnet-lite1+hsv+lbp")
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--draws", type=int, default=10)
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    codes = np.unique(table.labels, return_inverse=True)[1]
    specs = options.by.split("+")
    parts = [vectors(table, spec, options.keep) for spec in specs]
    X, blocks = np.hstack(parts), [part.shape[1] for part in parts]
    images = [made(seed) for seed in range(180)]
    odd = np.hstack([descriptor(spec).describe(images) for spec in specs])
    rows = []
    for seed in range(options.draws):
        out = np.random.RandomState(1000 + seed).permutation(80)[:20]
        known = ~np.isin(codes, out)
        labels = np.unique(codes[known], return_inverse=True)[1]
        taught, rest = draw(labels, options.examples, seed)
        inside = X[known]
        auto = AutoClassifier(blocks=blocks, views=views(specs)).fit(inside[taught], labels[taught])
        novelty = auto.novelty()

        def asked(values: np.ndarray, auto=auto, novelty=novelty) -> tuple[np.ndarray, np.ndarray]:
            answers, near = auto.answer(np.ascontiguousarray(values))
            sure = answers.max(axis=1)
            return novelty.p_values(near.distances, near.indices, sure), sure

        (p_in, s_in), (p_out, s_out), (p_odd, _) = map(asked, (inside[rest], X[~known], odd))
        truth = np.repeat([0, 1], [len(p_in), len(p_out)])
        row = {
            "auroc": roc_auc_score(truth, -np.concatenate([p_in, p_out])),
            "auroc_probability": roc_auc_score(truth, -np.concatenate([s_in, s_out])),
        }
        for rate in RATES:
            row[f"false_{rate}"] = (p_in <= rate).mean()
            row[f"unknown_{rate}"] = (p_out <= rate).mean()
            for i, kind in enumerate(KINDS):
                row[f"{kind}_{rate}"] = (p_odd[i::3] <= rate).mean()
        rows.append(row)
        print(f"{seed}: AUROC {row['auroc']:.3f}", flush=True)
    for key in rows[0]:
        values = [row[key] for row in rows]
        print(f"{key}: {np.mean(values):.4f} +- {np.std(values) / np.sqrt(len(values)):.4f}")


if __name__ == "__main__":
    main()
