// Owns the words of the doctor: what it is told of the machine, and what it says. Must not know how any of it is found.
import type { EndGroup } from '../command.ts';

export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

/** `next`: what to do about it. Neither may hold a secret; text of a broker or a file is made harmless when it is shown. */
export type Finding = { status: Status; what: string; detail: string; next?: string };

export type Report = {
  heading(text: string): void;
  finding(finding: Finding): void;
  /** What is being waited for, until the next finding or heading. */
  waits(text: string): void;
};

/** The process and its user, as far as the doctor looks at them. */
export type Machine = {
  nodeVersion: string;
  platform: string;
  env: Record<string, string | undefined>;
  home: string;
  cwd: string;
  /** The program that runs. */
  program: string;
  /** How what a command of the config left behind is ended. */
  endGroup?: EndGroup;
};

/** What is to be examined: one broker, or every profile of the config. */
export type Target = { url: string } | { profile: string } | undefined;
