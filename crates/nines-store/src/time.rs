//! Timestamps: UTC, in whole microseconds, since that is what PostgreSQL keeps.

use jiff::Timestamp;
use sea_orm::prelude::TimeDateTimeWithTimeZone as Stored;

/// Returns the present moment as a column value.
pub(crate) fn now() -> Stored {
    stored(Timestamp::now())
}

/// Converts a moment into a column value; what is below a microsecond is dropped.
pub(crate) fn stored(moment: Timestamp) -> Stored {
    let nanoseconds = moment.as_microsecond() as i128 * 1000;
    Stored::from_unix_timestamp_nanos(nanoseconds)
        .expect("jiff's timestamps lie within the years that the time crate knows")
}

/// Converts a column value into a moment.
pub(crate) fn moment(stored: Stored) -> Timestamp {
    Timestamp::from_nanosecond(stored.unix_timestamp_nanos())
        .expect("the time crate's years lie within those that jiff knows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_moments_survive() {
        for extreme in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            let back = moment(stored(extreme));
            assert_eq!(back.as_microsecond(), extreme.as_microsecond());
        }
    }
}
