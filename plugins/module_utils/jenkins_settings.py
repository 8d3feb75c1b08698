"""`buildkeep_jenkins`, checked and with its defaults: the Jenkins that the role `jenkins` installs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.tenants import Tenant

CHART = "jenkins"
REPOSITORY = "https://charts.jenkins.io"
# The release that our values were tried against; its plugins are those of jenkins_values.PLUGINS.
VERSION = "5.9.53"
# What `buildkeep_jenkins` is where the inventory leaves it out.
DEFAULTS: Mapping[str, Any] = {
    "chart": CHART,
    "repository": REPOSITORY,
    "version": VERSION,
    "timeout": 600,
    "url": "",
    "values": {},
    "image": "",
    "plugins": {},
    "admin": {"secret": "jenkins-admin", "user": "admin"},
    "administrators": [],
    "realm": {},
    "storage": {"size": "20Gi", "class": ""},
    "ingress": {},
    "route": {},
    "folders": {},
    "backup": {},
}
_PORT = 8080


@dataclass(frozen=True)
class JenkinsSettings:
    """Jenkins as it is to be.

    Attributes:
        namespace: where the controller runs.
        name: of the release, the Service and the StatefulSet; `<name>-jenkins-config` is the side-car's label.
        service_account: as whom the controller creates agent pods.
        url: Jenkins' own address (`location.url`), with a slash at its end.
        tenants: those that are to be there.
        install: whether Buildkeep installs this Jenkins; else it is somebody's own.
        outside: whether it runs outside of the cluster (`buildkeep_controller.cluster`).
        chart: name in `repository`, local folder or archive, or `oci://...`.
        repository: URL of the Helm repository; unused for a local chart or one of OCI.
        version: exact version of the chart.
        timeout: seconds until the controller is ready; 0: nobody waits.
        values: the user's chart values, laid over ours.
        image: controller image that holds the plugins, or empty.
        plugins: the user's versions by plugin, laid over our pinned list.
        admin_secret: Secret with the administrator's name and password, in the controller's namespace.
        admin_user: the administrator's name where Buildkeep makes that Secret.
        administrators: who administers Jenkins beside that administrator, each `{group: ...}` or `{user: ...}`.
        realm: JCasC's `securityRealm`; empty: local users, nobody signs up.
        storage_size: of Jenkins home, a Kubernetes quantity.
        storage_class: its StorageClass; empty: the cluster's default.
        agent_port: TCP port for agents (`buildkeep_controller.agentPort`); 0: they connect by WebSocket.
        ingress: `host`, `tlsSecret`, `className` and `annotations`, or empty.
        route: `host`, `gateway`, `namespace`, `listener` and `annotations`, or empty.
        folders: by tenant's name, what its folder holds.
        backup: `schedule`, `keep`, `size`, `class` and `image`, or empty.
    """

    namespace: str = "jenkins"
    name: str = "jenkins"
    service_account: str = "jenkins"
    url: str = "http://jenkins.jenkins.svc.cluster.local:8080/"
    tenants: tuple[Tenant, ...] = ()
    install: bool = False
    outside: bool = False
    chart: str = CHART
    repository: str = REPOSITORY
    version: str = VERSION
    timeout: int = 600
    values: Mapping[str, Any] = field(default_factory=dict)
    image: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)
    admin_secret: str = "jenkins-admin"  # noqa: S105 (a name, not a password)
    admin_user: str = "admin"
    administrators: tuple[Mapping[str, str], ...] = ()
    realm: Mapping[str, Any] = field(default_factory=dict)
    storage_size: str = "20Gi"
    storage_class: str = ""
    agent_port: int = 0
    ingress: Mapping[str, Any] = field(default_factory=dict)
    route: Mapping[str, Any] = field(default_factory=dict)
    folders: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    backup: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config_label(self) -> str:
        """The label of ConfigMaps that the controller's side-car loads (chart 5.9.53, templates/_helpers.tpl)."""
        return f"{self.name}-jenkins-config"

    @property
    def reload_secret(self) -> str:
        """The Secret with the token that makes Jenkins load its configuration anew."""
        return f"{self.name}-casc-reload"


def read_jenkins(
    given: Mapping[str, Any], controller: Mapping[str, Any], tenants: Sequence[Tenant], *, install: bool = False
) -> JenkinsSettings:
    """Make the settings of a valid `buildkeep_jenkins`.

    Args:
        given: the variable, valid by settings_schema_jenkins.JENKINS.
        controller: `namespace`, `name`, `serviceAccount`, `url` and `agentPort` of the controller.
        tenants: those that are to be there.
        install: whether Buildkeep installs this Jenkins.
    """
    values = {**DEFAULTS, **given}
    admin, storage = ({**DEFAULTS[key], **values[key]} for key in ("admin", "storage"))
    namespace, name = controller["namespace"], controller["name"]
    host = {**values["ingress"], **values["route"]}.get("host")
    own = f"https://{host}" if host else controller.get("url") or f"http://{name}.{namespace}.svc.cluster.local:{_PORT}"
    same = ("chart", "repository", "version", "timeout", "values", "image", "plugins", "realm")
    return JenkinsSettings(
        namespace=namespace,
        name=name,
        service_account=controller["serviceAccount"],
        url=f"{(values['url'] or own).rstrip('/')}/",
        tenants=tuple(tenants),
        install=install,
        outside=bool(controller.get("cluster")),
        admin_secret=admin["secret"],
        admin_user=admin["user"],
        administrators=tuple(values["administrators"]),
        storage_size=storage["size"],
        storage_class=storage["class"],
        agent_port=controller.get("agentPort", 0),
        **{key: values[key] for key in (*same, "ingress", "route", "folders", "backup")},
    )
