// Owns a look into a program: required before it, it says on stderr what is loaded when the first line leaves.
const { stdout, stderr } = process;
const write = stdout.write.bind(stdout);
stdout.write = (...args) => {
  stdout.write = write;
  const files = Object.keys(require.cache).filter((file) => file !== __filename);
  stderr.write(`${JSON.stringify({ loaded: [...files, ...process.moduleLoadList] })}\n`);
  return write(...args);
};
