"""docs/protocol.md names all that the types have, and its worked examples are the vectors' bytes."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from bridge.app import App
from bridge.protocol import (
    CLIENT_MESSAGES,
    SERVER_MESSAGES,
    SUBPROTOCOL,
    VERSION,
    Action,
    CloseCode,
    DeviceInfo,
    ErrorCode,
    Limits,
    Message,
    NoticeCode,
    Target,
    type_of,
)
from bridge.tracking import JOINTS, ROW, ROW_BYTES, WIDTH, Part

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
INNER = {"hello": (App, DeviceInfo), "scene": (Target,), "welcome": (Limits,), "actions": (Action,)}


def section(heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    start = PAGE.index(f"\n{heading}\n") + 1
    end = re.search(rf"^#{{1,{level}}} ", PAGE[start + len(heading) :], re.MULTILINE)
    return PAGE[start : start + len(heading) + end.start()] if end else PAGE[start:]


def rows(text: str) -> dict[str, list[str]]:
    """The rows of all tables in a text, by what stands in their first cell."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row for row in cells}


@pytest.mark.parametrize("message", CLIENT_MESSAGES + SERVER_MESSAGES, ids=type_of)
def test_every_key_has_its_row(message: type[Message]) -> None:
    name = type_of(message)
    told = rows(section(f"### `{name}`"))
    for struct in (message, *INNER.get(name, ())):
        for field in msgspec.structs.fields(struct):
            assert field.encode_name in told, f"{name}.{field.encode_name}"


@pytest.mark.parametrize("message", CLIENT_MESSAGES, ids=type_of)
def test_what_a_client_must_send_is_called_required(message: type[Message]) -> None:
    told = rows(section(f"### `{type_of(message)}`"))
    for field in msgspec.structs.fields(message):
        # A key of a map within may have the same name; of those the last row counts.
        if field.encode_name not in ("version", "name", "id"):
            assert (told[field.encode_name][3] == "required") is field.required, field.encode_name


def test_every_error_code_has_its_row() -> None:
    assert set(rows(section("## Errors"))) - {"code", "---"} == set(ErrorCode)


def test_every_notice_has_its_row() -> None:
    assert set(rows(section("## Notices"))) - {"code", "---"} == set(NoticeCode)


def test_every_close_code_has_its_row() -> None:
    told = {int(code) for code in rows(section("## Close codes")) if code.isdigit()}
    assert told >= {int(code) for code in CloseCode}
    assert {code for code in told if code >= 4000} == {int(code) for code in CloseCode}


def test_the_parts_of_a_frame() -> None:
    told = rows(section("### `frame`"))
    for bit, part in enumerate(Part):
        _, mask, name, floats, size, _ = told[str(bit)]
        assert (int(mask), name.replace(" ", "_").upper()) == (part, part.name)
        assert (int(floats), int(size)) == (WIDTH[part], 4 * WIDTH[part])
    assert f"{ROW} floats, {ROW_BYTES} bytes" in PAGE


def test_all_joints_are_named_in_their_order() -> None:
    table = section("### `frame`").partition("XR_EXT_hand_tracking")[2]
    bones = ("metacarpal", "proximal", "intermediate", "distal", "tip")
    thumb = [f"thumb {bone}" for bone in bones if bone != "intermediate"]
    fingers = [f"{finger} {bone}" for finger in ("index", "middle", "ring", "little") for bone in bones]
    named = re.findall(r"\| (\d+) ([a-z ]+?) (?=\|)", table)
    assert named == [(str(at), name) for at, name in enumerate(["palm", "wrist", *thumb, *fingers])]
    assert len(named) == JOINTS


def test_versions() -> None:
    assert f"version {VERSION}\n" in PAGE
    assert f"`{SUBPROTOCOL}`" in PAGE


def test_worked_examples_are_the_vectors() -> None:
    examples = re.findall(r"```hex (\S+)\n(.*?)```", PAGE, re.DOTALL)
    assert [name for name, _ in examples] == ["frame/head", "actions/head_and_right"]
    for name, lines in examples:
        data = b"".join(bytes.fromhex(line.partition("  ")[0]) for line in lines.splitlines())
        assert data == (ROOT / "tests" / "vectors" / f"{name}.msgpack").read_bytes()


def test_links_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", PAGE, re.M)
    }
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        else:
            assert (ROOT / "docs" / target).is_file(), target
