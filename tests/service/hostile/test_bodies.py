"""Bodies, queries and headers made to do harm: the answer is a 4xx that tells nothing of the inside."""

from __future__ import annotations

import json
import time
from itertools import product
from typing import Any

import httpx
import pytest

from tests.service.hostile.refusals import JSON, LEAKS, refused
from tests.service.stand_in import picture
from tests.service.wire import statuses, talk

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
