"""The Godot addon in the real engine, headless, against real daemons."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgpack
import pytest

from tests.daemons import served
from tests.engines.godot_engine import ADDON, ROOT, RUNNERS, NoEngine, Project, find_engine
from tests.engines.headset import headset
from tests.engines.msgpack_cases import BROKEN, CASES, DECODED_ONLY, Extension

VECTORS = ROOT / "tests" / "vectors"


@pytest.fixture(scope="session")
def engine() -> Path:
    """The engine; without it the tests are skipped, but where ``GENLOCK_ENGINES=required`` they fail."""
    try:
        return find_engine()
    except NoEngine as error:
        if os.environ.get("GENLOCK_ENGINES") == "required":
            pytest.fail(f"Godot cannot be had: {error}")
        pytest.skip(f"NOT TESTED: the Godot addon, because the engine cannot be had: {error}")


@pytest.fixture(scope="session")
def project(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the addon, in which every warning of a script is an error."""
    return Project.make(engine, tmp_path_factory.mktemp("godot") / "project")


def typed_json(value: Any) -> Any:
    """A value for ``Checks.typed``: JSON has neither bytes nor integers of 64 bits."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Extension):
        return {"extension": [str(value.type), value.data.hex()]}
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": struct.pack("<d", value).hex()}
    if isinstance(value, str):
        return {"text": value}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return {"list": [typed_json(item) for item in value]}
    return {"map": [[typed_json(key), typed_json(item)] for key, item in value.items()]}


def _with_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else {k: _with_bytes(v) for k, v in value.items()}
    return [_with_bytes(item) for item in value] if isinstance(value, list) else value


def _is_msgpack(data: bytes) -> bool:
    try:
        msgpack.unpackb(data, strict_map_key=False, unicode_errors="replace")
    except (ValueError, msgpack.UnpackException):
        return False
    return True


def _codec_cases() -> dict[str, Any]:
    index = json.loads((VECTORS / "index.json").read_text())
    vectors = []
    for entry in index["good"]:
        path = VECTORS / entry["path"]
        vector = json.loads(path.with_suffix(".json").read_text())
        vectors.append(
            {
                "path": entry["path"],
                "bytes": path.with_suffix(".msgpack").read_bytes().hex(),
                "canonical": vector["canonical"],
                "meaning": typed_json(_with_bytes(vector["meaning"])),
                "decoded": vector.get("decoded"),
            }
        )
    bad = []
    for entry in index["bad"]:
        path = VECTORS / entry["path"]
        data = path.with_suffix(".msgpack").read_bytes()
        bad.append({"path": entry["path"], "bytes": data.hex(), "is_msgpack": _is_msgpack(data)})
    cases = [
        {"value": typed_json(value), "encodings": encodings, "canonical": canonical}
        for canonical, group in ((True, CASES), (False, DECODED_ONLY))
        for value, encodings in group
    ]
    return {"msgpack": cases, "broken": BROKEN, "vectors": vectors, "bad": bad}


def run_checks(project: Project, runner: str, at_least: int, **environment: str) -> None:
    """Runs a script of checks; fails with what it printed."""
    ran = project.run("--script", f"res://{runner}", **environment)
    assert ran.code == 0, ran.output
    assert not ran.mistakes, ran.output
    (result,) = ran.results()
    assert result["wrong"] == 0, ran.output
    assert result["checked"] >= at_least, ran.output


def test_every_vector_and_every_format_of_msgpack(project: Project, tmp_path: Path) -> None:
    cases = _codec_cases()
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    run_checks(project, "codec.gd", at_least=3 * len(cases["vectors"]) + 400, CASES=str(tmp_path / "cases.json"))


APP = {
    "name": "shop",
    "actions": [
        {"name": "take", "phrases": ["pick up {target}", "take {target}", "give me {target}"], "target": "required"},
        {
            "name": "paint",
            "phrases": ["paint {target} {colour}", "make {target} {colour}"],
            "target": "required",
            "arguments": [{"name": "colour", "values": ["red", "blue"], "required": True}],
        },
        {"name": "undo", "phrases": ["undo", "take that back", "revert the last change"]},
    ],
}


def text(words: str) -> dict[str, str]:
    return {"text": words}


async def test_what_a_developer_gets(project: Project, tmp_path: Path) -> None:
    async with served(tmp_path, models=()) as daemon, headset(project) as worn:
        await worn.do("set", values={"url": daemon.url, "user": "ada"})
        await worn.do("app", app=APP)
        await worn.do(
            "targets",
            targets=[
                {"id": "k", "name": "Kettle", "position": [0, 1, -1]},
                {"id": "m", "name": "Mug", "position": [1, 1, -1]},
            ],
        )
        await worn.do("connect")
        print("told"); await worn.event("connected", timeout_s=30)
        await worn.event("welcomed")
        await worn.event("forecast")
        said = await worn.ask("say", text("take the kettle"))
        acted = await worn.event("action_performed")
        assert (acted["name"], acted["target"], acted["node"], acted["id"]) == ("take", "k", True, said)
        await worn.event("finished", id=said, done=True)
        print(await worn.count())
        ran = await worn.quit()
        print(worn.events)


def test_scripts_are_formatted_and_linted() -> None:
    scripts = [str(ADDON), str(RUNNERS)]
    for command in (["gdformat", "--check"], ["gdlint"]):
        checked = subprocess.run(
            [str(Path(sys.executable).with_name(command[0])), *command[1:], *scripts],
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        assert checked.returncode == 0, checked.stdout + checked.stderr
