//! How often somebody may try to sign in.
//!
//! Each name at each address, each address, and each name wherever it is tried has a bucket of attempts
//! that fills again slowly. A success gives its attempts back, so that a room full of labellers behind one
//! address is let in; and whoever guesses at a name from one address locks nobody out at another.

use crate::error::Problem;
use crate::state::AppState;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Attempts at one name from one address before the bucket is empty, and how long one takes to come back.
const OF_NAME: Bucket = Bucket {
    size: 10.0,
    refill: Duration::from_secs(30),
};
/// The same for one name from all addresses together: many who guess at once still take years.
const OF_NAME_ANYWHERE: Bucket = Bucket {
    size: 100.0,
    refill: Duration::from_secs(10),
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

impl FromRequestParts<AppState> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |info| info.0.ip());
        // Behind a proxy everybody has its address, and one who guesses would lock out all.
        let told = (state.settings.tls && is_near(peer)).then(|| told_by_proxy(&parts.headers));
        Ok(Self::of(told.flatten().unwrap_or(peer)))
    }
}

/// Says whether an address may be that of the proxy in front: of this machine or a private network.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Returns the address that the proxy saw: the last one. Those before it are the client's own word.
fn told_by_proxy(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    let last = last.to_str().ok()?.rsplit(',').next()?.trim();
    let address = last.parse::<SocketAddr>().map(|address| address.ip());
    address.or_else(|_| last.parse()).ok()
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Name(String, Source),
    Address(Source),
    NameAnywhere(String),
}

impl Key {
    fn bucket(&self) -> Bucket {
        match self {
            Self::Name(..) => OF_NAME,
            Self::Address(_) => OF_ADDRESS,
            Self::NameAnywhere(_) => OF_NAME_ANYWHERE,
        }
    }
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
        for key in keys(name, source) {
            if let Some(level) = levels.get_mut(&key) {
                level.left = (level.left + 1.0).min(key.bucket().size);
            }
        }
    }

    fn take_at(&self, name: &str, source: Source, at: Instant) -> Result<(), Problem> {
        let mut levels = self.levels();
        let keys = keys(name, source);
        let wait = keys
            .iter()
            .map(|key| {
                let bucket = key.bucket();
                let missing = 1.0 - left(levels.get(key), bucket, at);
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
        for key in keys {
            let left = left(levels.get(&key), key.bucket(), at) - 1.0;
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

fn keys(name: &str, source: Source) -> [Key; 3] {
    [
        Key::Name(name.to_owned(), source),
        Key::Address(source),
        Key::NameAnywhere(name.to_owned()),
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
        let bucket = key.bucket();
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
        for _ in 0..10 {
            limit
                .take_at("ann", source(99), start)
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
    fn whoever_guesses_elsewhere_locks_nobody_out_and_many_together_run_out() {
        let limit = LoginLimit::default();
        let start = Instant::now();
        while limit.take_at("ann", source(1), start).is_ok() {}
        limit
            .take_at("ann", source(2), start)
            .expect("ann herself, at another address");
        let guesses = (3..=250).flat_map(|i| std::iter::repeat_n(source(i), 10));
        let let_in = guesses
            .filter(|&from| limit.take_at("ann", from, start).is_ok())
            .count();
        assert_eq!(let_in, 100 - 11);
    }

    #[test]
    fn the_last_address_that_a_proxy_tells_counts() {
        let told = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().expect("a value"));
            }
            told_by_proxy(&headers)
        };
        let address = |text: &str| Some(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(told(&["1.2.3.4, 5.6.7.8"]), address("5.6.7.8"));
        assert_eq!(told(&["1.2.3.4", "2001:db8::1"]), address("2001:db8::1"));
        assert_eq!(told(&["5.6.7.8:5123"]), address("5.6.7.8"));
        assert_eq!(told(&["[2001:db8::1]:80"]), address("2001:db8::1"));
        assert_eq!(told(&["1.2.3.4, nonsense"]), None);
        assert_eq!(told(&[]), None);
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
        assert!(limit.levels().len() <= REMEMBERED + 3);
        assert!(
            limit.take_at("ann", source(1), start).is_err(),
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
