"""uv looks for packages where pip is told to, and the user is not asked twice."""

from __future__ import annotations

import doctest
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "uv.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tools_uv", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("settings", "environ", "told"),
    [
        pytest.param({"index-url": "https://a"}, {}, {"UV_DEFAULT_INDEX": "https://a"}, id="index"),
        pytest.param(
            {"extra-index-url": "\nhttps://a\nhttps://b"}, {}, {"UV_INDEX": "https://a https://b"}, id="extra"
        ),
        pytest.param({"find-links": "/a /b"}, {}, {"UV_FIND_LINKS": "/a,/b"}, id="find-links"),
        pytest.param({"cert": "/c.pem"}, {"SSL_CERT_FILE": "/own.pem"}, {}, id="own certificates stay"),
        pytest.param({"index-url": "https://a"}, {"UV_DEFAULT_INDEX": "https://b"}, {}, id="own index stays"),
        pytest.param({"index-url": "https://a"}, {"UV_INDEX_URL": "https://b"}, {}, id="own index in the old variable"),
        pytest.param({"timeout": "60"}, {}, {}, id="what has nothing to do with indexes"),
    ],
)
def test_settings_of_pip_reach_uv(
    tool: ModuleType, settings: dict[str, str], environ: dict[str, str], told: dict[str, str]
) -> None:
    assert tool.uv_environment(settings, environ) == environ | told


def test_examples_hold(tool: ModuleType) -> None:
    assert doctest.testmod(tool).failed == 0


def test_configuration_file_of_pip_is_read_and_not_shown(tmp_path: Path) -> None:
    configuration = tmp_path / "pip.conf"
    configuration.write_text("[global]\nindex-url = http://ann:secret@127.0.0.1:9/simple\n")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    environ |= {"PIP_CONFIG_FILE": str(configuration), "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"}
    words = ["pip", "install", "--dry-run", "--target", str(tmp_path / "target"), "no-such-package-of-this-name"]

    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode != 0
    assert "127.0.0.1:9" in done.stderr
    assert "secret" not in done.stdout + done.stderr
