"""Values that do not fit are refused, each with its own key named; the schema is applied, not only there."""

import json
from typing import Any

import pytest
import yaml

from tests.support.chart import CHART, RefusedError, render

PROBE = {"chat": {"prompt": "q", "contains": "a"}}
SIZES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


def model(**changes: Any) -> dict[str, Any]:
    whole = {"id": "m", "task": "chat", "device": "cpu", "probe": PROBE, "resources": SIZES, **changes}
    return {"models": [{k: v for k, v in whole.items() if v is not None}]}


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("unknown key", {"gatway": {"replicas": 2}}, "gatway"),
    ("unknown key below", {"gateway": {"replica": 2}}, "replica"),
    ("unknown key far below", {"gateway": {"data": {"storageclass": "x"}}}, "storageclass"),
    ("no gateway", {"gateway": {"replicas": 0}}, "/gateway/replicas"),
    ("half a gateway", {"gateway": {"replicas": 1.5}}, "/gateway/replicas"),
    ("a number as text", {"gateway": {"replicas": "2"}}, "/gateway/replicas"),
    ("negative workers", {"worker": {"replicas": -1}}, "/worker/replicas"),
    ("http for people", {"publicUrl": "http://chat.example.org"}, "/publicUrl"),
    ("address with a path", {"publicUrl": "https://chat.example.org/app"}, "/publicUrl"),
    ("tag latest", {"images": {"allowTags": True, "gateway": {"digest": "", "tag": "latest"}}}, "/images/gateway/tag"),
    ("short digest", {"images": {"gateway": {"digest": "sha256:abc"}}}, "/images/gateway/digest"),
    ("digest of another kind", {"images": {"gateway": {"digest": "md5:" + "0" * 64}}}, "/images/gateway/digest"),
    (
        "digest inside the repository",
        {"images": {"gateway": {"repository": "a@sha256:0"}}},
        "/images/gateway/repository",
    ),
    ("pull policy", {"images": {"pullPolicy": "always"}}, "/images/pullPolicy"),
    ("image of nobody", {"images": {"proxy": {"repository": "nginx"}}}, "proxy"),
    ("access mode", {"gateway": {"data": {"accessMode": "RWX"}}}, "/gateway/data/accessMode"),
    ("size without unit", {"gateway": {"data": {"size": "50"}}}, "/gateway/data/size"),
    ("size as number", {"database": {"size": 20}}, "/database/size"),
    ("size of nothing", {"database": {"size": "0Gi"}}, "/database/size"),
    ("no limits", {"cache": {"resources": {"limits": None}}}, "limits"),
    ("memory without limit", {"cache": {"resources": {"limits": {"memory": None}}}}, "memory"),
    ("unknown resource side", {"cache": {"resources": {"limit": {"cpu": "1"}}}}, "limit"),
    ("database mode", {"database": {"mode": "sqlite"}}, "/database/mode"),
    ("index mode", {"index": {"mode": "qdrant"}}, "/index/mode"),
    ("cache mode", {"cache": {"mode": "redis"}}, "/cache/mode"),
    ("identity mode", {"identity": {"mode": "saml"}}, "/identity/mode"),
    ("issuer without TLS", {"identity": {"externalIssuer": "http://id.example/realms/x"}}, "/identity/externalIssuer"),
    ("groups as text", {"identity": {"admittedGroups": "/staff"}}, "/identity/admittedGroups"),
    ("exposure mode", {"exposure": {"mode": "loadbalancer"}}, "/exposure/mode"),
    ("proxy by name", {"exposure": {"trustedProxies": ["proxy.example"]}}, "/exposure/trustedProxies/0"),
    ("open to all callers", {"networkPolicy": {"ingressFrom": [{}]}}, "/networkPolicy/ingressFrom/0"),
    ("no callers", {"networkPolicy": {"ingressFrom": []}}, "/networkPolicy/ingressFrom"),
    ("any namespace", {"networkPolicy": {"metricsFrom": [{"namespaceSelector": {}}]}}, "/networkPolicy/metricsFrom/0"),
    ("outside by name", {"networkPolicy": {"external": [{"cidr": "db.example", "ports": [5432]}]}}, "/external/0/cidr"),
    ("outside on all ports", {"networkPolicy": {"external": [{"cidr": "10.0.0.1/32", "ports": []}]}}, "/0/ports"),
    ("port out of range", {"networkPolicy": {"external": [{"cidr": "10.0.0.1/32", "ports": [70000]}]}}, "/ports/0"),
    ("secret of nobody", {"secrets": {"values": {"root-password": "x"}}}, "root-password"),
    ("empty secret", {"secrets": {"values": {"metrics-token": ""}}}, "metrics-token"),
    ("password in the settings", {"settings": {"admin": {"password": "x"}}}, "password"),
    ("database in the settings", {"settings": {"database": {"url": "postgresql://a:b@c/d"}}}, "url"),
    ("misspelt setting", {"settings": {"documents": {"paralel": 2}}}, "paralel"),
    ("setting out of range", {"settings": {"documents": {"parallel": 1000}}}, "/settings/documents/parallel"),
    ("setting of another kind", {"settings": {"log_level": "loud"}}, "/settings/log_level"),
    ("model without id", model(id=None), "id"),
    ("model with capitals", model(id="Qwen3"), "/models/0/id"),
    ("model with a path", model(id="../etc"), "/models/0/id"),
    ("task of nobody", model(task="draw"), "/models/0/task"),
    ("model without probe", model(probe=None), "/models/0"),
    ("probe of another task", model(probe={"embed": {"text": "a", "near": "b", "far": "c"}}), "/models/0"),
    ("probe without answer", model(probe={"chat": {"prompt": "q"}}), "contains"),
    ("model without memory", model(resources=None), "resources"),
    ("device", model(device="tpu"), "/models/0/device"),
    ("no engines", model(replicas=0), "/models/0/replicas"),
    ("arguments as text", model(args="--max-model-len 4096"), "/models/0/args"),
    ("arguments as numbers", model(args=["--max-model-len", 4096]), "/models/0/args/1"),
    ("pictures drawn here", model(task="image", probe=None), "baseUrls"),
    ("field of nobody", model(gpu=1), "gpu"),
    ("drain of nothing", {"engines": {"drainSeconds": 0}}, "/engines/drainSeconds"),
    ("path out of the volume", {"engines": {"models": {"subPath": "../x"}}}, "/engines/models/subPath"),
    ("backup when it likes", {"backup": {"schedule": "daily"}}, "/backup/schedule"),
    ("secret key as recipient", {"backup": {"recipients": ["AGE-SECRET-KEY-1QQ"]}}, "/backup/recipients/0"),
    ("long name", {"fullnameOverride": "a" * 31}, "/fullnameOverride"),
    ("name with capitals", {"fullnameOverride": "Chat"}, "/fullnameOverride"),
    ("yes as text", {"upgrade": {"acceptDataMove": "yes"}}, "/upgrade/acceptDataMove"),
]


