"""What the testbed tells kind, podman, containerd, CoreDNS, Go, pip and apt."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from testbed import (
    apiserver,
    certificates,
    engine,
    kindconfig,
    paths,
    published,
    registry,
    rootfs,
    system,
    tools,
    wheels,
)
from testbed.errors import TestbedError
from testbed.progress import Step

LOCK = """\
a-b==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via x
c==2.0 ; sys_platform == 'linux' \\
    --hash=sha256:cc
"""


def test_kind_listens_on_the_loopback_only_and_mounts_the_cache_read_only() -> None:
    config = kindconfig.render(own_node=True, parts=Path("/cache"), may_raise_limits=True)
    assert config["networking"]["apiServerAddress"] == "127.0.0.1"
    (node,) = config["nodes"]
    assert [mount["readOnly"] for mount in node["extraMounts"]] == [True]
    assert "extraPortMappings" not in node
    kubelet, proxy = map(json.loads, config["kubeadmConfigPatches"])
    assert kubelet["cgroupDriver"] == "cgroupfs"
    assert proxy["conntrack"]["maxPerCore"] == 0
    assert config["featureGates"] == {}


def test_a_published_node_keeps_its_own_network_and_cgroup_driver() -> None:
    config = kindconfig.render(own_node=False, parts=Path("/cache"), may_raise_limits=False)
    assert "disableDefaultCNI" not in config["networking"]
    assert "cgroupDriver" not in json.loads(config["kubeadmConfigPatches"][0])
    assert config["featureGates"] == {"KubeletInUserNamespace": True}


def test_podman_is_told_of_limits_only_where_it_may_not_raise_them() -> None:
    limits = {"nofile": 20000}
    bound = engine.containers_conf(Path("/n"), may_raise_limits=False, systemd=False, limits=limits)
    assert 'default_ulimits = ["nofile=20000:20000"]' in bound
    assert 'cgroup_manager = "cgroupfs"' in bound
    free = engine.containers_conf(Path("/n"), may_raise_limits=True, systemd=True, limits=limits)
    assert "default_ulimits" not in free
    assert "cgroup_manager" not in free


@pytest.mark.parametrize(("mask", "expected"), [("000001ffffffffff", True), ("000001fffeffffff", False)])
def test_capabilities_are_read_from_the_status(mask: str, expected: bool) -> None:
    assert engine.has_capability(engine.CAP_SYS_RESOURCE, f"Name:\tx\nCapEff:\t{mask}\n") is expected


def test_registry_names_have_the_registrys_address_and_certificate() -> None:
    text = registry.corefile(["192.0.2.1"])
    assert f'answer "{{{{ .Name }}}} 60 IN A {certificates.ADDRESS}"' in text
    assert "forward . 192.0.2.1" in text
    assert "forward" not in registry.corefile([])
    assert all(f"{zone}:53" in text for zone in certificates.ZONES)
    names = certificates.names()
    assert {"DNS:docker.io", "DNS:*.docker.io", "DNS:*.pkg.dev", f"IP:{certificates.ADDRESS}"} <= set(names)
    assert f'server = "https://{certificates.ADDRESS}"' in registry.hosts_toml()


def test_name_servers_on_the_loopback_do_not_serve_pods() -> None:
    text = "search x\nnameserver 127.0.0.11\nnameserver 10.0.0.1 # y\nnameserver ::1\n"
    assert registry.name_servers(text) == ["10.0.0.1"]


def test_the_registry_serves_from_what_the_node_keeps(tmp_path: Path) -> None:
    for name in ("registry.crt", "registry.key", "htpasswd"):
        (tmp_path / name).write_text(name)
    found = {(each["kind"], each["metadata"]["name"]): each for each in registry.objects(tmp_path, [])}
    assert found["Secret", registry.NAME]["stringData"] == {"tls.crt": "registry.crt", "tls.key": "registry.key"}
    for name, address in (
        (registry.NAME, certificates.ADDRESS),
        (registry.RESTRICTED, certificates.RESTRICTED_ADDRESS),
    ):
        assert found["Service", name]["spec"]["clusterIP"] == address
        volumes = found["Deployment", name]["spec"]["template"]["spec"]["volumes"]
        assert [v["hostPath"]["path"] for v in volumes if "hostPath" in v] == [registry.STORAGE_IN_NODE]
    assert found["Secret", registry.RESTRICTED]["stringData"] == {"htpasswd": "htpasswd"}
    demands = {name: "htpasswd" in yaml.safe_load(found["ConfigMap", name]["data"]["config.yml"]).get("auth", {})
               for name in (registry.NAME, registry.RESTRICTED)}  # fmt: skip
    assert demands == {registry.NAME: False, registry.RESTRICTED: True}


def test_go_commands_are_pinned_and_reproducible() -> None:
    commands = {command.name: command for command in tools.GO_COMMANDS}
    words = tools.go_command(commands["kubelet"], Path("/out"))
    assert words[:4] == ["build", "-trimpath", "-mod=readonly", "-o"]
    assert "gitVersion=v1.37.1" in words[-2]
    assert "seccomp" in tools.go_command(commands["runc"], Path("/out"))
    assert all((tools.GO_SOURCES / command.module / "go.mod").exists() for command in tools.GO_COMMANDS)
    settings = tools.go_environment(Path("/go"), cgo=False)
    assert (settings["CGO_ENABLED"], settings["GOTOOLCHAIN"]) == ("0", "local")


def test_old_servers_are_commands_of_their_own_that_say_their_version() -> None:
    commands = {command.name: command for command in tools.GO_COMMANDS}
    for version, release in tools.OLD_SERVERS.items():
        name = apiserver.command(version)
        assert name == f"kube-apiserver-{version}"
        assert tools.HOLDERS[name] == f"tool/{name}"
        words = tools.go_command(commands[name], Path("/out"))
        assert f"gitVersion={release} " in words[-2]
        assert f"gitMajor=1 -X k8s.io/component-base/version.gitMinor={version.partition('.')[2]} " in words[-2]
        text = (tools.GO_SOURCES / commands[name].module / "go.mod").read_text(encoding="utf-8")
        assert f"k8s.io/kubernetes {release} " in text
        # A staging module that is of another version than the server would make a server that never was.
        staging = f"v0{release.removeprefix('v1')}"
        assert {line.split()[-1] for line in text.splitlines() if line.startswith("replace k8s.io/")} == {staging}


def test_a_server_of_no_known_version_is_refused_before_anything_starts() -> None:
    assert apiserver.command("") == "kube-apiserver"
    with pytest.raises(TestbedError, match=r"no API server of version 1\.29 here(.|\n)*1\.24, 1\.30"):
        apiserver.ApiServer(version="1.29")


def test_a_folder_of_finished_tools_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_TOOLS_DIR", str(tmp_path))
    assert tools.path("kind").parent != tmp_path
    (tmp_path / "kind").touch()
    assert tools.path("kind") == tmp_path / "kind"


def test_entries_of_a_lock_file_keep_their_hashes() -> None:
    assert wheels.stanzas(LOCK, ["A.b"]) == "a-b==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
    assert wheels.stanzas(LOCK, ["c"]).count("sha256") == 1
    with pytest.raises(KeyError, match="not in the lock file: d, e"):
        wheels.stanzas(LOCK, ["e", "c", "d"])


def test_wheels_for_the_images_fit_their_python_not_ours() -> None:
    options = wheels.wheel_options("3.11", "aarch64")
    assert "--python-version=3.11" in options
    assert "--platform=manylinux_2_28_aarch64" in options
    assert wheels.wheel_options("") == []


def test_missing_system_packages_are_named_once_with_the_command() -> None:
    needs = [system.Need("no-such-command", "b"), system.Need("/no/such/*", "a"), system.Need("also-none", "a")]
    assert system.lacking([*needs, system.Need("sh", "dash"), system.Need("/etc/passwd", "base-passwd")]) == ["a", "b"]
    assert system.install_command(["a", "b"]).endswith("apt-get install -y --no-install-recommends a b")


def test_a_user_who_may_not_install_is_told_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    step = Step("install", "[1/1]", 1, tmp_path / "log")
    with pytest.raises(TestbedError) as caught:
        system.require([system.Need("no-such-command", "some-package"), system.Need("no-other", "other")], step)
    assert str(caught.value).splitlines() == [
        "System packages are missing: other, some-package.",
        f"Remedy: {system.install_command(['other', 'some-package'])}",
    ]
    system.require([system.Need("sh", "dash")], step)


def test_parts_name_the_system_packages_that_they_need() -> None:
    parts = rootfs.parts()
    assert parts["rootfs/debian"].system == system.ROOTFS
    assert tools.PARTS["tool/runc"].system == system.COMPILER
    assert tools.PARTS["tool/kubelet"].system == ()


def test_debootstrap_uses_the_given_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_DEBIAN_MIRROR", "http://mirror.example/debian")
    assert rootfs.command("debian", Path("/r"))[-3:] == ["bookworm", "/r", "http://mirror.example/debian"]
    monkeypatch.delenv("BUILDKEEP_DEBIAN_MIRROR")
    assert rootfs.command("debian", Path("/r"))[-2:] == ["bookworm", "/r"]
    assert not any(word.startswith("--include") for word in rootfs.command("debian", Path("/r")))
    assert any("containernetworking-plugins" in word for word in rootfs.command("node", Path("/r")))


def test_the_choice_of_images_is_one_of_two_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_IMAGES", "packages")
    assert published.forced() == "packages"
    monkeypatch.setenv("BUILDKEEP_IMAGES", "some")
    with pytest.raises(TestbedError, match="published, packages"):
        published.forced()


def test_clusters_have_state_and_networks_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDKEEP_CLUSTER", "two")
    assert paths.kubeconfig() == paths.ROOT / ".buildkeep/two/kubeconfig"
    assert engine.network("one") != engine.network("two")


def test_two_checkouts_do_not_take_each_others_cluster_for_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    here = paths.machine_name("buildkeep")
    assert here == paths.machine_name("buildkeep")
    monkeypatch.setattr(paths, "ROOT", Path("/another/checkout"))
    assert paths.machine_name("buildkeep") != here
