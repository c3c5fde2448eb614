// Loaded into the daemon by soak.mjs: says over a channel of its own what only the process itself knows. The channel
// holds nothing open.
process.on('message', () => {
  global.gc?.();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  process.send?.({ heap: process.memoryUsage().heapUsed, resources });
});
process.channel?.unref();
