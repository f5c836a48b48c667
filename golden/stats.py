"""Writes golden/fixtures/stats.json: distribution tails, intervals and ranking metrics as scipy,
mpmath and scikit-learn compute them. Run with the versions of requirements.txt."""

import json
import pathlib

import mpmath
import numpy as np
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

mpmath.mp.dps = 40


def binomial_tail(k, n, x, direction):
    """P(X <= k) (direction -1) or P(X >= k) (direction 1) beyond the mean, to 30 digits, and the
    derivative by x."""
    ln_choose = mpmath.loggamma(n + 1) - mpmath.loggamma(k + 1) - mpmath.loggamma(n - k + 1)
    mass = mpmath.exp(ln_choose + k * mpmath.log(x) + (n - k) * mpmath.log1p(-x))
    odds = x / (1 - x)
    term = total = mpmath.mpf(1)
    i = k
    while term > total * mpmath.mpf(10) ** -32:
        term *= odds * (n - i) / (i + 1) if direction > 0 else i / ((n - i + 1) * odds)
        total += term
        i += direction
    slope = mass * k / x if direction > 0 else -mass * (n - k) / (1 - x)
    return total * mass, slope


def polished(scipys, p, k, n, direction):
    """scipy's end of the interval after Newton steps in long arithmetic: scipy itself keeps 10 to
    15 digits of it."""
    x = mpmath.mpf(scipys)
    for _ in range(3):
        tail, slope = binomial_tail(k, n, x, direction)
        x -= (tail - mpmath.mpf(p)) / slope
    assert abs(x / scipys - 1) < 1e-9, (p, k, n, x, scipys)
    return float(x)


def clopper_pearson():
    rows = []
    for n in [1, 2, 7, 30, 100, 999, 3000, 30_000, 100_000, 1_000_000, 10_000_000]:
        for k in sorted({0, 1, 2, 3, 10, n // 1000, n // 10, n // 3, n // 2, n - n // 10, n - 3, n - 1, n}):
            if not 0 <= k <= n:
                continue
            for confidence in [0.95, 0.99]:
                tail = (1 - confidence) / 2
                lower, upper = 0.0, 1.0
                if k > 0:
                    lower = polished(stats.beta.ppf(tail, k, n - k + 1), tail, k, n, 1)
                if k < n:
                    upper = polished(stats.beta.isf(tail, k + 1, n - k), tail, k, n, -1)
                rows.append([k, n, confidence, lower, upper])
    return rows


def beta_tails():
    """To 40 digits, because both tails must keep their own."""
    rows = []
    rng = np.random.default_rng(1)
    for _ in range(60):
        a, b = (float(round(10 ** v, 3)) for v in rng.uniform(-0.7, 4, 2))
        mean, sd = a / (a + b), np.sqrt(a * b / (a + b) ** 2 / (a + b + 1))
        for z in [-3.0, -1.0, 0.0, 1.0, 3.0]:
            x = float(mean + z * sd)
            if not 1e-12 < x < 1 - 1e-12:
                continue
            whole = mpmath.beta(a, b)
            try:
                lower = mpmath.betainc(a, b, 0, x) / whole
                upper = mpmath.betainc(a, b, x, 1) / whole
            except mpmath.libmp.NoConvergence:
                continue
            if abs(lower + upper - 1) < mpmath.mpf(10) ** -30:
                rows.append([a, b, x, float(lower), float(upper)])
    return rows


def normal():
    z = [-37.0, -10.0, -5.0, -1.6, -1.5, -1.4, -0.3, 0.0, 0.4, 1.2, 1.6, 3.0]
    cdf = [float(mpmath.log(mpmath.ncdf(v))) for v in z]
    p = [1e-300, 1e-20, 1e-6, 0.005, 0.025, 0.05, 0.2, 0.5, 0.8, 0.95, 0.975, 0.999999]
    return {"ln_cdf": list(zip(z, cdf)), "quantile": [[v, float(stats.norm.ppf(v))] for v in p]}


def student():
    return [
        [q, v, float(stats.t.isf(q, v))]
        for q in [0.4, 0.1, 0.025, 0.005, 1e-6]
        for v in [1.0, 2.0, 3.0, 9.0, 25.5, 1000.0, 1e7]
    ]


def binomial():
    rows = []
    for n, p in [(10, 0.3), (2000, 0.005), (100_000, 1e-4), (10_000_000, 0.25)]:
        mean, sd = n * p, np.sqrt(n * p * (1 - p))
        for z in [-4, -1, 0, 1, 4]:
            k = int(np.clip(round(mean + z * sd), 0, n))
            rows.append([k, n, p, float(stats.binom.cdf(k, n, p)), float(stats.binom.sf(k - 1, n, p))])
    return rows


def rankings():
    rng = np.random.default_rng(2)
    rows = []
    for n, levels in [(5, 3), (20, 4), (60, 1000), (200, 7), (200, 100_000), (12, 1)]:
        positive = rng.random(n) < 0.3
        positive[:2] = [True, False]
        scores = np.round(rng.normal(size=n) + positive, 6)
        scores = np.round(scores * levels / 6) if levels < 1000 else scores
        rows.append(
            {
                "scores": scores.tolist(),
                "positive": positive.tolist(),
                "auroc": float(roc_auc_score(positive, scores)),
                "average_precision": float(average_precision_score(positive, scores)),
            }
        )
    return rows


if __name__ == "__main__":
    fixture = {
        "clopper_pearson": clopper_pearson(),
        "beta_tails": beta_tails(),
        "normal": normal(),
        "student": student(),
        "binomial": binomial(),
        "rankings": rankings(),
    }
    out = pathlib.Path(__file__).parent / "fixtures" / "stats.json"
    out.write_text(json.dumps(fixture) + "\n")
    print({name: len(rows) for name, rows in fixture.items()}, out.stat().st_size, "bytes")
