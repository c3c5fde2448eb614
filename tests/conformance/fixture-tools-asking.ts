// Owns the fixture tools that ask the client in the middle of a call: written once, driven by the core in each era.
import type { CallContext, ToolOutcome } from '../../src/mcp/catalog.ts';
import { isObject } from '../../src/rpc/message.ts';
import { accepted, form, roots, rootUris, sampled, sampling, told } from './fixture-input.ts';
import { failed, type Tool, takes, text } from './fixture-tool.ts';

const string = { type: 'string' };
const name = { name: string };

export const askingTools: Record<string, Tool> = {
  test_sampling: {
    description: "Asks the client's model",
    inputSchema: takes({ prompt: { type: 'string', description: 'What the model is asked' } }),
    run: ({ prompt }, { answers, supports }) => {
      if (!supports('sampling')) return failed('The client cannot be asked for a sampling');
      const response = sampled(answers.response);
      if (response !== undefined) return text(`LLM response: ${response}`);
      return { input: { response: sampling(String(prompt)) } };
    },
  },
  test_elicitation: {
    description: 'Asks the user',
    inputSchema: takes({ message: { type: 'string', description: 'What the user is shown' } }),
    run: ({ message }, context) => {
      const username = { type: 'string', description: "User's response" };
      const email = { type: 'string', description: "User's email address" };
      return asked(context, 'User response', form(String(message), { username, email }));
    },
  },
  test_elicitation_sep1034_defaults: {
    description: 'Asks the user with a default for each kind of field',
    run: (_args, context) => {
      const fields = {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      };
      return asked(context, 'Elicitation completed', form('Please confirm or correct', fields, []));
    },
  },
  test_elicitation_sep1330_enums: {
    description: 'Asks the user with each kind of choice',
    run: (_args, context) => {
      const options = ['option1', 'option2', 'option3'];
      const fields = {
        untitledSingle: { type: 'string', enum: options },
        titledSingle: { type: 'string', oneOf: titled('Option') },
        legacyEnum: {
          type: 'string',
          enum: ['opt1', 'opt2', 'opt3'],
          enumNames: ['Option One', 'Option Two', 'Option Three'],
        },
        untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
        titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
      };
      return asked(context, 'Elicitation completed', form('Please choose', fields, []));
    },
  },
  test_missing_capability: {
    description: 'Cannot do without sampling; leaves the refusal to the core',
    run: (_args, { answers }) => {
      const response = sampled(answers.response);
      return response === undefined ? { input: { response: sampling('Say something') } } : text(response);
    },
  },
  test_streaming_elicitation: {
    description: 'Says how far it is, then asks the user',
    run: (_args, context) => {
      context.progress({ progress: 1, total: 2 });
      return asked(context, 'User response', form('What is your name?', name));
    },
  },
  test_input_required_result_elicitation: {
    description: 'Asks the user for a name',
    run: (_args, { answers }) => {
      const given = accepted(answers.user_name)?.name;
      if (typeof given === 'string') return text(`Hello, ${given}!`);
      return { input: { user_name: form('What is your name?', name) } };
    },
  },
  test_input_required_result_sampling: {
    description: "Asks the client's model for a capital",
    run: (_args, { answers }) => {
      const capital = sampled(answers.capital_question);
      if (capital !== undefined) return text(capital);
      return { input: { capital_question: sampling('What is the capital of France?') } };
    },
  },
  test_input_required_result_list_roots: {
    description: 'Asks the client for its roots',
    run: (_args, { answers }) => {
      const uris = rootUris(answers.client_roots);
      return uris ? text(`Roots: ${uris.join(', ')}`) : { input: { client_roots: roots() } };
    },
  },
  test_input_required_result_request_state: {
    description: 'Asks the user, and wants its own state back',
    run: (_args, { answers, state }) => {
      const ok = accepted(answers.confirm)?.ok;
      if (ok !== true || stepOf(state) !== 'confirming') return confirming();
      return text('state-ok');
    },
  },
  test_input_required_result_tampered_state: {
    description: 'Asks the user; a state that is not its own never gets here',
    run: (_args, { answers, state }) => {
      if (accepted(answers.confirm) === undefined || stepOf(state) !== 'confirming') return confirming();
      return text('The state came back untouched.');
    },
  },
  test_input_required_result_multiple_inputs: {
    description: 'Asks three things at once',
    run: (_args, { answers }) => {
      const given = accepted(answers.user_name)?.name;
      const greeting = sampled(answers.greeting);
      const uris = rootUris(answers.client_roots);
      if (typeof given === 'string' && greeting !== undefined && uris) return text(`${given}: ${greeting}`, ...uris);
      const input = {
        user_name: form('What is your name?', name),
        greeting: sampling('Generate a greeting', 50),
        client_roots: roots(),
      };
      return { input, state: { step: 'asking' } };
    },
  },
  test_input_required_result_multi_round: {
    description: 'Asks twice, the second time knowing the first answer',
    run: (_args, { answers, state }) => {
      const step = stepOf(state);
      const given = step === 'color' && isObject(state) ? state.name : accepted(answers.step1)?.name;
      const color = accepted(answers.step2)?.color;
      if (step === undefined || typeof given !== 'string') {
        return { input: { step1: form('Step 1: What is your name?', name) }, state: { step: 'name' } };
      }
      if (step === 'color' && typeof color === 'string') return text(`${given} likes ${color}.`);
      const question = form('Step 2: What is your favorite color?', { color: string });
      return { input: { step2: question }, state: { step: 'color', name: given } };
    },
  },
  test_input_required_result_capabilities: {
    description: 'Asks what this client can be asked, and nothing else',
    run: (_args, { answers, supports }) => {
      if (Object.keys(answers).length > 0) return text('Answered.');
      const input = {
        ...(supports('elicitation') ? { user_name: form('What is your name?', name) } : {}),
        ...(supports('sampling') ? { greeting: sampling('Generate a greeting', 50) } : {}),
        ...(supports('roots') ? { client_roots: roots() } : {}),
      };
      return Object.keys(input).length > 0 ? { input } : text('This client can be asked nothing.');
    },
  },
};

/** Puts one form to the user and says what he did with it. */
function asked({ answers, supports }: CallContext, title: string, question: ReturnType<typeof form>): ToolOutcome {
  if (!supports('elicitation')) return failed('The client cannot be asked by a form');
  const answer = told(answers.answer);
  return answer === undefined ? { input: { answer: question } } : text(`${title}: ${answer}`);
}

function confirming(): ToolOutcome {
  return { input: { confirm: form('Please confirm', { ok: { type: 'boolean' } }) }, state: { step: 'confirming' } };
}

function stepOf(state: unknown): unknown {
  return isObject(state) ? state.step : undefined;
}

function titled(what: string): object[] {
  return ['First', 'Second', 'Third'].map((ordinal, i) => ({ const: `value${i + 1}`, title: `${ordinal} ${what}` }));
}
