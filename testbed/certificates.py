"""A certificate authority for one cluster, and the certificate of its registry for the names of the real ones."""

from __future__ import annotations

from pathlib import Path

from testbed.progress import Step

DAYS = "30"
ADDRESS = "10.96.0.50"  # in the part of the service range that Kubernetes leaves to those who pick addresses by hand
SERVICE = "registry.registry.svc"
# Zones whose every name is answered with the registry's address.
ZONES = ("docker.io", "ghcr.io", "gcr.io", "pkg.dev", "quay.io", "registry.k8s.io", "azurecr.io", "amazonaws.com",
         "buildkeep.test")  # fmt: skip
# A wildcard stands for one label only, so the registries with a region in their name are named region by region.
ECR_REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "us-east-2", "us-west-2")


def names() -> list[str]:
    """The names in the registry's certificate, as openssl's subjectAltName takes them."""
    hosts = [host for zone in ZONES for host in (zone, f"*.{zone}")]
    hosts += [f"*.dkr.ecr.{region}.amazonaws.com" for region in ECR_REGIONS]
    hosts += [SERVICE, f"{SERVICE}.cluster.local", "localhost"]
    return [*(f"DNS:{host}" for host in hosts), f"IP:{ADDRESS}", "IP:127.0.0.1"]


def make(folder: Path, step: Step) -> None:
    """Writes ca.crt, ca.key, registry.crt and registry.key (PEM) into `folder`, unless they are there."""
    if (folder / "registry.crt").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority = ["-x509", "-days", DAYS, "-subj", "/CN=buildkeep testbed", "-addext",
                 "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]  # fmt: skip
    step.run(["openssl", "req", *key, *authority, "-keyout", folder / "ca.key", "-out", folder / "ca.crt"])
    request, extensions = folder / "registry.csr", folder / "registry.ext"
    step.run(["openssl", "req", *key, "-subj", f"/CN={SERVICE}", "-keyout", folder / "registry.key", "-out", request])
    extensions.write_text(f"subjectAltName={','.join(names())}\nextendedKeyUsage=serverAuth\n")
    step.run(["openssl", "x509", "-req", "-in", request, "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key",
              "-CAcreateserial", "-days", DAYS, "-extfile", extensions, "-out", folder / "registry.crt"])  # fmt: skip
    for path in (request, extensions, folder / "ca.srl"):
        path.unlink(missing_ok=True)
