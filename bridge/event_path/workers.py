"""All that works off the frame path, for all sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.event_path.hearing import Hearing, HearingOptions
from bridge.event_path.language import Language, LanguageOptions
from bridge.event_path.objects import AppObjects
from bridge.event_path.seeing import Seeing, SeeingOptions
from bridge.protocol import Notice, NoticeCode


@dataclass(frozen=True, kw_only=True)
class EventPathOptions:
    """How each of the workers works."""

    language: LanguageOptions = field(default_factory=LanguageOptions)
    hearing: HearingOptions = field(default_factory=HearingOptions)
    seeing: SeeingOptions = field(default_factory=SeeingOptions)


class EventPath:
    """The workers, each started when it is first needed.

    Args:
        tell_all: sends a notice to every session.
    """

    def __init__(self, options: EventPathOptions, tell_all: Callable[[Notice], None]) -> None:
        def changed(lost: NoticeCode, back: NoticeCode, what: str, meanwhile: str) -> Callable[[bool], None]:
            gone = Notice(lost, f"what {what} is being restarted; {meanwhile}", 1000)
            again = Notice(back, f"what {what} works again")
            return lambda up: tell_all(again if up else gone)

        self.language = Language(
            options.language,
            changed(NoticeCode.LANGUAGE_LOST, NoticeCode.LANGUAGE_BACK, "reads utterances", "none is lost"),
        )
        self.hearing = Hearing(
            options.hearing,
            changed(NoticeCode.HEARING_LOST, NoticeCode.HEARING_BACK, "hears speech", "what is said is heard later"),
        )
        self.seeing = Seeing(
            options.seeing,
            changed(NoticeCode.SEEING_LOST, NoticeCode.SEEING_BACK, "sees pictures", "those sent are seen later"),
        )

        self.objects = AppObjects(self.seeing)

    async def stop(self) -> None:
        """Ends the workers."""
        await self.language.stop()
        await self.hearing.stop()
        await self.seeing.stop()
