"""The keys that do the same on every screen, as declared; what they do stands in the app."""

from __future__ import annotations

from textual.binding import Binding

CONSOLE_KEYS = (
    Binding("colon", "command", "Command", id="console.command", tooltip="Type a command"),
    Binding("f2", "command", "Command", id="console.command_too", tooltip="The same as :"),
    Binding("question_mark", "keys", "Keys", id="console.keys", tooltip="What every key of this screen does"),
    Binding("f1", "keys", "Keys", id="console.keys_too", tooltip="The same as ?"),
    Binding("ctrl+f", "find", "Find a person", id="console.find", tooltip="Find a student, an account or a contact"),
    Binding("u,z", "undo", "Undo", id="console.undo", tooltip="Take back your last decision"),
    Binding("h,0", "home", "Home", id="console.home", tooltip="Go to the home screen"),
    *(
        Binding(str(n), f"digit('{n}')", f"Desk {n}", id=f"console.desk_{n}", tooltip=f"Go to desk {n}")
        for n in range(1, 10)
    ),
    Binding(
        "ctrl+p",
        "command_palette",
        "Palette",
        id="console.palette",
        tooltip="Everything that can be done here, by name",
        priority=True,
    ),
    Binding("ctrl+l", "lock", "Lock", id="console.lock", tooltip="Lock the screen now", priority=True),
    Binding("ctrl+c,ctrl+q", "ask_quit", "Leave", id="console.leave", tooltip="Leave the console", priority=True),
)
