// Owns the fixture's prompts, and the completion of their arguments and of the template's id.
import type { CallContext, CompletionSource, InputNeeded, PromptSource } from '../../src/mcp/catalog.ts';
import { createToggle, png } from './fixture-content.ts';
import { accepted, form } from './fixture-input.ts';

type Args = Record<string, string>;
type Prompt = {
  description: string;
  arguments?: { name: string; description: string; required: boolean }[];
  get(args: Args, context: CallContext): object | InputNeeded;
};

/** Flipped by the tool test_trigger_prompt_change. */
export const promptToggle = createToggle();

const known: Record<string, Prompt> = {
  test_simple_prompt: {
    description: 'A prompt without arguments',
    get: () => ({ messages: [said('This is a simple prompt for testing.')] }),
  },
  test_prompt_with_arguments: {
    description: 'A prompt that shows its arguments',
    arguments: [argument('arg1', 'First test argument'), argument('arg2', 'Second test argument')],
    get: ({ arg1, arg2 }) => ({ messages: [said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  },
  test_prompt_with_embedded_resource: {
    description: 'A prompt with a resource inside',
    arguments: [argument('resourceUri', 'URI of the resource to embed')],
    get: ({ resourceUri: uri }) => {
      const resource = { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' };
      return {
        messages: [shown({ type: 'resource', resource }), said('Please process the embedded resource above.')],
      };
    },
  },
  test_prompt_with_image: {
    description: 'A prompt with an image inside',
    get: () => ({
      messages: [shown({ type: 'image', data: png, mimeType: 'image/png' }), said('Please analyze the image above.')],
    }),
  },
  test_input_required_result_prompt: {
    description: 'A prompt that asks the user before it is there',
    get: (_args, { answers }) => {
      const given = accepted(answers.user_context)?.context;
      if (typeof given === 'string') return { messages: [said(`Context given by the user: ${given}`)] };
      return { input: { user_context: form('What context should the prompt use?', { context: { type: 'string' } }) } };
    },
  },
};

const changing = { name: 'test_changing_prompt', description: 'Comes and goes with test_trigger_prompt_change' };

export const prompts: PromptSource = {
  list: () => {
    const fixed = Object.entries(known).map(([name, { get, ...shape }]) => ({ name, ...shape }));
    return promptToggle.on ? [...fixed, changing] : fixed;
  },
  get: async (name, args, context) => known[name]?.get(args, context) ?? { messages: [said(changing.description)] },
  onChanged: promptToggle.watch,
};

const places = ['paris', 'park', 'party', 'test', 'testValue1', 'testValue2'];

export const completions: CompletionSource = {
  complete: ({ ref, argument: { name, value } }) => {
    const exists =
      ref.type === 'ref/prompt'
        ? known[ref.name]?.arguments?.some((one) => one.name === name)
        : ref.uri === 'test://template/{id}/data' && name === 'id';
    if (!exists) return undefined;
    const values = places.filter((place) => place.startsWith(value));
    return { values, total: values.length };
  },
};

function argument(name: string, description: string): { name: string; description: string; required: boolean } {
  return { name, description, required: true };
}

function said(text: string): object {
  return shown({ type: 'text', text });
}

function shown(content: object): object {
  return { role: 'user', content };
}
