// The built binary: commands that run to their end, and the server.

import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The binary under test: `NINES`, or the debug build beside this folder. */
export const NINES = process.env.NINES ?? resolve(import.meta.dirname, '../../target/debug/nines');
if (!existsSync(NINES)) {
  throw new Error(`there is no ${NINES}; build nines first, or name the binary in NINES`);
}

/** Runs a command in a project and returns what it prints. */
export async function nines(project, ...args) {
  const { stdout } = await run(NINES, ['--project', project, ...args], { maxBuffer: 1 << 26 });
  return stdout;
}

/** Runs a command with `--json` and returns what it says. */
export async function json(project, ...args) {
  return JSON.parse(await nines(project, '--json', ...args));
}

/** A server on a project. Killed and started again, it keeps its address. */
export class Server {
  constructor(project) {
    this.project = project;
    this.port = 0;
  }

  async start() {
    this.said = '';
    this.process = spawn(
      NINES,
      ['--project', this.project, 'serve', '--listen', `127.0.0.1:${this.port}`],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const started = this.process;
    process.once('exit', () => started.kill('SIGKILL'));
    const hear = (chunk) => (this.said += chunk);
    this.process.stdout.on('data', hear);
    this.process.stderr.on('data', hear);
    const ended = new Promise((_, fail) =>
      this.process.once('exit', (code) => fail(new Error(`the server ended (${code}):\n${this.said}`))),
    );
    ended.catch(() => {});
    const up = (async () => {
      while (this.process.exitCode === null && this.process.signalCode === null) {
        const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(this.said);
        if (address) {
          this.port = Number(address[1]);
          this.origin = `http://127.0.0.1:${this.port}`;
          const answer = await fetch(`${this.origin}/api/health`).catch(() => null);
          if (answer?.ok) return;
        }
        await pause(50);
      }
    })();
    let patience;
    const late = new Promise((_, fail) => {
      patience = setTimeout(() => fail(new Error(`no answer after 60 s:\n${this.said}`)), 60_000);
    });
    await Promise.race([up, ended, late]).finally(() => clearTimeout(patience));
    return this;
  }

  /** The one-time link, where the project has no admin yet. */
  get setupLink() {
    return /http:\/\/\S+\/setup\/\S+/.exec(this.said)?.[0];
  }

  async end(signal) {
    const gone = new Promise((done) => this.process.once('exit', done));
    this.process.kill(signal);
    await gone;
  }

  /** Ends it as a power cut would. */
  kill() {
    return this.end('SIGKILL');
  }

  stop() {
    return this.process.exitCode === null && this.process.signalCode === null ? this.end('SIGTERM') : undefined;
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
