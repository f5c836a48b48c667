//! The recipes that come with this program.

/// Names and texts, in the order in which they are listed.
pub(super) const NAMED: &[(&str, &str)] = &[("random", include_str!("../../recipes/random.toml"))];
