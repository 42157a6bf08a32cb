"""`appliance bundle`: one offline bundle, made, signed, verified, unpacked."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from appliance.bundle import TARGETS, Bundle, build, install, make_key, verify
from appliance.bundle.model_plan import plan_model
from appliance.bundle.recipe import Wanted, plan_product
from appliance.bundle.targets import target_named
from appliance.commands.options import ConfigOption, JsonOption, settings_from
from appliance.commands.output import print_json, say
from appliance.configuration import inference_settings

OutputOption = Annotated[Path, typer.Option(help="Folder to make, or a file that ends in .tar; must not be there yet.")]
KeyOption = Annotated[Path | None, typer.Option(help="Private key to sign with; without one nobody accepts it.")]
SignersOption = Annotated[
    Path,
    typer.Option(
        "--allowed-signers", "--signers", help="Keys to believe, as ssh-keygen reads them; not from the bundle."
    ),
]
InstalledOption = Annotated[str, typer.Option(help="Version that runs here; what does not fit on it is refused.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    group = typer.Typer(help="Everything that hosts without a network need, under one signature.", no_args_is_help=True)
    group.command("keygen", help="Make a key to sign with, and the line that others check with.")(keygen)
    group.command("build", help="Make a bundle from a checkout; needs the package registries.")(build_product)
    group.command("build-model", help="Make a bundle of a model that is on this machine.")(build_model)
    group.command("verify", help="Refuse a bundle that is not exactly what was signed.")(verify_bundle)
    group.command("install", help="Verify a bundle and unpack it, both in one pass.")(install_bundle)
    app.add_typer(group, name="bundle")


def keygen(path: Annotated[Path, typer.Argument(help="File of the private key.")], as_json: JsonOption = False) -> None:
    signers, fingerprint = make_key(path)
    if as_json:
        print_json({"key": str(path), "allowed_signers": str(signers), "fingerprint": fingerprint})
        return
    say(f"Private key: {path}. Keep it off the network, and away from the bundles.")
    say(f"Give {signers} to those who install, by another way than the bundle. Fingerprint: {fingerprint}")


def build_product(
    output: OutputOption,
    target: Annotated[
        list[str] | None, typer.Option(help=f"Host to make it for, repeatable: {', '.join(TARGETS)}. Default: all.")
    ] = None,
    engines: Annotated[
        Literal["none", "cpu", "cuda"], typer.Option("--with-engines", help="Wheels of vLLM; several GiB.")
    ] = "none",
    without: Annotated[
        list[str] | None,
        typer.Option(help="Part to leave out, repeatable: wheels, packages, keycloak, playbooks, chart."),
    ] = None,
    key: KeyOption = None,
    source: Annotated[Path, typer.Option(help="The checkout.")] = Path(),
    cache: Annotated[
        Path | None, typer.Option(help="What was fetched; default: .appliance/bundle-cache of the checkout.")
    ] = None,
    keycloak: Annotated[Path | None, typer.Option(help="Its archive, when it shall not be fetched.")] = None,
    qdrant: Annotated[Path | None, typer.Option(help="Its archive; cannot be fetched.")] = None,
    package: Annotated[list[str] | None, typer.Option(help="Further Debian package, repeatable.")] = None,
    mirror: Annotated[str, typer.Option(help="Address of Debian's archive; default: this machine's.")] = "",
    security_mirror: Annotated[str, typer.Option(help="Address of its security archive; default the same.")] = "",
    as_json: JsonOption = False,
) -> None:
    checkout = source.absolute()
    wanted = Wanted(
        source=checkout,
        cache=cache or checkout / ".appliance" / "bundle-cache",
        targets=tuple(target_named(name) for name in target or TARGETS),
        engines=engines,
        without=frozenset(without or ()),
        key=key,
        keycloak=keycloak,
        qdrant=qdrant,
        packages=tuple(package or ()),
        mirrors=(mirror, security_mirror),
    )
    made = build(plan_product(wanted), output, _silent if as_json else say)
    _tell("Made", made, as_json=as_json)


def build_model(
    model: Annotated[str, typer.Argument(help="Id of a model that 'appliance models add' brought here.")],
    output: OutputOption,
    key: KeyOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    plan = plan_model(inference_settings(settings_from(config)), model, key)
    _tell("Made", build(plan, output, _silent if as_json else say), as_json=as_json)


def verify_bundle(
    bundle: Annotated[Path, typer.Argument(help="Folder or archive.")],
    allowed_signers: SignersOption,
    quick: Annotated[bool, typer.Option(help="Signature and names only, without the bytes of each file.")] = False,
    installed: InstalledOption = "",
    as_json: JsonOption = False,
) -> None:
    found = verify(bundle, allowed_signers=allowed_signers, deep=not quick, installed=installed)
    _tell("Good", found, as_json=as_json)


def install_bundle(
    bundle: Annotated[Path, typer.Argument(help="Folder or archive.")],
    into: Annotated[Path, typer.Argument(help="Folder to make, as /opt/bundle; must not be there yet.")],
    allowed_signers: SignersOption,
    installed: InstalledOption = "",
    as_json: JsonOption = False,
) -> None:
    progress = _silent if as_json else say
    done = install(bundle, into, allowed_signers=allowed_signers, installed=installed, progress=progress)
    _tell("Unpacked", done, as_json=as_json)


def _tell(word: str, bundle: Bundle, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "path": str(bundle.root),
                "version": bundle.version,
                "min_upgrade_from": bundle.min_upgrade_from,
                "targets": [target.id for target in bundle.targets],
                "model": bundle.model,
                "files": bundle.files,
                "size_bytes": bundle.size_bytes,
                "left_out": bundle.left_out,
                "signed_by": bundle.signed_by,
            }
        )
        return
    what = f"model {bundle.model.id}" if bundle.model else f"version {bundle.version}"
    say(f"{word}: {bundle.root}, {what}, {bundle.files} files, {bundle.size_bytes / 1e6:.0f} MB.")
    if bundle.left_out:
        say(f"Left out: {', '.join(bundle.left_out)}.")
    say(f"Signed by {bundle.signed_by}." if bundle.signed_by else "Not signed: nobody will accept it.")


def _silent(_: str) -> None:
    """With --json only the one value is printed."""
