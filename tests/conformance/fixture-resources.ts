// Owns the fixture's resources: two fixed ones, one that changes while it is followed, and a template.
import type { ResourceSource } from '../../src/mcp/catalog.ts';
import { png } from './fixture-content.ts';

const WATCHED = 'test://watched-resource';
/** How often the watched resource changes, ms. */
const CHANGE_MS = 250;
const templated = /^test:\/\/template\/([^/]+)\/data$/;

let version = 0;

const fixed: Record<string, () => object> = {
  'test://static-text': () => ({ mimeType: 'text/plain', text: 'This is the content of the static text resource.' }),
  'test://static-binary': () => ({ mimeType: 'image/png', blob: png }),
  [WATCHED]: () => ({ mimeType: 'text/plain', text: `Version ${version} of the watched resource.` }),
};

export const resources: ResourceSource = {
  list: () => [
    {
      uri: 'test://static-text',
      name: 'static-text',
      description: 'A text that never changes',
      mimeType: 'text/plain',
    },
    { uri: 'test://static-binary', name: 'static-binary', description: 'A red pixel', mimeType: 'image/png' },
    { uri: WATCHED, name: 'watched-resource', description: 'Changes while it is followed', mimeType: 'text/plain' },
  ],
  templates: () => [
    {
      uriTemplate: 'test://template/{id}/data',
      name: 'template-data',
      description: 'Data by id',
      mimeType: 'application/json',
    },
  ],
  read: async (uri) => {
    const content = fixed[uri]?.() ?? fromTemplate(uri);
    return content && [{ uri, ...content }];
  },
  follow: async (uri, changed) => {
    if (!Object.hasOwn(fixed, uri)) return undefined;
    if (uri !== WATCHED) return () => {};
    const timer = setInterval(() => {
      version += 1;
      changed();
    }, CHANGE_MS);
    return () => clearInterval(timer);
  },
};

function fromTemplate(uri: string): object | undefined {
  const id = templated.exec(uri)?.[1];
  if (id === undefined) return undefined;
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return { mimeType: 'application/json', text: JSON.stringify(data) };
}
