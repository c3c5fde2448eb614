// Owns what is remembered of sessions that are no more: which of them expired, and whose certificate nobody verified.
// Must not know those that are open.

/** Expired sessions told apart from those that never were. */
const MAX_EXPIRED = 100;
/** Ids and names whose certificate nobody verified: results and pages of theirs may still come. */
const MAX_UNVERIFIED = 10_000;

type Names = { readonly id: string; readonly name: string };

export class Gone {
  readonly #expired = new Set<string>();
  readonly #unverified = new Set<string>();

  expire(session: Names): void {
    keep(this.#expired, session, 2 * MAX_EXPIRED);
  }

  distrust(session: Names): void {
    keep(this.#unverified, session, MAX_UNVERIFIED);
  }

  /** Another session has taken its id or name. */
  replace({ id, name }: Names): void {
    for (const reference of [id, name]) this.#unverified.delete(reference);
  }

  /** A session of that name is on its way. */
  reopen(name: string): void {
    this.#expired.delete(name);
  }

  isExpired(reference: string): boolean {
    return this.#expired.has(reference);
  }

  isUnverified(reference: string): boolean {
    return this.#unverified.has(reference);
  }
}

/** The oldest go first. */
function keep(references: Set<string>, { id, name }: Names, most: number): void {
  for (const reference of [id, name]) {
    references.delete(reference);
    references.add(reference);
  }
  for (const oldest of references) if (references.size > most) references.delete(oldest);
}
