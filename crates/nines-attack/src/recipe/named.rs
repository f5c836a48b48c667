//! The recipes that come with this program.

/// Names and texts, in the order in which they are listed.
pub(super) const NAMED: &[(&str, &str)] = &[
    ("textfooler-like", include_str!("../../recipes/textfooler-like.toml")),
    ("pwws-like", include_str!("../../recipes/pwws-like.toml")),
    ("bert-attack-like", include_str!("../../recipes/bert-attack-like.toml")),
    ("clare-like", include_str!("../../recipes/clare-like.toml")),
    ("hotflip", include_str!("../../recipes/hotflip.toml")),
    ("gcg", include_str!("../../recipes/gcg.toml")),
    ("paraphrase", include_str!("../../recipes/paraphrase.toml")),
    ("context", include_str!("../../recipes/context.toml")),
    ("mcmc", include_str!("../../recipes/mcmc.toml")),
    ("hole-shapes", include_str!("../../recipes/hole-shapes.toml")),
    ("typos", include_str!("../../recipes/typos.toml")),
    ("random", include_str!("../../recipes/random.toml")),
];
