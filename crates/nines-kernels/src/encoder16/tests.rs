use super::*;
use crate::encoder;
use crate::layer::NormWeights;
use crate::packed::{Direction, PackedLayer};
use crate::pool::Pool;
use crate::relative::BUCKETS;
use crate::rng::normal;

/// A layer with weights of its own.
pub(crate) struct Model {
    pub shape: LayerShape,
    numbers: Vec<Vec<f32>>,
    relative: Option<RelativeBias>,
}

impl Model {
    pub fn new(hidden: usize, wide: usize, heads: usize) -> Self {
        let shape = LayerShape::new(hidden, wide, heads, 1e-12);
        Self::with(shape, |part, count| normal(1, part, 0.2, count))
    }

    /// Adds a bias by distance, for rows of at most `reach` tokens.
    pub fn with_bias(mut self, reach: usize) -> Self {
        let LayerShape { hidden, heads, .. } = self.shape;
        let table = normal(9, 0, 1.0, BUCKETS * heads);
        self.relative = Some(RelativeBias::new(&table, heads, hidden / heads, reach));
        self
    }

    /// A layer whose numbers no library has a part in, so that they are the same everywhere.
    fn counted(hidden: usize, wide: usize, heads: usize) -> Self {
        let shape = LayerShape::new(hidden, wide, heads, 1e-12);
        Self::with(shape, |part, count| counted(part, 0.25, count))
    }

    fn with(shape: LayerShape, numbers: impl Fn(u32, usize) -> Vec<f32>) -> Self {
        let LayerShape { hidden, wide, .. } = shape;
        let counts = [
            3 * hidden * hidden,
            hidden * hidden,
            wide * hidden,
            wide * hidden,
            3 * hidden,
            hidden,
            wide,
            hidden,
            hidden,
            hidden,
        ];
        let numbers = (0..)
            .zip(counts)
            .map(|(part, count)| numbers(part, count))
            .collect();
        Self {
            shape,
            numbers,
            relative: None,
        }
    }

    pub fn plain(&self) -> PlainLayer<'_> {
        let [qkv, attended, wide, output, ..] = self.numbers.as_slice() else {
            panic!("ten parts");
        };
        PlainLayer {
            qkv,
            attended,
            wide,
            output,
        }
    }

    pub fn vectors(&self) -> LayerVectors<'_> {
        let norm = NormWeights {
            gamma: &self.numbers[8],
            beta: &self.numbers[9],
        };
        LayerVectors {
            qkv_bias: &self.numbers[4],
            attended_bias: &self.numbers[5],
            attended_norm: norm,
            wide_bias: &self.numbers[6],
            output_bias: &self.numbers[7],
            output_norm: norm,
            relative: self.relative.as_ref(),
        }
    }

    fn exact(&self, lengths: &[usize], states: &[f32]) -> Vec<f32> {
        let shape = self.shape;
        let packed = PackedLayer::new(&self.plain(), &shape, Direction::Forward, &Pool::default());
        let mut out = vec![0.0; states.len()];
        encoder::forward(
            &shape,
            &packed,
            &self.vectors(),
            lengths,
            states,
            &mut out,
            None,
        );
        out
    }
}

fn counted(part: u32, largest: f32, count: usize) -> Vec<f32> {
    let word = |i: u32| {
        (i ^ part << 24)
            .wrapping_mul(2_654_435_761)
            .rotate_right(13)
    };
    let number = |i: u32| (word(i).wrapping_mul(0x85eb_ca6b) >> 8) as f32 / 8_388_608.0 - 1.0;
    (0..count as u32).map(|i| largest * number(i)).collect()
}

