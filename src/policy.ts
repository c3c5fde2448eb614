// Owns the one choke point that every PUBLISH, SUBSCRIBE and connect passes: what whoever runs the server lets it do.
// What was read from a broker never changes it. Must not know sessions, tools, or which writes a person decides.
import type { Audit } from './audit.ts';
import { isListed } from './brokers.ts';
import { ToolError } from './errors.ts';
import type { Config } from './generated/config-types.ts';
import { compileFilter, covers, matches, overlaps, quoteTopic } from './mqtt/topic.ts';
import { createQuota, type Quota, unlimited } from './quota.ts';

export type Rules = NonNullable<Config['policy']>;
type Lists = NonNullable<Rules['publish']>;

/** Each throws policy_denied. */
export type Policy = {
  /** Where every write is put on record. */
  readonly audit: Audit | undefined;
  mayPublish(topic: string): void;
  /** Of a request: somebody else writes there on our word, and what is written is for us to read. */
  mayBeAnswered(topic: string): void;
  /** A filter is allowed as a whole or not at all; `$share/{group}/` before it is ignored. */
  maySubscribe(filter: string): void;
  /** Of a message that no filter of ours brought: a session that the broker kept has those of its earlier life. */
  readonly mayHear: ((topic: string) => boolean) | undefined;
  /** Of a connection string, before its name is looked up; `host` as parseConnectionString gives it. */
  mayDial(host: string, port: number): void;
  /** Of the will of a profile, which nobody is asked about: the operator's own word stands, unless he denies such writes. */
  mayBequeath(will: Bequest): Promise<void>;
  /** How much one more session may write. */
  quota(): Quota;
  /** How many wills the sessions of a profile may leave. */
  wills(profile: string): Quota;
};

export type Bequest = { topic: string; payload: Buffer; retain: boolean };
/** One sentence for each reason why a person should decide about it. */
export type Dangers = (will: Bequest) => Promise<string[]>;

/** Filters that an error shows, so that it stays short. */
const MAX_SHOWN = 10;

export type PolicyOptions = {
  readOnly: boolean;
  rules?: Rules;
  audit?: Audit | undefined;
  /** Where such writes are denied. */
  dangers?: Dangers | undefined;
};

export function createPolicy({ readOnly, rules = {}, audit, dangers }: PolicyOptions): Policy {
  const { publish, subscribe, allowed_brokers: brokers } = rules;
  const quotas = createQuota(rules);
  return {
    audit,
    mayPublish: (topic) => {
      if (readOnly) throw denied('Publishing is turned off: this server runs read-only.');
      if (publish) checkPublish(topic, publish);
    },
    mayBeAnswered: (topic) => {
      if (publish?.deny) checkPublish(topic, { allow: [topic], deny: publish.deny });
      if (subscribe) checkSubscribe(topic, subscribe);
    },
    maySubscribe: (filter) => {
      if (subscribe) checkSubscribe(filter, subscribe);
    },
    mayHear: subscribe && hearable(subscribe),
    mayDial: (host, port) => {
      if (brokers === undefined || brokers.some((entry) => isListed(entry, host, port))) return;
      const asked = `${host.includes(':') ? `[${host}]` : host}:${port}`;
      const hint = 'Use a profile, or ask whoever runs this server to add the broker to policy.allowed_brokers.';
      throw denied(`Connecting to ${asked} is not allowed here.`, hint);
    },
    mayBequeath: async (will) => {
      const reasons = (await dangers?.(will)) ?? [];
      if (reasons.length === 0) return;
      const hint = 'Whoever runs this server turned such writes off: the will must go, or danger be ask or allow.';
      throw denied(`The will of the profile is one that is denied here: ${reasons.join(' ')}`, hint);
    },
    quota: readOnly ? () => unlimited : quotas.session,
    wills: quotas.will,
  };
}

/** '#' is no allowance for topics that begin with $ [MQTT-4.7.2-1]: they are the broker's own, and need an entry. */
function checkPublish(topic: string, { allow = ['#'], deny = [] }: Lists): void {
  const against = deny.find((filter) => matches(filter, topic));
  if (against !== undefined) throw denied(`Publishing to ${quoteTopic(topic)} is denied by ${quoteTopic(against)}.`);
  if (allow.some((filter) => matches(filter, topic))) return;
  const own = topic.startsWith('$') ? ' A topic that begins with $ needs an entry of its own.' : '';
  throw denied(`Publishing to ${quoteTopic(topic)} is not allowed; allowed: ${shown(allow)}.${own}`);
}

/**
 * Some brokers have filters beside `$share` that mean other topics, such as `$queue/a`; with a list none of them passes
 * that has no entry of its own.
 */
function checkSubscribe(filter: string, { allow = READABLE, deny = [] }: Lists): void {
  const against = deny.find((one) => overlaps(one, filter));
  if (against !== undefined) {
    const part = covers(against, filter) ? 'is denied by' : 'takes in topics that are denied by';
    const hint = 'Subscribe to narrower filters that leave those topics out, or ask whoever runs this server.';
    throw denied(`The filter ${quoteTopic(filter)} ${part} ${quoteTopic(against)}.`, hint);
  }
  if (allow.some((wide) => covers(wide, filter))) return;
  const touched = allow.filter((one) => overlaps(one, filter));
  const part = touched.length > 0 ? 'goes beyond what is allowed' : 'is not allowed';
  const hint = `Subscribe within what is allowed: ${shown(touched.length > 0 ? touched : allow)}.`;
  throw denied(`The filter ${quoteTopic(filter)} ${part}.`, hint);
}

function hearable({ allow = READABLE, deny = [] }: Lists): (topic: string) => boolean {
  const allowed = allow.map(compileFilter);
  const denied = deny.map(compileFilter);
  return (topic) => !denied.some((matches) => matches(topic)) && allowed.some((matches) => matches(topic));
}

/** What may be read where nothing says so. */
const READABLE = ['#', '$SYS/#'];

function shown(filters: readonly string[]): string {
  if (filters.length === 0) return 'nothing';
  const more = filters.length > MAX_SHOWN ? ` and ${filters.length - MAX_SHOWN} more` : '';
  return filters.slice(0, MAX_SHOWN).map(quoteTopic).join(', ') + more;
}

function denied(message: string, hint = 'Ask whoever runs this server.'): ToolError {
  return new ToolError('policy_denied', message, hint);
}
