"""`python -m tests.fuzzing TARGET FOLDER RUNS [guided | CORPUS]`: give a parser so many inputs and say what it cost, as JSON.

Drawn inputs are examples cut, spliced and sprinkled, by hypothesis, the same on every machine. Guided ones are grown by atheris
(libFuzzer) towards lines of the console that no input has reached yet. A case that uses more than two seconds of the processor ends
the run, and so does an exception that is not the input's fault; libFuzzer or hypothesis then print the input.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from base64 import b64encode
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzzing.targets import Target

SECONDS = 2.0
"""Of processor time for one input: on a busy machine the wall clock says nothing about the parser."""
LONGEST = 20_000
"""Bytes of an input."""
SEED = 20261122
AT_ONCE = 500
"""Inputs of one run of hypothesis."""


class HungError(BaseException):
    """A case took too long. No handler of exceptions in the parsers may take it for the input's fault."""


class Watched:
    """A target with a watch over each case; counts them and keeps the longest."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.cases = 0
        self.longest = 0.0
        signal.signal(signal.SIGPROF, self._hung)

    def __call__(self, data: bytes) -> None:
        self.cases += 1
        began = process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            self._target(data)
        except BaseException:
            # The exception itself is printed by whoever gave the input.
            sys.stderr.write(f"INPUT {b64encode(data).decode()}\n")
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self.longest = max(self.longest, process_time() - began)

    @staticmethod
    def _hung(*_: Any) -> None:
        raise HungError


def drawn(watched: Watched, examples: list[bytes], words: tuple[bytes, ...], runs: int) -> None:
    """So many inputs by hypothesis."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    pieces = st.one_of(st.binary(max_size=12), st.sampled_from(words))

    @st.composite
    def inputs(draw: Any) -> bytes:
        data: bytes = draw(st.sampled_from(examples))
        for _ in range(draw(st.integers(0, 6))):
            at = draw(st.integers(0, len(data)))
            to = min(len(data), at + draw(st.integers(0, 60)))
            match draw(st.integers(0, 4)):
                case 0:
                    data = data[:at] + draw(pieces) + data[to:]
                case 1:
                    data = data[:at] + draw(pieces) + data[at:]
                case 2:
                    data = data[:at] + data[at:to] * draw(st.integers(0, 50)) + data[to:]
                case 3:
                    other = draw(st.sampled_from(examples))
                    data = data[:at] + other[min(at, len(other)) :]
                case _:
                    data = data[:at]
        return data[:LONGEST]

    for example in examples:
        watched(example)
    # In parts, for hypothesis remembers whatever it drew in one.
    for part in range(0, runs, AT_ONCE):

        @seed(SEED + part)
        @settings(
            max_examples=min(AT_ONCE, runs - part),
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )
        @given(inputs())
        def give(data: bytes) -> None:
            watched(data)

        give()


def guided(watched: Watched, folder: Path, words: tuple[bytes, ...], examples: list[bytes], runs: int) -> None:
    """So many inputs by atheris. Ends the process, for libFuzzer would not come back."""
    import atheris

    def give(data: bytes) -> None:
        watched(data)
        if watched.cases == runs:
            tell(watched)
            os._exit(0)

    corpus = folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, example in enumerate(examples):
        (corpus / f"{number:04}").write_bytes(example)
    dictionary = folder / "words"
    dictionary.write_text("".join('"' + "".join(f"\\x{byte:02x}" for byte in word) + '"\n' for word in words))
    arguments = [
        "fuzzing",
        f"-seed={SEED}",
        f"-max_len={LONGEST}",
        f"-dict={dictionary}",
        f"-artifact_prefix={folder}/",
        "-timeout=60",
        "-rss_limit_mb=0",
        "-print_final_stats=0",
        "-verbosity=0",
        str(corpus),
    ]
    atheris.Setup(arguments, give)
    atheris.Fuzz()


def peak() -> int:
    """The most memory that this program ever had, in MB: what the parent had at the fork is not its own."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) >> 10  # type: ignore[index]


def main() -> None:
    name, place, runs, *way = sys.argv[1:]
    folder = Path(place)
    guiding = way == ["guided"]
    if guiding:
        import atheris

        with atheris.instrument_imports(include=["console"]):
            from tests.fuzzing.targets import TARGETS

            target = TARGETS[name](folder)
            for example in target.examples():
                target(example)
    else:
        from tests.fuzzing.targets import TARGETS

        target = TARGETS[name](folder)
    watched = Watched(target)
    examples = target.examples()
    if guiding:
        guided(watched, folder, target.words, examples, int(runs))
    else:
        for grown in [file for corpus in way for file in sorted(Path(corpus).iterdir())]:
            watched(grown.read_bytes())
        drawn(watched, examples, target.words, int(runs))
        tell(watched)


def tell(watched: Watched) -> None:
    """Say what it came to."""
    told = {"cases": watched.cases, "longest_ms": int(watched.longest * 1000), "peak_mb": peak()}
    os.write(1, json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    main()
