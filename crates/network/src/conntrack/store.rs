//! Where connections are kept: found by the ends of either direction, as the kernel's hash table finds
//! them, and by which of them ends first.
// Models net/netfilter/nf_conntrack_core.c nf_conntrack_hash

use super::{Connection, Direction, Tuple};
use hashbrown::HashTable;
use sim::Time;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// How many moments are kept before the first that are over are forgotten.
const FEW: usize = 32;

/// A connection's place.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Which connection is here, counted from the first that there was; none where the place is free.
    number: Option<u64>,
    connection: Connection,
    keys: [u128; 2],
    /// The earliest moment at which `by_expiry` has it: no later than it ends, as it may have been
    /// prolonged since.
    look_at: Time,
}

/// Where the connection with some ends is.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u64,
    place: u32,
    side: Direction,
}

/// Connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// By the hash of their ends. Nobody goes through it, so that its order is nobody's.
    table: HashTable<Entry>,
    /// When to look whether a connection ends: (moment, its number, its place).
    by_expiry: BinaryHeap<Reverse<(Time, u64, u32)>>,
    numbers: u64,
    /// How many of them make room for others.
    loose: usize,
}

impl Store {
    /// Returns how many connections there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Finds the connection with these ends.
    pub(super) fn find(&self, tuple: &Tuple) -> Option<(u32, Direction)> {
        let key = tuple.key();
        let is_it = |entry: &Entry| {
            self.slots.get(entry.place as usize).is_some_and(|slot| slot.keys[entry.side as usize] == key)
        };
        self.table.find(hash(key), is_it).map(|entry| (entry.place, entry.side))
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
        self.loose += usize::from(connection.is_loose());
        let slot = Slot {
            number: Some(number),
            connection,
            keys: [connection.original.key(), connection.reply.key()],
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
        for (side, key) in ends(&slot.keys) {
            let entry = Entry { hash: hash(key), place, side };
            self.table.insert_unique(entry.hash, entry, |entry| entry.hash);
        }
        self.sweep();
    }

    /// Changes the connection at a place.
    pub(super) fn change(&mut self, place: u32, change: impl FnOnce(&mut Connection)) {
        let Some(slot) = self.slots.get_mut(place as usize) else { return };
        let Some(number) = slot.number else { return };
        let was_loose = slot.connection.is_loose();
        change(&mut slot.connection);
        self.loose += usize::from(slot.connection.is_loose());
        self.loose -= usize::from(was_loose);
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
        self.loose -= usize::from(slot.connection.is_loose());
        for (side, key) in ends(&slot.keys) {
            let is_it = |entry: &Entry| entry.place == place && entry.side == side;
            if let Ok(entry) = self.table.find_entry(hash(key), is_it) {
                entry.remove();
            }
        }
        self.free.push(place);
    }

    /// Takes out the connection that ends first, of those that make room for others or are over. Returns whether
    /// there is one.
    pub(super) fn remove_first_to_end(&mut self, now: Time) -> bool {
        let mut kept = Vec::new();
        let mut found = None;
        // Who is to stay is looked at again at the same moment.
        while let Some(place) = self.first_to_end() {
            let Some(slot) = self.slots.get(place as usize) else { break };
            if slot.connection.is_loose() || slot.connection.expires <= now {
                found = Some(place);
                break;
            }
            kept.extend(slot.number.map(|number| Reverse((slot.look_at, number, place))));
            if self.loose == 0 {
                break;
            }
        }
        self.by_expiry.extend(kept);
        if let Some(place) = found {
            self.remove(place);
        }
        found.is_some()
    }

    fn first_to_end(&mut self) -> Option<u32> {
        loop {
            let mut first = self.by_expiry.peek_mut()?;
            let Reverse((at, number, place)) = *first;
            let slot = self.slots.get_mut(place as usize).filter(|slot| slot.number == Some(number));
            match slot {
                Some(slot) if slot.connection.expires > at => {
                    slot.look_at = slot.connection.expires;
                    *first = Reverse((slot.look_at, number, place));
                }
                slot => {
                    let found = slot.map(|_| place);
                    PeekMut::pop(first);
                    if found.is_some() {
                        return found;
                    }
                }
            }
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

    /// Forgets, now and then, to look at connections that are gone.
    fn sweep(&mut self) {
        if self.by_expiry.len() > 4 * self.len() + FEW {
            let slots = self.slots.iter().enumerate();
            let looks =
                slots.filter_map(|(place, slot)| Some(Reverse((slot.look_at, slot.number?, place as u32))));
            self.by_expiry = looks.collect();
        }
    }
}

/// Returns the ends by which a connection is found. Where both are the same, the answers' are.
fn ends(keys: &[u128; 2]) -> impl Iterator<Item = (Direction, u128)> + use<> {
    let [original, reply] = *keys;
    let asking = (original != reply).then_some((Direction::Original, original));
    asking.into_iter().chain([(Direction::Reply, reply)])
}

fn hash(key: u128) -> u64 {
    let folded = (key as u64) ^ ((key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = folded.wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
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
        Connection {
            original,
            reply,
            state: TrackState::Unreplied,
            began: Time(0),
            expires: Time(expires),
            is_assured: false,
        }
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
                    assert!(store.remove_first_to_end(Time(0)));
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
        assert!(store.by_expiry.len() <= 4 * store.len() + FEW + 1);
        assert!(!order.is_empty());
        assert_eq!(store.table.len(), 2 * order.len());
    }

    #[test]
    fn of_equal_ends_the_answers_are_found() {
        let mut store = Store::default();
        let mut one = connection(80, 9);
        one.original.source = one.original.destination;
        one.reply = one.original;
        store.insert(one);
        assert_eq!(store.find(&one.original), Some((0, Direction::Reply)));
        store.remove(0);
        assert!(store.find(&one.original).is_none());
        assert!(store.table.is_empty());
    }
}
