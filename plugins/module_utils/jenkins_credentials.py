"""Credentials of folders: from Secrets of the controller's namespace into Jenkins, by files and never by the API.

The Jenkins chart mounts keys of existing Secrets as files (`controller.additionalExistingSecrets`, charts/jenkins
5.9.53, templates/jenkins-controller-statefulset.yaml), and Configuration as Code puts a file's content, in base64,
where a script says `${readFileBase64:…}` (configuration-as-code-plugin 2117.vc05a_0b_e6b_f4e, SecretSourceResolver).
So no text of ours holds a secret, what a secret holds cannot become code, and the controller needs no right to read
Secrets. The script keeps them in a credentials domain of their own: what people add by hand stays.

The plugin kubernetes-credentials-provider would do without files, but it lists Secrets by the API, and what it finds is
there for every job of Jenkins, not for one folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_folders_groovy import literal

FOLDER = "/run/secrets/additional"
# Files of the same folder that the chart makes of the administrator's Secret.
_CHARTS = ("chart-admin-username", "chart-admin-password")
_PLUGIN = "org.jenkinsci.plugins.plaincredentials.impl"


@dataclass(frozen=True)
class Kind:
    """One kind of credentials.

    Attributes:
        keys: for each part where it stands in the Secret, unless the inventory says otherwise.
        fields: what the inventory may say in plain text, and its default; None: it must say it.
        made: how Groovy makes it: `id` and `description` are added, `{part}` and `{field}` stand for those.
        imports: classes that this needs.
        plugins: plugins that have those classes.
    """

    keys: Mapping[str, str]
    made: str
    imports: tuple[str, ...]
    plugins: tuple[str, ...]
    fields: Mapping[str, str | None]


# Constructors: credentials-plugin d96751bc, plain-credentials-plugin 19caf8f, ssh-credentials-plugin 7cfbb01,
# github-branch-source-plugin 57edfa33. Default keys are those of Kubernetes' own types of Secrets where there is one.
KINDS: Mapping[str, Kind] = {
    "usernamePassword": Kind(
        {"username": "username", "password": "password"},
        "new UsernamePasswordCredentialsImpl(GLOBAL, {id}, {description}, text({username}), text({password}))",
        ("com.cloudbees.plugins.credentials.impl.UsernamePasswordCredentialsImpl",),
        (),
        {},
    ),
    "secretText": Kind(
        {"text": "text"},
        "new StringCredentialsImpl(GLOBAL, {id}, {description}, Secret.fromString(text({text})))",
        (f"{_PLUGIN}.StringCredentialsImpl",),
        ("plain-credentials",),
        {},
    ),
    "secretFile": Kind(
        {"file": ".dockerconfigjson"},
        "new FileCredentialsImpl(GLOBAL, {id}, {description}, {fileName}, SecretBytes.fromRawBytes(bytes({file})))",
        (f"{_PLUGIN}.FileCredentialsImpl", "com.cloudbees.plugins.credentials.SecretBytes"),
        ("plain-credentials",),
        {"fileName": "config.json"},
    ),
    "sshKey": Kind(
        {"privateKey": "ssh-privatekey"},
        "new BasicSSHUserPrivateKey(GLOBAL, {id}, {user}, "
        "new BasicSSHUserPrivateKey.DirectEntryPrivateKeySource(text({privateKey})), '', {description})",
        ("com.cloudbees.jenkins.plugins.sshcredentials.impl.BasicSSHUserPrivateKey",),
        ("ssh-credentials",),
        {"user": "git"},
    ),
    "gitHubApp": Kind(
        {"privateKey": "privateKey"},
        "new GitHubAppCredentials(GLOBAL, {id}, {description}, {app}, Secret.fromString(text({privateKey})))",
        ("org.jenkinsci.plugins.github_branch_source.GitHubAppCredentials",),
        ("github-branch-source",),
        {"app": None},
    ),
}
_IMPORTS = (
    "com.cloudbees.hudson.plugins.folder.Folder",
    "com.cloudbees.hudson.plugins.folder.properties.FolderCredentialsProvider.FolderCredentialsProperty",
    "com.cloudbees.plugins.credentials.domains.Domain",
    "com.cloudbees.plugins.credentials.domains.DomainCredentials",
    "hudson.util.Secret",
    "jenkins.model.Jenkins",
)
# A Secret that is empty leaves its folder as it was: one tenant's mistake must not keep Jenkins from starting.
_HELPERS = r"""
def bytes = { String encoded ->
    if (encoded.isEmpty()) {
        throw new IllegalStateException('a Secret is missing or empty')
    }
    encoded.decodeBase64()
}
def text = { String encoded -> new String(bytes(encoded), 'UTF-8').replaceAll(/[\r\n]+\z/, '') }
def give = { String name, Closure<List> make ->
    try {
        def folder = Jenkins.get().getItemByFullName(name, Folder)
        def property = folder.getProperties().get(FolderCredentialsProperty)
        def others = property == null ? [] : property.getDomainCredentials().findAll { it.domain.name != 'buildkeep' }
        def made = make()
        if (made.isEmpty() && property == null) {
            return
        }
        def all = others + new DomainCredentials(new Domain('buildkeep', 'Kept by Buildkeep', []), made)
        if (property == null) {
            folder.addProperty(new FolderCredentialsProperty(all as DomainCredentials[]))
        } else {
            property.setDomainCredentialsMap(DomainCredentials.asMap(all))
            folder.save()
        }
    } catch (Exception problem) {
        println('buildkeep: credentials of folder ' + name + ' stay as they were: ' + problem)
    }
}
"""


def keys_of(credential: Mapping[str, Any]) -> dict[str, str]:
    """Give the Secret's key for each part of a folder's credentials."""
    return {**KINDS[credential["kind"]].keys, **credential.get("keys", {})}


def file_of(secret: str, key: str) -> str:
    """Name the file that the chart makes of a Secret's key, below `FOLDER`."""
    return f"{secret}-{key}"


