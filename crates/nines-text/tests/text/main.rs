//! Sentences, prompts and the sentence stop.

mod sentences;
mod starter;
