"""Peers of the gateway, each in a Python environment of its own, as their documentation starts them."""

import subprocess
import sys
from pathlib import Path

LITELLM = ("litellm[proxy]==1.108.0", "opentelemetry-sdk", "opentelemetry-exporter-otlp", "prisma")
"""Without OpenTelemetry's packages it imports a missing module at every request, which would be unfair to it."""
VLLM_ROUTER = ("vllm-router==0.1.17",)
CONFIG = """
model_list:
  - model_name: mock
    litellm_params: {{model: hosted_vllm/mock, api_base: "http://127.0.0.1:{port}/v1", api_key: none}}
general_settings: {{master_key: sk-bench}}
litellm_settings: {{telemetry: false, num_retries: 0}}
"""


def litellm(peers: Path, work: Path, upstream: int) -> dict[str, object]:
    """LiteLLM's proxy with a master key and no database."""
    home = _installed(peers / "litellm", LITELLM)
    config = work / "lite.yaml"
    config.write_text(CONFIG.format(port=upstream))
    return {
        "name": "litellm",
        "url": "http://127.0.0.1:19201",
        "cmd": [str(home / "bin" / "litellm"), "--config", str(config), "--num_workers", "1", "--port", "19201"],
        "env": {"LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        "token": "sk-bench",
        "health": "/health/liveliness",
        "wait_s": 120,
    }


def vllm_router(peers: Path, upstream: int) -> dict[str, object]:
    """The Rust router; it knows no keys, users or limits."""
    home = _installed(peers / "vllm-router", VLLM_ROUTER)
    options = f"--host 127.0.0.1 --port 19202 --worker-urls http://127.0.0.1:{upstream} --policy round_robin"
    return {
        "name": "vllm-router",
        "url": "http://127.0.0.1:19202",
        "cmd": [
            str(home / "bin" / "vllm-router"),
            *options.split(),
            "--prometheus-port",
            "19212",
            "--log-level",
            "error",
        ],
    }


def _installed(home: Path, packages: tuple[str, ...]) -> Path:
    if not (home / "done").is_file():
        subprocess.run([sys.executable, "-m", "uv", "venv", "--quiet", "--clear", str(home)], check=True)
        python = str(home / "bin" / "python")
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *packages], check=True
        )
        subprocess.run([python, "-m", "compileall", "-q", str(home)], check=False, stdout=subprocess.DEVNULL)
        (home / "done").touch()
    return home
