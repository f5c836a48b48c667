//! The generator behind an OpenAI-compatible endpoint.
