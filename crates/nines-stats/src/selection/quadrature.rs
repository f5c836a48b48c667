//! Adaptive numeric integration.

use crate::error::StatsError;

/// Nodes of the 15-point Kronrod rule on [0, 1] (of [−1, 1], by symmetry), outermost first.
const NODES: [f64; 8] = [
    0.991_455_371_120_812_6,
    0.949_107_912_342_758_5,
    0.864_864_423_359_769_1,
    0.741_531_185_599_394_4,
    0.586_087_235_467_691_1,
    0.405_845_151_377_397_2,
    0.207_784_955_007_898_47,
    0.0,
];
/// The weights of the Kronrod rule.
const KRONROD: [f64; 8] = [
    0.022_935_322_010_529_224,
    0.063_092_092_629_978_56,
    0.104_790_010_322_250_19,
    0.140_653_259_715_525_92,
    0.169_004_726_639_267_9,
    0.190_350_578_064_785_4,
    0.204_432_940_075_298_9,
    0.209_482_141_084_727_82,
];
/// The weights of the 7-point Gauss rule, on every second node.
const GAUSS: [f64; 4] = [
    0.129_484_966_168_869_7,
    0.279_705_391_489_276_64,
    0.381_830_050_505_118_9,
    0.417_959_183_673_469_4,
];

const PANELS: usize = 64;
const MOST_PANELS: u64 = 200_000;
const RELATIVE: f64 = 1e-12;

/// Returns Kronrod's integral over a panel, and how far Gauss's is from it.
fn panel(f: &impl Fn(f64) -> f64, low: f64, high: f64) -> (f64, f64) {
    let (centre, half) = (0.5 * (low + high), 0.5 * (high - low));
    let at_centre = f(centre);
    let mut kronrod = KRONROD[7] * at_centre;
    let mut gauss = GAUSS[3] * at_centre;
    for i in 0..7 {
        let both = f(centre - half * NODES[i]) + f(centre + half * NODES[i]);
        kronrod += KRONROD[i] * both;
        if i % 2 == 1 {
            gauss += GAUSS[i / 2] * both;
        }
    }
    (half * kronrod, half * (kronrod - gauss).abs())
}

/// Integrates a function that is nowhere negative over [0, `end`], to about 10⁻¹² of the integral.
pub(super) fn integrate(f: &impl Fn(f64) -> f64, end: f64) -> Result<f64, StatsError> {
    let edge = |i: usize| end * i as f64 / PANELS as f64;
    let mut stack: Vec<(f64, f64, f64, f64)> = (0..PANELS)
        .map(|i| {
            let (value, error) = panel(f, edge(i), edge(i + 1));
            (edge(i), edge(i + 1), value, error)
        })
        .collect();
    let scale: f64 = stack.iter().map(|p| p.2).sum();
    let narrowest = end * 1e-14;
    let (mut sum, mut panels) = (0.0, 0);
    while let Some((low, high, value, error)) = stack.pop() {
        // Gauss's rule is far worse than Kronrod's, so a smooth panel is better than its error says.
        // A panel with a jump halves until it no longer matters.
        if error <= RELATIVE * scale * 0.01 || high - low <= narrowest {
            sum += value;
            continue;
        }
        panels += 1;
        if panels > MOST_PANELS {
            return Err(StatsError::NoProgress {
                what: "the integral of the risk does not converge",
                steps: panels,
            });
        }
        let middle = 0.5 * (low + high);
        for (low, high) in [(low, middle), (middle, high)] {
            let (value, error) = panel(f, low, high);
            stack.push((low, high, value, error));
        }
    }
    Ok(sum)
}
