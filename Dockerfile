# One image for every role: the role is the container's argument, none runs all of them.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production \
    SWARMGATE_DATA_DIR=/data \
    SWARMGATE_TRACKER_HOST=:: \
    SWARMGATE_SEEDER_HOST=:: \
    SWARMGATE_GATEWAY_HOST=:: \
    SWARMGATE_WIRE_HOST=:: \
    SWARMGATE_ADMIN_HOST=:: \
    SWARMGATE_ADMIN_PORT=9480
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
# What .dockerignore lets in: the product's sources and nothing else.
COPY . .
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
# 8080 HTTP, 8000 tracker, 8081 ingest, 6881 and 6981 BitTorrent wire, 9480 metrics and health
EXPOSE 8080 8000 8000/udp 8081 6881 6981 9480
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://localhost:${process.env.SWARMGATE_ADMIN_PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "main.ts"]
