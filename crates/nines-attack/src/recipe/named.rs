//! The recipes that come with this program.

/// Names and texts, in the order in which they are listed.
pub(super) const NAMED: &[(&str, &str)] = &[
    ("textfooler-like", include_str!("../../recipes/textfooler-like.toml")),
    ("pwws-like", include_str!("../../recipes/pwws-like.toml")),
    ("hole-shapes", include_str!("../../recipes/hole-shapes.toml")),
    ("typos", include_str!("../../recipes/typos.toml")),
    ("random", include_str!("../../recipes/random.toml")),
];
