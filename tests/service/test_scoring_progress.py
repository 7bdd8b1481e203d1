"""What is told while a table is scored."""

from __future__ import annotations

import io

from service.scoring.progress import Progress, duration


def test_progress_is_lines_with_rate_and_time_left_counted_from_where_this_run_began() -> None:
    stream, now = io.StringIO(), [0.0]
    progress = Progress(stream, clock=lambda: now[0])
    progress.start(0.5)
    for now[0], rows, share in ((1.0, 100, 0.51), (10.0, 1000, 0.6), (12.0, 1200, 0.62), (20.0, 2000, 0.7)):
        progress.update(rows, 3, share)
    progress.end()

    assert stream.getvalue().splitlines() == [
        "1,000 rows, 100 rows/s, 60% of the manifest, 40 s left, 3 bad",
        "2,000 rows, 100 rows/s, 70% of the manifest, 30 s left, 3 bad",
    ]
    assert [duration(seconds) for seconds in (5, 119, 150, 7500)] == ["5 s", "119 s", "2 min", "2 h 05 min"]


def test_on_a_terminal_progress_renews_one_line_and_leaves_none() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream, now = Terminal(), [0.0]
    progress = Progress(stream, clock=lambda: now[0])
    progress.start(0.0)
    for now[0] in (1.0, 1.1, 2.0):
        progress.update(10, 0, 0.0)
    progress.end()

    assert stream.getvalue() == "\r10 rows, 10 rows/s\r10 rows, 5 rows/s " + "\r" + " " * 18 + "\r"
