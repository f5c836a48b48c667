/**
 * A function that runs `does` at most once in so many seconds, the last call never lost: for what many events a
 * second would ask for. `stop` forgets a call that waits.
 */
export function calmly(seconds: number, does: () => unknown): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    call: () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        does();
      }, seconds * 1000);
    },
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
