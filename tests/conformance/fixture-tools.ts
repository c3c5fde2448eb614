// Owns the fixture's tool source: the plain tools, those that ask the client, those that run as tasks.
import type { ToolSource } from '../../src/mcp/catalog.ts';
import { isObject } from '../../src/rpc/message.ts';
import { createToggle, png, wav } from './fixture-content.ts';
import { promptToggle } from './fixture-prompts.ts';
import { failed, noArguments, pause, type Tool, text } from './fixture-tool.ts';
import { askingTools } from './fixture-tools-asking.ts';
import { taskTools } from './fixture-tools-tasks.ts';

/** Between two steps of a tool that reports how far it is, ms. */
const STEP_MS = 50;

const toolToggle = createToggle();

const plain: Record<string, Tool> = {
  test_simple_text: {
    description: 'Answers with a text',
    run: () => text('This is a simple text response for testing.'),
  },
  test_image_content: {
    description: 'Answers with an image',
    run: () => ({ content: [{ type: 'image', data: png, mimeType: 'image/png' }] }),
  },
  test_audio_content: {
    description: 'Answers with a sound',
    run: () => ({ content: [{ type: 'audio', data: wav, mimeType: 'audio/wav' }] }),
  },
  test_embedded_resource: {
    description: 'Answers with a resource',
    run: () => ({
      content: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
    }),
  },
  test_multiple_content_types: {
    description: 'Answers with a text, an image and a resource',
    run: () => ({
      content: [
        { type: 'text', text: 'Multiple content types test:' },
        { type: 'image', data: png, mimeType: 'image/png' },
        embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
      ],
    }),
  },
  test_error_handling: {
    description: 'Always fails',
    run: () => failed('This tool intentionally returns an error for testing'),
  },
  test_tool_with_progress: {
    description: 'Says how far it is, three times',
    run: async (_args, { progress, signal }) => {
      for (const percent of [0, 50, 100]) {
        progress({ progress: percent, total: 100, message: `${percent} of 100` });
        await pause(STEP_MS, signal);
      }
      return text('Done, with progress.');
    },
  },
  test_tool_with_logging: {
    description: 'Logs three messages at level info',
    run: async (_args, { log, signal }) => {
      for (const step of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        log('info', step, 'fixture');
        await pause(STEP_MS, signal);
      }
      return text('Done, with logging.');
    },
  },
  test_logging_tool: {
    description: 'Logs at the lowest and at the highest level',
    run: (_args, { log }) => {
      log('debug', 'Seen by those who asked for everything');
      log('emergency', 'Seen by those who asked for anything');
      return text('Logged.');
    },
  },
  test_trigger_tool_change: {
    description: 'Makes test_changing_tool come or go',
    run: () => {
      toolToggle.flip();
      return text('The list of tools has changed.');
    },
  },
  test_trigger_prompt_change: {
    description: 'Makes test_changing_prompt come or go',
    run: () => {
      promptToggle.flip();
      return text('The list of prompts has changed.');
    },
  },
  json_schema_2020_12_tool: {
    description: 'Tool with JSON Schema 2020-12 features',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' },
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false,
    },
    run: (args) => text(JSON.stringify(args)),
  },
};

const changing: Tool = {
  description: 'Comes and goes with test_trigger_tool_change',
  run: () => text('Here for now.'),
};

const fixed = new Map(Object.entries<Tool>({ ...plain, ...askingTools, ...taskTools }));

/** Looked up on each use: the list changes. */
function offered(): Map<string, Tool> {
  return toolToggle.on ? new Map([...fixed, ['test_changing_tool', changing]]) : fixed;
}

export const tools: ToolSource = {
  list: () =>
    [...offered()].map(([name, { description, inputSchema = noArguments }]) => ({ name, description, inputSchema })),
  has: (name) => offered().has(name),
  run: async (name, args, context) => {
    const tool = offered().get(name);
    if (!tool) throw new Error('run: no such tool');
    return tool.run(isObject(args) ? args : {}, context);
  },
  asTask: (name, _args, answers) => {
    const { task = 'never', asksFirst } = offered().get(name) ?? {};
    return asksFirst !== undefined && answers[asksFirst] === undefined ? 'never' : task;
  },
  onChanged: toolToggle.watch,
};

function embedded(uri: string, mimeType: string, content: string) {
  return { type: 'resource', resource: { uri, mimeType, text: content } };
}
