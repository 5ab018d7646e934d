//! Which keys stay: admission and eviction of bounded caches, by moka, over integer ids.
//!
//! moka never sees a Python object and never calls back into Python: ids and weights go in, ids of
//! evicted entries come out. A hit only marks its id in a small ring that overwrites itself; the
//! ring is emptied into moka when an entry is added. moka itself is not built before the bound is
//! first reached, so a cache that never fills costs nothing here.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use ahash::RandomState;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use parking_lot::Mutex;

/// How the entry to evict is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The one not used for longest.
    Lru,
    /// W-TinyLFU: a newcomer must have been asked for more often than the one it would replace.
    TinyLfu,
}

/// Hits remembered between two additions; later ones overwrite the oldest.
const RING: usize = 128;

/// The ids of the latest hits. Marking is two plain stores: marks may get lost, which costs a little
/// precision and nothing else.
pub struct Ring {
    slots: [AtomicU64; RING],
    next: AtomicUsize,
}

impl Default for Ring {
    fn default() -> Self {
        Self { slots: [const { AtomicU64::new(0) }; RING], next: AtomicUsize::new(0) }
    }
}

impl Ring {
    #[inline]
    pub fn mark(&self, id: Id) {
        let next = self.next.load(Relaxed);
        self.slots[next % RING].store(id.0, Relaxed);
        self.next.store(next.wrapping_add(1), Relaxed);
    }

    /// The marked ids, oldest first; the ring is empty afterwards.
    #[must_use]
    pub fn drain(&self) -> Vec<Id> {
        let next = self.next.swap(0, Relaxed);
        let oldest = next.saturating_sub(RING);
        (oldest..next).map(|at| Id(self.slots[at % RING].load(Relaxed))).collect()
    }
}

/// The name of an entry towards moka: never used twice, but with a part of the key's hash in it.
///
/// moka remembers how often something was asked for by its hash. That of an `Id` is the key's alone, so
/// a key that comes back is known again although its entry has a new id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(u64);

/// Bits of an id that count; the others are of the key's hash.
const COUNTER_BITS: u32 = 40;

impl Id {
    /// The next id for an entry whose key has this hash.
    #[must_use]
    pub fn next(hash_of_key: u64) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let counter = NEXT.fetch_add(1, Relaxed) & ((1 << COUNTER_BITS) - 1);
        // Multiplied, as the hash of a small int is the int itself (Knuth's multiplicative hashing).
        let mixed = hash_of_key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> COUNTER_BITS;
        Self(mixed << COUNTER_BITS | counter)
    }

    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// Ids in the order in which they were made.
    #[must_use]
    pub fn order(self) -> u64 {
        self.0 & ((1 << COUNTER_BITS) - 1)
    }
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0 >> COUNTER_BITS);
    }
}

/// Always the same one, so that the same calls evict the same entries in every process. The hashes of
/// `str` keys, which others may choose, are random already.
fn hasher() -> RandomState {
    RandomState::with_seeds(0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344) // digits of pi
}

/// One bound on one cache: a number of entries, or a total weight.
pub struct Keeper {
    ids: Cache<Id, u32, RandomState>,
    capacity: u64,
    evicted: Arc<Mutex<Vec<Id>>>,
}

impl Keeper {
    /// A keeper for at most `capacity` entries, or units of weight if `weighted`.
    #[must_use]
    pub fn new(capacity: u64, policy: Policy, weighted: bool) -> Self {
        let evicted = Arc::new(Mutex::new(Vec::new()));
        let sink = evicted.clone();
        let mut builder = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(match policy {
                Policy::Lru => EvictionPolicy::lru(),
                Policy::TinyLfu => EvictionPolicy::tiny_lfu(),
            })
            .eviction_listener(move |id: Arc<Id>, _, cause| {
                if cause.was_evicted() {
                    sink.lock().push(*id);
                }
            });
        if weighted {
            builder = builder.weigher(|_, weight| *weight);
        }
        Self { ids: builder.build_with_hasher(hasher()), capacity, evicted }
    }

    /// Tell of hits, oldest first.
    pub fn learn(&self, hits: &[Id]) {
        for id in hits {
            self.ids.get(id);
        }
    }

