// Loaded into the daemon by soak.mjs: says over a channel of its own what only the process itself knows. The channel
// holds nothing open. SOAK_LEAK: bytes that are lost on purpose with every line that is written.
const { getHeapCodeStatistics } = require('node:v8');

process.on('message', () => {
  global.gc?.();
  const resources = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const { code_and_metadata_size: machine, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  process.send?.({ heap: process.memoryUsage().heapUsed, code: machine + bytecode, resources });
});
process.channel?.unref();

const leak = Number(process.env.SOAK_LEAK ?? 0);
if (leak > 0) {
  const lost = [];
  const write = process.stdout.write;
  process.stdout.write = function (chunk, ...rest) {
    for (const line of String(chunk).split('\n').slice(1)) lost.push(new Array(leak / 8).fill(line.length));
    return write.call(this, chunk, ...rest);
  };
}
