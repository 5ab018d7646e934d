//! A number for some bytes, the same on every machine: it finds what was cut off or changed by
//! accident. FNV-1a, 64 bits (<http://www.isthe.com/chongo/tech/comp/fnv/>); no protection against
//! somebody who wants two texts to agree.

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl Digest {
    pub fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    }

    #[must_use]
    pub const fn value(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_test_vectors_hold() {
        let of = |text: &str| {
            let mut digest = Digest::default();
            digest.add(text.as_bytes());
            digest.value()
        };
        assert_eq!(of(""), OFFSET);
        assert_eq!(of("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(of("foobar"), 0x8594_4171_f739_67e8);
    }
}
