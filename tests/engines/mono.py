"""Mono for tests of the Unity package: compiles C#, runs NUnit and programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "engine_plugins" / "unity" / "com.genlock.bridge"
HERE = Path(__file__).parent / "unity"
NUNIT = Path("/usr/lib/cli/nunit.framework-2.6.3/nunit.framework.dll")
LIMIT_S = 600


def require() -> None:
    """Skips the test where there is no Mono, or fails it where ``GENLOCK_ENGINES`` says that there must be one."""
    if all(map(shutil.which, ("mono", "mcs", "nunit-console"))) and NUNIT.exists():
        return
    words = "Mono or NUnit is not installed: tests/engines/get_mono.sh installs them on Debian"
    if os.environ.get("GENLOCK_ENGINES") == "required":
        pytest.fail(words)
    pytest.skip(words)


def compile_csharp(
    output: Path,
    sources: Sequence[Path],
    references: Sequence[Path] = (),
    defines: Sequence[str] = (),
) -> Path:
    """Compiles to a library or program with warnings as errors; its path.

    Raises:
        AssertionError: it does not compile; with what the compiler said.
    """
    files = [
        str(source) for folder in sources for source in (sorted(folder.rglob("*.cs")) if folder.is_dir() else [folder])
    ]
    assert files, f"nothing to compile for {output.name}"
    # 649: Unity fills serialized fields, and the compiler cannot know.
    command = ["mcs", "-langversion:latest", "-warnaserror", "-nowarn:649", "-debug", f"-out:{output}"]
    command.append("-target:library" if output.suffix == ".dll" else "-target:exe")
    command += [f"-r:{reference}" for reference in references]
    command += [f"-d:{define}" for define in defines]
    done = subprocess.run([*command, *files], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    for reference in references:
        if reference.parent != output.parent:
            shutil.copy(reference, output.parent)
    return output


@dataclass
class Outcome:
    """What NUnit said: how many tests passed, and the failures in words."""

    passed: int
    failures: list[str]


def run_nunit(assembly: Path, environment: dict[str, str] | None = None) -> Outcome:
    """Runs all tests of an assembly."""
    report = assembly.with_suffix(".xml")
    done = subprocess.run(
        ["nunit-console", "-nologo", "-noshadow", "-nothread", "-domain=None", f"-xml={report}", str(assembly)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        cwd=assembly.parent,
        env={**os.environ, **(environment or {})},
    )
    assert report.exists(), done.stdout + done.stderr
    passed = 0
    failures = []
    for case in ElementTree.parse(report).iter("test-case"):
        if case.get("result") == "Success":
            passed += 1
        else:
            text = "".join(case.itertext()).strip()
            failures.append(f"{case.get('name')}: {case.get('result')}: {text}")
    if done.returncode != 0 and not failures:
        failures.append(done.stdout + done.stderr)
    return Outcome(passed, failures)
