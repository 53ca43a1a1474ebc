use api::{Map, Value};

/// A map that is copied at its first change.
pub(super) struct Draft<'a> {
    given: &'a Map,
    changed: Option<Map>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(given: &'a Map) -> Draft<'a> {
        Draft { given, changed: None }
    }

    /// Returns the value of a key; null where there is none.
    pub(super) fn get(&self, key: &str) -> &Value {
        const NULL: &Value = &Value::Null;
        self.changed.as_ref().unwrap_or(self.given).get(key).unwrap_or(NULL)
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.get(key).str()
    }

    /// Returns whether the key has no value, or one that Go leaves out.
    pub(super) fn lacks(&self, key: &str) -> bool {
        self.get(key).is_empty()
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.map_mut().insert(key, value);
    }

    pub(super) fn remove(&mut self, key: &str) {
        if !self.get(key).is_null() {
            self.map_mut().remove(key);
        }
    }

    /// Changes the value of a key by a function that returns `None` where it needs no change.
    pub(super) fn update(&mut self, key: &str, change: impl FnOnce(&Value) -> Option<Value>) {
        if let Some(value) = change(self.get(key)) {
            self.set(key, value);
        }
    }

    /// Returns the map if it was changed.
    pub(super) fn changed(self) -> Option<Value> {
        self.changed.map(Value::from)
    }

    fn map_mut(&mut self) -> &mut Map {
        self.changed.get_or_insert_with(|| self.given.clone())
    }
}

/// Changes a map by a function; `None` where it changed nothing, or where the value is no map.
pub(super) fn within(value: &Value, change: impl FnOnce(&mut Draft)) -> Option<Value> {
    let mut draft = Draft::new(value.as_map()?);
    change(&mut draft);
    draft.changed()
}

/// Changes the items of a list by a function that returns `None` where one needs no change.
pub(super) fn each(value: &Value, change: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let items = value.as_list()?;
    let mut changed: Option<Vec<Value>> = None;
    for (i, item) in items.iter().enumerate() {
        if let Some(new) = change(item) {
            let list = changed.get_or_insert_with(|| items.to_vec());
            if let Some(slot) = list.get_mut(i) {
                *slot = new;
            }
        }
    }
    changed.map(Value::from)
}
