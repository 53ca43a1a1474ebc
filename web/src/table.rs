//! Rows by key, shared between the frames in which they didn't change.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// A map that is cloned by reference, and copied when it is written to while others hold it.
#[derive(Debug)]
pub struct Table<T>(Rc<BTreeMap<String, T>>);

impl<T> Table<T> {
    /// Returns whether both are one map: then nothing was written between them.
    pub fn same(&self, other: &Table<T>) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Table(self.0.clone())
    }
}

/// Two tables are the same where nothing was written between them.
impl<T> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        self.same(other)
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table(Rc::default())
    }
}

impl<T> Deref for Table<T> {
    type Target = BTreeMap<String, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Clone> DerefMut for Table<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Rc::make_mut(&mut self.0)
    }
}

impl<'a, T> IntoIterator for &'a Table<T> {
    type Item = (&'a String, &'a T);
    type IntoIter = btree_map::Iter<'a, String, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Clone> FromIterator<(String, T)> for Table<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(rows: I) -> Self {
        Table(Rc::new(rows.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_copied_only_when_written_to() {
        let mut table: Table<u32> = [("a".to_owned(), 1)].into_iter().collect();
        let before = table.clone();
        assert!(table.same(&before));
        table.insert("b".into(), 2);
        assert!(!table.same(&before));
        assert_eq!((before.len(), table.len()), (1, 2));
    }
}
