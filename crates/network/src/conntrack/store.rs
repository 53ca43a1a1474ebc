//! Where connections are kept: found by the ends of either direction, as the kernel's hash table finds
//! them, and by which of them ends first.
// Models net/netfilter/nf_conntrack_core.c nf_conntrack_hash

use super::{Connection, Direction, Tuple};
use sim::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Stands for no node of a bucket.
const NONE: u32 = u32::MAX;
/// How many buckets the first connection makes.
const FIRST_BUCKETS: usize = 16;

/// A connection's place. Its two nodes, one a direction, hang in the buckets of their ends.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Which connection is here, counted from the first that there was; none where the place is free.
    number: Option<u64>,
    connection: Connection,
    keys: [u128; 2],
    /// The node after each of the two in its bucket.
    next: [u32; 2],
    /// The earliest moment at which `by_expiry` has it: no later than it ends, as it may have been
    /// prolonged since.
    look_at: Time,
}

/// Connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The first node of each bucket: twice the place, and one more for the answers' direction.
    buckets: Vec<u32>,
    /// When to look whether a connection ends: (moment, its number, its place).
    by_expiry: BinaryHeap<Reverse<(Time, u64, u32)>>,
    numbers: u64,
}

impl Store {
    /// Returns how many connections there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Finds the connection with these ends.
    pub(super) fn find(&self, tuple: &Tuple) -> Option<(u32, Direction)> {
        let key = tuple.key();
        let mut node = *self.buckets.get(bucket(key, self.buckets.len()))?;
        while node != NONE {
            let (place, side) = parts(node);
            let slot = self.slots.get(place)?;
            if slot.keys[side] == key {
                return Some((place as u32, if side == 0 { Direction::Original } else { Direction::Reply }));
            }
            node = slot.next[side];
        }
        None
    }

    /// Returns the connection at a place.
    pub(super) fn get(&self, place: u32) -> Option<&Connection> {
        let slot = self.slots.get(place as usize)?;
        slot.number.map(|_| &slot.connection)
    }

    /// Adds a connection whose ends nobody has.
    pub(super) fn insert(&mut self, connection: Connection) {
        let number = self.numbers;
        self.numbers += 1;
        let slot = Slot {
            number: Some(number),
            connection,
            keys: [connection.original.key(), connection.reply.key()],
            next: [NONE; 2],
            look_at: connection.expires,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        self.by_expiry.push(Reverse((slot.look_at, number, place)));
        if self.len() > self.buckets.len() {
            self.grow();
        } else {
            self.link(place as usize);
        }
        self.sweep();
    }

    /// Changes the connection at a place.
    pub(super) fn change(&mut self, place: u32, change: impl FnOnce(&mut Connection)) {
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        let Some(number) = slot.number else { return };
        change(&mut slot.connection);
        if slot.connection.expires < slot.look_at {
            slot.look_at = slot.connection.expires;
            self.by_expiry.push(Reverse((slot.look_at, number, place)));
            self.sweep();
        }
    }

    /// Takes out the connection at a place.
    pub(super) fn remove(&mut self, place: u32) {
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        if slot.number.take().is_none() {
            return;
        }
        let keys = slot.keys;
        for (side, key) in keys.into_iter().enumerate() {
            self.unlink(place * 2 + side as u32, key);
        }
        self.free.push(place);
    }

    /// Takes out the connection that ends first.
    pub(super) fn remove_first_to_end(&mut self) {
        while let Some(Reverse((at, number, place))) = self.by_expiry.pop() {
            let Some(slot) = self.slots.get_mut(place as usize) else { continue };
            if slot.number != Some(number) {
                continue;
            }
            if slot.connection.expires <= at {
                return self.remove(place);
            }
            slot.look_at = slot.connection.expires;
            self.by_expiry.push(Reverse((slot.look_at, number, place)));
        }
    }

    /// Takes out everything.
    pub(super) fn clear(&mut self) {
        *self = Store { numbers: self.numbers, ..Store::default() };
    }

    /// Returns the connections with their places, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Connection)> {
        let numbered = self.slots.iter().enumerate();
        let mut all: Vec<_> =
            numbered.filter_map(|(place, slot)| Some((slot.number?, place, slot))).collect();
        all.sort_unstable_by_key(|(number, ..)| *number);
        all.into_iter().map(|(_, place, slot)| (place as u32, &slot.connection))
    }

