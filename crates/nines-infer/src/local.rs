//! The generator made of a local model.
