"""The keys of the queue table, as data: what the footer, the key sheet and a user's own key map read.

Every binding has an id, by which a user remaps it, and a tooltip that says what it does.
"""

from __future__ import annotations

from textual.binding import Binding


def _quiet(keys: str, action: str, name: str, does: str) -> Binding:
    """A key that the footer does not show."""
    return Binding(keys, action, does, show=False, id=f"queue.{name}", tooltip=does)


QUEUE_KEYS = (
    Binding("enter", "open", "Open", id="queue.open", tooltip="Open the case under the cursor"),
    # Space is lost in some terminals (Textual #6408), so `x` is the key that is shown.
    Binding("x,space", "mark", "Mark", id="queue.mark", tooltip="Mark this case and go to the next"),
    _quiet("V", "range", "range", "Begin or end marking a range"),
    _quiet("asterisk", "mark_all", "all", "Mark all that match the filter, or none"),
    _quiet("up,k", "move(-1)", "up", "Go to the case above"),
    _quiet("down,j", "move(1)", "down", "Go to the case below"),
    _quiet("pageup", "page(-1)", "page_up", "Go up one screen"),
    _quiet("pagedown", "page(1)", "page_down", "Go down one screen"),
    _quiet("ctrl+u", "half(-1)", "half_up", "Go up half a screen"),
    _quiet("ctrl+d", "half(1)", "half_down", "Go down half a screen"),
    _quiet("g,home", "first", "first", "Go to the first case"),
    _quiet("G,end", "last", "last", "Go to the last case"),
    _quiet("shift+up", "extend(-1)", "extend_up", "Mark a range upwards"),
    _quiet("shift+down", "extend(1)", "extend_down", "Mark a range downwards"),
    _quiet("s", "sort", "sort", "Sort by the next column"),
    _quiet("S", "reverse", "reverse", "Turn the order round"),
)
