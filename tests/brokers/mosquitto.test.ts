import { startOwnMosquitto } from './programs.ts';
import { sixTools } from './six-tools.ts';

sixTools('mosquitto', startOwnMosquitto, {
  version: 5,
  evidence: 'ordered',
  wildcardsShowRetained: true,
  granted: 2,
  publishedAtQos2: 'acknowledged',
  dotted: 'a.b',
  shared: true,
});
