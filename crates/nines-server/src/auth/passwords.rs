//! Passwords: argon2id, a few at a time, so that many who sign in at once do not starve the rest.

use crate::error::Problem;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The fewest characters of a password.
pub(crate) const SHORTEST_PASSWORD: usize = 10;
/// The most characters of a password: hashing a book is work that nobody asked for.
pub(crate) const LONGEST_PASSWORD: usize = 200;

/// Hashed at once; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// Waiting and being hashed at once; those above are told to come back.
const WAITING: usize = 128;

/// Stands in for the hash of a name that nobody has, so that the answer takes as long.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bmluZXNub2JvZHluaW5lcw$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    hashing: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            hashing: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        }
    }
}

impl Passwords {
    /// Hashes a new password.
    ///
    /// # Errors
    /// 422 where it is too short or too long, 429 where too many are being hashed.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        check_length(&password)?;
        self.work(move || {
            // The defaults are argon2id with 19 MiB, two passes and one lane, as OWASP advises.
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash: PasswordHash| hash.to_string())
                .map_err(Problem::internal)
        })
        .await?
    }

    /// Says whether a password is the one of a hash; of no hash none is, after the same time.
    ///
    /// # Errors
    /// 429 where too many are being hashed.
    pub(crate) async fn verify(
        &self,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, Problem> {
        let fits = password.chars().count() <= LONGEST_PASSWORD;
        let password = if fits { password } else { String::new() };
        let is_known = hash.is_some() && fits;
        let verified = self
            .work(move || {
                let hash = hash.as_deref().unwrap_or(NOBODY);
                let hash = PasswordHash::new(hash).map_err(Problem::internal)?;
                Ok::<bool, Problem>(
                    Argon2::default()
                        .verify_password(password.as_bytes(), &hash)
                        .is_ok(),
                )
            })
            .await??;
        Ok(verified && is_known)
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(waiting) = Arc::clone(&self.waiting).try_acquire_owned() else {
            return Err(Problem::too_many(
                "many people sign in at this moment; try again shortly",
                2,
            ));
        };
        let hashing: OwnedSemaphorePermit = Arc::clone(&self.hashing)
            .acquire_owned()
            .await
            .map_err(Problem::internal)?;
        // The permits go with the work: a caller who goes away does not stop it.
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop((hashing, waiting));
            done
        })
        .await
        .map_err(Problem::internal)
    }
}

fn check_length(password: &str) -> Result<(), Problem> {
    let length = password.chars().count();
    if (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
        return Ok(());
    }
    Err(Problem::invalid(format!(
        "the password has {length} characters; use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_another_is_not() {
        let passwords = Passwords::default();
        let hash = passwords
            .hash("correct horse".into())
            .await
            .expect("hashed");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verify = async |password: &str, hash: Option<&str>| {
            let hash = hash.map(str::to_owned);
            passwords
                .verify(password.into(), hash)
                .await
                .expect("checked")
        };
        assert!(verify("correct horse", Some(&hash)).await);
        assert!(!verify("correct horses", Some(&hash)).await);
        assert!(!verify("", Some(&hash)).await);
        assert!(!verify(&"long ".repeat(100), Some(&hash)).await);
        assert!(!verify("anything at all", None).await);
        let again = passwords
            .hash("correct horse".into())
            .await
            .expect("hashed");
        assert_ne!(hash, again, "each has its own salt");
    }

    #[tokio::test]
    async fn passwords_have_a_length() {
        let passwords = Passwords::default();
        for (wrong, status) in [("ninechars", 422), ("", 422)] {
            let refused = passwords.hash(wrong.into()).await.expect_err("too short");
            assert_eq!(refused.status, status);
        }
        assert!(passwords.hash("é".repeat(201)).await.is_err());
        assert!(passwords.hash("é".repeat(200)).await.is_ok());
    }
}
