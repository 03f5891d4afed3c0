"""wss, with a certificate that only these tests trust."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from bridge.headset.client import ConnectError, Connection
from bridge.protocol import Bye, Welcome, decode_server, encode
from tests.daemons import Served, hello, served
from tests.integration.test_simulate_cli import RECORDING, genlock

CERTIFICATE = Path(__file__).with_name("localhost.pem")
KEY = Path(__file__).with_name("localhost-key.pem")


async def test_wss(tmp_path: Path) -> None:
    async with served(tmp_path, "--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY)) as daemon:
        assert daemon.url.startswith("wss://")
        welcome: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        trust = ssl.create_default_context(cafile=CERTIFICATE)
        connection = await Connection.open(daemon.url, welcome.set_result, tls=trust)
        connection.send(encode(hello()))
        assert isinstance(decode_server(await asyncio.wait_for(welcome, 20)), Welcome)
        connection.send(encode(Bye()))
        assert await asyncio.wait_for(connection.closed, 20) == (1000, "bye")
        with pytest.raises(ConnectError, match="certificate is not accepted"):
            await Connection.open(daemon.url, lambda data: None)
        with pytest.raises(ConnectError, match="a daemon with a certificate is at wss://"):
            await Connection.open(daemon.url.replace("wss://", "ws://"), lambda data: None)
        code, _, err = await genlock("simulate", daemon.url, "--recording", str(RECORDING))
        assert code == 1
        assert "--ca" in err
        assert "genlock serve" not in err
        assert await daemon.stop() == 0, "\n".join(daemon.log)


async def test_what_answers_without_tls(daemon: Served) -> None:
    with pytest.raises(ConnectError, match="without TLS"):
        await Connection.open(daemon.url.replace("ws://", "wss://"), lambda data: None)
    code, _, err = await genlock("simulate", f"{daemon.url}/nosuch", "--recording", str(RECORDING))
    assert code == 1
    assert "HTTP 404" in err
    assert "genlock serve" not in err
