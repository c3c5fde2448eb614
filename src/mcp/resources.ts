// Owns resources/list, resources/templates/list, resources/read, and the legacy resources/subscribe and unsubscribe.
import { RpcError, rpcCode } from '../errors.ts';
import { toJson } from '../rpc/message.ts';
import type { ResourceSource } from './catalog.ts';
import { invalidParams, page, type Served, stringParam } from './core.ts';
import { withInput } from './elicitation.ts';
import type { Era } from './protocol.ts';

export function listResources({ params, core }: Served): object {
  return page('resources', core.catalog.resources?.list() ?? [], params);
}

export function listTemplates({ params, core }: Served): object {
  return page('resourceTemplates', core.catalog.resources?.templates() ?? [], params);
}

export async function readResource(served: Served): Promise<object> {
  const uri = stringParam(served.params, 'uri');
  const source = required(served);
  return withInput(served, async (context) => {
    const contents = await source.read(uri, context);
    if (contents === undefined) throw notFound(served.era, uri);
    return Array.isArray(contents) ? { contents: contents.map(rendered) } : contents;
  });
}

/** A `value` becomes JSON text in which nothing invisible is left, as in the results of tools. */
function rendered(content: object): object {
  if (!('value' in content)) return content;
  const { value, ...rest } = content;
  return { ...rest, text: toJson(value) };
}

export async function subscribe(served: Served): Promise<object> {
  const uri = stringParam(served.params, 'uri');
  const { subscriptions } = served.core;
  const before = subscriptions.isSubscribed(uri);
  const found = await subscriptions.subscribe(uri);
  // Cancelled meanwhile: nobody will unsubscribe from what he did not get.
  if (found && !before && served.call.aborted) subscriptions.unsubscribe(uri);
  if (!found) throw notFound(served.era, uri);
  return {};
}

export function unsubscribe({ params, core }: Served): object {
  core.subscriptions.unsubscribe(stringParam(params, 'uri'));
  return {};
}

function required({ core }: Served): ResourceSource {
  if (!core.catalog.resources) throw invalidParams('there are no resources');
  return core.catalog.resources;
}

/** -32002 belongs to the legacy era; the modern one must not see it. */
function notFound(era: Era, uri: string): RpcError {
  const code = era.kind === 'modern' ? rpcCode.invalidParams : rpcCode.resourceNotFoundLegacy;
  return new RpcError(code, 'Resource not found', { uri });
}
