"""`wanderbuch <role> init|run|ready`: lay an agent out, run it, ask whether it is ready."""

import importlib
import sys
from pathlib import Path
from typing import Annotated

import typer

from wanderbuch.agents.cli.laying_out_scale import OBJECTS_SECRET, PROXY, Scale
from wanderbuch.agents.runtime import arenas, collecting, parent
from wanderbuch.agents.runtime.later import left_for_later
from wanderbuch.errors import ConfigurationError

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The agent's TOML file.", show_default=False)]
ParentOption = Annotated[bool, typer.Option(parent.OPTION, help=parent.HELP)]
JsonOption = Annotated[bool, typer.Option("--json", help="Say on standard output, as JSON, when the agent is ready.")]
FolderArgument = Annotated[Path, typer.Argument(help="Where the configuration and the secrets go.", show_default=False)]
NameOption = Annotated[str, typer.Option("--name", help="What people are shown.", show_default=False)]
HostOption = Annotated[
    str, typer.Option("--host", help="The public name, such as centre.example.org.", show_default=False)
]
OptionalHostOption = Annotated[
    str | None, typer.Option("--host", help="The public name; left out with --mediator.", show_default=False)
]
MediatorOption = Annotated[
    str | None,
    typer.Option(
        "--mediator", help="The address of a mediator: the wallet has no address of its own, and listens nowhere."
    ),
]
ContainerOption = Annotated[
    bool, typer.Option("--in-container", help="It runs in a container, as compose/compose.yaml has it.")
]
UrlOption = Annotated[str | None, typer.Option("--governance-url", help="Address of the governance file to follow.")]
AuthorOption = Annotated[str | None, typer.Option("--governance-author", help="The DID of the one who signs it.")]
EcosystemOption = Annotated[
    str, typer.Option("--ecosystem", help="Name in the addresses of the governance files.", show_default=False)
]
ScaleOption = Annotated[
    bool, typer.Option("--scale", help="Two processes in containers, as compose/compose.scale.yaml has it.")
]
BucketOption = Annotated[str | None, typer.Option("--bucket", help="With --scale: for the public files.")]
KeyOption = Annotated[str | None, typer.Option("--access-key", help="With --scale: of the object store.")]
ObjectsOption = Annotated[
    str | None, typer.Option("--objects-url", help="With --scale: where the object store is; left out: Amazon's.")
]
UnsafeOption = Annotated[
    bool,
    typer.Option("--objects-unsafe-unencrypted", help="With --scale: ask the object store without TLS (http)."),
]
ProxyOption = Annotated[str, typer.Option("--proxy", help="With --scale: the address of the proxy in the network.")]
_AUTHORITY = "authority"
_HOLDER = "holder"


