"""What may be asked of `/v1/audio/transcriptions`: the parts of a form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar.datastructures import UploadFile

from appliance.openai_api.errors import InvalidBody, MissingParameter, UnknownParameter, UnsupportedParameter
from appliance.openai_api.fields import TRANSCRIPTIONS, refusals

FORMATS = ("json", "text", "verbose_json")
REFUSED = refusals(TRANSCRIPTIONS)
KNOWN = {f.name for f in TRANSCRIPTIONS}
TEXTS = {"language": 20, "prompt": 4000}
"""Longest value of each."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A request that was checked."""

    model: str
    file: UploadFile
    response_format: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    """What else goes to the engine, by name."""


def read_form(form: Mapping[str, Any]) -> Recording:
    """Raises UnknownParameter, UnsupportedParameter, MissingParameter, InvalidBody."""
    for part in form:
        name = part.removesuffix("[]")
        if name in REFUSED and form[part] not in ("", "false"):
            raise UnsupportedParameter(f"The field '{name}' is not supported.", remedy=REFUSED[name], param=name)
        if name not in KNOWN:
            raise UnknownParameter(f"The field '{name}' is not known.", param=name)
    file, model = form.get("file"), form.get("model")
    if not isinstance(file, UploadFile):
        raise MissingParameter("The field 'file' is missing.", param="file")
    if not isinstance(model, str) or not model:
        raise MissingParameter("The field 'model' is missing.", param="model")
    wanted = form.get("response_format") or "json"
    if wanted not in FORMATS:
        raise InvalidBody(f"The formats are {', '.join(FORMATS)}.", param="response_format")
    return Recording(model, file, wanted, [("response_format", wanted), *_texts(form), *_numbers(form, wanted)])


def _texts(form: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for name, longest in TEXTS.items():
        value = form.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > longest:
            raise InvalidBody(f"'{name}' is a text of up to {longest} characters.", param=name)
        found.append((name, value))
    return found


def _numbers(form: Mapping[str, Any], wanted: str) -> list[tuple[str, str]]:
    found = []
    temperature = form.get("temperature")
    if temperature is not None:
        try:
            fits = 0 <= float(temperature) <= 1
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise InvalidBody("'temperature' is 0 to 1.", param="temperature")
        found.append(("temperature", str(float(temperature))))
    grains = form.get("timestamp_granularities[]", form.get("timestamp_granularities"))
    for grain in [grains] if isinstance(grains, str) else grains or []:
        if grain != "segment" or wanted != "verbose_json":
            raise InvalidBody("Only 'segment' is known, with 'verbose_json'.", param="timestamp_granularities")
        found.append(("timestamp_granularities[]", "segment"))
    return found
