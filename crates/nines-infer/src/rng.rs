//! The random numbers of sampling: a function of the seed, the prompt, the draw and the token's
//! place, and of nothing else.
//!
//! Each number can be computed alone, so a completion does not depend on which others are made
//! beside it, on the batch, or on what was made before: a generation that was stopped goes on as
//! if it had not been.

use nines_domain::snippet::ContentHash;
use nines_kernels::rng::philox;

/// The random numbers of one draw of one prompt.
///
/// # Reference
/// Philox-4x32-10 (Salmon et al., 2011): the key is the seed; the counter holds the token's place,
/// the draw, and the first 64 bits of the prompt's content hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawStream {
    key: [u32; 2],
    draw: u32,
    prompt: [u32; 2],
}

fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

impl DrawStream {
    /// Returns the stream of a prompt's draw under a seed.
    pub fn new(seed: u64, prompt: &ContentHash, draw: u32) -> Self {
        Self {
            key: halves(seed),
            draw,
            prompt: halves(prompt.prefix_u64()),
        }
    }

    /// Returns the number for a token's place in the completion: uniform in [0, 1), 53 bits.
    pub fn uniform(&self, token: u32) -> f64 {
        let [low, high] = self.prompt;
        let [a, b, _, _] = philox([token, self.draw, low, high], self.key);
        let bits = (u64::from(a) << 32 | u64::from(b)) >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_a_draw_are_pinned_so_that_old_draws_can_be_made_again() {
        let stream = DrawStream::new(7, &ContentHash::of_prompt("Once upon a time"), 3);
        let found: Vec<f64> = (0..3).map(|token| stream.uniform(token)).collect();
        assert_eq!(found, PINNED);
    }

    /// Computed by a separate program from the definition.
    const PINNED: [f64; 3] = [
        0.698_962_744_242_789_5,
        0.943_746_424_475_729_8,
        0.683_653_286_500_787_7,
    ];

    #[test]
    fn every_part_of_the_key_matters() {
        let (one, other) = (
            ContentHash::of_prompt("one"),
            ContentHash::of_prompt("other"),
        );
        let base = DrawStream::new(1, &one, 0).uniform(0);
        for different in [
            DrawStream::new(2, &one, 0).uniform(0),
            DrawStream::new(1 << 32 | 1, &one, 0).uniform(0),
            DrawStream::new(1, &other, 0).uniform(0),
            DrawStream::new(1, &one, 1).uniform(0),
            DrawStream::new(1, &one, 0).uniform(1),
        ] {
            assert_ne!(base, different);
        }
    }

    #[test]
    fn numbers_are_uniform() {
        let prompt = ContentHash::of_prompt("prompt");
        let mut buckets = [0u32; 16];
        for draw in 0..100 {
            let stream = DrawStream::new(0, &prompt, draw);
            for token in 0..160 {
                buckets[(stream.uniform(token) * 16.0) as usize] += 1;
            }
        }
        let chi: f64 = buckets
            .iter()
            .map(|&n| (f64::from(n) - 1000.0).powi(2) / 1000.0)
            .sum();
        // The 99.99 % point of chi-squared with 15 degrees of freedom.
        assert!(chi < 44.3, "{chi}");
    }
}
