//! Keys of random streams, from texts and numbers.

use nines_stats::random::Stream;
use std::hash::{BuildHasherDefault, Hasher};

/// FNV-1a: quick on short words, equal on every machine. What it returns is mixed again by
/// [`Stream`], which makes up for its weak low bits.
#[derive(Clone)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }
}

pub(crate) type BuildFnv = BuildHasherDefault<Fnv>;

/// Opens the stream of a seed, a purpose, some texts and a number: other texts, other numbers.
///
/// Lengths are part of the key, so that a word moved from one text to the next changes it.
pub(crate) fn stream(seed: u64, purpose: &str, texts: &[&str], number: u64) -> Stream {
    let mut hash = Fnv::default();
    for text in std::iter::once(&purpose).chain(texts) {
        hash.write(&(text.len() as u64).to_le_bytes());
        hash.write(text.as_bytes());
    }
    hash.write(&number.to_le_bytes());
    Stream::new(seed, hash.finish())
}
