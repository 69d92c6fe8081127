# The worker: one executable on the few files of Debian that it needs. Made by `sst deploy`, or by hand:
#
#   docker build --tag report-service .
#   docker run --rm --read-only --tmpfs /scratch:uid=10001 report-service --version
#
# To pin the base by digest, so that the same bytes are built on, ask for it and give it as BASE:
#
#   docker buildx imagetools inspect node:22-bookworm-slim --format '{{.Manifest.Digest}}'
#   docker build --build-arg BASE=node:22-bookworm-slim@sha256:... .
#
# Nothing of the base gets into the image: its files are Debian's newest packages on the day of the build, whose signatures
# apt checks. To patch the image is to build it again.
ARG BASE=node:22-bookworm-slim

# Both stages run on the architecture that the image is for (--platform), and so does the Bun inside the executable.
FROM ${BASE} AS build
RUN npm install --global --no-audit --no-fund bun@1.4.5
WORKDIR /build
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --ignore-scripts --production
COPY tsconfig.json ./
COPY snowflake snowflake
COPY src src
RUN bun run build

FROM ${BASE} AS root
COPY src/infra/assemble-image.sh /assemble.sh
RUN sh /assemble.sh /root-of-image && mkdir /scratch

FROM scratch
COPY --from=root /root-of-image/ /
COPY --from=root --chown=10001:10001 /scratch /scratch
COPY LICENSE LICENSE-FONTS.txt /usr/share/doc/report-service/
COPY --from=build /build/dist/report-service /report-service

# What is written goes to /scratch, also what libraries keep in a home or a temporary folder: the rest may be read-only.
# With NODE_USE_SYSTEM_CA Debian's certificate authorities are trusted besides those that are compiled into Bun.
ENV HOME=/scratch \
    TMPDIR=/scratch \
    SCRATCH_FOLDER=/scratch/report-service \
    OUTPUT_FOLDER=/scratch/out \
    REPORT_FONTS_DIR=/fonts \
    NODE_USE_SYSTEM_CA=1 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /scratch
USER 10001:10001
# An executable that lacks a library or is for another processor shall not become an image.
RUN ["/report-service", "--version"]
VOLUME ["/scratch"]

ARG REVISION=unknown
LABEL org.opencontainers.image.title="report-service" \
      org.opencontainers.image.description="Reports from Snowflake, now or on time, as PDF, EXCEL and CSV" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"

STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["/report-service", "health"]
ENTRYPOINT ["/report-service"]
CMD ["worker"]
