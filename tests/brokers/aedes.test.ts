import { startAedes } from './programs.ts';
import { sixTools } from './six-tools.ts';

sixTools('aedes', startAedes, {
  version: 4,
  evidence: 'quiet_window',
  wildcardsShowRetained: true,
  granted: 2,
  publishedAtQos2: 'acknowledged',
  dotted: 'a.b',
  shared: false,
});
