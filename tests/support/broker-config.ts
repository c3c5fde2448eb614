// Owns what a test's mosquitto is told: its configuration and the files beside it. Must not know where it runs.
import { createHash, pbkdf2Sync } from 'node:crypto';

export type MosquittoOptions = {
  /** The port on 127.0.0.1; a free one where it is not given. */
  port?: number;
  /** Lines appended to mosquitto.conf. */
  config?: string;
  /** user -> password. Given, nobody gets in without one. */
  users?: Record<string, string>;
  /** An ACL file: `topic read a/#`, `user u`, `pattern write c/%c`. */
  acl?: string;
  /** PEM texts; the listener speaks TLS only. A `ca` demands client certificates that it signed. */
  tls?: { cert: string; key: string; ca?: string };
  /** Keep retained messages and sessions over a restart(). */
  persistence?: boolean;
};

/** File name -> content, for a mosquitto that finds them under `dir`. */
export function brokerFiles(options: MosquittoOptions, place: { dir: string; listener: string }): Map<string, string> {
  const { config, users, acl, tls, persistence } = options;
  const files = new Map<string, string>();
  const at = (name: string, content: string): string => {
    files.set(name, content);
    return `${place.dir}/${name}`;
  };
  const lines = [
    'user root', // started as root it would drop to `mosquitto`, which may not read a test's files; ignored otherwise
    `allow_anonymous ${users === undefined}`,
    'set_tcp_nodelay true',
    'sys_interval 1',
    'log_dest stderr', // stdout is buffered
    'log_type error',
    'log_type warning',
    'log_type notice',
    'log_type information',
    `persistence ${persistence === true}`,
  ];
  if (persistence) lines.push('autosave_on_changes true', 'autosave_interval 1', `persistence_location ${place.dir}/`);
  if (users) lines.push(`password_file ${at('passwd', passwordFile(users))}`);
  if (acl !== undefined) lines.push(`acl_file ${at('acl', `${acl}\n`)}`);
  lines.push(`listener ${place.listener}`);
  if (tls) lines.push(`certfile ${at('cert.pem', tls.cert)}`, `keyfile ${at('key.pem', tls.key)}`);
  if (tls?.ca !== undefined) lines.push(`cafile ${at('ca.pem', tls.ca)}`, 'require_certificate true');
  lines.push(config ?? '', '');
  at('mosquitto.conf', lines.join('\n'));
  return files;
}

/** mosquitto_passwd's format: `user:$7$iterations$salt$hash`, PBKDF2-SHA512. The salt need not be random here. */
function passwordFile(users: Record<string, string>): string {
  const line = ([user, password]: [string, string]): string => {
    const salt = createHash('sha256').update(user).digest().subarray(0, 12);
    const hash = pbkdf2Sync(password, salt, 101, 64, 'sha512');
    return `${user}:$7$101$${salt.toString('base64')}$${hash.toString('base64')}\n`;
  };
  return Object.entries(users).map(line).join('');
}
