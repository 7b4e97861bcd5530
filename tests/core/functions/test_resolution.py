"""From a row's module and function to what runs: the order, the reasons, and what is said if there is nothing."""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.errors import FunctionError, FunctionNotFoundError, FunctionSignatureError
from odibi_core.functions import REGISTRY, CallStyle, explain_function, resolve_function
from odibi_core.loading import import_project_module

VARIANTS = """
    from odibi_core.functions import pandas_function, spark_function, universal_function

    @pandas_function()
    def clean(df):
        return "pandas"

    @spark_function()
    def clean(df):
        return "spark"

    @universal_function(name="dedupe")
    def dedupe_everywhere(df):
        return "any"

    @pandas_function(name="dedupe")
    def dedupe_pandas(df):
        return "pandas"

    @spark_function()
    def only_spark(df):
        return "spark"

    def plain(df, constants=None):
        return "plain"

    LIMIT = 3
    """


@pytest.fixture
def root(project):
    return project(files={"silver/functions.py": VARIANTS, "silver/checks.py": "def check(df): ...\n", "gold.py": ""})


@pytest.mark.parametrize(
    ("name", "engine", "answer", "chosen"),
    [
        ("clean", "pandas", "pandas", ("pandas", "registered for engine 'pandas' in silver.functions")),
        ("clean", "spark", "spark", ("spark", "registered for engine 'spark' in silver.functions")),
        ("clean", " Spark ", "spark", ("spark", "registered for engine 'spark' in silver.functions")),
        ("dedupe", "pandas", "pandas", ("pandas", "registered for engine 'pandas' in silver.functions")),
        ("dedupe", "polars", "any", ("any", "registered for any engine in silver.functions")),
        ("plain", "pandas", "plain", ("", "attribute of silver.functions")),
        ("dedupe_pandas", "pandas", "pandas", ("pandas", "attribute of silver.functions, written for engine 'pandas'")),
        ("dedupe_everywhere", "polars", "any", ("any", "attribute of silver.functions, written for any engine")),
    ],
)
def test_first_resolution_in_a_fresh_process_finds_the_right_variant(root, name, engine, answer, chosen):
    """A-17, D-17: v2 ran the last definition of the module, whatever its engine."""
    resolved = resolve_function("silver.functions", name, engine, root=root)

    assert resolved.function(None) == answer
    assert (resolved.engine, resolved.why) == chosen
    assert resolved.file == str(root / "silver" / "functions.py")
    assert resolved.line > 1


def test_signature_is_part_of_the_answer(root):
    assert resolve_function("silver.functions", "plain", "pandas", root=root).signature.constants == "dict"
    assert resolve_function("odibi_core.functions.ingestion", "ingest", "pandas", root=root).signature.frames == ("df",)


def test_function_of_another_module_is_never_the_answer(project):
    """A-16, D-16."""
    root = project(
        files={
            "a.py": "from odibi_core.functions import pandas_function\n@pandas_function()\ndef clean(df): return 'a'\n",
            "b.py": "def clean(df): return 'b'\n",
            "c.py": "",
        }
    )
    assert resolve_function("a", "clean", "pandas", root=root).function(None) == "a"

    assert resolve_function("b", "clean", "pandas", root=root).function(None) == "b"
    with pytest.raises(
        FunctionNotFoundError, match=r"Module 'c' \(.*c\.py\) has no function 'clean'. It has no functions"
    ):
        resolve_function("c", "clean", "pandas", root=root)


def test_function_that_a_module_imports_is_its_attribute(project):
    root = project(
        files={
            "shared.py": "def clean(df): return 'shared'\n",
            "silver.py": "from shared import clean\n",
        }
    )

    assert resolve_function("silver", "clean", "pandas", root=root).function(None) == "shared"


def test_function_that_exists_for_other_engines_only_is_refused(root):
    with pytest.raises(FunctionNotFoundError) as caught:
        resolve_function("silver.functions", "only_spark", "pandas", root=root)

    assert "silver.functions.only_spark exists for spark, and not for engine 'pandas'" in str(caught.value)
    with pytest.raises(FunctionNotFoundError, match="exists for pandas, spark, and not for engine 'polars'"):
        resolve_function("silver.functions", "clean", "polars", root=root)


def test_function_that_is_only_marked_for_another_engine_is_refused(project):
    root = project(
        files={
            "silver.py": "from odibi_core.functions import odibi_function\n"
            "@odibi_function('spark', auto_register=False)\ndef clean(df): ...\n"
        }
    )

    with pytest.raises(FunctionNotFoundError, match="exists for spark, and not for engine 'pandas'"):
        resolve_function("silver", "clean", "pandas", root=root)
    assert resolve_function("silver", "clean", "spark", root=root).engine == "spark"


