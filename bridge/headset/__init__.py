"""The other end of the wire: a WebSocket client, and a headset that replays recordings through it."""
