//! How far two passes over the same rows disagree, as probabilities.
//!
//! A logit z stands for the two-class logits (0, z), so that what was published for several classes
//! holds as it stands.

use super::softplus;
use nines_domain::score::sigmoid;

/// A mean over rows, with its derivatives by both logits of each row.
#[derive(Debug, Clone, PartialEq)]
pub struct Disagreement {
    /// The mean over the rows.
    pub mean: f64,
    /// d mean / d logit of the first pass.
    pub first: Vec<f64>,
    /// d mean / d logit of the second pass.
    pub second: Vec<f64>,
}

/// Returns SiFT's symmetric loss: the cross-entropy of the student under the teacher's probabilities
/// plus that of the teacher under the student's, neither giving a gradient to the probabilities
/// that it is taken under.
///
/// The program published with SiFT calls it a symmetric KL divergence. It differs from one by both
/// entropies, and in that its gradient is half of one: by the student's logit it is the student's
/// probability less the teacher's, by the teacher's the reverse.
///
/// # Example
/// ```
/// use nines_train::loss::consistency::symmetric_cross_entropy;
/// // Two-class logits (1, 0) and (0, 0.5): one logit of -1, and one of 0.5.
/// let loss = symmetric_cross_entropy(&[-1.0], &[0.5]);
/// assert!((loss.mean - 1.775_327_292_2).abs() < 1e-10);
/// ```
pub fn symmetric_cross_entropy(student: &[f64], teacher: &[f64]) -> Disagreement {
    mean_of(student, teacher, |s, t| {
        let (p, q) = (sigmoid(s), sigmoid(t));
        let loss = cross_entropy(s, q) + cross_entropy(t, p);
        (loss, p - q, q - p)
    })
}

/// Returns the cross-entropy of a logit under a probability: q softplus(-z) + (1 - q) softplus(z).
pub fn cross_entropy(logit: f64, probability: f64) -> f64 {
    probability * softplus(-logit) + (1.0 - probability) * softplus(logit)
}

/// Returns R-Drop's loss: half the sum of the KL divergences of each pass from the other. Both get
/// their whole gradient.
///
/// With p and q the probabilities of the logits a and b, that is (p - q) (a - b) / 2.
pub fn symmetric_divergence(first: &[f64], second: &[f64]) -> Disagreement {
    mean_of(first, second, |a, b| {
        let (p, q) = (sigmoid(a), sigmoid(b));
        let apart = a - b;
        let slope = |p: f64| p * (1.0 - p);
        (
            0.5 * (p - q) * apart,
            0.5 * (slope(p) * apart + p - q),
            0.5 * (q - p - slope(q) * apart),
        )
    })
}

fn mean_of(
    first: &[f64],
    second: &[f64],
    row: impl Fn(f64, f64) -> (f64, f64, f64),
) -> Disagreement {
    debug_assert_eq!(first.len(), second.len());
    let n = first.len().max(1) as f64;
    let mut all = Disagreement {
        mean: 0.0,
        first: Vec::with_capacity(first.len()),
        second: Vec::with_capacity(first.len()),
    };
    for (&a, &b) in first.iter().zip(second) {
        let (loss, by_first, by_second) = row(a, b);
        all.mean += loss / n;
        all.first.push(by_first / n);
        all.second.push(by_second / n);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Cross-entropy of two-class logits, as PyTorch's log_softmax has it.
    fn two_classes(student: [f64; 2], teacher: [f64; 2]) -> f64 {
        let log_softmax = |z: [f64; 2]| {
            let log_sum = (z[0].exp() + z[1].exp()).ln();
            [z[0] - log_sum, z[1] - log_sum]
        };
        let (s, t) = (log_softmax(student), log_softmax(teacher));
        -(0..2).map(|c| t[c].exp() * s[c]).sum::<f64>()
    }

    #[test]
    fn the_numbers_are_those_of_the_published_program() {
        let (student, teacher) = ([1.0, 0.0], [0.0, 0.5]);
        let forward = cross_entropy(-1.0, sigmoid(0.5));
        let backward = cross_entropy(0.5, sigmoid(-1.0));
        assert!((forward - 0.935_721_018_7).abs() < 1e-10);
        assert!((backward - 0.839_606_273_5).abs() < 1e-10);
        assert!((forward - two_classes(student, teacher)).abs() < 1e-12);
        assert!((backward - two_classes(teacher, student)).abs() < 1e-12);
        // What is left of either cross-entropy without its teacher's entropy is the KL divergence.
        let entropy = |z: f64| cross_entropy(z, sigmoid(z));
        assert!((forward - entropy(0.5) - 0.272_873_700).abs() < 1e-8);
        assert!((backward - entropy(-1.0) - 0.257_403_165).abs() < 1e-8);
        let half = symmetric_divergence(&[-1.0], &[0.5]);
        assert!((half.mean - (0.272_873_700 + 0.257_403_165) / 2.0).abs() < 1e-8);
        let sift = symmetric_cross_entropy(&[-1.0], &[0.5]);
        let apart = sigmoid(-1.0) - sigmoid(0.5);
        assert_eq!((sift.first[0], sift.second[0]), (apart, -apart));
    }

    #[test]
    fn extreme_logits_stay_finite() {
        for loss in [
            symmetric_cross_entropy(&[1e4, -1e4], &[-1e4, -1e4]),
            symmetric_divergence(&[1e4, -1e4], &[-1e4, -1e4]),
        ] {
            assert!(loss.mean.is_finite(), "{loss:?}");
            assert!(loss.first.iter().chain(&loss.second).all(|g| g.is_finite()));
        }
    }

    proptest! {
        #[test]
        fn gradients_are_finite_differences(a in -15f64..15.0, b in -15f64..15.0) {
            let h = 1e-5;
            let divergence = |a: f64, b: f64| symmetric_divergence(&[a], &[b]).mean;
            let found = symmetric_divergence(&[a], &[b]);
            let by_first = (divergence(a + h, b) - divergence(a - h, b)) / (2.0 * h);
            let by_second = (divergence(a, b + h) - divergence(a, b - h)) / (2.0 * h);
            prop_assert!((found.first[0] - by_first).abs() < 1e-6);
            prop_assert!((found.second[0] - by_second).abs() < 1e-6);
            // Each cross-entropy alone, its teacher held still.
            let found = symmetric_cross_entropy(&[a], &[b]);
            let slope = |z: f64, teacher: f64| {
                let q = sigmoid(teacher);
                (cross_entropy(z + h, q) - cross_entropy(z - h, q)) / (2.0 * h)
            };
            prop_assert!((found.first[0] - slope(a, b)).abs() < 1e-6);
            prop_assert!((found.second[0] - slope(b, a)).abs() < 1e-6);
        }
    }
}
