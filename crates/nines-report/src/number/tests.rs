use super::*;

fn known(value: Option<f64>, lower: f64, upper: f64) -> Estimate {
    Estimate {
        value,
        lower,
        upper,
        confidence: 0.95,
        method: "Clopper-Pearson".into(),
        n: 30_000,
    }
}

#[test]
fn a_rate_reads_as_the_product_writes_it() {
    let e = known(Some(1.2e-4), 3e-5, 4e-4);
    assert_eq!(
        spoken(&e, Format::Rate),
        "1.2e-4 [3.0e-5, 4.0e-4] 95\u{a0}%"
    );
    let none = known(Some(0.0), 0.0, 1.229_550_89e-4);
    assert_eq!(spoken(&none, Format::Rate), "0 [0, 1.3e-4] 95\u{a0}%");
    let share = known(Some(0.412), 0.3801, 0.4433);
    assert_eq!(
        spoken(&share, Format::Percent),
        "41.2 % [38.0, 44.4] 95\u{a0}%"
    );
}

#[test]
fn an_interval_is_never_rounded_inwards() {
    let mut x = 1.234_567e-9;
    while x < 1e-2 {
        for width in [1.000_01_f64, 1.01, 1.3, 4.0, 900.0] {
            let e = known(Some(x * width.sqrt()), x, x * width);
            let shown = show(&e, Format::Rate);
            let lower: f64 = shown.lower.parse().unwrap();
            let upper: f64 = shown.upper.parse().unwrap();
            // Decimal ends, from 0.01 up, may be a hair inside.
            assert!(lower <= e.lower, "{shown:?} {e:?}");
            assert!(upper >= e.upper * (1.0 - 1e-6), "{shown:?} {e:?}");
            assert_ne!(shown.lower, shown.upper);
        }
        x *= 1.7;
    }
}

#[test]
fn what_is_not_finite_says_so() {
    let e = known(None, f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(
        spoken(&e, Format::Decimal(1)),
        "– [unbounded, unbounded] 95\u{a0}%"
    );
    let e = known(Some(f64::NAN), 0.0, f64::NAN);
    assert_eq!(spoken(&e, Format::Rate), "– [0, –] 95\u{a0}%");
    assert_eq!(spoken(&e, Format::Percent), "– [0, –] 95\u{a0}%");
    assert_eq!(chosen_percent(f64::NAN), "–");
    assert_eq!(chosen_percent(0.999), "99.9\u{a0}%");
    assert_eq!(plain(f64::INFINITY, 1), "unbounded");
}

#[test]
fn enormous_numbers_stay_short() {
    let e = known(Some(1e300), 1e299, 1.5e300);
    for format in [Format::Rate, Format::Percent, Format::Decimal(2)] {
        assert!(spoken(&e, format).len() < 60, "{}", spoken(&e, format));
    }
    assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    assert_eq!(count(999), "999");
    assert_eq!(count(1000), "1,000");
}

#[test]
fn a_threshold_keeps_the_digits_that_it_was_given() {
    assert_eq!(probability(0.008), "0.008");
    assert_eq!(probability(0.5), "0.5");
    assert_eq!(probability(2.5e-4), "2.5e-4");
    assert_eq!(probability(1e-12), "1e-12");
}