def test_there_are_enough() -> None:
    assert len(WRONG) >= 40
    assert len({name for name, _, _ in WRONG}) == len(WRONG)


@pytest.mark.parametrize(("values", "named"), [(v, n) for _, v, n in WRONG], ids=[name for name, _, _ in WRONG])
def test_it_is_refused_by_the_schema(values: dict[str, Any], named: str, tmp_path: Any) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(RefusedError) as refused:
        render("ci", "--values", str(file))
    assert "specifications of the schema" in str(refused.value)
    assert named in str(refused.value)


def closed(schema: Any, where: str = "") -> list[str]:
    """Objects of the schema that take any key."""
    if isinstance(schema, list):
        return [hit for at, part in enumerate(schema) for hit in closed(part, f"{where}/{at}")]
    if not isinstance(schema, dict):
        return []
    found = []
    if schema.get("type") == "object" and schema.get("additionalProperties", True) is True:
        found.append(where)
    return found + [hit for key, part in schema.items() for hit in closed(part, f"{where}/{key}")]


def test_no_object_takes_any_key() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    affinity = {f"/$defs/affinity/properties/{kind}" for kind in ("nodeAffinity", "podAffinity", "podAntiAffinity")}
    assert set(closed(schema)) == affinity, "Kubernetes itself checks what is in an affinity"
