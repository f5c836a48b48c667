//! Random numbers that depend on what they are for, never on what ran before.
//!
//! A counter-based generator: the numbers for a key and a counter are a function of both, so a
//! dropout mask can be made again in the backward pass, on any number of threads, and after a
//! resumed run.
//!
//! # Reference
//! Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011):
//! Philox-4x32 with ten rounds.

const ROUNDS: usize = 10;
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Returns four random words for a counter and a key.
#[inline(always)]
pub fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let [mut c0, mut c1, mut c2, mut c3] = counter;
    let [mut k0, mut k1] = key;
    for _ in 0..ROUNDS {
        let first = u64::from(MULTIPLIERS[0]) * u64::from(c0);
        let second = u64::from(MULTIPLIERS[1]) * u64::from(c2);
        (c0, c1, c2, c3) = (
            (second >> 32) as u32 ^ c1 ^ k0,
            second as u32,
            (first >> 32) as u32 ^ c3 ^ k1,
            first as u32,
        );
        k0 = k0.wrapping_add(WEYL[0]);
        k1 = k1.wrapping_add(WEYL[1]);
    }
    [c0, c1, c2, c3]
}

/// Which random numbers a training step uses for dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DropoutKey {
    /// The run's seed.
    pub seed: u64,
    /// The step within the run (and, where a step has several passes, within the step).
    pub step: u64,
}

/// One dropout: a probability, a key and a place in the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    key: [u32; 2],
    stream: [u32; 2],
    threshold: u32,
    scale: f32,
}

/// Values that share one column of counters, so that each word fills a vector register.
const LANES: usize = 16;
/// Values of one group of counters.
const GROUP: usize = 4 * LANES;

impl Dropout {
    /// Returns the dropout of a site, or `None` when nothing is dropped.
    ///
    /// A value is dropped with probability `p` (to within 2⁻³²) and otherwise divided by 1 - p.
    pub fn new(key: DropoutKey, site: u32, p: f64) -> Option<Self> {
        if p <= 0.0 {
            return None;
        }
        let p = p.min(1.0);
        let threshold = (p * 4_294_967_296.0).min(4_294_967_295.0) as u32;
        Some(Self {
            key: [key.seed as u32, (key.seed >> 32) as u32],
            stream: [
                site ^ ((key.step >> 32) as u32).rotate_left(16),
                key.step as u32,
            ],
            threshold,
            scale: if p >= 1.0 {
                0.0
            } else {
                (1.0 / (1.0 - p)) as f32
            },
        })
    }

    /// Fills `out` with the factors of one row, each 0 or 1 / (1 - p).
    #[inline(always)]
    pub fn fill_row(&self, row: u32, out: &mut [f32]) {
        for (group, out) in out.chunks_mut(GROUP).enumerate() {
            let mut words = [[0u32; LANES]; 4];
            for lane in 0..LANES {
                let column = (group * LANES + lane) as u32;
                let four = philox([column, row, self.stream[0], self.stream[1]], self.key);
                for (word, value) in words.iter_mut().zip(four) {
                    word[lane] = value;
                }
            }
            let mut factors = [0f32; GROUP];
            for (factors, words) in factors.chunks_exact_mut(LANES).zip(&words) {
                for (factor, &word) in factors.iter_mut().zip(words) {
                    *factor = if word < self.threshold {
                        0.0
                    } else {
                        self.scale
                    };
                }
            }
            out.copy_from_slice(&factors[..out.len()]);
        }
    }

    /// Returns the factors of `rows` rows of `columns` values, row after row.
    pub fn mask(&self, rows: usize, columns: usize) -> Vec<f32> {
        let mut mask = vec![0.0; rows * columns];
        for (row, out) in mask.chunks_mut(columns.max(1)).enumerate() {
            self.fill_row(row as u32, out);
        }
        mask
    }
}

/// Returns `count` draws of a normal distribution with mean 0, for a seed and a purpose.
pub fn normal(seed: u64, purpose: u32, deviation: f32, count: usize) -> Vec<f32> {
    let key = [seed as u32, (seed >> 32) as u32];
    let uniform = |word: u32| (f64::from(word) + 0.5) / 4_294_967_296.0;
    let mut out = Vec::with_capacity(count + 4);
    let mut block = 0u32;
    while out.len() < count {
        let words = philox([block, 0, purpose, 0x6e6f_726d], key);
        for pair in words.chunks_exact(2) {
            let radius = (-2.0 * uniform(pair[0]).ln()).sqrt();
            let (sin, cos) = (std::f64::consts::TAU * uniform(pair[1])).sin_cos();
            out.push((radius * cos) as f32 * deviation);
            out.push((radius * sin) as f32 * deviation);
        }
        block = block.wrapping_add(1);
    }
    out.truncate(count);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_published_words() {
        // Known answers of the Random123 library, philox4x32 with 10 rounds.
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn dropout_keeps_the_stated_share_and_the_mean() {
        let key = DropoutKey { seed: 7, step: 3 };
        let dropout = Dropout::new(key, 5, 0.1).expect("something is dropped");
        let mask = dropout.mask(1000, 384);
        let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / mask.len() as f64;
        assert!((dropped - 0.1).abs() < 0.002, "{dropped}");
        let mean = mask.iter().map(|&m| f64::from(m)).sum::<f64>() / mask.len() as f64;
        assert!((mean - 1.0).abs() < 0.002, "{mean}");
        assert_eq!(mask, dropout.mask(1000, 384));
        for other in [
            Dropout::new(key, 6, 0.1),
            Dropout::new(DropoutKey { seed: 8, step: 3 }, 5, 0.1),
            Dropout::new(DropoutKey { seed: 7, step: 4 }, 5, 0.1),
            Dropout::new(
                DropoutKey {
                    seed: 7,
                    step: 3 + (1 << 32),
                },
                5,
                0.1,
            ),
        ] {
            let other = other.expect("something is dropped").mask(1000, 384);
            let both = mask
                .iter()
                .zip(&other)
                .filter(|(a, b)| **a == 0.0 && **b == 0.0)
                .count();
            assert!(
                (both as f64 / mask.len() as f64 - 0.01).abs() < 0.001,
                "independent masks"
            );
        }
        assert_eq!(Dropout::new(key, 0, 0.0), None);
        let all = Dropout::new(key, 0, 1.0).expect("everything is dropped");
        assert!(all.mask(3, 70).iter().all(|&m| m == 0.0));
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours_or_its_width() {
        let dropout = Dropout::new(DropoutKey { seed: 1, step: 1 }, 0, 0.5).expect("dropout");
        let (wide, mut narrow) = (dropout.mask(4, 300), vec![0.0; 77]);
        dropout.fill_row(2, &mut narrow);
        assert_eq!(narrow, wide[600..677]);
    }

    #[test]
    fn normal_draws_have_the_stated_moments() {
        let draws = normal(3, 1, 0.02, 40_001);
        assert_eq!(draws.len(), 40_001);
        let mean = draws.iter().map(|&x| f64::from(x)).sum::<f64>() / 40_001.0;
        let square = draws.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 40_001.0;
        assert!(mean.abs() < 5e-4, "{mean}");
        assert!((square.sqrt() / 0.02 - 1.0).abs() < 0.02, "{square}");
        assert_ne!(draws[..8], normal(3, 2, 0.02, 8)[..]);
        assert_eq!(draws[..8], normal(3, 1, 0.02, 8)[..]);
    }
}
