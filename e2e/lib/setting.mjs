// One server on a copy of the prepared project, with its admin and a browser, for all tests of a file.

import { after } from 'node:test';
import { browser } from './browser.mjs';
import { admin } from './client.mjs';
import { Server } from './nines.mjs';
import { project } from './project.mjs';

/** Starts it; `before(folder)` may change the project first. It ends with the file. */
export async function setting(before) {
  const ends = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const t = { after: (end) => ends.push(end) };
  const folder = await project(t);
  await before?.(folder);
  const server = new Server(folder);
  t.after(() => server.stop());
  await server.start();
  const boss = await admin(server);
  return { server, boss, started: await browser(t) };
}
