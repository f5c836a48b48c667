//! Greedy k-centre: each choice is what lies furthest from everything that is labelled or chosen.

/// Chooses `n` points, each the one furthest from those before it and from `labelled`; the first of equals.
/// Without any labelled, the first choice is what lies furthest from the mean of all.
///
/// No step is left to chance, so that no point has a probability; and what lies furthest from everything may be
/// far out. The largest distance that is left is at most twice the smallest possible.
///
/// # Example
/// ```
/// use nines_measure::acquisition::k_centre;
/// let points: Vec<Vec<f32>> = [0.0, 0.1, 5.0, 5.2, 9.0].iter().map(|&x| vec![x]).collect();
/// assert_eq!(k_centre(&points, &[vec![0.0]], 2), [4, 2]);
/// ```
///
/// # Reference
/// Gonzalez 1985; Sener & Savarese 2018 for choosing labels.
pub fn k_centre(points: &[Vec<f32>], labelled: &[Vec<f32>], n: usize) -> Vec<usize> {
    let mut nearest = match labelled.is_empty() {
        true => {
            let mean = mean(points);
            points.iter().map(|point| distance(point, &mean)).collect()
        }
        false => {
            let mut nearest = vec![f64::INFINITY; points.len()];
            for centre in labelled {
                draw_near(&mut nearest, points, centre);
            }
            nearest
        }
    };
    let mut chosen: Vec<usize> = Vec::with_capacity(n);
    while chosen.len() < n.min(points.len()) {
        let open = (0..points.len()).filter(|&place| nearest[place] >= 0.0);
        let furthest = open.reduce(|best, place| match nearest[place] > nearest[best] {
            true => place,
            false => best,
        });
        let Some(place) = furthest else { break };
        if chosen.is_empty() && labelled.is_empty() {
            nearest.fill(f64::INFINITY);
        }
        draw_near(&mut nearest, points, &points[place]);
        chosen.push(place);
        // Below every distance: never chosen again.
        nearest[place] = -1.0;
    }
    chosen
}

/// Lowers each point's distance to its nearest centre where a new one is nearer.
fn draw_near(nearest: &mut [f64], points: &[Vec<f32>], centre: &[f32]) {
    for (near, point) in nearest.iter_mut().zip(points) {
        *near = near.min(distance(point, centre));
    }
}

/// The squared distance.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let squares = a.iter().zip(b).map(|(&a, &b)| {
        let apart = f64::from(a) - f64::from(b);
        apart * apart
    });
    squares.sum()
}

fn mean(points: &[Vec<f32>]) -> Vec<f32> {
    let Some(first) = points.first() else {
        return Vec::new();
    };
    let mut sums = vec![0.0f64; first.len()];
    for point in points {
        for (sum, &x) in sums.iter_mut().zip(point) {
            *sum += f64::from(x);
        }
    }
    let n = points.len() as f64;
    sums.into_iter().map(|sum| (sum / n) as f32).collect()
}