    /// Add an entry; the ids that have to go for it, which may include its own.
    #[must_use]
    pub fn admit(&self, id: Id, weight: u32) -> Vec<Id> {
        self.ids.get(&id); // asked for and not there: that counts for its key as well
        self.ids.insert(id, weight);
        // moka looks at its log of reads before that of writes, and stops after a few batches.
        loop {
            let before = self.ids.weighted_size();
            self.ids.run_pending_tasks();
            let after = self.ids.weighted_size();
            if after <= self.capacity || after == before {
                break;
            }
        }
        std::mem::take(&mut *self.evicted.lock())
    }

    /// Forget an entry that left for another reason.
    pub fn forget(&self, id: Id) {
        self.ids.invalidate(&id);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Id, Keeper, Policy, RING, Ring};

    /// Ids of the keys 0, 1, 2, …
    fn ids(keys: u64) -> Vec<Id> {
        (0..keys).map(Id::next).collect()
    }

    #[test]
    fn the_least_recently_used_id_goes_first() {
        let keeper = Keeper::new(3, Policy::Lru, false);
        let ids = ids(5);
        for id in &ids[..3] {
            assert!(keeper.admit(*id, 1).is_empty());
        }
        keeper.learn(&[ids[0], ids[2]]);
        assert_eq!(keeper.admit(ids[3], 1), [ids[1]]);
        assert_eq!(keeper.admit(ids[4], 1), [ids[0]]);
    }

    #[test]
    fn a_weight_that_does_not_fit_evicts_until_it_does() {
        let keeper = Keeper::new(10, Policy::Lru, true);
        let ids = ids(3);
        assert!(keeper.admit(ids[0], 4).is_empty());
        assert!(keeper.admit(ids[1], 4).is_empty());
        assert_eq!(keeper.admit(ids[2], 6), [ids[0]]);
    }

    #[test]
    fn one_heavy_entry_evicts_as_many_light_ones_as_it_takes() {
        let keeper = Keeper::new(20_000, Policy::Lru, true);
        let ids = ids(20_001);
        for id in &ids[..20_000] {
            assert!(keeper.admit(*id, 1).is_empty());
        }
        assert_eq!(keeper.admit(ids[20_000], 19_000).len(), 19_000);
    }

    #[test]
    fn a_forgotten_id_makes_room() {
        let keeper = Keeper::new(2, Policy::Lru, false);
        let ids = ids(3);
        drop((keeper.admit(ids[0], 1), keeper.admit(ids[1], 1)));
        keeper.forget(ids[0]);
        assert!(keeper.admit(ids[2], 1).is_empty());
    }

    #[test]
    fn a_hot_set_survives_a_scan_under_tiny_lfu() {
        let keeper = Keeper::new(10, Policy::TinyLfu, false);
        let ids = ids(110);
        let hot = &ids[..10];
        hot.iter().for_each(|id| drop(keeper.admit(*id, 1)));
        for _ in 0..20 {
            keeper.learn(hot);
        }
        let evicted: Vec<Id> = ids[10..].iter().flat_map(|id| keeper.admit(*id, 1)).collect();
        assert!(hot.iter().filter(|id| evicted.contains(id)).count() <= 1);
    }

    #[test]
    fn a_key_that_comes_back_is_remembered_under_tiny_lfu() {
        let keeper = Keeper::new(10, Policy::TinyLfu, false);
        for key in 0..10 {
            drop(keeper.admit(Id::next(key), 1));
        }
        // A stranger is refused until it was asked for more often than what it would replace.
        let comes_in = |key| {
            let id = Id::next(key);
            !keeper.admit(id, 1).contains(&id)
        };
        assert!((0..20).any(|_| comes_in(99)));
    }

    #[test]
    fn the_ring_keeps_the_latest_marks_in_order() {
        let ids = ids(RING as u64 + 5);
        let ring = Ring::default();
        ids.iter().for_each(|id| ring.mark(*id));
        assert_eq!(ring.drain(), &ids[5..]);
        assert!(ring.drain().is_empty());
    }
}
