"""Downloads against a server of our own that breaks off, lies, leads astray, or is not there."""

from __future__ import annotations

import errno
import hashlib
import http.server
import io
import json
import os
import shutil
import threading
import urllib.request
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from motionlcm_blender.errors import Cancelled, DownloadError
from motionlcm_blender.importing import connections, downloads, source_list
from motionlcm_blender.importing.downloads import fetch, fetch_all
from motionlcm_blender.importing.source_list import Source, read_sources

CONTENT = bytes(range(256)) * 2000
HASH = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Behaviour:
    """What the server does. drops: after how many bytes each of the next answers breaks off."""

    content: bytes = CONTENT
    ranges: bool = True
    etag: str = '"one"'
    drops: list[int] = field(default_factory=list)
    length: int | None = None
    sends_length: bool = True
    chunked: bool = False
    status: list[int] = field(default_factory=list)
    location: str = ""
    kind: str = "application/octet-stream"
    requests: list[dict[str, str]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_args: Any) -> None:
        pass

    def do_GET(self) -> None:
        behaviour: Behaviour = self.server.behaviour  # type: ignore[attr-defined]
        behaviour.requests.append({"path": self.path, **dict(self.headers)})
        self.close_connection = True
        if behaviour.location and self.path != "/there":
            self.send_response(302)
            self.send_header("Location", behaviour.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if behaviour.status:
            self.send_response(behaviour.status.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        begins = 0
        requested, same = self.headers.get("Range"), self.headers.get("If-Range") in (None, behaviour.etag)
        if requested and behaviour.ranges and same:
            begins = int(requested.removeprefix("bytes=").rstrip("-"))
            if begins >= len(behaviour.content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        rest = behaviour.content[begins:]
        self.send_response(206 if begins else 200)
        self.send_header("Content-Type", behaviour.kind)
        if behaviour.etag:
            self.send_header("ETag", behaviour.etag)
        if begins:
            self.send_header("Content-Range", f"bytes {begins}-{len(behaviour.content) - 1}/{len(behaviour.content)}")
        if behaviour.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif behaviour.sends_length:
            self.send_header("Content-Length", str(len(rest) if behaviour.length is None else behaviour.length))
        self.end_headers()
        if behaviour.drops:
            rest = rest[: behaviour.drops.pop(0)]
        if behaviour.chunked:
            self.wfile.write(f"{len(rest):x}\r\n".encode() + rest + b"\r\n0\r\n\r\n")
        else:
            self.wfile.write(rest)


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.behaviour = Behaviour()  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def behaviour(server: Any) -> Behaviour:
    behaviour: Behaviour = server.behaviour
    return behaviour


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "WAITS", (0.0, 0.0))
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source(server: Any) -> Source:
    return Source("some/file.bin", "checkpoint", (address(server),), "https://example.org", HASH, len(CONTENT), "CC0")


def address(server: Any, path: str = "/file.bin") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def refused(source: Source, folder: Path, **options: Any) -> str:
    with pytest.raises(DownloadError) as caught:
        fetch(source, folder, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "Traceback" not in sentence
    assert source.name.rpartition("/")[2] not in files(folder)
    return sentence


def test_a_file_comes_whole_and_is_not_fetched_twice(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    seen: list[tuple[float, str]] = []
    path = fetch(source, tmp_path, progress=lambda part, what: seen.append((part, what)))
    assert path == tmp_path / "some" / "file.bin" and path.read_bytes() == CONTENT
    assert files(tmp_path) == ["file.bin"]
    assert seen[-1] == (1.0, "Fetching: file.bin") and [p for p, _ in seen] == sorted(p for p, _ in seen)
    assert fetch(source, tmp_path) == path and len(behaviour.requests) == 1
    path.write_bytes(b"something else")
    assert fetch(source, tmp_path).read_bytes() == CONTENT


def test_it_goes_on_where_it_broke(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.drops = [100_000, 150_000, 0]
    assert fetch(source, tmp_path).read_bytes() == CONTENT
    assert [each.get("Range") for each in behaviour.requests] == [
        None,
        "bytes=100000-",
        "bytes=250000-",
        "bytes=250000-",
    ]
    assert files(tmp_path) == ["file.bin"]


def test_it_goes_on_in_another_session(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.drops = [100_000, 0, 0, 0, 0, 0]
    assert "broke off after 0.1 MiB of 0.5 MiB" in refused(source, tmp_path)
    assert files(tmp_path) == [".file.bin.part", ".file.bin.part.json"]
    behaviour.drops.clear()
    assert fetch(source, tmp_path).read_bytes() == CONTENT
    assert behaviour.requests[-1]["Range"] == "bytes=100000-" and behaviour.requests[-1]["If-Range"] == '"one"'
    assert files(tmp_path) == ["file.bin"]


def test_a_file_that_changed_meanwhile_begins_anew(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.content, behaviour.drops = b"x" * len(CONTENT), [100_000, 0, 0, 0]
    refused(source, tmp_path)
    behaviour.content, behaviour.etag = CONTENT, '"two"'
    behaviour.drops.clear()
    assert fetch(source, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(("ranges", "etag"), [(False, '"one"'), (True, ""), (True, 'W/"weak"')])
def test_servers_without_ranges_or_tags(
    source: Source, behaviour: Behaviour, tmp_path: Path, ranges: bool, etag: str
) -> None:
    behaviour.ranges, behaviour.etag, behaviour.drops = ranges, etag, [100_000]
    assert fetch(source, tmp_path).read_bytes() == CONTENT
    behaviour.drops, behaviour.requests = [100_000], []
    unknown = replace(source, name="other.bin", sha256=None)
    assert fetch(unknown, tmp_path, accept_unverified=True).read_bytes() == CONTENT
    if etag != '"one"':  # the rest may be of another file
        assert "Range" not in behaviour.requests[-1]


def test_a_part_longer_than_the_file_is_thrown_away(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.drops = [100_000, 0, 0, 0]
    refused(source, tmp_path)
    behaviour.drops.clear()
    with (tmp_path / "some" / ".file.bin.part").open("ab") as file:
        file.write(b"x" * len(CONTENT))
    assert fetch(source, tmp_path).read_bytes() == CONTENT


def test_a_wrong_hash_leaves_nothing(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.content = CONTENT[:-1] + b"x"
    assert "its sha256 is another" in refused(source, tmp_path)
    assert files(tmp_path) == []
    behaviour.content = CONTENT
    assert fetch(source, tmp_path).read_bytes() == CONTENT


def test_another_server_has_it(source: Source, server: Any, behaviour: Behaviour, tmp_path: Path) -> None:
    behaviour.status = [404]
    twice = replace(source, urls=(address(server, "/gone"), address(server)))
    assert fetch(twice, tmp_path).read_bytes() == CONTENT
    assert [each["path"] for each in behaviour.requests] == ["/gone", "/file.bin"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"length": len(CONTENT) + 5}, "has 512005 bytes instead of 512000"),
        ({"length": 1000}, "has 1000 bytes instead of 512000"),
        ({"content": CONTENT + b"more"}, "has 512004 bytes"),
        ({"content": CONTENT + b"more", "sends_length": False}, "longer than it may be"),
        ({"content": CONTENT[:-7], "sends_length": False}, "broke off"),
        ({"kind": "text/html; charset=utf-8"}, "a web page instead of some/file.bin"),
        ({"status": [404]}, "not at 127.0.0.1 any more"),
        ({"status": [403]}, "does not allow"),
        ({"status": [418]}, "answers 418"),
        ({"status": [503] * 9}, "try again later"),
        ({"location": "file:///etc/passwd"}, "kind 'file', which is refused"),
        ({"location": "ftp://127.0.0.1/file.bin"}, "kind 'ftp', which is refused"),
        ({"location": "data:text/plain,hello"}, "kind 'data', which is refused"),
        ({"location": "http://example.org/file.bin"}, "without encryption"),
    ],
)
def test_lies_and_refusals_are_one_sentence(
    source: Source, behaviour: Behaviour, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    for name, value in changes.items():
        setattr(behaviour, name, list(value) if isinstance(value, list) else value)
    assert sentence in refused(source, tmp_path)


def test_of_unknown_size_a_lying_length_shows(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    unknown = replace(source, bytes=None, sha256=None)
    behaviour.length = len(CONTENT) + 5
    assert "broke off" in refused(unknown, tmp_path, accept_unverified=True)
    shutil.rmtree(tmp_path / "some")
    behaviour.length, behaviour.sends_length = None, False
    assert "may be half a file" in refused(unknown, tmp_path, accept_unverified=True)
    behaviour.chunked = True
    assert fetch(unknown, tmp_path, accept_unverified=True).read_bytes() == CONTENT


def test_no_file_grows_without_end(
    source: Source, behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "MAX_BYTES", 1000)
    unknown = replace(source, bytes=None)
    assert "longer than it may be" in refused(unknown, tmp_path)
    behaviour.chunked = True
    assert "longer than it may be" in refused(unknown, tmp_path)
    assert files(tmp_path) == []


def test_a_redirect_on_this_machine_is_followed(
    source: Source, server: Any, behaviour: Behaviour, tmp_path: Path
) -> None:
    behaviour.location = address(server, "/there")
    assert fetch(source, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("onward", ["http://example.org/x", "http://127.0.0.1/x", "file:///x", "//", "gopher://a/b"])
def test_out_of_an_encrypted_connection_leads_nothing(onward: str) -> None:
    request = urllib.request.Request("https://example.org/file.bin")
    for handler in (connections.CheckedRedirects(),):
        with pytest.raises(connections.RefusedRedirect, match="refused"):
            handler.redirect_request(request, None, 302, "Found", {}, onward)  # type: ignore[arg-type]
    connections.check_redirect("https://example.org/file.bin", "https://cdn.example.org/1")


def test_a_redirect_that_is_not_followed_leaves_no_connection_open() -> None:
    request, body, headers = urllib.request.Request("https://example.org/file.bin"), io.BytesIO(), Message()
    headers["Location"] = "file:///etc/passwd"
    with pytest.raises(connections.RefusedRedirect):
        connections.CheckedRedirects().http_error_302(request, body, 302, "Found", headers)
    assert body.closed


def test_an_opener_reads_no_local_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("secret")
    assert connections.url_opener().open((tmp_path / "x").as_uri()) is None  # type: ignore[func-returns-value]


def test_no_server_and_no_name(source: Source, tmp_path: Path) -> None:
    closed = replace(source, urls=("http://127.0.0.1:9/file.bin",))
    assert "no connection" in refused(closed, tmp_path)
    unknown = downloads._of_connection(__import__("socket").gaierror(-2, "x"), "https://nowhere.invalid/x", source)
    assert (
        str(unknown) == "There is no connection, nowhere.invalid cannot be found: see to the network, then try again."
    )
    assert files(tmp_path) == []


def test_proxies_of_the_environment_are_used(
    source: Source, server: Any, behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", address(server, ""))
    away = replace(source, urls=("http://localhost:1/by-proxy.bin",))
    monkeypatch.setenv("no_proxy", "")
    assert fetch(away, tmp_path).read_bytes() == CONTENT
    assert behaviour.requests[0]["path"] == "http://localhost:1/by-proxy.bin"


def test_cancel_keeps_the_part_and_nothing_else(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    seen: list[float] = []
    with pytest.raises(Cancelled):
        fetch(source, tmp_path, progress=lambda part, _what: seen.append(part), cancel=lambda: bool(seen))
    assert files(tmp_path) == [".file.bin.part", ".file.bin.part.json"]
    assert fetch(source, tmp_path).read_bytes() == CONTENT and behaviour.requests[-1]["Range"].startswith("bytes=")


def test_a_full_disk_leaves_nothing(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage(10, 10, 0))
    assert "not enough space" in refused(source, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(downloads, "WAITS", ())

    def full(path: Path, *_args: Any, **_options: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DownloadError, match="not enough space"):
        fetch(source, tmp_path)
    monkeypatch.undo()
    assert files(tmp_path) == []


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_may_not_be_written(
    source: Source, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, *_args: Any, **_options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", forbidden)
    assert "may not be written to" in refused(source, tmp_path)


def test_a_folder_that_is_a_file(source: Source, tmp_path: Path) -> None:
    (tmp_path / "some").write_text("in the way")
    assert "cannot be written" in refused(source, tmp_path)


def test_what_cannot_be_verified_needs_a_word(source: Source, behaviour: Behaviour, tmp_path: Path) -> None:
    unknown = replace(source, sha256=None)
    assert "cannot be verified" in refused(unknown, tmp_path)
    assert not behaviour.requests
    assert fetch(unknown, tmp_path, accept_unverified=True).read_bytes() == CONTENT


def test_what_a_program_cannot_fetch_is_fetched_by_hand(source: Source, tmp_path: Path) -> None:
    assert "in a browser from https://example.org" in refused(replace(source, urls=()), tmp_path)


def test_several_files_share_one_progress(source: Source, tmp_path: Path) -> None:
    seen: list[float] = []
    several = [source, replace(source, name="second.bin")]
    made = fetch_all(several, tmp_path, progress=lambda part, _what: seen.append(part))
    assert [path.name for path in made] == ["file.bin", "second.bin"]
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_the_list_of_sources_is_complete() -> None:
    sources = read_sources()
    names = [source.name for source in sources]
    assert len(set(names)) == len(names)
    assert {source.kind for source in sources} == set(source_list.KINDS)
    assert {"sentence-t5-large/2_Dense/config.json", "humanml3d/Mean.npy"} <= set(names)
    assert all(source.licence and source.page.startswith("https://") for source in sources)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "../outside.bin"},
        {"name": "/etc/passwd"},
        {"name": "a/../../b"},
        {"name": ".hidden"},
        {"urls": ["file:///etc/passwd"]},
        {"urls": ["http://example.org/x"]},
        {"sha256": "short"},
        {"bytes": -1},
        {"bytes": True},
        {"kind": "virus"},
    ],
)
def test_a_damaged_list_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    entry = {
        "name": "a.bin",
        "kind": "checkpoint",
        "urls": ["https://example.org/a"],
        "page": "https://example.org",
        "sha256": None,
        "bytes": None,
        "licence": "x",
    } | change
    (tmp_path / "sources.json").write_text(json.dumps({"format": 1, "files": [entry]}))
    with pytest.raises(DownloadError, match="list of files to fetch is damaged"):
        read_sources(tmp_path / "sources.json")
