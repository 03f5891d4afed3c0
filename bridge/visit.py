"""What one connection is for: first its ``hello``, then its session."""

from __future__ import annotations

import asyncio
import logging

from bridge.protocol import (
    MAX_MESSAGE_BYTES,
    Bye,
    CloseCode,
    Error,
    ErrorCode,
    Frame,
    Hello,
    Refused,
    decode_client,
    encode,
    type_of,
)
from bridge.session import Link, Session
from bridge.sessions import Sessions, Turned

log = logging.getLogger("genlock.session")

NORMAL_CLOSURE = 1000


class Visit:
    """A ``transport.Handler``. Nothing that a client sends raises out of it."""

    def __init__(self, link: Link, sessions: Sessions) -> None:
        self._link = link
        self._sessions = sessions
        self._session: Session | None = None
        self._admission: asyncio.Task[None] | None = None
        self._gone = False
        timeout_s = sessions.options.hello_timeout_s
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._too_late)

    def message(self, data: bytes) -> None:
        """See ``transport.Handler``."""
        try:
            session = self._session
            if session is None and len(data) > MAX_MESSAGE_BYTES:
                # Before it is known who that is, it is not worth the time to find out what is in it.
                text = f"{len(data)} bytes before the welcome; at most {MAX_MESSAGE_BYTES} are allowed"
                raise Refused(Error(ErrorCode.TOO_BIG, text))
            message = decode_client(data)
            if type(message) is Frame and session is not None:
                session.frame(message)
                session.record(data)
            elif session is None:
                self._before_welcome(message)
            elif type(message) is Bye:
                session.record(data)
                self._session = None
                self._sessions.leave(session)
                self._link.close(NORMAL_CLOSURE, "bye")
            else:
                session.event(message)
                session.record(data)
        except Refused as refused:
            self._refuse(refused.error)
            if refused.fatal:
                self._link.close(CloseCode.NOT_MSGPACK, refused.error.message)
            else:
                self._close_to_strangers(refused.error.message)
        except Exception:
            log.exception("a message could not be handled")
            self._refuse(Error(ErrorCode.INTERNAL, "the daemon could not handle this message"))

    def text(self) -> None:
        """See ``transport.Handler``."""
        text = "text messages carry nothing here; send msgpack in binary messages"
        self._refuse(Error(ErrorCode.TEXT_MESSAGE, text))
        self._close_to_strangers(text)

    def writable(self) -> None:
        """See ``transport.Handler``."""
        if self._session is not None:
            self._session.writable()

    def lost(self, code: int, reason: str) -> None:
        """See ``transport.Handler``."""
        del code, reason
        self._gone = True
        self._timer.cancel()
        session, self._session = self._session, None
        if session is not None and session.link is self._link:
            self._sessions.dropped(session)

    def _before_welcome(self, message: object) -> None:
        if type(message) is Hello and self._admission is None:
            self._timer.cancel()
            self._admission = asyncio.create_task(self._admit(message))
            return
        text = "the first message is hello, and the next ones follow the answer to it"
        self._refuse(Error(ErrorCode.HELLO_EXPECTED, text, type_of(message)))  # type: ignore[arg-type]
        self._close_to_strangers(text)

    def _close_to_strangers(self, reason: str) -> None:
        """Who is not known yet has one try a connection, for connecting again costs him more than us."""
        if self._session is None and self._admission is None:
            self._link.close(CloseCode.HELLO_EXPECTED, reason)

    async def _admit(self, hello: Hello) -> None:
        try:
            session, entry = await self._sessions.admit(hello)
        except Turned as turned:
            self._refuse(turned.error)
            self._link.close(turned.close_code, turned.error.message)
            return
        except Exception:
            log.exception("a session could not be begun")
            text = "the daemon could not begin this session"
            self._refuse(Error(ErrorCode.INTERNAL, text, "hello"))
            self._link.close(1011, text)
            return
        session.attach(self._link, hello.last_n)
        if self._gone:
            self._sessions.dropped(session)
            return
        self._session = session
        session.send(self._sessions.welcome(session, entry))
        session.writable()

    def _refuse(self, error: Error) -> None:
        self._sessions.count_error(error.code)
        self._link.send(encode(error))

    def _too_late(self) -> None:
        self._refuse(Error(ErrorCode.HELLO_EXPECTED, "no hello came in time"))
        self._link.close(CloseCode.TIMEOUT, "no hello came in time")
