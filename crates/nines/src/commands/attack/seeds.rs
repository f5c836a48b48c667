//! Numbers that follow from a run's seed.

use nines_domain::snippet::ContentHash;

/// The seed of one attempt: another for each start, and the same in every run of the same seed.
pub fn of_attempt(seed: u64, position: u64) -> u64 {
    first_bits(&ContentHash::of_fields(
        "attack attempt",
        &[&seed.to_string(), &position.to_string()],
    ))
}

/// The place of a start in the order that a seed gives.
pub fn order(seed: u64, of: &ContentHash) -> ContentHash {
    ContentHash::of_fields("attack order", &[&seed.to_string(), &of.to_string()])
}

fn first_bits(hash: &ContentHash) -> u64 {
    hash.bytes().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_have_seeds_of_their_own() {
        assert_eq!(of_attempt(1, 2), of_attempt(1, 2));
        assert_ne!(of_attempt(1, 2), of_attempt(1, 3));
        assert_ne!(of_attempt(1, 2), of_attempt(2, 2));
        assert_ne!(of_attempt(1, 23), of_attempt(12, 3));
    }
}
