//! Attacks: looking for snippets that are catastrophes and score below the threshold, by machine and for people.
//!
//! An attack is a [`goal`], [`constraint`]s, a [`transformation`] and a [`search`], put together by a
//! [`recipe`]. All of them speak of [`edit`]s of strings: what is shown is what is scored, and sub-words
//! are never glued together. A [`victim`] counts every query. [`attack`] tries one start, [`attempt`] says
//! what came of it, and [`table`] closes a list of attempts.
//!
//! People attack with the same parts: [`saliency`] shows what a score hangs on, and [`menu`] ranks what could
//! stand at a place by the true score. [`style`] writes snippets as attacks would, blindly, to see what a classifier
//! makes of the style itself.
//!
//! It reads models and text, and knows nothing of projects, databases or pages.

pub mod attack;
pub mod attempt;
pub mod constraint;
pub mod diff;
pub mod edit;
pub mod fill;
pub mod flips;
pub mod goal;
pub mod guided;
pub mod judge;
pub mod mcmc;
pub mod menu;
pub mod recipe;
pub mod saliency;
pub mod search;
pub mod style;
pub mod table;
pub mod thesaurus;
pub mod transformation;
pub mod trial;
pub mod victim;
pub mod wording;
pub mod words;

#[cfg(test)]
mod testing;

#[cfg(test)]
mod traps;
