"""Damaged and hostile files of every format that is read besides pictures.

Each of `--count` files is opened through the product's own path in a process of its own,
with 5 seconds and 3 GB. Counted are files that were read, files that were refused by an
error of tamis, and what must not be: other exceptions (tracebacks), hangs, processes
killed by a signal (crashes), more than 1 GB of memory, and reaching out: an open outside
of the file's folder, a connection, a subprocess.
"""

import argparse
import contextlib
import io
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg

import mutations
from machine import describe

SECONDS, ADDRESS_SPACE, MEMORY = 5.0, 3 << 30, 1 << 20  # the last in KB
_REACHING = ("socket.connect", "os.system", "subprocess.Popen", "os.exec", "os.spawn")
_EXIT_READ, _EXIT_REFUSED, _EXIT_TRACEBACK, _EXIT_REACHED = 0, 10, 20, 30

Seed = Callable[[Path], Path]
Mutate = Callable[[Path, random.Random], None]
Open = Callable[[Path], Any]


def photos(folder: Path) -> Path:
    """Write six small pictures of two classes."""
    chance = np.random.default_rng(0)
    for i in range(6):
        place = folder / "photos" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        image = chance.integers(0, 255, (24, 32, 3), np.uint8)
        (place / f"{i}.jpg").write_bytes(simplejpeg.encode_jpeg(image))
    return folder / "photos"


def table_of(folder: Path) -> Any:
    """List the pictures."""
    from tamis.table import ImageTable

    return ImageTable.from_folder(photos(folder))


def reduction(folder: Path) -> Path:
    """Fit a reduction."""
    from tamis.descriptors.components import fit_components

    vectors = np.random.default_rng(0).random((20, 9)).astype(np.float32)
    fit_components(vectors, 4, base="moments(size=128)").save(folder / "r.npz")
    return folder / "r.npz"


def open_reduction(path: Path) -> None:
    """Load it as a spec does."""
    from tamis.descriptors.components import Components

    found = Components.load(path)
    assert np.isfinite(found.axes).all()


def codebook(folder: Path) -> Path:
    """Make a codebook."""
    from tamis.descriptors.classical.codebook import Codebook

    draw = np.random.default_rng(0)
    shapes = {"mean": (128,), "axes": (8, 128), "words": (4, 8)}
    arrays = {name: draw.random(shape).astype(np.float32) for name, shape in shapes.items()}
    Codebook(**arrays).save(folder / "book.npz")
    return folder / "book.npz"


def open_codebook(path: Path) -> None:
    """Describe a picture by it."""
    from tamis.descriptors import descriptor

    one = descriptor(f'vlad(codebook="{path}")')
    assert np.isfinite(one.describe([np.full((20, 30, 3), 99, np.uint8)])).all()


def model(folder: Path) -> Path:
    """Train a probe on a reduced fusion: a manifest and two npz files."""
    from tamis.classifiers.probe import ProbeClassifier, blocks_of
    from tamis.descriptors import descriptor
    from tamis.features import extract
    from tamis.model import Model

    table = table_of(folder)
    looks = descriptor("moments+colorlayout>pca3")
    found = [extract(table, leaf).features for leaf in looks.leaves]
    looks = looks.fit(found)
    probe = ProbeClassifier(blocks=blocks_of(looks), folds=2)
    probe.fit(looks.combine(found), np.array(table.labels))
    Model(
        descriptor=looks,
        classifier=probe,
        signature={"seed": 0, "n_train": 6},
        history=probe.scores_,
    ).save(folder / "m.tamis")
    return folder / "m.tamis"


def neighbours(folder: Path) -> Path:
    """Fit k-NN on a reduced fusion: a manifest, two npz files, and the paths of examples."""
    from tamis.dataset import Dataset
    from tamis.model import fit

    table = table_of(folder)
    fit(Dataset.open(table), by="moments+colorlayout>pca3", classifier="knn").save(
        folder / "m.tamis"
    )
    return folder / "m.tamis"


def open_model(path: Path) -> None:
    """Answer for some pictures."""
    from tamis.features import FeatureTable
    from tamis.model import Model

    opened = Model.open(path)
    features = opened.descriptor.describe([np.full((20, 30, 3), 9 * i, np.uint8) for i in range(3)])
    found = FeatureTable(("a", "b", "c"), (None,) * 3, features, opened.descriptor.spec)
    shares = opened.predict_features([found]).probabilities
    assert ((shares >= 0) & (shares <= 1.01)).all()


