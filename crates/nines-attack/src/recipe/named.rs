//! The recipes that come with this program.

/// Makes the entry of a file in `recipes/`.
macro_rules! recipe {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../recipes/", $name, ".toml")),
        )
    };
}

/// Names and texts, in the order in which they are listed.
pub(super) const NAMED: &[(&str, &str)] = &[
    recipe!("textfooler-like"),
    recipe!("pwws-like"),
    recipe!("bert-attack-like"),
    recipe!("clare-like"),
    recipe!("hotflip"),
    recipe!("gcg"),
    recipe!("paraphrase"),
    recipe!("context"),
    recipe!("mcmc"),
    recipe!("hole-shapes"),
    recipe!("typos"),
    recipe!("random"),
    recipe!("guided"),
    recipe!("steered"),
    recipe!("prompts"),
    recipe!("prompt-for-completion"),
    recipe!("cross"),
    recipe!("disagree"),
    recipe!("disagree-words"),
    recipe!("disagree-guided"),
];
