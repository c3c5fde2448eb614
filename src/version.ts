// Owns what this program is called and which version it is; package.json is the source.
import manifest from '../package.json' with { type: 'json' };

export const name: string = manifest.name;
export const version: string = manifest.version;
export const title = 'MQTT';
