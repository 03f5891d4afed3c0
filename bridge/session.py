"""One headset's life, from its ``hello`` to its end: what it may send, what it gets, what is remembered of it."""

from __future__ import annotations

import logging
import math
import secrets
import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Final, Protocol

from bridge.actions import Answers
from bridge.aim import Aim
from bridge.app import ANY_GESTURE, ANY_SIGHT, App, is_spoken_to
from bridge.device_clock import MAX_AHEAD_S
from bridge.event_path.workers import EventPath
from bridge.frame_path.batch import FAILED, GAP
from bridge.frame_path.path import FramePath, Seat
from bridge.likely import Likely, Vocabulary
from bridge.profiles.gestures import KIND as GESTURE
from bridge.profiles.gestures import name_of
from bridge.profiles.store import Applied, scope_of
from bridge.protocol import (
    Ack,
    Audio,
    ClientMessage,
    Error,
    ErrorCode,
    Feedback,
    Frame,
    Hello,
    Image,
    Message,
    Notice,
    NoticeCode,
    Profile,
    Refused,
    Scene,
    Target,
    Teach,
    Utterance,
    encode,
    type_of,
)
from bridge.sights import Sights
from bridge.speech import Speech
from bridge.teaching import Surroundings, Teaching
from bridge.tracking import BLOB_BYTES, Fault, Part
from bridge.users import User
from bridge.utterances import Said, Utterances
from models.language.dialogue import Phrase
from models.language.space import Viewpoint
from models.limits import MAX_TARGETS

log = logging.getLogger("genlock.session")

SERVES: Final = ("hello", "frame", "scene", "teach", "feedback", "profile", "bye")
"""Client messages that are answered in every session. ``utterance`` is where the app has phrases, ``audio`` and
``image`` are where the daemon hears and sees."""

_POSE_BYTES: Final = 28
_REMEMBERED_IDS: Final = 4096
GESTURING: Final = ("head", "left", "right")
"""What makes a gesture, by its number in the engine's answer."""

_FAULTS: Final = {
    Fault.NOT_FINITE: (ErrorCode.NOT_FINITE, "d", "a number is NaN or infinite"),
    Fault.TOO_FAR: (ErrorCode.INVALID, "d", "a position is more than 10 km away; positions are metres"),
    Fault.QUATERNION: (ErrorCode.QUATERNION, "d", "a quaternion is not of unit length; the order is x, y, z, w"),
    GAP: (ErrorCode.TIME, "t", "the time is not later than that of the frame before"),
    FAILED: (ErrorCode.INTERNAL, "", "the models could not answer this frame"),
}


class Link(Protocol):
    """What a session needs of its connection."""

    writable: bool

    def send(self, data: bytes) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Sink(Protocol):
    """Where a session's messages are written down."""

    def message(self, time_us: int, data: bytes) -> None: ...

    def close(self) -> None: ...


