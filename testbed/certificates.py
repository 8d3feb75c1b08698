"""A certificate authority for one cluster, and the certificate of its registry for the names of the real ones."""

from __future__ import annotations

from pathlib import Path

from testbed.progress import Step

DAYS = "30"
# In the part of the service range that Kubernetes leaves to those who pick addresses by hand: the registry, the one
# that demands credentials, the packages.
ADDRESS, RESTRICTED_ADDRESS, PACKAGES_ADDRESS = "10.96.0.50", "10.96.0.51", "10.96.0.52"
SERVICE = "registry.registry.svc"
# Zones whose every name is answered with the registry's address.
ZONES = ("docker.io", "ghcr.io", "gcr.io", "pkg.dev", "quay.io", "registry.k8s.io", "azurecr.io", "amazonaws.com",
         "buildkeep.test")  # fmt: skip
# Names that are answered with another address: of the registry that demands credentials, of the packages.
RESTRICTED_HOST, PACKAGES_ZONE = "registry.gitlab.com", "wolfi.dev"
# A wildcard stands for one label only, so the registries with a region in their name are named region by region.
ECR_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-east-2", "us-west-2")


_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def names() -> list[str]:
    """The names in the registry's certificate, as openssl's subjectAltName takes them."""
    hosts = [host for zone in (*ZONES, PACKAGES_ZONE) for host in (zone, f"*.{zone}")]
    hosts += [f"*.dkr.ecr.{region}.amazonaws.com" for region in ECR_REGIONS]
    hosts += [SERVICE, f"{SERVICE}.cluster.local", "localhost", RESTRICTED_HOST]
    return [*(f"DNS:{host}" for host in hosts), f"IP:{ADDRESS}", "IP:127.0.0.1"]


def make(folder: Path, step: Step) -> None:
    """Writes ca.crt, ca.key, registry.crt and registry.key (PEM) into `folder`, unless they are there.

    A certificate for other names than now is made anew, by the authority that is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    extensions = folder / "registry.ext"
    text = f"subjectAltName={','.join(names())}\nextendedKeyUsage=serverAuth\n"
    if not (folder / "ca.crt").exists():
        authority = ["-x509", "-days", DAYS, "-subj", "/CN=buildkeep testbed",
                     "-addext", "basicConstraints=critical,CA:TRUE",
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign"]  # fmt: skip
        step.run(["openssl", "req", *_KEY, *authority, "-keyout", folder / "ca.key", "-out", folder / "ca.crt"])
    elif (folder / "registry.crt").exists() and extensions.exists() and extensions.read_text() == text:
        return
    request = folder / "registry.csr"
    step.run(["openssl", "req", *_KEY, "-subj", f"/CN={SERVICE}", "-keyout", folder / "registry.key", "-out", request])
    extensions.write_text(text)
    step.run(["openssl", "x509", "-req", "-in", request, "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key",
              "-CAcreateserial", "-days", DAYS, "-extfile", extensions, "-out", folder / "registry.crt"])  # fmt: skip
    for path in (request, folder / "ca.srl"):
        path.unlink(missing_ok=True)
