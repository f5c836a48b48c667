//! Labelling in the browser: queues of what wants a label, who was given what, and what came of it.
//!
//! The counters of every queue follow from labels, comparisons and open leases ([`recount`]); they are
//! derived again, in the same transaction, whenever one of those changes, whoever changed it. On
//! PostgreSQL one transaction at a time moves leases and counters ([`take_turn`]), as on SQLite: so no
//! item is given to two people at once. Locks are taken in one order: snippets, then the turn.

mod answers;
mod assignments;
pub(crate) mod attacks;
mod candidates;
mod checks;
mod filling;
mod flags;
mod guides;
mod leasing;
mod people;
mod qualification;
mod queues;
mod recount;
mod rulings;
pub(crate) mod selected;
mod undo;

pub use answers::{Answer, Preference, Saved};
pub use assignments::{Assignment, AssignmentState, Given, LEASE, LEASES, Purpose};
pub use candidates::SettledSnippet;
pub use checks::{CheckItem, CheckPurpose, Feedback, NewCheckItem};
pub use flags::Flag;
pub use guides::{Guide, NewGuide};
pub use leasing::Leased;
pub use people::{PeopleRatings, PersonRecord};
pub use qualification::{Progress, Stage, Standing, Today};
pub use queues::{NewQueue, Queue, QueueChange, QueueKind, QueueRow};
pub(crate) use recount::recount;
pub use rulings::{NewRuling, Ruling};

use crate::error::StoreError;
use crate::values::refuse_nul;
use nines_domain::account::AccountId;
use nines_domain::label::{Severity, Verdict};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};

/// Who labels: the account, and the name that labels bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labeller {
    /// The account's key.
    pub account: AccountId,
    /// The account's name.
    pub name: String,
}

/// Keys PostgreSQL's lock on leases and counters ("label" in ASCII).
const TURN: i64 = 0x006c_6162_656c;

/// Waits until no other transaction moves leases or counters, and keeps others out until this one
/// ends. To be taken after locks on snippets, never before. SQLite has one writer anyhow.
pub(crate) async fn take_turn(tx: &DatabaseTransaction) -> Result<(), StoreError> {
    if tx.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({TURN})");
        tx.execute_unprepared(&lock).await?;
    }
    Ok(())
}

/// Longest text that a labeller or a researcher may write into a note, in characters.
const LONGEST_NOTE: usize = 4_000;

/// Refuses a text that is empty, too long, or that the databases cannot hold.
fn check_note(field: &'static str, text: &str) -> Result<(), StoreError> {
    let wrong = |why: String| StoreError::BadValue { row: 0, field, why };
    refuse_nul(0, field, text)?;
    if text.trim().is_empty() {
        return Err(wrong("is empty".to_owned()));
    }
    if text.chars().count() > LONGEST_NOTE {
        return Err(wrong(format!(
            "is longer than {LONGEST_NOTE} characters; shorten it"
        )));
    }
    Ok(())
}

/// Refuses a severity without the verdict that it belongs to.
fn check_verdict(verdict: Verdict, severity: Option<Severity>) -> Result<(), StoreError> {
    if severity.is_some() && verdict != Verdict::Yes {
        return Err(StoreError::BadValue {
            row: 0,
            field: "severity",
            why: "is given without the verdict yes".to_owned(),
        });
    }
    Ok(())
}

fn not_found(what: &'static str, id: i64) -> StoreError {
    StoreError::NotFound {
        what,
        id: id.to_string(),
    }
}

/// Reads a stored severity.
fn severity(
    place: crate::values::Place,
    number: Option<i16>,
) -> Result<Option<Severity>, StoreError> {
    number
        .map(|number| {
            u8::try_from(number)
                .ok()
                .and_then(|number| Severity::try_from(number).ok())
                .ok_or_else(|| place.unreadable(&number.to_string()))
        })
        .transpose()
}
