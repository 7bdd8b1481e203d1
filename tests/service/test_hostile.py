"""What is sent to do harm: the answer is a 4xx that tells nothing of the inside, memory stays, the service goes on."""

from __future__ import annotations

import base64
import io
import json
import re
import socket
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.settings import Settings
from tests.service.running import wait_until
from tests.service.stand_in import Namer, picture, write_bundle
from tests.service.wire import listening, read_to_end, statuses, talk

FORMATS = ("PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF")
JSON = {"Content-Type": "application/json"}
MEGABYTE = 2**20
# Paths, traces, addresses of objects: nothing of it is a client's business.
LEAKS = re.compile(r'Traceback|File "|site-packages|\.py\b|0x[0-9a-f]{6}|/(?:home|root|tmp|usr|work)/|Error\(')


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A service with the limits it has by default, but for a low one on all bodies together."""
    models = tmp_path_factory.mktemp("hostile")
    write_bundle(models)
    settings = Settings(
        models=models,
        max_body_bytes=8 * MEGABYTE,
        max_pending_bytes=32 * MEGABYTE,
        header_timeout_s=2,
        body_stall_s=1,
    )
    with listening(create_app(settings, Namer), settings) as address:
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{address[1]}/readyz").status_code == 200)
        yield address


@pytest.fixture(scope="module")
def client(address: tuple[str, int]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=20) as client:
        yield client


@pytest.fixture(autouse=True)
def still_answering(client: httpx.Client) -> Iterator[None]:
    """After each test a good request is answered as ever."""
    yield
    response = client.post("/predict", files={"image": ("a.png", picture("red"))}, data={"text": "red"})
    assert response.json()["predictions"][0]["heads"]["colour"]["label"] == "red"


def refused(response: httpx.Response, *allowed: int) -> int:
    """That an answer is a refusal in good order; gives its status."""
    assert 400 <= response.status_code < 500 or response.status_code in allowed, (response.status_code, response.text)
    assert not LEAKS.search(response.text), response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    return response.status_code


def send_picture(client: httpx.Client, data: bytes) -> httpx.Response:
    return client.post("/predict", files={"image": ("a", data)})


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


GREY = zlib.compress(bytes(21 * 20))
DEFLATED = zlib.compress(bytes(200 * MEGABYTE))  # to a thousandth


def png(width: int, height: int, *, pixels: bytes = zlib.compress(bytes(99)), more: bytes = b"") -> bytes:
    """A grey PNG that says it has a size, with pixels that are deflated, whatever they are."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n" + header + more + png_chunk(b"IDAT", pixels)
        + png_chunk(b"IEND", b"")
    )  # fmt: skip


def gif(width: int, height: int) -> bytes:
    """A GIF of one frame of a size, and hardly any pixels."""
    size = struct.pack("<HH", width, height)
    return b"GIF89a" + size + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0" + size + b"\0\x02\x02L\x01\0;"


def webp(width: int, height: int) -> bytes:
    """A WebP whose extended header promises a canvas."""
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    vp8x = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    body = b"WEBP" + vp8x + picture(file_format="WebP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(width: int, height: int, *, offset: int = 8, count: int = 1) -> bytes:
    """A TIFF that says it has a size, and its directory at an offset."""
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
            (273, 4, count, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, count, 2**31)]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", offset) + directory + struct.pack("<I", 8)


def jpeg(width: int, height: int) -> bytes:
    """A JPEG whose frame header promises a size."""
    good = picture(file_format="JPEG")
    at = good.index(b"\xff\xc0") + 5
    return good[:at] + struct.pack(">HH", height, width) + good[at + 4 :]


def bmp(width: int, height: int) -> bytes:
    good = picture(file_format="BMP")
    return good[:18] + struct.pack("<ii", width, height) + good[26:]


