// Owns which messages of a window are kept for what they say: trouble, new shapes, changes of level. Looks into each as
// far as it deserves, most as bytes only. Must not know how many there are in all. Deterministic.
import type { Message } from '../mqtt/types.ts';
import { type Clearance, Clearances } from '../payload/clearances.ts';
import { decodePayload } from '../payload/decode.ts';
import { severityOf } from '../payload/errors-in.ts';
import { type LevelState, levelChanged, levelsOf, trackLevel } from '../payload/level.ts';
import { mayBePacked } from '../payload/packed.ts';
import { isNewShape, shapeOf, trackShapes } from '../payload/shape.ts';
import { suspicious } from '../payload/suspicious.ts';
import type { Decoded, Severity } from '../payload/types.ts';
import { type Wording, Wordings } from '../payload/wordings.ts';
import { Allowance } from './allowance.ts';
import { Thinned } from './thinned.ts';

/**
 * Messages kept, and of each kind one more, its newest, but for the suspects. Errors come first: the others share what
 * they leave, two parts each of five.
 */
const MAX_ERRORS = 496;
const MAX_SHAPES = 100;
const MAX_CHANGES = 100;
/** Of what looks like trouble and came too fast to be decoded: it is looked into at the end. */
const MAX_SUSPECTS = 30;
/** Payloads decoded a second: all of an ordinary broker's, a sample of a flood's. */
const MAX_EXAMINED_A_SECOND = 20_000;
/** Wordings cleared a second: each costs up to some hundred times what one payload does. */
const MAX_CLEARED_A_SECOND = 100;
const MAX_FOLLOWED_A_SECOND = 10_000;
const SAMPLED_A_SECOND = 2_000;
/** Topics whose levels and shapes are followed; fields of a topic that are. */
const MAX_FOLLOWED = 2_000;
const MAX_FIELDS = 32;
/** Payloads of a topic that are decoded whatever the rate, as they may show a new shape. */
const MAX_NEW = 64;

/** What is known of one topic beyond its count. */
export type Follow = {
  wordings: Wording[];
  cleared: Clearance[];
  fresh: number;
  shapes: ReturnType<typeof trackShapes>;
  levels: Map<string, LevelState>;
};

export class Telling<Kept extends Message & { severity?: Severity | undefined }> {
  readonly #keep: (message: Message) => Kept;
  readonly #errors = new Thinned<Kept>(MAX_ERRORS);
  readonly #shapes = new Thinned<Kept>(MAX_SHAPES);
  readonly #changes = new Thinned<Kept>(MAX_CHANGES);
  readonly #suspects = new Thinned<Kept>(MAX_SUSPECTS);
  readonly #harmless = new Wordings();
  readonly #clearances = new Clearances();
  /** Of all topics that are not followed and say nothing themselves. */
  readonly #cleared: Clearance[] = [];
  readonly #clearing = new Allowance(MAX_CLEARED_A_SECOND);
  readonly #examining = new Allowance(MAX_EXAMINED_A_SECOND);
  readonly #following = new Allowance(MAX_FOLLOWED_A_SECOND, SAMPLED_A_SECOND);
  #followed = 0;
  #undecoded = 0;

  /** `keep` copies a message. */
  constructor(keep: (message: Message) => Kept) {
    this.#keep = keep;
  }