    /// Hangs both nodes of a place in their buckets. Where both have the same ends, the answers' is found.
    fn link(&mut self, place: usize) {
        let buckets = self.buckets.len();
        let Some(slot) = self.slots.get_mut(place) else { return };
        for side in 0..2 {
            if let Some(first) = self.buckets.get_mut(bucket(slot.keys[side], buckets)) {
                slot.next[side] = std::mem::replace(first, (place * 2 + side) as u32);
            }
        }
    }

    fn unlink(&mut self, node: u32, key: u128) {
        let first = bucket(key, self.buckets.len());
        let (place, side) = parts(node);
        let after = self.slots[place].next[side];
        let mut at = self.buckets[first];
        if at == node {
            self.buckets[first] = after;
            return;
        }
        while at != NONE {
            let (place, side) = parts(at);
            let next = &mut self.slots[place].next[side];
            if *next == node {
                *next = after;
                return;
            }
            at = *next;
        }
    }

    fn grow(&mut self) {
        let buckets = (self.buckets.len() * 2).max(FIRST_BUCKETS);
        self.buckets = vec![NONE; buckets];
        for place in 0..self.slots.len() {
            if self.slots[place].number.is_some() {
                self.link(place);
            }
        }
    }

    /// Forgets, now and then, to look at connections that are gone.
    fn sweep(&mut self) {
        if self.by_expiry.len() > 4 * self.len() + FIRST_BUCKETS {
            let slots = self.slots.iter().enumerate();
            let looks =
                slots.filter_map(|(place, slot)| Some(Reverse((slot.look_at, slot.number?, place as u32))));
            self.by_expiry = looks.collect();
        }
    }
}

/// Returns a node's place and side.
fn parts(node: u32) -> (usize, usize) {
    ((node / 2) as usize, (node % 2) as usize)
}

/// Returns the bucket of a key, of a number of them that is a power of two.
fn bucket(key: u128, buckets: usize) -> usize {
    let folded = (key as u64) ^ ((key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = folded.wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    (mixed >> 40) as usize & buckets.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conntrack::TrackState;
    use crate::{Protocol, Socket};
    use std::collections::BTreeMap;

    fn connection(n: u16, expires: i64) -> Connection {
        let (client, server) = (Socket::new([10, 0, 0, 1].into(), n), Socket::new([10, 0, 0, 2].into(), 80));
        let original = Tuple { source: client, destination: server, protocol: Protocol::Tcp };
        let reply = Tuple { source: server, destination: client, protocol: Protocol::Tcp };
        Connection { original, reply, state: TrackState::Unreplied, expires: Time(expires) }
    }

    /// Whatever is added, changed and taken out, it finds what a plain list of the same would.
    #[test]
    fn finds_what_a_plain_list_would() {
        let mut store = Store::default();
        let mut plain: BTreeMap<u16, i64> = BTreeMap::new();
        let mut order: Vec<u16> = Vec::new();
        for step in 0_u16..6_000 {
            let n = (u32::from(step) * 7_919 % 997) as u16;
            let end = i64::from(u32::from(step) * 31 % 1_009);
            match (store.find(&connection(n, 0).original), step % 4) {
                (None, _) => {
                    store.insert(connection(n, end));
                    plain.insert(n, end);
                    order.push(n);
                }
                (Some((place, _)), 0 | 1) => {
                    store.change(place, |one| one.expires = Time(end));
                    plain.insert(n, end);
                }
                (Some((place, _)), 2) => {
                    store.remove(place);
                    plain.remove(&n);
                    order.retain(|other| *other != n);
                }
                _ => {
                    store.remove_first_to_end();
                    let first =
                        order.iter().enumerate().min_by_key(|(i, n)| (plain[*n], *i)).map(|(_, n)| *n);
                    let first = first.unwrap();
                    plain.remove(&first);
                    order.retain(|other| *other != first);
                }
            }
            assert_eq!(store.len(), plain.len());
            let found = store.find(&connection(n, 0).reply);
            assert_eq!(
                found.and_then(|(place, _)| store.get(place)).map(|one| one.expires.0),
                plain.get(&n).copied()
            );
            assert!(found.is_none_or(|(_, direction)| direction == Direction::Reply));
        }
        let left: Vec<u16> = store.iter().map(|(_, one)| one.original.source.port).collect();
        assert_eq!(left, order);
        assert!(store.by_expiry.len() <= 4 * store.len() + FIRST_BUCKETS + 1);
        assert!(!order.is_empty());
    }
}
