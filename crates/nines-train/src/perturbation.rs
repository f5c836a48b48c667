//! What an adversary adds to embeddings and hidden states: where it starts and how it climbs.
//!
//! Numbers only: `[tokens, hidden]`, row after row. Random numbers depend on the seed, the step and
//! what they are for, and on nothing that ran before.

use nines_kernels::rng::philox;
use rayon::prelude::*;

/// What random numbers of a step are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draws {
    /// The run's seed.
    pub seed: u64,
    /// The update.
    pub step: u64,
    /// Tells the techniques apart.
    pub purpose: u32,
}

/// Kept apart from the generator's other uses.
const DRAWS: u32 = 0x7065_7274;
/// Draws that one task makes; a multiple of four.
const PIECE: usize = 1 << 12;

impl Draws {
    /// Fills a list of numbers four at a time: `make` turns four random words into four numbers.
    fn fill(self, count: usize, make: impl Fn([u32; 4]) -> [f32; 4] + Sync) -> Vec<f32> {
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let stream = DRAWS ^ self.purpose ^ ((self.step >> 32) as u32).rotate_left(16);
        let mut out = vec![0.0; count];
        out.par_chunks_mut(PIECE)
            .enumerate()
            .for_each(|(piece, out)| {
                for (index, out) in out.chunks_mut(4).enumerate() {
                    let block = (piece * PIECE / 4 + index) as u32;
                    let words = philox([block, self.step as u32, stream, 0], key);
                    out.copy_from_slice(&make(words)[..out.len()]);
                }
            });
        out
    }

    /// Draws from a normal distribution, cut off at twice its standard deviation.
    pub fn clipped_normals(self, deviation: f64, count: usize) -> Vec<f32> {
        let uniform = |word: u32| (f64::from(word) + 0.5) / 4_294_967_296.0;
        let bound = (2.0 * deviation) as f32;
        self.fill(count, |words| {
            let mut out = [0.0; 4];
            for (out, pair) in out.chunks_exact_mut(2).zip(words.chunks_exact(2)) {
                let radius = (-2.0 * uniform(pair[0]).ln()).sqrt() * deviation;
                let (sin, cos) = (std::f64::consts::TAU * uniform(pair[1])).sin_cos();
                out[0] = ((radius * cos) as f32).clamp(-bound, bound);
                out[1] = ((radius * sin) as f32).clamp(-bound, bound);
            }
            out
        })
    }

    /// Draws evenly between -1 and 1.
    pub fn even(self, count: usize) -> Vec<f32> {
        self.fill(count, |words| {
            words.map(|word| ((f64::from(word) + 0.5) / 2_147_483_648.0 - 1.0) as f32)
        })
    }
}

/// SiFT's step: each token's change moves by `step` times its gradient over the gradient's largest
/// number.
pub(crate) fn ascend_by_largest(delta: &mut [f32], gradient: &[f32], hidden: usize, step: f64) {
    debug_assert_eq!(delta.len(), gradient.len());
    let tokens = delta
        .par_chunks_mut(hidden)
        .zip(gradient.par_chunks(hidden));
    tokens.for_each(|(delta, gradient)| {
        let largest = gradient.iter().fold(0.0f32, |m, g| m.max(g.abs()));
        let times = step / (1e-6 + f64::from(largest));
        for (x, g) in delta.iter_mut().zip(gradient) {
            *x += (times * f64::from(*g)) as f32;
        }
    });
}

/// Scales even draws to FreeLB's start: each row's numbers lie within `size` over the square root of
/// their number, so that a row's length is at most `size`.
pub(crate) fn start_rows(delta: &mut [f32], lengths: &[usize], hidden: usize, size: f64) {
    for row in rows(delta, lengths, hidden) {
        let times = (size / (row.len().max(1) as f64).sqrt()) as f32;
        row.iter_mut().for_each(|x| *x *= times);
    }
}

/// FreeLB's step: each row's change moves by `rate` along its gradient, and is brought back to
/// `radius` where it is longer.
pub(crate) fn ascend_rows(
    delta: &mut [f32],
    gradient: &[f32],
    lengths: &[usize],
    hidden: usize,
    rate: f64,
    radius: f64,
) {
    let mut gradient = gradient;
    for row in rows(delta, lengths, hidden) {
        let (own, later) = gradient.split_at(row.len());
        gradient = later;
        climb(row, own, rate, radius);
    }
}

/// The same for each token by itself.
pub(crate) fn ascend_tokens(
    delta: &mut [f32],
    gradient: &[f32],
    hidden: usize,
    rate: f64,
    radius: f64,
) {
    debug_assert_eq!(delta.len(), gradient.len());
    let tokens = delta
        .par_chunks_mut(hidden)
        .zip(gradient.par_chunks(hidden));
    tokens.for_each(|(delta, gradient)| climb(delta, gradient, rate, radius));
}

/// Brings tokens that are drawn evenly into a ball: directions are kept, lengths are at most `radius`.
pub(crate) fn start_tokens(delta: &mut [f32], hidden: usize, radius: f64) {
    let times = (radius / (hidden.max(1) as f64).sqrt()) as f32;
    delta.par_iter_mut().for_each(|x| *x *= times);
}

/// Returns the mean length of tokens' states.
pub(crate) fn mean_length(states: &[f32], hidden: usize) -> f64 {
    let lengths: Vec<f64> = states.par_chunks(hidden).map(length).collect();
    lengths.iter().sum::<f64>() / lengths.len().max(1) as f64
}

