"""A hearing worker without a model, for tests of what stands before it: ``python -m tests.hearing_worker FD OPTIONS``.

Sound is words here: ``die`` kills it, ``hang`` keeps it silent, a word that ends the utterance is heard with all that
came before, others are heard so far. Every word is heard with the number of the process and the words it was told of.
"""

from __future__ import annotations

import os
import socket
import sys
import time

import msgpack
import msgspec

from models.speech.heard import Heard


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[1]))
    say = msgpack.Packer().pack
    if "unable" in sys.argv[2]:
        channel.sendall(say(["unable", "no ears"]))
        return
    channel.sendall(say(["ready", "fake 1"]))
    unpacker = msgpack.Unpacker()
    said: dict[int, list[str]] = {}
    biased: dict[int, list[str]] = {}
    fed: dict[int, int] = {}
    taken = 0
    while data := channel.recv(1 << 16):
        unpacker.feed(data)
        for kind, stream, *rest in unpacker:
            if kind == "open":
                said[stream], fed[stream] = [], 0
            elif kind == "bias":
                biased[stream] = rest[0]
            elif kind == "audio":
                taken += 1
                time_us, pcm, end, cut = rest
                word = pcm.decode().strip()
                if word == "die":
                    os._exit(9)
                while word == "hang":
                    time.sleep(1)
                said[stream] += [word] if word else []
                fed[stream] += 1
                text = " ".join([*said[stream], *biased.get(stream, [])])
                heard = Heard(stream, text, end, 0, time_us, (), b"", fed[stream] if end else 0, cut)
                channel.sendall(say(["heard", msgspec.msgpack.encode(heard)]))
                if end:
                    said[stream], fed[stream] = [], 0
            elif kind == "lull":
                if said[stream]:
                    heard = Heard(stream, " ".join(said[stream]), True, 0, 0, (), b"", fed[stream])
                    channel.sendall(say(["heard", msgspec.msgpack.encode(heard)]))
                    said[stream], fed[stream] = [], 0
            else:
                del said[stream]
        channel.sendall(say(["idle", taken]))


if __name__ == "__main__":
    main()