class Session:
    """A connected headset. Survives its socket: ``attach`` and ``detach`` change the link and nothing else.

    Args:
        identifier: names it to people.
        resume: the secret that lets another connection go on with it.
        hello: what it began with.
        path: the frame path.
        sink: writes down what it sends, if anything does.
        workers: what understands utterances, hears speech and sees pictures.
        app: what the app can do; ``utterance`` is served if any of it can be said.
        user: whose session it is.
        applied: messages with an ``id`` that were kept in sessions that this one follows.
        count_error: called with the code of an error that the client was told of.
        last_n: the number of the last action that it gave in an earlier run.
    """

    def __init__(
        self,
        identifier: str,
        resume: str,
        hello: Hello,
        path: FramePath,
        sink: Sink | None,
        workers: EventPath,
        app: App,
        user: User,
        applied: Applied,
        count_error: Callable[[str], None],
        last_n: int = 0,
    ) -> None:
        self.id = identifier
        self.resume = resume
        self.user = user
        self.app = app.name
        self.link: Link | None = None
        self.last_q = -1
        self.may_learn = app.learn
        self.over = False
        self.frames = 0
        self.started = monotonic()
        self.seat: Seat
        self._path = path
        self._sink = sink
        self._count_error = count_error
        self._answers = Answers(last_n)
        self._last_t = -1
        self._last_at = 0.0
        self._last_frame: Frame | None = None
        self._targets: dict[str, Target] = {}
        # The order of targets by the number of the scene: of this one, and of the one that answers under way speak of.
        self._orders: dict[int, tuple[str, ...]] = {}
        # Of messages that are done with: what was told of them, and their acknowledgement.
        self._done: OrderedDict[str, tuple[Message, ...]] = OrderedDict()
        self._applied = applied
        self._aim = Aim()
        self._vocabulary = Vocabulary(app)
        self._can_aim = bool(app.actions)
        self._by_gesture = {gesture: action for action in app.actions for gesture in action.gestures}
        self.hears_gestures = bool(self._by_gesture)
        self._workers = workers
        self._declared = app
        self._utterances: Utterances | None = None
        if is_spoken_to(app):
            self._utterances = Utterances(
                workers.language,
                workers.language.declare(app),
                self._aim,
                self._answers,
                learn=lambda identifier, taught, then: self._teaching.said(identifier, taught, then),
                tell=self.send,
                flush=self._flush,
                done=self._finish,
            )
        # What is wrong with the app's objects, until there is a connection to tell it to.
        self._wrong: list[Error] = []
        self._sights = Sights(
            workers.seeing,
            workers.objects.hold(app, self._objects_wrong),
            seen=self._in_sight,
            tell=self.send,
            refuse=self._refuse,
        )
        self._by_sight = {sight.casefold(): action for action in app.actions for sight in action.sees}
        if self._utterances is not None:
            self._utterances.seen = self._sights.in_sight
        self._speech = Speech(
            workers.hearing,
            self._aim,
            viewpoint=lambda time: _viewpoint(self._aim.head(time)) or self._viewpoint(),
            whose=lambda voice: self._teaching.voice(voice),
            likely=self._likely,
            bystanders_heard=app.bystanders == "heard",
            say=self._say,
            tell=self.send,
        )
        self._teaching = Teaching(
            user,
            app,
            path,
            workers.seeing,
            self._answers,
            Surroundings(lambda: self.seat, lambda: list(self._targets.values()), self._said),
            scope_of(origin(resume), user.name, app.name),
            done=self._finish,
            refused=self._refuse,
        )
        self.known_changed()
        if "audio" in hello.streams:
            self._speech.begin()
        if "image" in hello.streams and not workers.seeing.problem:
            workers.seeing.begin()

    @property
    def serves(self) -> tuple[str, ...]:
        """The client messages that this session can be sent."""
        also = {
            "utterance": self._utterances is not None,
            "audio": not self._workers.hearing.problem,
            "image": not self._workers.seeing.problem,
        }
        return (*SERVES, *(kind for kind, served in also.items() if served))

    def attach(self, link: Link, last_n: int = -1) -> None:
        """Speaks through this connection from now on.

        Args:
            last_n: the number of the last action that arrived; later ones are sent again. -1 where nobody counted.
        """
        self.link = link
        if last_n >= 0:
            self._answers.again_after(last_n)

    def detach(self) -> None:
        """The connection is gone."""
        self.link = None
        self._answers.forget_held()

    @property
    def is_taught(self) -> bool:
        """Whether something that it taught waits to be kept."""
        return self._teaching.waits

    async def end(self) -> None:
        """The session is over. What it said and was not answered is not answered any more; what it taught is kept."""
        if self._utterances is not None:
            self._utterances.end()
            self._utterances = None
        self._speech.end()
        self._sights.end()
        self._workers.objects.release(self._declared, self._objects_wrong)
        await self._teaching.end()

    def taken_over(self) -> None:
        """See ``users.Member``."""
        self.may_learn = False
        text = "another session of this user goes on learning; this one learns no more"
        self.send(Notice(NoticeCode.PROFILE_TAKEN_OVER, text))

    def known_changed(self) -> None:
        """See ``users.Member``."""
        if self._utterances is not None:
            self._utterances.names = {
                target: (item.data["name"],) for target, item in self.user.items("name", self.app).items()
            }
            self._utterances.phrases = tuple(
                Phrase(
                    item.data["text"], item.data["action"], item.data.get("target", ""), item.data.get("arguments", {})
                )
                for item in self.user.items("phrase", self.app).values()
            )
        self._sights.know(list(self.user.items("object", "").values()))
        self._speech.expect()

    def close(self) -> None:
        """Finishes what is written down of the session; may be called on any thread."""
        if self._sink is not None:
            self._sink.close()

    def send(self, message: Message) -> None:
        """Sends a message, if there is a connection."""
        if self.link is not None:
            self.link.send(encode(message))

    def record(self, data: bytes) -> None:
        """Writes a message down, if anything is to be."""
        if self._sink is not None:
            self._sink.message(int((monotonic() - self.started) * 1e6), data)

    def frame(self, frame: Frame) -> None:
        """Takes a frame into the open batch.

        Raises:
            Refused: it cannot be used; the session is as it was.
        """
        blob = frame.d
        if len(blob) != BLOB_BYTES[frame.m]:
            text = f"frame.d: {len(blob)} bytes, but the parts in m = {frame.m:#x} take {BLOB_BYTES[frame.m]}"
            raise Refused(Error(ErrorCode.INVALID, text, "frame", "d", q=frame.q))
        if frame.q <= self.last_q:
            text = f"frame.q: {frame.q} does not follow {self.last_q}; sequence numbers grow"
            raise Refused(Error(ErrorCode.SEQUENCE, text, "frame", "q", q=frame.q))
        now = monotonic()
        if self._last_t >= 0:
            gap = frame.t - self._last_t
            if gap <= 0:
                text = f"frame.t: {frame.t} is not later than {self._last_t}, the time of the frame before"
                raise Refused(Error(ErrorCode.TIME, text, "frame", "t", q=frame.q))
            if gap * 1e-6 > now - self._last_at + MAX_AHEAD_S:
                text = (
                    f"frame.t: {gap * 1e-6:.1f} s after the frame before, but only {now - self._last_at:.1f} s have"
                    " passed; times are microseconds of one monotonic clock"
                )
                raise Refused(Error(ErrorCode.TIME, text, "frame", "t", q=frame.q))
        self.last_q = frame.q
        self._last_t = frame.t
        self._last_at = now
        self._last_frame = frame
        self._path.submit(self.seat, frame.q, frame.t, frame.m, blob)

    def event(self, message: ClientMessage) -> None:
        """Takes any message but a frame, a ``hello`` or a ``bye``. What carries an ``id`` is applied once.

        Raises:
            Refused: it cannot be used; the session is as it was.
        """
        if isinstance(message, Scene):
            if not self._acknowledged(message.id):
                self._scene(message)
                self._finish(Ack(message.id, scene=self.seat.scene))
            return
        if isinstance(message, Teach | Feedback | Profile):
            if not self._acknowledged(message.id):
                self._teaching.take(message)
            return
        if isinstance(message, Utterance) and self._utterances is not None:
            if not self._acknowledged(message.id):
                self._say(Said(message.id, message.text, message.time, self._viewpoint()))
            return
        if isinstance(message, Audio):
            self._speech.take(message)
            return
        if isinstance(message, Image):
            self._sights.take(message)
            return
        kind = type_of(message)
        identifier: str = getattr(message, "id", "")
        if kind == "hello":
            raise Refused(Error(ErrorCode.INVALID, "hello: this connection has a session already", kind))
        if kind == "utterance":
            text = f"utterance: app {self.app!r} has no phrases; list some in hello.app or give the daemon its manifest"
        else:
            text = f"{kind}: not served by this daemon, which serves {', '.join(self.serves)}"
        raise Refused(Error(ErrorCode.UNSUPPORTED, text, kind, id=identifier))

    def answered(self, q: int, t: int, devices: int, forecast: bytes, best: int, probabilities: bytes) -> None:
        """See ``frame_path.path.Receiver``."""
        self.frames += 1
        scene = self.seat.answering
        if probabilities and self._can_aim:
            self._aim.add(t, self._orders[scene], probabilities, _head(self._last_frame))
        link = self.link
        if link is not None:
            data = self._answers.answer(q, t, devices, forecast, best, probabilities, scene, writable=link.writable)
            if data is not None:
                link.send(data)

    def gesture(self, number: int, device: int, confidence: float, start: int, end: int) -> None:
        """See ``frame_path.path.Receiver``."""
        name = name_of(number, self.user.items(GESTURE, "").values())
        action = self._by_gesture.get(name) or self._by_gesture.get(ANY_GESTURE)
        if not name or action is None:
            return
        target = ""
        if action.target != "none":
            aimed = self._aim.at(start)
            target = max(aimed, key=aimed.__getitem__, default="")
            if not target and action.target == "required":
                return
        made = {"gesture": name, "device": GESTURING[device], "start": start, "end": end}
        self._answers.add(action.name, "performed", confidence, "gesture", target=target, arguments=made)

    def refused(self, q: int, status: int) -> None:
        """See ``frame_path.path.Receiver``."""
        code, key, text = _FAULTS[status]
        self._refuse(Error(code, f"frame{'.' if key else ''}{key}: {text}", "frame", key, q=q))

    def writable(self) -> None:
        """The connection has caught up."""
        data = self._answers.held()
        if data is not None and self.link is not None:
            self.link.send(data)
        self._flush()
        self._tell_wrong()

    def _objects_wrong(self, error: Error) -> None:
        self._wrong.append(error)
        self._tell_wrong()

    def _tell_wrong(self) -> None:
        if self.link is not None:
            wrong, self._wrong = self._wrong, []
            for error in wrong:
                self._refuse(error)

    def _flush(self) -> None:
        """Sends the actions that wait, without a frame to answer.

        Also to a slow reader: what they come of is acknowledged next, and must not be without them if the daemon stops.
        """
        data = self._answers.news() if self.link is not None else None
        while data is not None and self.link is not None:
            self.link.send(data)
            data = self._answers.news()

    def _acknowledged(self, identifier: str) -> bool:
        """Whether a message of that ``id`` is done with; then it is acknowledged again."""
        done = self._done.get(identifier)
        if done is None and identifier in self._applied:
            done = (Ack(identifier),)
        for message in done or ():
            self.send(message)
        return done is not None

    def _viewpoint(self) -> Viewpoint | None:
        return _viewpoint(_head(self._last_frame))

    def _likely(self) -> Likely:
        """What is likely to be said: see ``bridge.likely``."""
        names = [name for target in self._targets.values() for name in (target.name, *target.aliases) if name]
        taught: list[str] = []
        if self._utterances is not None:
            names += [name for (name,) in self._utterances.names.values()]
            taught = [phrase.text for phrase in self._utterances.phrases]
        return self._vocabulary.likely(names, taught, [name for name, _ in self._sights.in_sight()])

    def _in_sight(self, name: str, sure: float, time: int) -> None:
        """Something came into sight."""
        self._speech.expect()
        action = self._by_sight.get(name.casefold()) or self._by_sight.get(ANY_SIGHT)
        if action is None:
            return
        target = ""
        if action.target != "none":
            own = {} if self._utterances is None else self._utterances.names
            called = [
                target.id
                for target in self._targets.values()
                for one in (target.name or target.id, *target.aliases, *own.get(target.id, ()))
                if one.casefold() == name.casefold()
            ]
            aimed = self._aim.at(time)
            target = max(called, key=lambda one: aimed.get(one, 0.0), default="")
            if not target and action.target == "required":
                return
        self._answers.add(
            action.name, "performed", sure, "image", target=target, arguments={"seen": name, "time": time}
        )
        self._flush()

    def _say(self, said: Said) -> None:
        """Takes what was said when it is its turn, after what was taught before."""
        if not self._teaching.then(lambda: self._hear(said)):
            text = "utterance: too much waits to be learned; send it again when some has been acknowledged"
            self._drop(said, Error(ErrorCode.FLOODING, text, "utterance", id=said.id))

    def _hear(self, said: Said) -> None:
        if said.source == "utterance" and self._acknowledged(said.id):
            # It was sent again while it waited.
            return
        if self._utterances is not None:
            try:
                self._utterances.take(said)
            except Refused as refused:
                self._drop(said, refused.error)

    def _drop(self, said: Said, error: Error) -> None:
        if said.source == "speech":
            self.send(Notice(NoticeCode.BUSY, f"audio: {said.text!r} is dropped: too much waits", 1000, said.id))
        else:
            self._refuse(error)

    def _refuse(self, error: Error) -> None:
        self._count_error(error.code)
        self.send(error)

    def _said(self, identifier: str) -> str | None:
        return None if self._utterances is None else self._utterances.said(identifier)

    def _finish(self, ack: Ack, outcome: Notice | None = None) -> None:
        """A message is done with; what is sent again under its ``id`` gets the same answer and changes nothing.

        Args:
            outcome: what was told of it before.
        """
        # An export changes nothing anyway, and thousands of them would fill the memory: it is made anew.
        if not ack.data:
            self._done[ack.id] = (ack,) if outcome is None else (outcome, ack)
            if len(self._done) > _REMEMBERED_IDS:
                self._done.popitem(last=False)
        self.send(ack)

    def _scene(self, scene: Scene) -> None:
        targets: dict[str, Target] = {} if scene.replace else dict(self._targets)
        if scene.replace and scene.remove:
            text = "scene.remove: only with replace false; a scene that replaces has only what it lists"
            raise Refused(Error(ErrorCode.INVALID, text, "scene", "remove", scene.id))
        for identifier in scene.remove:
            targets.pop(identifier, None)
        named: set[str] = set()
        for at, target in enumerate(scene.targets):
            if target.id in named:
                text = f"scene.targets[{at}].id: {target.id!r} is there twice"
                raise Refused(Error(ErrorCode.INVALID, text, "scene", f"targets[{at}].id", scene.id))
            named.add(target.id)
            targets[target.id] = target
        if len(targets) > MAX_TARGETS:
            text = f"scene.targets: {len(targets)} in all; at most {MAX_TARGETS} are allowed"
            raise Refused(Error(ErrorCode.INVALID, text, "scene", "targets", scene.id))
        same = list(targets) == list(self._targets)
        self._targets = targets
        self._path.scene(self.seat, _boxes(list(targets.values())), keep_state=same)
        answering = self.seat.answering
        self._orders = {number: order for number, order in self._orders.items() if number == answering}
        self._orders[self.seat.scene] = tuple(targets)
        if self._utterances is not None:
            self._utterances.targets = tuple(targets.values())
        self._speech.expect()


def new_resume(before: str | None) -> str:
    """A resume token. It begins as that of the session that the client wanted to go on with, of whatever run."""
    return f"{origin(before) if before else secrets.token_urlsafe(12)}.{secrets.token_urlsafe(24)}"


def origin(resume: str) -> str:
    """What a session's resume token has in common with those of the sessions that it follows."""
    return resume.partition(".")[0][:64]


def _boxes(targets: Sequence[Target]) -> bytes:
    numbers = [number for target in targets for number in (*target.position, *target.size)]
    return struct.pack(f"<{len(numbers)}f", *numbers)


def _head(frame: Frame | None) -> bytes:
    """The head's pose as a frame has it; empty where there is none."""
    return frame.d[:_POSE_BYTES] if frame is not None and frame.m & Part.HEAD else b""


def _viewpoint(head: bytes) -> Viewpoint | None:
    """Where the head is; its numbers may not have been checked yet."""
    if not head:
        return None
    x, y, z, qx, qy, qz, qw = struct.unpack("<7f", head)
    if not all(map(math.isfinite, (x, y, z, qx, qy, qz, qw))):
        return None
    return (x, y, z), (qx, qy, qz, qw)
