// Every argument of every tool, read from its schema: wrong types, bounds, unknown and missing ones.
import { describe, expect, test } from 'vitest';
import { definitions } from '../../src/generated/definitions.ts';
import { bench, problemsOf } from './bench.ts';
import { fieldsOf, propertiesOf, sample, wrongCalls } from './wrong-calls.ts';

test.each(wrongCalls())('$tool: $path $what -> invalid_arguments that points there', async ({ tool, path, args }) => {
  const { run, session, pool } = bench();
  const problems = await problemsOf(run(tool, args));
  expect(problems.map((problem) => problem.path)).toContain(path);
  for (const { expected } of problems) expect(expected.length).toBeGreaterThan(3);
  expect(JSON.stringify(problems)).not.toContain('secret');
  expect([...session.listened, ...session.published, ...pool.requests]).toEqual([]);
});

describe.each(Object.values(definitions).map((tool) => [tool.name, tool] as const))('%s', (name, { inputSchema }) => {
  test('required arguments are missing -> all are named, beside what else is wrong', async () => {
    const { run } = bench();
    const { required } = fieldsOf(inputSchema);
    const names: unknown[] = Array.isArray(required) ? required : [];
    const problems = await problemsOf(run(name, { one: 1 }));
    const expected = names.map((key) => ({ path: `/${key}`, expected: 'this argument is required' }));
    expect(problems).toEqual(expect.arrayContaining(expected));
  });

  test('several problems -> all are told', async () => {
    const { run } = bench();
    const problems = await problemsOf(run(name, { one: 1, two: 2 }));
    expect(problems.map(({ path }) => path)).toEqual(expect.arrayContaining(['/one', '/two']));
  });

  test('every property is described and has a sample, and the input is closed', () => {
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const { path, schema } of propertiesOf(inputSchema)) {
      expect(schema.description, path).toEqual(expect.any(String));
      expect(sample(schema), path).toBeDefined();
    }
  });
});

test('an unknown argument with a line feed in its name -> told on one line, nothing invisible in it', async () => {
  const { run } = bench();
  const [problem] = await problemsOf(run('list_active_connections', { 'a\n\u202eb': 1 }));
  expect(problem?.path).toBe('/a\\u{a}\\u{202e}b');
});

test.each([
  ['an array', []],
  ['a string', 'x'],
  ['a number', 1],
])('arguments that are %s -> invalid_arguments on the whole', async (_what, args) => {
  const { run } = bench();
  expect((await problemsOf(run('list_active_connections', args)))[0]).toMatchObject({ path: '' });
});
