"""A language worker without a model, for tests of what stands before it: ``python -m tests.workers FD OPTIONS``.

What a question's text says is what it does: ``die`` kills it, ``hang`` keeps it silent, ``fail`` fails, anything else
is an action of that name. An app called ``wrong`` cannot be fitted, and one called ``large`` is said to be under way.
"""

from __future__ import annotations

import os
import socket
import sys
import time

import msgpack
import msgspec

from bridge.app import App
from models.language.dialogue import Question, Reading


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    say = msgpack.Packer().pack
    if "unable" in sys.argv[2]:
        channel.sendall(say(["unable", "no weights"]))
        return
    channel.sendall(say(["ready", "fake"]))
    unpacker = msgpack.Unpacker()
    while data := channel.recv(1 << 16):
        unpacker.feed(data)
        for kind, *rest in unpacker:
            if kind == "app":
                key, app = rest
                name = msgspec.msgpack.decode(app, type=App).name
                if name == "large":
                    channel.sendall(say(["fitting"]))
                channel.sendall(say(["fitted", key, 0.1, "wrong" if name == "wrong" else ""]))
            elif kind == "ask":
                serial, _, question = rest
                text = msgspec.msgpack.decode(question, type=Question).text
                if text == "die":
                    os._exit(9)
                while text == "hang":
                    time.sleep(1)
                if text == "fail":
                    channel.sendall(say(["failed", serial, "on purpose"]))
                else:
                    reading = Reading(text, 1.0, why=(f"process {os.getpid()}",))
                    channel.sendall(say(["answer", serial, msgspec.msgpack.encode(reading)]))


if __name__ == "__main__":
    main()
