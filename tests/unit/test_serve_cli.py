"""What `genlock serve` says when it cannot start."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app

CERTIFICATE = str(Path(__file__).parents[1] / "integration" / "localhost.pem")
KEY = str(Path(__file__).parents[1] / "integration" / "localhost-key.pem")


def serve(folder: Path, *arguments: str) -> tuple[int, str]:
    profiles = ("--profiles", str(folder / "p.sqlite"))
    result = CliRunner().invoke(app, ["serve", *profiles, *arguments], env={"GENLOCK_TOKEN": ""})
    assert "Traceback" not in result.output
    return result.exit_code, result.output.replace("\n", " ")


def test_other_machines_need_a_token(tmp_path: Path) -> None:
    code, output = serve(tmp_path, "--host", "0.0.0.0")
    assert code == 2
    assert "--token" in output


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output = serve(tmp_path, "--port", str(port), "--engine", "in-process")
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}" in output
    assert "chosen with --port" in output


@pytest.mark.parametrize("engine", ["process", "in-process"])
def test_a_model_that_is_not_there(tmp_path: Path, engine: str) -> None:
    code, output = serve(tmp_path, "--port", "0", "--frame-model", "nothing", "--engine", engine)
    assert code == 1
    assert "no frame model 'nothing'" in output


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    code, output = serve(tmp_path, "--port", "0", "--device", "cuda", "--engine", "in-process")
    assert code == 1
    assert "--device cpu" in output


def test_profiles_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "p.sqlite").write_bytes(b"nonsense" * 100)
    code, output = serve(tmp_path, "--port", "0")
    assert code == 2
    assert "p.sqlite" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--tls-key", "k.pem"), "--tls-cert"),
        (("--tls-cert", "missing.pem"), "missing.pem: cannot be read"),
        (("--tls-cert", CERTIFICATE, "--tls-key", "missing.pem"), "missing.pem: cannot be read"),
        (("--tls-cert", CERTIFICATE), "--tls-cert needs --tls-key, unless the key is in the same file"),
        (("--tls-cert", "{0}/p.sqlite", "--tls-key", KEY), "cannot use the certificate"),
        (("--record", "{0}/p.sqlite/below"), "cannot be made"),
        (("--record", "{0}/p.sqlite"), "p.sqlite is a file"),
        (("--record", "/proc"), "/proc: nothing can be written into it"),
    ],
)
def test_files_that_are_not_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, arguments: tuple[str, ...], words: str
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "p.sqlite").touch()
    code, output = serve(tmp_path, "--port", "0", *(argument.format(tmp_path) for argument in arguments))
    assert code == 2
    assert words in output
    assert not caplog.records


def test_two_manifests_of_one_app(tmp_path: Path) -> None:
    paths = [tmp_path / "first.toml", tmp_path / "second.toml"]
    for path in paths:
        path.write_text('name = "shop"\n[[actions]]\nname = "take"\nphrases = ["take it"]\n')
    code, output = serve(tmp_path, "--port", "0", "--app", str(paths[0]), "--app", str(paths[1]))
    assert code == 2
    assert f"{paths[0]} and {paths[1]} are both of the app 'shop'" in output


@pytest.mark.parametrize(
    ("model", "words"), [("base.fr", "known are base, base.en"), ("{0}", "has no model.bin"), ("{0}/gone", "no folder")]
)
def test_a_speech_model_that_cannot_be(tmp_path: Path, model: str, words: str) -> None:
    code, output = serve(tmp_path, "--port", "0", "--speech-model", model.format(tmp_path))
    assert code == 2
    assert words in output


def test_a_speech_model_without_what_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.cli.serve.EXTRA", "a_package_that_is_not_there")
    code, output = serve(tmp_path, "--port", "0", "--speech-model", "base.en")
    assert code == 2
    assert "pip install '.[speech]'" in output


@pytest.mark.usefixtures("no_home")
@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("profiles", "list"), ("profiles", "show", "ada")])
def test_without_a_home_directory_the_profiles_need_a_place(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "no home directory to keep profiles in; give --profiles FILE" in result.output
