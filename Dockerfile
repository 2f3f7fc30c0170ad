# One image for each service: docker build --target api|worker|dashboard .
# scripts/check-dockerfile.mjs runs every step of this file without a container engine.

# The package.json of every workspace, and nothing else: while they stay the same, what is installed below comes from the cache.
FROM node:24-slim AS workspaces
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY apps apps
COPY packages packages
RUN find apps packages -type f ! -name package.json -delete && find apps packages -type d -empty -delete

FROM node:24-slim AS manifests
WORKDIR /app
COPY --from=workspaces /app ./

# --- everything that the build needs ---------------------------------------------------------------------------------
FROM manifests AS deps
RUN npm ci --include=dev

FROM deps AS build
COPY tsconfig.json tsconfig.base.json ./
COPY apps apps
COPY packages packages
RUN npx --no-install tsc -b apps/api apps/dashboard apps/worker

# --- what each service needs at run time, and no more ----------------------------------------------------------------
FROM manifests AS api-deps
RUN npm ci --omit=dev --workspace=@timers/api

# Without optional packages: npm would bring the whole of TypeScript as the optional peer of a package of Bull Board's.
FROM manifests AS dashboard-deps
RUN npm ci --omit=dev --omit=optional --workspace=@timers/dashboard

FROM manifests AS worker-deps
RUN npm ci --omit=dev --workspace=@timers/worker

# The packages of ours that every service runs on. Files belong to root: a service cannot change its own code.
FROM node:24-slim AS service
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0
COPY --from=build /app/packages/core/dist packages/core/dist
COPY --from=build /app/packages/runtime/dist packages/runtime/dist
COPY --from=build /app/packages/queue/dist packages/queue/dist
COPY --from=build /app/packages/queue/lua packages/queue/lua

# --- the services ----------------------------------------------------------------------------------------------------
FROM service AS worker
COPY --from=worker-deps /app ./
COPY --from=build /app/apps/worker/dist apps/worker/dist
USER node
CMD ["node", "apps/worker/dist/main.js"]

FROM service AS dashboard
COPY --from=dashboard-deps /app ./
COPY --from=build /app/apps/dashboard/dist apps/dashboard/dist
USER node
EXPOSE 3001
CMD ["node", "apps/dashboard/dist/main.js"]

FROM service AS api
COPY --from=api-deps /app ./
COPY --from=build /app/apps/api/dist apps/api/dist
USER node
EXPOSE 3000
CMD ["node", "apps/api/dist/main.js"]
