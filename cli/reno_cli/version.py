"""``reno-store --version``: the versions that a report of an error needs."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from reno_store import __version__

__all__ = ["version_option", "versions"]

_PACKAGES = ("torch", "transformers", "zarr")


def versions() -> str:
    """Return the versions of reno-store, Python and the packages that numbers depend on.

    They are read from the installed packages' metadata, so that none is loaded.
    """
    others = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"reno-store, version {__version__} ({python}, {others})"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _print(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(versions())
        ctx.exit()


version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print,
    help="Show the versions of reno-store, Python, torch, transformers and zarr.",
)
