// A text that another page hands over to be rewritten. It may be longer than an address can carry.

import { navigate } from '../../lib/router.svelte';
import type { Text } from './places';

export interface Handed extends Text {
  classifier?: number;
}

const place = 'nines.rewrite.handed';

/** Opens Rewrite with this text. */
export function handOver(text: Handed) {
  try {
    sessionStorage.setItem(place, JSON.stringify(text));
  } catch {
    // Then the page opens without it, and asks for a text.
  }
  navigate('/rewrite');
}

/** What was handed over, once. */
export function takeHanded(): Handed | null {
  try {
    const text = sessionStorage.getItem(place);
    sessionStorage.removeItem(place);
    return text ? (JSON.parse(text) as Handed) : null;
  } catch {
    return null;
  }
}
