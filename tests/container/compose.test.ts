import { afterAll, beforeAll, expect, test } from 'vitest';
import { answers, type Ended, listening, run, sessionAnswers, sessionScript } from './docker.ts';

const mine = `bitsperity-mqtt-mcp-compose-${process.pid}`;
const env = {
  COMPOSE_PROJECT_NAME: mine,
  CONTAINER: mine,
  IMAGE: `${mine}:test`,
  DOCKER_BUILDKIT: '0',
  COMPOSE_DOCKER_CLI_BUILD: '0',
};
let compose: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  compose = await composeCommand();
});

afterAll(async () => {
  await compose('down', '--volumes', '--timeout', '5');
  await run('docker', ['rmi', env.IMAGE]);
});

/** `docker compose`, or the older docker-compose. */
async function composeCommand() {
  for (const [program, first] of [
    ['docker', ['compose']],
    ['docker-compose', []],
  ] as const) {
    const ended = await run(program, [...first, 'version'], { env }).catch(() => undefined);
    if (ended?.code === 0) return (...args: string[]) => run(program, [...first, ...args], { env });
  }
  throw new Error('the container tests need `docker compose` or docker-compose');
}

test('compose.yaml: a broker and a daemon in one network, driven by docker exec -i', async () => {
  expect(await compose('config', '--quiet')).toMatchObject({ code: 0 });
  const { code, stderr } = await compose('up', '--build', '--detach');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  await listening((await compose('ps', '--quiet', 'mosquitto')).stdout.trim());
  const args = ['exec', '-i', mine, 'node', '/app/dist/main.js', '--drain', '20'];
  const ended = await run('docker', args, { input: sessionScript('mosquitto') });
  expect(ended).toMatchObject({ code: 0 });
  expect(answers(ended.stdout)).toMatchObject(sessionAnswers('mosquitto'));
});
