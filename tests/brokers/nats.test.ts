import { startNats } from './programs.ts';
import { sixTools } from './six-tools.ts';

sixTools('nats', startNats, {
  version: 4,
  evidence: 'quiet_window',
  wildcardsShowRetained: true,
  granted: 1,
  publishedAtQos2: 'cut off',
  dotted: undefined,
  shared: false,
});
