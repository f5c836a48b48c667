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

/// Replaces the passwords of a URL. What cannot be told from a password is taken for one.
fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    // A password may hold any character that should have been escaped, such as / or ? or @: the
    // last @ ends it.
    let shown = match rest.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            // Where that @ stands in a parameter that is a password, what follows belongs to it.
            let open = user.rsplit(['?', '&']).next().unwrap_or_default();
            let host = match is_password(open) {
                true => format!("***{}", &host[host.find('&').unwrap_or(host.len())..]),
                false => host.to_owned(),
            };
            format!("{name}:***@{}", without_parameters(&host))
        }
        _ => without_parameters(rest),
    };
    format!("{scheme}://{shown}")
}

/// Replaces the value of every parameter whose name ends in `password`.
fn without_parameters(text: &str) -> String {
    text.split_inclusive(['?', '&'])
        .map(|part| {
            let end = part.trim_end_matches(['?', '&']).len();
            match part[..end].split_once('=') {
                Some((name, _)) if is_password(part) => format!("{name}=***{}", &part[end..]),
                _ => part.to_owned(),
            }
        })
        .collect()
}

fn is_password(parameter: &str) -> bool {
    parameter
        .split_once('=')
        .is_some_and(|(name, _)| unescaped(name).ends_with("password"))
}

/// Reads the name of a parameter: escapes undone, in small letters.
fn unescaped(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [a, b, ..]) => (*a as char).to_digit(16).zip((*b as char).to_digit(16)),
            _ => None,
        };
        match escaped {
            Some((a, b)) => {
                bytes.push((a * 16 + b) as u8);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).to_lowercase()
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
            ("postgres://u:p?q@h/d?x=1", "postgres://u:***@h/d?x=1"),
            ("postgres://u:p?password=q@h/d", "postgres://u:***@***"),
            (
                "postgres://h:1/d?password=p@q&x=1",
                "postgres://h:***@***&x=1",
            ),
            (
                "postgres://u:p@h/d?password=q",
                "postgres://u:***@h/d?password=***",
            ),
            (
                "postgres://h/d?password=p&x=1&PASSWORD=q&sslpassword=r&p%61ssword=s@t",
                "postgres://h/d?password=***&x=1&PASSWORD=***&sslpassword=***&p%61ssword=***",
            ),
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
