"""Where downloaded parts are kept, and how a server is run by a user who may read them."""

import os
import pathlib
import pwd
import typing

NAME = "open-licence-marketplace"


def folder() -> pathlib.Path:
    """The cache folder: `$XDG_CACHE_HOME` or `~/.cache`, below it our name.

    Servers refuse to run as root and are started as `nobody` then, who cannot pass a closed home folder; so
    for root a closed folder is replaced by one below `/var/cache`.
    """
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    if os.geteuid() == 0 and not open_to_others(base):
        base = pathlib.Path("/var/cache")
    return base / NAME


def open_to_others(path: pathlib.Path) -> bool:
    """Whether any user may pass through every existing folder down to `path`."""
    return all(each.stat().st_mode & 0o001 for each in [path, *path.parents] if each.is_dir())


class User(typing.TypedDict, total=False):
    """Arguments of `subprocess.Popen` that drop root's rights; empty when we are not root."""

    user: int
    group: int
    extra_groups: list[int]


def ordinary_user() -> User:
    """Who runs a server that refuses root: ourselves, or `nobody` when we are root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def hand_over(work: pathlib.Path) -> None:
    """Give the folder `work` and all in it to the user of `ordinary_user`."""
    who = ordinary_user()
    if who:
        for path in [work, *work.rglob("*")]:
            os.chown(path, who["user"], who["group"])
