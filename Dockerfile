# One image for every role; the command chooses: watcher (default), worker, console, cli, simulator.
#   docker run IMAGE packages/worker/src/main.ts --help
FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY packages/shared/package.json packages/shared/
COPY packages/kubernetes/package.json packages/kubernetes/
COPY packages/civo/package.json packages/civo/
COPY packages/watcher/package.json packages/watcher/
COPY packages/worker/package.json packages/worker/
COPY packages/console/package.json packages/console/
COPY packages/cli/package.json packages/cli/
COPY packages/simulator/package.json packages/simulator/
# Optional packages are native speed-ups and a compiler that nothing here needs; install scripts never run.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
LABEL org.opencontainers.image.title="node-agent" \
      org.opencontainers.image.description="Brings Kubernetes nodes back: watches them, judges their health, reboots the VM behind a node that stays unhealthy." \
      org.opencontainers.image.licenses="Apache-2.0"
# Why: scripts/setup/node-options.ts
ENV NODE_ENV=production NODE_OPTIONS=--max-semi-space-size=4 \
    NODE_COMPILE_CACHE=/app/.cache NODE_COMPILE_CACHE_PORTABLE=1
WORKDIR /app
COPY --from=dependencies /app ./
COPY LICENSE ./
COPY packages/shared/src packages/shared/src
COPY packages/kubernetes/src packages/kubernetes/src
COPY packages/civo/src packages/civo/src
COPY packages/watcher/src packages/watcher/src
COPY packages/worker/src packages/worker/src
COPY packages/console/src packages/console/src
COPY packages/cli/src packages/cli/src
COPY packages/simulator/src packages/simulator/src
# Node runs the TypeScript as it is; starting each role once fills the compile cache, so that a pod starts in a moment.
# Node writes the cache for its own user only: without the chmod the user below could not read it.
RUN set -e; \
    for role in watcher worker console cli simulator; do node "packages/$role/src/main.ts" --version; done; \
    chmod -R a+rX .cache
USER 65532:65532
EXPOSE 9625
ENTRYPOINT ["node"]
CMD ["packages/watcher/src/main.ts"]
