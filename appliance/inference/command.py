"""The command line and environment of an engine: a pure function, so that GPU machines can be checked without one."""

from dataclasses import dataclass

from appliance.inference.catalogue import Entry
from appliance.inference.gpus import GpuShare
from appliance.inference.settings import InferenceSettings, ModelChoice


@dataclass(frozen=True, slots=True)
class EngineCommand:
    argv: tuple[str, ...]
    environment: dict[str, str]
    """All of it: nothing of the gateway's own environment, hence none of its secrets, reaches an engine."""

    @property
    def takes_priority(self) -> bool:
        """The engine orders requests by their `priority`, unless arguments of the settings say otherwise."""
        named = [self.argv[at + 1] for at, word in enumerate(self.argv[:-1]) if word == "--scheduling-policy"]
        joined = [word.partition("=")[2] for word in self.argv if word.startswith("--scheduling-policy=")]
        return bool(named) and named[-1] == "priority" and not joined


def engine_command(
    entry: Entry,
    choice: ModelChoice,
    settings: InferenceSettings,
    *,
    port: int,
    gpu: GpuShare | None,
    threads: int,
    host: str = "127.0.0.1",
) -> EngineCommand:
    """How to start vLLM for a model.

    Args:
        entry: From the catalogue.
        choice: From the settings.
        settings: Where environment and model files lie.
        port: A free one.
        gpu: None renders the CPU build's flags, where `--enforce-eager` is needed for right answers.
        threads: Of the processor.
        host: The loopback address, since `--api-key` is not a wall; another one only behind a firewall.
    """
    argv = [
        str(settings.engine_dir / "bin" / "python"),
        "-m",
        "vllm.entrypoints.openai.api_server",
        "--model",
        str(settings.model_dir / entry.id),
        "--served-model-name",
        entry.id,
        *("--host", host, "--port", str(port)),
        "--disable-uvicorn-access-log",
        "--scheduling-policy",
        "priority",  # batch work behind people; the gateway alone says which is which
    ]
    environment = {
        "PATH": f"{settings.engine_dir / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(settings.log_dir.parent),
        "LANG": "C.UTF-8",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_CACHE_ROOT": str(settings.log_dir.parent / "engine-cache"),
        "VLLM_MAX_N_SEQUENCES": "8",
    }
    if gpu is not None:
        argv += ["--gpu-memory-utilization", f"{gpu.utilization:.3f}"]
        if len(gpu.devices) > 1:
            argv += ["--tensor-parallel-size", str(len(gpu.devices))]
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, gpu.devices))
        environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as the driver's own tool counts them
    else:
        argv.append("--enforce-eager")
        environment |= {
            "VLLM_CPU_KVCACHE_SPACE": str(settings.cpu_kv_cache_gib),
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads would starve the other engine on a small machine
        }
    argv += [*entry.engine_args, *choice.engine_args]
    return EngineCommand(tuple(argv), environment)
