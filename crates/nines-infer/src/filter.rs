//! Filtered generation: draw until one completion is accepted, or abstain.
