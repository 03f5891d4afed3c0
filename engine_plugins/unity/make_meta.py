"""Makes the ``.meta`` files of the Unity package: ``python engine_plugins/unity/make_meta.py [--check]``.

Unity wants one beside each file and folder of a package, with a GUID that never changes, because scenes and prefabs
refer to scripts by it. A GUID here is the MD5 of the path inside the package, so it is the same whoever makes it; a
file that is moved keeps the GUID that it had: it stands in ``MOVED``. Names that end in ``~`` are hidden from Unity and
get none.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path, PurePosixPath
from typing import Final

PACKAGE: Final = Path(__file__).parent / "com.genlock.bridge"

MOVED: Final[dict[str, str]] = {}
"""From the path that a file has now to the path that its GUID was made from."""

_FOLDER = """folderAsset: yes
DefaultImporter:
  externalObjects: {}
  userData:
  assetBundleName:
  assetBundleVariant:
"""
_SCRIPT = """MonoImporter:
  externalObjects: {}
  serializedVersion: 2
  defaultReferences: []
  executionOrder: 0
  icon: {instanceID: 0}
  userData:
  assetBundleName:
  assetBundleVariant:
"""
_OTHER = """{importer}:
  externalObjects: {{}}
  userData:
  assetBundleName:
  assetBundleVariant:
"""
_IMPORTERS: Final = {
    ".asmdef": "AssemblyDefinitionImporter",
    ".md": "TextScriptImporter",
    ".xml": "TextScriptImporter",
}


def guid(path: PurePosixPath) -> str:
    """The GUID of a file or folder, from its path inside the package."""
    name = str(path)
    return hashlib.md5(f"com.genlock.bridge/{MOVED.get(name, name)}".encode(), usedforsecurity=False).hexdigest()


def meta(path: PurePosixPath, is_folder: bool) -> str:
    """The text of a ``.meta`` file."""
    if is_folder:
        body = _FOLDER
    elif path.suffix == ".cs":
        body = _SCRIPT
    else:
        importer = "PackageManifestImporter" if str(path) == "package.json" else _IMPORTERS.get(path.suffix)
        body = _OTHER.format(importer=importer or "DefaultImporter")
    return f"fileFormatVersion: 2\nguid: {guid(path)}\n{body}"


def wanted(package: Path) -> dict[Path, str]:
    """Every ``.meta`` file that there must be, with its text."""
    texts: dict[Path, str] = {}
    for path in sorted(package.rglob("*")):
        inside = PurePosixPath(path.relative_to(package).as_posix())
        hidden = any(part.endswith("~") or part.startswith(".") for part in inside.parts)
        if not hidden and path.suffix != ".meta":
            texts[path.with_name(path.name + ".meta")] = meta(inside, path.is_dir())
    return texts


def problems(package: Path) -> list[str]:
    """What is missing, other than it must be, or left over."""
    texts = wanted(package)
    found = [f"{path} is missing" for path in texts if not path.exists()]
    found += [
        f"{path} is not as it must be" for path, text in texts.items() if path.exists() and path.read_text() != text
    ]
    found += [f"{path} belongs to nothing" for path in sorted(package.rglob("*.meta")) if path not in texts]
    return found


def write(package: Path) -> None:
    """Makes all that are wanted and removes all that are not."""
    texts = wanted(package)
    for path in package.rglob("*.meta"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        path.write_text(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true", help="say what is not as it must be, and change nothing")
    if parser.parse_args().check:
        sys.exit("\n".join(problems(PACKAGE)) or 0)
    write(PACKAGE)
