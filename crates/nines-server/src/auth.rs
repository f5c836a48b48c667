//! Who calls, and what they may do.

use nines_store::Store;

/// Placeholder until accounts are there.
pub fn store_is_open(_store: &Store) {}
