"""Who asks the process to stop does not cut off those who are being answered."""

import asyncio
import signal
from pathlib import Path

import httpx

from tests.fakes.engine import FakeEngine, serving
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
