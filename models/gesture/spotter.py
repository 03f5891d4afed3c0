"""The gesture frame model: compares what was just done with the built-in gestures and with the user's own.

What lies between each of several moments ago and now is compared with each gesture. The comparison is a cosine between
two courses, so large and small movements of the same form are alike; bounds on extent, speed and duration come on top.
How far a likeness lies above the least one that counts is its margin. The best candidate waits for one moment in case a
better one comes, then it is reported. What has been reported uses up its time: another gesture of the same device must
lie after it, and the same one is not reported anew while it goes on.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.frame_model import HEAD, LEFT, RIGHT, Columns, FrameBatch, Rows
from models.gesture.builtin import LEAD_S, OPPOSITES, TAIL_S, Floats, Template, hand_templates, head_templates
from models.gesture.names import BUILT_IN, FIRST_TAUGHT, NUMBERS, TAUGHT_SLOTS
from models.gesture.past import CHANNELS, MOMENTS, MOVERS, Looker
from models.gesture.shape import FARTHEST, JOINT_NUMBERS, POSE_NUMBERS, RATE_HZ, USUAL_LEAST, WINDOWS
from models.gesture.taught import ADAPTERS

_PERIOD_S: Final = 1 / RATE_HZ
_EARLY_S: Final = 0.003
"""A frame that comes this much before its moment is taken for it: clocks are not that even."""

_GAP_S: Final = 0.25
"""After so long without a moment, the past is over."""

_OVERLAP: Final = 0.2
"""Share of a window that may lie in what has been reported already."""

_COMING_BACK: Final = round(1.0 * RATE_HZ)
"""A stroke that begins within so many moments after the opposite one only takes the hand back."""

_PAUSE: Final = round(0.4 * RATE_HZ)
"""What begins within so many moments after the same gesture belongs to it."""

_NOT: Final = -1.0
"""The margin of what is out of bounds."""

_NOBODY: Final = -1
"""No gesture's number."""


class _Bank(nn.Module):
    """The built-in gestures of one kind of mover, a line for every template and window that fits it.

    Attributes:
        courses: ``[MOMENTS * 3, 2 * lines]`` what cosines are taken with: courses, then their quadratures.
        sums: ``[MOMENTS, W]``: ones in the moments of each window.
        window: ``[lines]`` the window's place in ``WINDOWS``.
        bounds: ``[2, lines]`` least and most length of what moves.
        likeness: ``[lines]`` the least cosine; ``signed`` whether there is no quadrature.
        gesture: ``[lines]`` the gesture's number less one.
        counts: ``[W]`` moments of each window.
        numbers, starts, ends, spans: by line the gesture's number, when the movement began and ended in moments ago,
            and the window's moments.
    """

    courses: Tensor
    sums: Tensor
    window: Tensor
    bounds: Tensor
    likeness: Tensor
    signed: Tensor
    gesture: Tensor
    counts: Tensor

    def __init__(self, templates: list[Template]) -> None:
        super().__init__()
        columns: list[Floats] = []
        pairs: list[Floats] = []
        bounds, window, starts, ends, lines = [], [], [], [], []
        for template in templates:
            for place, count in enumerate(WINDOWS):
                seconds = (count - 1) / RATE_HZ
                if not template.window_s[0] <= seconds <= template.window_s[1]:
                    continue
                active = seconds - template.rests * (LEAD_S + TAIL_S)
                course = template.moments(template.course, count, RATE_HZ)
                pair = template.moments(template.quadrature or template.course, count, RATE_HZ)
                length = np.linalg.norm(course)
                for found, made in ((columns, course), (pairs, pair)):
                    whole = np.zeros((MOMENTS, 3))
                    whole[-count:] = made / np.linalg.norm(made)
                    found.append(whole.ravel())
                bounds.append((max(template.extent[0], template.speed * active) * length, template.extent[1] * length))
                lines.append(template)
                window.append(place)
                starts.append(count - 1 - template.rests * LEAD_S * RATE_HZ)
                ends.append(template.rests * TAIL_S * RATE_HZ)
        sums = np.stack([np.arange(MOMENTS) >= MOMENTS - count for count in WINDOWS], axis=1)
        constants = {
            "courses": _floats(np.stack((*columns, *pairs), axis=1)),
            "sums": _floats(sums),
            "window": torch.tensor(window),
            "bounds": _floats(bounds).t().contiguous(),
            "likeness": _floats([template.likeness for template in lines]),
            "signed": torch.tensor([template.quadrature is None for template in lines]),
            "gesture": torch.tensor([NUMBERS[template.name] - 1 for template in lines]),
            "counts": _floats(WINDOWS),
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)
        self.numbers = [NUMBERS[template.name] for template in lines]
        self.starts, self.ends = starts, ends
        self.spans = [WINDOWS[place] for place in window]

    def margins(self, courses: Tensor, stricter: Tensor) -> Tensor:
        """``[n, movers, MOMENTS, 3]`` to ``[n, movers, lines]``. ``stricter`` is ``[n, gestures]``, 0 to 1."""
        sums = courses.transpose(2, 3) @ self.sums
        squares = (courses * courses).sum(3) @ self.sums
        energies = squares - (sums * sums).sum(2) / self.counts
        length = energies.clamp_min(1e-9).sqrt().index_select(2, self.window)
        straight, pair = (courses.flatten(2) @ self.courses).chunk(2, dim=2)
        found = torch.where(self.signed, straight, torch.hypot(straight, pair)) / length
        wanted = (self.likeness + (1 - self.likeness) * stricter.index_select(1, self.gesture)).unsqueeze(1)
        inside = (length >= self.bounds[0]) & (length <= self.bounds[1])
        # In an exact line over and over the rounded cosine may be above one.
        return torch.where(inside, (found - wanted) / (1.001 - wanted), _NOT)