def test_function_is_found_under_a_logical_module_that_cannot_be_imported(project):
    """Tutorial 04 registers functions under modules of the manifest's own making."""
    root = project(
        files={
            "transactions.py": "from odibi_core.functions import pandas_function\n"
            "@pandas_function(module='cleaning.transactions')\ndef clean(df): return 'found'\n"
        }
    )
    import_project_module("transactions", root)

    resolved = resolve_function("cleaning.transactions", "clean", "pandas", root=root)

    assert resolved.function(None) == "found"
    with pytest.raises(
        FunctionNotFoundError, match=r"has no function 'claen'\. It has: clean \(pandas\)\. Did you mean"
    ):
        resolve_function("cleaning.transactions", "claen", "pandas", root=root)


def test_missing_function_lists_what_there_is_with_a_suggestion(root):
    with pytest.raises(FunctionNotFoundError) as caught:
        resolve_function("silver.functions", "claen", "pandas", root=root)

    message = str(caught.value)
    assert "has no function 'claen'" in message
    assert (
        "clean (pandas, spark), dedupe (any, pandas), dedupe_everywhere, dedupe_pandas, only_spark (spark)" in message
    )
    assert "plain" in message
    assert "pandas_function" not in message
    assert "Did you mean 'clean'?" in message


def test_long_list_of_functions_is_cut(project):
    root = project(files={"many.py": "\n".join(f"def f{number:02}(df): ..." for number in range(30))})

    with pytest.raises(FunctionNotFoundError, match=r"f00, .*f19 and 10 more\."):
        resolve_function("many", "zzz", "pandas", root=root)


def test_what_cannot_be_called_is_said_to_be_no_function(root):
    with pytest.raises(FunctionNotFoundError, match=r"silver\.functions\.LIMIT is no function; it is of type int"):
        resolve_function("silver.functions", "LIMIT", "pandas", root=root)


def test_missing_module_suggests_one_of_the_project(root):
    with pytest.raises(FunctionNotFoundError, match=r"no module 'silver\.funcions'.*Did you mean 'silver\.functions'"):
        resolve_function("silver.funcions", "clean", "pandas", root=root)
    with pytest.raises(FunctionNotFoundError, match=r"no module 'silvr\.functions'.*Did you mean 'silver\.functions'"):
        resolve_function("silvr.functions", "clean", "pandas", root=root)
    with pytest.raises(FunctionNotFoundError, match=r"Beside it there are: silver\.checks, silver\.functions\."):
        resolve_function("silver.zzzzzz", "clean", "pandas", root=root)


def test_virtual_environment_in_the_project_is_not_searched(project):
    root = project(files={"env/pyvenv.cfg": "", "env/lib/silver_functions.py": "", "silver_function.py": ""})

    with pytest.raises(FunctionNotFoundError, match="Did you mean 'silver_function'"):
        resolve_function("lib.silver_functions", "f", "pandas", root=root / "env" / "..")


def test_missing_module_without_a_project():
    with pytest.raises(FunctionNotFoundError, match=r"no module 'no_such_module'\. Install what provides it"):
        resolve_function("no_such_module", "f", "pandas", root=None)


@pytest.mark.parametrize(
    ("module", "suggestion"),
    [("silver/functions.py", "'silver.functions'"), ("silver\\functions", "'silver.functions'"), ("", ""), ("a b", "")],
)
def test_what_is_no_module_name_is_said_to_be_none(root, module, suggestion):
    with pytest.raises(FunctionNotFoundError, match=r"is no name of a module") as caught:
        resolve_function(module, "clean", "pandas", root=root)
    assert suggestion in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message", "cause"),
    [
        (
            "import os\nimport no_such_library\n",
            r"ModuleNotFoundError: No module .* \(broken\.py:2\)",
            ModuleNotFoundError,
        ),
        ("x = 1\n\n1 / 0\n", r"ZeroDivisionError: division by zero \(broken\.py:3\)", ZeroDivisionError),
        ("def f(:\n", r"SyntaxError: .* \(broken\.py:1\)", SyntaxError),
        ("import sys\nsys.exit(3)\n", r"SystemExit: 3 \(broken\.py:2\)", SystemExit),
        ("import json\njson.loads('{')\n", r"JSONDecodeError: .* \(broken\.py:2\)", ValueError),
        ("raise ValueError('pwd=s3cret')\n", r"ValueError: pwd=\*\*\* \(broken\.py:1\)", ValueError),
    ],
    ids=["library", "exception", "syntax", "exit", "inside a library", "secret"],
)
def test_module_that_cannot_be_imported_names_the_cause_and_its_line(project, source, message, cause):
    root = project(files={"broken.py": source})

    with pytest.raises(FunctionError, match=rf"Module 'broken' cannot be imported: {message}") as caught:
        resolve_function("broken", "f", "pandas", root=root)

    assert not isinstance(caught.value, FunctionNotFoundError)
    assert isinstance(caught.value.__cause__, cause)


