"""A seeing worker without a model, for tests of what stands before it: ``python -m tests.seeing_worker FD OPTIONS``.

A picture's bytes are words: ``die`` kills it, ``hang`` keeps it silent, ``fail`` fails, ``broken`` is no picture, and
anything else is in sight, with an embedding of its length.
"""

from __future__ import annotations

import os
import socket
import sys
import time

import msgpack
import numpy as np


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    say = msgpack.Packer().pack
    if '"start_timeout_s": 7' in sys.argv[2]:
        channel.sendall(say(["unable", "no eyes"]))
        return
    channel.sendall(say(["ready", "fake"]))
    unpacker = msgpack.Unpacker()
    while data := channel.recv(1 << 16):
        unpacker.feed(data)
        for _, serial, what, pictures in unpacker:
            names = [(picture if what == "learn" else picture[3]).decode() for picture in pictures]
            if "die" in names:
                os._exit(9)
            while "hang" in names:
                time.sleep(1)
            if "fail" in names:
                channel.sendall(say(["failed", serial, "on purpose"]))
                continue
            seen = [
                "this is no picture"
                if name == "broken"
                else [[(name, 0.75)], np.full(1280, len(name), dtype="<f4").tobytes()]
                for name in names
            ]
            channel.sendall(say(["answer", serial, seen]))


if __name__ == "__main__":
    main()
