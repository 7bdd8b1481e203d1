"""What the serving benchmark reckons with: wrk's output, what goes over the wire, ratios."""

from __future__ import annotations

import math
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

import pytest

from benchmarks.processes import Tree
from benchmarks.serving.best_peers import print_best_peers
from benchmarks.serving.candidates import CANDIDATES
from benchmarks.serving.entrant import Entrant
from benchmarks.serving.load import Load, read_output, write_requests
from benchmarks.serving.pictures import Asked
from benchmarks.serving.ratios import median_ratio
from benchmarks.serving.run import CLIENTS, MANY, Run
from benchmarks.serving.tables import print_all
from benchmarks.serving.wires import MULTIPART, V2_BINARY, V2_JSON, Answer

ASKED = Asked(b"\xff\xd8\r\n--picture", "a crème mug")


def test_what_wrk_counted_is_found_among_what_it_prints() -> None:
    text = (
        'Running 10m test\n  64 threads\nJSON {"errors": 1, "statuses": {"200": 2}, "latencies": [0.01, 0.03]}\nbye\n'
    )

    assert read_output(text) == {"errors": 1, "statuses": {"200": 2}, "latencies": [0.01, 0.03]}


def test_a_wrk_that_failed_is_quoted() -> None:
    with pytest.raises(RuntimeError, match="unable to connect"):
        read_output("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_only_right_answers_count_as_throughput() -> None:
    found = Load(2.0, [0.010, 0.020, 0.030], {"200": 3, "503": 4}, errors=1, server_cpu_s=0.6, client_cpu_s=0.0)

    assert (found.requests_per_s, found.cpu_s_per_request, found.failed) == (1.5, pytest.approx(0.2), 5)
    assert found.quantile_ms(50) == pytest.approx(20)


def test_a_ratio_is_that_of_each_round() -> None:
    assert median_ratio([10, 200, 30], [10, 100, 10]) == 2
    assert math.isnan(median_ratio([], []))


def test_a_run_that_was_broken_off_is_printed_as_far_as_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    size, load = "640x480", Load(1.0, [0.01] * 10, {"200": 10}, errors=0, server_cpu_s=0.1, client_cpu_s=0.01)
    loads = {(size, clients): [load] for clients in CLIENTS}
    ours = Entrant(CANDIDATES[0], CANDIDATES[0].variants[0], first_answer_s=[2.0], loads=loads)
    run = Run([ours], Path("models"), Path("saved"), None, [size], 1.0, bare_start_s=[1.0])  # type: ignore[arg-type]
    run.empty.loads[size, CLIENTS[-1]] = [load, load]  # of the second round, whose ceilings were not reached
    print_all(run)
    assert "10 " in capsys.readouterr().out

    steps = ("parse", "decode", "signature", "OpenVINO", "service runtime", "respond")
    run.ceilings.append({name: {"cpu_s": 0.001, "per_s": 1000.0, "batch": 1} for name in steps})
    print_all(run)
    assert "CPU seconds a request:  0.71 x the sum" in capsys.readouterr().out  # 10 ms of 10 for HTTP and 4 steps


def test_ours_are_held_against_the_peer_that_did_best(capsys: pytest.CaptureFixture[str]) -> None:
    def entrant(number: int, *requests: int) -> Entrant:
        loads = [Load(1.0, [1 / one] * one, {"200": one}, 0, 0.1, 0.01) for one in requests]
        return Entrant(CANDIDATES[number], CANDIDATES[number].variants[0], loads={("640x480", MANY): loads})

    peers = [entrant(number, *requests) for number, requests in ((-1, (10, 10, 10)), (-2, (20, 10, 20)))]
    run = Run([entrant(0, 40, 30, 20), *peers], Path("models"), Path("saved"), None, ["640x480"], 1.0)  # type: ignore[arg-type]
    print_best_peers(run)

    told = capsys.readouterr().out.splitlines()[-3:]
    assert [" ".join(line.split()) for line in told] == [
        f"ours requests/s 640x480 64 clients 2.00 x {peers[1].name} (1.00 to 3.00)",
        "ours p50 640x480 1 clients not measured",
        f"ours p99 640x480 64 clients 0.50 x {peers[1].name} (0.33 to 1.00)",
    ]


def test_requests_are_written_with_their_lengths_in_bytes(tmp_path: Path) -> None:
    file = write_requests(tmp_path / "requests.bin", [b"GET\n", "ü".encode()])

    assert file.read_bytes() == b"4\nGET\n2\n\xc3\xbc"


def test_a_form_carries_the_picture_and_the_words_as_they_are() -> None:
    head, _, body = MULTIPART.request(ASKED, port=1).partition(b"\r\n\r\n")
    content_type = head.partition(b"Content-Type: ")[2]
    image, text = message_from_bytes(b"Content-Type: " + content_type + b"\r\n\r\n" + body).get_payload()

    assert (image.get_payload(decode=True), text.get_payload(decode=True).decode()) == (ASKED.image, ASKED.text)
    assert f"Content-Length: {len(body)}".encode() in head


def test_binary_answers_are_read_behind_their_json() -> None:
    request = V2_BINARY.request(ASKED, port=1)
    headers = {"inference-header-content-length": "2"}

    assert request.endswith(ASKED.text.encode())
    assert V2_BINARY.probabilities(Answer(200, headers, b"{}\x00\x00\x80\x3f\x00\x00\x00\x00")) == (1, 0)
    assert V2_JSON.probabilities(Answer(200, {}, b'{"outputs": [{"data": [1.0, 0.0]}]}')) == [1, 0]


def test_a_tree_of_processes_ends_as_a_whole() -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with subprocess.Popen([sys.executable, "-c", child], start_new_session=True) as process:
        tree = Tree(process.pid)
        while len(tree.members()) < 2:
            assert process.poll() is None
        assert tree.memory()[0] > 0

        tree.stop()
        tree.end(patience_s=0.1)

        process.wait()
        assert tree.members() == []
