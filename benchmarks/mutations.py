"""Ways to damage a file: some blind, some that keep checksums and lengths right."""

import hashlib
import io
import json
import random
import struct
import zipfile
from typing import Any

ODD_INTEGERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
ODD_VALUES = (
    None,
    True,
    -1,
    0,
    7,
    10**9,
    10**18,
    1e308,
    0.5,
    "",
    "a",
    "\0",
    "../../../etc/passwd",
    "/etc/passwd",
    "/dev/zero",
    "onnx:/dev/zero",
    "hf:someone/model",
    "vlad(codebook=/dev/zero)",
    "color(bins=100000)",
    "edge>pca4(file=/etc/passwd)",
    "\x1b[31m",
    "\ud800",
    "e\u0301",
    [],
    {},
    [[]],
    {"a": 1},
    float("nan"),
    float("inf"),
)


def bytes_of(data: bytes, chance: random.Random, *, focus: int = 0) -> bytes:
    """Damage bytes blindly, one to three times; half of the time among the first `focus`."""
    found = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        if not found:
            return bytes(found)
        near = focus if focus and chance.random() < 0.5 else len(found)
        at = chance.randrange(min(near, len(found)))
        length = min(chance.choice((1, 2, 8, 64, 1000)), len(found) - at)
        match chance.randrange(7):
            case 0:
                found[at] ^= 1 << chance.randrange(8)
            case 1:
                found[at] = chance.randrange(256)
            case 2:
                del found[at:]
            case 3:
                del found[at : at + length]
            case 4:
                found[at:at] = found[at : at + length] * chance.choice((1, 2, 50))
            case 5:
                found[at : at + length] = bytes(length)
            case _:
                width = chance.choice("BHIQ")
                size = struct.calcsize(width)
                value = chance.choice(ODD_INTEGERS) & (256**size - 1)
                found[at : at + size] = struct.pack(chance.choice("<>") + width, value)
    return bytes(found)


def json_of(value: Any, chance: random.Random) -> Any:
    """Change, drop or double one place of a structure of plain types."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        changed = dict(value)
        match chance.randrange(8):
            case 0:
                del changed[key]
            case 1:
                changed[str(chance.choice(ODD_VALUES))] = changed[key]
            case _:
                changed[key] = json_of(value[key], chance)
        return changed
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        match chance.randrange(6):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value[: at + 1] * 2 + value[at + 1 :]
            case _:
                return [*value[:at], json_of(value[at], chance), *value[at + 1 :]]
    if isinstance(value, int | float) and not isinstance(value, bool) and chance.random() < 0.5:
        return chance.choice((value + 1, value - 1, -value, value * 1000, float(value)))
    return chance.choice(ODD_VALUES)


def unzipped(data: bytes) -> dict[str, bytes]:
    """Give the parts of a zip file by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: list[tuple[str, bytes]], chance: random.Random) -> bytes:
    """Write a zip file with right checksums; rarely packed."""
    method = zipfile.ZIP_DEFLATED if chance.random() < 0.1 else zipfile.ZIP_STORED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in parts:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def zip_of(data: bytes, chance: random.Random, inside: Any = None) -> bytes:
    """Damage one part of a zip file, or their list; checksums are right afterwards.

    `inside` says how a part is damaged, by its name; by default its bytes are, those of
    its first kilobyte most of all.
    """
    if chance.random() < 0.2:
        return bytes_of(data, chance, focus=200)
    parts = list(unzipped(data).items())
    at = chance.randrange(len(parts))
    name, content = parts[at]
    match chance.randrange(12):
        case 0:
            del parts[at]
        case 1:
            parts.append((name, content))
        case 2:
            parts[at] = (chance.choice(("../x", "/x", "a\\b", "x" * 300, name.upper())), content)
        case 3:
            parts.append((f"more-{name}", bytes(10_000_000)))
        case 4:
            other = chance.randrange(len(parts))
            parts[at], parts[other] = (name, parts[other][1]), (parts[other][0], content)
        case _:
            change = inside(name) if inside else None
            parts[at] = (name, (change or bytes_of_part)(content, chance))
    return zipped(parts, chance)


def bytes_of_part(data: bytes, chance: random.Random) -> bytes:
    """Damage the bytes of a part, or the header of an array of numpy."""
    if data[:6] == b"\x93NUMPY" and chance.random() < 0.6:
        (length,) = struct.unpack("<H", data[8:10])
        header, values = data[10 : 10 + length].decode("latin-1"), data[10 + length :]
        for old, new in (
            ("<f4", chance.choice(("<f8", "|O", ">f4", "<i4", "<f2", "<U9", "<f4"))),
            ("False", chance.choice(("True", "False", "None"))),
            ("'shape': (", f"'shape': ({chance.choice(('', '9999999999, ', '-1, ', '0, '))}"),
        ):
            if chance.random() < 0.5:
                header = header.replace(old, new)
        if chance.random() < 0.4:
            values = chance.choice((b"", values[:-4], values + bytes(4), values * 2))
        header = header.rstrip() + " " * 8 + "\n"
        return data[:8] + struct.pack("<H", len(header)) + header.encode("latin-1") + values
    if len(data) % 4 == 0 and chance.random() < 0.4:  # NaN, infinity, or a huge float
        at = 4 * chance.randrange(max(1, len(data) // 4))
        value = chance.choice((b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f"))
        return data[:at] + value + data[at + 4 :]
    return bytes_of(data, chance, focus=1000)


def model_of(data: bytes, chance: random.Random) -> bytes:
    """Damage a trained model, whose manifest holds the right digests afterwards."""
    if chance.random() < 0.25:
        return zip_of(data, chance)
    parts = unzipped(data)
    manifest = json.loads(parts.pop("model.json"))
    if chance.random() < 0.6:
        changed = json_of(manifest, chance)
        if isinstance(changed, dict):
            manifest = {**changed, "parts": manifest["parts"]}
    else:
        name = chance.choice(sorted(parts))
        change = zip_of if name.endswith(".npz") else bytes_of
        parts[name] = change(parts[name], chance)
    if chance.random() < 0.9:
        manifest["parts"] = {n: hashlib.sha256(part).hexdigest() for n, part in parts.items()}
    whole = [("model.json", json.dumps(manifest).encode()), *parts.items()]
    return zipped(whole, chance)


def safetensors_of(data: bytes, chance: random.Random) -> bytes:
    """Damage a file of safetensors, whose header has the right length afterwards."""
    if chance.random() < 0.3:
        return bytes_of(data, chance, focus=200)
    length = int.from_bytes(data[:8], "little")
    header, values = json.loads(data[8 : 8 + length]), data[8 + length :]
    text = json.dumps(json_of(header, chance)).encode()
    if chance.random() < 0.2:
        text = bytes_of(text, chance)
    if chance.random() < 0.2:
        values = bytes_of(values, chance)
    return len(text).to_bytes(8, "little") + text + values
