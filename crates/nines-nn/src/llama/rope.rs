//! Rotary positions: the angle of each frequency at each position.

use super::config::{LlamaConfig, RopeScaling};

/// Returns the angle that one position adds for each frequency, f32[head_dim / 2], rounded where
/// `transformers` rounds.
pub(super) fn inverse_frequencies(config: &LlamaConfig) -> Vec<f32> {
    let dim = config.head_dim as f32;
    let plain =
        (0..config.head_dim / 2).map(|i| 1.0 / config.rope_theta.powf(2.0 * i as f32 / dim));
    match &config.rope_scaling {
        RopeScaling::None => plain.collect(),
        RopeScaling::Linear { factor } => plain.map(|f| f / factor).collect(),
        RopeScaling::Factors(factors) => plain.zip(factors).map(|(f, factor)| f / factor).collect(),
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_context,
        } => plain
            .map(|f| {
                let wavelength = 2.0 * std::f32::consts::PI / f;
                if wavelength > original_context / low_freq_factor {
                    f / factor
                } else if wavelength < original_context / high_freq_factor {
                    f
                } else {
                    let smooth = (original_context / wavelength - low_freq_factor)
                        / (high_freq_factor - low_freq_factor);
                    (1.0 - smooth) * f / factor + smooth * f
                }
            })
            .collect(),
    }
}

/// Writes the cosines and sines of one position's angles.
pub(super) fn angles(inverse: &[f32], position: usize, cos: &mut [f32], sin: &mut [f32]) {
    for ((f, cos), sin) in inverse.iter().zip(cos).zip(sin) {
        let (s, c) = f64::from(f * position as f32).sin_cos();
        (*cos, *sin) = (c as f32, s as f32);
    }
}
