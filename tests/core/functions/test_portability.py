"""Which functions are portable, and what they get: read from annotations, however they are written."""

from __future__ import annotations

import subprocess
import sys

import pytest

from odibi_core.errors import FunctionError
from odibi_core.functions import REGISTRY, FrameKind, explain_function, odibi_function, read_signature, resolve_function

V2 = "narwhals.stable.v2"


def portable(module, name):
    """The parameters of a function that get frames of Narwhals, as text."""
    signature = read_signature(getattr(module, name))
    return {parameter.name: str(parameter.portable) for parameter in signature.parameters if parameter.portable}


@pytest.fixture
def module(project):
    """Import a module of a project: `module(source)`."""
    from odibi_core.loading import import_project_module, project_imports

    def make(source):
        root = project(files={"portable_functions.py": source})
        with project_imports(root):
            return import_project_module("portable_functions", root)

    return make


EVALUATED = """
    from typing import Annotated, Optional, Union

    import narwhals as main
    import narwhals.stable.v1 as v1
    import narwhals.stable.v2 as nw
    from narwhals.stable.v2 import DataFrame as Eager
    from narwhals.stable.v2.typing import FrameT, LazyFrameT

    def lazy(df: nw.LazyFrame): ...
    def generic(df: nw.LazyFrame[object]): ...
    def eager(df: Eager): ...
    def text(df: "nw.DataFrame"): ...
    def unstable(df: main.LazyFrame): ...
    def older(df: v1.DataFrame): ...
    def either(df: nw.LazyFrame | nw.DataFrame): ...
    def old_union(df: Union[nw.LazyFrame, nw.DataFrame]): ...
    def optional(df: Optional[nw.LazyFrame] = None): ...
    def annotated(df: Annotated[nw.LazyFrame, "orders"]): ...
    def variable(df: FrameT) -> FrameT: ...
    def lazy_variable(df: LazyFrameT) -> LazyFrameT: ...
    def others_follow(df: nw.LazyFrame, other, *more, how: str = "left"): ...
    def star(*frames: nw.LazyFrame): ...
"""
POSTPONED = "from __future__ import annotations\n" + EVALUATED.replace("\n    ", "\n")
CHECKED_ONLY = """
from __future__ import annotations
from typing import TYPE_CHECKING, Annotated, Optional, Union
if TYPE_CHECKING:
    import narwhals as main
    from narwhals.stable import v1
    import narwhals.stable.v2 as nw
    from narwhals.stable.v2 import DataFrame as Eager
    from narwhals.stable.v2.typing import FrameT, LazyFrameT
""" + EVALUATED[EVALUATED.index("    def lazy") :].replace("\n    ", "\n").lstrip(" ")


@pytest.mark.parametrize(
    "source", [EVALUATED, POSTPONED, CHECKED_ONLY], ids=["evaluated", "postponed", "type checking"]
)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lazy", {"df": f"{V2}.LazyFrame"}),
        ("generic", {"df": f"{V2}.LazyFrame"}),
        ("eager", {"df": f"{V2}.DataFrame"}),
        ("text", {"df": f"{V2}.DataFrame"}),
        ("unstable", {"df": "narwhals.LazyFrame"}),
        ("older", {"df": "narwhals.stable.v1.DataFrame"}),
        ("either", {"df": f"{V2}.typing.FrameT"}),
        ("old_union", {"df": f"{V2}.typing.FrameT"}),
        ("optional", {"df": f"{V2}.LazyFrame"}),
        ("annotated", {"df": f"{V2}.LazyFrame"}),
        ("variable", {"df": f"{V2}.typing.FrameT"}),
        ("lazy_variable", {"df": f"{V2}.LazyFrame"}),
        ("others_follow", dict.fromkeys(("df", "other", "more"), f"{V2}.LazyFrame")),
        ("star", {"frames": f"{V2}.LazyFrame"}),
    ],
)
def test_annotation_makes_a_function_portable(module, source, name, expected):
    assert portable(module(source), name) == expected


def test_other_annotations_do_not(module):
    found = module("""
        from __future__ import annotations
        import pandas as pd
        from narwhals.typing import IntoFrame

        def pandas(df: pd.DataFrame) -> pd.DataFrame: ...
        def unknown(df: nowhere.LazyFrame): ...
        def own(df: LazyFrame): ...
        def native(df: IntoFrame): ...
        def broken(df: "LazyFrame of orders"): ...
        def none(df): ...
        def v2_style(inputs, spark: LazyFrame): ...
    """)

    for name in ("pandas", "unknown", "own", "native", "broken", "none", "v2_style"):
        assert portable(found, name) == {}, name
        assert not read_signature(getattr(found, name)).is_portable


