//! A small counter-based generator: the same seed and stream give the same numbers on every
//! machine, whatever else runs.

/// A stream of random numbers keyed by (seed, stream).
///
/// # Reference
/// SplitMix64 (Steele, Lea & Flood 2014): the mixed Weyl sequence; good enough for resampling, not
/// for secrets.
#[derive(Debug, Clone)]
pub struct Stream {
    state: u64,
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Stream {
    /// Opens the stream of a seed and a number within it.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self {
            state: mix(mix(seed.wrapping_add(0x9E37_79B9_7F4A_7C15)) ^ mix(!stream)),
        }
    }

    /// Returns the next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// Returns a number uniform on [0, 1).
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Returns an index uniform below `n`, which must not be 0.
    ///
    /// The bias of the multiplication is below n/2⁶⁴.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Returns a standard normal number (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}
