"""The house: imports run one way, importing stays light, files stay short, all is said."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import tamis

SOURCE = Path(tamis.__file__).parent

# A module may import from the rooms above its own, and from its own room without going
# in a circle. `tamis` itself, which holds the version, stands above all.
ROOMS = """
tamis
tamis.errors
tamis.files
tamis.images
tamis.metrics
tamis.table
tamis.distances
tamis.descriptors
tamis.features
tamis.words
tamis.store
tamis.deduplication
tamis.splits
tamis.dataset
tamis.trust
tamis.classifiers
tamis.checking
tamis.evaluation
tamis.model
tamis.report
tamis.sorting
tamis.web
tamis.cli
tamis.__main__
""".split()

HEAVY = (
    "numpy scipy cv2 numba sklearn skimage PIL simplejpeg jinja2 filelock pyarrow lance "
    "onnx onnxruntime tokenizers torch huggingface_hub starlette uvicorn"
).split()


def name_of(file):
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(SOURCE.rglob("*.py"))}
TREES = {name: ast.parse(file.read_bytes()) for name, file in MODULES.items()}


def imports_of(name):
    """The modules of tamis that a module imports, those inside functions included."""
    found = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively, in line {node.lineno}"
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                found.add(below if below in MODULES else node.module)
    return {module for module in found if module.split(".")[0] == "tamis"}


GRAPH = {name: imports_of(name) for name in MODULES}


def room_of(module):
    """The number of the room: that of the longest name which the module's begins with."""
    return max(
        (number for number, room in enumerate(ROOMS) if f"{module}.".startswith(f"{room}.")),
        key=lambda number: len(ROOMS[number]),
    )


def test_every_import_leads_to_a_module():
    assert len(MODULES) > 20
    for name, found in GRAPH.items():
        assert found <= MODULES.keys(), name


def test_every_room_is_there_and_every_module_in_one():
    for room in ROOMS:
        assert room in MODULES
    for name in MODULES:
        assert name == "tamis" or ROOMS[room_of(name)] != "tamis", f"{name} has no room"


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_down_the_list(name):
    for found in GRAPH[name]:
        assert room_of(found) <= room_of(name), f"{name} imports {found}, which comes after it"


def test_imports_never_go_in_a_circle():
    graphlib.TopologicalSorter(GRAPH).prepare()


def test_only_the_images_room_opens_image_files():
    openers = {"imread", "imdecode", "decode_jpeg", "decode_jpeg_header"}
    for name, tree in TREES.items():
        if ROOMS[room_of(name)] != "tamis.images":
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute):
                    text = ast.unparse(node)
                    assert text != "Image.open" and node.attr not in openers, f"{name}: {text}"


# Weight


def loaded_by(code):
    """The heavy libraries that a fresh Python holds after some code."""
    probe = f"{code}\nimport sys; print(*sorted(set({HEAVY}) & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "code",
    [
        "import tamis, tamis.cli",
        "import tamis.errors, tamis.files.names, tamis.files.transfer",
        "from typer.testing import CliRunner; from tamis.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0",
        "from typer.testing import CliRunner; from tamis.cli import app\n"
        "assert CliRunner().invoke(app, ['sort', '--help']).exit_code == 0",
    ],
    ids=["the package", "the light rooms", "--help", "sort --help"],
)
def test_what_needs_no_picture_loads_no_heavy_library(code):
    assert loaded_by(code) == []


def test_the_probe_sees_what_is_loaded():
    assert "numpy" in loaded_by("import tamis.distances")


# Words


@pytest.mark.parametrize("name", MODULES)
def test_no_file_is_longer_than_400_lines(name):
    assert len(MODULES[name].read_bytes().splitlines()) <= 400


def test_no_file_is_a_grab_bag():
    assert not {"utils", "helpers", "common", "misc"} & {name.split(".")[-1] for name in MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_all_that_is_public_is_described(name):
    assert ast.get_docstring(TREES[name]), "the module has no docstring"
    for node in TREES[name].body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{node.name} has no docstring"


def commands():
    from tamis.cli import app

    return {command.callback.__name__: command.callback for command in app.registered_commands}


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_and_an_example(name):
    text = commands()[name].__doc__
    first, *rest = text.strip().splitlines()
    assert first.endswith(".")
    assert any(line.strip().startswith(f"tamis {name}") for line in rest), "it has no example"
