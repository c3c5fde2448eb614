// Owns the fixture tools of the tasks extension, which no requirement set scores but which the suite runs.
import { RpcError, rpcCode } from '../../src/errors.ts';
import { accepted, form } from './fixture-input.ts';
import { failed, pause, type Tool, takes, text } from './fixture-tool.ts';

const MAX_SECONDS = 120;
const string = { type: 'string' };
const confirm = { confirm: { type: 'boolean' } };

export const taskTools: Record<string, Tool> = {
  greet: {
    description: 'Greets at once; never a task',
    inputSchema: takes({ name: string }),
    run: ({ name }) => text(`Hello, ${name}!`),
  },
  slow_compute: {
    description: 'Takes as long as it is told',
    inputSchema: takes({ seconds: { type: 'number', minimum: 0, maximum: MAX_SECONDS }, label: string }),
    task: 'when_possible',
    run: async ({ seconds, label }, { signal }) => {
      const limited = Math.min(Math.max(Number(seconds) || 0, 0), MAX_SECONDS);
      await pause(limited * 1000, signal);
      return signal.aborted ? failed(`${label}: stopped`) : text(`${label}: done after ${limited} s`);
    },
  },
  failing_job: {
    description: 'Always a task, and always fails',
    task: 'always',
    run: async (_args, { signal }) => {
      await pause(100, signal);
      return failed('The job failed, as it should.');
    },
  },
  protocol_error_job: {
    description: 'Ends with an error of the protocol',
    task: 'when_possible',
    run: async (_args, { signal }) => {
      await pause(100, signal);
      throw new RpcError(rpcCode.internalError, 'The job broke the protocol, as it should');
    },
  },
  confirm_delete: {
    description: 'Asks before it would delete a file',
    inputSchema: takes({ filename: string }),
    task: 'when_possible',
    run: ({ filename }, { answers }) => {
      if (answers.confirmation === undefined) {
        return { input: { confirmation: form(`Delete ${filename}?`, confirm) } };
      }
      const agreed = accepted(answers.confirmation)?.confirm === true;
      return text(agreed ? `${filename} would be gone.` : `${filename} stays.`);
    },
  },
  multi_input: {
    description: 'Asks two things at once',
    task: 'when_possible',
    run: (_args, { answers }) => {
      const first = accepted(answers.first);
      const second = accepted(answers.second);
      if (first && second) return text(`${first.name} and ${second.name}`);
      const fields = { name: string, ...confirm };
      return { input: { first: form('Who is first?', fields, []), second: form('Who is second?', fields, []) } };
    },
  },
  test_tool_with_task: {
    description: 'Asks for a name, then goes on as a task',
    task: 'always',
    asksFirst: 'user_name',
    run: async (_args, { answers, signal }) => {
      const given = accepted(answers.user_name)?.name;
      if (typeof given !== 'string') return { input: { user_name: form('What is your name?', { name: string }) } };
      await pause(100, signal);
      return text(`Hello, ${given}, from a task!`);
    },
  },
};
