import { Clock } from './clock';

/** Keeps a clock of seconds at work going while its component is shown: input, hiding and coming back are told to it. */
export function attend(clock: Clock): () => void {
  const input = () => clock.input();
  const hide = () => clock.hide(document.hidden);
  const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart'] as const;
  for (const sign of signs) {
    document.addEventListener(sign, input, { passive: true, capture: true });
  }
  document.addEventListener('visibilitychange', hide);
  hide();
  return () => {
    for (const sign of signs) {
      document.removeEventListener(sign, input, { capture: true });
    }
    document.removeEventListener('visibilitychange', hide);
  };
}