def test_what_the_decorator_says_wins_over_annotations(module):
    found = module("""
        import narwhals.stable.v2 as nw
        from odibi_core.functions import odibi_function

        @odibi_function(portable=True)
        def said(df, other, limit=3, *, factor=2): ...

        @odibi_function(portable=False)
        def unsaid(df: nw.LazyFrame): ...
    """)

    assert portable(found, "said") == dict.fromkeys(("df", "other", "limit"), f"{V2}.LazyFrame")
    assert portable(found, "unsaid") == {}
    assert REGISTRY.get_metadata("said", "any", module="portable_functions")["portable"] is True


def test_objects_and_classes_that_can_be_called_are_read_too(module):
    found = module("""
        from __future__ import annotations
        import functools
        import narwhals.stable.v2 as nw

        class Clean:
            def __call__(self, df: nw.LazyFrame, limit: int = 3): ...
            def method(self, df: nw.LazyFrame): ...

        clean = Clean()
        method = clean.method
        partial = functools.partial(clean.method)
    """)

    for name in ("clean", "method", "partial"):
        assert portable(found, name) == {"df": f"{V2}.LazyFrame"}, name


def test_reason_says_portable_wherever_the_function_was_found(project):
    root = project(
        files={
            "silver.py": """
            from __future__ import annotations
            import narwhals.stable.v2 as nw
            from odibi_core.functions import odibi_function, pandas_function

            @odibi_function(engine="any")
            def registered(df: nw.LazyFrame) -> nw.LazyFrame: ...

            @odibi_function(portable=True)
            def said(df): ...

            @pandas_function()
            def registered(df): ...

            def plain(df: nw.LazyFrame): ...
            """
        }
    )

    def why(name, engine):
        return resolve_function("silver", name, engine, root=root).why

    assert why("registered", "polars") == "portable (Narwhals), registered for any engine in silver"
    assert why("registered", "pandas") == "registered for engine 'pandas' in silver"
    assert why("said", "spark") == "portable (Narwhals), registered for any engine in silver"
    assert why("plain", "spark") == "portable (Narwhals), attribute of silver"
    explained = explain_function("silver", "registered", "spark", root=root).to_dict()
    assert explained["portable"] is True
    assert explained["handed_to"] is None
    assert explained["why"].startswith("portable (Narwhals)")


def test_registering_by_hand_can_say_portable():
    def double(df): ...

    REGISTRY.register("double", "any", double, module="by_hand", portable=True)

    resolved = resolve_function("by_hand", "double", "pandas", root=None)

    assert resolved.signature.parameters[0].portable.kind is FrameKind.LAZY


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import narwhals as nw\ndef clean(df: nw.LazyFrame): ...\n", "No module named 'narwhals'"),
        (
            (
                "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
                "if TYPE_CHECKING:\n    import narwhals as nw\ndef clean(df: nw.LazyFrame): ...\n"
            ),
            "is portable, and Narwhals is not installed",
        ),
    ],
    ids=["at import", "at resolution"],
)
def test_without_narwhals_one_line_says_what_to_install(tmp_path, source, expected):
    (tmp_path / "silver.py").write_text(source, encoding="utf-8")
    code = """
import sys
from importlib.abc import MetaPathFinder
class NoNarwhals(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "narwhals":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "narwhals" else found(name, package)
sys.meta_path.insert(0, NoNarwhals())
from pathlib import Path
from odibi_core.functions import resolve_function
try:
    resolve_function("silver", "clean", "pandas", root=Path.cwd())
except Exception as error:
    print(error)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )

    assert expected in answer.stdout
    assert answer.stdout.strip().endswith("pip install 'odibi-core[portable]'")
    assert len(answer.stdout.strip().splitlines()) == 1


def test_nothing_of_narwhals_is_imported_to_find_that_out():
    code = """
import sys
from odibi_core.functions import odibi_function, read_signature
@odibi_function(portable=True)
def clean(df): ...
@odibi_function()
def text(df: "nw.LazyFrame"): ...
assert read_signature(clean).is_portable
assert not read_signature(text).is_portable
print("narwhals" in sys.modules)
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert answer.stdout.strip() == "False"


def test_decorator_registers_nothing_else():
    @odibi_function(auto_register=False, portable=True)
    def clean(df): ...

    assert clean._odibi_portable is True
    with pytest.raises(FunctionError, match="no function"):
        resolve_function(__name__, "clean_it", "pandas", root=None)
