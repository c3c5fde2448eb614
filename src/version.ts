// Owns what this program is called, which version it is and which Node it needs; package.json is the source.
import manifest from '../package.json' with { type: 'json' };

export const name: string = manifest.name;
export const version: string = manifest.version;
/** As a range of package.json: `>=major.minor`. */
export const neededNode: string = manifest.engines.node;
export const title = 'MQTT';

/** A signal that spreads; one path, no network. */
export const icons = [
  {
    src: 'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHZpZXdCb3g9IjAgMCAyNCAyNCIgZmlsbD0ibm9uZSIgc3Ryb2tlPSIjMGE3ZWE0IiBzdHJva2Utd2lkdGg9IjIiPjxwYXRoIGQ9Ik00IDE4YTggOCAwIDAgMSA4IDJNNCAxMWExNSAxNSAwIDAgMSAxMiA5TTQgNGEyMiAyMiAwIDAgMSAxNiAxNk01IDIwaDEiLz48L3N2Zz4=',
    mimeType: 'image/svg+xml',
    sizes: ['any'],
  },
];
