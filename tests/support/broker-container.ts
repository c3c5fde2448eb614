// Owns a mosquitto in a container: whether an engine and an image are there in reasonable time, and running one.
import {
  GenericContainer,
  getContainerRuntimeClient,
  ImageName,
  type StartedTestContainer,
  Wait,
} from 'testcontainers';
import type { Broker } from './broker.ts';
import { brokerFiles, type MosquittoOptions } from './broker-config.ts';

const engineMs = 5_000;
const dir = '/mosquitto/config'; // where the official image looks
const inside = 1883;

type Engine = { image: string } | { missing: string };

/** The image to run, where an engine answers and has it or can pull it within `pullMs`; else why not. */
export async function containerEngine(pullMs = 20_000): Promise<Engine> {
  const image = process.env.MOSQUITTO_IMAGE || 'eclipse-mosquitto:2';
  const client = await within(engineMs, getContainerRuntimeClient()).catch(() => undefined);
  if (client === undefined) return { missing: 'no Docker engine answers' };
  const name = ImageName.fromString(image);
  try {
    if (await within(engineMs, client.image.exists(name))) return { image };
    await within(pullMs, client.image.pull(name));
    return { image };
  } catch (error) {
    return {
      missing: `the engine has no ${image} and cannot pull it: ${error instanceof Error ? error.message : error}`,
    };
  }
}

/** Runs `image` on `port` of 127.0.0.1 until stop(). A fixed port, because an unfixed one changes at a restart. */
export async function runContainer(image: string, port: number, options: MosquittoOptions): Promise<Broker> {
  const client = await getContainerRuntimeClient();
  let log = '';
  const description = new LoopbackContainer(image);
  const started = await description
    .withExposedPorts({ container: inside, host: port })
    .withCopyContentToContainer(
      [...brokerFiles(options, { dir, listener: `${inside}` })].map(([name, content]) => ({
        content,
        target: `${dir}/${name}`,
      })),
    )
    .withWaitStrategy(Wait.forListeningPorts())
    .withLogConsumer((stream) =>
      stream.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      }),
    )
    .start()
    .catch(async (error: unknown) => {
      const why = error instanceof Error ? error.message : error;
      throw new Error(`the container of ${image} did not start: ${why}\n${log}${await description.remains()}`);
    });
  const container = client.container.getById(started.getId());
  const state = async () => (await container.inspect()).State;
  const host = started.getHost();
  let pid = (await state()).Pid;
  let running: StartedTestContainer | undefined = started;
  return {
    // The name that its certificate is for, wherever the engine publishes on this machine.
    url: options.tls ? `mqtts://${host === '127.0.0.1' ? 'localhost' : host}:${port}` : `mqtt://${host}:${port}`,
    port,
    get pid() {
      return pid;
    },
    log: () => log,
    async stop() {
      const one = running;
      running = undefined;
      await one?.stop({ timeout: 1, remove: true, removeVolumes: true });
    },
    async kill(signal = 'SIGKILL') {
      if (!(await state()).Running) return;
      const over = signal === 'SIGKILL' || signal === 'SIGTERM' ? container.wait() : undefined;
      await container.kill({ signal });
      await over;
    },
    async restart() {
      if ((await state()).Running) await container.kill({ signal: 'SIGCONT' });
      await started.restart({ timeout: 1000 });
      pid = (await state()).Pid;
    },
  };
}

/** Publishes its ports on loopback alone: an anonymous broker is nobody else's business. */
class LoopbackContainer extends GenericContainer {
  #id: string | undefined;

  /** What the container of a failed start said. Removes it: testcontainers does so only where the wait had begun. */
  async remains(): Promise<string> {
    const { container } = await getContainerRuntimeClient();
    const dead = container.getById(this.#id ?? 'none');
    const said = await dead.logs({ stdout: true, stderr: true }).catch(() => Buffer.of());
    await dead.remove({ force: true, v: true }).catch(() => {});
    return said.toString();
  }

  protected override async containerCreated(id: string): Promise<void> {
    this.#id = id;
  }

  protected override async beforeContainerCreated(): Promise<void> {
    const { info } = await getContainerRuntimeClient();
    if (!['localhost', '127.0.0.1'].includes(info.containerRuntime.host)) return;
    for (const bindings of Object.values(this.hostConfig.PortBindings ?? {})) {
      if (Array.isArray(bindings)) for (const binding of bindings) binding.HostIp = '127.0.0.1';
    }
  }
}

/** Docker can hang for minutes where a registry or a daemon does not answer. */
function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
