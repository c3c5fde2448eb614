# Any Node image will do; the program wants 20.19 or newer.
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY tsconfig.json ./
COPY schemas schemas
COPY scripts scripts
COPY src src
RUN npm run build

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="bitsperity-mqtt-mcp" \
      org.opencontainers.image.description="An MCP server over stdio that lets an AI assistant work on an MQTT installation" \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY package.json ./
COPY --from=build /src/dist dist
# By number: `node` in the official images, and there also where an image has no such user.
USER 1000:1000
ENTRYPOINT ["node", "/app/dist/main.js"]
