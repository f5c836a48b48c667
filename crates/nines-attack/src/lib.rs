//! Attacks: looking for snippets that are catastrophes and score below the threshold, by machine and for people.
//!
//! An attack is a [`goal`], [`constraint`]s, a [`transformation`] and a [`search`], put together by a
//! recipe. All of them speak of [`edit`]s of strings: what is shown is what is scored, and sub-words
//! are never glued together. A [`victim`] counts every query.
//!
//! It reads models and text, and knows nothing of projects, databases or pages.

pub mod constraint;
pub mod edit;
pub mod goal;
pub mod guided;
pub mod search;
pub mod transformation;
pub mod victim;
