"""Files put into a form that Spark can read: unpacked, in UTF-8, in the project's ``.odibi/tmp``.

Spark knows no .zip, .xz and .zst, takes a file's compression from its name alone, and few encodings. Such a file is
copied once, as long as it does not change; frames are lazy, so the copies stay until the engine is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from odibi_core.plugin import DataFormatError, Dataset
from odibi_engine_spark.files.compression import compression_of, opened, plain_name

if TYPE_CHECKING:
    from odibi_engine_spark.engine import SparkEngine

__all__ = ["copy_of", "prepared_text"]

_BLOCK = 1 << 20
_PLAIN = frozenset({"ascii", "utf-8"})
_NATIVE = {"sail": {"bz2", "gzip", "xz", "zstd"}}
_SUFFIXES = {"bz2": ".bz2", "gzip": ".gz", "xz": ".xz", "zstd": ".zst"}

_folders: weakref.WeakKeyDictionary[SparkEngine, Path] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def prepared_text(path: Path, *, compression: str, encoding: str, dataset: Dataset, engine: SparkEngine) -> Path:
    """Return a file that Spark can read as UTF-8: the file itself, or a copy of it.

    Args:
        path: The file.
        compression: The option of that name.
        encoding: The encoding of its text, by Python's name.
        dataset: What is read, for messages.
        engine: The engine.

    Raises:
        DataFormatError: It is not compressed like that, or is not of that encoding.
    """
    how = compression_of(path, compression)
    native = _NATIVE.get(engine.flavour.kind, {"bz2", "gzip"})
    named_so = path.suffix.lower() == _SUFFIXES.get(how, "")
    is_readable = named_so and how in native if how != "none" else compression_of(path, "infer") == "none"
    if is_readable and encoding in _PLAIN:
        return path

    def write(target: Path) -> None:
        subject = f"{dataset.name!r}"
        with opened(path, how, subject=subject) as source, target.open("wb") as sink:
            if encoding in _PLAIN:
                shutil.copyfileobj(source, sink, _BLOCK)
                return
            decoder = _decoder(encoding)
            try:
                while block := source.read(_BLOCK):
                    sink.write(decoder(block, False).encode())
                sink.write(decoder(b"", True).encode())
            except UnicodeDecodeError as error:
                raise DataFormatError(
                    f"{subject}: {path} is not {encoding} text ({error}); say which encoding it has"
                ) from error

    return copy_of(path, name=plain_name(path.name), kind=f"{how}/{encoding}", write=write, engine=engine)


def copy_of(path: Path, *, name: str, kind: str, write: Callable[[Path], object], engine: SparkEngine) -> Path:
    """Return a file made from another one, anew only if that has changed.

    Args:
        path: The file it is made from.
        name: What to call it.
        kind: What is done to it.
        write: Writes it.
        engine: The engine; when it is gone, so is the copy.
    """
    state = path.stat()
    key = f"{path}|{state.st_mtime_ns}|{state.st_size}|{state.st_ino}|{kind}"
    folder = _folder_of(engine) / hashlib.sha256(key.encode()).hexdigest()[:24]
    target = folder / name
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{uuid.uuid4().hex}.partial"
    try:
        write(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _decoder(encoding: str) -> Callable[[bytes, bool], str]:
    import codecs

    return codecs.getincrementaldecoder(encoding)("strict").decode


def _folder_of(engine: SparkEngine) -> Path:
    with _lock:
        folder = _folders.get(engine)
        if folder is None:
            parent = engine.project_root / ".odibi" / "tmp"
            folder = parent / f"spark-{os.getpid()}-{uuid.uuid4().hex[:8]}"
            folder.mkdir(parents=True)
            _remove_left_behind(parent)
            weakref.finalize(engine, shutil.rmtree, folder, ignore_errors=True)
            _folders[engine] = folder
        return folder


def _remove_left_behind(parent: Path) -> None:
    """Remove what processes that were killed left."""
    for path in parent.glob("spark-*"):
        match = re.fullmatch(r"spark-(\d+)-[0-9a-f]{8}", path.name)
        if match is None or os.name == "nt":
            continue
        with contextlib.suppress(PermissionError):
            try:
                os.kill(int(match[1]), 0)
            except (ProcessLookupError, OverflowError):
                shutil.rmtree(path, ignore_errors=True)
