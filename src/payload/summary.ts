export function summarise(messages: any[], target: number, began: number) {
  const kept = messages.slice(0, target).map((m) => ({ topic: m.topic, payload: m.payload.toString(), payload_type: 'text' as const, size_bytes: m.size, qos: m.qos, retain: m.retain, dup: m.dup, timestamp: new Date(m.at).toISOString(), offset_ms: m.at - began }));
  return { kept, omitted: { count: messages.length - kept.length, by_topic: {}, by_kind: {} }, cut: 0 };
}
