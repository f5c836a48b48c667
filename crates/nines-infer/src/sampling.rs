//! From logits to one token.

use crate::generator::GenerateError;
use nines_domain::draw::Sampling;
use nines_kernels::lanes::{exponentials, largest};

/// Weights are summed in blocks of this many, so that a draw need not add up the whole vocabulary
/// one by one.
const BLOCK: usize = 512;

/// Checks that sampling settings make sense.
///
/// # Errors
/// [`GenerateError::Sampling`] names the setting, its value and what it may be.
pub fn check(sampling: &Sampling) -> Result<(), GenerateError> {
    let wrong = |text: String| Err(GenerateError::Sampling(text));
    let Sampling {
        temperature,
        top_p,
        repetition_penalty,
        max_tokens,
        ..
    } = sampling;
    if !(temperature.is_finite() && *temperature >= 0.0) {
        return wrong(format!(
            "temperature must be 0 (greedy) or a positive number, not {temperature}"
        ));
    }
    if !(*top_p > 0.0 && *top_p <= 1.0) {
        return wrong(format!(
            "top-p must lie above 0 and at most at 1, not {top_p}"
        ));
    }
    if !(repetition_penalty.is_finite() && *repetition_penalty > 0.0) {
        return wrong(format!(
            "the repetition penalty must be a positive number (1 changes nothing), not {repetition_penalty}"
        ));
    }
    if *max_tokens == 0 {
        return wrong("a completion must have room for at least 1 token".to_owned());
    }
    Ok(())
}

/// What the weights of a choice came to.
enum Weighed {
    /// The temperature leaves one token.
    Greedy(u32),
    /// The sum of the weights.
    Total(f64),
}

/// Chooses tokens under fixed settings. Holds the memory that one choice needs.
#[derive(Debug, Default)]
pub struct Sampler {
    weights: Vec<f32>,
    kept: Vec<(f32, u32)>,
}

impl Sampler {
    /// Chooses a token: temperature, then top-k, then top-p, then the uniform number `u` in [0, 1)
    /// decides. `seen` are the tokens of the prompt and the completion so far, each once; it is
    /// only read for a repetition penalty. Equally likely tokens come in the order of their ids.
    /// Returns `None` when the logits are not numbers.
    pub fn choose(
        &mut self,
        logits: &[f32],
        seen: impl IntoIterator<Item = u32>,
        sampling: &Sampling,
        u: f64,
    ) -> Option<u32> {
        let total = match self.weigh(logits, seen, sampling)? {
            Weighed::Greedy(token) => return Some(token),
            Weighed::Total(total) => total,
        };
        let is_cut = sampling.top_k > 0 && sampling.top_k < self.weights.len();
        if !is_cut && sampling.top_p >= 1.0 {
            return Some(self.pick_from_all(u));
        }
        self.keep_likeliest(total, sampling, is_cut);
        Some(self.pick_from_kept(u))
    }

    /// Returns the `k` likeliest tokens with the probabilities that [`Self::choose`] takes them with,
    /// likeliest first; fewer where fewer can be chosen. `None` when the logits are not numbers.
    pub fn likeliest(
        &mut self,
        logits: &[f32],
        seen: impl IntoIterator<Item = u32>,
        sampling: &Sampling,
        k: usize,
    ) -> Option<Vec<(u32, f64)>> {
        let total = match self.weigh(logits, seen, sampling)? {
            Weighed::Greedy(token) => return Some(vec![(token, 1.0)]),
            Weighed::Total(total) => total,
        };
        let is_cut = sampling.top_k > 0 && sampling.top_k < self.weights.len();
        if !is_cut && sampling.top_p >= 1.0 {
            self.collect(f32::MIN_POSITIVE);
            self.kept
                .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        } else {
            self.keep_likeliest(total, sampling, is_cut);
        }
        let whole: f64 = self.kept.iter().map(|(weight, _)| f64::from(*weight)).sum();
        let best = self.kept.iter().take(k);
        Some(
            best.map(|&(weight, token)| (token, f64::from(weight) / whole))
                .collect(),
        )
    }

