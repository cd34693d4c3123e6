"""How well a search by words finds the classes of CorelDB, by their names in one to three words.

    python benchmarks/words.py --keep FOLDER
    python benchmarks/words.py --keep FOLDER --examples 10

Of 57 classes whose folder names can be read; the pictures are all 10,800. The settings of
`tamis.words.relevance` (temperature, labels that are mixed, feedback) were chosen on every other
query, beginning with the first; the others had no say. Chance is one class of eighty.
With `--examples N` so many of each of the 80 classes teach the default, and classes are found by
the names of their folders (`tamis search --model`); examples are not among the pictures.
"""

import argparse
from pathlib import Path

import numpy as np

from answers import draw, vectors, views
from machine import coreldb, describe
from tamis.classifiers.automatic import AutoClassifier
from tamis.table import ImageTable
from tamis.words import NETWORKS, WordIndex

QUERIES = {
    "art_dino": "dinosaur", "bld_castle": "castle", "bld_lighthse": "lighthouse",
    "bld_sculpt": "sculpture", "eat_drinks": "drinks", "eat_feasts": "food on a table",
    "fitness": "people exercising", "obj_aviation": "airplane", "obj_balloon": "hot air balloon",
    "obj_bonsai": "bonsai tree", "obj_bus": "bus", "obj_car": "car", "obj_cards": "playing cards",
    "obj_decoys": "duck decoy", "obj_dish": "dishes", "obj_doll": "doll", "obj_door": "door",
    "obj_eastregg": "easter egg", "obj_flags": "flag", "obj_mask": "mask", "obj_ship": "ship",
    "obj_steameng": "steam engine", "obj_train": "train", "pet_cat": "cat", "pet_dog": "dog",
    "pl_flower": "flowers", "pl_mashroom": "mushroom", "sc_firewrk": "fireworks",
    "sc_iceburg": "iceberg", "sc_mountain": "mountain", "sc_sunset": "sunset",
    "sc_waterfal": "waterfall", "sc_waves": "ocean waves", "sp_ski": "skiing",
    "wl_buttrfly": "butterfly", "wl_cougr": "cougar", "wl_deer": "deer", "wl_eagle": "eagle",
    "wl_elephant": "elephant", "wl_fish": "fish", "wl_fox": "fox", "wl_goat": "goat",
    "wl_horse": "horse", "wl_lepoad": "leopard", "wl_lion": "lion", "wl_lizard": "lizard",
    "wl_nests": "bird nest", "wl_owls": "owl", "wl_primates": "monkey", "wl_roho": "rhinoceros",
    "wl_tiger": "tiger", "wl_wolf": "wolf", "woman": "woman", "sc_cloud": "clouds",
    "sc_autumn": "autumn leaves", "bld_modern": "modern building", "obj_mineral": "mineral",
}  # fmt: skip


def main() -> None:
    """Print a line per query, and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=0)
    options = parser.parse_args()
    print(describe())
    table = ImageTable.from_folder(coreldb())
    truth = np.array(table.labels)
    held = {name: vectors(table, name, options.keep) for name in NETWORKS}
    taught = None
    if options.examples:
        names, codes = np.unique(truth, return_inverse=True)
        known, rest = draw(codes, options.examples, 0)
        specs = [*NETWORKS, "hsv", "lbp"]
        blocks = [vectors(table, spec, options.keep) for spec in specs]
        X, sizes = np.hstack(blocks), [block.shape[1] for block in blocks]
        model = AutoClassifier(blocks=sizes, views=views(specs)).fit(X[known], codes[known])
        taught = dict(zip(map(str, names), model.predict_proba(X[rest]).T, strict=True))
        held = {name: values[rest] for name, values in held.items()}
        truth = truth[rest]
    index = WordIndex(held)
    rows = []
    for label, query in QUERIES.items():
        found = index.search(query, taught)
        hit = truth[np.argsort(-found.scores, kind="stable")] == label
        average = float((np.cumsum(hit) / np.arange(1, len(hit) + 1))[hit].mean())
        rows.append((hit[:10].mean(), average, hit[0]))
        print(
            f"{query}: P@10 {hit[:10].mean():.1f}, AP {average:.2f} ({found.labels[0]}, "
            f"{found.likeness:.2f}{', doubtful' if found.doubtful else ''}"
            f"{', taught as ' + found.taught if found.taught else ''})"
        )
    values = np.array(rows)
    for name, part in (
        ("chosen on", values[::2]),
        ("not looked at", values[1::2]),
        ("all", values),
    ):
        error = part.std(axis=0, ddof=1) / np.sqrt(len(part))
        print(
            f"{name}: {len(part)} queries, P@10 {part[:, 0].mean():.3f} ({error[0]:.3f}), MAP "
            f"{part[:, 1].mean():.3f} ({error[1]:.3f}), first result right {part[:, 2].mean():.3f}"
        )


if __name__ == "__main__":
    main()
