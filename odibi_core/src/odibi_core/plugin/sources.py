"""From a dataset to the files that it is made of."""

from __future__ import annotations

import difflib
import glob
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ClassVar, TypeVar

from odibi_core.errors import DataFormatError, DatasetNotFoundError, OdibiError
from odibi_core.plugin.compression import Codec, Compression, compression_of, decompressed, plain_name
from odibi_core.plugin.datasets import Dataset
from odibi_core.plugin.places import Place, place_of

__all__ = ["FileSource", "errors_explained", "find_sources", "is_folder_of"]

S = TypeVar("S", bound="FileSource")

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bz2"),
    (b"\xfd7zX", "xz"),
    (b"PAR1", "parquet"),
)
_NAMES_SHOWN = 5
_BESIDE_DATA = frozenset({"_SUCCESS", "_common_metadata", "_metadata"})


@dataclass(frozen=True, slots=True)
class FileSource:
    """One file to read. An engine's own class says what its library raises, and how it reads zstd.

    Attributes:
        data_errors: What the library raises about a file's content, beyond Python's own errors.

    Args:
        place: Where it is.
        compression: How it is compressed, or None.
        name: What the dataset is called in the row, for messages.
        format: The format it is to be read as, for messages.
    """

    place: Place
    compression: Compression | None
    name: str
    format: str

    data_errors: ClassVar[tuple[type[Exception], ...]] = ()

    @property
    def shown(self) -> str:
        """The file, for messages."""
        return self.place.shown

    def zstd_reader(self) -> Codec | None:
        """Return what reads zstd, None if the engine's library does not."""
        return None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the file's content; what is wrong with it is raised as a `DataFormatError`."""
        zstd = self.zstd_reader()
        with (
            errors_explained(self),
            decompressed(self.place.open(), self.compression, self.shown, zstd=zstd) as stream,
        ):
            yield stream


@contextmanager
def errors_explained(source: FileSource) -> Iterator[None]:
    """Turn what the libraries raise about a file's content into a `DataFormatError` that names the file."""
    subject = f"{source.name!r}: {source.shown}"
    of_content: tuple[type[Exception], ...] = (ValueError, TypeError, KeyError, OverflowError, *source.data_errors)
    try:
        yield
    except (OdibiError, UnicodeEncodeError):
        raise
    except FileNotFoundError as error:
        raise DatasetNotFoundError(f"{subject} does not exist") from error
    except UnicodeDecodeError as error:
        hint = _really_is(source) or f"say which encoding it has, as in encoding: 'latin-1' ({error})"
        raise DataFormatError(f"{subject} is not {error.encoding} text; {hint}") from error
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error) as error:
        hint = _really_is(source) or "it is cut off or damaged"
        raise DataFormatError(f"{subject} cannot be decompressed as {source.compression}: {error}; {hint}") from error
    except OSError as error:
        # An error of the operating system has a number; one without is a library's about the content.
        if error.errno is not None:
            raise
        hint = _really_is(source) or "it is cut off or damaged"
        raise DataFormatError(
            f"{subject} cannot be read as {source.compression or source.format}: {error}; {hint}"
        ) from error
    except of_content as error:
        hint = _really_is(source)
        detail = str(error).strip().partition("\n")[0].rstrip(".")
        raise DataFormatError(
            f"{subject} cannot be read as {source.format}: {detail}" + (f"; {hint}" if hint else "")
        ) from error


def find_sources(
    dataset: Dataset, *, suffixes: Sequence[str], kind: type[S], compression: str | None = "infer"
) -> list[S]:
    """Return the files of a dataset, sorted by path.

    A folder stands for all files of the format below it, without names that start with a dot or an underscore. A glob
    is the shell's: ``**`` stands for any number of folders, and only a name that starts with a dot must be asked for.

    Args:
        dataset: What is to be read.
        suffixes: The suffixes of the format, without those of compressions.
        kind: What to make of each.
        compression: The option of that name.

    Raises:
        DatasetNotFoundError: Nothing is there; says what is near.
        ConfigError: The location cannot be reached at all.
    """
    place = place_of(dataset)
    if place.is_file():
        found = [place]
    elif place.is_folder():
        found = _files_below(place, suffixes)
        if not found:
            raise DatasetNotFoundError(
                f"{dataset.name!r}: the folder {place.shown} has no {dataset.format} files ({_known(suffixes)})"
            )
    else:
        found = _files_matching(place)
        if not found:
            raise DatasetNotFoundError(f"{dataset.name!r}: {_not_found(place)}")
    return [kind(file, compression_of(file.path, compression), dataset.name, dataset.format) for file in found]


