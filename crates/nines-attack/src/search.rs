//! How an attack looks for its goal.
