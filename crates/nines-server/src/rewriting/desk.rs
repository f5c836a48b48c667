//! Who may ask for saliency and substitutes: a few at once, and each account few of them.

use crate::error::Problem;
use nines_domain::account::AccountId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Requests of one account at once, those that wait included: the newest, and one that is just being
/// given up.
const OF_ACCOUNT: usize = 2;

/// A request waits this long for its turn.
const PATIENCE: Duration = Duration::from_secs(4);

/// A request waits this long for earlier ones of its account. A menu that was closed ends within one step of
/// the language model, and whoever goes from word to word must not be told to come back in a second.
const OWN_PATIENCE: Duration = Duration::from_secs(1);

/// Seconds after which a refused request is worth another try.
const RETRY_AFTER: u64 = 2;

/// The places at the desk.
#[derive(Debug)]
pub struct Desk {
    turns: Arc<Semaphore>,
    asking: Arc<Mutex<BTreeMap<AccountId, usize>>>,
    /// Told whenever a request ends.
    ended: Arc<Notify>,
}

impl Default for Desk {
    fn default() -> Self {
        // Each request computes on all cores for most of its time.
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(cores.clamp(2, 8))),
            asking: Arc::default(),
            ended: Arc::default(),
        }
    }
}

/// A turn at the desk, given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    _asked: Asked,
}

#[derive(Debug)]
struct Asked {
    account: AccountId,
    asking: Arc<Mutex<BTreeMap<AccountId, usize>>>,
    ended: Arc<Notify>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = asking.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                asking.remove(&self.account);
            }
        }
        self.ended.notify_waiters();
    }
}

impl Desk {
    /// Waits for a turn.
    ///
    /// # Errors
    /// 429 where the account asks for more at once than one may and none of it ends soon, and where no turn
    /// comes in time.
    pub async fn turn(&self, account: AccountId) -> Result<Turn, Problem> {
        let asked = self.ask(account).await?;
        let waited = tokio::time::timeout(PATIENCE, self.turns.clone().acquire_owned()).await;
        let permit = waited.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::too_many(
                format!(
                    "many ask for saliency and substitutes just now; try again in {RETRY_AFTER} s"
                ),
                RETRY_AFTER,
            )
        })?;
        Ok(Turn {
            _permit: permit,
            _asked: asked,
        })
    }

    async fn ask(&self, account: AccountId) -> Result<Asked, Problem> {
        let until = Instant::now() + OWN_PATIENCE;
        loop {
            // Listens before it looks: what ends in between is heard.
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if let Some(asked) = self.ask_now(account) {
                return Ok(asked);
            }
            if tokio::time::timeout_at(until, ended).await.is_err() {
                return Err(Problem::too_many(
                    format!(
                        "{OF_ACCOUNT} requests of yours for saliency or substitutes are under way; wait for one, \
                         or close it"
                    ),
                    1,
                ));
            }
        }
    }

    fn ask_now(&self, account: AccountId) -> Option<Asked> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        let count = asking.entry(account).or_default();
        (*count < OF_ACCOUNT).then(|| {
            *count += 1;
            Asked {
                account,
                asking: Arc::clone(&self.asking),
                ended: Arc::clone(&self.ended),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_goes_on_waits_for_the_request_before_and_is_not_refused() {
        let desk = Arc::new(Desk::default());
        let ada = AccountId(1);
        let first = desk.turn(ada).await.expect("a turn");
        let _second = desk.turn(ada).await.expect("another");
        let asking = Arc::clone(&desk);
        let third = tokio::spawn(async move { asking.turn(ada).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!third.is_finished(), "it waits");
        drop(first);
        third.await.expect("no panic").expect("a turn in the end");
    }

    #[tokio::test]
    async fn an_account_has_few_turns_and_gets_them_back() {
        let desk = Desk::default();
        let (ada, bob) = (AccountId(1), AccountId(2));
        let first = desk.turn(ada).await.expect("a turn");
        let second = desk.turn(ada).await.expect("another");
        let refused = desk.turn(ada).await.expect_err("refused");
        assert_eq!(
            (refused.status, refused.retry_after_seconds),
            (429, Some(1))
        );
        drop(first);
        drop(second);
        desk.turn(bob).await.expect("a turn");
        desk.turn(ada).await.expect("a turn again");
        let asking = desk.asking.lock().expect("no panic");
        assert!(asking.is_empty(), "{asking:?}");
    }
}
