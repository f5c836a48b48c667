//! How often somebody may try to sign in.
//!
//! Each name and each address has a bucket of attempts that fills again slowly. A success gives its
//! attempts back, so that a room full of labellers behind one address is let in.

use crate::error::Problem;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Attempts at one name before its bucket is empty, and how long one takes to come back.
const OF_NAME: Bucket = Bucket {
    size: 10.0,
    refill: Duration::from_secs(30),
};
/// The same for one address, behind which there may be many people.
const OF_ADDRESS: Bucket = Bucket {
    size: 100.0,
    refill: Duration::from_secs(3),
};
/// Names and addresses remembered. A full bucket says nothing and is the first to be forgotten.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    size: f64,
    refill: Duration,
}

/// Where a request comes from: its address, of IPv6 the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Source(IpAddr);

impl Source {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => {
                // One customer has a whole /64.
                IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into())
            }
            v4 => v4,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip());
        Ok(Self::of(address))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(String),
    Address(Source),
}

#[derive(Debug, Clone, Copy)]
struct Level {
    left: f64,
    at: Instant,
}

/// Counts attempts to sign in.
#[derive(Debug, Default)]
pub(crate) struct LoginLimit(Mutex<HashMap<Key, Level>>);

impl LoginLimit {
    /// Takes one attempt.
    ///
    /// # Errors
    /// 429 with the seconds until the next, where the name or the address has none left.
    pub(crate) fn take(&self, name: &str, source: Source) -> Result<(), Problem> {
        self.take_at(name, source, Instant::now())
    }

    /// Gives the attempt back, since it was right.
    pub(crate) fn give_back(&self, name: &str, source: Source) {
        let mut levels = self.levels();
        for (key, bucket) in keys(name, source) {
            if let Some(level) = levels.get_mut(&key) {
                level.left = (level.left + 1.0).min(bucket.size);
            }
        }
    }

    fn take_at(&self, name: &str, source: Source, at: Instant) -> Result<(), Problem> {
        let mut levels = self.levels();
        let keys = keys(name, source);
        let wait = keys
            .iter()
            .map(|(key, bucket)| {
                let missing = 1.0 - left(levels.get(key), *bucket, at);
                bucket.refill.mul_f64(missing.max(0.0))
            })
            .max()
            .unwrap_or_default();
        if !wait.is_zero() {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            return Err(Problem::too_many(
                "too many attempts to sign in with this name or from this address",
                seconds,
            ));
        }
        for (key, bucket) in keys {
            let left = left(levels.get(&key), bucket, at) - 1.0;
            levels.insert(key, Level { left, at });
        }
        if levels.len() > REMEMBERED {
            forget(&mut levels, at);
        }
        Ok(())
    }

    fn levels(&self) -> MutexGuard<'_, HashMap<Key, Level>> {
        // A count that a panic left half done is still a count.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keys(name: &str, source: Source) -> [(Key, Bucket); 2] {
    [
        (Key::Name(name.to_owned()), OF_NAME),
        (Key::Address(source), OF_ADDRESS),
    ]
}

fn left(level: Option<&Level>, bucket: Bucket, at: Instant) -> f64 {
    level.map_or(bucket.size, |level| {
        let come_back = at.duration_since(level.at).div_duration_f64(bucket.refill);
        (level.left + come_back).min(bucket.size)
    })
}

/// Forgets the buckets that are full again, then as many of the fullest as leave half.
fn forget(levels: &mut HashMap<Key, Level>, at: Instant) {
    let missing = |key: &Key, level: &Level| {
        let bucket = match key {
            Key::Name(_) => OF_NAME,
            Key::Address(_) => OF_ADDRESS,
        };
        bucket.size - left(Some(level), bucket, at)
    };
    levels.retain(|key, level| missing(key, level) > 0.0);
    if levels.len() <= REMEMBERED {
        return;
    }
    let mut emptiest: Vec<f64> = levels.iter().map(|(k, l)| missing(k, l)).collect();
    emptiest.sort_by(|a, b| b.total_cmp(a));
    let bound = emptiest[REMEMBERED / 2];
    levels.retain(|key, level| missing(key, level) > bound);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(last: u8) -> Source {
        Source::of(Ipv4Addr::new(10, 0, 0, last).into())
    }

    #[test]
    fn a_name_runs_out_and_comes_back() {
        let limit = LoginLimit::default();
        let start = Instant::now();
        for i in 0..10 {
            limit
                .take_at("ann", source(i), start)
                .expect("an attempt is left");
        }
        let refused = limit
            .take_at("ann", source(99), start)
            .expect_err("none is left");
        assert_eq!(
            (refused.status, refused.retry_after_seconds),
            (429, Some(30))
        );
        limit
            .take_at("bob", source(99), start)
            .expect("another name has its own");
        limit
            .take_at("ann", source(99), start + Duration::from_secs(30))
            .expect("one came back");
    }

    #[test]
    fn an_address_runs_out_and_a_success_costs_nothing() {
        let limit = LoginLimit::default();
        let start = Instant::now();
        for i in 0..500 {
            let name = format!("right {i}");
            limit
                .take_at(&name, source(1), start)
                .expect("an attempt is left");
            limit.give_back(&name, source(1));
        }
        for i in 0..100 {
            limit
                .take_at(&format!("wrong {i}"), source(1), start)
                .expect("an attempt is left");
        }
        assert!(limit.take_at("wrong", source(1), start).is_err());
        assert!(limit.take_at("wrong", source(2), start).is_ok());
    }

    #[test]
    fn memory_is_bounded_and_the_emptiest_are_remembered() {
        let limit = LoginLimit::default();
        let start = Instant::now();
        for _ in 0..10 {
            limit
                .take_at("ann", source(1), start)
                .expect("an attempt is left");
        }
        for i in 0..40_000u32 {
            let address = Source::of(Ipv4Addr::from(i << 8).into());
            limit
                .take_at(&format!("name {i}"), address, start)
                .expect("an attempt is left");
        }
        assert!(limit.levels().len() <= REMEMBERED + 2);
        assert!(
            limit.take_at("ann", source(2), start).is_err(),
            "still remembered"
        );
    }

    #[test]
    fn an_ipv6_network_is_one_source() {
        let of = |text: &str| Source::of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), source(1));
    }
}
