//! Limits of what may be asked for.

use crate::error::JobError;
use std::fmt::Display;

/// Characters of the longest name.
const LONGEST_NAME: usize = 64;

/// Checks that a number lies within bounds, both included.
pub fn within<T: PartialOrd + Display + Copy>(
    field: &'static str,
    value: Option<T>,
    (least, most): (T, T),
) -> Result<(), JobError> {
    match value {
        Some(value) if !(least <= value && value <= most) => Err(JobError::refused(
            field,
            format!("is {value}; it must lie between {least} and {most}"),
        )),
        _ => Ok(()),
    }
}

/// Checks that a number is a share that leaves something on both sides.
pub fn share(field: &'static str, value: Option<f64>) -> Result<(), JobError> {
    match value {
        Some(value) if !(value > 0.0 && value < 1.0) => Err(JobError::refused(
            field,
            format!("is {value}; it must lie between 0 and 1, ends excluded"),
        )),
        _ => Ok(()),
    }
}

/// Checks a name that is also a file's name and leaves `@` to the version.
pub fn file_name(field: &'static str, name: &str) -> Result<(), JobError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() <= LONGEST_NAME
        && name.chars().all(is_plain)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
    {
        return Ok(());
    }
    Err(JobError::refused(
        field,
        format!(
            "must begin with a letter or a digit and have only letters, digits, '-', '_' and '.', \
             {LONGEST_NAME} at most"
        ),
    ))
}

/// Checks a name of something stored.
pub fn stored_name(field: &'static str, name: &str) -> Result<(), JobError> {
    let length = name.chars().count();
    if (1..=LONGEST_NAME).contains(&length) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(JobError::refused(
        field,
        format!("must have 1 to {LONGEST_NAME} characters that can be printed"),
    ))
}

/// Checks the name of a recipe: one that is no path and no flag.
pub fn recipe_name(field: &'static str, name: &str) -> Result<(), JobError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=60).contains(&name.len()) && name.chars().all(is_plain) && !name.starts_with('-') {
        return Ok(());
    }
    Err(JobError::refused(
        field,
        "must be a recipe's name: small letters, digits and hyphens, 60 at most",
    ))
}

/// Checks a text that is kept in a file: there is some of it, within its limit, and no NUL.
pub fn text(field: &'static str, text: &str, most: usize) -> Result<(), JobError> {
    if text.trim().is_empty() {
        return Err(JobError::refused(field, "is empty"));
    }
    if text.len() > most {
        return Err(JobError::refused(
            field,
            format!("has {} bytes; it may have {most} at most", text.len()),
        ));
    }
    match text.contains('\0') {
        true => Err(JobError::refused(field, "holds a NUL character")),
        false => Ok(()),
    }
}
