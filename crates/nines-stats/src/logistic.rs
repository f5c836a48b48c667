//! Between logits and probabilities.

/// Returns 1/(1 + e^{−z}).
pub(crate) fn logistic(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// Returns ln(p/(1 − p)).
pub(crate) fn logit(p: f64) -> f64 {
    p.ln() - (-p).ln_1p()
}

/// Returns ln(1 + e^z) with all digits on both sides.
pub(crate) fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_undo_each_other() {
        for p in [1e-300, 1e-9, 0.3, 0.5, 0.9] {
            assert!((logistic(logit(p)) / p - 1.0).abs() < 1e-12, "{p}");
        }
        assert_eq!((logistic(f64::INFINITY), logistic(-1e4)), (1.0, 0.0));
        assert_eq!((softplus(1e4), softplus(-1e4)), (1e4, 0.0));
    }
}