def is_folder_of(folder: Path, suffixes: Sequence[str]) -> bool:
    """Return whether a folder holds files of one format and nothing else, so that replacing it loses nothing else.

    Spark saves such folders, and may leave a mark of its success and check sums in them.

    Args:
        folder: The folder.
        suffixes: The suffixes of the format, without those of compressions.
    """
    return all(
        path.name in _BESIDE_DATA
        or (path.name.startswith(".") and path.suffix == ".crc")
        or plain_name(path.name).lower().endswith(tuple(suffixes))
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    )


def _files_below(place: Place, suffixes: Sequence[str]) -> list[Place]:
    if place.is_local:
        root = Path(place.path)
        relative = {str(path.relative_to(root).as_posix()): str(path) for path in root.rglob("*") if path.is_file()}
    else:
        prefix = place.path.rstrip("/") + "/"
        relative = {path.removeprefix(prefix): path for path in place.filesystem.find(place.path)}
    wanted = (
        (PurePosixPath(name).parts, path)
        for name, path in relative.items()
        if not any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)
        and plain_name(name).lower().endswith(tuple(suffixes))
    )
    return [place.at(path) for _, path in sorted(wanted)]


def _files_matching(place: Place) -> list[Place]:
    if not glob.has_magic(place.path):
        return []
    if place.is_local:
        matches = [path for path in glob.glob(place.path, recursive=True) if Path(path).is_file()]  # noqa: PTH207  # Path.glob takes no absolute pattern
    else:
        matches = [
            path
            for path in place.filesystem.glob(place.path)
            if not PurePosixPath(path).name.startswith(".") and place.filesystem.isfile(path)
        ]
    return [place.at(path) for path in sorted(matches, key=lambda path: PurePosixPath(path).parts)]


def _known(suffixes: Sequence[str]) -> str:
    return ", ".join(suffixes)


def _not_found(place: Place) -> str:
    """Say what is missing and what is near it: the first folder that is there, and its names that are most alike."""
    is_pattern = glob.has_magic(place.path)
    path = PurePosixPath(place.path.replace("\\", "/"))
    folder, missing = path.parent, path.name
    while str(folder) not in {"/", "."} and (glob.has_magic(str(folder)) or not place.at(str(folder)).is_folder()):
        folder, missing = folder.parent, folder.name
    headline = f"no file matches {place.shown}" if is_pattern else f"{place.shown} does not exist"
    names = _names_in(place.at(str(folder)))
    near = difflib.get_close_matches(missing, names, n=_NAMES_SHOWN, cutoff=0.5) or names[:_NAMES_SHOWN]
    if not near:
        return f"{headline}; the folder {place.at(str(folder)).shown} is empty or does not exist"
    rest = len(names) - len(near)
    more = f" and {rest} more" if rest else ""
    return f"{headline}; {place.at(str(folder)).shown} has {', '.join(near)}{more}"


def _names_in(folder: Place) -> list[str]:
    try:
        if folder.is_local:
            names = [path.name for path in Path(folder.path).iterdir()]
        else:
            names = [
                str(path).rstrip("/").rpartition("/")[2] for path in folder.filesystem.ls(folder.path, detail=False)
            ]
    except OSError:
        return []
    return sorted(name for name in names if not name.startswith("."))


def _really_is(source: FileSource) -> str:
    """Say what a file is by its first bytes, if that is not what it was read as."""
    try:
        with source.place.open() as raw:
            start = raw.read(4)
    except OSError:
        return ""
    kind = next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)
    if kind == (source.compression or (source.format if source.format == "parquet" else None)):
        return ""
    return f"by its first bytes it is {kind or f'not {source.compression or source.format}'}"
