# As the Dockerfile beside it, for builders that have no secrets: the file is in the context, and only mounted.
FROM docker.io/library/busybox:1.37
RUN --mount=type=bind,source=token,target=/run/secrets/token sha256sum </run/secrets/token >/proof
