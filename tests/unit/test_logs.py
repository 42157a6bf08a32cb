"""Nothing secret stands in a log, whoever writes it and however it breaks."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest
import structlog
from litestar.types import Scope

from appliance.edge.requestlog import FLUSH_S, RequestLog
from appliance.foundation import TRAIL, InvalidInput, Trail, configure_logging, tell_lost_errors
from appliance.foundation.logs import redact
from appliance.identity.secrets import new_api_key, random_text

CANARY = "CNRY-prompt-5d1f"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Reads what was logged since the last look."""
    configure_logging("debug")
    yield lambda: capsys.readouterr().err
    logging.getLogger().handlers.clear()
    structlog.reset_defaults()
    configure_logging("error")


def test_keys_are_taken_out_and_stay_recognisable() -> None:
    key = new_api_key()
    line = redact(f"refused {key.text()} and 'Authorization: Bearer abc.def-ghi' at postgresql://user:pass@host/name")
    assert key.secret not in line
    assert f"pma_{key.lookup}****" in line
    assert "abc.def" not in line
    assert "postgresql://user:****@host/name" in line


def test_tokens_of_a_provider_are_taken_out() -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
    for line in (f"token={token}", f"'{token}'", f"cannot read {token}: it is over", f"x {token}."):
        told = redact(line)
        assert "eyJ****" in told
        assert not any(piece in told for piece in token.split("."))


def breaks() -> None:
    try:
        dict[str, str]()[CANARY]
    except KeyError as error:
        raise ValueError(f"cannot read {CANARY}") from error


def test_exceptions_are_told_by_type_and_place(lines: Callable[[], str]) -> None:
    log = structlog.get_logger("x")
    try:
        breaks()
    except ValueError as error:
        log.warning("defect", exc_info=error)
        log.exception("again")
        logging.getLogger("some.library").exception("it broke")
    written = lines()
    assert CANARY not in written
    assert written.count("ValueError") == 3
    assert "KeyError" in written
    assert "test_logs.py" in written


def test_our_own_errors_keep_their_sentence(lines: Callable[[], str]) -> None:
    structlog.get_logger("x").error("failed", exc_info=InvalidInput("The model is not there."))
    assert "The model is not there." in lines()


async def test_lost_errors_are_told_the_same_way(lines: Callable[[], str]) -> None:
    tell_lost_errors(asyncio.get_running_loop())

    async def fails() -> None:
        raise ValueError(CANARY)

    lost = asyncio.create_task(fails())
    await asyncio.wait({lost})
    del lost
    await asyncio.sleep(0)
    written = lines()
    asyncio.get_running_loop().set_exception_handler(None)
    assert "ValueError" in written
    assert CANARY not in written


def test_lines_have_the_request_and_are_one_line_each(lines: Callable[[], str]) -> None:
    TRAIL.set(Trail("r-17"))
    structlog.get_logger("x").info("two\nlines", value="a\r\nb\x1b[31m")
    written = lines()
    TRAIL.set(None)
    assert "request_id='r-17'" in written
    assert written.count("\n") == 1
    assert "\x1b" not in written


def scope(**facts: object) -> Scope:
    """What the log looks at of a request."""
    return cast("Scope", facts)


class Caller:
    user_id = "u-1"
    key_id = None


async def test_a_request_is_one_line() -> None:
    written: list[str] = []
    log = RequestLog("all", written.append)
    asked = scope(
        method="POST",
        path=f"/v1/{CANARY}",
        query_string=CANARY.encode(),
        path_template="/v1/chat/completions",
        user=Caller(),
    )
    trail = Trail("r-1", model_id="small", prompt_tokens=3, completion_tokens=4)
    log.note(asked, trail, 200, 0.0123, whole=True)
    log.note(scope(method="GET'\n", path="/"), Trail("r-2", error_code="not_found"), 404, 0.001, whole=True)
    log.note(scope(method="GET", path="/"), Trail("r-3"), 0, 0.001, whole=False)
    await asyncio.sleep(2 * FLUSH_S)
    first, second, third = "".join(written).splitlines()
    assert "endpoint='/v1/chat/completions' status=200 ms=12.3 outcome='answered' model='small'" in first
    assert "prompt_tokens=3 completion_tokens=4 user_id='u-1' request_id='r-1'" in first
    assert "endpoint=None status=404" in second
    assert "code='not_found' request_id='r-2'" in second
    assert "status=None ms=1.0 outcome='cut off'" in third
    assert CANARY not in first


