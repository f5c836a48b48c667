import type { Role, Session } from './types';

const ranks: Record<Role, number> = { labeller: 0, researcher: 1, admin: 2 };

/** Who is signed in. It holds no secret but the CSRF token: the cookie is out of scripts' reach. */
class SessionState {
  current = $state.raw<Session | null>(null);
  /** Whether the server has been asked at least once. */
  known = $state(false);
  /** Set when a call found the session ended; the shell then goes to the login page. */
  ended = $state(false);

  start(session: Session) {
    this.current = session;
    this.known = true;
    this.ended = false;
  }

  /** The server says that nobody is signed in (any more). */
  lost() {
    this.ended = this.current !== null;
    this.current = null;
    this.known = true;
  }

  /** Whether the account may do what this role may do. */
  may(role: Role): boolean {
    return this.current !== null && ranks[this.current.account.role] >= ranks[role];
  }

  get home(): string {
    return this.may('researcher') ? '/reliability' : '/label';
  }
}

export const session = new SessionState();
