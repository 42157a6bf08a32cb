"""Values that cannot be together are refused with the key, the reason and the way out."""

import pytest

from tests.support.chart import RefusedError, named, render

D = "sha256:" + "0" * 64
REFUSED: list[tuple[str, str, list[str], str]] = [
    ("several gateways on the embedded index", "ci", ["gateway.replicas=2"], "index.mode is 'embedded'"),
    ("a worker beside the embedded index", "ci", ["worker.replicas=1"], "index.mode is 'embedded'"),
    ("several gateways on one node's volume", "ha", ["gateway.data.accessMode=ReadWriteOnce"], "ReadWriteMany"),
    ("a worker on one node's volume", "small", ["worker.replicas=1"], "ReadWriteMany"),
    ("several gateways that count alone", "ha", ["cache.mode=none"], "cache.mode is 'none'"),
    ("no digest", "ci", ["images.gateway.digest="], "images.gateway.digest is missing"),
    ("a tag without leave", "ci", ["images.engine.digest=", "images.engine.tag=v1"], "images.engine.digest is missing"),
    ("no secrets", "ha", ["secrets.existingSecret="], "secrets.existingSecret is missing"),
    ("two kinds of secrets", "ci", ["secrets.existingSecret=a"], "both given"),
    (
        "a secret that is needed",
        "ci",
        ["identity.mode=oidc", "identity.externalIssuer=https://id.example", "identity.admittedGroups={/a}"],
        "secrets.values.oidc-client is missing",
    ),
    ("models without a volume", "ci", ["engines.models.existingClaim="], "engines.models.existingClaim is missing"),
    ("adapters without a volume", "small", ["engines.adapters.existingClaim="], "engines.adapters.existingClaim"),
    ("the same model twice", "ci", ["models[1].id=smollm2-135m-instruct"], "listed twice"),
    ("names that become one", "ci", ["models[0].id=a.b", "models[1].id=a-b"], "has the name of another one"),
    ("scaling by nothing", "ha", ["autoscaling.prometheusUrl="], "autoscaling.prometheusUrl is missing"),
    ("fewer at most than at least", "ha", ["models[0].autoscaling.maxReplicas=1"], "below its replicas"),
    ("several nodes of processors", "ha", ["models[2].device=cpu"], "wants several nodes without GPUs"),
    ("a fallback that is not there", "ha", ["models[0].fallbacks[0]=other"], "falls back to 'other'"),
    ("an external index of no address", "ha", ["index.url="], "index.url is missing"),
    ("no provider", "small", ["identity.hostname="], "identity.externalIssuer"),
    ("nobody may log in", "ha", ["identity.admittedGroups=null"], "nobody could log in"),
    ("an ingress in the clear", "small", ["exposure.ingress.tlsSecret="], "exposure.ingress.tlsSecret is missing"),
    ("a route of no gateway", "ha", ["exposure.gateway.name="], "exposure.gateway.name is missing"),
    ("a backup on no disk", "ha", ["backup.existingClaim="], "backup.existingClaim is missing"),
    ("a backup of one node's volume", "ci", ["backup.enabled=true", "backup.existingClaim=b"], "snapshots of your"),
    ("the whole internet", "ha", ["networkPolicy.external[0].cidr=0.0.0.0/0"], "next to the whole internet"),
    ("half of the internet", "ha", ["networkPolicy.external[0].cidr=128.0.0.0/1"], "next to the whole internet"),
]


@pytest.mark.parametrize(("values", "sets", "says"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_it_is_refused_with_the_way_out(values: str, sets: list[str], says: str) -> None:
    with pytest.raises(RefusedError) as refused:
        render(values, *(word for one in sets for word in ("--set", one)))
    assert says in str(refused.value)
    assert "The way out:" in str(refused.value)


def test_a_lab_may_take_tags_when_it_says_so() -> None:
    tags = ("images.allowTags=true", "images.gateway.digest=", "images.gateway.tag=0.1.0")
    objects = render("ci", *(word for one in tags for word in ("--set", one)))
    (container,) = named(objects, "StatefulSet", "acme-gateway")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "appliance/gateway:0.1.0"


def test_a_digest_counts_before_a_tag() -> None:
    objects = render("ci", "--set", "images.allowTags=true", "--set", "images.gateway.tag=0.1.0")
    (container,) = named(objects, "StatefulSet", "acme-gateway")["spec"]["template"]["spec"]["containers"]
    assert "@sha256:" in container["image"]
