"""What is built, and how each side builds it. Plain data and shell text.

The image is that of a typical application: a Debian base, a step that unpacks as many files as installing packages
does, a tree of sources, a step that works on each of them. Nothing comes from elsewhere than the registry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Where Jenkins has a build's files, in every container.
WORKSPACE = "/home/jenkins/agent"
_LOG = f"{WORKSPACE}/build.log"
_SAMPLES = f"{WORKSPACE}/memory"
DOCKERFILE = """\
FROM docker.io/library/debian:bookworm-slim
RUN tar -C / -czf /tmp/packages.tgz usr/lib usr/share usr/bin \\
 && mkdir /opt/packages && tar -C /opt/packages -xzf /tmp/packages.tgz \\
 && find /opt -type f -exec sha256sum {} + >/var/lib/packages.list && rm /tmp/packages.tgz
WORKDIR /src
COPY . .
RUN mkdir /out && for file in $(find lib* -name '*.txt'); do \\
      gzip -9 -c "$file" >"/out/$(echo "$file" | tr / _).gz"; \\
    done && sha256sum /out/*.gz >/out/sums
USER 1000
CMD ["cat", "/out/sums"]
"""
# 400 files of about 30 kB in 20 folders.
SOURCES = f"""\
mkdir {WORKSPACE}/src && cd {WORKSPACE}/src && cat >Dockerfile <<'END'
{DOCKERFILE}END
folder=1; while [ $folder -le 20 ]; do
  mkdir lib$folder; file=1; while [ $file -le 20 ]; do
    seq $folder $file 30000 >lib$folder/file$file.txt; file=$((file+1))
  done; folder=$((folder+1))
done
"""
CHANGE = f"echo changed >>{WORKSPACE}/src/lib7/file7.txt"
# Of the container with all that it starts; the first with the page cache, the second without. cgroup v1, then v2.
_PEAKS = "/sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory.peak"
_STATS = "/sys/fs/cgroup/memory/memory.stat /sys/fs/cgroup/memory.stat"


@dataclass(frozen=True)
class Side:
    """One way of building.

    Attributes:
        name: as the table has it.
        template: the agent template whose pod it runs in; of a privileged side the one whose limits it gets.
        build: shell text that builds the current folder and pushes it as $IMAGE; what it keeps for the next build is
            on a volume, or in $CACHE.
        after: what is done when the clock has stopped.
        image: of a privileged side, which runs as root in a privileged pod; empty for the template's.
        privileged: whether it is.
        state: where a privileged side keeps its state.
    """

    name: str
    template: str
    build: str
    after: str = "true"
    privileged: bool = False
    image: str = ""
    state: str = ""


DOCKER_IMAGE = "docker.io/library/docker:28-dind"
_BUILDKIT = (
    "buildctl-daemonless.sh build --progress plain --frontend dockerfile.v0 --local context=. --local dockerfile=. "
    '--output "type=image,name=$IMAGE,push=true"'
)
SIDES: tuple[Side, ...] = (
    Side(
        "docker", "buildkit",
        # As in a pod of its own: a build waits for the daemon, which it starts.
        "dockerd & until docker version >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.05; done; "
        'DOCKER_BUILDKIT=1 docker build --tag "$IMAGE" . && docker push "$IMAGE"',
        after='kill "$(cat /var/run/docker.pid)"; while [ -e /var/run/docker.pid ]; do sleep 0.05; done',
        privileged=True, image=DOCKER_IMAGE, state="/var/lib/docker",
    ),
    Side("buildkit-root", "buildkit", _BUILDKIT, privileged=True, state="/var/lib/buildkit"),
    Side("buildkit", "buildkit", _BUILDKIT),
    Side("buildah", "buildah", 'buildah build --layers --tag "$IMAGE" . && buildah push "$IMAGE"'),
    Side("img", "img", 'img build --no-console --tag "$IMAGE" . && img push "$IMAGE"'),
    Side(
        "kaniko", "kaniko",
        '/kaniko/executor --context "dir://$PWD" --destination "$IMAGE" --cache --cache-repo "$CACHE" '
        "--snapshot-mode redo --use-new-run --cleanup",
        # Cleaning up takes away the folder in which the next command begins.
        after="mkdir -p /workspace",
    ),
)  # fmt: skip
REFERENCE = "docker"


def script(side: Side, variables: Mapping[str, str]) -> str:
    """Shell text that does one build; see `read_build` for what it prints.

    Args:
        side: who builds.
        variables: IMAGE and CACHE.
    """
    given = " ".join(f"{name}={value}" for name, value in variables.items())
    return (
        f"cd {WORKSPACE}/src && export {given}; set -- {_STATS}; [ -e $1 ] || shift; stat=$1; : >{_SAMPLES}\n"
        f"(while grep -E '^(total_rss|anon) ' $stat >>{_SAMPLES}; do sleep 0.2; done) & sampler=$!\n"
        f"read start rest </proc/uptime; ( {side.build} ) >{_LOG} 2>&1; code=$?; read end rest </proc/uptime\n"
        f"kill $sampler; [ $code = 0 ] || {{ tail -n 40 {_LOG}; exit $code; }}\n"
        f"( {side.after} ) >>{_LOG} 2>&1; set -- {_PEAKS}; [ -e $1 ] || shift\n"
        f"echo $start $end $(cat $1) $(sort -n -k 2 {_SAMPLES} | tail -n 1)"
    )


@dataclass(frozen=True)
class Build:
    """What one build took: seconds, and bytes at the most, `peak` with the page cache, `anonymous` without.

    `peak` is that of the container so far, builds before this one included.
    """

    seconds: float
    peak: int
    anonymous: int


def read_build(printed: str) -> Build:
    """Read what `script` printed: two times in seconds, the peak, and the name and value of the greatest sample.

    Raises:
        ValueError: it is not that.
    """
    start, end, peak, _, anonymous = printed.split()
    return Build(float(end) - float(start), int(peak), int(anonymous))
