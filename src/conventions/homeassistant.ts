// Owns Home Assistant's MQTT discovery: one document an entity, or one a device with components; abbreviations and `~`.
// Source: home-assistant.io/integrations/mqtt, MQTT discovery.
import { claim, own, text, texts } from './claim.ts';
import type { Grade } from './identity.ts';
import { definedPresence } from './presence.ts';
import type { AvailabilityGroup, AvailabilityMode, Convention, Expected, Reading, TopicRole } from './types.ts';

const convention = 'homeassistant';
/** <discovery prefix>/<component>/[<node id>/]<object id>/config; the prefix is `homeassistant` unless it was changed. */
const CONFIG = /^[^/]+\/(device|[a-z_]+)\/(?:([^/]+)\/)?([^/]+)\/config$/;
/** Components of one document. */
const MAX_COMPONENTS = 200;
/** Keys of one entity that are looked at. */
const MAX_KEYS = 200;

export const homeassistant: Convention = {
  name: convention,
  describes: (topic) => topic.endsWith('/config') && CONFIG.test(topic),
  describe: (topic, payload, id) => {
    const [, , node = '', object = ''] = CONFIG.exec(topic) ?? [];
    const entities = entitiesOf(payload);
    if (object === '' || entities.length === 0) return undefined;
    const device = own(payload, 'device') ?? own(payload, 'dev');
    const names = namesOf(device);
    const ownIds = [node, object, ...names, ...entities.flatMap(idsOf)];
    const spoken = entities.flatMap((entity) => [...entity.topics].filter(([, role]) => role.role !== 'availability'));
    const grade = best([...ownIds.map(id.inName), ...spoken.map(([name]) => id.inTopic(name))]);
    if (grade === undefined) return undefined;
    return claim(convention, topic, grade, {
      names,
      topics: new Map(entities.flatMap((entity) => [...entity.topics])),
      commands: entities.flatMap(({ commands, states }) => commands.map((command) => ({ command, answers: states }))),
      expected: entities.flatMap(({ expected }) => expected),
      readings: entities.flatMap(({ readings }) => readings),
      availability: entities.flatMap(({ availability }) => availability),
    });
  },
  roleOf: (topic) => (/^homeassistant\/.+\/config$/.test(topic) ? { role: 'description', convention } : undefined),
  answersTo: () => [],
};

/** The names by which a document calls its device, for who wants to know whether two documents mean the same one. */
function namesOf(device: unknown): string[] {
  const connections = own(device, 'connections') ?? own(device, 'cns');
  const list: readonly unknown[] = Array.isArray(connections) ? connections.slice(0, 20) : [];
  const addresses = list.flatMap((pair) => (Array.isArray(pair) ? texts(pair.slice(1, 2)) : []));
  const ids = texts(own(device, 'identifiers') ?? own(device, 'ids'));
  return [...addresses, ...ids, ...texts(own(device, 'name'))];
}

type Entity = {
  fields: Map<string, unknown>;
  topics: Map<string, TopicRole>;
  commands: string[];
  states: string[];
  expected: Expected[];
  readings: Reading[];
  availability: AvailabilityGroup[];
};

/** The entities of a document: itself, or its components, each with what the document says for all. */
function entitiesOf(payload: unknown): Entity[] {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return [];
  const components = own(payload, 'components') ?? own(payload, 'cmps');
  if (typeof components !== 'object' || components === null) return [entityOf([payload])];
  const keys = Object.keys(components).slice(0, MAX_COMPONENTS);
  return keys.map((key) => entityOf([payload, own(components, key)]));
}

function entityOf(layers: unknown[]): Entity {
  const fields = new Map<string, unknown>();
  for (const layer of layers) {
    if (typeof layer !== 'object' || layer === null) continue;
    for (const key of Object.keys(layer).slice(0, MAX_KEYS)) fields.set(key, own(layer, key));
  }
  const base = fields.get('~');
  const full = (topic: string) => withBase(topic, typeof base === 'string' ? base : undefined);
  const entity: Entity = {
    fields,
    topics: new Map(),
    commands: [],
    states: [],
    expected: [],
    readings: [],
    availability: [],
  };
  for (const [key, value] of fields) {
    const kind = kindOf(key);
    if (kind === undefined || typeof value !== 'string') continue;
    const topic = full(value);
    if (kind !== 'availability') entity.topics.set(topic, { role: kind, convention });
    if (kind === 'command') entity.commands.push(topic);
    else if (kind === 'state') entity.states.push(topic);
  }
  const told = availabilities(fields);
  for (const one of told) entity.topics.set(full(one.topic), one.role);
  if (told.length > 0) entity.availability.push({ topics: told.map(({ topic }) => full(topic)), mode: modeOf(fields) });
  const seconds = fields.get('expire_after') ?? fields.get('exp_aft');
  const state = fields.get('state_topic') ?? fields.get('stat_t');
  if (typeof seconds === 'number' && typeof state === 'string') {
    entity.expected.push({ topic: full(state), seconds, by: 'expire_after' });
  }
  if (typeof state === 'string') entity.readings.push(...readingOf(fields, full(state)));
  return entity;
}

