/**
 * A function that runs `does` at most once in so many seconds and never twice at a time, the last call never lost: for
 * what many events a second would ask for. `stop` forgets a call that waits.
 */
export function calmly(seconds: number, does: () => unknown): { call: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isAtWork = false;
  let isAskedAgain = false;
  const call = () => {
    if (isAtWork) {
      isAskedAgain = true;
    } else {
      timer ??= setTimeout(() => void work(), seconds * 1000);
    }
  };
  async function work() {
    timer = undefined;
    isAtWork = true;
    try {
      await does();
    } finally {
      isAtWork = false;
      if (isAskedAgain) {
        isAskedAgain = false;
        call();
      }
    }
  }
  return {
    call,
    stop: () => {
      clearTimeout(timer);
      timer = undefined;
      isAskedAgain = false;
    },
  };
}
