"""Sites with networks of their own, which can be cut off from each other: namespaces of the kernel."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

CLONE_NEWNET = 0x40000000
NEEDED = "network namespaces need root and Debian's iproute2: apt-get install iproute2"


@dataclass(frozen=True)
class Site:
    """A place with a network of its own, with `address` in it; `hub` is the address of the place that all reach."""

    namespace: str
    address: str
    hub: Site | None = None

    def enter(self) -> None:
        """From here on this thread, and those that it begins, are at the site."""
        with open(f"/run/netns/{self.namespace}", encoding="utf-8") as place:
            if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def cut(self) -> None:
        """As a firewall that drops: whatever is sent is lost, both ways, and nobody is told."""
        self._drop("add")

    def mend(self) -> None:
        self._drop("del")

    def _drop(self, what: str) -> None:
        assert self.hub is not None
        _ip("-n", self.namespace, "rule", what, "pref", "10", "from", self.hub.address, "blackhole")
        _ip("-n", self.hub.namespace, "rule", what, "pref", "10", "from", self.address, "blackhole")


@contextmanager
def sites(*names: str) -> Iterator[tuple[Site, dict[str, Site]]]:
    """A hub, and sites around it, by name."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.fail(NEEDED)
    hub = Site(namespace=f"al{os.getpid()}", address="10.77.255.1")
    found: dict[str, Site] = {}
    try:
        _place(hub)
        for number, name in enumerate(names):
            site = Site(namespace=f"al{os.getpid()}{name}", address=f"10.77.{number}.2", hub=hub)
            found[name] = site
            _place(site)
            there, here = f"10.77.{number}.2/24", f"10.77.{number}.1"
            cable = f"to-{name}"
            ends = ("name", cable, "type", "veth", "peer", "name", "eth0", "netns", site.namespace)
            _ip("-n", hub.namespace, "link", "add", *ends)
            _ip("-n", hub.namespace, "addr", "add", f"{here}/24", "dev", cable)
            _ip("-n", hub.namespace, "link", "set", cable, "up")
            _ip("-n", site.namespace, "addr", "add", there, "dev", "eth0")
            _ip("-n", site.namespace, "link", "set", "eth0", "up")
            _ip("-n", site.namespace, "route", "add", "default", "via", here)
        yield hub, found
    finally:
        for site in (*found.values(), hub):
            subprocess.run(["ip", "netns", "del", site.namespace], capture_output=True, check=False)


def _place(site: Site) -> None:
    _ip("netns", "add", site.namespace)
    _ip("-n", site.namespace, "link", "set", "lo", "up")
    if site.hub is None:
        _ip("-n", site.namespace, "addr", "add", f"{site.address}/32", "dev", "lo")
    # What is for the place itself is looked up first of all, where nothing could be dropped.
    _ip("-n", site.namespace, "rule", "add", "pref", "100", "lookup", "local")
    _ip("-n", site.namespace, "rule", "del", "pref", "0")


def _ip(*words: str) -> None:
    ended = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"ip {' '.join(words)}: {ended.stderr}"
