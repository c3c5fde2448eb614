// Owns where hosts keep their settings, on each system. Source: the hosts' own documentation, as of 2026. Must not read them.
import { join } from 'node:path';
import type { Machine } from './types.ts';

/** `key`: the member that holds the servers by name. */
export type Place = { host: string; file: string; key: 'mcpServers' | 'servers' | 'context_servers' };

export const hostNames = ['Claude Desktop', 'Claude Code', 'Cursor', 'VS Code', 'Windsurf', 'Zed'];

/** Those of the user first, then those of the folder that the command runs in. */
export function placesOf({ platform, env, home, cwd }: Machine): Place[] {
  const config = env.XDG_CONFIG_HOME || join(home, '.config');
  const roaming = env.APPDATA || join(home, 'AppData', 'Roaming');
  const library = join(home, 'Library', 'Application Support');
  const apps = platform === 'darwin' ? library : platform === 'win32' ? roaming : config;
  const zed = platform === 'win32' ? join(roaming, 'Zed') : join(config, 'zed');
  return [
    { host: 'Claude Desktop', file: join(apps, 'Claude', 'claude_desktop_config.json'), key: 'mcpServers' },
    { host: 'Claude Code', file: join(home, '.claude.json'), key: 'mcpServers' },
    { host: 'Claude Code', file: join(cwd, '.mcp.json'), key: 'mcpServers' },
    { host: 'Cursor', file: join(home, '.cursor', 'mcp.json'), key: 'mcpServers' },
    { host: 'Cursor', file: join(cwd, '.cursor', 'mcp.json'), key: 'mcpServers' },
    { host: 'VS Code', file: join(apps, 'Code', 'User', 'mcp.json'), key: 'servers' },
    { host: 'VS Code', file: join(cwd, '.vscode', 'mcp.json'), key: 'servers' },
    { host: 'Windsurf', file: join(home, '.codeium', 'windsurf', 'mcp_config.json'), key: 'mcpServers' },
    { host: 'Zed', file: join(zed, 'settings.json'), key: 'context_servers' },
    { host: 'Zed', file: join(cwd, '.zed', 'settings.json'), key: 'context_servers' },
  ];
}