def collection(folder: Path) -> Path:
    """Index the pictures, densely and sparsely."""
    from tamis.descriptors import descriptor
    from tamis.store import update

    kinds = [descriptor("edge"), descriptor("color(bins=4)")]
    update(folder / "p.tamis", table_of(folder), kinds, jobs=1)
    return folder / "p.tamis"


def mutate_collection(path: Path, chance: random.Random) -> None:
    """Damage a file of the dataset, or rewrite it with another value, type or root."""
    files = [file for file in sorted(path.rglob("*")) if file.is_file()]
    file = chance.choice(files)
    match chance.randrange(6):
        case 0:
            file.unlink()
            if chance.random() < 0.5:
                os.mkfifo(file)
            elif chance.random() < 0.5:
                file.symlink_to("/etc/passwd")
        case 1 | 2:
            file.write_bytes(mutations.bytes_of(file.read_bytes(), chance, focus=64))
        case _:
            rewrite(path, chance)


def rewrite(path: Path, chance: random.Random) -> None:
    """Write the dataset again with one column or key that is something else."""
    import lance
    import pyarrow as pa

    table = lance.dataset(str(path / "images.lance")).to_table()
    name = chance.choice(table.column_names)
    at = table.column_names.index(name)
    values, field = table[name].to_pylist(), table.schema.field(at)
    row = chance.randrange(len(values))
    odd = (None, -1, 2**62, b"", b"../x", b"/etc/passwd", b"a\0", "\0", "\x1b[2J", values[0])
    with contextlib.suppress(pa.ArrowException, TypeError, OverflowError, ValueError):
        match chance.randrange(5):
            case 0:
                table = table.drop_columns([name])
            case 1:
                kind = chance.choice((pa.string(), pa.int64(), pa.float32(), pa.list_(pa.int8())))
                table = table.set_column(
                    at,
                    field.with_type(kind).with_nullable(True),
                    pa.array([None] * len(values), kind),
                )
            case 2:
                stored = table.schema.metadata.items()
                metadata = {key.decode(): value.decode() for key, value in stored}
                key = chance.choice(sorted(metadata))
                metadata[key] = str(mutations.json_of(metadata[key], chance))
                table = table.replace_schema_metadata(metadata)
            case 3 if field.metadata:
                spec = str(mutations.json_of(field.metadata[b"tamis:spec"].decode(), chance))
                named = field.with_metadata({"tamis:spec": spec})
                table = table.set_column(at, named, table[name])
            case _:
                values[row] = odd_vector(values[row], chance) or chance.choice(odd)
                loose = field.with_nullable(True)
                table = table.set_column(at, loose, pa.array(values, field.type))
    shutil.rmtree(path / "images.lance")
    lance.write_dataset(table, str(path / "images.lance"))


def odd_vector(value: Any, chance: random.Random) -> Any:
    """Change a number of a vector, dense or sparse; None for what is no vector."""
    number = chance.choice((float("nan"), float("inf"), None, 1e38, 4_000_000_000))
    if isinstance(value, dict):
        part = chance.choice(sorted(value))
        changed = list(value[part])
        changed[chance.randrange(len(changed))] = number
        return {**value, part: changed[: chance.choice((len(changed), len(changed) - 1))]}
    if isinstance(value, list):
        return [number, *value[1:]]
    return None


def open_collection(path: Path) -> None:
    """Read all of it, and sometimes bring it up to date."""
    from tamis.store import Collection, update
    from tamis.table import ImageTable

    opened = Collection.open(path)
    table = opened.table()
    for picture in table.paths:
        assert os.path.normpath(picture).startswith(opened.root.rstrip("/") + "/"), picture
    for spec in ("edge", "color(bins=4)"):
        from tamis.descriptors import descriptor

        with contextlib.suppress(LookupError):
            found = opened.features(descriptor(spec).spec)
            assert np.isfinite(found.features).all()
    if not hash(str(opened.rows.ids.tolist()) + str(opened.dataset.schema)) % 8:  # it is slow
        folder = path.parent.parent / "seed" / "photos"
        update(path, ImageTable.from_folder(folder), [descriptor("lbp(scales=1)")], jobs=1)


