// Owns the MQTT 5 properties of a received PUBLISH as tools see them. Broker content: untrusted, kept in typed fields.
import type { MessageProperties } from './types.ts';

/** The shape mqtt-packet gives. */
type Received = {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: Record<string, string | string[]>;
  contentType?: string;
};

/** Undefined where there are none that a tool shows. */
export function messageProperties(received: Received): MessageProperties | undefined {
  const shown: MessageProperties = {};
  if (received.contentType !== undefined) shown.content_type = received.contentType;
  if (received.responseTopic !== undefined) shown.response_topic = received.responseTopic;
  if (received.correlationData !== undefined) shown.correlation_data = received.correlationData.toString('base64');
  if (received.messageExpiryInterval !== undefined) shown.message_expiry_seconds = received.messageExpiryInterval;
  if (received.payloadFormatIndicator !== undefined) shown.payload_format_utf8 = received.payloadFormatIndicator;
  if (received.userProperties !== undefined) shown.user_properties = { ...received.userProperties };
  return Object.keys(shown).length === 0 ? undefined : shown;
}
