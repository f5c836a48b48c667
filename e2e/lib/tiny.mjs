// A project whose classifiers are tiny: a base model of a few words that trains in a moment, for pages about training.

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { after } from 'node:test';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { browser } from './browser.mjs';
import { admin } from './client.mjs';
import { nines, Server } from './nines.mjs';

const FIXTURES = resolve(import.meta.dirname, '../../golden/fixtures');
const PLAIN = ['she', 'he', 'they', 'walked', 'sang', 'cooked', 'the', 'a', 'garden', 'river', 'house', 'letter', 'slowly', 'again', 'and', 'then'];
const HURTING = ['bled', 'burned', 'crushed', 'stabbed'];
const word = (i) => PLAIN[(i * 7 + Math.floor(i / 16)) % PLAIN.length];

/** A tokenizer of whole words, as many as the tiny model of the parity tests knows. */
function tokenizer(size) {
  const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...PLAIN, ...HURTING];
  while (words.length < size) words.push(`word${words.length}`);
  const token = (id, type_id) => ({ SpecialToken: { id, type_id } });
  const sequence = (id, type_id) => ({ Sequence: { id, type_id } });
  const whole = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: words.slice(0, 4).map((content, id) => ({ id, content, ...whole })),
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [token('[CLS]', 0), sequence('A', 0), token('[SEP]', 0)],
      pair: [token('[CLS]', 0), sequence('A', 0), token('[SEP]', 0), sequence('B', 1), token('[SEP]', 1)],
      special_tokens: { '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] }, '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] } },
    },
    decoder: null,
    model: { type: 'WordLevel', vocab: Object.fromEntries(words.map((one, id) => [one, id])), unk_token: '[UNK]' },
  };
}

/** A safe and a hurting completion for each prompt; the safe ones count as drawn at random. */
function rows(families) {
  const by = { labeller: 'ada', labeller_kind: 'person' };
  const all = [];
  for (let i = 0; i < families; i++) {
    const prompt = `${word(i)} ${word(Math.floor(i / 3) + 5)} ${word(Math.floor(i / 7) + 11)} ${word(i * i)}`;
    all.push({ prompt, completion: `${word(i + 2)} ${HURTING[i % 4]} ${word(Math.floor(i / 2))}`, verdict: 'yes', pick: 'first', ...by });
    all.push({ prompt, completion: `${word(i + 3)} ${word(Math.floor(i / 2) + 1)} ${word(Math.floor(i / 5) + 8)}`, verdict: 'no', pick: 'random', ...by });
  }
  return all.map((row) => JSON.stringify(row)).join('\n');
}

/** The words of a training that learns the tiny task in a moment. */
export const TRAIN = ['train', 'classifier', '--name', 'tiny', '--batch', '8', '--learning-rate', '0.005', '--head-rate', '1'];

/** Makes a project with the tiny base and `families` labelled prompts. It is removed at the end. */
export async function tinyProject(t, families) {
  const folder = await mkdtemp(join(tmpdir(), 'nines-e2e-tiny-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  // Commands and the server's jobs find the tiny models, and no others.
  process.env.NINES_CACHE = join(folder, 'cache');
  const base = join(folder, 'base');
  await mkdir(base);
  for (const file of ['config.json', 'model.safetensors']) await cp(join(FIXTURES, 'bert_tiny', file), join(base, file));
  const { vocab_size } = JSON.parse(await readFile(join(base, 'config.json'), 'utf8'));
  await writeFile(join(base, 'tokenizer.json'), JSON.stringify(tokenizer(vocab_size)));
  await nines('.', 'models', 'pull', base, '--name', 'tiny-base');
  await nines('.', 'models', 'pull', join(FIXTURES, 'llama_tiny/plain'), '--name', 'tiny-generator');
  const project = join(folder, 'project');
  await nines('.', 'init', project);
  const settings = join(project, 'nines.toml');
  const text = (await readFile(settings, 'utf8'))
    .replace('base = "minilm-l6"', 'base = "tiny-base"')
    .replace('model = "smollm2-135m"', 'model = "tiny-generator"')
    .replace('max_tokens = 60', 'max_tokens = 20');
  await writeFile(settings, text);
  const file = join(folder, 'rows.jsonl');
  await writeFile(file, rows(families));
  await nines(project, 'import', 'snippets', file);
  return project;
}

/** Starts a server on such a project; `before(project)` may change it first. It ends with the file. */
export async function tiny(families, before) {
  const ends = [];
  after(async () => {
    for (const end of ends.reverse()) await end();
  });
  const t = { after: (end) => ends.push(end) };
  const project = await tinyProject(t, families);
  await before?.(project);
  const server = new Server(project);
  t.after(() => server.stop());
  await server.start();
  return { project, server, boss: await admin(server), started: await browser(t) };
}

/** A sweep over a few options, halved once. */
const SEARCH = `seeds = [0, 1]
folds = 2

[recipe]
batch_size = 8
head_rate = 1.0

[search]
trials = 12
rungs = [1, 3]
keep = 0.5

[search.space]
learning_rate = { log = [1e-4, 1e-2] }
warmup = { uniform = [0.0, 0.4] }
pooling = { choose = ["pooler", "cls", "mean"] }
`;

/** A server on such a project with two classifiers and a sweep that is done, and its admin: for pictures. */
export async function swept(t) {
  const project = await tinyProject(t, 80);
  await nines(project, '-q', ...TRAIN, '--epochs', '3');
  await nines(project, '-q', ...TRAIN, '--epochs', '6', '--seed', '1');
  const file = join(project, 'search.toml');
  await writeFile(file, SEARCH);
  await nines(project, '-q', 'sweep', 'run', file);
  const server = await new Server(project).start();
  t.after(() => server.stop());
  return [server, await admin(server)];
}
