import { startRabbitMq } from './programs.ts';
import { sixTools } from './six-tools.ts';

sixTools('rabbitmq', startRabbitMq, {
  version: 4,
  evidence: 'quiet_window',
  wildcardsShowRetained: false,
  granted: 1,
  publishedAtQos2: 'as QoS 1',
  dotted: 'a/b',
  shared: false,
});