@pytest.mark.parametrize(("level", "count"), [("all", 3), ("errors", 2), ("off", 0)])
async def test_the_level_chooses(level: str, count: int) -> None:
    written: list[str] = []
    log = RequestLog(level, written.append)  # type: ignore[arg-type] # from the list above
    for status, whole in ((200, True), (503, True), (200, False)):
        log.note(scope(method="GET", path="/"), Trail("r"), status, 0.1, whole=whole)
    log.flush()
    assert len("".join(written).splitlines()) == count


def planted() -> dict[str, tuple[str, str]]:
    """By kind: what is secret, and how it would stand in a line."""
    session, key = random_text(43), new_api_key()
    token = f"eyJ{random_text(30)}.{random_text(60)}.{random_text(86)}"
    word = f"Pw-{random_text(12)}"
    return {
        "key": (key.secret, key.text()),
        "operator": (session, f"pmo_{session}"),
        "session": (session, session),
        "cookie": (session, f"Cookie: theme=dark; __Host-appliance_session={session}; x=1"),
        "set-cookie": (session, f"set-cookie: appliance_session={session}; HttpOnly"),
        "token": (token.split(".")[2], token),
        "bearer": (word, f"Authorization: Bearer {word}"),
        "basic": (word, f"authorization: Basic {word}"),
        "database": (word, f"postgresql+psycopg://appliance:{word}@db.example.org/appliance"),
        "store": (word, f"redis://:{word}@store:6379/0"),
        "client": (word, f"client_secret={word}&grant_type=authorization_code"),
        "json": (word, f'{{"password": "{word}"}}'),
        "dict": (word, f"{{'new_password': '{word}', 'x': 1}}"),
        "refresh": (token.split(".")[2], f"refresh_token={token}"),
        "api key": (word, f"x-api-key: {word}"),
    }


WAYS = ("warning", "error", "argument", "structlog", "value", "library exception")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", planted())
def test_whoever_logs_a_secret_it_is_taken_out(lines: Callable[[], str], kind: str, way: str) -> None:
    secret, text = planted()[kind]
    library, own = logging.getLogger("some.library"), structlog.get_logger("x")
    if way in ("warning", "error"):
        getattr(library, way)(f"it said {text}")
    elif way == "argument":
        library.warning("it said %s to %r", text, {"header": text})
    elif way == "structlog":
        own.info(f"it said {text}")
    elif way == "value":
        own.debug("it said", what=text, more=[text], all={"a": text})
    else:
        library.error("it broke: %s", text, exc_info=RuntimeError(text))
    written = lines()
    assert "it " in written
    assert secret not in written


BENDING = (
    "a\r\nlevel='error' event='forged'",
    "a\x1b[2J\x1b]0;x\x07",
    "a\u2028b\x85c\x0bd",
    "a' event='forged",
    "\x00" * 9,
)


@pytest.mark.parametrize("text", BENDING)
def test_text_of_strangers_stays_inside_its_line(lines: Callable[[], str], text: str) -> None:
    structlog.get_logger("x").warning("a name", name=text)
    logging.getLogger("some.library").warning("a name: %s", text)
    written = lines()
    assert written.count("\n") == 2
    assert len(written.splitlines()) == 2, "also for readers who know more ends of a line"
    assert written.isprintable() or not set(written) - {"\n"} & set("\r\x1b\x00\x07\x0b\x85\u2028")
    assert not [line for line in written.splitlines() if line.startswith("level=")]


def test_a_line_has_an_end(lines: Callable[[], str]) -> None:
    began = time.monotonic()
    structlog.get_logger("x").warning("much", text="a" * 1_000_000)
    logging.getLogger("some.library").warning("much %s", "a1 " * 300_000)
    assert time.monotonic() - began < 5
    assert all(len(line) < 17_000 for line in lines().splitlines())