def test_function_that_fits_no_style_is_a_signature_error(project):
    root = project(files={"silver.py": "async def clean(df): ...\n"})

    with pytest.raises(FunctionSignatureError, match="is async"):
        resolve_function("silver", "clean", "pandas", root=root)


def test_two_projects_with_the_same_module_do_not_mix(project):
    """A-16 across projects: what one registered is not what the other's name means."""
    source = "from odibi_core.functions import pandas_function\n@pandas_function()\ndef clean(df): return {!r}\n"
    one = project("one", {"silver/functions.py": source.format("one") + "@pandas_function()\ndef extra(df): ...\n"})
    two = project("two", {"silver/functions.py": source.format("two")})

    held = []  # modules that are put out live on as long as somebody holds them
    for root, answer in ((one, "one"), (two, "two"), (one, "one")):
        resolved = resolve_function("silver.functions", "clean", "pandas", root=root)
        held.append(sys.modules["silver.functions"])
        assert resolved.function(None) == answer
        assert resolved.engine == "pandas"
    resolve_function("silver.functions", "clean", "pandas", root=two)
    explained = explain_function("silver.functions", "extra", "pandas", root=two)
    assert explained.resolved is None
    assert "only that of another project" in explained.steps[1].found
    assert "It has: clean (pandas)." in str(explained.error)


def test_switching_between_projects_warns_of_nothing(project, caplog):
    source = "from odibi_core.functions import pandas_function\n{}@pandas_function()\ndef clean(df): ...\n"
    one = project("one", {"silver/functions.py": source.format("")})
    two = project("two", {"silver/functions.py": source.format("\n\n")})

    for root in (one, two, one):
        resolve_function("silver.functions", "clean", "pandas", root=root)

    assert caplog.messages == []


def test_explanation_lists_the_places_in_order_and_the_reason(root):
    explained = explain_function("silver.functions", "dedupe", "Polars", root=root)

    assert [(step.tried, step.is_answer) for step in explained.steps] == [
        ("import of silver.functions", False),
        ("registry: silver.functions.dedupe for engine 'polars'", False),
        ("registry: silver.functions.dedupe for any engine", True),
    ]
    assert explained.steps[1].found == "nothing"
    assert explained.resolved.why == "registered for any engine in silver.functions"
    assert explained.error is None


def test_explanation_of_what_is_not_there_carries_the_error(root):
    explained = explain_function("silver.functions", "claen", "pandas", root=root)

    assert [step.found for step in explained.steps[1:]] == ["nothing", "nothing", "nothing"]
    assert isinstance(explained.error, FunctionNotFoundError)
    assert explained.resolved is None


@pytest.mark.parametrize("name", ["plain", "claen", "only_spark", "LIMIT"])
def test_explanation_is_plain_data(root, name):
    data = explain_function("silver.functions", name, "pandas", root=root).to_dict()

    assert json.loads(json.dumps(data)) == data
    assert (data["error"] is None) == (name == "plain")
    assert data["style"] == (CallStyle.MANAGED if name == "plain" else None)


def test_explanation_agrees_with_resolution(root):
    for name in ("clean", "dedupe", "plain"):
        for engine in ("pandas", "spark"):
            explained = explain_function("silver.functions", name, engine, root=root)
            assert explained.resolved == resolve_function("silver.functions", name, engine, root=root)
            assert explained.steps[-1].is_answer


def test_own_registry_is_asked_instead_of_the_process_wide_one(root):
    registry = type(REGISTRY).isolated()
    registry.register("clean", "pandas", len, module="silver.functions")

    assert resolve_function("silver.functions", "clean", "pandas", root=root, registry=registry).function is len


def test_threads_that_resolve_at_once_get_the_same_function(root):
    """A-22."""
    barrier = threading.Barrier(32, timeout=60)

    def work(number):
        barrier.wait()
        return [
            resolve_function("silver.functions", name, "pandas", root=root).function(None)
            for name in ("clean", "dedupe", "plain")
        ]

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(work, range(32)))

    assert results == [["pandas", "pandas", "plain"]] * 32
    assert "silver.functions" in sys.modules
