//! Pseudo-random numbers that are the same on every machine, and draws by weight.

/// A xoshiro256++ generator, seeded through SplitMix64.
#[derive(Clone)]
pub(super) struct Random([u64; 4]);

impl Random {
    /// Returns the generator of one stream: streams of one seed are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut x = seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ stream.rotate_left(32) ^ 0x6d61_726c_696e_6521;
        let state = std::array::from_fn(|_| {
            x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = x;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        });
        Self(state)
    }

    /// Returns 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (mut c, mut d) = (c ^ a, d ^ b);
        let (a, b) = (a ^ d, b ^ c);
        c ^= self.0[1] << 17;
        d = d.rotate_left(45);
        self.0 = [a, b, c, d];
        result
    }

    /// Returns a number below `end`, which is at least one.
    #[inline]
    pub fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// Returns a number of `from..=to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below((to - from + 1) as usize) as u64
    }

    /// Returns a number of `0.0..1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True in `share` of all cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Returns one of `choices`.
    pub fn one<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Returns a wait with this mean, exponentially distributed.
    pub fn wait(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Returns a log-normal length, kept within the limits.
    pub fn length(&mut self, median: f64, sigma: f64, least: usize, most: usize) -> usize {
        // The sum of twelve uniform numbers is close enough to a normal one and needs no trigonometry,
        // whose last bits differ between machines.
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        ((median * (sigma * normal).exp()) as usize).clamp(least, most)
    }

    fn digits(&mut self, alphabet: &[u8], count: usize) -> String {
        (0..count).map(|_| char::from(*self.one(alphabet))).collect()
    }

    /// Returns hexadecimal digits in lower case.
    pub fn hex(&mut self, count: usize) -> String {
        self.digits(b"0123456789abcdef", count)
    }

    /// Returns letters and digits, as the ids of the model servers have them.
    pub fn letters(&mut self, count: usize) -> String {
        self.digits(b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789", count)
    }

    /// Returns a random UUID.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.bits(), self.bits());
        dashed((high & !0xf000) | 0x4000, low)
    }

    /// Returns a UUID that sorts by its time, in milliseconds.
    pub fn uuid_at(&mut self, millis: u64) -> String {
        let low = self.bits();
        let high = (millis << 16) | 0x7000 | (self.bits() & 0xfff);
        dashed(high, low)
    }
}

fn dashed(high: u64, low: u64) -> String {
    let low = (low & (u64::MAX >> 2)) | 1 << 63;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// Draws positions by weight in constant time (Vose's alias method).
pub(super) struct Weighted {
    /// For each column: below which threshold it stands for itself, and whom it stands for above it.
    columns: Vec<(u32, u32)>,
}

impl Weighted {
    /// Positions by Zipf's law: the weight of the one at `rank` is `1 / (rank + shift)^exponent`.
    pub fn zipf(count: usize, shift: f64, exponent: f64) -> Self {
        let weights: Vec<f64> = (0..count).map(|rank| (rank as f64 + shift).powf(-exponent)).collect();
        let mean = weights.iter().sum::<f64>() / count as f64;
        let mut share: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let mut columns: Vec<(u32, u32)> = (0..count as u32).map(|own| (u32::MAX, own)).collect();
        let (mut poor, mut rich): (Vec<usize>, Vec<usize>) = (0..count).partition(|&i| share[i] < 1.0);
        while let (Some(&giver), Some(taker)) = (rich.last(), poor.pop()) {
            columns[taker] = ((share[taker] * f64::from(u32::MAX)) as u32, giver as u32);
            share[giver] -= 1.0 - share[taker];
            if share[giver] < 1.0 {
                rich.pop();
                poor.push(giver);
            }
        }
        Self { columns }
    }

    /// Returns a position.
    #[inline]
    pub fn draw(&self, random: &mut Random) -> usize {
        let bits = random.bits();
        let column = (((bits >> 32) * self.columns.len() as u64) >> 32) as usize;
        let (threshold, other) = self.columns[column];
        if bits as u32 <= threshold { column } else { other as usize }
    }
}