    /// Turns logits into weights and returns their sum.
    fn weigh(
        &mut self,
        logits: &[f32],
        seen: impl IntoIterator<Item = u32>,
        sampling: &Sampling,
    ) -> Option<Weighed> {
        self.weights.clear();
        self.weights.extend_from_slice(logits);
        if sampling.repetition_penalty != 1.0 {
            let penalty = sampling.repetition_penalty as f32;
            for token in seen {
                let logit = self.weights.get_mut(token as usize)?;
                *logit = if *logit < 0.0 {
                    *logit * penalty
                } else {
                    *logit / penalty
                };
            }
        }
        let most = largest(&self.weights);
        if !most.is_finite() {
            return None;
        }
        let scale = (1.0 / sampling.temperature) as f32;
        if sampling.temperature == 0.0 || !scale.is_finite() {
            if self.weights.iter().any(|logit| logit.is_nan()) {
                return None;
            }
            let first = self.weights.iter().position(|logit| *logit == most)?;
            return u32::try_from(first).ok().map(Weighed::Greedy);
        }
        let total = f64::from(exponentials(&mut self.weights, most, scale));
        if !total.is_finite() {
            return None;
        }
        Some(Weighed::Total(total))
    }

    /// Keeps the likeliest tokens that top-k and top-p leave, likeliest first.
    fn keep_likeliest(&mut self, total: f64, sampling: &Sampling, is_cut: bool) {
        let top_k = if is_cut {
            sampling.top_k
        } else {
            self.weights.len()
        };
        // Tokens above a falling bound, until they are enough; few are, as a rule.
        let mut bound = (total / 256.0) as f32;
        loop {
            self.collect(bound);
            let mass: f64 = self.kept.iter().map(|(weight, _)| f64::from(*weight)).sum();
            let is_enough = if is_cut {
                self.kept.len() >= top_k
            } else {
                mass >= sampling.top_p * total
            };
            if is_enough || bound == 0.0 {
                break;
            }
            bound = if bound < f32::MIN_POSITIVE {
                0.0
            } else {
                bound / 16.0
            };
        }
        self.kept
            .sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.kept.truncate(top_k);
        if sampling.top_p < 1.0 {
            let whole = if is_cut {
                self.kept.iter().map(|(weight, _)| f64::from(*weight)).sum()
            } else {
                total
            };
            let mut mass = 0.0;
            let needed = self.kept.iter().position(|(weight, _)| {
                mass += f64::from(*weight);
                mass >= sampling.top_p * whole
            });
            if let Some(last) = needed {
                self.kept.truncate(last + 1);
            }
        }
    }

    /// Collects the tokens whose weight is at least `bound`.
    fn collect(&mut self, bound: f32) {
        self.kept.clear();
        for (block, weights) in self.weights.chunks(16).enumerate() {
            // One comparison of a whole vector settles most blocks.
            if weights
                .iter()
                .fold(false, |any, weight| any | (*weight >= bound))
            {
                for (lane, &weight) in weights.iter().enumerate() {
                    if weight >= bound {
                        self.kept.push((weight, (block * 16 + lane) as u32));
                    }
                }
            }
        }
    }

    fn pick_from_kept(&self, u: f64) -> u32 {
        let whole: f64 = self.kept.iter().map(|(weight, _)| f64::from(*weight)).sum();
        let mut left = u * whole;
        for &(weight, token) in &self.kept {
            left -= f64::from(weight);
            if left < 0.0 {
                return token;
            }
        }
        self.kept.last().map_or(0, |(_, token)| *token)
    }

