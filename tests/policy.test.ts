import { expect, test } from 'vitest';
import { createPolicy } from '../src/policy.ts';

test('policy: read-only -> mayPublish throws policy_denied, else not', () => {
  expect(() => createPolicy({ readOnly: false }).mayPublish()).not.toThrow();
  expect(() => createPolicy({ readOnly: true }).mayPublish()).toThrow(
    expect.objectContaining({ data: expect.objectContaining({ code: 'policy_denied', retryable: false }) }),
  );
});
