//! The scorer made of one trained classifier.
