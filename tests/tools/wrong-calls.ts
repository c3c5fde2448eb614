// Owns the calls that no tool may accept, read from the schemas: wrong types, bounds, unknown arguments.
import { definitions } from '../../src/generated/definitions.ts';
import { isObject } from '../../src/rpc/message.ts';

export type Fields = Record<string, unknown>;

/** A call that is wrong at `path`. */
export type WrongCall = { tool: string; path: string; what: string; args: Fields };

export type Property = { path: string; schema: Fields; args(value: unknown): Fields };

export const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {});

/** A value that a schema allows. */
export function sample({ type, enum: allowed, minimum, const: only }: Fields): unknown {
  if (only !== undefined) return only;
  if (Array.isArray(allowed)) return allowed[0];
  if (type === 'integer' || type === 'number') return typeof minimum === 'number' ? minimum : 1;
  if (type === 'boolean') return true;
  if (type === 'object') return {};
  if (type === 'array') return [];
  return 'x';
}

/** The properties of a tool's arguments, nested ones too, each with a way to call it with one value there. */
export function propertiesOf(inputSchema: object): Property[] {
  const { properties, required } = fieldsOf(inputSchema);
  const own = fieldsOf(properties);
  const names: unknown[] = Array.isArray(required) ? required : [];
  const base = Object.fromEntries(names.map((name) => [name, sample(fieldsOf(own[String(name)]))]));
  const flat = (schemas: Fields, at: string, wrap: (inner: Fields) => Fields): Property[] =>
    Object.entries(schemas).flatMap(([key, value]) => {
      const schema = fieldsOf(value);
      const path = `${at}/${key}`;
      const nested = flat(fieldsOf(schema.properties), path, (inner) => wrap({ [key]: inner }));
      return [{ path, schema, args: (given: unknown) => wrap({ [key]: given }) }, ...nested];
    });
  return flat(own, '', (inner) => ({ ...base, ...inner }));
}

export function wrongCalls(): WrongCall[] {
  return Object.values(definitions).flatMap(({ name: tool, inputSchema }) => {
    const properties = propertiesOf(inputSchema);
    const wrong = properties.flatMap(({ path, schema, args }) =>
      [...wrongTypes(schema), ...outside(schema)].map(([what, value]) => ({ tool, path, what, args: args(value) })),
    );
    const base = properties[0]?.args(sample(properties[0].schema)) ?? {};
    const unknown = { tool, path: '/no~1such', what: 'an unknown argument', args: { ...base, 'no/such': 'secret' } };
    return [...wrong, unknown];
  });
}

const values: [string, unknown][] = [
  ['string', 'x'],
  ['number', 1.5],
  ['integer', 1],
  ['boolean', true],
  ['null', null],
  ['array', []],
  ['object', {}],
];

/** One of each JSON type that the schema does not allow. */
function wrongTypes({ type }: Fields): [string, unknown][] {
  if (type === undefined) return []; // any JSON value is right
  const allowed: unknown[] = Array.isArray(type) ? type : [type];
  return values.filter(([name]) => !allowed.includes(name) && !(name === 'integer' && allowed.includes('number')));
}

/** Just outside of what the schema allows. */
function outside(schema: Fields): [string, unknown][] {
  const { minimum, maximum, minLength, maxLength, enum: allowed, type } = schema;
  const cases: [string, unknown][] = [];
  if (typeof minimum === 'number') cases.push(['below the minimum', minimum - 1]);
  if (typeof maximum === 'number') cases.push(['above the maximum', maximum + 1]);
  if (typeof minLength === 'number') cases.push(['too short', 'x'.repeat(minLength - 1)]);
  if (typeof maxLength === 'number') cases.push(['too long', 'x'.repeat(maxLength + 1)]);
  if (Array.isArray(allowed)) cases.push(['not in the list', type === 'string' ? 'no such' : 4711]);
  return cases;
}
