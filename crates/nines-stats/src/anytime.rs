//! Bounds and tests that stay valid however often one looks, and whenever one stops.
//!
//! An ordinary interval is valid for a number of labels fixed beforehand; whoever looks after each
//! batch and stops at the best moment is wrong far more often than it says. Everything here bets
//! against a hypothesis with a capital that cannot grow on average while the hypothesis is true, so
//! that it ever reaches 1/α with probability at most α (Ville's inequality). The price at rare rates is
//! moderate: 3678 clean labels where 2995 would do with a single look.
//!
//! - [`mixture`]: upper bounds of a rate; [`betting`]: a test of one rate with a fixed bet.
//! - [`sprt`]: Wald's test between two rates.
//! - [`bounded_mean`]: a confidence sequence for the mean of any numbers between 0 and 1.
//!
//! Labels must be independent, with the same failure probability given what came before. Stopping
//! may depend on all labels seen; choosing *which* items to label by their labels may not.

pub mod betting;
pub mod bounded_mean;
pub mod mixture;
pub mod sprt;

#[cfg(test)]
mod tests;
