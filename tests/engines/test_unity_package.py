"""What Unity reads of the package without running it: names, versions, assemblies, GUIDs; and what stands in for it."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path, PurePosixPath
from types import ModuleType

import pytest

from bridge.protocol import VERSION, CloseCode, ErrorCode, NoticeCode

ROOT = Path(__file__).parents[2]
UNITY = ROOT / "engine_plugins" / "unity"
PACKAGE = UNITY / "com.genlock.bridge"
CORE = PACKAGE / "Runtime" / "Core"
STUBS = Path(__file__).parent / "unity" / "stubs"
PUBLIC = re.compile(
    r"^(?:    ){1,2}public (?:static |sealed |abstract )*(?:class|struct|enum|interface|delegate void) (\w+)"
)


@pytest.fixture(scope="module")
def make_meta() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_meta", UNITY / "make_meta.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_meta_files_are_those_that_the_script_makes(make_meta: ModuleType) -> None:
    assert make_meta.problems(PACKAGE) == []


def test_guids_are_stable_and_each_is_there_once(make_meta: ModuleType) -> None:
    client = PurePosixPath("Runtime/Unity/GenlockClient.cs")
    # Scenes of apps refer to the script by this number.
    assert make_meta.guid(client) == "881273b67802dc9aa370edec5d52c394"
    guids = [re.search(r"guid: ([0-9a-f]{32})", path.read_text()) for path in PACKAGE.rglob("*.meta")]
    numbers = [match.group(1) for match in guids if match]
    assert len(numbers) == len(guids) == len(set(numbers)) > 50


def test_the_script_makes_changes_and_removes(make_meta: ModuleType, tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(PACKAGE, package)
    (package / "Runtime" / "New.cs").write_text("")
    (package / "README.md").unlink()
    (package / "CHANGELOG.md.meta").write_text("guid: 0")
    (package / "LICENSE.md.meta").unlink()
    found = "\n".join(make_meta.problems(package))
    for words in (
        "New.cs.meta is missing",
        "README.md.meta belongs to nothing",
        "CHANGELOG.md.meta is not as",
        "LICENSE.md.meta is m",
    ):
        assert words in found
    make_meta.write(package)
    assert make_meta.problems(package) == []
    assert not (package / "README.md.meta").exists()
    assert not list((package / "Samples~").rglob("*.meta"))


def test_versions_agree() -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert re.fullmatch(r"com\.[a-z.]+", manifest["name"])
    assert f"## [{manifest['version']}]" in (PACKAGE / "CHANGELOG.md").read_text()
    protocol = (CORE / "Protocol.cs").read_text()
    assert f'Plugin = "{manifest["name"]} {manifest["version"]}"' in protocol
    assert f'Version = "{VERSION}"' in protocol
    for sample in manifest["samples"]:
        assert (PACKAGE / sample["path"] / "README.md").exists()


def test_assemblies_refer_to_what_there_is() -> None:
    elsewhere = {"Unity.InputSystem", "Unity.XR.Hands"}
    files = list(PACKAGE.rglob("*.asmdef"))
    assemblies = {document["name"]: document for document in (json.loads(path.read_text()) for path in files)}
    assert {path.stem for path in files} == set(assemblies)
    for document in assemblies.values():
        assert set(document["references"]) <= set(assemblies) | elsewhere
        # What needs another package is not compiled where that is not installed.
        if elsewhere & set(document["references"]):
            defined = {entry["define"] for entry in document["versionDefines"]}
            assert document["defineConstraints"] == list(defined)
    assert assemblies["Genlock.Core"]["noEngineReferences"] is True
    assert assemblies["Genlock.Core"]["references"] == []


def test_the_core_has_no_engine_and_no_reflection() -> None:
    for path in CORE.glob("*.cs"):
        text = path.read_text()
        assert "UnityEngine" not in text, path
        assert "System.Reflection" not in text, path
        assert "new Thread" not in text, path
        assert not re.search(r"\.GetType\(\)|Activator\.|\bdynamic\b", text), path


def test_the_linker_is_told_all_assemblies_of_the_runtime() -> None:
    named = {node.get("fullname") for node in ElementTree.parse(PACKAGE / "Runtime" / "link.xml").iter("assembly")}
    assert named == {path.stem for path in (PACKAGE / "Runtime").rglob("*.asmdef")}


def test_all_codes_of_the_daemon_are_named() -> None:
    text = (CORE / "Protocol.cs").read_text()
    for code in [*ErrorCode, *NoticeCode]:
        assert f'"{code.value}"' in text, code
    for close in CloseCode:
        assert f"= {close.value};" in text, close


def test_each_stand_in_names_its_page() -> None:
    pages = (STUBS / "PAGES.md").read_text()
    for path in STUBS.glob("*.cs"):
        for name in filter(None, map(PUBLIC.match, path.read_text().splitlines())):
            if name.group(1) != "Engine":
                assert re.search(rf"[.]{name.group(1)}(<\w+>)?`", pages), f"{path.name}: {name.group(1)}"


def test_each_stand_in_was_held_against_something() -> None:
    rows = [line for line in (STUBS / "PAGES.md").read_text().splitlines() if line.startswith("| `")]
    assert len(rows) > 90
    for row in rows:
        assert re.fullmatch(r"\| `[\w.<>]+` \| \S.* \| .{4,} \|", row), row


def test_the_package_names_the_modules_of_unity_that_it_needs() -> None:
    """A project may be without any of them, and could not compile the package then."""
    signs = {
        "androidjni": "UnityEngine.Android",
        "audio": "AudioClip",
        "imgui": "GUILayout",
        "physics": "Collider",
        "subsystems": "SubsystemManager",
        # In 2021.3 these are in a module that later versions will not have.
        "vr": r"XRSettings|XRDevice|XRStats",
        "xr": "XRDisplaySubsystem",
    }
    text = "\n".join(path.read_text() for path in [*PACKAGE.glob("Runtime/**/*.cs"), *PACKAGE.glob("Editor/*.cs")])
    needed = {f"com.unity.modules.{module}" for module, sign in signs.items() if re.search(rf"\b(?:{sign})\b", text)}
    assert set(json.loads((PACKAGE / "package.json").read_text())["dependencies"]) == needed


def test_public_things_of_the_package_are_described() -> None:
    """A summary before every public type and method; fields of plain records speak for themselves."""
    declared = re.compile(
        r"^\s+public (?!override)[^=;(]*\b(?:class|struct|enum|interface)\b|^\s+public (?!override)[^=;]*\w\("
    )
    for path in [*CORE.glob("*.cs"), *(PACKAGE / "Runtime" / "Unity").glob("*.cs")]:
        lines = path.read_text().splitlines()
        for at, line in enumerate(lines):
            if declared.match(line) and "internal" not in line and path.name not in ("Link.cs", "Connector.cs"):
                before = next(text for text in reversed(lines[:at]) if not text.strip().startswith("["))
                assert "///" in before or "WirePose(" in line or "Feedback(" in line, f"{path.name}:{at + 1}"
