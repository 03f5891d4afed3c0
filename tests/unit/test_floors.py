"""Imports go one way: a module imports only from floors below its own, and the gateway does without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

FLOORS = [
    {"models"},
    {
        "bridge",
        "bridge.fields",
        "bridge.faults",
        "bridge.manifest",
        "bridge.app",
        "bridge.protocol",
        "bridge.tracking",
        "bridge.spaces",
        "bridge.asyncapi",
        "bridge.child",
        "bridge.cores",
        "bridge.logs",
        "bridge.spawned",
    },
    {
        "bridge.frame_path",
        "bridge.event_path",
        "bridge.actions",
        "bridge.aim",
        "bridge.device_clock",
        "bridge.likely",
        "bridge.profiles",
        "bridge.recording",
    },
    {"bridge.users", "bridge.utterances"},
    {"bridge.teaching", "bridge.speech", "bridge.sights"},
    {"bridge.session"},
    {"bridge.sessions"},
    {"bridge.transport", "bridge.visit"},
    {"bridge.metrics", "bridge.daemon"},
    {"bridge.headset", "bridge.bench"},
    {"bridge.cli"},
    {"bridge.__main__"},
]


def floor(module: str) -> int:
    """The floor of a module, by the longest name in ``FLOORS`` that it begins with."""
    best, found = "", -1
    for number, names in enumerate(FLOORS):
        for name in names:
            exact = name == "bridge"
            if (module == name or (not exact and module.startswith(name + "."))) and len(name) > len(best):
                best, found = name, number
    assert found >= 0, f"{module} stands on no floor; put it on one in FLOORS"
    return found


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in [*ROOT.glob("bridge/**/*.py"), *ROOT.glob("models/**/*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def test_nobody_imports_from_a_floor_above() -> None:
    known = modules()
    wrong = [
        f"{name} imports {imported}"
        for name, tree in known.items()
        for imported in imports(tree)
        if imported in known and floor(imported) > floor(name)
    ]
    assert wrong == []


def test_models_know_nothing_of_the_bridge() -> None:
    wrong = [
        name for name, tree in modules().items() if name.startswith("models") for i in imports(tree) if "bridge" in i
    ]
    assert wrong == []


def test_the_gateway_does_without_torch() -> None:
    code = "import sys, bridge.daemon, bridge.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
