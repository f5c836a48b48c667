//! Where a project's database is.

use crate::error::StoreError;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Names a database: a SQLite file or a PostgreSQL server's.
///
/// # Example
/// ```
/// use nines_store::StoreUrl;
/// let url: StoreUrl = "postgres://ada:secret@db.example/nines".parse()?;
/// assert_eq!(url.to_string(), "postgres://ada:***@db.example/nines");
/// assert_eq!("nines.db".parse::<StoreUrl>()?, StoreUrl::Sqlite("nines.db".into()));
/// assert!("mysql://localhost/nines".parse::<StoreUrl>().is_err());
/// # Ok::<(), nines_store::StoreError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A `postgres://` URL, with its password. `?options[search_path]=NAME` picks a schema.
    Postgres(String),
}

impl FromStr for StoreUrl {
    type Err = StoreError;

    fn from_str(given: &str) -> Result<Self, StoreError> {
        let bad = |why: &str| StoreError::BadUrl {
            given: redact(given),
            why: why.to_owned(),
        };
        if given.starts_with("postgres://") || given.starts_with("postgresql://") {
            return Ok(Self::Postgres(given.to_owned()));
        }
        let path = match given.strip_prefix("sqlite:") {
            Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
            None if given.contains("://") => {
                return Err(bad("only sqlite and postgres databases are known"));
            }
            None => given,
        };
        match path {
            "" => Err(bad("it has no path")),
            ":memory:" => Err(bad("a project is kept on disk")),
            path => Ok(Self::Sqlite(path.into())),
        }
    }
}

/// Replaces the password of a URL.
fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, tail) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    // A password may hold a slash or an @ that should have been escaped: the last @ ends it.
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@{host}"),
            None => authority.to_owned(),
        },
        None => authority.to_owned(),
    };
    let tail = match tail.find("password=") {
        Some(at) => {
            let value = at + "password=".len();
            let stop = tail[value..].find('&').map_or(tail.len(), |i| value + i);
            format!("{}***{}", &tail[..value], &tail[stop..])
        }
        None => tail.to_owned(),
    };
    format!("{scheme}://{authority}{tail}")
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&redact(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for (given, shown) in [
            ("postgres://u:p@h/d", "postgres://u:***@h/d"),
            (
                "postgres://u:p:q@h:5432/d?x=1",
                "postgres://u:***@h:5432/d?x=1",
            ),
            (
                "postgres://h/d?user=u&password=p&x=1",
                "postgres://h/d?user=u&password=***&x=1",
            ),
            ("postgres://u:p/@q@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h/d", "postgres://u@h/d"),
        ] {
            let url: StoreUrl = given.parse().expect("a url");
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"));
        }
    }

    #[test]
    fn paths_are_files() {
        for (given, path) in [
            ("a b/nines.db", "a b/nines.db"),
            ("sqlite:nines.db", "nines.db"),
            ("sqlite:///tmp/nines.db", "/tmp/nines.db"),
        ] {
            assert_eq!(
                given.parse::<StoreUrl>().expect("a path"),
                StoreUrl::Sqlite(path.into())
            );
        }
        for wrong in ["", "sqlite:", "sqlite::memory:", "http://x/y"] {
            assert!(wrong.parse::<StoreUrl>().is_err(), "{wrong}");
        }
    }
}