def role_app(name: str) -> typer.Typer:
    """Return the commands of one role."""
    app = typer.Typer(no_args_is_help=True)
    app.callback()(_nothing)

    @app.command("run", help=f"Run the {name} until it is told to stop (SIGTERM or Ctrl-C).")
    def run(config: ConfigOption, as_json: JsonOption = False, until_stdin_ends: ParentOption = False) -> None:
        if until_stdin_ends:
            parent.end_with_stdin()
        arenas.use_few_arenas()
        collecting.hold()
        # Imported here: ACA-Py takes a second, which `--help` need not.
        with left_for_later():
            from wanderbuch.agents.runtime.process import run_process

            role = importlib.import_module(f"wanderbuch.agents.{name}.role").ROLE
        # Python 3.13.0 keeps half a compiled file where the disk is full, and nobody can import that ever after. What
        # an agent imports later it compiles for itself.
        sys.dont_write_bytecode = True
        raise typer.Exit(run_process(role, config, as_json=as_json))

    @app.command("ready", help=f"Say whether the {name} with this configuration is ready; exit code 1: it is not.")
    def ready(config: ConfigOption) -> None:
        from wanderbuch.agents.cli.asking_ready import ask_ready

        answer = ask_ready(config)
        typer.echo(answer.line)
        raise typer.Exit(0 if answer.ready else 1)

    if name == _AUTHORITY:

        @app.command("init", help="Lay out a new authority: its configuration, and fresh secrets.")
        def init_authority(
            folder: FolderArgument,
            host: HostOption,
            ecosystem: EcosystemOption,
            called: NameOption,
            in_container: ContainerOption = False,
            scale: ScaleOption = False,
            bucket: BucketOption = None,
            access_key: KeyOption = None,
            objects_url: ObjectsOption = None,
            unsafe: UnsafeOption = False,
            proxy: ProxyOption = PROXY,
        ) -> None:
            several = _scale(scale, bucket, access_key, objects_url, proxy, unsafe=unsafe)
            table = {"ecosystem": ecosystem}
            _init(name, folder, called, host, in_container=in_container, scale=several, table=table)

    elif name == _HOLDER:

        @app.command("init", help="Lay out a new holder: its configuration, and fresh secrets.")
        def init_holder(
            folder: FolderArgument,
            called: NameOption,
            host: OptionalHostOption = None,
            mediator: MediatorOption = None,
            governance_url: UrlOption = None,
            governance_author: AuthorOption = None,
            in_container: ContainerOption = False,
            scale: ScaleOption = False,
            bucket: BucketOption = None,
            access_key: KeyOption = None,
            objects_url: ObjectsOption = None,
            unsafe: UnsafeOption = False,
            proxy: ProxyOption = PROXY,
        ) -> None:
            if (host is None) == (mediator is None):
                raise ConfigurationError("a wallet is reached at its --host, or by its --mediator: give one of them")
            if mediator is not None and scale:
                raise ConfigurationError("--mediator and --scale exclude each other: a mediator talks with one process")
            several = _scale(scale, bucket, access_key, objects_url, proxy, unsafe=unsafe)
            followed = _followed(governance_url, governance_author)
            table = {} if mediator is None else {"mediator": mediator}
            _init(
                name, folder, called, host, in_container=in_container, scale=several, governance=followed, table=table
            )

    else:

        @app.command("init", help=f"Lay out a new {name}: its configuration, and fresh secrets.")
        def init(
            folder: FolderArgument,
            host: HostOption,
            called: NameOption,
            governance_url: UrlOption = None,
            governance_author: AuthorOption = None,
            in_container: ContainerOption = False,
            scale: ScaleOption = False,
            bucket: BucketOption = None,
            access_key: KeyOption = None,
            objects_url: ObjectsOption = None,
            unsafe: UnsafeOption = False,
            proxy: ProxyOption = PROXY,
        ) -> None:
            followed = _followed(governance_url, governance_author)
            several = _scale(scale, bucket, access_key, objects_url, proxy, unsafe=unsafe)
            _init(name, folder, called, host, in_container=in_container, scale=several, governance=followed)

    return app


def _followed(url: str | None, author: str | None) -> dict[str, str] | None:
    if (url is None) != (author is None):
        raise ConfigurationError("--governance-url and --governance-author go together")
    return None if url is None or author is None else {"url": url, "author": author}


def _scale(
    wanted: bool, bucket: str | None, access_key: str | None, objects_url: str | None, proxy: str, *, unsafe: bool
) -> Scale | None:
    if not wanted:
        if bucket or access_key or objects_url:
            raise ConfigurationError("--bucket, --access-key and --objects-url are for --scale")
        return None
    if not bucket or not access_key:
        raise ConfigurationError("--scale needs --bucket and --access-key: where the public files go")
    return Scale(bucket, access_key, objects_url, proxy, unsafe)


def _init(
    role: str,
    folder: Path,
    called: str,
    host: str | None,
    *,
    in_container: bool,
    scale: Scale | None,
    governance: dict[str, str] | None = None,
    table: dict[str, str] | None = None,
) -> None:
    from wanderbuch.agents.cli.laying_out import lay_out

    path = lay_out(
        role,
        folder,
        name=called,
        host=host,
        in_container=in_container,
        governance=governance,
        table=table or {},
        scale=scale,
    )
    typer.echo(f"The configuration is in {path}, its secrets beside it. Keep a copy of wallet.key elsewhere.")
    where = "beside it" if scale is None else f"into {path.parent / 'proxy'}"
    if host is not None:
        typer.echo(f"Put the certificate of {host} {where}, with the chain, as public.crt, and its key as public.key.")
    if scale is not None:
        typer.echo(f"Put the secret of the access key into {path.parent / OBJECTS_SECRET}, for its owner alone (0600).")
        typer.echo("Then: docs/running-agents.md, “Several processes a role”.")
    elif in_container:
        typer.echo("Then start its service: docs/running-agents.md, “In containers”.")
    else:
        typer.echo(f"Then: wanderbuch {role} run --config {path}")


def _nothing() -> None:
    pass