    fn pick_from_all(&self, u: f64) -> u32 {
        let sums: Vec<f64> = self
            .weights
            .chunks(BLOCK)
            .map(|block| block.iter().map(|weight| f64::from(*weight)).sum())
            .collect();
        let mut left = u * sums.iter().sum::<f64>();
        let mut likely = 0;
        for (index, (block, sum)) in self.weights.chunks(BLOCK).zip(&sums).enumerate() {
            if left >= *sum {
                left -= sum;
                continue;
            }
            for (lane, &weight) in block.iter().enumerate() {
                if weight > 0.0 {
                    likely = index * BLOCK + lane;
                    left -= f64::from(weight);
                    if left < 0.0 {
                        return likely as u32;
                    }
                }
            }
        }
        likely as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling() -> Sampling {
        Sampling {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            repetition_penalty: 1.0,
            ..Sampling::default()
        }
    }

    /// How often each token comes, over evenly spaced random numbers.
    fn shares(logits: &[f32], seen: &[u32], sampling: &Sampling) -> Vec<f64> {
        let n = 20_000;
        let mut shares = vec![0.0; logits.len()];
        let mut sampler = Sampler::default();
        for i in 0..n {
            let u = (f64::from(i) + 0.5) / f64::from(n);
            let token = sampler
                .choose(logits, seen.iter().copied(), sampling, u)
                .expect("numbers");
            shares[token as usize] += 1.0 / f64::from(n);
        }
        shares
    }

    fn assert_close(found: &[f64], expected: &[f64]) {
        for (i, (a, b)) in found.iter().zip(expected).enumerate() {
            assert!((a - b).abs() < 2e-4, "token {i}: {a} for {b}");
        }
    }

    fn softmax(logits: &[f64]) -> Vec<f64> {
        let weights: Vec<f64> = logits.iter().map(|l| l.exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|w| w / total).collect()
    }

    const LOGITS: [f32; 5] = [0.5, -1.0, 2.0, 0.0, 1.0];

    #[test]
    fn temperature_divides_the_logits() {
        for temperature in [0.25, 1.0, 4.0] {
            let settings = Sampling {
                temperature,
                ..sampling()
            };
            let logits = LOGITS.map(|l| f64::from(l) / temperature);
            assert_close(&shares(&LOGITS, &[], &settings), &softmax(&logits));
        }
    }

    #[test]
    fn zero_temperature_takes_the_first_of_the_likeliest() {
        let settings = Sampling {
            temperature: 0.0,
            ..sampling()
        };
        let mut sampler = Sampler::default();
        for u in [0.0, 0.5, 0.999] {
            assert_eq!(sampler.choose(&LOGITS, [], &settings, u), Some(2));
            assert_eq!(sampler.choose(&[1.0, 3.0, 3.0], [], &settings, u), Some(1));
        }
        // So small that its inverse is not a number: the same.
        let settings = Sampling {
            temperature: 1e-320,
            ..sampling()
        };
        assert_eq!(sampler.choose(&LOGITS, [], &settings, 0.9), Some(2));
    }

    #[test]
    fn top_k_and_top_p_keep_the_likeliest() {
        let p = softmax(&LOGITS.map(f64::from));
        let renormalised = |kept: &[usize]| -> Vec<f64> {
            let total: f64 = kept.iter().map(|&i| p[i]).sum();
            (0..5)
                .map(|i| if kept.contains(&i) { p[i] / total } else { 0.0 })
                .collect()
        };
        let with = |top_k, top_p| {
            shares(
                &LOGITS,
                &[],
                &Sampling {
                    top_k,
                    top_p,
                    ..sampling()
                },
            )
        };
        assert_close(&with(2, 1.0), &renormalised(&[2, 4]));
        assert_close(&with(5, 1.0), &p);
        assert_close(&with(9, 1.0), &p);
        // 0.557 + 0.205 reach 0.7; 0.557 alone reaches 0.5.
        assert_close(&with(0, 0.7), &renormalised(&[2, 4]));
        assert_close(&with(0, 0.5), &renormalised(&[2]));
        assert_close(&with(0, 1e-9), &renormalised(&[2]));
        // Top-p counts what top-k left: of 2, 4 and 0 the first two have 0.8598.
        assert_close(&with(3, 0.85), &renormalised(&[2, 4]));
    }

    #[test]
    fn the_likeliest_tokens_have_the_probabilities_that_they_are_chosen_with() {
        let mut sampler = Sampler::default();
        for (top_k, top_p) in [(0, 1.0), (3, 1.0), (0, 0.9), (4, 0.85)] {
            let settings = Sampling {
                top_k,
                top_p,
                repetition_penalty: 1.3,
                ..sampling()
            };
            let shares = shares(&LOGITS, &[2], &settings);
            let found = sampler
                .likeliest(&LOGITS, [2], &settings, 9)
                .expect("numbers");
            let whole: f64 = found.iter().map(|(_, p)| p).sum();
            assert!((whole - 1.0).abs() < 1e-12);
            assert!(found.windows(2).all(|pair| pair[0].1 >= pair[1].1));
            for (token, share) in shares.iter().enumerate() {
                let p = found.iter().find(|(found, _)| *found as usize == token);
                assert!((p.map_or(0.0, |(_, p)| *p) - share).abs() < 2e-4, "{token}");
            }
            let two = sampler.likeliest(&LOGITS, [2], &settings, 2);
            assert_eq!(two.expect("numbers"), found[..2]);
        }
        let greedy = Sampling {
            temperature: 0.0,
            ..sampling()
        };
        let found = sampler.likeliest(&LOGITS, [], &greedy, 3);
        assert_eq!(found, Some(vec![(2, 1.0)]));
        assert_eq!(sampler.likeliest(&[f32::NAN], [], &sampling(), 3), None);
    }

    #[test]
    fn a_large_flat_vocabulary_is_cut_where_sorting_would_cut_it() {
        let logits: Vec<f32> = (0..20_000u32)
            .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 2e6)
            .collect();
        let p = softmax(&logits.iter().map(|l| f64::from(*l)).collect::<Vec<_>>());
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        for top_p in [0.3, 0.9, 0.99] {
            let mut mass = 0.0;
            let size = 1 + order
                .iter()
                .take_while(|&&i| {
                    mass += p[i];
                    mass < top_p
                })
                .count();
            let mut sampler = Sampler::default();
            let settings = Sampling {
                top_p,
                ..sampling()
            };
            let last = sampler
                .choose(&logits, [], &settings, 1.0 - 1e-12)
                .expect("numbers");
            let rank = order
                .iter()
                .position(|&i| i == last as usize)
                .expect("there");
            assert!(rank.abs_diff(size - 1) <= 1, "{rank} for {}", size - 1);
        }
    }

