// Owns what became of numbered probes: latency, losses, copies and order, by QoS. Must not know how they are sent.

/** Probes of one run, at most; stops a long window from filling memory. */
export const MAX_PROBES = 2_000;

type Qos = 0 | 1 | 2;

export type LatencyMetrics = {
  qos: Qos;
  sent: number;
  received: number;
  lost: number;
  /** Came after one that was sent later. */
  reordered: number;
  /** Came more than once. */
  copies: number;
  /** From the call of publish to the echo, ms; absent where none came back. */
  p50_ms?: number;
  p95_ms?: number;
  p99_ms?: number;
  max_ms?: number;
  /** To the acknowledgement, median, ms. */
  ack_p50_ms?: number;
};

type Trip = { qos: Qos; sentAt: number; latency: number | undefined; ack: number | undefined };

export class RoundTrips {
  readonly #trips: Trip[] = [];
  readonly #last = new Map<Qos, number>();
  readonly #reordered = new Map<Qos, number>();
  readonly #copies = new Map<Qos, number>();

  get outstanding(): number {
    return this.#trips.filter(({ latency }) => latency === undefined).length;
  }

  get anyAcknowledged(): boolean {
    return this.#trips.some(({ ack }) => ack !== undefined);
  }

  /** Gives its number; undefined once there are too many. `at`: ms of any one clock. */
  send(qos: Qos, at: number): number | undefined {
    if (this.#trips.length >= MAX_PROBES) return undefined;
    return this.#trips.push({ qos, sentAt: at, latency: undefined, ack: undefined }) - 1;
  }

  /** It was never sent: it is no loss. Only the last one can be taken back. */
  unsend(number: number): void {
    if (number === this.#trips.length - 1) this.#trips.pop();
  }

  acknowledged(number: number, at: number): void {
    const trip = this.#trips[number];
    if (trip) trip.ack = at - trip.sentAt;
  }

  back(number: number, at: number): void {
    const trip = this.#trips[number];
    if (!trip) return;
    const { qos } = trip;
    if (trip.latency !== undefined) {
      this.#copies.set(qos, (this.#copies.get(qos) ?? 0) + 1);
      return;
    }
    trip.latency = at - trip.sentAt;
    const last = this.#last.get(qos) ?? -1;
    if (number < last) this.#reordered.set(qos, (this.#reordered.get(qos) ?? 0) + 1);
    else this.#last.set(qos, number);
  }

  /** Those QoS at which probes were sent. */
  byQos(): LatencyMetrics[] {
    return ([0, 1, 2] as const).flatMap((qos) => {
      const trips = this.#trips.filter((trip) => trip.qos === qos);
      return trips.length === 0 ? [] : [this.#metricsOf(qos, trips)];
    });
  }

  #metricsOf(qos: Qos, trips: Trip[]): LatencyMetrics {
    const times = sorted(trips.flatMap(({ latency }) => latency ?? []));
    const acks = sorted(trips.flatMap(({ ack }) => ack ?? []));
    const lost = trips.length - times.length;
    const reordered = this.#reordered.get(qos) ?? 0;
    const counts = {
      qos,
      sent: trips.length,
      received: times.length,
      lost,
      reordered,
      copies: this.#copies.get(qos) ?? 0,
    };
    if (times.length === 0) return counts;
    return {
      ...counts,
      p50_ms: at(times, 50),
      p95_ms: at(times, 95),
      p99_ms: at(times, 99),
      max_ms: at(times, 100),
      ...(acks.length === 0 ? {} : { ack_p50_ms: at(acks, 50) }),
    };
  }
}

function sorted(values: number[]): number[] {
  return values.sort((a, b) => a - b);
}

/** Nearest rank. */
function at(ascending: number[], percent: number): number {
  const value = ascending[Math.ceil((percent / 100) * ascending.length) - 1] ?? 0;
  return Math.round(value * 100) / 100;
}
