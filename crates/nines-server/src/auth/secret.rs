//! Secrets that the server makes: 32 random bytes, of which the hash alone is stored.

use crate::error::Problem;
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};

/// A secret as it is given away: 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Makes a secret.
    ///
    /// # Errors
    /// Where the machine has no random numbers.
    pub(crate) fn random() -> Result<Self, Problem> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(Problem::internal)?;
        let mut digits = String::with_capacity(64);
        for byte in bytes {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Ok(Self(digits))
    }

    /// Shows it, to whom it is for.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Hashes it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash_of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Hashes what somebody says is a secret. Two hashes may be compared in the plain way: how long that
/// takes tells nothing of the secrets.
pub(crate) fn hash_of(claimed: &str) -> [u8; 32] {
    Sha256::digest(claimed.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_not_printed() {
        let (a, b) = (
            Secret::random().expect("random numbers"),
            Secret::random().expect("random numbers"),
        );
        assert_eq!(a.reveal().len(), 64);
        assert_ne!(a, b);
        assert!(!format!("{a:?}").contains(a.reveal()));
        assert_eq!(hash_of(a.reveal()), a.hash());
    }
}