def mounted(folders: Mapping[str, Mapping[str, Any]]) -> list[dict[str, str]]:
    """List the keys of Secrets that the credentials of all folders need, as the chart's value has them, each once."""
    found = {
        (one["secret"], key): {"name": one["secret"], "keyName": key}
        for name in sorted(folders)
        for one in folders[name].get("credentials", ())
        for key in keys_of(one).values()
    }
    return list(found.values())


def collisions(folders: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield pairs of keys (`secret/key`) that would be one file; the chart's own names stand in the second place."""
    seen = {name: name for name in _CHARTS}
    for one in mounted(folders):
        path, source = file_of(one["name"], one["keyName"]), f"{one['name']}/{one['keyName']}"
        if path in seen:
            yield source, seen[path]
        seen.setdefault(path, source)


def credentials_script(folders: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Write the script that gives folders their credentials, and takes away what it gave before.

    Args:
        folders: for each folder its credentials, perhaps none, of the form that the inventory's schema demands.

    Raises:
        BuildkeepError: a text holds characters that Groovy or YAML cannot.
    """
    used = [KINDS[one["kind"]] for name in folders for one in folders[name]]
    imports = sorted({*_IMPORTS, *(name for kind in used for name in kind.imports)})
    lines = [f"import {name}" for name in imports]
    lines.append("import static com.cloudbees.plugins.credentials.CredentialsScope.GLOBAL")
    lines += _HELPERS.rstrip("\n").splitlines()
    without = [name for name in sorted(folders) if not folders[name]]
    lines.append(f"{literal(without)}.each {{ give(it, {{ [] }}) }}")
    for name in sorted(folders.keys() - set(without)):
        made = [f"    {_made(one)}," for one in folders[name]]
        lines += [f"give({literal(name)}, {{ [", *made, "] })"]
    return "\n".join(lines) + "\n"


def _made(credential: Mapping[str, Any]) -> str:
    kind, secret = KINDS[credential["kind"]], credential["secret"]
    texts = {"id": credential["id"], "description": credential.get("description", "")}
    texts |= {field: str(credential.get(field, default)) for field, default in kind.fields.items()}
    # Not kept: here Configuration as Code is to put in what the file holds.
    files = {
        part: f"'${{readFileBase64:{FOLDER}/{file_of(secret, key)}}}'" for part, key in keys_of(credential).items()
    }
    return kind.made.format_map({**{key: literal(text) for key, text in texts.items()}, **files})
