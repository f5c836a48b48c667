//! Families: which prompts a split must never part. Rows claim that a prompt belongs with another
//! prompt, or with a family by its name; claims are followed to their end, and claims that
//! contradict each other or what is stored are refused, because a family never moves.

use crate::error::StoreError;
use nines_domain::snippet::ContentHash;
use std::collections::{HashMap, HashSet};

/// What one row says: its prompt belongs with another prompt, or with a family of this name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub row: usize,
    pub field: &'static str,
    pub with: ContentHash,
}

/// A prompt and all that the rows of a batch claim of it.
pub(crate) type Claims<'a> = (ContentHash, &'a [Claim]);

/// The family of every prompt, and of every name that stands for one.
pub(crate) struct Families {
    of: HashMap<ContentHash, ContentHash>,
}

impl Families {
    /// Places prompts: where a family is stored it stays, otherwise a prompt joins what it is
    /// claimed to belong with, and without a claim it starts a family of its own.
    pub(crate) fn decide<'a>(
        stored: HashMap<ContentHash, ContentHash>,
        prompts: impl Iterator<Item = Claims<'a>> + Clone,
    ) -> Self {
        let next: HashMap<ContentHash, ContentHash> = prompts
            .clone()
            .filter_map(|(hash, claims)| {
                let other = claims.iter().map(|claim| claim.with).find(|w| *w != hash)?;
                Some((hash, other))
            })
            .collect();
        let mut of = stored;
        for (hash, _) in prompts {
            let mut path = Vec::new();
            let mut seen = HashSet::new();
            let mut at = hash;
            let family = loop {
                if let Some(family) = of.get(&at) {
                    break *family;
                }
                if !seen.insert(at) {
                    // Claims that go in a circle make one family of all on it.
                    let circle = path.iter().skip_while(|hash| **hash != at);
                    break circle.min().copied().unwrap_or(at);
                }
                path.push(at);
                match next.get(&at) {
                    Some(other) => at = *other,
                    None => break at,
                }
            };
            of.extend(path.into_iter().map(|hash| (hash, family)));
        }
        Self { of }
    }

    /// Returns a prompt's family; a name that stands for no prompt is a family itself.
    pub(crate) fn of(&self, hash: &ContentHash) -> ContentHash {
        self.of.get(hash).copied().unwrap_or(*hash)
    }

    /// Notes the family that another process has stored in the meantime.
    pub(crate) fn correct(&mut self, hash: ContentHash, family: ContentHash) {
        self.of.insert(hash, family);
    }

    /// Checks that every claim holds.
    pub(crate) fn check<'a>(
        &self,
        prompts: impl Iterator<Item = Claims<'a>>,
    ) -> Result<(), StoreError> {
        for (hash, claims) in prompts {
            let family = self.of(&hash);
            let wrong = claims.iter().find(|claim| self.of(&claim.with) != family);
            if let Some(claim) = wrong {
                let claimed = self.of(&claim.with);
                return Err(refused(
                    claim,
                    format!(
                        "puts the prompt into the family {claimed}, and it is in the family {family}"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The error of a claim that cannot hold.
pub(crate) fn refused(claim: &Claim, what: String) -> StoreError {
    StoreError::BadValue {
        row: claim.row,
        field: claim.field,
        why: format!(
            "{what}; a family lies in one split and never moves: give its prompts one family \
             everywhere, from the first import on, or leave the field out"
        ),
    }
}