    #[test]
    fn the_repetition_penalty_makes_seen_tokens_less_likely() {
        let settings = Sampling {
            repetition_penalty: 2.0,
            ..sampling()
        };
        let expected = softmax(&[0.5, -2.0, 1.0, 0.0, 1.0]);
        assert_close(&shares(&LOGITS, &[1, 2], &settings), &expected);
    }

    #[test]
    fn logits_that_are_not_numbers_choose_nothing() {
        let mut sampler = Sampler::default();
        for bad in [f32::NAN, f32::INFINITY] {
            for temperature in [0.0, 1.0] {
                let settings = Sampling {
                    temperature,
                    ..sampling()
                };
                assert_eq!(sampler.choose(&[0.0, bad, 1.0], [], &settings, 0.5), None);
            }
        }
        let masked = [f32::NEG_INFINITY, 1.0, f32::NEG_INFINITY];
        assert_eq!(sampler.choose(&masked, [], &sampling(), 0.999), Some(1));
        assert_eq!(
            sampler.choose(&[f32::NEG_INFINITY; 3], [], &sampling(), 0.5),
            None
        );
    }

    #[test]
    fn impossible_settings_are_named() {
        let cases = [
            (
                Sampling {
                    temperature: f64::NAN,
                    ..sampling()
                },
                "temperature",
            ),
            (
                Sampling {
                    temperature: -1.0,
                    ..sampling()
                },
                "temperature",
            ),
            (
                Sampling {
                    top_p: 0.0,
                    ..sampling()
                },
                "top-p",
            ),
            (
                Sampling {
                    top_p: 1.5,
                    ..sampling()
                },
                "top-p",
            ),
            (
                Sampling {
                    top_p: f64::NAN,
                    ..sampling()
                },
                "top-p",
            ),
            (
                Sampling {
                    repetition_penalty: 0.0,
                    ..sampling()
                },
                "repetition penalty",
            ),
            (
                Sampling {
                    max_tokens: 0,
                    ..sampling()
                },
                "at least 1 token",
            ),
        ];
        for (settings, word) in cases {
            let error = check(&settings).expect_err("impossible").to_string();
            assert!(
                error.starts_with("sampling: ") && error.contains(word),
                "{error}"
            );
        }
        assert_eq!(check(&Sampling::default()), Ok(()));
    }
}
