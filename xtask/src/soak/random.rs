//! Random numbers that are the same for the same seed.

use std::time::Duration;

/// SplitMix64, whose constants these are.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers for one of several users of a seed.
    pub fn of(seed: u64, user: u64) -> Self {
        let mut random = Self(seed ^ user.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not including, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True this many times of a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("an index is small")]
    }

    /// From `least` up to, but not including, `most`, in milliseconds.
    pub fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(least + self.below(most - least))
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    fn first(mut random: Random) -> [u64; 3] {
        std::array::from_fn(|_| random.below(1 << 40))
    }

    #[test]
    fn the_seed_and_the_user_say_all() {
        assert_eq!(first(Random::of(7, 1)), first(Random::of(7, 1)));
        assert_ne!(first(Random::of(7, 1)), first(Random::of(7, 2)));
        assert_ne!(first(Random::of(7, 1)), first(Random::of(8, 1)));
    }
}
