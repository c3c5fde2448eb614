import { expect, test } from 'vitest';
import { closedJson } from '../../src/payload/closed-json.ts';

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

test('JSON cut anywhere -> what came before the cut, in JSON', () => {
  const whole = '{"a":[1,{"b\\"":"x,]}\\u00e9\\\\"},"[",true],"c":{"d":null},"last":"end"}';
  for (let cut = 1; cut < whole.length; cut++) {
    const head = whole.slice(0, cut);
    const [value] = closedJson(head)
      .map(parsed)
      .filter((one) => one !== undefined);
    // Only where nothing but a name has begun, there is nothing to read.
    if (value === undefined) expect(head).toMatch(/^\{"a?"?:?$/);
    else expect(JSON.stringify(value).slice(0, 5)).toBe(head.length === 1 ? '{}' : '{"a":');
  }
  const [value] = closedJson(whole.slice(0, whole.indexOf('"end') + 3)).map(parsed);
  expect(value).toEqual({ a: [1, { 'b"': 'x,]}é\\' }, '[', true], c: { d: null }, last: 'en' });
});

test('what is whole, too deep or no JSON -> nothing, or nothing that parses', () => {
  for (const text of ['{"a":1}', '[]', 'x', '', '"a', '['.repeat(100), ']]}}'])
    expect(
      closedJson(text)
        .map(parsed)
        .filter((one) => one !== undefined),
      text,
    ).toEqual([]);
});
