//! Candidates that were drawn here lately: what an endpoint wrote cannot be drawn again, and yet it
//! may be sent to labelling.

use super::Candidate;
use nines_domain::draw::{Draw, Finish};
use nines_domain::snippet::ContentHash;
use std::collections::{BTreeMap, VecDeque};

/// Candidates kept in mind; older ones are forgotten.
const KEPT: usize = 4096;

/// How a candidate ended, by the hash of all that names it.
#[derive(Default)]
pub(super) struct Made {
    ended: BTreeMap<ContentHash, (Finish, usize)>,
    order: VecDeque<ContentHash>,
}

impl Made {
    pub(super) fn remember(&mut self, generator: &str, candidate: &Candidate<'_>, draw: &Draw) {
        let key = key(generator, candidate);
        if self.ended.insert(key, (draw.finish, draw.tokens)).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ended.remove(&oldest);
        }
    }

    pub(super) fn find(&self, generator: &str, candidate: &Candidate<'_>) -> Option<Draw> {
        let (finish, tokens) = *self.ended.get(&key(generator, candidate))?;
        Some(Draw {
            draw: candidate.draw,
            completion: candidate.completion.to_owned(),
            finish,
            tokens,
        })
    }
}

fn key(generator: &str, candidate: &Candidate<'_>) -> ContentHash {
    // Writing settings and a number as text loses nothing that tells two candidates apart.
    let sampling = format!("{:?}", candidate.sampling);
    let draw = candidate.draw.to_string();
    let fields = [
        generator,
        &sampling,
        candidate.prompt,
        &draw,
        candidate.completion,
    ];
    ContentHash::of_fields("candidate", &fields)
}
