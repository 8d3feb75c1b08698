"""The command lines of each builder, as an author would write them in a Jenkinsfile.

$IMAGE is the repository, $WORKSPACE the workspace, where the steps run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.cluster.builders.cases import TOKEN_FILE, Case

DIGESTS = "digests"


def target(case: Case) -> str:
    """Where a case's image goes; without a tag into a repository of its own."""
    return f"$IMAGE:{case.name}" if case.tag else f"$IMAGE/{case.name}"


def arguments(case: Case, flag: str) -> str:
    """The build arguments, each after its flag."""
    return "".join(f' {flag}{name}="{value}"' for name, value in case.arguments.items())


def kaniko(case: Case) -> str:
    """Only flags that the forks of chainguard-dev and osscontainertools both have.

    `--cleanup` empties the container's root folder, for the next build in the same container.
    """
    return (
        f'/kaniko/executor --context "dir://$WORKSPACE/{case.folder}" --dockerfile {case.dockerfile}'
        f" --skip-unused-stages{arguments(case, '--build-arg ')}"
        f' --destination "{target(case)}" --digest-file "$WORKSPACE/{DIGESTS}/{case.name}" --cleanup'
    )


def buildkit(case: Case) -> str:
    """Each command starts a daemon of its own, whose state lives as long as the pod."""
    secret = f" --secret id=token,src={TOKEN_FILE}" if case.secret else ""
    by_digest = "" if case.tag else ",push-by-digest=true"
    return (
        "buildctl-daemonless.sh build --progress plain --frontend dockerfile.v0"
        f" --local context={case.folder} --local dockerfile={case.folder} --opt filename={case.dockerfile}"
        f"{arguments(case, '--opt build-arg:')}{secret}"
        f' --output "type=image,name={target(case)},push=true{by_digest}" --metadata-file metadata.json'
        f"""\nsed -n 's/.*"containerimage.digest": *"\\([^"]*\\)".*/\\1/p' metadata.json >{DIGESTS}/{case.name}"""
    )


def buildah(case: Case) -> str:
    """The label with its version, which it would add, is left out."""
    secret = f" --secret id=token,src={TOKEN_FILE}" if case.secret else ""
    destination = "" if case.tag else f' "docker://{target(case)}@@unknown-digest@@"'
    return (
        f"buildah build --identity-label=false --file {case.folder}/{case.dockerfile}"
        f'{arguments(case, "--build-arg ")}{secret} --tag "{target(case)}" {case.folder}\n'
        f'buildah push --digestfile {DIGESTS}/{case.name} "{target(case)}"{destination}'
    )


def img(case: Case) -> str:
    """The digest is that of the list of its images."""
    options = case.options.get("img", "")
    secret = f" --secret id=token,src={TOKEN_FILE}" if case.secret else ""
    return (
        f"img build --no-console {options} --file {case.folder}/{case.dockerfile}"
        f'{arguments(case, "--build-arg ")}{secret} --tag "{target(case)}" {case.folder}\n'
        f'img push {options} "{target(case)}"\n'
        f'img ls {options} | sed -n "s|^{target(case)}[:[:space:]].*\\(sha256:[0-9a-f]*\\).*|\\1|p"'
        f" >{DIGESTS}/{case.name}"
    )


COMMANDS: Mapping[str, Callable[[Case], str]] = {
    "kaniko": kaniko,
    "buildkit": buildkit,
    "buildah": buildah,
    "img": img,
}
