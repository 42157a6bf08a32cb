"""`appliance prove`, as somebody types it before and after a change."""

import json
import uuid
from pathlib import Path

from tests.integration.test_keys_command import command
from tests.support.gateway import Gateway

RULES = b"# Hotels\n\nThe company pays up to 140 euros per night for a hotel in %s.\n"


async def test_a_look_before_and_a_look_after(running_gateway: Gateway, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    person = f"prover-{mark}@x.test"
    kept, questions = tmp_path / "before.json", tmp_path / "golden.toml"
    reader = await running_gateway.person(person)
    account = (await reader.ok("GET", "/api/me"))["id"]
    await reader.aclose()
    async with await running_gateway.operator() as operator:
        key = await operator.collection(f"proven {mark}")
        await operator.upload(key, "hotels.md", RULES % mark.encode())
        await operator.until_idle(key)
        questions.write_text(
            f'[[question]]\nask = "How much per night for a hotel in {mark}?"\ncollection = "proven {mark}"\n'
            'document = "hotels.md"\nwords = ["140 euros"]\n',
            encoding="utf-8",
        )
        options = ("--questions", str(questions), "--accounts", "5000")
        told = await command(running_gateway, "prove", "record", "--to", str(kept), *options)
        assert "Already broken" not in told, told
        found = json.loads(kept.read_text(encoding="utf-8"))
        mine = [g for g in found["golden"] if g["collection"] == key]
        assert [g["cited"] for g in mine] == [True, True], "the written question and the document's own"
        assert "Everything is as it was." in await command(running_gateway, "prove", "replay", "--from", str(kept))

        # What people do in between is no difference; the same, done behind the audit's back, is.
        await operator.ok("PATCH", f"/api/collections/{key}", {"readers": [{"kind": "user", "id": account}]})
        assert "Everything is as it was." in await command(running_gateway, "prove", "replay", "--from", str(kept))
        last = (await operator.ok("GET", "/api/audit?limit=1"))["items"][0]["seq"]
        kept.write_text(json.dumps(found | {"audit_seq": last}), encoding="utf-8")
        told = await command(running_gateway, "prove", "replay", "--from", str(kept), code=1)
        assert f"{person} sees 'proven {mark}', and did not before." in told

        mine[0]["document"] = str(uuid.uuid4())
        kept.write_text(json.dumps(found | {"audit_seq": last}), encoding="utf-8")
        said = json.loads(await command(running_gateway, "prove", "replay", "--from", str(kept), "--json", code=1))
        assert [d["about"] for d in said] == ["rights", "golden"]
        await operator.ok("DELETE", f"/api/collections/{key}")


async def test_a_question_about_what_is_not_there_is_refused(running_gateway: Gateway, tmp_path: Path) -> None:
    questions = tmp_path / "golden.toml"
    questions.write_text('[[question]]\nask = "a"\ncollection = "nowhere"\ndocument = "b"\n', encoding="utf-8")
    options = ("--to", str(tmp_path / "kept.json"), "--questions", str(questions))
    assert "no collection 'nowhere'" in await command(running_gateway, "prove", "record", *options, code=1)
    assert not (tmp_path / "kept.json").exists()