/** Of what is measured: it has a unit or a device class. Others (actions, updates) may come and go in payloads. */
function readingOf(fields: Map<string, unknown>, topic: string): Reading[] {
  const word = (...keys: string[]) => texts(keys.map((key) => fields.get(key)))[0];
  const unit = word('unit_of_measurement', 'unit_of_meas');
  const kind = word('device_class', 'dev_cla');
  const path = placeOf(word('value_template', 'val_tpl'));
  if (path === undefined || (unit === undefined && kind === undefined)) return [];
  return [{ topic, path, ...(unit === undefined ? {} : { unit }), ...(kind === undefined ? {} : { kind }) }];
}

/** Where a template takes its value from; undefined where it does more than convert one field, or can do without it. */
function placeOf(template: string | undefined): string[] | undefined {
  if (template === undefined || /^\s*\{\{\s*value\s*(?:\|[\w\s().,]{0,60})?\}\}\s*$/.test(template)) return [];
  if (/default|defined/.test(template)) return undefined;
  const path = pathOf(template.replace(/\|[\w\s().,|]{0,80}\}\}/, '}}'));
  return path.length === 0 ? undefined : path;
}

/** What the topic under a key is for: state_topic, stat_t, brightness_command_topic, bri_cmd_t. */
function kindOf(key: string): 'state' | 'command' | 'availability' | undefined {
  if (!/(?:^|_)(?:topic|t)$/.test(key)) return undefined;
  if (/^(?:availability_topic|avty_t)$/.test(key)) return 'availability';
  return /command|cmd|set_(?:position|fan_speed)|set_pos_t|^payload_/.test(key) ? 'command' : 'state';
}

/** `~` stands for the base at the beginning or the end of a topic; it is filled in once, so it cannot go round. */
function withBase(topic: string, base: string | undefined): string {
  if (base === undefined) return topic;
  if (topic.startsWith('~')) return `${base}${topic.slice(1)}`;
  return topic.endsWith('~') ? `${topic.slice(0, -1)}${base}` : topic;
}

function availabilities(fields: Map<string, unknown>): { topic: string; role: TopicRole }[] {
  const list = fields.get('availability') ?? fields.get('avty');
  const several: readonly unknown[] = Array.isArray(list) ? list.slice(0, 10) : [];
  const single = fields.get('availability_topic') ?? fields.get('avty_t');
  const all = several.map((one) => ({
    topic: text(one, 'topic') ?? text(one, 't'),
    online: text(one, 'payload_available') ?? text(one, 'pl_avail'),
    offline: text(one, 'payload_not_available') ?? text(one, 'pl_not_avail'),
    template: text(one, 'value_template') ?? text(one, 'val_tpl'),
  }));
  const word = (...keys: string[]) => texts(keys.map((key) => fields.get(key)))[0];
  all.push({
    topic: typeof single === 'string' ? single : undefined,
    online: word('payload_available', 'pl_avail'),
    offline: word('payload_not_available', 'pl_not_avail'),
    template: word('availability_template', 'avty_tpl'),
  });
  return all.flatMap(({ topic, online = 'online', offline = 'offline', template = '' }) => {
    if (topic === undefined) return [];
    const presence = definedPresence(online, offline, pathOf(template));
    // Only the bridge of Zigbee2MQTT and its like is known by name; what else is shared cannot be told.
    const of = /\/bridge\/(?:state|status)$/.test(topic) ? 'bridge' : 'device';
    const role = of === 'bridge' ? 'bridge' : 'availability';
    return [{ topic, role: { role, convention, presence, of, writtenBy: 'device' } }];
  });
}

/** `latest` unless said, as Home Assistant has it. */
function modeOf(fields: Map<string, unknown>): AvailabilityMode {
  const said = fields.get('availability_mode') ?? fields.get('avty_mode');
  return said === 'all' || said === 'any' ? said : 'latest';
}

/** The path of `{{ value_json.a.b }}` or `{{ value_json['a'] }}`; [] for templates that do more. */
function pathOf(template: string): string[] {
  const [, path] = /^\s*\{\{\s*value_json((?:\.\w{1,40}|\[['"]\w{1,40}['"]\]){1,5})\s*\}\}\s*$/.exec(template) ?? [];
  return path === undefined ? [] : (path.match(/\w+/g) ?? []);
}

function idsOf({ fields }: Entity): string[] {
  const keys = ['name', 'unique_id', 'uniq_id', 'object_id', 'obj_id', 'default_entity_id', 'def_ent_id'];
  return texts(keys.map((key) => fields.get(key)));
}

function best(grades: Grade[]): Grade {
  return grades.includes('exact') ? 'exact' : grades.find((grade) => grade !== undefined);
}
