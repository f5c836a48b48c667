//! What the generator itself would say, steered toward "injurious and accepted".
//!
//! - [`injury`]: who says how injurious a text is. Never the classifier under attack: steering toward
//!   "injurious" and "accepted" by one and the same model is a contradiction.
//! - [`probe`]: a regression on the generator's hidden states as such a judge ([`ridge`] fits it).

pub mod injury;
pub mod probe;
pub mod ridge;