class Gesture:
    """The frame model. See ``models.frame_model.FrameModel``; its output is ``gesture``.

    It looks at ``RATE_HZ`` moments a second, at whichever frames are due; the others cost next to nothing.
    """

    name = "gesture"
    version = "1"
    """Of how prototypes are made and compared. What users taught outlives better built-in gestures."""

    learns = False
    only_gesturing = True
    remembers_scene = False

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.state: Columns = {
            "past": (MOMENTS, CHANNELS),
            "clock": (1,),
            "seen": (MOVERS + 2,),
            # Margin, number, mover, when it began and ended.
            "candidate": (5,),
            # Number, and when it ended.
            "said": (MOVERS, 2),
        }
        self.adapters: Columns = ADAPTERS
        self._looker = Looker().to(device)
        self._head, self._hand = _Bank(head_templates()).to(device), _Bank(hand_templates()).to(device)
        self._counts = _floats(WINDOWS).view(1, -1, 1).to(device)
        # Lines in the order in which _margins gives them: head, left hand, right hand, then slots by window.
        head, hand = self._head, self._hand
        slots = list(range(FIRST_TAUGHT, FIRST_TAUGHT + TAUGHT_SLOTS))
        counts = [count for count in WINDOWS for _ in slots]
        taught_starts = [count - 1 for count in counts]
        self._numbers = _floats([*head.numbers, *2 * hand.numbers, *slots * len(WINDOWS)]).to(device)
        opposites = [NUMBERS.get(OPPOSITES.get(BUILT_IN[number - 1], ""), _NOBODY) for number in hand.numbers]
        nothing = [_NOBODY for _ in head.numbers], [_NOBODY for _ in counts]
        self._opposites = _floats([*nothing[0], *2 * opposites, *nothing[1]]).to(device)
        self._starts = _floats([*head.starts, *2 * hand.starts, *taught_starts]).to(device)
        self._ends = _floats([*head.ends, *2 * hand.ends, *(0 for _ in counts)]).to(device)
        self._spans = _floats([*head.spans, *2 * hand.spans, *counts]).to(device)
        movers = [0] * len(head.numbers) + [1] * len(hand.numbers) + [2] * len(hand.numbers)
        self._aged = _floats([[0, 0, 0, 1, 1]]).to(device)
        self._each = _floats([[0, 1, 2]]).to(device)
        self._movers = torch.tensor([movers], device=device)

    @classmethod
    def load(cls, device: torch.device | str = "cpu") -> Gesture:
        """The model as it is served. It has no weights."""
        return cls(device)

    def step(self, batch: FrameBatch, state: Rows, adapters: Rows) -> tuple[Rows, Rows, Rows]:
        """See ``models.frame_model.FrameModel``."""
        clock = state["clock"] + batch.dt.unsqueeze(1)
        due = ((clock[:, 0] >= _PERIOD_S - _EARLY_S) | batch.fresh) & batch.gesturing
        gesture = clock.new_zeros(len(batch), 5)
        rows = due.nonzero()[:, 0]
        if len(rows) == 0:
            return {"gesture": gesture}, {**state, "clock": clock}, {}
        some = {name: value.index_select(0, rows) for name, value in state.items()}
        # What was before a gap, or before gestures were wanted again, is not what was just done.
        going_on = clock.index_select(0, rows) <= _GAP_S
        some |= {name: some[name] * going_on for name in ("seen", "candidate")}
        some["said"] = some["said"] * going_on.unsqueeze(2)
        # Below RATE_HZ frames a second every frame is a moment.
        passed = (clock - _PERIOD_S).clamp(-_EARLY_S, _PERIOD_S).masked_fill(batch.fresh.unsqueeze(1), 0)
        clock = torch.where(due.unsqueeze(1), passed, clock)
        reported, new = self._moment(batch, rows, some, adapters)
        gesture.index_copy_(0, rows, reported)
        after = {name: state[name].index_copy(0, rows, value) for name, value in new.items()}
        return {"gesture": gesture}, {**after, "clock": clock}, {}

    def _moment(self, batch: FrameBatch, rows: Tensor, state: Rows, adapters: Rows) -> tuple[Tensor, Rows]:
        past = torch.cat((state["past"][:, 1:], self._looker.moment(batch, rows).unsqueeze(1)), dim=1)
        tracked = batch.tracked.index_select(0, rows)[:, (HEAD, LEFT, RIGHT)]
        jointed = batch.jointed.index_select(0, rows)
        # Moments in a row that a device was tracked, and in the same way.
        alike = F.pad(state["seen"][:, MOVERS:] == jointed, (1, 0), value=True)
        there = (state["seen"][:, :MOVERS] * alike + 1) * tracked

        margins, movers = self._margins(past, rows, jointed, adapters)
        said = state["said"]
        said_number, said_ago = said[..., 0], said[..., 1] + 1
        line_there, line_number, line_ago = (column.gather(1, movers) for column in (there, said_number, said_ago))
        possible = (margins > 0) & (self._spans <= line_there)
        taken = (line_number > 0) & (self._spans * (1 - _OVERLAP) > line_ago)
        same = line_number == self._numbers
        taken |= same & (line_ago - self._spans < _PAUSE)
        # What is built in may be a part of what is taught, and was over before.
        taken &= (line_number >= FIRST_TAUGHT) | (self._numbers < FIRST_TAUGHT)
        taken |= (line_number == self._opposites) & (line_ago - self._spans < _COMING_BACK)
        best, line = torch.where(possible & ~taken, margins, 0).max(1, keepdim=True)
        now = torch.cat(
            (best, self._numbers[line], movers.gather(1, line), self._starts[line], self._ends[line]), dim=1
        )
        # What was said and still goes on uses up its time on.
        going_on = possible & taken & same
        again = torch.zeros_like(there).scatter_reduce(1, movers, going_on.to(there.dtype), "amax")
        said_ago = said_ago * (1 - again)

        candidate = state["candidate"]
        waited = candidate[:, :1] > 0
        report = waited & (best <= candidate[:, :1])
        older = candidate + self._aged
        margin, number, mover, start, end = torch.split_with_sizes(older, (1, 1, 1, 1, 1), dim=1)
        told = torch.cat((number, mover, 0.5 + 0.5 * margin.clamp_max(1), start * _PERIOD_S, end * _PERIOD_S), dim=1)
        on = (mover == self._each) & report
        return told * report, {
            "past": past,
            "seen": torch.cat((there, jointed), dim=1),
            "candidate": now * ~report,
            "said": torch.stack((torch.where(on, number, said_number), torch.where(on, end, said_ago)), dim=2),
        }

    def _margins(self, past: Tensor, rows: Tensor, jointed: Tensor, adapters: Rows) -> tuple[Tensor, Tensor]:
        """By line the margin, and the mover: ``[n, lines]`` both."""
        stricter, spotting = adapters["stricter"].index_select(0, rows), adapters["spotting"].index_select(0, rows)
        courses = self._looker.courses(past)
        head = self._head.margins(courses[:, :1], stricter)
        hand = self._hand.margins(courses[:, 1:], stricter)
        # What a profile holds came from outside.
        movers = spotting[..., 1].long().clamp(0, MOVERS - 1)
        taught = past.new_full((len(rows), len(WINDOWS) * TAUGHT_SLOTS), _NOT)
        some = spotting[..., 0].any(1).nonzero()[:, 0]
        if len(some):
            of_these = rows.index_select(0, some)
            known = {
                name: adapters[name].index_select(0, of_these) for name in ("taught", "telling", "scatter", "spotting")
            }
            there = (column.index_select(0, some) for column in (past, jointed, movers))
            taught.index_copy_(0, some, self._taught(known, *there))
        lines = torch.cat((self._movers.expand(len(rows), -1), movers.repeat(1, len(WINDOWS))), dim=1)
        return torch.cat((head.flatten(1), hand.flatten(1), taught), dim=1), lines

    def _taught(self, known: Rows, past: Tensor, jointed: Tensor, movers: Tensor) -> Tensor:
        """``[n, W * slots]``."""
        n, windows = len(past), len(WINDOWS)
        poses, heading = self._looker.poses(past)
        known_poses, known_opened = torch.split_with_sizes(known["taught"], (POSE_NUMBERS, JOINT_NUMBERS), dim=2)
        # [n, mover, W, slot], of which each slot has its own mover's
        products = (poses.flatten(1, 2) @ known_poses.transpose(1, 2)).view(n, MOVERS, windows, TAUGHT_SLOTS)
        squares = (poses * poses).sum(3, keepdim=True)
        own = movers.view(n, 1, 1, TAUGHT_SLOTS).expand(-1, 1, windows, -1)
        spotting, joints = known["spotting"], None
        if bool(jointed.any()):
            joints = self._looker.joints_of(past)
            opened = self._looker.opened(joints)
            of_joints = (opened.flatten(1, 2) @ known_opened.transpose(1, 2)).view(n, 2, windows, TAUGHT_SLOTS)
            products = products + F.pad(of_joints, (0, 0, 0, 0, 1, 0))
            of_joints = F.pad((opened * opened).sum(3, keepdim=True), (0, 0, 0, 0, 1, 0))
            squares = squares + of_joints * spotting[:, None, None, :, 2]
        product = products.gather(1, own)[:, 0]
        strength = squares.expand_as(products).gather(1, own)[:, 0].sqrt()
        used, _, of_hands, wanted, weakest, strongest, shortest, longest = spotting.unsqueeze(1).unbind(3)
        there = F.pad(jointed, (1, 0)).gather(1, movers).unsqueeze(1)
        seconds = (self._counts - 1) * _PERIOD_S
        inside = (used > 0) & (strength >= weakest) & (strength <= strongest)
        inside &= (seconds >= shortest) & (seconds <= longest) & ((of_hands == 0) | there)
        margin = (product / strength.clamp_min(1e-6) - wanted) / (1.001 - wanted)
        if joints is not None:
            telling = self._looker.telling(joints, poses[:, 1:], heading[:, 1:])
            apart = _apart(telling, known["telling"], known["scatter"]).gather(1, (own - 1).clamp_min(0))[:, 0]
            farthest = FARTHEST / (1 - USUAL_LEAST) * (1 - wanted)
            told = known["telling"].any(2).unsqueeze(1)
            margin = torch.where(told, 1 - apart / farthest.clamp_min(1e-6), margin)
            slowed = self._looker.slowed(past).unsqueeze(3).expand(-1, -1, -1, TAUGHT_SLOTS)
            inside &= ~told | slowed.gather(1, (own - 1).clamp_min(0))[:, 0]
        return torch.where(inside, margin, _NOT).flatten(1)


def _apart(telling: Tensor, scores: Tensor, scatter: Tensor) -> Tensor:
    """Squared distances ``[n, 2, W, slots]`` of what each hand did from each gesture, see ``taught.told_apart``.

    Args:
        telling: ``[n, 2, W, TELLING]`` of left and right hand.
        scores: ``[n, slots, TELLING + 1]``.
        scatter: ``[n, 2, SCATTER, TELLING]``.
    """
    n, hands, windows, _ = telling.shape
    score = (telling.flatten(1, 2) @ scores[..., :-1].transpose(1, 2)).view(n, hands, windows, -1)
    along = telling @ scatter.transpose(2, 3)
    square = (telling * telling).sum(3, keepdim=True) - (along * along).sum(3, keepdim=True)
    return square - 2 * (score + scores[:, None, None, :, -1])


def _floats(values: object) -> Tensor:
    return torch.tensor(np.asarray(values), dtype=torch.float32)
