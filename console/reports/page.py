"""A report as one page that opens in any browser, alone: no script, nothing loaded, everything escaped, and it prints well."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from console.text import safe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from console.reports.heading import Heading
    from console.reports.lines import Line

TOGETHER = 500
"""Lines that are written at once."""

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 .6rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0 0 1.6rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; border-bottom: 2px solid var(--line); position: sticky; top: 0; background: Canvas; }
td { border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th, td { padding: .25rem .5rem; } .n { text-align: right; color: var(--dim); }
tbody tr:hover { background: #8881; }
@media print {
  @page { size: landscape; margin: 12mm; }
  body { font-size: 9px; margin: 0; max-width: none; padding: 0; }
  thead { display: table-header-group; } tr { break-inside: avoid; } th { position: static; }
}
"""


def write_html(lines: Iterable[Line], write: Callable[[bytes], object], heading: Heading) -> None:
    """The report as a page."""
    told = "".join(f"<dt>{_shown(label)}</dt><dd>{_shown(text)}</dd>" for label, text in heading.said())
    titles = "".join(f"<th{_class(title)}>{_shown(title)}</th>" for title in heading.titles)
    write(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            '<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">'
            f"<title>Audit report – {_shown(heading.portal)}</title><style>{_STYLE}</style></head><body>\n"
            f"<h1>Audit report</h1>\n<dl>{told}</dl>\n<table><thead><tr>{titles}</tr></thead><tbody>\n"
        ).encode()
    )
    kept: list[str] = []
    for line in lines:
        cells = zip(heading.titles, heading.cells(line), strict=True)
        kept.append("<tr>" + "".join(f"<td{_class(title)}>{_cell(value)}</td>" for title, value in cells) + "</tr>\n")
        if len(kept) >= TOGETHER:
            write("".join(kept).encode())
            kept.clear()
    write(("".join(kept) + "</tbody></table>\n</body></html>\n").encode())


def _class(title: str) -> str:
    return ' class="n"' if title in ("No.", "Case") else ""


def _cell(value: str | int | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else _shown(value)


def _shown(text: str) -> str:
    return escape(safe(text))
