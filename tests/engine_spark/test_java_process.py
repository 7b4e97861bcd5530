"""Spark's Java process: started quietly, without secrets on its command line."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.spark


def test_spark_writes_to_a_file_and_secrets_stay_off_the_command_line(run_python, tmp_path):
    code = (
        "import json, os, sys\n"
        "from pathlib import Path\n"
        "from odibi_core.plugin import EngineConfig\n"
        "from odibi_engine_spark.engine import SparkEngine\n"
        "conf = {'spark.ui.enabled': False, 'spark.hadoop.fs.s3a.secret.key': 's3cret', 'spark.app.token': 's3cret',\n"
        "        'spark.sql.shuffle.partitions': 3}\n"
        "options = {'master': 'local[1]', 'conf': conf, 'delta': False}\n"
        "engine = SparkEngine(EngineConfig(project_root=Path('.'), options=options))\n"
        "session = engine.session\n"
        "commands = []\n"
        "for entry in Path('/proc').iterdir() if Path('/proc/self').exists() else ():\n"
        "    try: commands.append((entry / 'cmdline').read_bytes().decode(errors='replace'))\n"
        "    except OSError: pass\n"
        "try: session.sql('select raise_error(\"boo\")').collect()\n"
        "except Exception as error: said = engine.explain_error(error, {})\n"
        "key = session.sparkContext.getConf().get('spark.hadoop.fs.s3a.secret.key')\n"
        "print(json.dumps([said, key, session.conf.get('spark.sql.shuffle.partitions'),\n"
        "                  any('s3cret' in text for text in commands if 'SparkSubmit' in text and 'import json' not in text)]))\n"
        "engine.close()\n"
    )

    done = run_python(code, env={"SPARK_LOCAL_IP": "127.0.0.1"})

    assert done.stderr == ""
    assert json.loads(done.stdout) == ["boo", "s3cret", "3", False]
    log = (tmp_path / ".odibi" / "logs" / "spark.log").read_text()
    assert "boo" in log
    assert "s3cret" not in log


def test_a_java_process_that_does_not_start_says_why(run_python):
    code = (
        "from pathlib import Path\n"
        "from odibi_engine_spark.options import SparkEngineOptions\n"
        "from odibi_engine_spark.sessions.classic import build_classic\n"
        "options = SparkEngineOptions(master='local[1]', delta=False, conf={'spark.driver.extraJavaOptions': '-agentlib:nonsense'})\n"
        "try: build_classic(options, project_root=Path('.').resolve())\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )

    done = run_python(code, env={"SPARK_LOCAL_IP": "127.0.0.1"})

    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("SparkUnavailableError Spark (local[1]) does not start: ")
    assert "nonsense" in done.stdout
    assert done.stdout.rstrip().endswith("spark.log.")