/// FNV-1a of the numbers' bits.
fn digest(numbers: &[f32]) -> u64 {
    let bytes = numbers.iter().flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// If this fails, scores have changed: raise the revision of what changed, and write down the new
/// digest. Thresholds and stored scores of before then belong to another path.
#[test]
fn scores_change_only_with_the_revision() {
    // AMX has no digest yet: it takes a CPU with tiles to write one down.
    let recorded = [
        (None, encoder::REVISION, 1, 0x3d38_0053_d94e_0537),
        (Some(Unit::Portable), REVISION, 2, 0x29ff_59f7_f627_a4ef),
        (Some(Unit::Avx512), REVISION, 2, 0xdd93_3fee_1866_a552),
    ];
    // Large enough that a change in the last bit of a GELU shows through the rounding to bf16.
    let lengths = [1, 33, 16, 5, 70, 32, 130, 128];
    let model = Model::counted(128, 512, 4);
    let (plain, vectors, pool) = (model.plain(), model.vectors(), Pool::default());
    let start = counted(99, 1.7, lengths.iter().sum::<usize>() * 128);
    for (unit, revision, of, expected) in recorded {
        let mut states = start.clone();
        match unit {
            None => {
                let packed = PackedLayer::new(&plain, &model.shape, Direction::Forward, &pool);
                let layers = [(); 2].map(|()| packed.forward(&model.shape, &vectors));
                encoder::forward_all(&model.shape, &layers, &lengths, &mut states);
            }
            Some(unit) if !unit.is_available() => continue,
            Some(unit) => {
                let layers = [(); 2].map(|()| Layer16::new(model.shape, &plain, &vectors, &pool));
                forward(unit, &layers, &lengths, &mut states);
            }
        }
        let found = digest(&states);
        assert_eq!((revision, found), (of, expected), "{unit:?}: {found:#x}");
    }
}

#[test]
fn layers_agree_with_those_in_32_bits_on_odd_sizes() {
    let lengths = [1, 33, 16, 5, 70, 32];
    let tokens: usize = lengths.iter().sum();
    let biased =
        [(64, 128, 2), (30, 50, 3)].map(|(h, w, heads)| Model::new(h, w, heads).with_bias(80));
    let plain =
        [(64, 128, 2), (30, 50, 3), (40, 33, 1)].map(|(h, w, heads)| Model::new(h, w, heads));
    for model in biased.into_iter().chain(plain) {
        let hidden = model.shape.hidden;
        let layer = Layer16::new(
            model.shape,
            &model.plain(),
            &model.vectors(),
            &Pool::default(),
        );
        let start = normal(3, 0, 1.0, tokens * hidden);
        let exact = model.exact(&lengths, &start);
        let spread = exact.iter().map(|x| x * x).sum::<f32>() / exact.len() as f32;
        for unit in Unit::ALL.into_iter().filter(|unit| unit.is_available()) {
            let mut found = start.clone();
            forward(unit, std::slice::from_ref(&layer), &lengths, &mut found);
            let error = found
                .iter()
                .zip(&exact)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f32>()
                / exact.len() as f32;
            let relative = (error / spread).sqrt();
            assert!(relative < 0.01, "{} {hidden}: {relative}", unit.as_str());
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    for model in [Model::new(64, 96, 2), Model::new(64, 96, 2).with_bias(300)] {
        rows_stand_alone(&model);
    }
}

fn rows_stand_alone(model: &Model) {
    let lengths = [20, 300, 7, 64, 129];
    let layers = [0, 1].map(|_| {
        Layer16::new(
            model.shape,
            &model.plain(),
            &model.vectors(),
            &Pool::default(),
        )
    });
    let start = normal(3, 0, 1.0, lengths.iter().sum::<usize>() * 64);
    for unit in Unit::ALL.into_iter().filter(|unit| unit.is_available()) {
        let mut all = start.clone();
        forward(unit, &layers, &lengths, &mut all);
        let mut first = 0;
        for length in lengths {
            let mut alone = start[first * 64..(first + length) * 64].to_vec();
            forward(unit, &layers, &[length], &mut alone);
            assert_eq!(
                alone,
                all[first * 64..(first + length) * 64],
                "{}",
                unit.as_str()
            );
            first += length;
        }
    }
}