  /** For a topic that is new; undefined where there are too many to follow. */
  follow(): Follow | undefined {
    if (this.#followed >= MAX_FOLLOWED) return undefined;
    this.#followed += 1;
    return { wordings: [], cleared: [], fresh: 0, shapes: trackShapes(), levels: new Map() };
  }

  /** True: it is an error or news, and kept. `hinted`: the topic alone makes it suspicious. */
  take(message: Message, follow: Follow | undefined, hinted: boolean): boolean {
    let known = follow !== undefined && this.#harmless.has(follow.wordings, message.payload);
    if (!known && (hinted || suspicious(message.payload))) {
      const cleared = follow?.cleared ?? (hinted ? undefined : this.#cleared);
      known = cleared !== undefined && this.#clearances.has(cleared, message.payload);
      if (!known) return this.#examine(message, follow, cleared);
    }
    if (!follow) return false;
    let decoded: Decoded | undefined;
    if (known || follow.fresh >= MAX_NEW) decoded = this.#decode(message, this.#following);
    else {
      // A wording that is new may be a new shape: there are so few that all of them are looked into.
      follow.fresh += 1;
      decoded = decodePayload(message.payload, message.size, message.topic);
    }
    if (!known) this.#harmless.add(follow.wordings, message.payload);
    if (decoded) return this.#isNews(message, follow, decoded);
    this.#undecoded += 1;
    return false;
  }

  /** Messages that can be held by now. */
  get most(): number {
    return this.#errors.most + this.#shapes.most + this.#changes.most + this.#suspects.most;
  }

  /** Everything that is held, looked into or not. */
  held(): Kept[] {
    return [this.#errors, this.#shapes, this.#changes, this.#suspects].flatMap((kind) => kind.items());
  }

  items(): Kept[] {
    const trouble = this.#suspects
      .items()
      .filter((one) => troubleOf(one, decodePayload(one.payload, one.size, one.topic)) !== undefined);
    return [...this.#errors.items(), ...trouble, ...this.#shapes.items(), ...this.#changes.items()];
  }

  notes(): string[] {
    const notes: string[] = [];
    const held = this.#errors.items().length;
    if (this.#errors.seen > held) {
      notes.push(
        `${this.#errors.seen} messages are errors or warnings; ${held} of them, spread over the window, are held.`,
      );
    }
    if (this.#suspects.seen > 0) {
      notes.push(
        `${this.#suspects.seen} messages that look like trouble came too fast to be decoded: some errors may be missing.`,
      );
    }
    if (this.#undecoded > 0) {
      notes.push(`${this.#undecoded} messages came too fast to be decoded: small changes of level may be missing.`);
    }
    return notes;
  }

  /** Decodes what may be an error. */
  #examine(message: Message, follow: Follow | undefined, cleared: Clearance[] | undefined): boolean {
    const decoded = this.#decode(message, this.#examining);
    if (!decoded) {
      this.#suspects.offer(() => this.#keep(message));
      return false;
    }
    const severity = troubleOf(message, decoded);
    if (!severity) {
      if (cleared && isPlain(message, decoded) && this.#clearing.take(message.at))
        this.#clearances.add(cleared, message);
      return follow !== undefined && this.#isNews(message, follow, decoded);
    }
    // What is kept of it may be its beginning alone.
    this.#errors.add({ ...this.#keep(message), severity });
    this.#makeRoom();
    return true;
  }

  #makeRoom(): void {
    const room = Math.max(0, MAX_ERRORS - this.#errors.most - 3);
    this.#shapes.narrow(Math.floor((2 * room) / 5));
    this.#changes.narrow(Math.floor((2 * room) / 5));
    this.#suspects.narrow(Math.floor(room / 5));
  }

  /** A shape that the topic has not shown yet, or a change of level. */
  #isNews(message: Message, { shapes, levels }: Follow, { payload, payload_type }: Decoded): boolean {
    const newShape = isNewShape(shapes, shapeOf(payload, payload_type));
    let changed = false;
    for (const [path, value] of levelsOf(payload, payload_type)) {
      let state = levels.get(path);
      if (!state && levels.size < MAX_FIELDS) {
        state = trackLevel();
        levels.set(path, state);
      }
      if (state && levelChanged(state, value)) changed = true;
    }
    if (newShape) this.#shapes.add(this.#keep(message));
    else if (changed) this.#changes.add(this.#keep(message));
    return newShape || changed;
  }

  #decode({ at, payload, size, topic }: Message, allowance: Allowance): Decoded | undefined {
    return allowance.take(at) ? decodePayload(payload, size, topic) : undefined;
  }
}

function troubleOf({ topic }: Message, { payload, payload_type }: Decoded): Severity | undefined {
  return severityOf({ topic, payload, payload_type });
}

/** The words of the payload are what was examined: it was neither cut nor unpacked. */
function isPlain({ payload, size }: Message, { payload_type }: Decoded): boolean {
  return payload_type !== 'binary' && payload.length === size && !mayBePacked(payload);
}
