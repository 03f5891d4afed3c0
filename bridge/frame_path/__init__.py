"""The frame path: from a frame in its session to that frame's answer, in one batched step for everybody."""
