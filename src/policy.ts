// Owns the one choke point that every PUBLISH and SUBSCRIBE passes.
import { ToolError } from './errors.ts';

export type Policy = {
  /** Throws policy_denied. */
  mayPublish(): void;
};

export function createPolicy({ readOnly }: { readOnly: boolean }): Policy {
  return {
    mayPublish: () => {
      if (!readOnly) return;
      throw new ToolError(
        'policy_denied',
        'Publishing is turned off: this server runs read-only.',
        'Ask whoever runs it.',
      );
    },
  };
}
