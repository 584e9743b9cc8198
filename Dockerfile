# The one image of every service; SERVICES chooses which of them a container runs, all of them without it.

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: none of what runs needs one, and the package "node" would bring Node a second time (122 MB).
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="Comptoir" \
      org.opencontainers.image.description="Order-processing backend on Moleculer: one image for every service" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json moleculer.config.ts ./
COPY core ./core
COPY services ./services
COPY scripts ./scripts
# A new named volume takes its owner and mode from here.
RUN install --directory --owner=node --group=node --mode=700 /data
ENV NODE_ENV=production \
    COMPTOIR_HOST=0.0.0.0 \
    COMPTOIR_DATA=/data
USER node
EXPOSE 3000 3100
# Alive, not ready: a container whose database is away must not be restarted for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["bash", "/app/scripts/health.sh", "live"]
# What `npm start` runs, without npm: node is process 1 and gets the signals.
CMD ["node", "--max-semi-space-size=16", "--max-old-space-size=512", "core/main.ts"]
