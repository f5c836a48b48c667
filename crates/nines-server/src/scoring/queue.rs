//! What waits to be scored. Requests take turns, snippet by snippet, so that one edited snippet
//! goes into the next batch whatever else waits.

use super::stats::Stats;
use super::tokens;
use super::{Limits, Scored, ScoringError};
use nines_domain::snippet::SnippetText;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::oneshot;

/// Nobody is told to wait longer than this.
const LONGEST_WAIT: f64 = 30.0;

/// Tokens a second, until a batch has been timed.
const ASSUMED_SPEED: f64 = 5_000.0;

/// How much the newest batch says of the speed.
const WEIGHT: f64 = 0.2;

/// A snippet taken out of the queue, with its place in the request that it belongs to.
pub(super) struct Taken {
    request: u64,
    place: usize,
    pub(super) text: SnippetText,
    tokens: usize,
}

/// A request that is not answered yet.
struct Request {
    /// What is left to score.
    left: VecDeque<(usize, SnippetText, usize)>,
    scored: Vec<Option<Scored>>,
    caller: oneshot::Sender<Vec<Scored>>,
}

/// The queue of one classifier.
pub(super) struct Queue {
    limits: Limits,
    requests: BTreeMap<u64, Request>,
    /// Requests with something left to score; the first is served next.
    turns: VecDeque<u64>,
    next: u64,
    speed: f64,
    stats: Stats,
}

impl Queue {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            requests: BTreeMap::new(),
            turns: VecDeque::new(),
            next: 0,
            speed: ASSUMED_SPEED,
            stats: Stats::default(),
        }
    }

    /// Takes a request on, unless too much waits. An empty queue takes any request.
    pub(super) fn push(
        &mut self,
        snippets: Vec<SnippetText>,
    ) -> Result<oneshot::Receiver<Vec<Scored>>, ScoringError> {
        let (caller, answer) = oneshot::channel();
        if snippets.is_empty() {
            drop(caller.send(Vec::new()));
            return Ok(answer);
        }
        let left: VecDeque<(usize, SnippetText, usize)> = snippets
            .into_iter()
            .enumerate()
            .map(|(place, text)| {
                let tokens = tokens::estimate(&text);
                (place, text, tokens)
            })
            .collect();
        let tokens: usize = left.iter().map(|(_, _, tokens)| tokens).sum();
        self.drop_abandoned();
        let waiting = self.stats.waiting_tokens;
        if waiting > 0 && waiting + tokens > self.limits.waiting_tokens {
            self.stats.refused += 1;
            let seconds = (waiting as f64 / self.speed).ceil();
            return Err(ScoringError::Full {
                waiting,
                retry_after: seconds.clamp(1.0, LONGEST_WAIT) as u64,
            });
        }
        self.stats.waiting_tokens += tokens;
        self.stats.waiting_snippets += left.len();
        let id = self.next;
        self.next += 1;
        let request = Request {
            scored: vec![None; left.len()],
            left,
            caller,
        };
        self.requests.insert(id, request);
        self.turns.push_back(id);
        Ok(answer)
    }

    /// Takes the next batch: one snippet of each request in turn, as many as the budget holds, and
    /// at least one where any waits.
    pub(super) fn take(&mut self) -> Vec<Taken> {
        self.drop_abandoned();
        let (mut batch, mut tokens) = (Vec::new(), 0);
        while let Some(id) = self.turns.pop_front() {
            let Some(request) = self.requests.get_mut(&id) else {
                continue;
            };
            let Some(next) = request.left.front().map(|(_, _, tokens)| *tokens) else {
                continue;
            };
            if !batch.is_empty() && tokens + next > self.limits.batch_tokens {
                self.turns.push_front(id);
                break;
            }
            if let Some((place, text, next)) = request.left.pop_front() {
                tokens += next;
                batch.push(Taken {
                    request: id,
                    place,
                    text,
                    tokens: next,
                });
            }
            if !request.left.is_empty() {
                self.turns.push_back(id);
            }
        }
        self.stats.waiting_tokens -= tokens;
        self.stats.waiting_snippets -= batch.len();
        batch
    }

    /// Hands out what a batch came to, and answers the requests that are whole now.
    pub(super) fn deliver(&mut self, batch: Vec<Taken>, scored: Vec<Scored>, taken: Duration) {
        let tokens: usize = batch.iter().map(|taken| taken.tokens).sum();
        self.stats.count(batch.len(), tokens);
        let speed = tokens as f64 / taken.as_secs_f64().max(1e-6);
        self.speed += WEIGHT * (speed - self.speed);
        for (taken, scored) in batch.into_iter().zip(scored) {
            let Some(request) = self.requests.get_mut(&taken.request) else {
                continue;
            };
            request.scored[taken.place] = Some(scored);
            if request.scored.iter().any(Option::is_none) {
                continue;
            }
            if let Some(whole) = self.requests.remove(&taken.request) {
                let answers = whole.scored.into_iter().flatten().collect();
                self.stats.dropped += u64::from(whole.caller.send(answers).is_err());
            }
        }
    }

    /// Counts a fault of the model.
    pub(super) fn count_fault(&mut self) {
        self.stats.faults += 1;
    }

    /// Forgets all requests; their callers are told that nothing comes.
    pub(super) fn clear(&mut self) {
        self.requests.clear();
        self.turns.clear();
        self.stats.waiting_tokens = 0;
        self.stats.waiting_snippets = 0;
    }

    /// Says what was done and what waits.
    pub(super) fn stats(&self) -> Stats {
        Stats {
            requests: self.requests.len(),
            ..self.stats
        }
    }

    /// Drops the requests whose callers have gone.
    fn drop_abandoned(&mut self) {
        let stats = &mut self.stats;
        self.requests.retain(|_, request| {
            if !request.caller.is_closed() {
                return true;
            }
            stats.dropped += 1;
            stats.waiting_snippets -= request.left.len();
            let tokens: usize = request.left.iter().map(|(_, _, tokens)| tokens).sum();
            stats.waiting_tokens -= tokens;
            false
        });
        let requests = &self.requests;
        self.turns.retain(|id| requests.contains_key(id));
    }
}