BOMBS = {
    "PNG header": png(60_000, 60_000),
    "PNG, sides of 2^31": png(2**31 - 1, 2**31 - 1),
    "PNG, whole": png(12_000, 12_000, pixels=DEFLATED),
    "PNG, one row": png(2**31 - 1, 1),
    "GIF": gif(65_535, 65_535),
    "WebP": webp(2**24, 2**24),
    "TIFF": tiff(2**31, 2**31),
    "JPEG": jpeg(65_500, 65_500),
    "BMP": bmp(2**31 - 1, -(2**31)),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_picture_of_huge_dimensions_is_refused(data: bytes, client: httpx.Client) -> None:
    response = send_picture(client, data)

    assert refused(response) in (413, 422)
    assert response.json()["type"].startswith("urn:bifocal:problem:image-")
    assert response.json()["input"] == "image"


def resident(field: str) -> int:
    """Memory of this process in bytes: VmRSS, or its peak, VmHWM."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is read from Linux's /proc")
def test_bombs_from_many_clients_at_once_take_no_memory(client: httpx.Client) -> None:
    small_bombs = [
        *BOMBS.values(),
        png(20, 20, pixels=DEFLATED),
        png(20, 20, pixels=GREY, more=png_chunk(b"zTXt", b"a\0\0" + DEFLATED)),
        png(20, 20, pixels=GREY, more=png_chunk(b"iCCP", b"a\0\0" + DEFLATED)),
    ]
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before = resident("VmRSS")

    with ThreadPoolExecutor(8) as clients:
        responses = list(clients.map(lambda data: send_picture(client, data), small_bombs * 5))

    assert all(response.status_code == 200 or refused(response) for response in responses)
    assert resident("VmHWM") - before < 150 * MEGABYTE  # one of them whole were 200
    assert resident("VmRSS") - before < 100 * MEGABYTE


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_picture_that_is_cut_off_is_refused_wherever_it_is_cut(file_format: str, client: httpx.Client) -> None:
    whole = picture((200, 30, 30), file_format=file_format)

    got_through = []
    for end in range(0, len(whole), 10):
        response = send_picture(client, whole[:end])
        if response.status_code == 200:
            got_through.append(end)
        else:
            assert refused(response) == 422

    assert all(end >= len(whole) - 12 for end in got_through)  # all pixels were there, only an end mark was not


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.html", "<script>alert(1)</script>")
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a/*<html><script>alert(1)</script>*/=1;",
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n/a {a} def a",
        b"SIMPLE  =                    T" + b" " * 3000,
        b"%PDF-1.7\n" + b"x" * 100,
        b"8BPS\0\x01" + bytes(200),
        b"\0\0\x01\0\x01\0" + bytes(100),
        b"#!/bin/sh\nid\n",
        b"push graphic-context\nfill 'url(https://example.org/x.png\"|ls \"-la)'\n",
        b"http://169.254.169.254/latest/meta-data",
        b"P6 99999 99999 255\n",
        zipped(),
        tiff(10, 10, offset=2**32 - 1),
        tiff(10, 10, count=2**31),
        jpeg(0, 0),
        png(0, 0),
        webp(1, 1),
        bytes(MEGABYTE),
        picture(file_format="AVIF")[:32] + bytes(5000),
        picture(file_format="AVIF").replace(b"avif", b"heic"),
    ],
    ids=["GIF of HTML", "SVG", "EPS", "FITS", "PDF", "PSD", "ICO", "shell", "MVG", "address", "PPM", "zip", "TIFF offset",
         "TIFF count", "JPEG of nothing", "PNG of nothing", "WebP of two sizes", "zeros", "AVIF of zeros", "HEIC"],
)  # fmt: skip
def test_what_is_no_picture_is_refused(data: bytes, client: httpx.Client) -> None:
    assert refused(send_picture(client, data)) == 422


@pytest.mark.parametrize(
    "data",
    [picture("red", file_format="GIF") + b"<html><script>alert(1)</script>", picture("red", file_format="JPEG") + zipped()],
    ids=["GIF and HTML", "JPEG and zip"],
)  # fmt: skip
def test_a_picture_that_is_something_else_too_is_only_looked_at(data: bytes, client: httpx.Client) -> None:
    response = send_picture(client, data)

    assert response.json()["predictions"][0]["heads"]["colour"]["label"] == "red"
    assert (response.headers["content-type"], response.headers["x-content-type-options"]) == (
        "application/json",
        "nosniff",
    )


WRONG: list[Any] = [True, 0, -1.5, 10**400, [], {}, [[]], [1], {"b64": 5}, {"$ref": "#"}, "\0", "data:", "\U0010ffff"]


def test_wrong_types_are_refused_wherever_they_stand(client: httpx.Client) -> None:
    forms = ("%s", '{"image": %s}', '{"tags": %s}', '{"text": %s, "image": null}', '[{"text": "red"}, %s]',
             '{"instances": %s}', '{"instances": [%s]}', '{"instances": [{"tags": [%s]}]}', '{"inputs": %s}')  # fmt: skip

    for form, value in product(forms, WRONG):
        response = client.post("/predict", content=form % json.dumps(value), headers=JSON)
        if not (isinstance(value, str) and response.status_code == 200):  # strange text is text
            assert refused(response) in (400, 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * 90_000, 413),
        (b'{"instances":' * 90_000, 413),
        (b"[" * 40 + b"]" * 40, 413),
        (b"[" + b"0," * 1_000_000 + b"0]", 413),
        (b"[" + b"{}," * 1_000_000 + b"{}]", 413),
        (b'["' + b"\\u0041" * 1_300_000 + b'"]', 422),
        (b"[" + b"9" * 7_000_000 + b"]", 413),
        (b" " * 7_000_000, 413),
        (b'{"text": "' + b"x" * 7_000_000 + b'"}', 413),
        (b'{"text": "' + b"x" * 7_000_000, 400),
        (b'{"' + b"x" * 7_000_000 + b'": 1}', 422),
        (b'{"image": "' + b"A" * 7_000_000 + b'"}', 422),
        (b'{"text": "red", "text": "blue"}', 400),
        (b"\xff\xfe\x00", 400),
        ('{"text": "red"}'.encode("utf-32"), 400),
    ],
    ids=["lists", "objects", "just too deep", "values", "empty objects", "escapes", "digits", "spaces", "a long text",
         "no end", "a long key", "a large picture of nothing", "a key twice", "bytes", "UTF-32"],
)  # fmt: skip
def test_json_made_to_be_costly_is_refused_soon(body: bytes, status: int, client: httpx.Client) -> None:
    begun = time.perf_counter()

    response = client.post("/predict", content=body, headers=JSON)

    assert refused(response) == status
    assert time.perf_counter() - begun < 2
    assert len(response.content) < 2000  # nothing of it is sent back


@pytest.mark.parametrize(
    "content_type",
    [b"multipart/form-data; boundary=\xa0x", b'multipart/form-data; boundary="x', b"multipart/form-data; boundary=",
     b"multipart/form-data; boundary=" + b"x" * 9000, b"multipart/form-data; boundary=x; charset=punycode",
     b"multipart/form-data; boundary=x; charset=\xff", b"multipart/form-data; boundary*0=x; boundary*1=y",
     b"multipart/form-data; boundary*=utf-8''%00", b"multipart/mixed; boundary=x", b"text/plain", b"image/png", b";", b",",
     b"application/json, multipart/form-data", b"application/x-www-form-urlencoded", b"application/xml"],
)  # fmt: skip
def test_strange_content_types_are_refused(content_type: bytes, client: httpx.Client) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="txet"\r\n\r\nred\r\n--x--\r\n'

    for sent in (body, b"", b"--x"):
        assert refused(client.post("/predict", content=sent, headers=[(b"Content-Type", content_type)])) in (
            400,
            415,
            422,
        )


def form(*parts: tuple[bytes, bytes]) -> bytes:
    whole = b"".join(
        b"--x\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts
    )
    return whole + b"--x--\r\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(*[(b'name="text"', b"x")] * 5000), 413),
        (form(*[(b'name="image"; filename="a"', b"x")] * 5000), 413),
        (form((b'name="text"', b"x" * 7_000_000)), 413),
        (form((b'name="text"; filename="a"', b"x" * 7_000_000)), 413),
        (form((b'name="' + b"x" * 3000 + b'"', b"x")), 422),
        (form((b'name="image"; filename="../../../etc/passwd\0"', b"x")), 422),
        (form((b"name*=utf-8''image; filename=a", b"x")), 400),
        (form((b'name="text"\r\nContent-Transfer-Encoding: base64', b"\xff")), 400),
        (b"--x\r\n" + b"X: y\r\n" * 100_000, 400),
        (b"\r\n--x" * 500_000, 400),
        (form((b'name="image"; filename="a"', b"\r\n--y" * 1_400_000)), 422),
        (form((b'name="text"', b"red")) + b"\r\n--x--" * 900_000, 200),
    ],
    ids=["many parts", "many files", "a long text", "a long text file", "a long name", "a path", "an encoded name", "bytes",
         "many headers", "only boundaries", "nearly boundaries", "an epilogue"],
)  # fmt: skip
def test_forms_made_to_be_costly_are_refused_soon(body: bytes, status: int, client: httpx.Client) -> None:
    begun = time.perf_counter()

    response = client.post("/predict", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})

    assert refused(response, status) == status
    assert time.perf_counter() - begun < 3
    assert len(response.content) < 4000


def test_a_file_name_with_a_path_leads_nowhere(client: httpx.Client) -> None:
    response = client.post("/predict", files={"image": ("/etc/passwd", picture("red"))})

    assert response.json()["predictions"][0]["heads"]["colour"]["label"] == "red"


@pytest.mark.parametrize(
    "query",
    ["top_k=-1", "top_k=9e9", "top_k=" + "9" * 5000, "top_k=%00", "version=1.5", "version=\u0661x", "model=../../etc", "model=%00",
     "model=" + "x" * 5000, "a[b]=c", "timeout_ms=0", "timeout_ms=-1", "timeout_ms=1e99", "explain=perhaps", "top_k=1&top_k=x",
     "%ff=%ed%a0%80", "model=%ed%a0%80"],
)  # fmt: skip
def test_strange_queries_are_refused(query: str, client: httpx.Client) -> None:
    assert refused(client.post(f"/predict?{query}", json={"text": "red"})) in (404, 422)


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "%", "a" * 5000, "\u00e9", "127.0.0.1:99999", "user@host", ""])
@pytest.mark.parametrize(
    "path", ["/nothing", "/models/", "/models/%00", "/predict", "/%2e%2e/%2e%2e/etc/passwd", "//x"]
)
def test_strange_hosts_and_paths_are_refused(host: str, path: str, address: tuple[str, int]) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1")

    received = talk(address, request)

    assert 300 <= statuses(received)[0] < 500, received
    assert not LEAKS.search(received.decode("latin-1"))


@pytest.mark.parametrize(
    "header",
    ["Content-Encoding: gzip", "Content-Length: 99999999999", "Expect: 200-ok", "X-Request-ID: a\tb\x7f", "Accept: image/png",
     "Range: bytes=0-", "Cookie: " + "a=b;" * 2000, "X-Forwarded-For: \xff\xfe", "Traceparent: 00-zz-\xff-01"],
)  # fmt: skip
def test_strange_headers_do_no_harm(header: str, address: tuple[str, int]) -> None:
    body = b'{"txet": "red"}'
    length = "" if "Length" in header else f"Content-Length: {len(body)}\r\n"
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\n{length}Content-Type: application/json\r\n{header}\r\nConnection: close\r\n\r\n"

    received = talk(address, head.encode("latin-1"), body)

    assert 400 <= statuses(received)[-1] < 500, received
    assert not LEAKS.search(received.decode("latin-1"))


HEAD = "POST /predict?timeout_ms=300 HTTP/1.1\r\nHost: a\r\nContent-Type: {}\r\nContent-Length: 1000\r\n\r\n"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_body_that_stops_coming_is_given_up_at_its_deadline(content_type: str, address: tuple[str, int]) -> None:
    begun = time.perf_counter()

    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(HEAD.format(content_type).encode() + b'--x\r\nContent-Disposition: form-data; name="text"')
        received = connection.recv(65536)

    assert statuses(received) == [408]
    assert 0.2 < time.perf_counter() - begun < 3


def test_many_who_hang_up_in_the_middle_of_a_body_leave_nothing_behind(address: tuple[str, int]) -> None:
    for content_type, length in product(("application/json", "multipart/form-data; boundary=x"), (0, 10, 999)):
        for _ in range(10):
            with socket.create_connection(address, timeout=10) as connection:
                connection.sendall(HEAD.format(content_type).encode() + b"x" * length)


def test_more_than_is_kept_at_a_time_is_told_as_too_busy(address: tuple[str, int], client: httpx.Client) -> None:
    head = HEAD.replace("1000", str(8 * MEGABYTE)).replace("=300", "=1500").format("application/json").encode()
    held = [socket.create_connection(address) for _ in range(4)]
    try:
        for connection in held:
            connection.sendall(head + b" " * (8 * MEGABYTE - 1))

        def is_full() -> bool:
            return client.post("/predict", content=b" " * 100, headers=JSON).status_code == 503

        wait_until(is_full, timeout_s=3)
        response = client.post("/predict", content=b" " * 100, headers=JSON)
    finally:
        for connection in held:
            connection.close()

    assert refused(response, 503) == 503
    assert response.headers["retry-after"] == "1"
    # What the closed connections held is free as soon as that is noticed.
    wait_until(lambda: client.post("/predict", content=b" " * 100, headers=JSON).status_code != 503, timeout_s=10)


def test_bodies_that_stand_still_keep_others_out_for_a_moment_only(
    address: tuple[str, int], client: httpx.Client
) -> None:
    head = HEAD.replace("1000", str(8 * MEGABYTE)).replace("=300", "=600000").format("application/json").encode()

    with ExitStack() as held:
        connections = [held.enter_context(socket.create_connection(address, timeout=10)) for _ in range(4)]
        for connection in connections:
            connection.sendall(head + b" " * (8 * MEGABYTE - 1))

        def status() -> int:
            return client.post("/predict", content=b" " * 100, headers=JSON).status_code

        wait_until(lambda: status() == 503, timeout_s=3)
        wait_until(lambda: status() == 400, timeout_s=3)
        assert [statuses(connection.recv(65536)) for connection in connections] == [[408]] * 4


def test_requests_sent_behind_one_another_without_end_are_not_all_kept(address: tuple[str, int]) -> None:
    requests = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" * 20_000
    before, end = resident("VmRSS"), time.monotonic() + 2

    with socket.create_connection(address, timeout=1) as connection, ThreadPoolExecutor(1) as reader:
        reader.submit(read_to_end, connection)
        with suppress(OSError):
            while time.monotonic() < end:
                connection.sendall(requests)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)

    assert resident("VmRSS") - before < 50 * MEGABYTE


def test_base64_that_is_none_is_refused(client: httpx.Client) -> None:
    good = base64.b64encode(picture()).decode()
    for wrong in (
        good[:-1] + "*",
        f" {good}",
        good.replace("A", "\n", 1),
        f"data:image/png;base64{good}",
        good + "===",
        "\xe9",
    ):
        assert refused(client.post("/predict", json={"image": wrong})) == 422