/// Below this a gradient has no direction.
const NO_DIRECTION: f64 = 1e-30;

fn climb(delta: &mut [f32], gradient: &[f32], rate: f64, radius: f64) {
    let slope = length(gradient);
    // A gradient that is no number is left to the loss, which stops the run.
    if slope > NO_DIRECTION && slope.is_finite() {
        let times = rate / slope;
        for (x, g) in delta.iter_mut().zip(gradient) {
            *x += (times * f64::from(*g)) as f32;
        }
    }
    let long = length(delta);
    if long > radius {
        let times = (radius / long) as f32;
        delta.iter_mut().for_each(|x| *x *= times);
    }
}

fn length(values: &[f32]) -> f64 {
    let squares = values.iter().map(|&x| f64::from(x) * f64::from(x));
    squares.sum::<f64>().sqrt()
}

/// Goes through rows of different lengths.
fn rows<'a>(
    mut rest: &'a mut [f32],
    lengths: &'a [usize],
    hidden: usize,
) -> impl Iterator<Item = &'a mut [f32]> {
    lengths.iter().map(move |length| {
        let (row, later) = std::mem::take(&mut rest).split_at_mut(length * hidden);
        rest = later;
        row
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: Draws = Draws {
        seed: 7,
        step: 3,
        purpose: 1,
    };

    #[test]
    fn sifts_step_is_the_published_one() {
        let mut delta = [0.0f32; 8];
        let gradient = [0.1, -0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0];
        ascend_by_largest(&mut delta, &gradient, 4, 1e-4);
        let expected = [2.499_993_75e-5, -9.999_975e-5, 4.999_987_5e-5, 0.0];
        for (found, expected) in delta.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-11, "{found}");
        }
        assert_eq!(delta[4..], [0.0; 4], "no gradient, no step");
    }

    #[test]
    fn draws_have_the_stated_spread_and_depend_on_what_they_are_for() {
        let draws = DRAWS.clipped_normals(0.01, 40_001);
        let mean = draws.iter().map(|&x| f64::from(x)).sum::<f64>() / 40_001.0;
        let square = draws.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 40_001.0;
        assert!(mean.abs() < 3e-4, "{mean}");
        // A normal distribution cut off at two has the variance 1 - 2 φ(2) 2 + 2 (4 - 1) (1 - Φ(2)).
        assert!((square.sqrt() / 0.01 - 0.959_4).abs() < 0.01, "{square}");
        let bound = draws.iter().filter(|x| x.abs() == 0.02).count() as f64 / 40_001.0;
        assert!((bound - 0.0455).abs() < 0.005, "{bound}");
        let even = DRAWS.even(40_001);
        let square = even.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 40_001.0;
        assert!((square - 1.0 / 3.0).abs() < 0.01, "{square}");
        assert!(even.iter().all(|x| x.abs() <= 1.0));
        let others = [
            Draws { seed: 8, ..DRAWS },
            Draws { step: 4, ..DRAWS },
            Draws {
                purpose: 2,
                ..DRAWS
            },
            Draws {
                step: 3 + (1 << 32),
                ..DRAWS
            },
        ];
        for other in others {
            assert_ne!(other.even(8), even[..8], "{other:?}");
        }
        assert_eq!(DRAWS.even(8), even[..8]);
    }

    #[test]
    fn draws_do_not_depend_on_the_number_of_threads() {
        let of = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("a pool")
                .install(|| DRAWS.clipped_normals(0.1, 50_003))
        };
        assert_eq!(of(1), of(3));
    }

    #[test]
    fn rows_climb_along_their_own_gradient_and_stay_in_the_ball() {
        let mut delta = DRAWS.even(5 * 3);
        start_rows(&mut delta, &[1, 4], 3, 0.2);
        assert!(length(&delta[..3]) <= 0.2 && length(&delta[3..]) <= 0.2);
        let before = delta.clone();
        let gradient: Vec<f32> = (0..15).map(|i| (i % 4) as f32 - 1.5).collect();
        ascend_rows(&mut delta, &gradient, &[1, 4], 3, 0.05, 10.0);
        for row in [0..3, 3..15] {
            let moved: Vec<f32> = row.clone().map(|i| delta[i] - before[i]).collect();
            assert!((length(&moved) - 0.05).abs() < 1e-6);
            let along: f64 = row
                .map(|i| f64::from((delta[i] - before[i]) * gradient[i]))
                .sum();
            assert!(along > 0.0);
        }
        ascend_rows(&mut delta, &gradient, &[1, 4], 3, 5.0, 0.3);
        assert!((length(&delta[..3]) - 0.3).abs() < 1e-6);
        assert!((length(&delta[3..]) - 0.3).abs() < 1e-6);
        ascend_tokens(&mut delta, &[f32::NAN; 15], 3, 1.0, 0.1);
        assert!(delta.chunks(3).all(|token| length(token) < 0.1 + 1e-6));
    }

    #[test]
    fn tokens_start_within_the_ball() {
        let mut delta = DRAWS.even(4000);
        start_tokens(&mut delta, 16, 0.5);
        let lengths: Vec<f64> = delta.chunks(16).map(length).collect();
        assert!(lengths.iter().all(|&l| l > 0.0 && l <= 0.5));
        assert!((mean_length(&delta, 16) - lengths.iter().sum::<f64>() / 250.0).abs() < 1e-9);
    }
}
