// http-proxy-middleware on Node's own server: as it is by default, with a connection to the target for each request; or
// with connections that are kept.
// Arguments: the target, the port to listen on, "kept" for the latter.
"use strict";
const http = require("node:http");
const { createProxyMiddleware } = require("http-proxy-middleware");

const [target, port, kept] = process.argv.slice(2);
const proxy = createProxyMiddleware({
  target,
  changeOrigin: true,
  xfwd: true,
  ws: true,
  agent: kept ? new http.Agent({ keepAlive: true }) : undefined,
});
const server = http.createServer((request, response) => proxy(request, response, () => response.end()));
server.keepAliveTimeout = 1800_000;
server.requestTimeout = 0;
server.on("upgrade", proxy.upgrade);
server.listen(Number(port), "127.0.0.1", 512);
