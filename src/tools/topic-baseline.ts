// Owns the step from a `baseline` argument to what messages are compared with.
import { ToolError } from '../errors.ts';
import { checkSize, readBaseline } from '../payload/schema/baseline.ts';
import { DriftLog } from '../payload/schema/drift.ts';
import { BadSchema } from '../payload/schema/validate.ts';

/**
 * Throws invalid_arguments that points to the place. The regular expression engine is loaded only where a schema has a
 * pattern, or a topic is called so.
 */
export async function driftFrom(given: object): Promise<DriftLog> {
  try {
    checkSize(given);
    const hasPattern = /"pattern(?:Properties)?"/.test(JSON.stringify(given));
    const { compilePattern } = hasPattern
      ? await import('../payload/schema/patterns.ts')
      : { compilePattern: noPattern };
    return new DriftLog(readBaseline(given, compilePattern));
  } catch (error) {
    if (!(error instanceof BadSchema)) throw error;
    const problems = [{ path: `/baseline${error.path}`, expected: error.message }];
    const hint = 'Give a JSON Schema 2020-12, a map of template to schema, or a whole earlier result.';
    throw new ToolError('invalid_arguments', `baseline does not fit: expected ${error.message}.`, hint, { problems });
  }
}

function noPattern(): never {
  throw new Error('no pattern was seen');
}
