//! Prompts going in, each once and in its family.

use crate::batch;
use crate::entity::prompt::{ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::families::{self, Claim, Claims, Families};
use crate::time::now;
use crate::values::optional_json;
use nines_domain::snippet::ContentHash;
use sea_orm::{ActiveValue::Set, DatabaseTransaction};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What the store knows of a prompt when others refer to it.
#[derive(Clone, Copy)]
struct Known {
    id: i64,
    family: ContentHash,
}

/// A prompt with all that the rows of a batch say of it.
pub(crate) struct Wanted {
    /// The first row that has it.
    pub row: usize,
    pub hash: ContentHash,
    pub text: String,
    /// The prompt it was made from, stored or in the same batch.
    pub parent: Option<ContentHash>,
    pub claims: Vec<Claim>,
    pub source: String,
    pub meta: Value,
}

impl Wanted {
    fn claims(&self) -> Claims<'_> {
        (self.hash, &self.claims)
    }
}

/// Where prompts are, and which of them went in now.
pub(crate) struct Placed {
    pub ids: HashMap<ContentHash, i64>,
    pub new: HashSet<ContentHash>,
}

impl Placed {
    /// Returns a prompt's key.
    pub(crate) fn id(&self, hash: &ContentHash) -> Result<i64, StoreError> {
        let id = self.ids.get(hash).copied();
        id.ok_or_else(|| StoreError::NotFound {
            what: "prompt",
            id: hash.to_string(),
        })
    }
}

/// Stores those prompts that are not there, each in its family, and checks what the rows claim of
/// the families of all of them.
pub(crate) async fn place(
    tx: &DatabaseTransaction,
    wanted: &[Wanted],
    import: Option<i64>,
) -> Result<Placed, StoreError> {
    let claimed = wanted.iter().flat_map(|prompt| &prompt.claims);
    let mut asked: Vec<ContentHash> = wanted
        .iter()
        .flat_map(|prompt| [Some(prompt.hash), prompt.parent])
        .flatten()
        .chain(claimed.map(|claim| claim.with))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    let mut known = find(tx, &asked).await?;
    let stored = known.iter().map(|(hash, known)| (*hash, known.family));
    let mut families = Families::decide(stored.collect(), wanted.iter().map(Wanted::claims));
    let mut waiting: Vec<&Wanted> = wanted
        .iter()
        .filter(|prompt| !known.contains_key(&prompt.hash))
        .collect();
    refuse_to_rename_a_family(tx, &waiting, &families).await?;
    let mut new = HashSet::new();
    let created = now();
    // A parent goes in before its children, whatever the order of the batch.
    while !waiting.is_empty() {
        let (ready, blocked): (Vec<&Wanted>, Vec<&Wanted>) =
            waiting.into_iter().partition(|prompt| {
                prompt
                    .parent
                    .is_none_or(|parent| known.contains_key(&parent))
            });
        if ready.is_empty() {
            let Wanted {
                row, hash, parent, ..
            } = blocked[0];
            let parent = parent.unwrap_or(*hash);
            return Err(StoreError::UnknownParent { row: *row, parent });
        }
        let mut rows = Vec::with_capacity(ready.len());
        for prompt in &ready {
            let parent = prompt.parent.and_then(|parent| known.get(&parent));
            rows.push(ActiveModel {
                hash: Set(prompt.hash.bytes().to_vec()),
                text: Set(prompt.text.clone()),
                family: Set(families.of(&prompt.hash).bytes().to_vec()),
                parent_id: Set(parent.map(|parent| parent.id)),
                source: Set(prompt.source.clone()),
                meta: Set(optional_json(prompt.row, "meta", &prompt.meta)?),
                import_id: Set(import),
                created: Set(created),
                ..Default::default()
            });
        }
        let returned = [Column::Id, Column::Hash, Column::Family];
        for row in batch::insert_unless_taken(tx, rows, [Column::Hash], returned).await? {
            let hash = batch::hash_in(&row, "hash")?;
            let id = row.try_get("", "id")?;
            let family = batch::hash_in(&row, "family")?;
            known.insert(hash, Known { id, family });
            new.insert(hash);
        }
        // Another process may have stored some of them since the look above.
        let taken: Vec<ContentHash> = ready
            .iter()
            .map(|prompt| prompt.hash)
            .filter(|hash| !known.contains_key(hash))
            .collect();
        for (hash, there) in find(tx, &taken).await? {
            families.correct(hash, there.family);
            known.insert(hash, there);
        }
        waiting = blocked;
    }
    families.check(wanted.iter().map(Wanted::claims))?;
    let ids = known.into_iter().map(|(hash, known)| (hash, known.id));
    Ok(Placed {
        ids: ids.collect(),
        new,
    })
}

/// Refuses a new prompt whose own hash names a stored family, and which is to join another: its
/// family would be in two splits.
async fn refuse_to_rename_a_family(
    tx: &DatabaseTransaction,
    new: &[&Wanted],
    families: &Families,
) -> Result<(), StoreError> {
    let moving: HashMap<ContentHash, &Wanted> = new
        .iter()
        .filter(|prompt| families.of(&prompt.hash) != prompt.hash)
        .map(|prompt| (prompt.hash, *prompt))
        .collect();
    let mut names: Vec<ContentHash> = moving.keys().copied().collect();
    names.sort_unstable();
    let wanted = [Column::Id, Column::Family];
    let mut first: Option<&Wanted> = None;
    for row in batch::find_by_hash::<Entity, _, 2>(tx, Column::Family, &names, wanted).await? {
        let prompt = moving.get(&batch::hash_in(&row, "family")?).copied();
        first = match (first, prompt) {
            (Some(a), Some(b)) if b.row >= a.row => Some(a),
            (a, b) => b.or(a),
        };
    }
    let claim = first.and_then(|prompt| Some((prompt, prompt.claims.first()?)));
    match claim {
        Some((prompt, claim)) => Err(families::refused(
            claim,
            format!(
                "puts the prompt into the family {}, and stored prompts have the family {}, which                  is named after it",
                families.of(&prompt.hash),
                prompt.hash
            ),
        )),
        None => Ok(()),
    }
}

async fn find(
    tx: &DatabaseTransaction,
    hashes: &[ContentHash],
) -> Result<HashMap<ContentHash, Known>, StoreError> {
    let wanted = [Column::Id, Column::Hash, Column::Family];
    let mut known = HashMap::with_capacity(hashes.len());
    for row in batch::find_by_hash::<Entity, _, 3>(tx, Column::Hash, hashes, wanted).await? {
        let family = batch::hash_in(&row, "family")?;
        known.insert(
            batch::hash_in(&row, "hash")?,
            Known {
                id: row.try_get("", "id")?,
                family,
            },
        );
    }
    Ok(known)
}