def onnx_file(folder: Path) -> Path:
    """Write a small network."""
    import onnx

    helper, types = onnx.helper, onnx.TensorProto
    draw = np.random.default_rng(0)
    held = {"weight": draw.normal(size=(6, 3, 4, 4)).astype(np.float32), "two": np.array([2, 3])}
    nodes = [
        helper.make_node("Conv", ["pixels", "weight"], ["map"], strides=[4, 4]),
        helper.make_node("Relu", ["map"], ["relu"]),
        helper.make_node("ReduceMean", ["relu", "two"], ["vector"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("pixels", types.FLOAT, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("vector", types.FLOAT, ["n", 6])],
        [onnx.numpy_helper.from_array(values, name) for name, values in held.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    (folder / "n.onnx").write_bytes(made.SerializeToString())
    return folder / "n.onnx"


def open_onnx(path: Path) -> None:
    """Describe a picture by it."""
    from tamis.descriptors import descriptor

    one = descriptor(f'onnx:"{path}"(size=32)')
    found = one.describe([np.full((20, 30, 3), 99, np.uint8)])
    assert np.isfinite(found).all()


def safetensors(folder: Path) -> Path:
    """Write three tensors."""
    header = {
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F16", "shape": [4], "data_offsets": [24, 32]},
        "c": {"dtype": "I64", "shape": [], "data_offsets": [32, 40]},
    }
    import json

    text = json.dumps(header).encode()
    path = folder / "w.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(range(40)))
    return path


def open_safetensors(path: Path) -> None:
    """Read all tensors."""
    from tamis.descriptors.neural.weights.safetensors import read_safetensors

    for values in read_safetensors(path).values():
        values.sum()


def pth(folder: Path) -> Path:
    """Write tensors as torch does, by torch if it is there."""
    import torch

    given = {f"layer{i}.weight": torch.arange(12.0).reshape(3, 4) for i in range(3)}
    torch.save({"state_dict": given}, folder / "w.pth")
    old = folder / "old.pth"
    torch.save(given, old, _use_new_zipfile_serialization=False)
    return folder / "w.pth"


def mutate_pth(path: Path, chance: random.Random) -> None:
    """Damage the zip format, its pickle most of all, or the format before it."""
    if chance.random() < 0.4:
        data = path.with_name("old.pth").read_bytes()
        path.write_bytes(mutations.bytes_of(data, chance, focus=len(data) - 150))
    else:
        path.write_bytes(mutations.zip_of(path.read_bytes(), chance))


def open_pth(path: Path) -> None:
    """Read all arrays."""
    from tamis.descriptors.neural.weights.torch_file import read_weights

    for values in read_weights(path.read_bytes()).values():
        values.sum()


def of_bytes(change: Callable[[bytes, random.Random], bytes]) -> Mutate:
    """Damage a file in its place."""

    def mutate(path: Path, chance: random.Random) -> None:
        path.write_bytes(change(path.read_bytes(), chance))

    return mutate


FORMATS: dict[str, tuple[Seed, Mutate, Open]] = {
    "npz": (reduction, of_bytes(mutations.zip_of), open_reduction),
    "codebook": (codebook, of_bytes(mutations.zip_of), open_codebook),
    "model": (model, of_bytes(mutations.model_of), open_model),
    "knn": (neighbours, of_bytes(mutations.model_of), open_model),
    "safetensors": (safetensors, of_bytes(mutations.safetensors_of), open_safetensors),
    "pth": (pth, mutate_pth, open_pth),
    "onnx": (onnx_file, of_bytes(mutations.bytes_of), open_onnx),
    "collection": (collection, mutate_collection, open_collection),
}


def watch(allowed: tuple[str, ...]) -> None:
    """End the process when Python reaches out of the folders that it may read."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        reached = event in _REACHING
        if event == "open" and isinstance(arguments[0], str | bytes):
            place = os.path.realpath(os.fsdecode(arguments[0]))
            reached = not place.startswith(allowed)
        if event == "subprocess.Popen" and "tamis.images.worker" in str(arguments[1]):
            reached = False  # what decodes pictures
        if reached:
            sys.stderr.write(f"reached out: {event} {str(arguments[:2])[:300]}\n")
            sys.stderr.flush()
            os._exit(_EXIT_REACHED)

    sys.addaudithook(hook)


def in_child(work: Callable[[], None], log: Path, allowed: tuple[str, ...]) -> tuple[str, str]:
    """Run in a forked process; gives what became of it, and what it said."""
    child = os.fork()
    if not child:
        code = _EXIT_TRACEBACK
        try:
            stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(stream, 1)
            os.dup2(stream, 2)
            sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb"), errors="backslashreplace")
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
            watch(allowed)
            code = attempt(work)
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(code)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.002)
    else:
        os.kill(child, signal.SIGKILL)
        os.wait4(child, 0)
        return "hang", ""
    said = log.read_text(errors="replace")
    if os.WIFSIGNALED(status):
        return "crash", f"signal {os.WTERMSIG(status)}\n{said}"
    if usage.ru_maxrss > MEMORY:
        return "memory", f"{usage.ru_maxrss} KB\n{said}"
    code = os.WEXITSTATUS(status)
    names = {_EXIT_READ: "read", _EXIT_REFUSED: "refused", _EXIT_REACHED: "reached out"}
    return names.get(code, "traceback"), said


def attempt(work: Callable[[], None]) -> int:
    """Open a file; gives the exit code that says what came of it."""
    from tamis.errors import TamisError

    try:
        work()
    except TamisError as error:
        if "\n" in str(error):
            sys.stderr.write(f"more than one line: {error!r}\n")
            return _EXIT_TRACEBACK
        return _EXIT_REFUSED
    except BaseException:
        traceback.print_exc()
        return _EXIT_TRACEBACK
    return _EXIT_READ


def campaign(name: str, count: int, *, seed: int = 0, keep: Path | None = None) -> Counter[str]:
    """Open so many damaged files of a format; gives the counts of what came of them."""
    make, mutate, opener = FORMATS[name]
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="tamis-fuzz-") as folder_name:
        folder = Path(os.path.realpath(folder_name))
        os.environ["TAMIS_CACHE"] = str(folder / "cache")
        (folder / "seed").mkdir()
        log = folder / "log"
        outcome = in_child_made(make, folder / "seed")
        source = outcome[0]
        if name not in ("onnx", "collection"):  # what is compiled and imported is shared
            opener(source)
        source_root = str(Path(__file__).resolve().parent.parent)
        import tamis

        allowed = (
            str(folder), sys.prefix, sys.base_prefix, source_root, "/proc", "/sys", "/usr",
            "/dev/null", "/etc/localtime", str(Path(tamis.__file__).parent),
            tempfile.gettempdir() + "/tamis-", *map(os.path.realpath, sys.path[1:]),
        )  # fmt: skip
        for number in range(count):
            chance = random.Random(f"{name} {seed} {number}")
            trial = folder / "trial"
            shutil.rmtree(trial, ignore_errors=True)
            shutil.copytree(folder / "seed", trial, ignore=shutil.ignore_patterns("photos"))
            place = trial / source.name
            in_child_only(lambda place=place, chance=chance: mutate(place, chance), log)
            kind, said = in_child(lambda place=place: opener(place), log, allowed)
            counts[kind] += 1
            if kind not in ("read", "refused"):
                print(f"{name} {number}: {kind}: {said.strip()[-1500:]}", flush=True)
                if keep is not None:
                    kept = keep / f"{name}-{number}"
                    shutil.copytree(trial, kept, dirs_exist_ok=True, symlinks=True)
    return counts


def in_child_made(make: Seed, folder: Path) -> list[Path]:
    """Make the file that is damaged, in a child: threads of libraries do not survive a fork."""
    child = os.fork()
    if not child:
        code = 1
        try:
            (folder / ".name").write_text(make(folder).name)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        sys.exit("the file to be damaged could not be made")
    return [folder / (folder / ".name").read_text()]


def in_child_only(work: Callable[[], None], log: Path) -> None:
    """Damage a file in a child, for the same reason."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.waitpid(child, 0)


def main() -> None:
    """Print the counts of each format; exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--format", choices=FORMATS, action="append", help="all by default")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="keep what went wrong here")
    options = parser.parse_args()
    import tamis.cli
    import tamis.descriptors.classical.vlad
    import tamis.model
    import tamis.store  # what all children share  # noqa: F401

    print(describe())
    wrong = 0
    for name in options.format or FORMATS:
        start = time.monotonic()
        counts = campaign(name, options.count, seed=options.seed, keep=options.keep)
        wrong += sum(counts.values()) - counts["read"] - counts["refused"]
        shown = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
        print(f"{name}: {options.count} files in {time.monotonic() - start:.0f} s: {shown}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
