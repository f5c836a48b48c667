// The starter project, trained and calibrated once; every test file works on a copy of its own.

import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { nines } from './nines.mjs';

/** Where the prepared project is kept between test files; `NINES_E2E_PROJECT` names one that is there already. */
const KEPT = process.env.NINES_E2E_PROJECT ?? resolve(import.meta.dirname, '../.cache/project');

/** Makes the prepared project, if it is not there: the real default models, as little of everything as shows. */
export async function prepare() {
  if (existsSync(KEPT)) return KEPT;
  const making = `${KEPT}.making`;
  await rm(making, { recursive: true, force: true });
  await mkdir(dirname(making), { recursive: true });
  await nines('.', 'init', '--starter', making);
  await nines(making, '-q', 'train', 'classifier', '--name', 'injury', '--epochs', '1');
  await nines(making, '-q', 'calibrate', '--fresh', '1', '--acceptance', '0.5');
  await nines(making, '-q', 'measure', 'plan', '--answers', '60', '--labels', '20');
  await nines(making, '-q', 'measure', 'quality', '--answers', '60', '--pairs', '12');
  await rename(making, KEPT);
  return KEPT;
}

/** Copies the prepared project to a folder that is removed at the end of the test. */
export async function project(t) {
  const prepared = await prepare();
  const folder = await mkdtemp(join(tmpdir(), 'nines-e2e-'));
  // A server that is still ending may write into it.
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  const copy = join(folder, 'project');
  await cp(prepared, copy, { recursive: true });
  return copy;
}
