import { expect, test } from 'vitest';
import { NearNames } from '../../src/tools/near-names.ts';

test.each([
  ['livingrom', 'livingroom', true],
  ['sensor3', 'sensor1', false],
  ['sensor3', 'Sensor12', false],
  ['sensor', 'sensor1', true],
  ['0x00158d0a', '0x00158d0b', true],
])('asked for %s, %s exists -> near: %j', (wanted, exists, near) => {
  const names = new NearNames(wanted);
  names.look(`home/${exists}/state`);
  expect(names.names).toEqual(near ? [exists] : []);
});
