//! The recipes that come with this program.

/// Names and texts, in the order in which they are listed.
pub(super) const NAMED: &[(&str, &str)] = &[
    ("random", include_str!("../../recipes/random.toml")),
    ("guided", include_str!("../../recipes/guided.toml")),
    ("steered", include_str!("../../recipes/steered.toml")),
    ("prompts", include_str!("../../recipes/prompts.toml")),
    (
        "prompt-for-completion",
        include_str!("../../recipes/prompt-for-completion.toml"),
    ),
    ("disagree", include_str!("../../recipes/disagree.toml")),
    (
        "disagree-guided",
        include_str!("../../recipes/disagree-guided.toml"),
    ),
];
