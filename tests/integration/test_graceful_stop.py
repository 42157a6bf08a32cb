"""Who asks the process to stop does not cut off those who are being answered, and is not kept waiting by what hangs."""

import asyncio
import signal
import socket
import time
from pathlib import Path

import httpx

from tests.fakes.engine import FakeEngine, serving
from tests.support.engines import EngineProcess, engine_processes
from tests.support.gateway import CHAT_MODEL, EMBED_MODEL
from tests.support.process import ApplianceProcess


async def test_streams_end_before_the_process_does(tmp_path: Path) -> None:
    async with serving(FakeEngine()) as engine:
        data = tmp_path / "data"
        data.mkdir()
        models = "".join(
            f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{engine.url}"]\n' for m in (CHAT_MODEL, EMBED_MODEL)
        )
        (data / "appliance.toml").write_text(models + "[documents]\nparallel = 0\n")
        process = ApplianceProcess(data)
        await asyncio.to_thread(process.start)
        try:
            key = (await asyncio.to_thread(process.cli_json, "keys", "create", "stop"))["key"]
            engine.delay_s = 0.2
            body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "x"}], "stream": True}
            headers = {"authorization": f"Bearer {key}"}
            async with (
                httpx.AsyncClient(base_url=process.url, headers=headers, timeout=60, trust_env=False) as client,
                client.stream("POST", "/v1/chat/completions", json=body) as reply,
            ):
                pieces = reply.aiter_text()
                found = await anext(pieces)
                assert process.process is not None
                process.process.send_signal(signal.SIGTERM)
                async for piece in pieces:
                    found += piece
            assert found.count('"content"') > 5
            assert found.endswith("data: [DONE]\n\n")
            assert await asyncio.to_thread(process.process.wait, 30) == 0
        finally:
            await asyncio.to_thread(process.stop)


async def test_nothing_that_hangs_keeps_the_process_from_ending(tmp_path: Path) -> None:
    """A frozen engine in the middle of a stream and of a document, and a collector that takes and never answers.

    The second signal is that of somebody who will not wait for open streams.
    """
    engine, data, files = EngineProcess(delay_s=0.1), tmp_path / "data", tmp_path / "files"
    data.mkdir()
    files.mkdir()
    (files / "a.txt").write_text("The gate code is 7731.")
    models = "".join(
        f'[[engines.models]]\nid = "{m}"\nbase_urls = ["{engine.url}"]\n' for m in (CHAT_MODEL, EMBED_MODEL)
    )
    with engine_processes(engine), socket.create_server(("127.0.0.1", 0)) as collector:
        address = f"http://127.0.0.1:{collector.getsockname()[1]}"
        (data / "appliance.toml").write_text(f'{models}[traces]\nendpoint = "{address}"\n')
        process = ApplianceProcess(data)
        await asyncio.to_thread(process.start)
        assert process.process is not None
        try:
            key = (await asyncio.to_thread(process.cli_json, "keys", "create", "stop"))["key"]
            body = {"model": CHAT_MODEL, "messages": [{"role": "user", "content": "x"}], "stream": True}
            headers = {"authorization": f"Bearer {key}"}
            async with httpx.AsyncClient(base_url=process.url, headers=headers, timeout=60, trust_env=False) as client:
                made = (await client.post("/api/collections", json={"name": "Gates"})).json()
                async with client.stream("POST", "/v1/chat/completions", json=body) as reply:
                    pieces = reply.aiter_text()  # held, since a generator that is collected closes the stream
                    await anext(pieces)
                    engine.freeze()
                    path = f"/api/collections/{made['id']}/documents"
                    sent = await client.post(path, files={"file": ("a.txt", (files / "a.txt").read_bytes())})
                    assert sent.status_code < 300, sent.text
                    await asyncio.sleep(1)
                    began = time.monotonic()
                    process.process.send_signal(signal.SIGTERM)
                    await asyncio.sleep(0.5)
                    process.process.send_signal(signal.SIGTERM)
                    assert await asyncio.to_thread(process.process.wait, 40) == 0
                    assert time.monotonic() - began < 30, process.output()[-3000:]
            assert "a part takes its time to end" in process.output()
            assert "part='tracing'" in process.output()
        finally:
            engine.thaw()
            await asyncio.to_thread(process.stop)
