// Owns the memory of pure functions: several rules ask the same of one series or view, which is worked out once.

/** `work`, done once for each object; forgotten with it. */
export function once<Key extends object, Value>(work: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { value: Value }>();
  return (key) => {
    const found = known.get(key) ?? { value: work(key) };
    known.set(key, found);
    return found.value;
  };
}
