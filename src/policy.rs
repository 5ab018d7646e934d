//! Which keys stay: admission and eviction of bounded caches, by moka, over integer ids.
//!
//! moka never sees a Python object and never calls back into Python: ids and weights go in, ids of
//! evicted entries come out. A hit only marks its id in a small ring that overwrites itself; the
//! ring is emptied into moka when an entry is added. moka itself is not built before the bound is
//! first reached, so a cache that never fills costs nothing here.

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
    pub fn mark(&self, id: u64) {
        let next = self.next.load(Relaxed);
        self.slots[next % RING].store(id, Relaxed);
        self.next.store(next.wrapping_add(1), Relaxed);
    }

    /// The marked ids, oldest first; the ring is empty afterwards.
    fn drain(&self) -> impl Iterator<Item = u64> + '_ {
        let next = self.next.swap(0, Relaxed);
        let oldest = next.saturating_sub(RING);
        (oldest..next).map(|at| self.slots[at % RING].load(Relaxed))
    }
}

/// One bound on one cache: a number of entries, or a total weight.
pub struct Keeper {
    ids: Cache<u64, u32, RandomState>,
    evicted: Arc<Mutex<Vec<u64>>>,
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
            .eviction_listener(move |id: Arc<u64>, _, cause| {
                if cause.was_evicted() {
                    sink.lock().push(*id);
                }
            });
        if weighted {
            builder = builder.weigher(|_, weight| *weight);
        }
        Self { ids: builder.build_with_hasher(RandomState::new()), evicted }
    }

    /// Tell of the hits since the last call.
    pub fn learn(&self, ring: &Ring) {
        for id in ring.drain() {
            self.ids.get(&id);
        }
    }

    /// Add an entry; the ids that have to go for it, which may include its own.
    #[must_use]
    pub fn admit(&self, id: u64, weight: u32) -> Vec<u64> {
        // What was read before must count before: both logs of moka are emptied in order.
        self.ids.run_pending_tasks();
        self.ids.insert(id, weight);
        self.ids.run_pending_tasks();
        std::mem::take(&mut *self.evicted.lock())
    }

    /// Forget an entry that left for another reason.
    pub fn forget(&self, id: u64) {
        self.ids.invalidate(&id);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Keeper, Policy, RING, Ring};

    fn marked(ids: &[u64]) -> Ring {
        let ring = Ring::default();
        ids.iter().for_each(|id| ring.mark(*id));
        ring
    }

    #[test]
    fn the_least_recently_used_id_goes_first() {
        let keeper = Keeper::new(3, Policy::Lru, false);
        for id in 1..=3 {
            assert!(keeper.admit(id, 1).is_empty());
        }
        keeper.learn(&marked(&[1, 3]));
        assert_eq!(keeper.admit(4, 1), [2]);
        assert_eq!(keeper.admit(5, 1), [1]);
    }

    #[test]
    fn a_weight_that_does_not_fit_evicts_until_it_does() {
        let keeper = Keeper::new(10, Policy::Lru, true);
        assert!(keeper.admit(1, 4).is_empty());
        assert!(keeper.admit(2, 4).is_empty());
        assert_eq!(keeper.admit(3, 6), [1]);
    }

    #[test]
    fn a_forgotten_id_makes_room() {
        let keeper = Keeper::new(2, Policy::Lru, false);
        drop((keeper.admit(1, 1), keeper.admit(2, 1)));
        keeper.forget(1);
        assert!(keeper.admit(3, 1).is_empty());
    }

    #[test]
    fn a_hot_set_survives_a_scan_under_tiny_lfu() {
        let keeper = Keeper::new(10, Policy::TinyLfu, false);
        let hot: Vec<u64> = (1..=10).collect();
        hot.iter().for_each(|id| drop(keeper.admit(*id, 1)));
        for _ in 0..20 {
            keeper.learn(&marked(&hot));
        }
        let evicted: Vec<u64> = (100..200).flat_map(|id| keeper.admit(id, 1)).collect();
        assert!(hot.iter().filter(|id| evicted.contains(id)).count() <= 1);
    }

    #[test]
    fn the_ring_keeps_the_latest_marks_in_order() {
        let ids: Vec<u64> = (1..=RING as u64 + 5).collect();
        let drained: Vec<u64> = marked(&ids).drain().collect();
        assert_eq!(drained, &ids[5..]);
    }
}
