// A program's view of the API: a session's cookie and its csrf token, and nothing else.

export class Client {
  constructor(origin) {
    this.origin = origin;
  }

  async call(method, path, body) {
    const headers = {};
    if (this.cookie) headers.cookie = this.cookie;
    if (this.csrf && method !== 'GET') headers['x-csrf-token'] = this.csrf;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const answer = await fetch(`${this.origin}/api${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const set = answer.headers.getSetCookie().find((cookie) => /^(__Host-)?nines_session_/.test(cookie));
    if (set) this.cookie = set.split(';')[0];
    const text = await answer.text();
    const value = text ? JSON.parse(text) : null;
    if (value?.csrf) this.csrf = value.csrf;
    return { status: answer.status, body: value, headers: answer.headers };
  }

  /** Calls, and fails where the answer is no success. */
  async must(method, path, body) {
    const answer = await this.call(method, path, body);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }
}

/** The password of everybody in the tests. */
export const PASSWORD = 'correct horse battery';

/** Makes the first account through the one-time link's token. */
export async function admin(server, name = 'ada') {
  const client = new Client(server.origin);
  await client.must('POST', '/setup', { token: server.setupLink.split('/').pop(), name, password: PASSWORD });
  return client;
}

/** Invites somebody, who accepts. */
export async function invite(by, role, name) {
  const { link } = await by.must('POST', '/people/invitations', { role, name });
  const client = new Client(by.origin);
  await client.must('POST', `/invitations/${link.split('/').pop()}`, { name, password: PASSWORD });
  return client;
}

/** Signs somebody in again. */
export async function signIn(origin, name) {
  const client = new Client(origin);
  await client.must('POST', '/session', { name, password: PASSWORD });
  return client;
}
